/* SPDX-License-Identifier: MIT */

/*
 * once: reprise_append_once in a deduplicated session, over reprise_append in a plain one; with
 * keys that are new, and with the keys of the newest events again. The appended events are counted
 * in the window.
 */

#include <reprise/reprise.h>

#include "result.h"
#include "rows.h"

enum {
	CHUNK = 1024, /* appends between two looks at the clock; as many keys are delivered again */
};

enum side {
	SIDE_PLAIN,
	SIDE_NEW,
	SIDE_KNOWN,
};

static unsigned char payload[256];

/* Keys as hosts have them: no order in them, and all different. */
static uint64_t
key_of(uint64_t number)
{
	return number * UINT64_C(0x9e3779b97f4a7c15);
}

static void
append_chunk(struct reprise_writer *writer, enum side side, size_t payload_bytes, uint64_t first)
{
	const struct reprise_bytes bytes = { payload, payload_bytes };
	int32_t is_new = side == SIDE_NEW;

	for (uint64_t i = first; i < first + CHUNK; i++) {
		const reprise_status status =
			side == SIDE_PLAIN ? reprise_append(writer, 0, 1, 0, bytes, NULL)
					   : reprise_append_once(writer, key_of(i), 0, 1, 0, bytes,
								 NULL, &is_new);

		if (status != REPRISE_OK || is_new != (side == SIDE_NEW))
			harness_die("append failed");
	}
}

/* ns an append */
static double
run(struct harness *harness, enum side side, size_t payload_bytes)
{
	struct reprise_session_options options = REPRISE_SESSION_OPTIONS_INIT;
	struct reprise_session_stats stats = REPRISE_SESSION_STATS_INIT;
	struct reprise_store *store = NULL;
	struct reprise_writer *writer = NULL;
	uint64_t number = 0, appended = 0, before;

	options.is_deduplicated = side != SIDE_PLAIN;
	if (reprise_store_open(NULL, &store, NULL) != REPRISE_OK ||
	    reprise_writer_open(store, "bench", &options, &writer, NULL) != REPRISE_OK)
		harness_die("open failed");
	harness_settle(writer);
	for (; number < 20 * (uint64_t)CHUNK; number += CHUNK)
		append_chunk(writer, side == SIDE_PLAIN ? SIDE_PLAIN : SIDE_NEW, payload_bytes,
			     number);
	if (reprise_session_stats(store, "bench", &stats) != REPRISE_OK)
		harness_die("stats failed");
	before = stats.newest;
	const uint64_t begin = now_ns();
	uint64_t end;

	do {
		append_chunk(writer, side, payload_bytes,
			     side == SIDE_KNOWN ? number - CHUNK : number + appended);
		appended += CHUNK;
		end = now_ns();
	} while ((double)(end - begin) < harness->run_ns / 2);
	if (reprise_session_stats(store, "bench", &stats) != REPRISE_OK)
		harness_die("stats failed");
	harness->is_broken |= stats.newest - before != (side == SIDE_KNOWN ? 0 : appended);
	reprise_writer_close(writer);
	if (reprise_store_close(store) != REPRISE_OK)
		harness_die("close failed");
	return (double)(end - begin) / (double)appended;
}

void
measure_once(struct harness *harness)
{
	static const struct {
		enum side side;
		size_t payload_bytes;
		const char *keys;
	} rows[] = {
		{ SIDE_NEW, 64, "new" },
		{ SIDE_KNOWN, 64, "known" },
		{ SIDE_NEW, 256, "new" },
		{ SIDE_KNOWN, 256, "known" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		double once[RUNS_MAX], plain[RUNS_MAX], ratios[RUNS_MAX];
		size_t runs = 0;

		for (; runs < harness->runs && !harness_is_interrupted(); runs++) {
			plain[runs] = run(harness, SIDE_PLAIN, rows[i].payload_bytes);
			once[runs] = run(harness, rows[i].side, rows[i].payload_bytes);
			ratios[runs] = once[runs] / plain[runs];
		}
		if (runs == 0)
			return;
		struct result result = { .name = "once",
					 .unit = "ratio",
					 .values = ratios,
					 .runs = runs,
					 .ns = median_of(once, runs),
					 .over_ns = median_of(plain, runs) };

		snprintf(result.parameters, sizeof(result.parameters),
			 "\"side\":\"reprise\",\"payload\":%zu,\"keys\":\"%s\",\"over\":\"append\"",
			 rows[i].payload_bytes, rows[i].keys);
		result_print(harness, &result);
	}
}
