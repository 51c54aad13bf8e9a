/* SPDX-License-Identifier: MIT */
/* B10: a flush applies what is buffered in one save, and a failed one loses nothing. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "deltas.h"
#include "inner.h"
#include "log_sqlite/scratch.h"
#include "raw.h"
#include "world.h"

#define STREAM "THREAD_DELTAS"

STORES_TEST(B10_a_flush_of_nothing_changes_nothing)
{
	inner_watch(world->store);
	const struct reprise_jetstream_flushed none = flush(world->writer, "t");

	cr_assert(eq(u64, none.version, 0));
	cr_assert(eq(u64, none.applied, 0));
	append_new(world->writer, 1);
	cr_assert(eq(u64, flush(world->writer, "t").applied, 1));
	const struct reprise_jetstream_flushed again = flush(world->writer, "t");

	cr_assert(eq(u64, again.version, 1));
	cr_assert(eq(u64, again.applied, 0));
	cr_assert(eq(u64, again.dead, 0));
	cr_assert(eq(u64, again.discarded, 0));
	cr_assert(eq(uint, inner_commits(), 1));
	cr_assert(eq(u64, stats_of(world->writer).flushes, 1));
}

STORES_TEST(B10_a_flush_is_one_save)
{
	inner_watch(world->store);
	append_range(world->writer, 1, 100);
	cr_assert(eq(uint, inner_commits(), 0), "a run does not touch the store");
	append_to(world->writer, "t", finish(101));
	cr_assert(eq(uint, inner_commits(), 1));
	expect_books(world->store, "t", 101);
	const struct reprise_jetstream_stats stats = stats_of(world->writer);

	cr_assert(eq(u64, stats.flushes, 1));
	cr_assert(eq(u64, stats.applied, 101));
	cr_assert(eq(u64, stats.published, 101));
}

STORES_TEST(B10_a_run_of_1001_deltas_is_flushed_whole)
{
	struct raw raw = raw_open(nats_server_url(world->server));

	for (unsigned int i = 1; i <= 1001; i++)
		cr_assert(eq(int,
			     reprise_jetstream_append_async(world->writer, "t", delta(i), NULL,
							    NULL, NULL),
			     REPRISE_OK));
	const struct reprise_jetstream_flushed flushed = flush(world->writer, "t");

	cr_assert(eq(u64, flushed.applied, 1001));
	cr_assert(eq(u64, flushed.version, 1001));
	expect_books(world->store, "t", 1001);
	cr_assert(eq(u64, raw_state(&raw, STREAM).messages, 1));
	raw_close(&raw);
}

/* The text without the uid and the id, which differ; to be freed. */
static char *
without_names(const char *text, const char *id, const char *uid)
{
	char *const copy = strdup(text);
	char words[64];

	cr_assert(ne(ptr, copy, NULL));
	snprintf(words, sizeof(words), "\"id\":\"%s\",", id);
	char *const id_at = strstr(copy, words);

	cr_assert(ne(ptr, id_at, NULL));
	memset(id_at, ' ', strlen(words));
	char *const uid_at = strstr(copy, uid);

	cr_assert(ne(ptr, uid_at, NULL));
	memset(uid_at, ' ', strlen(uid));
	return copy;
}

static struct reprise_bytes
varied(unsigned int number, char *text, size_t room)
{
	const int is_finished = number == 40;

	snprintf(text, room,
		 "{\"delta_id\":\"d%u\",\"created_at\":%llu,\"reason\":\"%s\",\"run_id\":\"r\","
		 "\"messages\":[{\"id\":\"m%u\",\"n\":%u.0},{\"text\":\"\\u00e4\"}],"
		 "\"patches\":[{\"op\":%u}]%s}",
		 number, (unsigned long long)deltas_time_ms(),
		 is_finished ? "RunFinished" : "AssistantTurnCommitted", number % 7, number, number,
		 number % 10 == 3 ? ",\"snapshot\":{\"z\":1,\"a\":[1.50,null]}" : "");
	return text_bytes(text);
}

