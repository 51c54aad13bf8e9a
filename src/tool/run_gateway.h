/* SPDX-License-Identifier: MIT */
#ifndef TOOL_RUN_GATEWAY_H
#define TOOL_RUN_GATEWAY_H

/* The thread of the gateway of `reprise run`. */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <reprise/base.h>

struct reprise_gateway;

struct run_gateway {
	struct reprise_gateway *gateway; /* borrowed */
	pthread_t thread;
	bool has_thread;
	int done;              /* of eventfd: readable once the gateway has stopped; -1: closed */
	reprise_status status; /* of the run, since `done` */
};

/* False: errno says why. */
bool run_gateway_begin(struct run_gateway *run, struct reprise_gateway *gateway);

/* A second call may shorten the time. */
void run_gateway_stop(const struct run_gateway *run, uint32_t drain_ms);

/* Waits for the end of the thread. */
void run_gateway_join(struct run_gateway *run);

/* Whether a client has asked for anything. */
bool run_gateway_had_clients(const struct run_gateway *run);

#endif /* TOOL_RUN_GATEWAY_H */
