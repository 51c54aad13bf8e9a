/* SPDX-License-Identifier: MIT */

/*
 * writers: an append through a shared writer. One thread, over a single writer's append; several
 * threads at once, over the same threads around a mutex and a single writer. The appended events
 * are counted in the window. Then beside the peers that several threads may append to, with
 * nobody there and under one host that polls; the goal is over the best peer that keeps one order
 * of all events.
 */

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <reprise/reprise.h>

#include "contest.h"
#include "rows.h"

enum {
	PEERS_COUNT = 6,
	PAYLOAD_BYTES = 64,
	THREADS_MAX = 8,
	CHUNK = 1024, /* appends between two looks at the clock */
};

enum way {
	WAY_SINGLE, /* one thread alone */
	WAY_MUTEX,
	WAY_SHARED,
};

struct run {
	struct reprise_writer *writer;
	enum way way;
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
		if (run->way == WAY_MUTEX)
			pthread_mutex_lock(&run->mutex);
		if (reprise_append(run->writer, 0, 1, 0, bytes, NULL) != REPRISE_OK)
			harness_die("append failed");
		if (run->way == WAY_MUTEX)
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
measure(struct harness *harness, enum way way, unsigned int threads)
{
	struct reprise_session_options options = REPRISE_SESSION_OPTIONS_INIT;
	struct reprise_session_stats stats = REPRISE_SESSION_STATS_INIT;
	struct run run = { .way = way, .mutex = PTHREAD_MUTEX_INITIALIZER };
	struct writer writers[THREADS_MAX];
	struct reprise_store *store = NULL;
	uint64_t appended = 0;

	options.is_shared = way == WAY_SHARED;
	if (reprise_store_open(NULL, &store, NULL) != REPRISE_OK ||
	    reprise_writer_open(store, "bench", &options, &run.writer, NULL) != REPRISE_OK)
		harness_die("open failed");
	harness_settle(run.writer);
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
	reprise_writer_close(run.writer);
	if (reprise_store_close(store) != REPRISE_OK)
		harness_die("close failed");
	return (double)(end - begin) / (double)appended;
}

/* In one process; each run beside one of the other side. */
static void
measure_shared(struct harness *harness)
{
	static const unsigned int threads[] = { 1, 2, 4, THREADS_MAX };

	for (size_t i = 0; i < sizeof(threads) / sizeof(threads[0]); i++) {
		const bool is_alone = threads[i] == 1;
		double shared[RUNS_MAX], over[RUNS_MAX], ratios[RUNS_MAX];
		size_t runs = 0;

		harness_progress("writers: %u threads", threads[i]);
		for (; runs < harness->runs && !harness_is_interrupted(); runs++) {
			over[runs] =
				measure(harness, is_alone ? WAY_SINGLE : WAY_MUTEX, threads[i]);
			shared[runs] = measure(harness, WAY_SHARED, threads[i]);
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

/* Ours first; whether all hosts of a side see the events of all writers in one order. */
static const struct peer {
	const char *name;
	bool keeps_order;
} peers[PEERS_COUNT] = {
	{ "reprise", true },      { "mutex_deque", true }, { "tokio_broadcast", true },
	{ "tokio_window", true }, { "crossbeam", true },   { "lttng_ust", false },
};

static void
print_order(struct harness *harness, const struct contender *ours, const struct contender *best)
{
	double ratios[RUNS_MAX];
	struct result result = { .name = "writers",
				 .unit = "times",
				 .values = ratios,
				 .goal_is = GOAL_AT_LEAST,
				 .goal = 2 };

	contest_ratio(ratios, best->ns, ours->ns, ours->runs);
	contest_describe(&result, ours);
	result_add(&result, "cheaper_than", "the best that keeps one order");
	result_add(&result, "which", best->side->name);
	result.over_ns = median_of(best->ns, best->runs);
	result_print(harness, &result);
}

static void
print_contest(struct harness *harness, const struct contender *all)
{
	const struct contender *best = NULL;

	for (size_t i = 0; i < PEERS_COUNT; i++) {
		if (!all[i].is_in) {
			if (all[i].refusal[0] != '\0')
				result_skip(harness, "writers", peers[i].name, all[i].refusal);
			continue;
		}
		if (i > 0 && all[0].is_in)
			contest_print_cheaper(harness, "writers", &all[0], &all[i], NULL);
		if (all[i].task.hosts > 0) {
			struct result result = { .name = "writers",
						 .unit = "events/s",
						 .values = all[i].rate };

			contest_describe(&result, &all[i]);
			result_add(&result, "what", "delivered while appending");
			result_print(harness, &result);
		}
		if (i > 0 && peers[i].keeps_order &&
		    (best == NULL ||
		     median_of(all[i].ns, all[i].runs) < median_of(best->ns, best->runs)))
			best = &all[i];
	}
	if (best != NULL && all[0].is_in)
		print_order(harness, &all[0], best);
}

static void
measure_peers(struct harness *harness, const struct task *task)
{
	struct contender *const all = harness_allocate(PEERS_COUNT, sizeof(*all));

	harness_progress("writers: %u threads, %zu B, %u hosts, beside the peers", task->writers,
			 task->payload_bytes, task->hosts);
	for (size_t i = 0; i < PEERS_COUNT; i++) {
		all[i].side = contest_side(harness, peers[i].name);
		all[i].task = *task;
	}
	contest_run(harness, all, PEERS_COUNT);
	print_contest(harness, all);
	free(all);
}

void
measure_writers(struct harness *harness)
{
	static const unsigned int writers[] = { 2, 4, THREADS_MAX };
	static const size_t sizes[] = { PAYLOAD_BYTES, 256 };
	const size_t sizes_count = harness->is_quick ? 1 : sizeof(sizes) / sizeof(sizes[0]);

	measure_shared(harness);
	for (size_t i = 0; i < sizes_count; i++)
		for (size_t j = 0; j < sizeof(writers) / sizeof(writers[0]); j++)
			for (unsigned int hosts = 0; hosts < 2; hosts++)
				measure_peers(harness, &(struct task){ .payload_bytes = sizes[i],
								       .hosts = hosts,
								       .mode = "polling",
								       .writers = writers[j] });
}
