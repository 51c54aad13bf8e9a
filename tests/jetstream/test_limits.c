/* SPDX-License-Identifier: MIT */
/* B07: the refusals of a full stream, and the messages that an age limit removes. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "deltas.h"
#include "raw.h"
#include "world.h"

static struct reprise_jetstream *
writer_of_limits(struct world *world, uint64_t max_bytes, uint64_t max_age_ns)
{
	struct reprise_jetstream_options options = world_options(world);

	options.stream = "LIMITED";
	options.subject = "limited";
	options.max_bytes = max_bytes;
	options.max_age_ns = max_age_ns;
	return world_writer(world->store, &options);
}

/* Deltas of about a KiB each are appended until one is refused; how many were not. */
static unsigned int
append_until_full(struct reprise_jetstream *writer, unsigned int first)
{
	char text[1400], more[1000];
	unsigned int number = first;

	memset(more, 'x', sizeof(more) - 1);
	more[sizeof(more) - 1] = '\0';
	for (;; number++) {
		struct reprise_error error = { .size = sizeof(error) };

		snprintf(text, sizeof(text),
			 "{\"delta_id\":\"d%u\",\"created_at\":%llu,\"run_id\":\"r\",\"reason\":"
			 "\"UserMessage\",\"messages\":[{\"id\":\"m%u\",\"x\":\"%s\"}]}",
			 number, (unsigned long long)deltas_time_ms(), number, more);
		const reprise_status status =
			reprise_jetstream_append(writer, "t", NULL, text_bytes(text), NULL, &error);

		if (status == REPRISE_E_FULL) {
			cr_assert(ne(str, error.what, ""));
			return number - first;
		}
		cr_assert(eq(int, status, REPRISE_OK), "%s: %s", error.what, error.detail);
		cr_assert(lt(uint, number, first + 1000), "it is never full");
	}
}

SQLITE_TEST(B07_a_full_stream_refuses_and_loses_nothing)
{
	struct reprise_jetstream *const writer = writer_of_limits(world, 65536, 0);
	const unsigned int first = append_until_full(writer, 1);

	cr_assert(gt(uint, first, 20));
	cr_assert(eq(uint, append_until_full(writer, first + 1), 0), "it is still full");
	cr_assert(eq(u64, flush(writer, "t").applied, first));
	expect_books(world->store, "t", first);
	const unsigned int second = append_until_full(writer, first + 1);

	cr_assert(gt(uint, second, 20), "the flush has made room");
	cr_assert(eq(u64, flush(writer, "t").applied, second));
	expect_books(world->store, "t", first + second);
	cr_assert(eq(u64, stats_of(writer).published, first + second));
	reprise_jetstream_close(writer);
}

SQLITE_TEST(B07_a_full_stream_fails_appends_in_flight)
{
	struct reprise_jetstream *const writer = writer_of_limits(world, 65536, 0);
	const unsigned int first = append_until_full(writer, 1);
	struct told told;
	char text[1400];

	told_begin(&told);
	snprintf(text, sizeof(text), "m%01200d", 1);
	for (unsigned int i = 0; i < 3; i++) {
		struct reprise_bytes bytes = delta_named(i == 0   ? "x0"
							 : i == 1 ? "x1"
								  : "x2",
							 "UserMessage", "big");
		char *const big = malloc(bytes.size + 2000);

		/* Its run_id is long. */
		cr_assert(ne(ptr, big, NULL));
		const int size = snprintf(big, bytes.size + 2000, "%.*s,\"more\":\"%s\"}",
					  (int)bytes.size - 1, (const char *)bytes.data, text);

		cr_assert(eq(int,
			     reprise_jetstream_append_async(
				     writer, "t", (struct reprise_bytes){ big, (size_t)size },
				     told_add, &told, NULL),
			     REPRISE_OK));
		free(big);
	}
	told_wait(&told, 3);
	cr_assert(eq(int, told.statuses[0], REPRISE_E_FULL));
	for (int i = 1; i < 3; i++)
		cr_assert(told.statuses[i] == REPRISE_E_ABORTED ||
			  told.statuses[i] == REPRISE_E_FULL);
	cr_assert(eq(u64, flush(writer, "t").applied, first));
	expect_books(world->store, "t", first);
	reprise_jetstream_close(writer);
	told_end(&told);
}

static void
wait_ms(long milliseconds)
{
	const struct timespec pause = { 0, milliseconds * 1000000 };

	nanosleep(&pause, NULL);
}

SQLITE_TEST(B07_deltas_that_an_age_limit_threw_away_are_told_with_their_versions)
{
	struct reprise_jetstream *const writer = writer_of_limits(world, 0, one_second);
	struct raw raw = raw_open(nats_server_url(world->server));
	unsigned int count = 0;

	/* Until some are gone and some are not. */
	do {
		append_new(writer, ++count);
		wait_ms(50);
	} while (raw_state(&raw, "LIMITED").first <= 2);
	append_new(writer, ++count);
	const struct reprise_jetstream_flushed flushed = flush(writer, "t");

	cr_assert(ge(u64, flushed.discarded, 2));
	cr_assert(eq(u64, flushed.discarded_from, 1));
	cr_assert(eq(u64, flushed.discarded_to, flushed.discarded));
	cr_assert(eq(u64, flushed.applied + flushed.discarded, count));
	cr_assert(eq(u64, flushed.version, flushed.applied));
	cr_assert(eq(u64, stats_of(writer).discarded, flushed.discarded));
	expect_message(world->store, "t", count, 1);
	expect_message(world->store, "t", 1, 0);
	/* Reported versions are not reported again. */
	append_new(writer, count + 1);
	cr_assert(eq(u64, flush(writer, "t").discarded, 0));
	raw_close(&raw);
	reprise_jetstream_close(writer);
}

