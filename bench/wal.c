/* SPDX-License-Identifier: MIT */

/*
 * wal: the write-ahead log's peak while a recorder writes and ten hosts take a long log again and
 * again, over the payload bytes that the recorder wrote. Without a bound, hosts that never pause
 * keep it from being restarted.
 */

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "durable.h"
#include "result.h"
#include "rows.h"

enum {
	HOSTS = 10,
	READ_EVENTS = 20 * 1000,
	WRITTEN_EVENTS_QUICK = 100 * 1000,
	WRITTEN_EVENTS_FULL = 600 * 1000,
	LOOK_NS = 1000000, /* between two looks at the file */
};

#define WAIT_NS UINT64_C(60000000000)

struct bench {
	struct harness *harness;
	struct durable durable;
	struct reprise_cursor cursor;
	uint64_t written_events;
	char wal[PATH_BYTES];
	atomic_bool is_over, is_fed;
	atomic_ullong delivered, lost;
};

static void *
feed(void *argument)
{
	struct bench *const bench = argument;
	struct reprise_writer *writer =
		durable_session(&bench->durable, "more", REPRISE_WHEN_FULL_REFUSE);

	durable_feed(&writer, 1, bench->written_events);
	if (reprise_recorder_flush(bench->durable.recorder, "more", REPRISE_WRITTEN, WAIT_NS) !=
	    REPRISE_OK)
		harness_die("flush failed");
	reprise_writer_close(writer);
	atomic_store(&bench->is_fed, true);
	return NULL;
}

/* Takes the log once, or until it is over. */
static void
take(struct bench *bench, struct reprise_subscription *subscription)
{
	uint64_t delivered = 0, lost = 0;

	while (delivered + lost < READ_EVENTS && !atomic_load(&bench->is_over)) {
		struct reprise_event event;
		struct reprise_gap gap;

		switch (reprise_next(subscription, &event, &gap, NULL)) {
		case REPRISE_NEXT_EVENT:
			delivered++;
			break;
		case REPRISE_NEXT_EMPTY:
			if (reprise_wait(subscription, WAIT_NS) != REPRISE_OK)
				harness_die("nothing comes from the log");
			break;
		case REPRISE_NEXT_GAP:
			lost += gap.lost;
			break;
		case REPRISE_NEXT_ENDED:
			harness_die("it has ended");
		}
	}
	atomic_fetch_add(&bench->delivered, delivered);
	atomic_fetch_add(&bench->lost, lost);
}

static void *
read_again_and_again(void *argument)
{
	struct bench *const bench = argument;

	while (!atomic_load(&bench->is_over)) {
		struct reprise_subscription *subscription = NULL;

		if (reprise_subscribe_after(bench->durable.store, &bench->cursor, NULL,
					    &subscription, NULL) != REPRISE_OK)
			harness_die("subscribe failed");
		take(bench, subscription);
		reprise_subscription_close(subscription);
	}
	return NULL;
}

static uint64_t
size_of(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 ? (uint64_t)status.st_size : 0;
}

/* The file's greatest size until everything is written. */
static uint64_t
watch(struct bench *bench)
{
	const struct timespec pause = { .tv_nsec = LOOK_NS };
	uint64_t peak = 0;

	while (!atomic_load(&bench->is_fed)) {
		const uint64_t bytes = size_of(bench->wal);

		peak = bytes > peak ? bytes : peak;
		(void)nanosleep(&pause, NULL);
	}
	return peak;
}

static double
run(struct bench *bench)
{
	pthread_t feeder, hosts[HOSTS];

	durable_make_log(bench->harness, "wal", READ_EVENTS);
	durable_open(bench->harness, &bench->durable, "wal", REPRISE_WRITTEN);
	bench->cursor = durable_first_cursor(&bench->durable);
	atomic_store(&bench->is_over, false);
	atomic_store(&bench->is_fed, false);
	for (int i = 0; i < HOSTS; i++)
		if (pthread_create(&hosts[i], NULL, read_again_and_again, bench) != 0)
			harness_die("no thread");
	if (pthread_create(&feeder, NULL, feed, bench) != 0)
		harness_die("no thread");
	const uint64_t peak = watch(bench);

	atomic_store(&bench->is_over, true);
	(void)pthread_join(feeder, NULL);
	for (int i = 0; i < HOSTS; i++)
		(void)pthread_join(hosts[i], NULL);
	durable_close(&bench->durable);
	scratch_remove("wal");
	return (double)peak / (double)(bench->written_events * DURABLE_PAYLOAD_BYTES);
}

void
measure_wal(struct harness *harness)
{
	struct bench bench = { .harness = harness,
			       .written_events = harness->is_quick ? WRITTEN_EVENTS_QUICK
								   : WRITTEN_EVENTS_FULL };
	double ratios[RUNS_MAX];
	size_t runs = 0;

	snprintf(bench.wal, sizeof(bench.wal), "%s-wal", scratch_path("wal"));
	for (; runs < harness->runs && !harness_is_interrupted(); runs++)
		ratios[runs] = run(&bench);
	if (runs == 0)
		return;
	struct result result = { .name = "wal",
				 .unit = "ratio",
				 .values = ratios,
				 .runs = runs,
				 .delivered = atomic_load(&bench.delivered),
				 .lost = atomic_load(&bench.lost),
				 .goal_is = GOAL_AT_MOST,
				 .goal = 1.2 };

	snprintf(result.parameters, sizeof(result.parameters),
		 "\"payload\":%d,\"events\":%" PRIu64 ",\"hosts\":%d,\"on\":\"%s\"",
		 DURABLE_PAYLOAD_BYTES, bench.written_events, HOSTS, scratch_system());
	result_add(&result, "peak over", "bytes written");
	result_print(harness, &result);
}
