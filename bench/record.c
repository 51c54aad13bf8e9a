/* SPDX-License-Identifier: MIT */

/*
 * record: the rate of a recorder into a SQLite file, over bare inserts of the same rows into the
 * same table, in transactions as large as the recorder's were. Its writer appends to windows that
 * refuse, so that nothing is lost, and the recorder is what it waits for.
 */

#include <inttypes.h>

#include "bare.h"
#include "result.h"
#include "rows.h"

enum {
	SESSIONS_MAX = 64,
	WINDOW_EVENTS = 2048, /* by default */
	EVENTS_QUICK = 50 * 1000,
	EVENTS_FULL = 200 * 1000,
};

#define FLUSH_NS UINT64_C(60000000000)

struct bench {
	struct harness *harness;
	reprise_durability level;
	size_t sessions_count;
	uint64_t events_count;
	uint64_t batch; /* events of a transaction, in the recorder's last run */
	uint64_t recorded, lost;
};

static double
run_ours(struct bench *bench)
{
	struct durable durable;
	struct reprise_writer *writers[SESSIONS_MAX];
	uint64_t begin, ns;

	durable_open(bench->harness, &durable, "record", bench->level);
	for (size_t i = 0; i < bench->sessions_count; i++) {
		char id[32];

		snprintf(id, sizeof(id), "bench %zu", i);
		writers[i] = durable_session(&durable, id, REPRISE_WHEN_FULL_REFUSE);
	}
	const uint64_t batches_before = durable_stats(&durable).batches;

	begin = now_ns();
	durable_feed(writers, bench->sessions_count, bench->events_count);
	if (reprise_recorder_flush(durable.recorder, NULL, bench->level, FLUSH_NS) != REPRISE_OK)
		harness_die("flush failed");
	ns = now_ns() - begin;
	const struct reprise_recorder_stats stats = durable_stats(&durable);

	if (stats.recorded + stats.lost != bench->events_count || stats.failures != 0) {
		fprintf(stderr, "bench: BROKEN accounting of the recorder\n");
		bench->harness->is_broken = true;
	}
	bench->recorded += stats.recorded;
	bench->lost += stats.lost;
	bench->batch = stats.recorded / (stats.batches - batches_before);
	for (size_t i = 0; i < bench->sessions_count; i++)
		reprise_writer_close(writers[i]);
	durable_close(&durable);
	scratch_remove("record");
	return (double)ns / (double)bench->events_count;
}

/*
 * In the recorder's order: of each key what its window has room for, then of the next; as many in a
 * transaction as it took.
 */
static double
run_theirs(struct bench *bench)
{
	struct bare *const bare = bare_open("bare", bench->level == REPRISE_SYNCED);
	const uint64_t each = bench->events_count / bench->sessions_count;
	uint64_t count = 0;
	const uint64_t begin = now_ns();

	bare_begin(bare);
	for (uint64_t done = 0; done < each; done += WINDOW_EVENTS)
		for (uint64_t key = 1; key <= bench->sessions_count; key++)
			for (uint64_t i = done; i < done + WINDOW_EVENTS && i < each; i++) {
				if (count != 0 && count % bench->batch == 0) {
					bare_commit(bare);
					bare_begin(bare);
				}
				bare_insert(bare, key, i + 1);
				count++;
			}
	bare_commit(bare);
	const uint64_t ns = now_ns() - begin;

	bare_close(bare);
	scratch_remove("bare");
	return (double)ns / (double)count;
}

static void
print(const struct bench *bench, const double *ours, const double *theirs, size_t runs, double goal)
{
	double ratios[RUNS_MAX], rates[RUNS_MAX];

	for (size_t i = 0; i < runs; i++) {
		ratios[i] = theirs[i] / ours[i];
		rates[i] = 1e9 / ours[i];
	}
	struct result result = { .name = "record",
				 .unit = "ratio",
				 .values = ratios,
				 .runs = runs,
				 .ns = median_of(ours, runs),
				 .over_ns = median_of(theirs, runs),
				 .delivered = bench->recorded,
				 .lost = bench->lost,
				 .goal_is = goal > 0 ? GOAL_AT_LEAST : GOAL_NONE,
				 .goal = goal };
	const int used =
		snprintf(result.parameters, sizeof(result.parameters),
			 "\"payload\":%d,\"sessions\":%zu,\"durability\":\"%s\",\"batch\":%" PRIu64
			 ",\"on\":\"%s\"",
			 DURABLE_PAYLOAD_BYTES, bench->sessions_count,
			 bench->level == REPRISE_SYNCED ? "synced" : "written", bench->batch,
			 scratch_system());
	result_add(&result, "speed over", "bare inserts");
	result_print(bench->harness, &result);
	result.parameters[used] = '\0';
	result.unit = "events/s";
	result.values = rates;
	result.over_ns = 0;
	result.goal_is = GOAL_NONE;
	result_print(bench->harness, &result);
}

static void
measure_level(struct harness *harness, reprise_durability level, size_t sessions_count, double goal)
{
	struct bench bench = { .harness = harness,
			       .level = level,
			       .sessions_count = sessions_count,
			       .events_count = harness->is_quick ? EVENTS_QUICK : EVENTS_FULL };
	double ours[RUNS_MAX], theirs[RUNS_MAX];
	size_t runs = 0;

	/* A warm-up. */
	(void)run_ours(&bench);
	(void)run_theirs(&bench);
	bench.recorded = bench.lost = 0;
	for (; runs < harness->runs && !harness_is_interrupted(); runs++) {
		ours[runs] = run_ours(&bench);
		theirs[runs] = run_theirs(&bench);
	}
	if (runs > 0)
		print(&bench, ours, theirs, runs, goal);
}

void
measure_record(struct harness *harness)
{
	measure_level(harness, REPRISE_SYNCED, 1, 0.7);
	measure_level(harness, REPRISE_WRITTEN, 1, 0.7);
	if (harness->is_quick)
		return;
	measure_level(harness, REPRISE_SYNCED, SESSIONS_MAX, 0);
	measure_level(harness, REPRISE_WRITTEN, SESSIONS_MAX, 0);
}
