/* SPDX-License-Identifier: MIT */
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <reprise/log_sqlite.h>

#include "base/clock.h"
#include "log_sqlite/scratch.h"
#include "refusal.h"
#include "world.h"

/*
 * Failures are told in words, where the host can read them: at open, by a call's error, in the
 * statistics.
 */

TestSuite(recorder_failures, .fini = scratch_remove, .timeout = 60);

Test(recorder_failures, F20_a_window_that_could_not_be_recorded_is_not_opened)
{
	const struct reprise_session_options large = { .size = sizeof(large),
						       .bytes_max = UINT64_C(512) << 20 };
	struct world world = world_open(scratch_path("log"), 0, NULL);
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_writer *writer = NULL;

	world_write(&world);
	world_append_until(&world, 1);
	refusal_of_mappings(UINT64_C(512) << 20);
	cr_assert(eq(int, reprise_writer_open(world.store, "large", &large, &writer, &error),
		     REPRISE_E_NO_MEMORY));
	cr_assert(eq(str, error.what, "the recorder's batch"));
	cr_assert(ne(str, error.detail, ""));
	cr_assert(eq(ptr, writer, NULL));
	/* The others are recorded, and the log knows nothing of that one. */
	world_append_until(&world, 2);
	world_flush(&world);
	cr_assert(eq(int,
		     reprise_recorder_flush(world.recorder, NULL, REPRISE_SYNCED, 30 * one_second),
		     REPRISE_OK));
	struct reprise_log_stats stats = { .size = sizeof(stats) };

	cr_assert(eq(int,
		     reprise_log_stats(world.log, &(struct reprise_log_key){ "default", "large" },
				       &stats, NULL),
		     REPRISE_E_NOT_FOUND));
	refusal_of_mappings(0);
	cr_assert(eq(int, reprise_writer_open(world.store, "large", &large, &writer, &error),
		     REPRISE_OK));
	/* Memory that is gone after the open keeps nothing from being recorded. */
	refusal_of_mappings(1);
	(void)append_text(writer, "x");
	cr_assert(
		eq(int,
		   reprise_recorder_flush(world.recorder, "large", REPRISE_SYNCED, 30 * one_second),
		   REPRISE_OK));
	refusal_of_mappings(0);
	reprise_writer_close(writer);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(recorder_failures, F23_a_recorder_on_a_log_that_is_read_only_is_refused_at_open)
{
	const char *const path = scratch_path("log");
	struct world world = world_open(path, 0, NULL);
	const struct reprise_log_sqlite_options options = { .size = sizeof(options),
							    .path = path,
							    .is_read_only = 1 };
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_store *const store = store_plain();
	struct reprise_recorder *recorder = NULL;
	struct reprise_log *log = NULL;

	cr_assert(eq(int, reprise_log_sqlite_open(&options, &log, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_recorder_open(store, log, NULL, &recorder, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "is_read_only"));
	cr_assert(ne(str, error.detail, ""));
	cr_assert(eq(ptr, recorder, NULL));
	/* The store has no recorder from it. */
	cr_assert(eq(int, reprise_recorder_open(store, world.log, NULL, &recorder, &error),
		     REPRISE_OK));
	cr_assert(eq(int, reprise_recorder_close(recorder), REPRISE_OK));
	cr_assert(eq(int, reprise_store_close(store), REPRISE_OK));
	reprise_log_close(log);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

/* A folder on a file system of 1 MiB in a mount namespace of one's own, or the test is skipped. */
static char *
small_disk(void)
{
	char *const folder = scratch_path("disk");

	cr_assert(eq(int, mkdir(folder, 0700), 0));
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", "none", MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("tmpfs", folder, "tmpfs", 0, "size=1m") != 0)
		cr_skip_test("no file system may be mounted");
	return folder;
}

/* Fills the file system with a file. */
static void
fill_disk(const char *path)
{
	static const char zeros[4096];
	FILE *const file = fopen(path, "wb");

	cr_assert(ne(ptr, file, NULL));
	setbuf(file, NULL);
	while (fwrite(zeros, 1, sizeof(zeros), file) == sizeof(zeros))
		;
	fclose(file);
}

static const char *const disk_is_full = "database or disk is full";

Test(recorder_failures, F24_a_full_disk_is_told_in_words_by_open_and_statistics)
{
	char *const folder = small_disk();
	char path[1400], filler[1400];
	struct reprise_recorder_options options = world_options();
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_writer *other = NULL;

	options.deadline_ns = one_second / 2;
	snprintf(path, sizeof(path), "%s/log", folder);
	snprintf(filler, sizeof(filler), "%s/filler", folder);
	struct world world = world_open(path, 0, &options);

	world_write(&world);
	world_append_until(&world, 1);
	world_flush(&world);
	cr_assert(eq(int, world_stats(&world).failure, REPRISE_OK));
	cr_assert(eq(str, world_stats(&world).failure_text, ""));
	fill_disk(filler);
	/* The log is free: the transaction of the open fails by itself. */
	cr_assert(eq(int, reprise_writer_open(world.store, "other", NULL, &other, &error),
		     REPRISE_E_IO));
	cr_assert(eq(str, error.detail, (char *)disk_is_full));
	cr_assert(eq(str, world_stats(&world).failure_text, (char *)disk_is_full));
	/* A batch waits that cannot be written: the open times out behind it. */
	world_append_until(&world, 100);
	while (world_stats(&world).failures < 2)
		usleep(1000);
	cr_assert(eq(int, reprise_writer_open(world.store, "other", NULL, &other, &error),
		     REPRISE_E_IO));
	cr_assert(eq(str, error.detail, (char *)disk_is_full));
	cr_assert(eq(int, world_stats(&world).last, REPRISE_E_IO));
	cr_assert(eq(int, unlink(filler), 0));
	world_flush(&world);
	/* The words of what was overcome stay. */
	cr_assert(eq(int, world_stats(&world).last, REPRISE_OK));
	cr_assert(eq(int, world_stats(&world).failure, REPRISE_E_IO));
	cr_assert(eq(str, world_stats(&world).failure_text, (char *)disk_is_full));
	cr_assert(eq(u64, world_stats(&world).stuck, 0), "the log was, and no session");
	world_close(&world, REPRISE_OK);
	cr_assert(eq(int, umount2(folder, MNT_DETACH), 0));
	expect_no_leaks();
}

Test(recorder_failures, F24_a_log_that_is_locked_is_told_in_words_by_open)
{
	const char *const path = scratch_path("log");
	struct world world = world_open(path, 0, NULL);
	struct reprise_error error = { .size = sizeof(error) };
	const int blocked = world_block_log(path);

	cr_assert(eq(int, reprise_writer_open(world.store, "s", NULL, &world.writer, &error),
		     REPRISE_E_IO));
	cr_assert(eq(str, error.detail, "other connections are writing to the file"));
	cr_assert(eq(str, world_stats(&world).failure_text,
		     "other connections are writing to the file"));
	world_unblock_log(blocked);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(recorder_failures, F24_a_key_of_another_kind_is_told_in_words_by_open)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);
	const struct reprise_log_new_entry entry = { .kind = 1 };
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int,
		     reprise_log_append(world.log, &(struct reprise_log_key){ "default", "s" },
					NULL, &entry, 1, NULL, NULL),
		     REPRISE_OK));
	cr_assert(eq(int, reprise_writer_open(world.store, "s", NULL, &world.writer, &error),
		     REPRISE_E_CONFLICT));
	cr_assert(eq(u64, error.actual, 1));
	cr_assert(eq(str, error.detail,
		     "the key belongs to no recorder, or had a life of this incarnation"));
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(recorder_failures, F25_the_statistics_name_the_session_that_is_stuck_and_say_why)
{
	const char *const path = scratch_path("log");
	struct world world = world_open(path, 0, NULL);
	struct reprise_writer *other = NULL;

	world_write(&world);
	world_append_until(&world, 1);
	world_flush(&world);
	cr_assert(
		eq(int, reprise_writer_open(world.store, "other", NULL, &other, NULL), REPRISE_OK));
	(void)scratch_sql(path, "UPDATE heads SET kind = kind + 7 WHERE thread = 's'");
	world_append_until(&world, 2);
	(void)append_text(other, "x");
	struct reprise_recorder_stats stats = world_stats(&world);

	for (int i = 0; i < 10000 && stats.stuck == 0; i++) {
		usleep(1000);
		stats = world_stats(&world);
	}
	cr_assert(eq(u64, stats.stuck, 1));
	cr_assert(eq(str, stats.stuck_session_id, "s"));
	cr_assert(eq(int, stats.stuck_status, REPRISE_E_CORRUPT));
	cr_assert(ne(str, stats.stuck_text, ""));
	cr_assert(eq(str, stats.failure_text, stats.stuck_text));
	cr_assert(lt(u64, stats.stuck_ns, 60 * one_second));
	cr_assert(
		eq(int,
		   reprise_recorder_flush(world.recorder, "other", REPRISE_SYNCED, 30 * one_second),
		   REPRISE_OK),
		"the others are recorded");
	(void)scratch_sql(path, "UPDATE heads SET kind = kind - 7 WHERE thread = 's'");
	world_flush(&world);
	stats = world_stats(&world);
	cr_assert(eq(u64, stats.stuck, 0));
	cr_assert(eq(str, stats.stuck_session_id, ""));
	cr_assert(eq(str, stats.stuck_text, ""));
	cr_assert(eq(int, stats.stuck_status, REPRISE_OK));
	cr_assert(eq(u64, stats.stuck_ns, 0));
	reprise_writer_close(other);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(recorder_failures, F25_of_two_stuck_sessions_the_statistics_name_the_one_that_is_stuck_longer)
{
	static const char *const ids[] = { "first", "second" };
	const char *const path = scratch_path("log");
	struct world world = world_open(path, 0, NULL);
	struct reprise_writer *writers[2] = { NULL, NULL };
	struct reprise_recorder_stats stats = { 0 };

	for (int i = 0; i < 2; i++)
		cr_assert(eq(int, reprise_writer_open(world.store, ids[i], NULL, &writers[i], NULL),
			     REPRISE_OK));
	for (uint64_t i = 0; i < 2; i++) {
		(void)scratch_sql(path,
				  i == 0 ? "UPDATE heads SET kind = 9 WHERE thread = 'first'"
					 : "UPDATE heads SET kind = 9 WHERE thread = 'second'");
		(void)append_text(writers[i], "x");
		for (int tries = 0; tries < 10000 && stats.stuck != i + 1; tries++) {
			usleep(1000);
			stats = world_stats(&world);
		}
		cr_assert(eq(u64, stats.stuck, i + 1));
	}
	usleep(10 * 1000);
	cr_assert(eq(str, world_stats(&world).stuck_session_id, "first"));
	reprise_writer_close(writers[0]);
	reprise_writer_close(writers[1]);
	world_close(&world, REPRISE_E_CORRUPT);
	expect_no_leaks();
}

Test(recorder_failures, F26_a_stuck_session_keeps_neither_a_flush_of_all_nor_the_closing_waiting)
{
	const char *const path = scratch_path("log");
	struct world world = world_open(path, 0, NULL);
	struct reprise_log_stats other_stats = { .size = sizeof(other_stats) };
	struct reprise_recorder_stats stats = { .size = 3 };
	struct reprise_writer *other = NULL;

	world_write(&world);
	world_append_until(&world, 1);
	world_flush(&world);
	cr_assert(
		eq(int, reprise_writer_open(world.store, "other", NULL, &other, NULL), REPRISE_OK));
	(void)scratch_sql(path, "UPDATE heads SET kind = kind + 7 WHERE thread = 's'");
	world_append_until(&world, 2);
	(void)append_text(other, "x");
	cr_assert(eq(int,
		     reprise_recorder_flush(world.recorder, NULL, REPRISE_SYNCED, 30 * one_second),
		     REPRISE_E_CORRUPT));
	cr_assert(eq(str, world_stats(&world).stuck_session_id, "s"));
	(void)append_text(other, "y");
	reprise_writer_close(other);
	reprise_writer_close(world.writer);
	cr_assert(eq(int, reprise_recorder_close_with_stats(world.recorder, &stats),
		     REPRISE_E_INVALID));
	stats.size = sizeof(stats);
	/* Its deadline is 20 s. */
	const uint64_t begin = clock_ns();

	cr_assert(eq(int, reprise_recorder_close_with_stats(world.recorder, &stats),
		     REPRISE_E_CORRUPT));
	cr_assert(lt(u64, clock_ns() - begin, 10 * one_second));
	cr_assert(eq(u64, stats.stuck, 1));
	cr_assert(eq(str, stats.stuck_session_id, "s"));
	cr_assert(eq(int, stats.stuck_status, REPRISE_E_CORRUPT));
	cr_assert(eq(int, reprise_store_close(world.store), REPRISE_OK));
	cr_assert(eq(int,
		     reprise_log_stats(world.log, &(struct reprise_log_key){ "default", "other" },
				       &other_stats, NULL),
		     REPRISE_OK));
	cr_assert(eq(u64, other_stats.head, 2));
	cr_assert(eq(int, other_stats.life.state, REPRISE_LIFE_CLEAN));
	(void)scratch_sql(path, "UPDATE heads SET kind = kind - 7 WHERE thread = 's'");
	cr_assert(eq(int, world_log_stats(&world).life.state, REPRISE_LIFE_OPEN));
	cr_assert(eq(u64, world_log_stats(&world).head, 1));
	reprise_log_close(world.log);
	expect_no_leaks();
}

Test(recorder_failures, F26_a_session_that_is_mended_is_recorded_by_the_closing)
{
	const char *const path = scratch_path("log");
	struct reprise_recorder_options options = world_options();

	options.retry_ns_min = options.retry_ns_max = 3600 * one_second;
	struct world world = world_open(path, 0, &options);

	world_write(&world);
	(void)scratch_sql(path, "UPDATE heads SET kind = kind + 7 WHERE thread = 's'");
	world_append_until(&world, 2);
	cr_assert(eq(int,
		     reprise_recorder_flush(world.recorder, NULL, REPRISE_SYNCED, 30 * one_second),
		     REPRISE_E_CORRUPT));
	(void)scratch_sql(path, "UPDATE heads SET kind = kind - 7 WHERE thread = 's'");
	/* The next attempt by itself would come in an hour. */
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}
