/* SPDX-License-Identifier: MIT */

/*
 * append-cost-over-time: each append timed for itself, the first lap over untouched pages and later
 * laps apart; beside it the same for plain memory, which shows what the machine does to anybody.
 */

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <reprise/reprise.h>

#include "histogram.h"
#include "plot.h"
#include "result.h"
#include "rows.h"

enum {
	PAYLOAD_BYTES = 256,
	RECORD_BYTES = 40 + PAYLOAD_BYTES,
	ARENA_BYTES = 1 << 20,
	LAP = ARENA_BYTES / RECORD_BYTES,
	LAPS_LATER = 40,
	CLOCK_LOOKS = 1001,
};

/* The costs of one side. */
struct costs {
	struct histogram first, later;
};

static unsigned char payload[PAYLOAD_BYTES];

/* The ticks that the clock takes itself. */
static uint64_t
clock_ticks(void)
{
	double looks[CLOCK_LOOKS];

	for (size_t i = 0; i < CLOCK_LOOKS; i++) {
		const uint64_t before = now_ticks();

		looks[i] = (double)(now_ticks() - before);
	}
	return (uint64_t)median_of(looks, CLOCK_LOOKS);
}

static void
note(struct histogram *histogram, uint64_t ticks, uint64_t clock)
{
	histogram_add(histogram,
		      ticks < clock ? 0 : (uint64_t)((double)(ticks - clock) / ticks_per_ns()));
}

static void
run_ours(struct costs *costs, uint64_t clock)
{
	struct reprise_store *store = NULL;
	struct reprise_writer *writer = NULL;

	if (reprise_store_open(NULL, &store, NULL) != REPRISE_OK ||
	    reprise_writer_open(store, "bench", NULL, &writer, NULL) != REPRISE_OK)
		harness_die("open failed");
	harness_settle(writer);
	for (int i = 0; i < (1 + LAPS_LATER) * LAP; i++) {
		const uint64_t before = now_ticks();

		if (reprise_append(writer, 0, 1, 0,
				   (struct reprise_bytes){ payload, PAYLOAD_BYTES },
				   NULL) != REPRISE_OK)
			harness_die("append failed");
		note(i < LAP ? &costs->first : &costs->later, now_ticks() - before, clock);
	}
	reprise_writer_close(writer);
	if (reprise_store_close(store) != REPRISE_OK)
		harness_die("close failed");
}

static void
run_plain(struct costs *costs, uint64_t clock)
{
	unsigned char *const arena =
		mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t head = 0;

	if (arena == MAP_FAILED)
		harness_die("no memory");
	for (int i = 0; i < (1 + LAPS_LATER) * LAP; i++) {
		const uint64_t before = now_ticks();
		const size_t at = head + RECORD_BYTES > ARENA_BYTES ? 0 : head;

		memset(arena + at, 1, RECORD_BYTES - PAYLOAD_BYTES);
		memcpy(arena + at + RECORD_BYTES - PAYLOAD_BYTES, payload, PAYLOAD_BYTES);
		__asm__ volatile("" : : : "memory");
		head = at + RECORD_BYTES;
		note(i < LAP ? &costs->first : &costs->later, now_ticks() - before, clock);
	}
	munmap(arena, ARENA_BYTES);
}

static void
print(struct harness *harness, const char *side, const char *lap, const struct histogram *histogram)
{
	static const struct {
		const char *name;
		double at;
	} quantiles[] = { { "p50", 0.5 },     { "p90", 0.9 },       { "p99", 0.99 },
			  { "p99.9", 0.999 }, { "p99.99", 0.9999 }, { "p99.999", 0.99999 },
			  { "max", 1 } };
	char curve[32];

	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
		const double value = (double)histogram_at(histogram, quantiles[i].at);
		struct result result = {
			.name = "append-cost-over-time", .unit = "ns", .values = &value, .runs = 1
		};

		snprintf(result.parameters, sizeof(result.parameters),
			 "\"side\":\"%s\",\"payload\":%d,\"lap\":\"%s\",\"quantile\":\"%s\"", side,
			 PAYLOAD_BYTES, lap, quantiles[i].name);
		result_print(harness, &result);
	}
	if (harness->plot_dir == NULL)
		return;
	snprintf(curve, sizeof(curve), "%s.%s", side, lap);
	FILE *const file = plot_file(harness, "over-time", curve, "hgrm", "w");

	histogram_print(histogram, file);
	fclose(file);
}

void
measure_append_cost_over_time(struct harness *harness)
{
	struct costs *const ours = harness_allocate(1, sizeof(*ours));
	struct costs *const plain = harness_allocate(1, sizeof(*plain));
	const uint64_t clock = clock_ticks();

	for (size_t i = 0; i < 4 * harness->runs && !harness_is_interrupted(); i++) {
		run_plain(plain, clock);
		run_ours(ours, clock);
	}
	print(harness, "reprise", "first", &ours->first);
	print(harness, "reprise", "later", &ours->later);
	print(harness, "limit", "first", &plain->first);
	print(harness, "limit", "later", &plain->later);
	free(ours);
	free(plain);
}
