/* SPDX-License-Identifier: MIT */
/* L58: a recorder keeps the log within limits. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reprise/log_sqlite.h>
#include <reprise/log_upkeep.h>

#include "log_sqlite/scratch.h"
#include "world.h"

TestSuite(retain, .fini = scratch_remove, .timeout = 60);

enum {
	INTERVAL_NS = 10000000,
};

static struct reprise_recorder_options
options_with(const struct reprise_log_retention *retention)
{
	struct reprise_recorder_options options = world_options();

	options.retention = retention;
	options.prune_interval_ns = INTERVAL_NS;
	return options;
}

static struct world
open_with(const char *path, uint64_t events_max, struct reprise_log_retention retention)
{
	/* The recorder copies both. */
	retention.size = sizeof(retention);
	const struct reprise_recorder_options options = options_with(&retention);

	return world_open(path, events_max, &options);
}

/* The statistics, once @rounds more rounds have begun and ended. */
static struct reprise_recorder_stats
await_rounds(struct world *world, uint64_t rounds)
{
	struct reprise_recorder_stats stats = world_stats(world);
	const uint64_t until = stats.prunes + rounds + 1;

	for (int i = 0; stats.prunes < until && i < 40000; i++) {
		usleep(1000);
		stats = world_stats(world);
	}
	cr_assert(ge(u64, stats.prunes, until));
	return stats;
}

static void
refuses(struct world *world, const struct reprise_recorder_options *options, const char *what)
{
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_recorder *recorder = NULL;

	cr_assert(eq(int,
		     reprise_recorder_open(world->store, world->log, options, &recorder, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, (char *)what));
	cr_assert(eq(ptr, recorder, NULL));
}

Test(retain, L58_bad_options_are_named)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);
	struct reprise_log_retention retention = { .size = sizeof(retention), .entries_max = 1 };
	struct reprise_recorder_options options = options_with(&retention);

	options.prune_interval_ns = 9999999;
	refuses(&world, &options, "prune_interval_ns");
	options.prune_interval_ns = UINT64_C(24) * 3600 * one_second + 1;
	refuses(&world, &options, "prune_interval_ns");
	options.prune_interval_ns = 0;
	options.reads_only = 1;
	refuses(&world, &options, "retention");
	options.reads_only = 0;
	retention.reserved = 1;
	refuses(&world, &options, "retention: reserved");
	retention.reserved = 0;
	retention.includes_direct = -1;
	refuses(&world, &options, "retention: includes_direct");
	retention = (struct reprise_log_retention){ .size = sizeof(retention) };
	refuses(&world, &options, "retention");
	retention.size = 3;
	refuses(&world, &options, "retention: size");
	options.retention = NULL;
	options.prune_interval_ns = one_second;
	refuses(&world, &options, "prune_interval_ns");
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(retain, L58_without_a_retention_nothing_is_pruned)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);

	world_write(&world);
	world_append_until(&world, 100);
	world_flush(&world);
	cr_assert(eq(u64, world_stats(&world).prunes, 0));
	cr_assert(eq(u64, world_log_stats(&world).watermark, 0));
	world_close(&world, REPRISE_OK);
}

