/* SPDX-License-Identifier: MIT */

/*
 * heal: a host that comes after everything has left the window, which is gone, takes it all from
 * the log through reprise_next; over a bare SELECT of the same rows, which takes every column and
 * does nothing with it.
 */

#include <inttypes.h>

#include "bare.h"
#include "result.h"
#include "rows.h"

enum {
	EVENTS_QUICK = 100 * 1000,
	EVENTS_FULL = 1000 * 1000,
};

#define WAIT_NS UINT64_C(60000000000)

struct bench {
	struct harness *harness;
	uint64_t events_count;
	uint64_t delivered, healed, lost;
};

static void
take_all(struct bench *bench, struct reprise_subscription *subscription)
{
	volatile unsigned char byte = 0;

	for (uint64_t taken = 0; taken < bench->events_count;) {
		struct reprise_event event;
		struct reprise_gap gap;

		switch (reprise_next(subscription, &event, &gap, NULL)) {
		case REPRISE_NEXT_EVENT:
			byte = ((const unsigned char *)event.payload.data)[event.payload.size - 1];
			taken++;
			if (event.position != taken)
				bench->harness->is_broken = true;
			break;
		case REPRISE_NEXT_EMPTY:
			if (reprise_wait(subscription, WAIT_NS) != REPRISE_OK)
				harness_die("nothing comes from the log");
			break;
		case REPRISE_NEXT_GAP:
			taken += gap.lost;
			break;
		case REPRISE_NEXT_ENDED:
			harness_die("it has ended");
		}
	}
	(void)byte;
}

static double
run_ours(struct bench *bench)
{
	struct reprise_subscription *subscription = NULL;
	struct reprise_subscription_stats stats = { .size = sizeof(stats) };
	struct durable durable;

	durable_open(bench->harness, &durable, "heal", REPRISE_WRITTEN);
	const struct reprise_cursor cursor = durable_first_cursor(&durable);
	const uint64_t begin = now_ns();

	if (reprise_subscribe_after(durable.store, &cursor, NULL, &subscription, NULL) !=
	    REPRISE_OK)
		harness_die("subscribe failed");
	take_all(bench, subscription);
	const uint64_t ns = now_ns() - begin;

	if (reprise_subscription_stats(subscription, &stats) != REPRISE_OK ||
	    stats.delivered + stats.lost != bench->events_count)
		bench->harness->is_broken = true;
	bench->delivered += stats.delivered;
	bench->healed += stats.healed;
	bench->lost += stats.lost;
	reprise_subscription_close(subscription);
	durable_close(&durable);
	return (double)ns / (double)bench->events_count;
}

static double
run_theirs(const struct bench *bench)
{
	struct bare *const bare = bare_open_log("heal");
	const uint64_t begin = now_ns();

	if (bare_select(bare) != bench->events_count)
		bench->harness->is_broken = true;
	const uint64_t ns = now_ns() - begin;

	bare_close(bare);
	return (double)ns / (double)bench->events_count;
}

static void
print(const struct bench *bench, const double *ours, const double *theirs, size_t runs)
{
	double ratios[RUNS_MAX], rates[RUNS_MAX];

	for (size_t i = 0; i < runs; i++) {
		ratios[i] = theirs[i] / ours[i];
		rates[i] = 1e9 / ours[i];
	}
	struct result result = { .name = "heal",
				 .unit = "ratio",
				 .values = ratios,
				 .runs = runs,
				 .ns = median_of(ours, runs),
				 .over_ns = median_of(theirs, runs),
				 .delivered = bench->delivered,
				 .lost = bench->lost,
				 .goal_is = GOAL_AT_LEAST,
				 .goal = 0.7 };
	const int used = snprintf(result.parameters, sizeof(result.parameters),
				  "\"payload\":%d,\"events\":%" PRIu64 ",\"from log\":%" PRIu64
				  ",\"from ring\":%" PRIu64 ",\"on\":\"%s\"",
				  DURABLE_PAYLOAD_BYTES, bench->events_count, bench->healed,
				  bench->delivered - bench->healed, scratch_system());
	result_add(&result, "speed over", "bare select");
	result_print(bench->harness, &result);
	result.parameters[used] = '\0';
	result.unit = "events/s";
	result.values = rates;
	result.over_ns = 0;
	result.goal_is = GOAL_NONE;
	result_print(bench->harness, &result);
}

void
measure_heal(struct harness *harness)
{
	struct bench bench = { .harness = harness,
			       .events_count = harness->is_quick ? EVENTS_QUICK : EVENTS_FULL };
	double ours[RUNS_MAX], theirs[RUNS_MAX];
	size_t runs = 0;

	durable_make_log(harness, "heal", bench.events_count);
	/* A warm-up. */
	(void)run_ours(&bench);
	(void)run_theirs(&bench);
	bench.delivered = bench.healed = bench.lost = 0;
	for (; runs < harness->runs && !harness_is_interrupted(); runs++) {
		ours[runs] = run_ours(&bench);
		theirs[runs] = run_theirs(&bench);
	}
	if (runs > 0)
		print(&bench, ours, theirs, runs);
	scratch_remove("heal");
}
