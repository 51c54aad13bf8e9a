/* SPDX-License-Identifier: MIT */
/* B08: a deleted or re-created document never meets old deltas; saves settle what they contain. */
#include <stdio.h>
#include <time.h>

#include "deltas.h"
#include "inner.h"
#include "letters.h"
#include "raw.h"
#include "world.h"

#define STREAM "THREAD_DELTAS"

static void
delete_t(struct reprise_jetstream *writer)
{
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int, reprise_jetstream_delete(writer, "t", &error), REPRISE_OK), "%s: %s",
		  error.what, error.detail);
}

STORES_TEST(B08_a_delete_removes_the_buffered_deltas)
{
	struct raw raw = raw_open(nats_server_url(world->server));

	create(world->store, "u");
	append_range(world->writer, 1, 5);
	append_to(world->writer, "u", delta(1));
	delete_t(world->writer);
	cr_assert(eq(u64, version_of(world->store, "t"), UINT64_MAX));
	cr_assert(eq(u64, raw_state(&raw, STREAM).messages, 1));
	cr_assert(eq(int, append(world->writer, 6, NULL, NULL), REPRISE_E_NOT_FOUND));
	create(world->store, "t");
	cr_assert(eq(u64, append_new(world->writer, 1), 1), "the same id is another delta now");
	const struct reprise_jetstream_recovered recovered = recover(world->writer);

	cr_assert(eq(u64, recovered.applied, 2));
	cr_assert(eq(u64, recovered.dead, 0));
	expect_books(world->store, "t", 1);
	expect_books(world->store, "u", 1);
	raw_close(&raw);
}

STORES_TEST(B08_a_delete_spares_the_newest_message_of_the_stream)
{
	struct raw raw = raw_open(nats_server_url(world->server));

	append_range(world->writer, 1, 5);
	delete_t(world->writer);
	cr_assert(eq(u64, raw_state(&raw, STREAM).messages, 1));
	cr_assert(eq(u64, raw_state(&raw, STREAM).last, 5));
	nats_server_kill(world->server);
	nats_server_restart(world->server);
	raw_close(&raw);
	raw = raw_open(nats_server_url(world->server));
	create(world->store, "t");
	struct reprise_jetstream_appended appended;

	cr_assert(append_at_last(world->writer, "t", delta(1), &appended));
	cr_assert(gt(u64, appended.sequence, 5), "the sequences go on");
	const struct reprise_jetstream_flushed flushed = flush(world->writer, "t");

	cr_assert(eq(u64, flushed.applied, 1));
	cr_assert(eq(u64, letters_count(world->writer), flushed.dead));
	expect_books(world->store, "t", 1);
	raw_close(&raw);
}

/*
 * By another writer, or by a call of the store's own: the writer's view is of the first document.
 */
static void
expect_re_created(struct world *world, bool is_buffered)
{
	append_range(world->writer, 1, is_buffered ? 3 : 0);
	cr_assert(eq(int, reprise_thread_delete(world->store, "t", NULL), REPRISE_OK));
	create(world->store, "t");
	const struct reprise_jetstream_recovered recovered = recover(world->writer);

	cr_assert(eq(u64, recovered.applied, 0));
	cr_assert(eq(u64, recovered.dead, is_buffered ? 3 : 0));
	cr_assert(eq(u64, version_of(world->store, "t"), 0));
	cr_assert(eq(u64, letters_count(world->writer), is_buffered ? 3 : 0));
	cr_assert(eq(u64, append_new(world->writer, 1), 1));
	/* This writer has sent deltas to the first document. */
	cr_assert(eq(int, reprise_jetstream_flush(world->writer, "t", NULL, NULL),
		     is_buffered ? REPRISE_E_ABORTED : REPRISE_OK));
	cr_assert(eq(u64, flush(world->writer, "t").applied, is_buffered));
	expect_books(world->store, "t", 1);
}

STORES_TEST(B08_deltas_of_a_document_that_was_created_again_are_dead_letters)
{
	expect_re_created(world, true);
}

STORES_TEST(B08_a_document_without_deltas_may_be_created_again)
{
	expect_re_created(world, false);
}

/* The view of this writer is older than the second document. */
STORES_TEST(B08_a_writer_that_knew_the_first_document_adds_nothing_to_the_second)
{
	append_range(world->writer, 1, 2);
	cr_assert(eq(int, reprise_thread_delete(world->store, "t", NULL), REPRISE_OK));
	create(world->store, "t");
	append_new(world->writer, 3);
	cr_assert(
		eq(int, reprise_jetstream_flush(world->writer, "t", NULL, NULL), REPRISE_E_ABORTED),
		"the writer has sent deltas to the first");
	const struct reprise_jetstream_flushed flushed = flush(world->writer, "t");
	const uint64_t dead = flushed.dead;

	/* The third was for the first document, or the writer has seen that there is a second. */
	cr_assert(ge(u64, dead, 2));
	cr_assert(eq(u64, flushed.applied + dead, 3));
	expect_message(world->store, "t", 1, 0);
	expect_message(world->store, "t", 2, 0);
	cr_assert(eq(u64, letters_count(world->writer), dead));
	append_new(world->writer, 4);
	cr_assert(eq(u64, flush(world->writer, "t").applied, 1));
	expect_message(world->store, "t", 4, 1);
}

