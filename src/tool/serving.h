/* SPDX-License-Identifier: MIT */
#ifndef TOOL_SERVING_H
#define TOOL_SERVING_H

/* A store with a gateway, and with a recorder if there is a log. */

#include <stdbool.h>
#include <stddef.h>

#include <reprise/gateway.h>
#include <reprise/recorder.h>

#include "tool/serve_arguments.h"
#include "tool/serve_log.h"
#include "tool/serve_memory.h"

enum {
	SERVING_ADDRESS_ROOM = 96,
};

/* The recorder's answer at the closing. */
struct serving_records {
	bool is_whole; /* all events are in the log, or there is no log */
	reprise_status status;
	struct reprise_recorder_stats stats;
};

struct serving {
	struct serve_request request; /* set before the opening */
	const int *sockets;           /* set before the opening; borrowed */
	size_t sockets_count;
	struct serve_log lines;
	struct serve_memory memory;
	struct reprise_store *store;
	struct reprise_log *log;           /* or NULL */
	struct reprise_recorder *recorder; /* or NULL */
	struct reprise_gateway *gateway;
	char address[SERVING_ADDRESS_ROOM]; /* without --listen */
	bool takes_free_port;
	struct serving_records records; /* set by the closing */
};

/* Answers an exit status: 0, or stderr has the reason. serving_close follows in any case. */
int serving_open(struct serving *serving);

/* False: the store could not be closed, and stderr has the reason. `records` is set. */
bool serving_close(struct serving *serving);

/* Says why a call has failed. Answers the exit status. */
int serving_say_failure(const struct serving *serving, reprise_status status,
			const struct reprise_error *error);

#endif /* TOOL_SERVING_H */