STORES_TEST(B10_a_flush_makes_what_direct_appends_make)
{
	char text[512];

	create(world->store, "u");
	for (unsigned int i = 1; i <= 40; i++) {
		const struct reprise_bytes bytes = varied(i, text, sizeof(text));

		append_to(world->writer, "t", bytes);
		cr_assert(eq(int, reprise_thread_append(world->store, "u", NULL, bytes, NULL, NULL),
			     REPRISE_OK));
	}
	char *const flushed =
		without_names(text_of(world->store, "t"), "t", uid_of(world->store, "t"));
	char *const direct =
		without_names(text_of(world->store, "u"), "u", uid_of(world->store, "u"));

	cr_assert(eq(str, flushed, direct));
	free(flushed);
	free(direct);
}

STORES_TEST(B10_the_kept_deltas_are_those_of_direct_appends)
{
	struct reprise_thread_deltas deltas = { .size = sizeof(deltas) };
	struct reprise_thread_deltas direct = { .size = sizeof(direct) };
	struct reprise_thread_page *pages[2] = { NULL, NULL };

	create(world->store, "u");
	for (unsigned int i = 1; i <= 9; i++) {
		append_new(world->writer, i);
		cr_assert(eq(int,
			     reprise_thread_append(world->store, "u", NULL, delta(i), NULL, NULL),
			     REPRISE_OK));
	}
	flush(world->writer, "t");
	for (int i = 0; i < 2; i++) {
		cr_assert(eq(int, reprise_thread_page_open(&pages[i]), REPRISE_OK));
		cr_assert(eq(int,
			     reprise_thread_load_deltas(world->store, i == 0 ? "t" : "u", 0, 99, 0,
							pages[i], i == 0 ? &deltas : &direct, NULL),
			     REPRISE_OK));
	}
	cr_assert(eq(sz, deltas.deltas_count, 9));
	cr_assert(eq(sz, direct.deltas_count, 9));
	for (size_t i = 0; i < 9; i++) {
		cr_assert(eq(u64, deltas.deltas[i].version, i + 1));
		cr_assert(eq(sz, deltas.deltas[i].json.size, direct.deltas[i].json.size));
		cr_assert(memcmp(deltas.deltas[i].json.data, direct.deltas[i].json.data,
				 direct.deltas[i].json.size) == 0);
	}
	for (int i = 0; i < 2; i++)
		reprise_thread_page_close(pages[i]);
}

STORES_TEST(B10_a_save_that_fails_settles_nothing)
{
	struct raw raw = raw_open(nats_server_url(world->server));
	struct reprise_error error = { .size = sizeof(error) };

	append_range(world->writer, 1, 5);
	inner_watch(world->store);
	inner_fail_commits(2);
	cr_assert(eq(int, reprise_jetstream_flush(world->writer, "t", NULL, &error), REPRISE_E_IO));
	cr_assert(strstr(error.detail, "the test refuses it") != NULL, "%s", error.detail);
	cr_assert(eq(u64, raw_state(&raw, STREAM).messages, 5));
	cr_assert(eq(int,
		     reprise_jetstream_append(world->writer, "t", NULL, finish(6), NULL, &error),
		     REPRISE_E_IO));
	cr_assert(eq(u64, raw_state(&raw, STREAM).messages, 6), "it is buffered, and stays");
	cr_assert(eq(u64, version_of(world->store, "t"), 0));
	cr_assert(eq(u64, append_new(world->writer, 7), 7));
	cr_assert(eq(u64, flush(world->writer, "t").applied, 7));
	expect_books(world->store, "t", 7);
	raw_close(&raw);
}

STORES_TEST(B10_a_load_that_fails_loses_nothing)
{
	inner_watch(world->store);
	append_range(world->writer, 1, 3);
	inner_fail_looks(1);
	cr_assert(eq(int, reprise_jetstream_flush(world->writer, "t", NULL, NULL), REPRISE_E_IO));
	cr_assert(eq(u64, flush(world->writer, "t").applied, 3));
	expect_books(world->store, "t", 3);
}

SQLITE_TEST(B10_a_store_that_always_fails_leaves_all_buffered)
{
	inner_watch(world->store);
	inner_fail_commits(-1);
	for (unsigned int i = 1; i <= 10; i++) {
		append_new(world->writer, 2 * i - 1);
		cr_assert(eq(int,
			     reprise_jetstream_append(world->writer, "t", NULL, finish(2 * i), NULL,
						      NULL),
			     REPRISE_E_IO));
	}
	cr_assert(ne(int, reprise_jetstream_recover(world->writer, NULL, NULL), REPRISE_OK));
	inner_fail_commits(0);
	cr_assert(eq(u64, recover(world->writer).applied, 20));
	expect_books(world->store, "t", 20);
}

