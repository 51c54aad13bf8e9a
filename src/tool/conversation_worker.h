/* SPDX-License-Identifier: MIT */
#ifndef TOOL_CONVERSATION_WORKER_H
#define TOOL_CONVERSATION_WORKER_H

/* The worker of `reprise demo --worker`, and the world outside of it, which outlives each of its processes. */

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
	_Atomic uint32_t effects[WORKER_STEPS_MAX]; /* how often each step was done */
};

/* In memory that the processes share: a queue that delivers at least once, and what the steps have done. */
struct worker_world {
	struct worker_message messages[WORKER_MESSAGES];
	uint32_t queue[WORKER_DELIVERIES]; /* numbers of messages, each twice, in any order */
	_Atomic uint32_t acknowledged;     /* deliveries at the queue's begin that are done with */
	_Atomic uint32_t deliveries, started, resumed, skipped, steps;
	_Atomic uint32_t
		doing; /* a step is done and not recorded: its message * WORKER_STEPS_MAX + step + 1; or 0 */
};

/* The conversation's key in the log. */
extern const struct reprise_log_key worker_key;

/* Works the deliveries until none is left. Answers the exit status. */
int worker_live(struct worker_world *world, const char *log);

#endif /* TOOL_CONVERSATION_WORKER_H */