Test(retain, L58_the_recorder_keeps_each_key_within_the_limits)
{
	static const struct {
		struct reprise_log_retention retention;
		uint64_t left;
	} cases[] = {
		{ { .entries_max = 30 }, 30 },
		/* The last events have three digits. */
		{ { .bytes_max = 60 }, 20 },
		{ { .age_ns_max = 1 }, 0 },
		{ { .tenant_entries_max = 40 }, 40 },
		{ { .tenant_bytes_max = 90 }, 30 },
		{ { .entries_max = 50, .tenant_entries_max = 25, .bytes_max = 150 }, 25 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char name[8];

		snprintf(name, sizeof(name), "log%zu", i);
		struct world world = open_with(scratch_path(name), 0, cases[i].retention);

		world_write(&world);
		world_append_until(&world, 500);
		world_flush(&world);
		const struct reprise_recorder_stats stats = await_rounds(&world, 1);
		const struct reprise_log_stats kept = world_log_stats(&world);

		cr_expect(eq(u64, kept.head, 500), "case %zu", i);
		cr_expect(eq(u64, kept.head - kept.watermark, cases[i].left), "case %zu", i);
		cr_expect(eq(u64, stats.pruned, 500 - cases[i].left), "case %zu", i);
		cr_expect(eq(u64, stats.pruned_rows, 500 - cases[i].left), "case %zu", i);
		cr_expect(eq(u64, stats.prune_failures, 0), "case %zu", i);
		cr_expect(eq(int, stats.prune_last, REPRISE_OK));
		cr_expect(eq(int, stats.prune_failure, REPRISE_OK));
		/* The session goes on. */
		world_append_until(&world, 501);
		world_flush(&world);
		world_close(&world, REPRISE_OK);
	}
	expect_no_leaks();
}

Test(retain, L58_the_sessions_of_a_former_runtime_are_pruned_at_the_opening)
{
	const char *const path = scratch_path("log");
	struct reprise_log_retention retention = { .size = sizeof(retention), .entries_max = 5 };
	struct reprise_recorder_options options = options_with(&retention);

	world_crash(world_record_40, path);
	/* The first round does not wait for the interval. */
	options.prune_interval_ns = 0;
	struct world world = world_open(path, 0, &options);

	for (int i = 0; world_stats(&world).prunes == 0 && i < 40000; i++)
		usleep(1000);
	cr_assert(eq(u64, world_log_stats(&world).watermark, 35));
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(retain, L58_a_subscription_is_told_exactly_what_was_archived)
{
	struct world world = open_with(scratch_path("log"), 20,
				       (struct reprise_log_retention){ .entries_max = 50 });

	world_write(&world);
	world_append_until(&world, 10);
	const struct reprise_cursor cursor = world_cursor(&world, 10);

	for (reprise_position newest = 20; newest <= 300; newest += 10) {
		world_append_until(&world, newest);
		world_flush(&world);
	}
	(void)await_rounds(&world, 1);
	struct reprise_subscription *const subscription = world_subscribe(&world, &cursor);
	const struct reprise_gap gap =
		world_expect_gap(subscription, REPRISE_GAP_TRIMMED, REPRISE_GAP_ARCHIVED);

	cr_assert(eq(u64, gap.lost_first, 11));
	cr_assert(eq(u64, gap.lost_last, 250));
	(void)world_expect(subscription, 251, 300);
	reprise_subscription_close(subscription);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(retain, L58_an_event_that_is_not_recorded_is_not_touched)
{
	const char *const path = scratch_path("log");
	struct world world =
		open_with(path, 20, (struct reprise_log_retention){ .entries_max = 30 });

	world_write(&world);
	world_append_until(&world, 10);
	world_flush(&world);
	const struct reprise_cursor cursor = world_cursor(&world, 10);
	const int blocked = world_block_log(path);

	/* The window keeps 20; the log gets a gap for the events that left before. */
	world_append_until(&world, 60);
	(void)await_rounds(&world, 2);
	cr_assert(eq(u64, world_log_stats(&world).head, 10));
	cr_assert(eq(u64, world_log_stats(&world).watermark, 0));
	struct reprise_subscription *const subscription = world_subscribe(&world, &cursor);

	world_unblock_log(blocked);
	world_flush(&world);
	(void)await_rounds(&world, 1);
	/* 31 to 60 are kept, of which the gap has the first. */
	const struct reprise_log_stats kept = world_log_stats(&world);

	cr_assert(eq(u64, kept.head, 60));
	cr_assert(eq(u64, kept.watermark, 30));
	reprise_subscription_close(subscription);
	struct reprise_subscription *const late = world_subscribe(&world, &cursor);
	const struct reprise_gap archived =
		world_expect_gap(late, REPRISE_GAP_TRIMMED, REPRISE_GAP_ARCHIVED);

	cr_assert(eq(u64, archived.lost_first, 11));
	cr_assert(eq(u64, archived.lost_last, 30));
	const struct reprise_gap overrun =
		world_expect_gap(late, REPRISE_GAP_TRIMMED, REPRISE_GAP_OVERRUN);

	cr_assert(eq(u64, overrun.lost_first, 31));
	(void)world_expect(late, overrun.lost_last + 1, 60);
	reprise_subscription_close(late);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(retain, L58_a_failed_round_is_counted_and_named_and_made_again)
{
	const char *const path = scratch_path("log");
	const struct reprise_log_retention retention = { .size = sizeof(retention),
							 .age_ns_max = 2 * one_second };
	const struct reprise_recorder_options options = options_with(&retention);
	struct reprise_recorder_stats stats = { .size = sizeof(stats) };

	/* The rounds find nothing to prune, until the entries are old and the log is blocked. */
	world_crash(world_record_40, path);
	struct world world = world_open(path, 0, &options);
	const int blocked = world_block_log(path);

	for (int i = 0; stats.prune_failures == 0 && i < 40000; i++) {
		usleep(1000);
		stats = world_stats(&world);
	}
	cr_assert(ge(u64, stats.prune_failures, 1));
	cr_assert(eq(int, stats.prune_failure, REPRISE_E_TIMEOUT));
	cr_assert(ne(str, (char *)stats.prune_text, ""));
	/* The failures of recording are others. */
	cr_assert(eq(int, stats.failure, REPRISE_OK));
	world_unblock_log(blocked);
	for (int i = 0; stats.prune_last != REPRISE_OK && i < 40000; i++) {
		usleep(1000);
		stats = world_stats(&world);
	}
	cr_assert(eq(int, stats.prune_last, REPRISE_OK));
	cr_assert(eq(int, stats.prune_failure, REPRISE_E_TIMEOUT));
	cr_assert(eq(u64, world_log_stats(&world).watermark, 40));
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(retain, L58_closing_ends_the_pause_between_two_rounds)
{
	const char *const path = scratch_path("log");
	struct reprise_log_retention retention = { .size = sizeof(retention),
						   .age_ns_max = one_second };
	struct reprise_recorder_options options = options_with(&retention);

	world_crash(world_record_40, path);
	/* An hour's pause; the closing ends it. */
	options.prune_interval_ns = 3600 * one_second;
	struct world world = world_open(path, 0, &options);

	for (int i = 0; world_stats(&world).prunes == 0 && i < 40000; i++)
		usleep(1000);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

enum {
	OLD_ENTRIES = 40000,
	PAGE = 4000,
};

static const struct reprise_log_key old = { "default", "old" };

static void
fill_old(const char *path)
{
	const struct reprise_log_sqlite_options options = { .size = sizeof(options), .path = path };
	static struct reprise_log_new_entry entries[PAGE];
	struct reprise_log *log = NULL;

	for (int i = 0; i < PAGE; i++)
		entries[i] =
			(struct reprise_log_new_entry){ .time_ns = 1, .payload = { "old", 3 } };
	cr_assert(eq(int, reprise_log_sqlite_open(&options, &log, NULL), REPRISE_OK));
	for (int i = 0; i < OLD_ENTRIES / PAGE; i++)
		cr_assert(eq(int, reprise_log_append(log, &old, NULL, entries, PAGE, NULL, NULL),
			     REPRISE_OK));
	reprise_log_close(log);
}

static uint64_t
old_watermark(struct world *world)
{
	struct reprise_log_stats stats = { .size = sizeof(stats) };

	cr_assert(eq(int, reprise_log_stats(world->log, &old, &stats, NULL), REPRISE_OK));
	return stats.watermark;
}

Test(retain, L58_recording_waits_for_one_transaction_of_the_pruning_and_not_for_the_round)
{
	const char *const path = scratch_path("log");
	uint64_t before = 0, flushes = 0;

	fill_old(path);
	struct world world =
		open_with(path, 0,
			  (struct reprise_log_retention){ .age_ns_max = 3600 * one_second,
							  .includes_direct = 1 });

	world_write(&world);
	while (before < OLD_ENTRIES) {
		world_append_until(&world, ++flushes);
		world_flush(&world);
		const uint64_t after = old_watermark(&world);

		/* The looks at the watermark take time, too. */
		cr_assert(le(u64, after - before, 5000));
		before = after;
	}
	cr_assert(ge(u64, flushes, OLD_ENTRIES / 5000));
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

static bool
is_closed_in_child(struct world *world)
{
	for (int i = 0; i < 2; i++)
		if (reprise_recorder_close(world->recorder) != REPRISE_E_FORKED)
			return false;
	return true;
}

Test(retain, L58_a_child_of_a_fork_prunes_nothing_and_the_parent_goes_on)
{
	struct world world = open_with(scratch_path("log"), 0,
				       (struct reprise_log_retention){ .entries_max = 5 });
	int status = -1;

	world_write(&world);
	world_append_until(&world, 10);
	const pid_t child = fork();

	if (child == 0) {
		alarm(20);
		_exit(is_closed_in_child(&world) ? 0 : 1);
	}
	cr_assert(eq(int, waitpid(child, &status, 0), child));
	cr_assert(eq(int, status, 0));
	world_append_until(&world, 20);
	world_flush(&world);
	(void)await_rounds(&world, 1);
	cr_assert(eq(u64, world_log_stats(&world).watermark, 15));
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}
