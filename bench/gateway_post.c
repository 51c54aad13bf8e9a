/* SPDX-License-Identifier: MIT */
/*
 * gateway: POST of one event that is answered once the event is synced in a SQLite log, from 64
 * clients with a session each. Beside: the same log in this process, by 64 threads that append one
 * event and wait until the event is synced; by one thread, in rounds of one event in each of 64
 * sessions and a flush; and SQLite by itself, where a round is one commit of 64 rows.
 */
#include <inttypes.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "bare.h"
#include "gateway_rows.h"
#include "rows.h"

enum {
	WRITERS = 64,
	EVENTS_QUICK = 40, /* of each */
	EVENTS_FULL = 100,
	ID_BYTES = 32,
	PATIENCE_MS = 60000,
};

#define FLUSH_NS UINT64_C(10000000000)

struct bench {
	struct harness *harness;
	uint64_t events;          /* of each writer */
	uint64_t recorded, batch; /* of the last run of a side: all events; in a transaction */
};

/* --- by POST ---------------------------------------------------------------------------------- */

static void
open_publishers(const struct place *place, struct publisher *publishers, int epoll)
{
	char id[ID_BYTES], read_target[TARGET_BYTES], write_target[TARGET_BYTES];

	for (size_t i = 0; i < WRITERS; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.ptr = &publishers[i] };

		snprintf(id, sizeof(id), "bench-%zu", i);
		place_targets(place, id, read_target, write_target);
		publisher_open(&publishers[i], place->port, write_target);
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, publishers[i].fd, &event) != 0)
			harness_die("epoll_ctl failed");
		/* The session is opened before the clock runs. */
		publisher_send(&publishers[i], 0);
		publisher_await(&publishers[i]);
	}
}

/* Each publisher sends its next event once the event before is answered. */
static void
post_all(struct publisher *publishers, int epoll, uint64_t events)
{
	struct epoll_event ready[WRITERS];
	size_t left = WRITERS;

	for (size_t i = 0; i < WRITERS; i++)
		publisher_send(&publishers[i], 1);
	while (left > 0 && !harness_is_interrupted()) {
		const int count = epoll_wait(epoll, ready, WRITERS, PATIENCE_MS);

		if (count <= 0)
			harness_die("a POST is not answered");
		for (int i = 0; i < count; i++) {
			struct publisher *const publisher = ready[i].data.ptr;

			if (!publisher_take(publisher))
				harness_die("a publisher's connection is gone");
			if (publisher->answered < publisher->sent)
				continue;
			if (publisher->sent <= events)
				publisher_send(publisher, publisher->sent);
			else
				left--;
		}
	}
}

static double
run_posts(struct bench *bench)
{
	static struct publisher publishers[WRITERS];
	static char log[PATH_BYTES];
	struct place place = { .kind = PLACE_REPRISE, .log = log };
	const int epoll = epoll_create1(EPOLL_CLOEXEC);
	uint64_t recorded, batches;

	snprintf(log, sizeof(log), "%s", scratch_path("posts"));
	if (epoll < 0 || !place_start(bench->harness, &place))
		harness_die("the gateway does not start");
	open_publishers(&place, publishers, epoll);
	recorded = place_metric(&place, "reprise_recorder_events_recorded_total");
	batches = place_metric(&place, "reprise_recorder_batches_total");
	const uint64_t begin = now_ns();

	post_all(publishers, epoll, bench->events);
	const uint64_t ns = now_ns() - begin;

	bench->recorded = place_metric(&place, "reprise_recorder_events_recorded_total") - recorded;
	batches = place_metric(&place, "reprise_recorder_batches_total") - batches;
	bench->batch = batches == 0 ? 0 : bench->recorded / batches;
	for (size_t i = 0; i < WRITERS; i++) {
		bench->harness->is_broken |= publishers[i].refused != 0;
		publisher_close(&publishers[i]);
	}
	close(epoll);
	place_stop(&place);
	scratch_remove("posts");
	return (double)ns / (double)(WRITERS * bench->events);
}

/* --- in this process -------------------------------------------------------------------------- */

