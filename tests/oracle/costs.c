/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "model.h"

/*
 * The bytes that a window and a staging count for: no rule says them in numbers, so a scratch store
 * is asked, once for each shape. That the same shape always counts for the same is then held
 * against every store.
 */

enum {
	COSTS_MAX = 2048,
};

struct cost {
	struct model_bounds bounds;
	uint64_t staging_bytes; /* 0: the window's own */
	uint64_t bytes;
};

static struct cost costs[COSTS_MAX];
static size_t costs_count;

static void
must(bool is_so)
{
	if (!is_so)
		abort();
}

static struct reprise_store_stats
stats_of(struct reprise_store *store)
{
	struct reprise_store_stats stats = { .size = sizeof(stats) };

	must(reprise_store_stats(store, &stats) == REPRISE_OK);
	return stats;
}

static uint64_t
ask(const struct model_bounds *bounds, uint64_t staging_bytes)
{
	const struct reprise_session_options window = {
		.size = sizeof(window),
		.events_max = bounds->events_max,
		.bytes_max = bounds->bytes_max,
		.is_deduplicated = bounds->is_deduplicated,
	};
	const struct reprise_store_options options = { .size = sizeof(options),
						       .session = &window };
	const struct reprise_subscription_options staging = { .size = sizeof(staging),
							      .staging_bytes = staging_bytes };
	struct reprise_store *store = NULL;
	struct reprise_cursor cursor;
	struct reprise_subscription *subscription = NULL;
	uint64_t bytes;

	must(reprise_store_open(&options, &store, NULL) == REPRISE_OK);
	must(reprise_session_create(store, "s", NULL, NULL) == REPRISE_OK);
	must(reprise_session_current_cursor(store, "s", 0, &cursor) == REPRISE_OK);
	bytes = stats_of(store).bytes;
	if (staging_bytes != 0) {
		must(reprise_subscribe_after(store, &cursor, &staging, &subscription, NULL) ==
		     REPRISE_OK);
		bytes = stats_of(store).staging_bytes;
		reprise_subscription_close(subscription);
	}
	must(reprise_store_close(store) == REPRISE_OK);
	return bytes;
}

static uint64_t
cost_of(const struct model_bounds *bounds, uint64_t staging_bytes)
{
	for (size_t i = 0; i < costs_count; i++)
		if (costs[i].bounds.events_max == bounds->events_max &&
		    costs[i].bounds.bytes_max == bounds->bytes_max &&
		    costs[i].bounds.is_deduplicated == bounds->is_deduplicated &&
		    costs[i].staging_bytes == staging_bytes)
			return costs[i].bytes;
	must(costs_count < COSTS_MAX);
	costs[costs_count] = (struct cost){ .bounds = *bounds,
					    .staging_bytes = staging_bytes,
					    .bytes = ask(bounds, staging_bytes) };
	return costs[costs_count++].bytes;
}

uint64_t
model_window_cost(const struct model_bounds *bounds)
{
	return cost_of(bounds, 0);
}

uint64_t
model_staging_cost(const struct model_bounds *bounds, uint64_t staging_bytes)
{
	return cost_of(bounds, staging_bytes);
}
