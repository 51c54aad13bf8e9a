/* SPDX-License-Identifier: MIT */
/* B09: appends in flight: their order, the window, and what becomes of them when one fails. */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "deltas.h"
#include "inner.h"
#include "proxy.h"
#include "raw.h"
#include "world.h"

/* The delta of that number to "t", on its way. */
static void
send(struct reprise_jetstream *writer, unsigned int number, struct told *told)
{
	struct reprise_error error = { .size = sizeof(error) };
	const reprise_status status = reprise_jetstream_append_async(
		writer, "t", delta(number), told == NULL ? NULL : told_add, told, &error);

	cr_assert(eq(int, status, REPRISE_OK), "%s: %s: %s", reprise_status_name(status),
		  error.what, error.detail);
}

STORES_TEST(B09_completions_come_in_the_order_of_the_calls)
{
	struct told told;

	told_begin(&told);
	for (unsigned int i = 1; i <= 1000; i++)
		send(world->writer, i, &told);
	told_wait(&told, 1000);
	for (unsigned int i = 0; i < 1000; i++) {
		cr_assert(eq(int, told.statuses[i], REPRISE_OK));
		cr_assert(eq(uint, told.numbers[i], i + 1));
		cr_assert(eq(u64, told.versions[i], i + 1));
	}
	cr_assert(eq(u64, stats_of(world->writer).in_flight, 0));
	cr_assert(eq(u64, append_to(world->writer, "t", finish(1001)).version, 1001));
	expect_books(world->store, "t", 1001);
	told_end(&told);
}

STORES_TEST(B09_RunFinished_comes_after_what_is_in_flight)
{
	for (unsigned int i = 1; i <= 200; i++)
		send(world->writer, i, NULL);
	cr_assert(eq(u64, append_to(world->writer, "t", finish(201)).version, 201));
	expect_books(world->store, "t", 201);
}

STORES_TEST(B09_a_flush_takes_what_is_in_flight)
{
	for (unsigned int i = 1; i <= 200; i++)
		send(world->writer, i, NULL);
	cr_assert(eq(u64, flush(world->writer, "t").applied, 200));
	expect_books(world->store, "t", 200);
}

SQLITE_TEST(B09_an_append_comes_after_what_is_in_flight)
{
	for (unsigned int i = 1; i <= 100; i++)
		send(world->writer, i, NULL);
	cr_assert(eq(u64, append_new(world->writer, 101), 101));
	for (unsigned int i = 102; i <= 150; i++)
		send(world->writer, i, NULL);
	flush(world->writer, "t");
	expect_books(world->store, "t", 150);
}

SQLITE_TEST(B09_RunFinished_is_refused_by_the_append_that_does_not_wait)
{
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(
		int,
		reprise_jetstream_append_async(world->writer, "t", finish(1), NULL, NULL, &error),
		REPRISE_E_INVALID));
	cr_assert(ne(str, error.what, ""));
	cr_assert(eq(u64, flush(world->writer, "t").applied, 0));
}

SQLITE_TEST(B09_a_delta_in_flight_that_comes_again_counts_once)
{
	struct told told;

	told_begin(&told);
	for (unsigned int i = 1; i <= 20; i++) {
		send(world->writer, i, &told);
		send(world->writer, i, &told);
	}
	told_wait(&told, 40);
	for (unsigned int i = 0; i < 40; i++) {
		cr_assert(eq(int, told.statuses[i], REPRISE_OK));
		cr_assert(eq(u64, told.versions[i], i / 2 + 1));
	}
	flush(world->writer, "t");
	send(world->writer, 7, &told);
	told_wait(&told, 41);
	cr_assert(eq(int, told.statuses[40], REPRISE_OK));
	cr_assert(eq(u64, told.versions[40], 7));
	cr_assert(eq(u64, flush(world->writer, "t").applied, 0));
	expect_books(world->store, "t", 20);
	told_end(&told);
}

SQLITE_TEST(B09_another_delta_of_an_id_in_flight_is_refused)
{
	struct told told;

	told_begin(&told);
	send(world->writer, 1, NULL);
	const reprise_status status = reprise_jetstream_append_async(
		world->writer, "t", delta_named("d1", "UserMessage", "other"), told_add, &told,
		NULL);

	cr_assert(status == REPRISE_OK || status == REPRISE_E_EXISTS);
	if (status == REPRISE_OK) {
		told_wait(&told, 1);
		cr_assert(eq(int, told.statuses[0], REPRISE_E_EXISTS));
	}
	cr_assert(eq(u64, flush(world->writer, "t").applied, 1));
	expect_books(world->store, "t", 1);
	told_end(&told);
}

/* A writer that hears nothing of the server while the proxy is mute. */
struct muted {
	struct nats_proxy proxy;
	struct reprise_jetstream *writer;
	struct told told;
};

