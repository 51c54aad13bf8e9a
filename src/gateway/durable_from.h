/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_DURABLE_FROM_H
#define GATEWAY_DURABLE_FROM_H

/*
 * From an offset to a subscription. An offset is a position alone, and a subscription needs the
 * life of the position, too: the window's, or a life of the log.
 */

#include <stdbool.h>

#include <reprise/cursor.h>

#include "gateway/request.h"
#include "gateway/watch.h"
#include "gateway/work.h"

struct durable_from {
	struct request *request;   /* held until `found` */
	reprise_position position; /* the events behind are asked for */
	void (*found)(struct durable_from *from);

	/* Found, unless job.status says what failed: */
	bool is_expired;           /* the log does not keep all events behind `position`: */
	reprise_position earliest; /* the log keeps those behind this one */
	struct reprise_cursor cursor;
	struct job job;
};

/* Calls `found`, at once or later, on the loop. */
void durable_from_find(struct durable_from *from);
/*
 * Opens a subscription to the recorded events behind the place that was found, with @staging_bytes
 * of memory. @watch has the subscription then.
 */
reprise_status durable_from_open(const struct durable_from *from, uint64_t staging_bytes,
				 struct watch *watch, void (*ready)(struct watch *watch),
				 struct reprise_error *error);

#endif /* GATEWAY_DURABLE_FROM_H */
