/* SPDX-License-Identifier: MIT */
#include "fault_log.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <reprise/log_sqlite.h>

/* The log's file is away: full disks, locks, permissions. */

static void
write_ballast(const char *path, size_t bytes)
{
	static const char zeroes[4096];
	const int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	CHECK(file >= 0);
	for (; bytes >= sizeof(zeroes); bytes -= sizeof(zeroes))
		CHECK(write(file, zeroes, sizeof(zeroes)) == sizeof(zeroes));
	CHECK(close(file) == 0);
}

static enum fault_end
full_disk(void)
{
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("tmpfs", fault_folder(), "tmpfs", 0, "size=16m") != 0)
		return FAULT_SKIPPED;
	write_ballast(fault_path("ballast"), 14 << 20);
	struct fault fault =
		fault_open(fault_sqlite(fault_path("log")), 64, REPRISE_WHEN_FULL_OVERWRITE);

	fault_append_until_it_fails(&fault, REPRISE_E_IO);
	fault_append_many(&fault, 5000);
	CHECK(unlink(fault_path("ballast")) == 0);
	fault_close_with_books(&fault, true);
	return FAULT_PASSED;
}

/* A holder of the log, in one of two ways, until it is told to let go, or for a while. */
struct holder {
	sqlite3 *database;
	int lock;
	uint64_t nanoseconds;
};

static void
hold(struct holder *holder, bool is_lock)
{
	struct flock whole = { .l_type = F_WRLCK };

	*holder = (struct holder){ .lock = -1 };
	if (is_lock) {
		holder->lock = open(fault_path("log-lock"), O_RDWR | O_CLOEXEC);
		CHECK(holder->lock >= 0);
		CHECK(fcntl(holder->lock, F_OFD_SETLKW, &whole) == 0);
	} else {
		CHECK(sqlite3_open(fault_path("log"), &holder->database) == SQLITE_OK);
		CHECK(sqlite3_busy_timeout(holder->database, 10000) == SQLITE_OK);
		CHECK(sqlite3_exec(holder->database, "BEGIN IMMEDIATE", NULL, NULL, NULL) ==
		      SQLITE_OK);
	}
}

static void
let_go(struct holder *holder)
{
	if (holder->lock >= 0)
		CHECK(close(holder->lock) == 0);
	if (holder->database != NULL) {
		CHECK(sqlite3_exec(holder->database, "ROLLBACK", NULL, NULL, NULL) == SQLITE_OK);
		CHECK(sqlite3_close(holder->database) == SQLITE_OK);
	}
}

static enum fault_end
play_held(bool is_lock, uint64_t events_max)
{
	struct fault fault = fault_open(fault_sqlite(fault_path("log")), events_max,
					REPRISE_WHEN_FULL_OVERWRITE);
	struct holder holder;

	fault_append_many(&fault, 10);
	fault_flush(&fault);
	hold(&holder, is_lock);
	fault_append_until_it_fails(&fault, REPRISE_E_TIMEOUT);
	fault_append_many(&fault, 1000);
	crash_nap(FAULT_SECOND);
	fault_append_many(&fault, 1000);
	let_go(&holder);
	fault_close_with_books(&fault, events_max < 1000);
	return FAULT_PASSED;
}

static enum fault_end
lock_held(void)
{
	return play_held(true, 1 << 16);
}

static enum fault_end
lock_held_small_window(void)
{
	return play_held(true, 64);
}

static enum fault_end
database_held(void)
{
	return play_held(false, 1 << 16);
}

static void *
let_go_soon(void *argument)
{
	crash_nap(FAULT_SECOND / 2);
	let_go(argument);
	return NULL;
}

static enum fault_end
lock_held_refuse(void)
{
	struct fault fault =
		fault_open(fault_sqlite(fault_path("log")), 32, REPRISE_WHEN_FULL_REFUSE);
	struct holder holder;
	reprise_status status;
	pthread_t thread;

	fault_append_many(&fault, 10);
	fault_flush(&fault);
	hold(&holder, true);
	while ((status = fault_append(&fault)) == REPRISE_OK)
		;
	CHECK(status == REPRISE_E_FULL);
	CHECK(fault.newest == 42);
	CHECK(reprise_writer_wait_room(fault.writer, FAULT_SECOND / 20) == REPRISE_E_TIMEOUT);
	CHECK(pthread_create(&thread, NULL, let_go_soon, &holder) == 0);
	CHECK_OK(reprise_writer_wait_room(fault.writer, REPRISE_NO_LIMIT));
	CHECK_OK(fault_append(&fault));
	CHECK(pthread_join(thread, NULL) == 0);
	fault_close_with_books(&fault, false);
	return FAULT_PASSED;
}