struct direct {
	const struct bench *bench;
	struct durable *durable;
	struct reprise_writer *writer;
	pthread_barrier_t *begin;
	pthread_t thread;
	char id[ID_BYTES];
};

static void *
append_all(void *argument)
{
	struct direct *const direct = argument;
	unsigned char payload[DURABLE_PAYLOAD_BYTES] = { 0 };

	(void)pthread_barrier_wait(direct->begin);
	for (uint64_t i = 1; i <= direct->bench->events; i++) {
		const struct reprise_new_event event = durable_event(i, payload);

		if (reprise_append(direct->writer, event.revision, event.kind, event.flags,
				   event.payload, NULL) != REPRISE_OK ||
		    reprise_recorder_flush(direct->durable->recorder, direct->id, REPRISE_SYNCED,
					   FLUSH_NS) != REPRISE_OK)
			harness_die("an append is not recorded");
	}
	return NULL;
}

static double
run_threads(struct bench *bench)
{
	static struct direct directs[WRITERS];
	struct durable durable;
	pthread_barrier_t begin_together;

	durable_open(bench->harness, &durable, "threads", REPRISE_SYNCED);
	if (pthread_barrier_init(&begin_together, NULL, WRITERS + 1) != 0)
		harness_die("no barrier");
	for (size_t i = 0; i < WRITERS; i++) {
		directs[i] = (struct direct){ .bench = bench,
					      .durable = &durable,
					      .begin = &begin_together };
		snprintf(directs[i].id, sizeof(directs[i].id), "bench-%zu", i);
		directs[i].writer =
			durable_session(&durable, directs[i].id, REPRISE_WHEN_FULL_REFUSE);
		if (pthread_create(&directs[i].thread, NULL, append_all, &directs[i]) != 0)
			harness_die("no thread");
	}
	const uint64_t batches = durable_stats(&durable).batches;

	(void)pthread_barrier_wait(&begin_together);
	const uint64_t begin = now_ns();

	for (size_t i = 0; i < WRITERS; i++)
		(void)pthread_join(directs[i].thread, NULL);
	const uint64_t ns = now_ns() - begin;
	const struct reprise_recorder_stats stats = durable_stats(&durable);

	bench->recorded = stats.recorded;
	bench->batch = stats.batches == batches ? 0 : stats.recorded / (stats.batches - batches);
	for (size_t i = 0; i < WRITERS; i++)
		reprise_writer_close(directs[i].writer);
	durable_close(&durable);
	(void)pthread_barrier_destroy(&begin_together);
	scratch_remove("threads");
	return (double)ns / (double)(WRITERS * bench->events);
}

/* In rounds: an event to each session, and a wait for the recorder. */
static double
run_direct(struct bench *bench)
{
	struct durable durable;
	struct reprise_writer *writers[WRITERS];
	char id[ID_BYTES];

	durable_open(bench->harness, &durable, "direct", REPRISE_SYNCED);
	for (size_t i = 0; i < WRITERS; i++) {
		snprintf(id, sizeof(id), "bench-%zu", i);
		writers[i] = durable_session(&durable, id, REPRISE_WHEN_FULL_REFUSE);
	}
	const uint64_t batches = durable_stats(&durable).batches;
	const uint64_t begin = now_ns();

	for (uint64_t i = 0; i < bench->events; i++) {
		durable_feed(writers, WRITERS, WRITERS);
		if (reprise_recorder_flush(durable.recorder, NULL, REPRISE_SYNCED, FLUSH_NS) !=
		    REPRISE_OK)
			harness_die("events are not recorded");
	}
	const uint64_t ns = now_ns() - begin;
	const struct reprise_recorder_stats stats = durable_stats(&durable);

	bench->recorded = stats.recorded;
	bench->batch = stats.batches == batches ? 0 : stats.recorded / (stats.batches - batches);
	for (size_t i = 0; i < WRITERS; i++)
		reprise_writer_close(writers[i]);
	durable_close(&durable);
	scratch_remove("direct");
	return (double)ns / (double)(WRITERS * bench->events);
}

/* --- SQLite by itself ------------------------------------------------------------------------- */

