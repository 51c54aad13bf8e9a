/* SPDX-License-Identifier: MIT */

/*
 * lookup: finding a session by its id among many that retain nothing, and opening and closing a
 * writer on it. A few busy sessions, looked up again and again, are in the processor's caches; any
 * one of a million is not. So beside the second stand loads that depend on each other, from as much
 * memory as the sessions take: no look-up is faster than one of those. Churn: sessions come and go
 * meanwhile.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <reprise/reprise.h>

#include "result.h"
#include "rows.h"

enum {
	BUSY = 64, /* sessions that are looked up again and again */
	LOOKS = 100 * 1000,
	LINE_BYTES = 1024,
	ID_BYTES = 48,
};

typedef char id_text[ID_BYTES];

static struct reprise_store *store;
static uint64_t random_state = 1;

static void
id_of(size_t number, char *id)
{
	snprintf(id, ID_BYTES, "5f0c1d5e-7f3a-4a86-9d8e-%012zx", number);
}

static void
visit(const char *id)
{
	struct reprise_writer *writer = NULL;

	if (reprise_writer_open(store, id, NULL, &writer, NULL) != REPRISE_OK)
		harness_die("open failed");
	reprise_writer_close(writer);
}

/* The ids of the looks to come, in the order of looking. */
static id_text *
ids_among(size_t count)
{
	id_text *const ids = harness_allocate(LOOKS, sizeof(*ids));

	for (size_t i = 0; i < LOOKS; i++)
		id_of(random_below(&random_state, count), ids[i]);
	return ids;
}

/* Trimming to before the beginning does nothing but look the session up, and let it go again. */
static double
run_looks(id_text *ids)
{
	const uint64_t begin = now_ns();

	for (size_t i = 0; i < LOOKS; i++)
		if (reprise_session_trim_to(store, ids[i], 0) != REPRISE_OK)
			harness_die("look failed");
	return (double)(now_ns() - begin) / LOOKS;
}

static double
run_visits(id_text *ids)
{
	const uint64_t begin = now_ns();

	for (size_t i = 0; i < LOOKS; i++)
		visit(ids[i]);
	return (double)(now_ns() - begin) / LOOKS;
}

