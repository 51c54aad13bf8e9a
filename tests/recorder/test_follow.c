/* SPDX-License-Identifier: MIT */
/* Stores that only read the log of another runtime, in a SQLite file. */
#include <unistd.h>

#include <reprise/log_sqlite.h>

#include "base/atomic.h"
#include "following.h"
#include "log/adapter.h"
#include "log_sqlite/scratch.h"
#include "support.h"

TestSuite(follow, .fini = scratch_remove, .timeout = 60);

static struct reprise_log *
open_log(void)
{
	const struct reprise_log_sqlite_options options = { .size = sizeof(options),
							    .path = scratch_path("log"),
							    .deadline_ns = 10 * one_second };
	struct reprise_log *log = NULL;

	return reprise_log_sqlite_open(&options, &log, NULL) == REPRISE_OK ? log : NULL;
}

static struct reprise_log *
open_log_to_read(void)
{
	const struct reprise_log_sqlite_options options = { .size = sizeof(options),
							    .path = scratch_path("log"),
							    .is_read_only = 1,
							    .deadline_ns = 10 * one_second };
	struct reprise_log *log = NULL;

	return reprise_log_sqlite_open(&options, &log, NULL) == REPRISE_OK ? log : NULL;
}

Test(follow, S16_each_way_of_waiting_is_told_of_another_runtimes_events)
{
	const uint64_t median_ns = following_expect_doors(open_log, 24);

	cr_log_info("seen after %llu ns, the median\n", (unsigned long long)median_ns);
	expect_no_leaks();
}

Test(follow, S16_each_life_of_another_runtime_is_told)
{
	following_expect_lives(open_log);
}

Test(follow, S16_cursors_are_judged_without_a_window)
{
	following_expect_cursors(open_log);
	expect_no_leaks();
}

Test(follow, S16_what_is_archived_meanwhile_is_an_exact_gap)
{
	following_expect_archiving(open_log);
	expect_no_leaks();
}

Test(follow, S16_runtimes_that_are_killed_lose_nothing_acknowledged,
     .disabled = IS_ALLOCATOR_LOCKED)
{
	following_expect_killed_writers(open_log, 5);
}

Test(follow, S16_a_host_that_is_killed_goes_on_at_its_cursor, .disabled = IS_ALLOCATOR_LOCKED)
{
	following_expect_killed_hosts(open_log, 8);
}

Test(follow, S17_more_sessions_are_followed_than_one_look_reads)
{
	following_expect_many(open_log, 400);
	expect_no_leaks();
}

Test(follow, S15_nothing_is_written_through_a_store_that_only_reads)
{
	following_expect_refusals(open_log);
	expect_no_leaks();
}

Test(follow, S15_a_log_that_was_opened_to_be_read_is_enough)
{
	struct following writing = following_writing(open_log);
	struct reprise_writer *const writer = following_write(&writing);
	struct reprise_recorder *recorder = NULL;

	following_append(&writing, writer, 2);
	struct following reading = following_reading(open_log_to_read);
	struct reprise_subscription *const subscription = following_subscribe(&reading, 1);

	following_expect(subscription, 1, 2);
	following_append(&writing, writer, 5);
	following_expect(subscription, 3, 5);
	/* Which a recorder that records does not take. */
	struct reprise_log *const log = open_log_to_read();
	struct reprise_store *const store = store_plain();

	cr_assert(eq(int, reprise_recorder_open(store, log, NULL, &recorder, NULL),
		     REPRISE_E_INVALID));
	close_store(store);
	reprise_log_close(log);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	following_close(&writing);
	following_close(&reading);
	expect_no_leaks();
}

/* --- looks at the log ------------------------------------------------------------------------- */

static const struct log_adapter *adapter;
static atomic_u64 looks;

static reprise_status
count_look(struct reprise_log *log, uint64_t *ret_version, struct reprise_error *error)
{
	fetch_add_relaxed(&looks, 1);
	return adapter->version(log, ret_version, error);
}

/* Nobody waits in the store yet. */
static void
count_looks(struct reprise_log *log)
{
	static struct log_adapter counting;

	pthread_mutex_lock(&log->lock);
	adapter = log->adapter;
	counting = *adapter;
	counting.version = count_look;
	log->adapter = &counting;
	pthread_mutex_unlock(&log->lock);
}

Test(follow, S17_a_waiting_host_costs_one_look_in_watch_ns_and_nobody_none)
{
	const struct reprise_recorder_options options = { .size = sizeof(options),
							  .reads_only = 1,
							  .watch_ns = one_second / 25 };
	struct following writing = following_writing(open_log);
	struct following reading = following_open(open_log, &options);

	count_looks(following_reading_log(&reading));
	usleep(300000);
	cr_assert(eq(u64, load_relaxed(&looks), 0));

	/* Two hosts: the looks are the store's. */
	struct reprise_subscription *const host = following_subscribe(&reading, 1);
	struct reprise_subscription *const other = following_subscribe(&reading, 1);

	expect_empty(host);
	expect_empty(other);
	while (load_relaxed(&looks) < 3)
		usleep(1000);
	const uint64_t before = load_relaxed(&looks);

	usleep(400000);
	cr_assert(le(u64, load_relaxed(&looks) - before, 12));

	struct reprise_writer *const writer = following_write(&writing);

	following_append(&writing, writer, 1);
	following_expect(host, 1, 1);
	following_expect(other, 1, 1);
	reprise_subscription_close(host);
	reprise_subscription_close(other);
	usleep(50000);
	const uint64_t last = load_relaxed(&looks);

	usleep(300000);
	cr_assert(eq(u64, load_relaxed(&looks), last));
	reprise_writer_close(writer);
	following_close(&writing);
	following_close(&reading);
	expect_no_leaks();
}
