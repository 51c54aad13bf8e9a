/* SPDX-License-Identifier: MIT */
/* C12 who writes, how durably, and when what was written is brought into the file. */
#include "support_sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "log/write.h"
#include "log_sqlite/connection.h"

static struct turn
turn_at(const char *path)
{
	struct turn turn = { .fd = -1 };
	char name[1400];

	snprintf(name, sizeof(name), "%s-lock", path);
	cr_assert(eq(int, turn_open(&turn, name, true, &(struct stat){ .st_mode = 0600 }), 0));
	return turn;
}

/* A log whose calls wait for 50 ms. */
static struct reprise_log *
open_impatient(const char *path)
{
	struct reprise_log_sqlite_options options = options_of(path);

	options.deadline_ns = 50000000;
	return opened(&options);
}

static void
expect_timeout(struct reprise_log *log)
{
	const uint64_t before = clock_ns();

	cr_assert(eq(int, append_bytes(log, 10), REPRISE_E_TIMEOUT));
	const uint64_t took = clock_ns() - before;

	cr_assert(ge(u64, took, 50000000));
	cr_assert(lt(u64, took, 10 * one_second));
}

Test(log_sqlite, C12_others_who_write_are_waited_for_until_the_deadline)
{
	char *const path = scratch_path("log");
	struct reprise_log *const log = open_impatient(path);
	struct turn turn = turn_at(path);
	struct reprise_log_sqlite_options options = options_of(path);

	options.deadline_ns = 1;
	cr_assert(eq(int, append_bytes(log, 10), REPRISE_OK));
	cr_assert(eq(int, turn_take(&turn, UINT64_MAX), 0));
	expect_timeout(log);
	cr_assert(eq(int, open_status(&options, NULL), REPRISE_E_TIMEOUT));
	/* A call that only reads does not wait. */
	cr_assert(eq(u64, head_of_k(log), 1));
	turn_give(&turn);
	cr_assert(eq(int, append_bytes(log, 10), REPRISE_OK));
	turn_close(&turn);
	close_log(log);
}

Test(log_sqlite, C12_other_programs_are_waited_for_until_the_deadline)
{
	char *const path = scratch_path("log");
	struct reprise_log *const log = open_impatient(path);
	sqlite3 *db = NULL;

	cr_assert(eq(int, append_bytes(log, 10), REPRISE_OK));
	cr_assert(eq(int, sqlite3_open(path, &db), SQLITE_OK));
	cr_assert(eq(int, sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK));
	expect_timeout(log);
	cr_assert(eq(u64, head_of_k(log), 1));
	cr_assert(eq(int, sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK));
	cr_assert(eq(int, append_bytes(log, 10), REPRISE_OK));
	sqlite3_close(db);
	close_log(log);
}

Test(log_sqlite, C12_a_turn_that_was_not_given_back_ends_with_its_process)
{
	char *const path = scratch_path("log");
	struct reprise_log *const log = open_at(path);
	int ready[2];
	char byte = 0;

	cr_assert(eq(int, pipe(ready), 0));
	const pid_t child = fork();

	if (child == 0) {
		struct turn turn = turn_at(path);

		if (turn_take(&turn, UINT64_MAX) != 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	cr_assert(eq(int, (int)read(ready[0], &byte, 1), 1));
	cr_assert(eq(int, kill(child, SIGKILL), 0));
	cr_assert(eq(int, waitpid(child, NULL, 0), child));
	cr_assert(eq(int, append_bytes(log, 10), REPRISE_OK));
	close_log(log);
}

struct waiter {
	struct turn turn;
	atomic_bool has_had_it;
};

static void *
take_once(void *context)
{
	struct waiter *const waiter = context;

	if (turn_take(&waiter->turn, UINT64_MAX) != 0)
		return context;
	atomic_store(&waiter->has_had_it, true);
	turn_give(&waiter->turn);
	return NULL;
}

/* Whether the lock file's first byte is held: a connection that waits holds it. */
static bool
somebody_waits(const struct turn *turn)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1 };

	cr_assert(eq(int, fcntl(turn->fd, F_OFD_GETLK, &lock), 0));
	return lock.l_type != F_UNLCK;
}

