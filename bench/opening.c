/* SPDX-License-Identifier: MIT */

/*
 * opening: many new sessions are opened by one thread in a store with a log, by one call or by
 * a call each.
 */

#include <stdlib.h>

#include "durable.h"
#include "result.h"
#include "rows.h"

enum {
	ID_BYTES = 16,
};

static const char *const log_name = "opening";

struct many {
	struct reprise_writer_opening *openings;
	char (*ids)[ID_BYTES];
	size_t count;
};

static void
make_many(struct many *many, size_t count)
{
	many->count = count;
	many->openings = calloc(count, sizeof(*many->openings));
	many->ids = calloc(count, sizeof(*many->ids));
	if (many->openings == NULL || many->ids == NULL)
		harness_die("no memory");
	for (size_t i = 0; i < count; i++) {
		snprintf(many->ids[i], ID_BYTES, "session %zu", i);
		many->openings[i].session_id = many->ids[i];
	}
}

static bool
open_each(struct reprise_store *store, struct many *many)
{
	for (size_t i = 0; i < many->count; i++)
		if (reprise_writer_open(store, many->ids[i], NULL, &many->openings[i].writer,
					NULL) != REPRISE_OK)
			return false;
	return true;
}

/* Nanoseconds a session, with a new log. */
static double
open_once(struct harness *harness, struct many *many, bool is_together)
{
	struct durable durable;

	durable_open(harness, &durable, log_name, REPRISE_SYNCED);
	const uint64_t begin = now_ns();
	const bool is_open = is_together ? reprise_writers_open(durable.store, many->openings,
								many->count, NULL) == REPRISE_OK
					 : open_each(durable.store, many);
	const uint64_t ns = now_ns() - begin;

	if (!is_open)
		harness_die("the sessions do not open");
	for (size_t i = 0; i < many->count; i++)
		reprise_writer_close(many->openings[i].writer);
	durable_close(&durable);
	scratch_remove(log_name);
	return (double)ns / (double)many->count;
}

static void
measure(struct harness *harness, size_t count, bool is_together)
{
	struct result result = { .name = "opening", .unit = "ns" };
	double values[RUNS_MAX];
	struct many many;

	make_many(&many, count);
	result.values = values;
	while (result.runs < harness->runs && !harness_is_interrupted())
		values[result.runs++] = open_once(harness, &many, is_together);
	if (is_together) {
		result.goal_is = GOAL_AT_MOST;
		result.goal = 100000;
	}
	snprintf(result.parameters, sizeof(result.parameters),
		 "\"sessions\":%zu,\"calls\":%zu,\"on\":\"%s\"", count,
		 is_together ? (size_t)1 : count, scratch_system());
	if (result.runs > 0)
		result_print(harness, &result);
	free(many.openings);
	free(many.ids);
}

void
measure_opening(struct harness *harness)
{
	measure(harness, harness->is_quick ? 2000 : 20000, true);
	measure(harness, harness->is_quick ? 200 : 1000, false);
}