/* A circle through all lines, in random order. */
static void **
circle_open(size_t lines_count)
{
	unsigned char *const lines = mmap(NULL, lines_count * LINE_BYTES, PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t *const order = harness_allocate(lines_count, sizeof(*order));

	if (lines == MAP_FAILED || madvise(lines, lines_count * LINE_BYTES, MADV_NOHUGEPAGE) != 0)
		harness_die("no memory");
	for (size_t i = 0; i < lines_count; i++)
		order[i] = i;
	for (size_t i = lines_count - 1; i > 0; i--) {
		const size_t other = random_below(&random_state, i + 1);
		const size_t kept = order[i];

		order[i] = order[other];
		order[other] = kept;
	}
	for (size_t i = 0; i < lines_count; i++) {
		void *const next = lines + order[(i + 1) % lines_count] * LINE_BYTES;

		memcpy(lines + order[i] * LINE_BYTES, &next, sizeof(next));
	}
	free(order);
	return (void **)(void *)lines;
}

static double
run_loads(void **line)
{
	const uint64_t begin = now_ns();

	for (size_t i = 0; i < LOOKS; i++)
		line = *line;
	const uint64_t end = now_ns();

	return line == NULL ? 0 : (double)(end - begin) / LOOKS;
}

struct churn {
	pthread_t thread;
	atomic_int is_over;
	int core;
	atomic_uint_fast64_t rounds;
};

static void *
churn_main(void *argument)
{
	struct churn *const churn = argument;
	id_text id;

	harness_pin(churn->core);
	for (uint64_t i = 0; !atomic_load(&churn->is_over); i++) {
		struct reprise_writer *writer = NULL;

		snprintf(id, sizeof(id), "churn-%llu", (unsigned long long)i);
		if (reprise_writer_open(store, id, NULL, &writer, NULL) != REPRISE_OK)
			harness_die("open failed");
		if (reprise_append(writer, 0, 1, 0, (struct reprise_bytes){ "x", 1 }, NULL) !=
			    REPRISE_OK ||
		    reprise_writer_end(writer, 0) != REPRISE_OK)
			harness_die("append failed");
		reprise_writer_close(writer);
		/* Given back at once, not when there are too many. */
		if (reprise_session_invalidate(store, id) != REPRISE_OK)
			harness_die("invalidate failed");
		atomic_fetch_add(&churn->rounds, 1);
	}
	return NULL;
}

static void
print_ns(struct harness *harness, const char *what, size_t sessions, const double *values,
	 size_t runs, double goal)
{
	struct result result = { .name = "lookup",
				 .unit = "ns",
				 .values = values,
				 .runs = runs,
				 .ns = median_of(values, runs),
				 .goal_is = goal > 0 ? GOAL_AT_MOST : GOAL_NONE,
				 .goal = goal };

	snprintf(result.parameters, sizeof(result.parameters),
		 "\"side\":\"reprise\",\"sessions\":%zu,\"what\":\"%s\"", sessions, what);
	result_print(harness, &result);
}

static void
measure_sessions(struct harness *harness, size_t sessions)
{
	const struct reprise_store_options options = { .size = sizeof(options),
						       .sessions_max = REPRISE_NO_LIMIT };
	double busy[RUNS_MAX], any[RUNS_MAX], loads[RUNS_MAX], visits[RUNS_MAX], churned[RUNS_MAX];
	double ratios[RUNS_MAX];
	struct churn churn = { .core = harness->host_core };
	id_text id;
	size_t runs = 0;

	if (reprise_store_open(&options, &store, NULL) != REPRISE_OK)
		harness_die("open failed");
	for (size_t i = 0; i < sessions; i++) {
		id_of(i, id);
		visit(id);
	}
	id_text *const busy_ids = ids_among(BUSY);
	id_text *const any_ids = ids_among(sessions);
	void **const circle = circle_open(sessions);

	(void)run_looks(any_ids);
	for (; runs < harness->runs && !harness_is_interrupted(); runs++) {
		busy[runs] = run_looks(busy_ids);
		loads[runs] = run_loads(circle);
		any[runs] = run_looks(any_ids);
		visits[runs] = run_visits(busy_ids);
		ratios[runs] = any[runs] / loads[runs];
		atomic_store(&churn.is_over, 0);
		if (pthread_create(&churn.thread, NULL, churn_main, &churn) != 0)
			harness_die("no thread");
		churned[runs] = run_looks(busy_ids);
		atomic_store(&churn.is_over, 1);
		pthread_join(churn.thread, NULL);
	}
	if (runs > 0) {
		const bool is_goal = sessions == 1000000;
		struct result over = { .name = "lookup",
				       .unit = "ratio",
				       .values = ratios,
				       .runs = runs,
				       .ns = median_of(any, runs),
				       .over_ns = median_of(loads, runs) };

		print_ns(harness, "one of 64 busy sessions", sessions, busy, runs,
			 is_goal ? 100 : 0);
		snprintf(over.parameters, sizeof(over.parameters),
			 "\"side\":\"reprise\",\"sessions\":%zu,\"what\":\"any session\","
			 "\"over\":\"a load from as much memory\"",
			 sessions);
		result_print(harness, &over);
		print_ns(harness, "one of 64 busy sessions, with churn", sessions, churned, runs,
			 0);
		print_ns(harness, "open and close of a busy session", sessions, visits, runs, 0);
	}
	if (reprise_store_close(store) != REPRISE_OK)
		harness_die("close failed");
	munmap(circle, sessions * LINE_BYTES);
	free(busy_ids);
	free(any_ids);
}

void
measure_lookup(struct harness *harness)
{
	static const size_t sizes[] = { 1000, 10000, 100000 };

	for (size_t i = 0; !harness->is_quick && i < sizeof(sizes) / sizeof(sizes[0]); i++)
		measure_sessions(harness, sizes[i]);
	if (!harness_is_interrupted())
		measure_sessions(harness, 1000000);
}