STORES_TEST(B07_deltas_that_somebody_removed_are_told_with_their_versions)
{
	struct raw raw = raw_open(nats_server_url(world->server));
	uint64_t sequences[8];

	for (unsigned int i = 1; i <= 7; i++)
		sequences[i] = append_to(world->writer, "t", delta(i)).sequence;
	raw_delete(&raw, "THREAD_DELTAS", sequences[2]);
	raw_delete(&raw, "THREAD_DELTAS", sequences[5]);
	const struct reprise_jetstream_flushed flushed = flush(world->writer, "t");

	cr_assert(eq(u64, flushed.applied, 5));
	cr_assert(eq(u64, flushed.version, 5));
	cr_assert(eq(u64, flushed.discarded, 2));
	cr_assert(eq(u64, flushed.discarded_from, 2));
	cr_assert(eq(u64, flushed.discarded_to, 5));
	expect_message(world->store, "t", 2, 0);
	expect_message(world->store, "t", 5, 0);
	expect_message(world->store, "t", 7, 1);
	cr_assert(eq(u64, append_new(world->writer, 8), 6));
	cr_assert(eq(u64, flush(world->writer, "t").discarded, 0));
	raw_close(&raw);
}

SQLITE_TEST(B07_a_recovery_tells_deltas_that_are_missing)
{
	struct raw raw = raw_open(nats_server_url(world->server));
	const uint64_t first = append_to(world->writer, "t", delta(1)).sequence;

	append_new(world->writer, 2);
	raw_delete(&raw, "THREAD_DELTAS", first);
	const struct reprise_jetstream_recovered recovered = recover(world->writer);

	cr_assert(eq(u64, recovered.applied, 1));
	cr_assert(eq(u64, recovered.discarded, 1));
	raw_close(&raw);
}

enum {
	WINDOW = 16,
	SLOW_MS = 100
};

static void
pause_ms(long milliseconds)
{
	const struct timespec pause = { milliseconds / 1000, milliseconds % 1000 * 1000000 };

	nanosleep(&pause, NULL);
}

static void
complete_slowly(void *context, reprise_status status,
		const struct reprise_jetstream_appended *appended,
		const struct reprise_error *error)
{
	(void)context, (void)status, (void)appended, (void)error;
	pause_ms(SLOW_MS);
}

SQLITE_TEST(B09_a_place_that_a_slow_completion_gives_back_is_used)
{
	struct reprise_jetstream_options options = world_options(world);
	struct timespec began, ended;

	options.window = WINDOW;
	struct reprise_jetstream *const writer = world_writer(world->store, &options);

	for (unsigned int i = 1; i <= WINDOW + 1; i++) {
		clock_gettime(CLOCK_MONOTONIC, &began);
		cr_assert(eq(int,
			     reprise_jetstream_append_async(writer, "t", delta(i), complete_slowly,
							    NULL, NULL),
			     REPRISE_OK));
	}
	clock_gettime(CLOCK_MONOTONIC, &ended);
	const int64_t ms = (int64_t)(ended.tv_sec - began.tv_sec) * 1000 +
			   (ended.tv_nsec - began.tv_nsec) / 1000000;

	/* One completion's time, and not those of half the window. */
	cr_assert(lt(i64, ms, (int64_t)SLOW_MS * WINDOW / 3));
	reprise_jetstream_close(writer);
}

static int32_t
see_slowly(const struct reprise_jetstream_dead *dead, void *context)
{
	(void)dead;
	++*(unsigned int *)context;
	pause_ms(SLOW_MS);
	return 1;
}

SQLITE_TEST(B11_a_slow_visitor_sees_every_dead_letter)
{
	struct reprise_jetstream_options options = world_options(world);
	struct raw raw = raw_open(nats_server_url(world->server));
	unsigned int seen = 0;
	char text[8];

	options.deadline_ns = one_second / 2;
	struct reprise_jetstream *const writer = world_writer(world->store, &options);

	for (unsigned int i = 0; i < WINDOW; i++) {
		snprintf(text, sizeof(text), "%u", i);
		raw_publish(&raw, "thread.t.deltas", NULL, text_bytes(text));
	}
	cr_assert(eq(u64, flush_at_last(writer, "t").applied, 0));
	cr_assert(eq(int, reprise_jetstream_each_dead(writer, 0, see_slowly, &seen, NULL),
		     REPRISE_OK));
	cr_assert(eq(uint, seen, WINDOW));
	raw_close(&raw);
	reprise_jetstream_close(writer);
}
