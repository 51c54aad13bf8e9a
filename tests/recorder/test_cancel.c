/* SPDX-License-Identifier: MIT */

/*
 * P06, P09, P10 with a recorder and a log: threads that are cancelled, the recorder's own threads,
 * and descriptors of a process without standard streams.
 */

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reprise/log_blob.h>
#include <reprise/log_sqlite.h>
#include <reprise/log_upkeep.h>

#include "cancelled.h"
#include "log_sqlite/reading.h"
#include "log_sqlite/scratch.h"
#include "world.h"

TestSuite(cancel, .fini = scratch_remove, .timeout = 60);

struct scene {
	const char *path;
	struct world world;
	struct reprise_log *log; /* another one, with something in every table */
	void (*call)(struct scene *scene);
	bool has_returned;
	bool is_right;
	struct reprise_gap gap;
};

enum {
	WINDOW_EVENTS = 8,
	WINDOWS = 4,
};

/* The call returns, and does what it is to do. */
static void
expect_returns(struct scene *scene, void (*call)(void *argument), const char *name)
{
	scene->is_right = true;
	expect_uncancelled(call, scene, name);
	cr_assert(scene->is_right, "%s", name);
}

static void
open_world(void *argument)
{
	const struct reprise_log_retention retention = { .size = sizeof(retention),
							 .entries_max = 1000 };
	struct reprise_recorder_options options = world_options();
	struct scene *const scene = argument;

	options.retention = &retention;
	scene->world = world_open(scene->path, WINDOW_EVENTS, &options);
}

/*
 * No assertion of Criterion's is made while a cancellation is pending: it would end the thread
 * itself.
 */
static void
open_sessions(void *argument)
{
	struct scene *const scene = argument;
	struct reprise_writer_opening openings[2] = { { .session_id = "a" },
						      { .session_id = "b" } };

	scene->is_right = reprise_writer_open(scene->world.store, "s", NULL, &scene->world.writer,
					      NULL) == REPRISE_OK &&
			  reprise_writers_open(scene->world.store, openings, 2, NULL) == REPRISE_OK;
	for (int i = 0; i < 2; i++)
		reprise_writer_close(openings[i].writer);
}

static void
append_and_ask(void *argument)
{
	struct scene *const scene = argument;
	struct reprise_recorder_stats stats = { .size = sizeof(stats) };
	const struct reprise_bytes payload = { "x", 1 };
	reprise_position position = 0;

	for (int i = 0; i < WINDOW_EVENTS; i++)
		scene->is_right =
			scene->is_right && reprise_append(scene->world.writer, 0, 0, 0, payload,
							  &position) == REPRISE_OK;
	(void)!reprise_recorder_recorded_through(scene->world.recorder, "s", REPRISE_SYNCED,
						 &position);
	(void)!reprise_recorder_stats(scene->world.recorder, &stats);
}

static void
read_log(void *argument)
{
	struct scene *const scene = argument;
	const struct reprise_log_key key = { "t", "direct" };
	const struct reprise_bytes bytes = { "bytes", 5 };

	scene->is_right =
		reprise_log_blob_put(scene->log, &key, NULL, "c", bytes, NULL) == REPRISE_OK &&
		!reading_of(scene->log).is_told;
	reprise_log_close(scene->log);
}

/* By reprise_next alone: reprise_wait would end the thread. */
static void
heal(void *argument)
{
	struct scene *const scene = argument;
	const struct reprise_cursor cursor = world_cursor(&scene->world, 0);
	struct reprise_subscription *const subscription = world_subscribe(&scene->world, &cursor);
	struct reprise_event event;
	struct reprise_end end;

	for (int i = 0; scene->is_right && i < WINDOW_EVENTS * WINDOWS;) {
		const reprise_outcome outcome =
			reprise_next(subscription, &event, &scene->gap, &end);

		scene->is_right = outcome == REPRISE_NEXT_EVENT || outcome == REPRISE_NEXT_EMPTY;
		i += outcome == REPRISE_NEXT_EVENT;
	}
	reprise_subscription_close(subscription);
}

static void
invalidate(void *argument)
{
	struct scene *const scene = argument;
	(void)!reprise_session_invalidate(scene->world.store, "a");
}

/* Each key of the tenant has one entry left. */
static void
prune(void *argument)
{
	const struct reprise_log_retention retention = { .size = sizeof(retention),
							 .entries_max = 1,
							 .includes_direct = 1 };
	struct reprise_log_pruned pruned = { .size = sizeof(pruned) };
	struct scene *const scene = argument;

	scene->is_right =
		reprise_log_prune(scene->log, "default", &retention, &pruned, NULL) == REPRISE_OK &&
		pruned.ordinals == WINDOW_EVENTS * WINDOWS - 1;
	reprise_log_close(scene->log);
}

static void
close_world(void *argument)
{
	struct scene *const scene = argument;
	world_close(&scene->world, REPRISE_OK);
}

