/* SPDX-License-Identifier: MIT */

/*
 * writers: an append through a shared writer. One thread, over a single writer's append; several threads at once, over the same
 * threads around a mutex and a single writer. The appended events are counted in the window.
 */

#include <pthread.h>

#include <reprise/reprise.h>

#include "result.h"
#include "rows.h"

enum {
	PAYLOAD_BYTES = 64,
	THREADS_MAX = 8,
	CHUNK = 1024, /* appends between two looks at the clock */
};

enum side {
	SIDE_SINGLE, /* one thread alone */
	SIDE_MUTEX,
	SIDE_SHARED,
};

struct run {
	struct reprise_session *session;
	enum side side;
	pthread_mutex_t mutex;
	uint64_t end_ns;
};

struct writer {
	pthread_t thread;
	struct run *run;
	uint64_t appended;
};

static unsigned char payload[PAYLOAD_BYTES];

static void
append_chunk(struct run *run)
{
	const struct reprise_bytes bytes = { payload, sizeof(payload) };

	for (int i = 0; i < CHUNK; i++) {
		if (run->side == SIDE_MUTEX)
			pthread_mutex_lock(&run->mutex);
		if (reprise_append(run->session, 0, 1, 0, bytes, NULL) != REPRISE_OK)
			harness_die("append failed");
		if (run->side == SIDE_MUTEX)
			pthread_mutex_unlock(&run->mutex);
	}
}

static void *
write_on(void *argument)
{
	struct writer *const writer = argument;

	do {
		append_chunk(writer->run);
		writer->appended += CHUNK;
	} while (now_ns() < writer->run->end_ns);
	return NULL;
}

/* Nanoseconds of the clock on the wall, for each append of any thread. */
static double
measure(struct harness *harness, enum side side, unsigned int threads)
{
	struct reprise_session_options options = REPRISE_SESSION_OPTIONS_INIT;
	struct reprise_session_stats stats = REPRISE_SESSION_STATS_INIT;
	struct run run = { .side = side, .mutex = PTHREAD_MUTEX_INITIALIZER };
	struct writer writers[THREADS_MAX];
	struct reprise_store *store = NULL;
	uint64_t appended = 0;

	options.is_shared = side == SIDE_SHARED;
	if (reprise_store_open(NULL, &store, NULL) != REPRISE_OK ||
	    reprise_session_open(store, "bench", &options, &run.session, NULL) != REPRISE_OK)
		harness_die("open failed");
	harness_settle(run.session);
	if (reprise_session_stats(store, "bench", &stats) != REPRISE_OK)
		harness_die("stats failed");
	const uint64_t before = stats.newest, begin = now_ns();

	run.end_ns = begin + (uint64_t)(harness->run_ns / 2);
	for (unsigned int i = 0; i < threads; i++) {
		writers[i] = (struct writer){ .run = &run };
		if (pthread_create(&writers[i].thread, NULL, write_on, &writers[i]) != 0)
			harness_die("pthread_create failed");
	}
	for (unsigned int i = 0; i < threads; i++) {
		pthread_join(writers[i].thread, NULL);
		appended += writers[i].appended;
	}
	const uint64_t end = now_ns();

	if (reprise_session_stats(store, "bench", &stats) != REPRISE_OK)
		harness_die("stats failed");
	harness->is_broken |= stats.newest - before != appended;
	reprise_session_close(run.session);
	if (reprise_store_close(store) != REPRISE_OK)
		harness_die("close failed");
	return (double)(end - begin) / (double)appended;
}

void
measure_writers(struct harness *harness)
{
	static const unsigned int threads[] = { 1, 2, 4, THREADS_MAX };

	for (size_t i = 0; i < sizeof(threads) / sizeof(threads[0]); i++) {
		const bool is_alone = threads[i] == 1;
		double shared[RUNS_MAX], over[RUNS_MAX], ratios[RUNS_MAX];
		size_t runs = 0;

		harness_progress("writers: %u threads", threads[i]);
		for (; runs < harness->runs && !harness_is_interrupted(); runs++) {
			over[runs] =
				measure(harness, is_alone ? SIDE_SINGLE : SIDE_MUTEX, threads[i]);
			shared[runs] = measure(harness, SIDE_SHARED, threads[i]);
			ratios[runs] = shared[runs] / over[runs];
		}
		if (runs == 0)
			return;
		struct result result = { .name = "writers",
					 .unit = "ratio",
					 .values = ratios,
					 .runs = runs,
					 .ns = median_of(shared, runs),
					 .over_ns = median_of(over, runs),
					 .goal_is = is_alone ? GOAL_AT_MOST : GOAL_NONE,
					 .goal = 2 };

		snprintf(result.parameters, sizeof(result.parameters),
			 "\"side\":\"reprise\",\"payload\":%d,\"threads\":%u,\"over\":\"%s\"",
			 PAYLOAD_BYTES, threads[i], is_alone ? "a single writer" : "a mutex");
		result_print(harness, &result);
	}
}
