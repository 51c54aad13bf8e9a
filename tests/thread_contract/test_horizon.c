/* SPDX-License-Identifier: MIT */
/* B05: one horizon for all handles of a store. */
#include "contract.h"

#include <time.h>

static const uint64_t one_ms = 1000000;

static void
sleep_ms(uint64_t ms)
{
	const struct timespec pause = { (time_t)(ms / 1000), (long)(ms % 1000 * 1000000) };

	nanosleep(&pause, NULL);
}

/* Remembers deltas for two seconds, and takes them when they are a second old. */
static struct reprise_thread_store *
open_short(void)
{
	return adapter_open(2000 * one_ms, 1000 * one_ms);
}

static struct reprise_thread_store *
open_long(void)
{
	return adapter_open(60000 * one_ms, 30000 * one_ms);
}

static void
expect_known(struct reprise_thread_store *store, const struct model_delta *delta)
{
	struct reprise_thread_appended appended = { .size = sizeof(appended) };

	cr_assert(eq(int, append_delta(store, delta, NULL, &appended, NULL), REPRISE_OK));
	cr_assert(eq(int, appended.is_repeated, 1));
}

/* @forgetful would prune what @mindful relies on. */
static void
expect_one_horizon(struct reprise_thread_store *forgetful, struct reprise_thread_store *mindful)
{
	const struct model_delta delta = delta_of(1);

	create_t(mindful, "{}");
	cr_assert(eq(int, append_delta(mindful, &delta, NULL, NULL, NULL), REPRISE_OK));
	sleep_ms(2200);
	cr_assert(eq(u64, append_new(forgetful, 2), 2));
	expect_known(mindful, &delta);
	cr_assert(eq(u64, version_of(mindful, "t"), 2));
	expect_deltas(mindful, 0, 1, 2, 10);
	reprise_thread_store_close(forgetful);
	close_store_of(mindful);
}

Test(thread_contract, B05_a_handle_with_a_shorter_horizon_prunes_by_the_store_s)
{
	struct reprise_thread_store *const mindful = open_long();

	expect_one_horizon(open_short(), mindful);
}

Test(thread_contract, B05_a_longer_horizon_counts_for_handles_that_are_open_already)
{
	struct reprise_thread_store *const forgetful = open_short();

	expect_one_horizon(forgetful, open_long());
}

Test(thread_contract, B05_a_horizon_stays_when_its_handle_is_closed)
{
	reprise_thread_store_close(open_long());
	struct reprise_thread_store *const forgetful = open_short();

	expect_one_horizon(forgetful, open_short());
}

/* Its id may have been dropped by the shorter horizon. */
Test(thread_contract, B05_a_delta_of_before_a_longer_horizon_is_expired)
{
	struct reprise_thread_store *const forgetful = open_short();
	const struct model_delta old = delta_of(1);

	create_t(forgetful, "{}");
	cr_assert(eq(int, append_delta(forgetful, &old, NULL, NULL, NULL), REPRISE_OK));
	sleep_ms(2200);
	cr_assert(eq(u64, append_new(forgetful, 2), 2));
	cr_assert(eq(u64, adapter_applied(), 1));
	struct reprise_thread_store *const mindful = open_long();

	cr_assert(eq(int, append_delta(mindful, &old, NULL, NULL, NULL), REPRISE_E_EXPIRED));
	cr_assert(eq(u64, append_new(mindful, 3), 3));
	reprise_thread_store_close(forgetful);
	close_store_of(mindful);
}

Test(thread_contract, B05_a_damaged_horizon_is_told_and_nothing_is_written)
{
	struct reprise_thread_store *const store = open_store();
	struct reprise_error error = { .size = sizeof(error) };

	create_t(store, "{}");
	adapter_do_damage(ADAPTER_HORIZON, 1);
	const struct model_delta delta = delta_of(1);

	cr_assert(eq(int, append_delta(store, &delta, NULL, NULL, &error), REPRISE_E_CORRUPT));
	cr_assert(eq(str, error.what, (char *)"the horizon of the store has a wrong checksum"));
	cr_assert(eq(int, load_status(store, "t"), REPRISE_OK));
	close_store_of(store);
}
