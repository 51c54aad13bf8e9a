/* SPDX-License-Identifier: MIT */
/*
 * B11: a recovery flushes what is buffered, of every document, once; idle documents'
 * last messages go.
 */
#include <stdio.h>
#include <time.h>

#include "deltas.h"
#include "inner.h"
#include "raw.h"
#include "world.h"

#define STREAM "THREAD_DELTAS"

static void
buffer_many(struct world *world, unsigned int documents, unsigned int deltas)
{
	char id[16];

	for (unsigned int i = 0; i < documents; i++) {
		snprintf(id, sizeof(id), "t%u", i);
		create(world->store, id);
		for (unsigned int j = 1; j <= deltas; j++)
			append_to(world->writer, id, delta(j));
	}
}

static void
expect_many(struct world *world, unsigned int documents, unsigned int deltas)
{
	char id[16];

	for (unsigned int i = 0; i < documents; i++) {
		snprintf(id, sizeof(id), "t%u", i);
		expect_books(world->store, id, deltas);
	}
}

STORES_TEST(B11_a_recovery_flushes_every_document_once)
{
	buffer_many(world, 12, 4);
	const struct reprise_jetstream_recovered first = recover(world->writer);

	cr_assert(eq(u64, first.documents, 12));
	cr_assert(eq(u64, first.applied, 48));
	cr_assert(eq(u64, first.dead, 0));
	cr_assert(eq(u64, first.failed, 0));
	cr_assert(eq(str, (char *)first.failed_id, ""));
	expect_many(world, 12, 4);
	cr_assert(eq(u64, recover(world->writer).applied, 0));
	expect_many(world, 12, 4);
}

SQLITE_TEST(B11_a_recovery_of_an_empty_stream_does_nothing)
{
	const struct reprise_jetstream_recovered recovered = recover(world->writer);

	cr_assert(eq(u64, recovered.documents, 0));
	cr_assert(eq(u64, recovered.applied, 0));
}

STORES_TEST(B11_a_recovery_takes_more_than_1000_messages)
{
	for (unsigned int i = 1; i <= 1100; i++)
		cr_assert(eq(int,
			     reprise_jetstream_append_async(world->writer, "t", delta(i), NULL,
							    NULL, NULL),
			     REPRISE_OK));
	cr_assert(eq(u64, recover(world->writer).applied, 1100));
	expect_books(world->store, "t", 1100);
	cr_assert(eq(u64, recover(world->writer).applied, 0));
}

/*
 * A delta that cannot be saved: the document would be too large is hard to make, so the store
 * refuses one commit.
 */
STORES_TEST(B11_a_document_that_fails_does_not_stop_the_others)
{
	struct reprise_jetstream_recovered recovered = { .size = sizeof(recovered) };
	struct reprise_error error = { .size = sizeof(error) };

	buffer_many(world, 6, 3);
	inner_watch(world->store);
	inner_fail_commits(1);
	cr_assert(eq(int, reprise_jetstream_recover(world->writer, &recovered, &error),
		     REPRISE_E_IO));
	cr_assert(eq(u64, recovered.failed, 1));
	cr_assert(eq(u64, recovered.applied, 15));
	cr_assert(ne(str, (char *)recovered.failed_id, ""));
	cr_assert(strstr(error.what, recovered.failed_id) != NULL, "%s", error.what);
	cr_assert(eq(u64, version_of(world->store, recovered.failed_id), 0));
	cr_assert(eq(u64, recover(world->writer).applied, 3));
	expect_many(world, 6, 3);
}

static void
wait_ms(long milliseconds)
{
	const struct timespec pause = { milliseconds / 1000, milliseconds % 1000 * 1000000 };

	nanosleep(&pause, NULL);
}

/* Until a recovery has left so many messages in the stream. */
static void
recover_until(struct reprise_jetstream *writer, const struct raw *raw, uint64_t messages)
{
	for (int i = 0; i < 300 && raw_state(raw, STREAM).messages > messages; i++) {
		wait_ms(100);
		cr_assert(eq(u64, recover(writer).applied, 0));
	}
	cr_assert(eq(u64, raw_state(raw, STREAM).messages, messages));
}

