/* SPDX-License-Identifier: MIT */
/*
 * B09, B05: a delta that comes again counts once, and is answered as the first time; another delta
 * of its id is refused.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "deltas.h"
#include "inner.h"
#include "raw.h"
#include "world.h"

#define STREAM "THREAD_DELTAS"

/* It must be answered as the one that was there before. */
static void
expect_repeated(struct reprise_jetstream *writer, struct reprise_bytes bytes, uint64_t version,
		int is_flushed)
{
	struct reprise_jetstream_appended appended = { .size = sizeof(appended) };
	struct reprise_error error = { .size = sizeof(error) };
	const reprise_status status =
		reprise_jetstream_append(writer, "t", NULL, bytes, &appended, &error);

	cr_assert(eq(int, status, REPRISE_OK), "%s: %s", error.what, error.detail);
	cr_assert(eq(int, appended.is_repeated, 1));
	cr_assert(eq(u64, appended.version, version));
	cr_assert(eq(int, appended.is_flushed, is_flushed));
}

static void
expect_other_refused(struct reprise_jetstream *writer, const char *delta_id)
{
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int,
		     reprise_jetstream_append(writer, "t", NULL,
					      delta_named(delta_id, "UserMessage", "other"), NULL,
					      &error),
		     REPRISE_E_EXISTS),
		  "%s", delta_id);
}

STORES_TEST(B09_a_buffered_delta_that_comes_again_counts_once)
{
	struct raw raw = raw_open(nats_server_url(world->server));

	append_range(world->writer, 1, 3);
	expect_repeated(world->writer, delta(2), 2, 0);
	expect_repeated(world->writer, delta(1), 1, 0);
	expect_repeated(world->writer, delta(3), 3, 0);
	cr_assert(eq(u64, raw_state(&raw, STREAM).messages, 3));
	cr_assert(eq(u64, append_new(world->writer, 4), 4));
	cr_assert(eq(u64, stats_of(world->writer).repeated, 3));
	cr_assert(eq(u64, stats_of(world->writer).published, 4));
	cr_assert(eq(u64, flush(world->writer, "t").applied, 4));
	expect_books(world->store, "t", 4);
	raw_close(&raw);
}

STORES_TEST(B09_an_applied_delta_that_comes_again_counts_once)
{
	append_range(world->writer, 1, 3);
	flush(world->writer, "t");
	expect_repeated(world->writer, delta(2), 2, 1);
	expect_repeated(world->writer, delta(3), 3, 1);
	append_new(world->writer, 4);
	expect_repeated(world->writer, delta(1), 1, 1);
	cr_assert(eq(u64, flush(world->writer, "t").applied, 1));
	expect_repeated(world->writer, delta(4), 4, 1);
	expect_books(world->store, "t", 4);
	cr_assert(eq(u64, recover(world->writer).applied, 0));
}

STORES_TEST(B09_a_delta_that_comes_again_is_known_to_another_writer)
{
	const struct reprise_jetstream_options options = world_options(world);
	struct reprise_jetstream *const other = world_writer(world->store, &options);

	append_range(world->writer, 1, 3);
	expect_repeated(other, delta(2), 2, 0);
	expect_other_refused(other, "d3");
	flush(other, "t");
	expect_repeated(world->writer, delta(1), 1, 1);
	expect_other_refused(world->writer, "d2");
	reprise_jetstream_close(other);
	expect_books(world->store, "t", 3);
}

STORES_TEST(B09_another_delta_of_an_id_is_refused)
{
	append_range(world->writer, 1, 2);
	expect_other_refused(world->writer, "d1");
	expect_other_refused(world->writer, "d2");
	cr_assert(eq(u64, append_new(world->writer, 3), 3));
	flush(world->writer, "t");
	for (int i = 1; i <= 3; i++)
		expect_other_refused(world->writer, i == 1 ? "d1" : i == 2 ? "d2" : "d3");
	expect_books(world->store, "t", 3);
}

