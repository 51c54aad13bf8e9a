/* SPDX-License-Identifier: MIT */
#ifndef TOOL_CONVERSATION_WORKER_H
#define TOOL_CONVERSATION_WORKER_H

/* The worker of `reprise demo --worker`, and the state that outlives each process of the worker. */

#include <stdatomic.h>
#include <stdint.h>

#include <reprise/log.h>

enum {
	WORKER_MESSAGES = 20,
	WORKER_STEPS_MAX = 6, /* of a message */
	WORKER_DELIVERIES = 2 * WORKER_MESSAGES,
	WORKER_ID_BYTES = 48,
};

struct worker_message {
	char id[WORKER_ID_BYTES];
	uint32_t steps;
	_Atomic uint32_t effects[WORKER_STEPS_MAX]; /* the number of times each step was done */
};

/* Shared memory: a queue that delivers at least once, and the effects of the steps. */
struct worker_world {
	struct worker_message messages[WORKER_MESSAGES];
	uint32_t queue[WORKER_DELIVERIES]; /* numbers of messages, each number twice */
	_Atomic uint32_t acknowledged;     /* deliveries at the front of the queue that are done */
	_Atomic uint32_t deliveries, started, resumed, skipped, steps;
	/* A done step without a record: message * WORKER_STEPS_MAX + step + 1; or 0. */
	_Atomic uint32_t doing;
};

/* The conversation's key in the log. */
extern const struct reprise_log_key worker_key;

/* Works the deliveries until none is left. Returns the exit status. */
int worker_live(struct worker_world *world, const char *log);

#endif /* TOOL_CONVERSATION_WORKER_H */