SQLITE_TEST(B11_idle_documents_leave_the_stream_but_for_its_newest_message)
{
	struct reprise_jetstream_options options = world_options(world);
	struct raw raw = raw_open(nats_server_url(world->server));

	options.idle_purge_ns = one_second / 2;
	struct reprise_jetstream *const writer = world_writer(world->store, &options);

	buffer_many(world, 5, 2);
	recover(writer);
	const uint64_t last = raw_state(&raw, STREAM).last;

	recover_until(writer, &raw, 1);
	cr_assert(eq(u64, raw_state(&raw, STREAM).last, last));
	cr_assert(eq(u64, raw_state(&raw, STREAM).first, last));
	for (int i = 0; i < 3; i++) {
		wait_ms(300);
		recover(writer);
		cr_assert(eq(u64, raw_state(&raw, STREAM).messages, 1), "the newest stays");
	}
	expect_many(world, 5, 2);
	cr_assert(eq(u64, append_to(writer, "t0", delta(3)).version, 3));
	cr_assert(eq(u64, flush(writer, "t0").applied, 1));
	raw_close(&raw);
	reprise_jetstream_close(writer);
}

SQLITE_TEST(B11_what_is_not_idle_stays)
{
	struct raw raw = raw_open(nats_server_url(world->server));

	buffer_many(world, 3, 2);
	recover(world->writer);
	recover(world->writer);
	cr_assert(eq(u64, raw_state(&raw, STREAM).messages, 3));
	raw_close(&raw);
}

/* An idle document's deltas that are not applied yet are flushed, not purged. */
SQLITE_TEST(B11_an_idle_document_loses_nothing)
{
	struct reprise_jetstream_options options = world_options(world);

	options.idle_purge_ns = one_second / 5;
	struct reprise_jetstream *const writer = world_writer(world->store, &options);

	buffer_many(world, 3, 2);
	wait_ms(400);
	cr_assert(eq(u64, recover(writer).applied, 6));
	expect_many(world, 3, 2);
	reprise_jetstream_close(writer);
}

STORES_TEST(B11_a_recovery_by_another_writer_is_seen)
{
	const struct reprise_jetstream_options options = world_options(world);
	struct reprise_thread_store *const store = world_store(world);
	struct reprise_jetstream *const other = world_writer(store, &options);

	append_range(world->writer, 1, 5);
	cr_assert(eq(u64, recover(other).applied, 5));
	cr_assert(eq(u64, append_new(world->writer, 6), 6));
	cr_assert(eq(u64, append_to(world->writer, "t", finish(7)).version, 7));
	cr_assert(eq(u64, recover(other).applied, 0));
	expect_books(world->store, "t", 7);
	reprise_jetstream_close(other);
	reprise_thread_store_close(store);
}

static int32_t
see_slowly(const struct reprise_jetstream_dead *dead, void *context)
{
	unsigned int *const seen = context;

	(void)dead;
	wait_ms(100);
	++*seen;
	return 1;
}

/* The visitor's own time is not the server's. */
SQLITE_TEST(B11_a_slow_visitor_sees_all_dead_letters)
{
	struct reprise_jetstream_options options = world_options(world);
	struct raw raw = raw_open(nats_server_url(world->server));
	unsigned int seen = 0;
	char text[16];

	options.deadline_ns = one_second;
	struct reprise_jetstream *const writer = world_writer(world->store, &options);

	for (int i = 0; i < 20; i++) {
		snprintf(text, sizeof(text), "poison %d", i);
		raw_publish(&raw, "thread.t.deltas", NULL, text_bytes(text));
	}
	cr_assert(eq(u64, flush_at_last(writer, "t").dead, 20));
	cr_assert(eq(int, reprise_jetstream_each_dead(writer, 0, see_slowly, &seen, NULL),
		     REPRISE_OK));
	cr_assert(eq(uint, seen, 20));
	raw_close(&raw);
	reprise_jetstream_close(writer);
}

static void
complete_slowly(void *context, reprise_status status,
		const struct reprise_jetstream_appended *appended,
		const struct reprise_error *error)
{
	wait_ms(100);
	told_add(context, status, appended, error);
}

/* An append waits for room, not for more than that. */
SQLITE_TEST(B09_slow_completions_leave_room_in_the_window)
{
	struct reprise_jetstream_options options = world_options(world);
	struct told told;

	options.window = 64;
	told_begin(&told);
	struct reprise_jetstream *const writer = world_writer(world->store, &options);

	for (unsigned int i = 1; i <= 80; i++) {
		struct timespec begin, end;

		clock_gettime(CLOCK_MONOTONIC, &begin);
		cr_assert(eq(int,
			     reprise_jetstream_append_async(writer, "t", delta(i), complete_slowly,
							    &told, NULL),
			     REPRISE_OK));
		clock_gettime(CLOCK_MONOTONIC, &end);
		cr_assert(le(i64, end.tv_sec - begin.tv_sec, 2), "append %u", i);
	}
	told_wait(&told, 80);
	reprise_jetstream_close(writer);
	cr_assert(eq(u64, flush(world->writer, "t").applied, 80));
	told_end(&told);
}