STORES_TEST(B09_a_repeated_delta_is_known_after_a_restart_of_the_server)
{
	append_range(world->writer, 1, 3);
	append_to(world->writer, "t", finish(4));
	append_range(world->writer, 5, 6);
	nats_server_kill(world->server);
	nats_server_restart(world->server);
	struct reprise_jetstream_appended appended;

	cr_assert(append_at_last(world->writer, "t", delta(7), &appended));
	cr_assert(eq(u64, appended.version, 7));
	expect_repeated(world->writer, delta(6), 6, 0);
	expect_repeated(world->writer, delta(2), 2, 1);
	expect_repeated(world->writer, finish(4), 4, 1);
	expect_repeated(world->writer, delta(5), 5, 0);
	expect_other_refused(world->writer, "d3");
	expect_other_refused(world->writer, "d5");
	flush(world->writer, "t");
	expect_books(world->store, "t", 7);
}

STORES_TEST(B09_one_id_on_two_documents_is_two_deltas)
{
	create(world->store, "u");
	cr_assert(eq(u64, append_to(world->writer, "t", delta(1)).version, 1));
	cr_assert(eq(u64, append_to(world->writer, "u", delta(1)).version, 1));
	append_to(world->writer, "u", delta(2));
	append_to(world->writer, "t", delta(2));
	cr_assert(eq(u64, recover(world->writer).applied, 4));
	expect_books(world->store, "t", 2);
	expect_books(world->store, "u", 2);
}

STORES_TEST(B09_a_RunFinished_that_comes_again_flushes)
{
	struct reprise_jetstream_appended appended = { .size = sizeof(appended) };

	append_new(world->writer, 1);
	inner_watch(world->store);
	inner_fail_commits(1);
	cr_assert(eq(int,
		     reprise_jetstream_append(world->writer, "t", NULL, finish(2), &appended, NULL),
		     REPRISE_E_IO));
	cr_assert(eq(u64, version_of(world->store, "t"), 0));
	expect_repeated(world->writer, finish(2), 2, 1);
	expect_books(world->store, "t", 2);
	expect_repeated(world->writer, finish(2), 2, 1);
	expect_books(world->store, "t", 2);
}

/* As another writer's message that came twice because the server had forgotten its id. */
STORES_TEST(B09_duplicates_in_the_stream_are_applied_once)
{
	const struct raw_headers headers = { .uid = uid_of(world->store, "t") };
	struct raw raw = raw_open(nats_server_url(world->server));

	append_range(world->writer, 1, 3);
	raw_publish(&raw, "thread.t.deltas", &headers, delta(2));
	raw_publish(&raw, "thread.t.deltas", &headers, delta(4));
	raw_publish(&raw, "thread.t.deltas", &headers, delta(4));
	cr_assert(eq(u64, flush(world->writer, "t").applied, 4));
	expect_books(world->store, "t", 4);
	raw_publish(&raw, "thread.t.deltas", &headers, delta(1));
	raw_publish(&raw, "thread.t.deltas", &headers, delta(4));
	cr_assert(eq(u64, flush(world->writer, "t").applied, 0));
	cr_assert(eq(u64, append_new(world->writer, 5), 5));
	cr_assert(eq(u64, recover(world->writer).applied, 1));
	expect_books(world->store, "t", 5);
	raw_close(&raw);
}

STORES_TEST(B09_an_old_delta_is_expired_unless_it_is_known)
{
	struct reprise_thread_store *const store =
		world_store_of(world, 400 * one_second, one_second);
	const struct reprise_jetstream_options options = world_options(world);
	struct reprise_jetstream *const writer = world_writer(store, &options);
	struct reprise_error error = { .size = sizeof(error) };
	char text[256];

	snprintf(text, sizeof(text),
		 "{\"delta_id\":\"old\",\"created_at\":%" PRIu64
		 ",\"run_id\":\"r\",\"reason\":\"UserMessage\"}",
		 deltas_time_ms() - 60000);
	cr_assert(eq(int,
		     reprise_jetstream_append(writer, "t", NULL, text_bytes(text), NULL, &error),
		     REPRISE_E_EXPIRED));
	cr_assert(
		eq(int,
		   reprise_jetstream_append_async(writer, "t", text_bytes(text), NULL, NULL, NULL),
		   REPRISE_E_EXPIRED));
	cr_assert(eq(u64, stats_of(writer).published, 0));
	/* The store's usual limit is 24 hours: it is buffered there, and known here then. */
	append_to(world->writer, "t", text_bytes(text));
	expect_repeated(writer, text_bytes(text), 1, 0);
	cr_assert(eq(u64, flush(writer, "t").applied, 1), "a flush refuses nothing that is old");
	expect_repeated(writer, text_bytes(text), 1, 1);
	snprintf(text, sizeof(text),
		 "{\"delta_id\":\"new\",\"created_at\":%" PRIu64
		 ",\"run_id\":\"r\",\"reason\":\"UserMessage\"}",
		 deltas_time_ms() + 3600000);
	cr_assert(eq(int,
		     reprise_jetstream_append(writer, "t", NULL, text_bytes(text), NULL, &error),
		     REPRISE_E_INVALID));
	reprise_jetstream_close(writer);
	reprise_thread_store_close(store);
}