Test(log_sqlite, C12_who_has_given_the_turn_back_does_not_overtake_who_waits)
{
	char *const path = scratch_path("log");
	struct turn turn = turn_at(path);

	for (int i = 0; i < 20; i++) {
		struct waiter waiter = { .turn = turn_at(path) };
		pthread_t thread;
		void *failed = &waiter;

		cr_assert(eq(int, turn_take(&turn, UINT64_MAX), 0));
		cr_assert(eq(int, pthread_create(&thread, NULL, take_once, &waiter), 0));
		while (!somebody_waits(&turn))
			sched_yield();
		turn_give(&turn);
		cr_assert(eq(int, turn_take(&turn, UINT64_MAX), 0));
		cr_assert(eq(int, atomic_load(&waiter.has_had_it), true));
		turn_give(&turn);
		cr_assert(eq(int, pthread_join(thread, &failed), 0));
		cr_assert(eq(ptr, failed, NULL));
		turn_close(&waiter.turn);
	}
	turn_close(&turn);
}

Test(log_sqlite, C12_a_turn_that_only_reads_keeps_writers_out)
{
	char *const path = scratch_path("log");
	struct turn writer = turn_at(path), looker = { .fd = -1 };
	char name[1400];

	snprintf(name, sizeof(name), "%s-lock", path);
	cr_assert(eq(int, turn_open(&looker, name, false, NULL), 0));
	cr_assert(eq(int, turn_take(&looker, UINT64_MAX), 0));
	cr_assert(eq(int, turn_take(&writer, 0), ETIMEDOUT));
	turn_give(&looker);
	cr_assert(eq(int, turn_take(&writer, 0), 0));
	cr_assert(eq(int, turn_take(&looker, 0), ETIMEDOUT));
	turn_close(&writer);
	cr_assert(eq(int, turn_take(&looker, 0), 0));
	turn_close(&looker);
	cr_assert(eq(int, turn_open(&looker, scratch_path("none"), false, NULL), ENOENT));
}

static int64_t
synchronous_of(struct reprise_log *log)
{
	int64_t level = -1;

	cr_assert(eq(int, connection_ask(connection_of(log), "PRAGMA synchronous", &level, NULL),
		     REPRISE_OK));
	return level;
}

Test(log_sqlite, C12_each_transaction_is_as_durable_as_it_says)
{
	enum {
		NORMAL = 1,
		FULL = 2
	};
	char *const path = scratch_path("log");
	struct reprise_log *log = open_at(path);
	struct log_write write = { .type = LOG_LIFE, .thread = "r", .incarnation = { { 1 } } };

	cr_assert(eq(int, append_bytes(log, 10), REPRISE_OK));
	cr_assert(eq(i64, synchronous_of(log), FULL));
	cr_assert(eq(int, log_write(log, LOG_WRITTEN, LOG_PATIENT, "t", &write, 1, NULL),
		     REPRISE_OK));
	cr_assert(eq(i64, synchronous_of(log), NORMAL));
	cr_assert(eq(int, append_bytes(log, 10), REPRISE_OK));
	cr_assert(eq(i64, synchronous_of(log), FULL));
	cr_assert(
		eq(int, log_write(log, LOG_SYNCED, LOG_PATIENT, "t", &write, 1, NULL), REPRISE_OK));
	cr_assert(eq(i64, synchronous_of(log), FULL));
	close_log(log);
	struct reprise_log_sqlite_options options = options_of(path);

	options.durability = REPRISE_WRITTEN;
	log = opened(&options);
	cr_assert(eq(int, append_bytes(log, 10), REPRISE_OK));
	cr_assert(eq(i64, synchronous_of(log), NORMAL));
	close_log(log);
	options.durability = REPRISE_SYNCED;
	log = opened(&options);
	cr_assert(eq(int, append_bytes(log, 10), REPRISE_OK));
	cr_assert(eq(i64, synchronous_of(log), FULL));
	close_log(log);
}

Test(log_sqlite, C12_what_changes_nothing_is_not_written)
{
	char *const path = scratch_path("log");
	struct reprise_log *const log = open_at(path);
	struct log_write write = { .type = LOG_CLOSE, .thread = "r", .incarnation = { { 1 } } };

	cr_assert(eq(int, append_bytes(log, 10), REPRISE_OK));
	const uint64_t pages = connection_of(log)->wal_pages;

	cr_assert(
		eq(int, log_write(log, LOG_SYNCED, LOG_PATIENT, "t", &write, 1, NULL), REPRISE_OK));
	cr_assert(eq(int, write.status, REPRISE_E_CONFLICT));
	cr_assert(eq(u64, connection_of(log)->wal_pages, pages));
	cr_assert(eq(i64, scratch_ask(path, "SELECT count(*) FROM heads"), 1));
	close_log(log);
}