Test(cancel, P06_no_call_of_the_recorder_or_the_log_ends_its_thread_but_a_wait)
{
	struct reprise_log_sqlite_options options = { .size = sizeof(options) };
	struct scene scene = { .path = scratch_path("log") };

	expect_returns(&scene, open_world, "open");
	expect_returns(&scene, open_sessions, "open sessions");
	for (int i = 0; i < WINDOWS; i++) {
		expect_returns(&scene, append_and_ask, "append");
		world_flush(&scene.world);
	}
	expect_returns(&scene, heal, "heal");
	options.path = scratch_path("other");
	cr_assert(eq(int, reprise_log_sqlite_open(&options, &scene.log, NULL), REPRISE_OK));
	cr_assert(reading_fill(scene.log));
	expect_returns(&scene, read_log, "read");
	options.path = scene.path;
	cr_assert(eq(int, reprise_log_sqlite_open(&options, &scene.log, NULL), REPRISE_OK));
	expect_returns(&scene, prune, "prune");
	expect_returns(&scene, invalidate, "invalidate");
	expect_returns(&scene, close_world, "close");
	expect_no_leaks();
}

static void
flush_session(struct scene *scene)
{
	(void)!reprise_recorder_flush(scene->world.recorder, "s", REPRISE_SYNCED, REPRISE_NO_LIMIT);
}

static void
flush_all(struct scene *scene)
{
	(void)!reprise_recorder_flush(scene->world.recorder, NULL, REPRISE_SYNCED,
				      REPRISE_NO_LIMIT);
}

static void
wait_room(struct scene *scene)
{
	(void)!reprise_writer_wait_room(scene->world.writer, REPRISE_NO_LIMIT);
}

static void *
call(void *argument)
{
	struct scene *const scene = argument;

	scene->call(scene);
	scene->has_returned = true;
	return NULL;
}

/* Before the wait, and in it. */
static void
expect_cancelled(struct scene *scene, void (*wait)(struct scene *scene), useconds_t after_us)
{
	pthread_t thread;
	void *end = NULL;

	scene->call = wait;
	scene->has_returned = false;
	cr_assert(eq(int, pthread_create(&thread, NULL, call, scene), 0));
	usleep(after_us);
	cr_assert(eq(int, pthread_cancel(thread), 0));
	cr_assert(eq(int, pthread_join(thread, &end), 0));
	cr_assert(end == PTHREAD_CANCELED);
	cr_assert(not(scene->has_returned));
}

Test(cancel, P06_a_thread_that_is_cancelled_in_a_flush_or_for_room_lets_go_of_everything,
     .disabled = IS_UNWINDING_UNKNOWN)
{
	void (*const waits[])(struct scene *) = { flush_session, flush_all, wait_room };
	struct reprise_session_options session = { .size = sizeof(session),
						   .events_max = 8,
						   .when_full = REPRISE_WHEN_FULL_REFUSE };
	struct scene scene = { .world = world_open(scratch_path("log"), 8, NULL) };

	cr_assert(
		eq(int,
		   reprise_writer_open(scene.world.store, "s", &session, &scene.world.writer, NULL),
		   REPRISE_OK));
	for (int round = 0; round < 3; round++) {
		const int blocked = world_block_log(scene.world.path);
		const reprise_position newest = 8 * (reprise_position)(round + 1);

		world_append_until(&scene.world, newest);
		cr_assert(eq(int,
			     reprise_append(scene.world.writer, newest + 1, 0, 0,
					    (struct reprise_bytes){ "x", 1 }, NULL),
			     REPRISE_E_FULL));
		for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++)
			for (useconds_t after_us = 0; after_us <= 30000; after_us += 15000)
				expect_cancelled(&scene, waits[i], after_us);
		world_unblock_log(blocked);
		world_flush(&scene.world);
		cr_assert(eq(int, reprise_writer_wait_room(scene.world.writer, REPRISE_NO_LIMIT),
			     REPRISE_OK));
	}
	world_close(&scene.world, REPRISE_OK);
	expect_no_leaks();
}

static bool
has_thread(const char *name)
{
	DIR *const tasks = opendir("/proc/self/task");
	bool is_found = false;

	for (const struct dirent *task; (task = readdir(tasks)) != NULL;) {
		char path[300], comm[32] = "";
		FILE *file;

		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", task->d_name);
		file = fopen(path, "r");
		if (file == NULL)
			continue;
		if (fgets(comm, sizeof(comm), file) != NULL)
			comm[strcspn(comm, "\n")] = '\0';
		fclose(file);
		is_found = is_found || strcmp(comm, name) == 0;
	}
	closedir(tasks);
	return is_found;
}

Test(cancel, P09_the_recorders_threads_have_names)
{
	struct world world = world_open(scratch_path("log"), 8, NULL);

	cr_assert(has_thread("reprise-read"));
	cr_assert(has_thread("reprise-write"));
	world_close(&world, REPRISE_OK);
}

/* Closed, or SQLite's place holder: /dev/null. */
static bool
is_nobodys(int fd)
{
	struct stat status;

	return fstat(fd, &status) != 0 ||
	       (S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3));
}

Test(cancel, P10_a_logs_descriptor_is_never_that_of_a_standard_stream)
{
	const char *const path = scratch_path("log");
	int status = 0;
	const pid_t pid = fork();

	if (pid == 0) {
		bool is_right = true;

		for (int fd = 0; fd <= 2; fd++)
			close(fd);
		struct world world = world_open(path, 8, NULL);

		world_write(&world);
		world_append_until(&world, 20);
		world_flush(&world);
		for (int fd = 0; fd <= 2; fd++)
			is_right = is_right && is_nobodys(fd);
		world_close(&world, REPRISE_OK);
		_exit(is_right ? 0 : 2);
	}
	cr_assert(eq(int, waitpid(pid, &status, 0), pid));
	cr_assert(eq(int, status, 0));
}