static void
muted_begin(struct muted *muted, struct world *world, uint32_t window, uint64_t deadline_ns)
{
	struct reprise_jetstream_options options = world_options(world);

	nats_proxy_open(&muted->proxy, world->server);
	told_begin(&muted->told);
	options.servers = muted->proxy.url;
	options.window = window;
	options.deadline_ns = deadline_ns;
	muted->writer = world_writer(world->store, &options);
	append_new(muted->writer, 1);
	nats_proxy_mute(&muted->proxy, 1);
}

static void
muted_end(struct muted *muted)
{
	reprise_jetstream_close(muted->writer);
	nats_proxy_close(&muted->proxy);
	told_end(&muted->told);
}

SQLITE_TEST(B09_a_full_window_is_waited_for_until_the_deadline)
{
	struct muted muted;
	struct reprise_error error = { .size = sizeof(error) };

	muted_begin(&muted, world, 3, one_second / 2);
	reprise_status status = REPRISE_OK;
	unsigned int sent = 0;

	/* Those in flight may fail at their own deadlines while the next one waits. */
	while (sent < 100 && status == REPRISE_OK) {
		status = reprise_jetstream_append_async(muted.writer, "t", delta(2 + sent),
							told_add, &muted.told, &error);
		sent += status == REPRISE_OK;
		if (muted.told.count > 0)
			break;
	}
	cr_assert(le(u64, stats_of(muted.writer).in_flight, 3));
	cr_assert(ge(uint, sent, 3));
	cr_assert(status == REPRISE_OK || status == REPRISE_E_TIMEOUT || status == REPRISE_E_IO);
	told_wait(&muted.told, sent);
	for (unsigned int i = 0; i < sent; i++)
		cr_assert(muted.told.statuses[i] == REPRISE_E_IO ||
			  muted.told.statuses[i] == REPRISE_E_ABORTED);
	nats_proxy_mute(&muted.proxy, 0);
	/* A delta that was sent may have arrived: it is sent again, with its id. */
	for (unsigned int i = 2; i < 2 + sent; i++)
		cr_assert(append_at_last(muted.writer, "t", delta(i), NULL));
	flush_at_last(muted.writer, "t");
	expect_books(world->store, "t", 1 + sent);
	muted_end(&muted);
}

SQLITE_TEST(B09_after_a_failure_the_later_ones_are_aborted_in_order)
{
	struct muted muted;
	unsigned int sent = 0;

	muted_begin(&muted, world, 256, one_second);
	while (sent < 50 &&
	       reprise_jetstream_append_async(muted.writer, "t", delta(2 + sent), told_add,
					      &muted.told, NULL) == REPRISE_OK)
		sent++;
	cr_assert(eq(uint, sent, 50));
	told_wait(&muted.told, sent);
	cr_assert(eq(int, muted.told.statuses[0], REPRISE_E_IO));
	for (unsigned int i = 1; i < sent; i++)
		cr_assert(eq(int, muted.told.statuses[i], REPRISE_E_ABORTED), "%u", i);
	nats_proxy_mute(&muted.proxy, 0);
	for (unsigned int i = 2; i < 2 + sent; i++)
		cr_assert(append_at_last(muted.writer, "t", delta(i), NULL));
	flush_at_last(muted.writer, "t");
	expect_books(world->store, "t", 1 + sent);
	muted_end(&muted);
}

SQLITE_TEST(B09_RunFinished_publishes_nothing_if_one_in_flight_failed)
{
	struct muted muted;
	struct raw raw = raw_open(nats_server_url(world->server));

	muted_begin(&muted, world, 256, one_second);
	for (unsigned int i = 2; i <= 5; i++)
		send(muted.writer, i, &muted.told);
	const reprise_status status =
		reprise_jetstream_append(muted.writer, "t", NULL, finish(6), NULL, NULL);

	cr_assert(status == REPRISE_E_ABORTED || status == REPRISE_E_IO ||
			  status == REPRISE_E_TIMEOUT,
		  "%s", reprise_status_name(status));
	told_wait(&muted.told, 4);
	cr_assert(eq(u64, version_of(world->store, "t"), 0));
	nats_proxy_mute(&muted.proxy, 0);
	for (unsigned int i = 2; i <= 5; i++)
		cr_assert(append_at_last(muted.writer, "t", delta(i), NULL));
	cr_assert(le(u64, raw_state(&raw, "THREAD_DELTAS").messages, 5), "no RunFinished");
	cr_assert(append_at_last(muted.writer, "t", finish(6), NULL));
	expect_books(world->store, "t", 6);
	muted_end(&muted);
	raw_close(&raw);
}