STORES_TEST(B08_deltas_of_a_deleted_document_are_dead_letters)
{
	struct raw raw = raw_open(nats_server_url(world->server));

	append_range(world->writer, 1, 3);
	cr_assert(eq(int, reprise_thread_delete(world->store, "t", NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_jetstream_flush(world->writer, "t", NULL, NULL),
		     REPRISE_E_NOT_FOUND));
	cr_assert(eq(u64, letters_count(world->writer), 3));
	cr_assert(eq(u64, version_of(world->store, "t"), UINT64_MAX), "nothing is created");
	cr_assert(eq(u64, recover(world->writer).applied, 0));
	cr_assert(eq(u64, letters_count(world->writer), 3));
	cr_assert(eq(u64, stats_of(world->writer).dead, 3));
	raw_close(&raw);
}

STORES_TEST(B08_a_delete_without_a_server_is_done_and_its_deltas_die_later)
{
	struct reprise_jetstream_options options = world_options(world);

	options.deadline_ns = one_second / 2;
	struct reprise_jetstream *const writer = world_writer(world->store, &options);

	append_range(writer, 1, 3);
	nats_server_kill(world->server);
	delete_t(writer);
	cr_assert(eq(u64, version_of(world->store, "t"), UINT64_MAX));
	nats_server_restart(world->server);
	create(world->store, "t");
	cr_assert(append_at_last(writer, "t", delta(4), NULL));
	flush_at_last(writer, "t");
	for (unsigned int i = 1; i <= 3; i++)
		expect_message(world->store, "t", i, 0);
	expect_message(world->store, "t", 4, 1);
	cr_assert(eq(u64, letters_count(writer), 3));
	reprise_jetstream_close(writer);
}

static reprise_status
save(struct world *world, const uint64_t *expected, const char *text, uint64_t through,
     uint64_t *ret_version)
{
	return reprise_jetstream_save(world->writer, "t", expected, text_bytes(text), through,
				      ret_version, NULL);
}

STORES_TEST(B08_a_save_settles_the_deltas_that_it_contains)
{
	uint64_t sequences[6], version = 0;
	const uint64_t expected = 0;
	struct reprise_jetstream_appended appended = { .size = sizeof(appended) };

	for (unsigned int i = 1; i <= 5; i++)
		sequences[i] = append_to(world->writer, "t", delta(i)).sequence;
	cr_assert(eq(int,
		     save(world, &expected,
			  "{\"messages\":[{\"id\":\"m1\"},{\"id\":\"m2\"},{\"id\":\"m3\"}]}",
			  sequences[3], &version),
		     REPRISE_OK));
	cr_assert(eq(u64, version, 4), "the save, and three deltas");
	cr_assert(eq(u64, version_of(world->store, "t"), 4));
	cr_assert(eq(int, append(world->writer, 2, &appended, NULL), REPRISE_OK));
	cr_assert(eq(int, appended.is_repeated, 1));
	cr_assert(eq(int, appended.is_flushed, 1));
	cr_assert(eq(u64, append_new(world->writer, 6), 7));
	cr_assert(eq(u64, flush(world->writer, "t").applied, 3));
	for (unsigned int i = 1; i <= 6; i++)
		expect_message(world->store, "t", i, 1);
	cr_assert(eq(u64, version_of(world->store, "t"), 7));
	cr_assert(eq(u64, recover(world->writer).applied, 0));
}

STORES_TEST(B08_a_save_through_nothing_keeps_all_deltas)
{
	uint64_t version = 0;

	append_range(world->writer, 1, 3);
	cr_assert(eq(int, save(world, NULL, "{\"a\":1}", 0, &version), REPRISE_OK));
	cr_assert(eq(u64, version, 1));
	cr_assert(eq(u64, flush(world->writer, "t").applied, 3));
	cr_assert(eq(u64, version_of(world->store, "t"), 4));
	expect_message(world->store, "t", 3, 1);
}

STORES_TEST(B08_a_save_of_another_version_changes_nothing)
{
	struct raw raw = raw_open(nats_server_url(world->server));
	const uint64_t wrong = 7;
	uint64_t sequence = 0;

	for (unsigned int i = 1; i <= 3; i++)
		sequence = append_to(world->writer, "t", delta(i)).sequence;
	cr_assert(eq(int, save(world, &wrong, "{}", sequence, NULL), REPRISE_E_CONFLICT));
	cr_assert(eq(u64, raw_state(&raw, STREAM).messages, 3));
	inner_watch(world->store);
	inner_fail_commits(1);
	cr_assert(eq(int, save(world, NULL, "{}", sequence, NULL), REPRISE_E_IO));
	cr_assert(eq(int, save(world, NULL, "[]", sequence, NULL), REPRISE_E_INVALID));
	cr_assert(eq(u64, raw_state(&raw, STREAM).messages, 3));
	cr_assert(eq(u64, flush(world->writer, "t").applied, 3));
	expect_books(world->store, "t", 3);
	raw_close(&raw);
}

STORES_TEST(B08_a_save_of_a_new_document_has_version_0)
{
	uint64_t version = 9;

	cr_assert(eq(int,
		     reprise_jetstream_save(world->writer, "new", NULL, text_bytes("{\"a\":1}"), 0,
					    &version, NULL),
		     REPRISE_OK));
	cr_assert(eq(u64, version, 0));
	cr_assert(eq(u64, append_to(world->writer, "new", delta(1)).version, 1));
	cr_assert(eq(u64, flush(world->writer, "new").applied, 1));
}

SQLITE_TEST(B08_a_save_without_a_connection_saves_nothing)
{
	struct reprise_jetstream_options options = world_options(world);

	options.deadline_ns = one_second / 2;
	struct reprise_jetstream *const writer = world_writer(world->store, &options);
	struct reprise_jetstream_appended appended = append_to(writer, "t", delta(1));

	nats_server_kill(world->server);
	cr_assert(eq(int,
		     reprise_jetstream_save(writer, "t", NULL, text_bytes("{}"), appended.sequence,
					    NULL, NULL),
		     REPRISE_E_IO));
	cr_assert(eq(u64, version_of(world->store, "t"), 0));
	nats_server_restart(world->server);
	cr_assert(eq(u64, flush_at_last(writer, "t").applied, 1));
	reprise_jetstream_close(writer);
}

/* The second writer learns of the deletion too late for what it has sent meanwhile. */
static void
expect_told_once(struct world *world, bool is_flush)
{
	const struct reprise_jetstream_options options = world_options(world);
	struct reprise_jetstream *const other = world_writer(world->store, &options);
	static struct told told;

	told_begin(&told);
	for (unsigned int i = 1; i <= 3; i++) {
		cr_assert(eq(
			int,
			reprise_jetstream_append_async(other, "t", delta(i), told_add, &told, NULL),
			REPRISE_OK));
		told_wait(&told, i);
		cr_assert(eq(int, told.statuses[i - 1], REPRISE_OK));
		if (i > 1)
			continue;
		delete_t(world->writer);
		create(world->store, "t");
	}
	const reprise_status status =
		is_flush ? reprise_jetstream_flush(other, "t", NULL, NULL)
			 : reprise_jetstream_append(other, "t", NULL, finish(4), NULL, NULL);

	cr_assert(eq(int, status, REPRISE_E_ABORTED));
	cr_assert(eq(u64, version_of(world->store, "t"), 0));
	for (unsigned int i = 1; i <= 4; i++)
		append_to(other, "t", i == 4 ? finish(i) : delta(i));
	expect_books(world->store, "t", 4);
	cr_assert(eq(u64, flush(other, "t").applied, 0));
	reprise_jetstream_close(other);
	told_end(&told);
}

STORES_TEST(B09_a_run_across_a_deletion_is_not_told_to_be_whole)
{
	expect_told_once(world, false);
}

STORES_TEST(B09_a_flush_across_a_deletion_tells_it_once)
{
	expect_told_once(world, true);
}

/* A view that was not compared for a second is compared. */
SQLITE_TEST(B09_an_asynchronous_append_notices_a_deletion_in_time)
{
	const struct reprise_jetstream_options options = world_options(world);
	struct reprise_jetstream *const other = world_writer(world->store, &options);
	const struct timespec pause = { .tv_sec = 1, .tv_nsec = 100000000 };
	static struct told told;

	told_begin(&told);
	cr_assert(eq(int,
		     reprise_jetstream_append_async(other, "t", delta(1), told_add, &told, NULL),
		     REPRISE_OK));
	told_wait(&told, 1);
	delete_t(world->writer);
	nanosleep(&pause, NULL);
	cr_assert(eq(int,
		     reprise_jetstream_append_async(other, "t", delta(2), told_add, &told, NULL),
		     REPRISE_E_NOT_FOUND));
	create(world->store, "t");
	cr_assert(eq(int,
		     reprise_jetstream_append_async(other, "t", delta(1), told_add, &told, NULL),
		     REPRISE_OK));
	told_wait(&told, 2);
	append_to(other, "t", finish(2));
	expect_books(world->store, "t", 2);
	reprise_jetstream_close(other);
	told_end(&told);
}