/* A commit holds no more than one event of each writer: the most that the log could do. */
static double
run_bare(const struct bench *bench)
{
	struct bare *const bare = bare_open("bare", true);
	const uint64_t begin = now_ns();

	for (uint64_t position = 1; position <= bench->events; position++) {
		bare_begin(bare);
		for (uint64_t key = 1; key <= WRITERS; key++)
			bare_insert(bare, key, position);
		bare_commit(bare);
	}
	const uint64_t ns = now_ns() - begin;

	bare_close(bare);
	scratch_remove("bare");
	return (double)ns / (double)(WRITERS * bench->events);
}

/* --- rows ------------------------------------------------------------------------------------- */

struct posts {
	double ours[RUNS_MAX], threads[RUNS_MAX], direct[RUNS_MAX], bare[RUNS_MAX];
	size_t runs;
	uint64_t recorded, batch;
};

static void
print_over(const struct bench *bench, const struct posts *posts, const double *theirs,
	   const char *over, double goal)
{
	double ratios[RUNS_MAX];
	struct result result = { .name = "gateway-post",
				 .unit = "ratio",
				 .values = ratios,
				 .runs = posts->runs,
				 .ns = median_of(posts->ours, posts->runs),
				 .over_ns = median_of(theirs, posts->runs),
				 .delivered = posts->recorded,
				 .lost = posts->runs * WRITERS * bench->events - posts->recorded,
				 .goal_is = goal > 0 ? GOAL_AT_LEAST : GOAL_NONE,
				 .goal = goal };

	for (size_t i = 0; i < posts->runs; i++)
		ratios[i] = theirs[i] / posts->ours[i];
	snprintf(result.parameters, sizeof(result.parameters),
		 "\"writers\":%d,\"payload\":%d,\"batch\":%" PRIu64 ",\"on\":\"%s\"", WRITERS,
		 EVENT_BYTES, posts->batch, scratch_system());
	result_add(&result, "speed over", over);
	result_print(bench->harness, &result);
}

static void
print_rate(const struct bench *bench, const struct posts *posts)
{
	double rates[RUNS_MAX];
	struct result result = { .name = "gateway-post",
				 .unit = "posts/s",
				 .values = rates,
				 .runs = posts->runs,
				 .ns = median_of(posts->ours, posts->runs) };

	for (size_t i = 0; i < posts->runs; i++)
		rates[i] = 1e9 / posts->ours[i];
	snprintf(result.parameters, sizeof(result.parameters),
		 "\"writers\":%d,\"payload\":%d,\"batch\":%" PRIu64 ",\"on\":\"%s\"", WRITERS,
		 EVENT_BYTES, posts->batch, scratch_system());
	result_print(bench->harness, &result);
}

void
measure_gateway_post(struct harness *harness)
{
	struct bench bench = { .harness = harness,
			       .events = harness->is_quick ? EVENTS_QUICK : EVENTS_FULL };
	struct place place = { .kind = PLACE_REPRISE };
	struct posts posts = { .runs = 0 };

	if (!place_start(harness, &place)) {
		result_skip(harness, "gateway-post", "reprise", place.absence);
		return;
	}
	place_stop(&place);
	(void)run_posts(&bench);
	(void)run_threads(&bench);
	(void)run_direct(&bench);
	(void)run_bare(&bench);
	for (; posts.runs < harness->runs && !harness_is_interrupted(); posts.runs++) {
		posts.ours[posts.runs] = run_posts(&bench);
		posts.recorded += bench.recorded;
		posts.batch = bench.batch;
		posts.threads[posts.runs] = run_threads(&bench);
		harness->is_broken |= bench.recorded != WRITERS * bench.events;
		posts.direct[posts.runs] = run_direct(&bench);
		harness->is_broken |= bench.recorded != WRITERS * bench.events;
		posts.bare[posts.runs] = run_bare(&bench);
	}
	if (posts.runs == 0)
		return;
	print_over(&bench, &posts, posts.threads, "64 threads on the log", 0.5);
	print_over(&bench, &posts, posts.direct, "rounds of one thread on the log", 0);
	print_over(&bench, &posts, posts.bare, "bare commits of 64 rows", 0);
	print_rate(&bench, &posts);
}