/* An append that waits for room is told when the window becomes void, though the log is away. */
static void *
declare_void_soon(void *argument)
{
	crash_nap(FAULT_SECOND / 5);
	CHECK(reprise_session_invalidate(((struct fault *)argument)->store, "s") ==
	      REPRISE_E_TIMEOUT);
	return NULL;
}

static enum fault_end
void_while_waiting_for_room(void)
{
	struct fault fault =
		fault_open(fault_sqlite(fault_path("log")), 32, REPRISE_WHEN_FULL_REFUSE);
	struct holder holder;
	pthread_t thread;

	fault_append_many(&fault, 10);
	fault_flush(&fault);
	hold(&holder, true);
	while (fault_append(&fault) == REPRISE_OK)
		;
	CHECK(pthread_create(&thread, NULL, declare_void_soon, &fault) == 0);
	CHECK(reprise_writer_wait_room(fault.writer, REPRISE_NO_LIMIT) == REPRISE_E_CLOSED);
	CHECK(fault_append(&fault) == REPRISE_E_CLOSED);
	CHECK(pthread_join(thread, NULL) == 0);
	let_go(&holder);
	fault_close(&fault, REPRISE_OK);
	reprise_log_close(fault.log);
	return FAULT_PASSED;
}

/* A recorder that cannot write closes all the same, and says so. */
static enum fault_end
close_while_held(void)
{
	const struct reprise_log_key key = { "default", "s" };
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	struct fault fault =
		fault_open(fault_sqlite(fault_path("log")), 1024, REPRISE_WHEN_FULL_OVERWRITE);
	struct holder holder;

	fault_append_many(&fault, 10);
	fault_flush(&fault);
	hold(&holder, true);
	fault_append_many(&fault, 10);
	fault_close(&fault, REPRISE_E_TIMEOUT);
	let_go(&holder);
	CHECK_OK(reprise_log_stats(fault.log, &key, &stats, NULL));
	CHECK(stats.head == 10 && stats.life.state == REPRISE_LIFE_OPEN);
	reprise_log_close(fault.log);
	return FAULT_PASSED;
}

static reprise_status
try_open(const char *path)
{
	const struct reprise_log_sqlite_options options = { .size = sizeof(options),
							    .path = path,
							    .deadline_ns = FAULT_SECOND / 5 };
	struct reprise_log *log = NULL;
	const reprise_status status = reprise_log_sqlite_open(&options, &log, NULL);

	reprise_log_close(log);
	return status;
}

static enum fault_end
no_permission(void)
{
	/* Root may do everything: it becomes somebody who may not. */
	if (getuid() == 0) {
		CHECK(chown(fault_folder(), 65534, 65534) == 0);
		if (setgid(65534) != 0 || setuid(65534) != 0)
			return FAULT_SKIPPED;
	}
	CHECK(chmod(fault_folder(), 0500) == 0);
	CHECK(try_open(fault_path("log")) == REPRISE_E_IO);
	CHECK(chmod(fault_folder(), 0700) == 0);
	struct fault fault =
		fault_open(fault_sqlite(fault_path("log")), 1024, REPRISE_WHEN_FULL_OVERWRITE);

	/*
	 * An open log stays open; a log opened anew is refused, and is written to no more than
	 * before.
	 */
	CHECK(chmod(fault_path("log"), 0400) == 0);
	CHECK(chmod(fault_folder(), 0500) == 0);
	fault_append_many(&fault, 100);
	fault_flush(&fault);
	CHECK(try_open(fault_path("log")) != REPRISE_OK);
	CHECK(chmod(fault_folder(), 0700) == 0);
	CHECK(chmod(fault_path("log"), 0600) == 0);
	fault_close_with_books(&fault, false);
	CHECK(try_open(fault_path("log")) == REPRISE_OK);
	return FAULT_PASSED;
}

const struct fault_scene fault_sqlite_scenes[] = {
	{ "full_disk", full_disk },
	{ "lock_held", lock_held },
	{ "lock_held_small_window", lock_held_small_window },
	{ "lock_held_refuse", lock_held_refuse },
	{ "database_held", database_held },
	{ "void_while_waiting_for_room", void_while_waiting_for_room },
	{ "close_while_held", close_while_held },
	{ "no_permission", no_permission },
	{ NULL, NULL },
};