/*
 * A row that was written with less durability is made as durable by the retry that finds it: the
 * retry writes.
 */
Test(log_sqlite, C12_a_retry_writes_so_that_it_is_durable)
{
	char *const path = scratch_path("log");
	struct reprise_log *const log = open_at(path);
	struct log_write write = { .type = LOG_LIFE, .thread = "r", .incarnation = { { 1 } } };

	cr_assert(eq(int, log_write(log, LOG_WRITTEN, LOG_PATIENT, "t", &write, 1, NULL),
		     REPRISE_OK));
	const uint64_t pages = connection_of(log)->wal_pages;

	cr_assert(
		eq(int, log_write(log, LOG_SYNCED, LOG_PATIENT, "t", &write, 1, NULL), REPRISE_OK));
	cr_assert(gt(u64, connection_of(log)->wal_pages, pages));
	close_log(log);
}

Test(log_sqlite, C12_the_write_ahead_log_does_not_grow_without_bound)
{
	char *const path = scratch_path("log");
	struct reprise_log_sqlite_options options = options_of(path);

	options.durability = REPRISE_WRITTEN;
	struct reprise_log *const log = opened(&options);

	for (int i = 0; i < 600; i++)
		cr_assert(eq(int, append_bytes(log, 50000), REPRISE_OK));
	cr_assert(gt(i64, size_of(path, ""), 25 << 20));
	cr_assert(lt(i64, size_of(path, "-wal"), 6 << 20));
	close_log(log);
	cr_assert(eq(i64, size_of(path, "-wal"), 0));
}

/* While somebody looks at what is old it has to, and is cut when he is gone. */
Test(log_sqlite, C12_the_write_ahead_log_is_cut_when_it_may_be)
{
	char *const path = scratch_path("log");
	struct reprise_log_sqlite_options options = options_of(path);
	sqlite3 *db = NULL;

	options.durability = REPRISE_WRITTEN;
	struct reprise_log *const log = opened(&options);

	cr_assert(eq(int, append_bytes(log, 10), REPRISE_OK));
	cr_assert(eq(int, sqlite3_open(path, &db), SQLITE_OK));
	cr_assert(eq(int, sqlite3_exec(db, "BEGIN; SELECT count(*) FROM rows", NULL, NULL, NULL),
		     SQLITE_OK));
	for (int i = 0; i < 70; i++)
		cr_assert(eq(int, append_bytes(log, 1 << 20), REPRISE_OK));
	cr_assert(gt(i64, size_of(path, "-wal"), 70 << 20));
	cr_assert(eq(int, sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK));
	sqlite3_close(db);
	for (int i = 0; i < 10; i++)
		cr_assert(eq(int, append_bytes(log, 1 << 20), REPRISE_OK));
	cr_assert(lt(i64, size_of(path, "-wal"), 10 << 20));
	close_log(log);
}

/* In a child that is killed: the entries counted in @acknowledged are there. */
static void
append_until_killed(const char *path, atomic_ulong *acknowledged)
{
	struct reprise_log_sqlite_options options = options_of(path);
	struct reprise_log *log = NULL;

	options.durability = REPRISE_WRITTEN;
	if (reprise_log_sqlite_open(&options, &log, NULL) != REPRISE_OK)
		_exit(1);
	while (append_bytes(log, 3000) == REPRISE_OK)
		atomic_fetch_add(acknowledged, 1);
	_exit(1);
}

Test(log_sqlite, C12_what_was_acknowledged_survives_the_process)
{
	char *const path = scratch_path("log");
	atomic_ulong *const acknowledged =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	for (int round = 1; round <= 8; round++) {
		const pid_t child = fork();
		size_t count = 0;

		if (child == 0)
			append_until_killed(path, acknowledged);
		while (atomic_load(acknowledged) < 100ul * (unsigned int)round)
			usleep(1000);
		usleep((useconds_t)(round * 137));
		cr_assert(eq(int, kill(child, SIGKILL), 0));
		cr_assert(eq(int, waitpid(child, NULL, 0), child));
		struct reprise_log *const log = open_at(path);

		cr_assert(eq(int, load_all(log, &count), REPRISE_OK));
		cr_assert(ge(sz, count, atomic_load(acknowledged)));
		cr_assert(le(sz, count, atomic_load(acknowledged) + (size_t)round));
		close_log(log);
	}
	munmap(acknowledged, 4096);
}