static void
wait_a_little(void *context)
{
	const struct timespec pause = { 0, 50000000 };

	(void)context;
	nanosleep(&pause, NULL);
}

SQLITE_TEST(B10_a_slow_store_does_not_stop_appends_to_other_documents)
{
	create(world->store, "u");
	append_range(world->writer, 1, 9);
	inner_watch(world->store);
	inner_before_commit(wait_a_little, NULL);
	append_to(world->writer, "t", finish(10));
	for (unsigned int i = 1; i <= 5; i++)
		append_to(world->writer, "u", delta(i));
	append_to(world->writer, "u", finish(6));
	inner_before_commit(NULL, NULL);
	expect_books(world->store, "t", 10);
	expect_books(world->store, "u", 6);
}

/* SQLite's file, locked by another connection for longer than the store's deadline. */
SQLITE_TEST(B10_a_locked_store_is_told_and_all_stays_buffered)
{
	const struct reprise_jetstream_options options = world_options(world);
	struct reprise_thread_store *const store = world_impatient_store();
	struct reprise_jetstream *const writer = world_writer(store, &options);

	append_range(writer, 1, 3);
	void *const lock = world_lock_store();

	cr_assert(eq(int, reprise_jetstream_flush(writer, "t", NULL, NULL), REPRISE_E_TIMEOUT));
	cr_assert(eq(int, reprise_jetstream_append(writer, "t", NULL, finish(4), NULL, NULL),
		     REPRISE_E_TIMEOUT));
	world_unlock_store(lock);
	cr_assert(eq(u64, flush(writer, "t").applied, 4));
	expect_books(store, "t", 4);
	reprise_jetstream_close(writer);
	reprise_thread_store_close(store);
}

/* Somebody else saves between the load and the save of a flush, the first few times. */
struct intruder {
	struct reprise_thread_store *store; /* another handle */
	unsigned int left;
};

static void
intrude(void *context)
{
	struct intruder *const intruder = context;
	char text[32];

	if (intruder->left == 0)
		return;
	snprintf(text, sizeof(text), "{\"n\":%u}", intruder->left--);
	cr_assert(eq(int,
		     reprise_thread_save(intruder->store, "t", NULL, text_bytes(text), NULL, 0,
					 NULL, NULL),
		     REPRISE_OK));
}

STORES_TEST(B10_a_flush_that_meets_another_version_is_done_again)
{
	struct intruder intruder = { .store = world_store(world), .left = 3 };

	append_range(world->writer, 1, 3);
	inner_watch(world->store);
	inner_after_look(intrude, &intruder);
	const struct reprise_jetstream_flushed flushed = flush(world->writer, "t");

	inner_after_look(NULL, NULL);
	cr_assert(eq(u64, flushed.applied, 3));
	cr_assert(eq(u64, flushed.version, 6));
	cr_assert(ge(u64, stats_of(world->writer).conflicts, 1));
	for (unsigned int i = 1; i <= 3; i++)
		expect_message(world->store, "t", i, 1);
	reprise_thread_store_close(intruder.store);
}

SQLITE_TEST(B10_a_flush_that_always_meets_another_version_gives_up)
{
	struct reprise_jetstream_options options = world_options(world);
	struct intruder intruder = { .store = world_store(world), .left = 1000000 };
	struct reprise_error error = { .size = sizeof(error) };

	options.deadline_ns = one_second / 2;
	append_range(world->writer, 1, 3);
	struct reprise_jetstream *const writer = world_writer(world->store, &options);

	inner_watch(world->store);
	inner_after_look(intrude, &intruder);
	cr_assert(eq(int, reprise_jetstream_flush(writer, "t", NULL, &error), REPRISE_E_CONFLICT));
	inner_after_look(NULL, NULL);
	cr_assert(eq(u64, flush(writer, "t").applied, 3));
	for (unsigned int i = 1; i <= 3; i++)
		expect_message(world->store, "t", i, 1);
	reprise_jetstream_close(writer);
	reprise_thread_store_close(intruder.store);
}