SQLITE_TEST(B09_a_failure_that_nobody_was_told_is_told_by_the_next_flush)
{
	struct muted muted;

	muted_begin(&muted, world, 256, one_second / 2);
	send(muted.writer, 2, NULL);
	while (stats_of(muted.writer).in_flight > 0)
		;
	nats_proxy_mute(&muted.proxy, 0);
	reprise_status status = REPRISE_E_IO;

	for (int i = 0; i < 600 && status == REPRISE_E_IO; i++)
		status = reprise_jetstream_flush(muted.writer, "t", NULL, NULL);
	cr_assert(eq(int, status, REPRISE_E_ABORTED));
	cr_assert(eq(u64, version_of(world->store, "t"), 0));
	cr_assert(append_at_last(muted.writer, "t", delta(2), NULL));
	flush_at_last(muted.writer, "t");
	expect_books(world->store, "t", 2);
	muted_end(&muted);
}

SQLITE_TEST(B09_a_close_completes_what_is_in_flight)
{
	struct muted muted;

	muted_begin(&muted, world, 256, one_second);
	for (unsigned int i = 2; i <= 20; i++)
		send(muted.writer, i, &muted.told);
	reprise_jetstream_close(muted.writer);
	cr_assert(eq(uint, muted.told.count, 19), "before the close returned");
	for (unsigned int i = 0; i < 19; i++)
		cr_assert(muted.told.statuses[i] == REPRISE_E_ABORTED ||
			  muted.told.statuses[i] == REPRISE_E_IO);
	muted.writer = NULL;
	for (unsigned int i = 1; i <= 20; i++)
		cr_assert(append_at_last(world->writer, "t", delta(i), NULL));
	flush(world->writer, "t");
	expect_books(world->store, "t", 20);
	muted_end(&muted);
}

SQLITE_TEST(B09_a_close_loses_nothing_that_was_acknowledged)
{
	const struct reprise_jetstream_options options = world_options(world);
	struct told told;

	told_begin(&told);
	struct reprise_jetstream *const writer = world_writer(world->store, &options);

	for (unsigned int i = 1; i <= 100; i++)
		send(writer, i, &told);
	reprise_jetstream_close(writer);
	cr_assert(eq(uint, told.count, 100));
	unsigned int acknowledged = 0;

	while (acknowledged < 100 && told.statuses[acknowledged] == REPRISE_OK)
		acknowledged++;
	for (unsigned int i = acknowledged; i < 100; i++)
		cr_assert(eq(int, told.statuses[i], REPRISE_E_ABORTED));
	cr_assert(ge(u64, flush(world->writer, "t").applied, acknowledged));
	for (unsigned int i = 1; i <= acknowledged; i++)
		expect_message(world->store, "t", i, 1);
	told_end(&told);
}

SQLITE_TEST(B09_documents_in_flight_do_not_stop_each_other)
{
	struct told told;
	char id[16];

	told_begin(&told);
	for (unsigned int i = 0; i < 10; i++) {
		snprintf(id, sizeof(id), "t%u", i);
		create(world->store, id);
	}
	for (unsigned int j = 1; j <= 30; j++) {
		for (unsigned int i = 0; i < 10; i++) {
			snprintf(id, sizeof(id), "t%u", i);
			cr_assert(eq(int,
				     reprise_jetstream_append_async(world->writer, id, delta(j),
								    told_add, &told, NULL),
				     REPRISE_OK));
		}
	}
	cr_assert(eq(u64, recover(world->writer).applied, 300));
	for (unsigned int i = 0; i < 10; i++) {
		snprintf(id, sizeof(id), "t%u", i);
		expect_books(world->store, id, 30);
	}
	told_wait(&told, 300);
	told_end(&told);
}

struct asking {
	struct reprise_jetstream *writer;
	atomic_int right;
};

static void
ask_stats(void *context, reprise_status status, const struct reprise_jetstream_appended *appended,
	  const struct reprise_error *error)
{
	struct asking *const asking = context;
	struct reprise_jetstream_stats stats = { .size = sizeof(stats) };

	if (status == REPRISE_OK && appended != NULL && error == NULL &&
	    reprise_jetstream_stats(asking->writer, &stats) == REPRISE_OK && stats.published > 0)
		atomic_fetch_add(&asking->right, 1);
}

SQLITE_TEST(B09_a_completion_may_ask_for_the_counters)
{
	struct asking asking = { .writer = world->writer };

	for (unsigned int i = 1; i <= 20; i++)
		cr_assert(eq(int,
			     reprise_jetstream_append_async(world->writer, "t", delta(i), ask_stats,
							    &asking, NULL),
			     REPRISE_OK));
	reprise_jetstream_close(world->writer);
	world->writer = NULL;
	cr_assert(eq(int, atomic_load(&asking.right), 20));
}