/*
 * The duplicate is another writer's delta, which the view does not know; those behind it are told
 * the versions they get.
 */
STORES_TEST(B09_versions_behind_another_writers_delta_are_right)
{
	const struct reprise_jetstream_options options = world_options(world);
	struct reprise_jetstream *const other = world_writer(world->store, &options);
	static const unsigned int numbers[] = { 1, 2, 3, 4 };
	static const uint64_t versions[] = { 1, 2, 3, 4 };
	struct told told;

	told_begin(&told);
	for (unsigned int i = 0; i < 4; i++) {
		cr_assert(eq(int,
			     reprise_jetstream_append_async(other, "t", delta(numbers[i]), told_add,
							    &told, NULL),
			     REPRISE_OK));
		if (i > 0)
			continue;
		told_wait(&told, 1);
		cr_assert(eq(u64, append_new(world->writer, 2), 2));
	}
	told_wait(&told, 4);
	for (unsigned int i = 0; i < 4; i++) {
		cr_assert(eq(int, told.statuses[i], REPRISE_OK));
		cr_assert(eq(u64, told.versions[i], versions[i]), "delta %u", numbers[i]);
	}
	cr_assert(eq(u64, flush(world->writer, "t").applied, 4));
	expect_books(world->store, "t", 4);
	reprise_jetstream_close(other);
	told_end(&told);
}

struct flusher {
	struct reprise_jetstream *writer;
	const char *id;
	int looks_left; /* until it flushes */
};

static void
flush_at_a_look(void *context)
{
	struct flusher *const flusher = context;

	if (flusher->looks_left-- == 0)
		(void)flush(flusher->writer, flusher->id);
}

/* Another writer flushes between any two of the looks of which a view is made. */
STORES_TEST(B09_a_view_that_is_read_during_a_flush_is_right)
{
	const struct reprise_jetstream_options options = world_options(world);
	struct reprise_thread_store *const store = world_store(world);
	struct flusher flusher = { .writer = world_writer(store, &options) };
	const uint64_t expected = 3;

	inner_watch(world->store);
	for (int looks = 0; looks < 6; looks++) {
		struct reprise_jetstream_appended appended = { .size = sizeof(appended) };
		struct reprise_error error = { .size = sizeof(error) };
		char id[8];

		snprintf(id, sizeof(id), "v%d", looks);
		create(world->store, id);
		for (unsigned int i = 1; i <= 3; i++)
			append_to(flusher.writer, id, delta(i));
		flusher.id = id;
		flusher.looks_left = looks;
		inner_after_look(flush_at_a_look, &flusher);
		const reprise_status status = reprise_jetstream_append(world->writer, id, &expected,
								       delta(4), &appended, &error);

		inner_after_look(NULL, NULL);
		cr_assert(eq(int, status, REPRISE_OK), "%d looks: %s: actual %llu", looks,
			  reprise_status_name(status), (unsigned long long)error.actual);
		cr_assert(eq(u64, appended.version, 4), "%d looks", looks);
		(void)flush(world->writer, id);
		expect_books(world->store, id, 4);
	}
	reprise_jetstream_close(flusher.writer);
	reprise_thread_store_close(store);
}
