/* SPDX-License-Identifier: MIT */
/*
 * A subscription that has read the log has a mebibyte of pages, as long as it is open. A client
 * that takes nothing for a while has no subscription: the answer keeps the rest of one event at
 * most, and goes on at its position once the client takes bytes again. A live client that has
 * everything gets a new subscription, which the window serves.
 */
#include <stdlib.h>
#include <string.h>

#include "gateway/durable_read.h"
#include "gateway/gateway.h"

enum {
	STALL_MS = 500
};

/* A payload is borrowed from the subscription. False: there is no memory for a copy. */
static bool
keep_rest(struct durable_read *read)
{
	if (read->rest.size == 0)
		return true;
	read->kept = malloc(read->rest.size);
	if (read->kept == NULL)
		return false;
	memcpy(read->kept, read->rest.data, read->rest.size);
	read->rest.data = read->kept;
	return true;
}

void
durable_suspend(struct durable_read *read)
{
	const struct request *const request = read->request;
	const uint64_t stall_ns = request->gateway->now_ns - read->moved_ns;

	if (read->is_suspended || http_pending(request->exchange) == 0 ||
	    stall_ns < STALL_MS * UINT64_C(1000000) || !keep_rest(read))
		return;
	durable_suspend_healed(read);
}

void
durable_suspend_healed(struct durable_read *read)
{
	watch_close(&read->watch);
	read->is_suspended = true;
	read->healed_bytes = 0;
}

void
durable_reopen(struct durable_read *read, void (*ready)(struct watch *watch))
{
	if (!durable_watch(read, ready))
		return;
	free(read->kept);
	read->kept = NULL;
	read->is_suspended = false;
	ready(&read->watch);
}
