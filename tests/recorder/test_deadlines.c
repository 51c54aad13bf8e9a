/* SPDX-License-Identifier: MIT */

/*
 * Every call that has a deadline keeps it, whatever the log does: a table of calls by ways in which
 * others keep the log from being written. The log's own deadline is much longer than the calls'.
 */

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reprise/log_sqlite.h>

#include "base/clock.h"
#include "log_sqlite/scratch.h"
#include "world.h"

TestSuite(deadlines, .fini = scratch_remove, .timeout = 60);

static const uint64_t deadline_ns = UINT64_C(200000000);
static const uint64_t slack_ns = UINT64_C(50000000);

enum {
	TRIES = 5, /* the machine may be busy: one that is in time shows that the call can be */
};

/* --- ways in which the log cannot be written -------------------------------------------------- */

struct obstacle {
	const char *path;
	int blocked;
	pid_t holder;
	pthread_t thread;
	atomic_bool is_over;
};

static void
lock_turn(struct obstacle *obstacle)
{
	obstacle->blocked = world_block_log(obstacle->path);
}

static void
unlock_turn(struct obstacle *obstacle)
{
	world_unblock_log(obstacle->blocked);
}

/* Another process has begun a transaction, and is stopped. */
static void
pause_holder(struct obstacle *obstacle)
{
	int status = 0;

	obstacle->holder = fork();
	if (obstacle->holder == 0) {
		sqlite3 *db = NULL;

		if (sqlite3_open(obstacle->path, &db) != SQLITE_OK)
			_exit(1);
		sqlite3_busy_timeout(db, 5000);
		if (sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
			_exit(1);
		raise(SIGSTOP);
		_exit(0);
	}
	cr_assert(eq(int, waitpid(obstacle->holder, &status, WUNTRACED), obstacle->holder));
	cr_assert(eq(int, WIFSTOPPED(status), 1));
}

static void
kill_holder(struct obstacle *obstacle)
{
	int status = 0;

	kill(obstacle->holder, SIGKILL);
	cr_assert(eq(int, waitpid(obstacle->holder, &status, 0), obstacle->holder));
}

/* Somebody has the turn nearly always. */
static void *
take_turns(void *argument)
{
	struct obstacle *const obstacle = argument;

	while (!atomic_load(&obstacle->is_over)) {
		const int blocked = world_block_log(obstacle->path);

		usleep(100000);
		world_unblock_log(blocked);
		usleep(200);
	}
	return NULL;
}

static void
slow_down(struct obstacle *obstacle)
{
	atomic_store(&obstacle->is_over, false);
	pthread_create(&obstacle->thread, NULL, take_turns, obstacle);
	usleep(1000);
}

static void
speed_up(struct obstacle *obstacle)
{
	atomic_store(&obstacle->is_over, true);
	pthread_join(obstacle->thread, NULL);
}

static void
move_away(struct obstacle *obstacle)
{
	char name[256];

	snprintf(name, sizeof(name), "%s.away", obstacle->path);
	cr_assert(eq(int, rename(obstacle->path, name), 0));
}

static void
move_back(struct obstacle *obstacle)
{
	char name[256];

	snprintf(name, sizeof(name), "%s.away", obstacle->path);
	cr_assert(eq(int, rename(name, obstacle->path), 0));
}

static const struct way {
	const char *name;
	void (*begin)(struct obstacle *obstacle);
	void (*end)(struct obstacle *obstacle);
	bool is_total; /* no call that writes can succeed meanwhile */
	bool is_known; /* each call of the log's fails at once, by E_IO */
} ways[] = {
	{ "locked", lock_turn, unlock_turn, true, false },
	{ "paused", pause_holder, kill_holder, true, false },
	{ "slow", slow_down, speed_up, false, false },
	{ "away", move_away, move_back, true, true },
};

/* --- calls that have a deadline --------------------------------------------------------------- */

static reprise_status
call_open(struct world *world)
{
	struct reprise_writer *other = NULL;
	const reprise_status status =
		reprise_writer_open(world->store, "other", NULL, &other, NULL);

	reprise_writer_close(other);
	return status;
}

static reprise_status
call_reopen(struct world *world)
{
	struct reprise_writer *other = NULL;
	const reprise_status status =
		reprise_writer_open(world->store, "closed", NULL, &other, NULL);

	reprise_writer_close(other);
	return status;
}

static reprise_status
call_flush(struct world *world)
{
	return reprise_recorder_flush(world->recorder, "s", REPRISE_SYNCED, deadline_ns);
}

static reprise_status
call_flush_all(struct world *world)
{
	return reprise_recorder_flush(world->recorder, NULL, REPRISE_WRITTEN, deadline_ns);
}

static reprise_status
call_flush_enqueued(struct world *world)
{
	return reprise_recorder_flush(world->recorder, NULL, REPRISE_ENQUEUED, deadline_ns);
}

static reprise_status
call_wait_room(struct world *world)
{
	return reprise_writer_wait_room(world->writer, deadline_ns);
}

static reprise_status
call_append(struct world *world)
{
	const struct reprise_log_key key = { "default", "direct" };
	const struct reprise_log_new_entry entry = { .payload = { "x", 1 } };
	reprise_ordinal head = 0;

	return reprise_log_append(world->log, &key, NULL, &entry, 1, &head, NULL);
}

/* For an event that has left the window. */
static reprise_status
call_wait(struct world *world)
{
	const struct reprise_cursor cursor = world_cursor(world, 0);
	struct reprise_subscription *const subscription = world_subscribe(world, &cursor);
	const reprise_status status = reprise_wait(subscription, deadline_ns);

	reprise_subscription_close(subscription);
	return status;
}

static reprise_status
call_close(struct world *world)
{
	reprise_writer_close(world->writer);
	world->writer = NULL;
	const reprise_status status = reprise_recorder_close(world->recorder);

	world->recorder = NULL;
	return status;
}

enum kind {
	WRITES, /* by the recorder */
	READS,  /* by the recorder, and needs no turn */
	DIRECT, /* a call of the log's */
};

static const struct call {
	const char *name;
	reprise_status (*call)(struct world *world);
	reprise_status late; /* what it answers when its time is up */
	enum kind kind;
} calls[] = {
	{ "session_open", call_open, REPRISE_E_IO, WRITES },
	{ "session_open of a closed session", call_reopen, REPRISE_E_IO, WRITES },
	{ "flush", call_flush, REPRISE_E_TIMEOUT, WRITES },
	{ "flush of all", call_flush_all, REPRISE_E_TIMEOUT, WRITES },
	{ "flush to enqueued", call_flush_enqueued, REPRISE_E_TIMEOUT, WRITES },
	{ "wait_room", call_wait_room, REPRISE_E_TIMEOUT, WRITES },
	{ "wait for what the log has", call_wait, REPRISE_E_TIMEOUT, READS },
	{ "log_append", call_append, REPRISE_E_TIMEOUT, DIRECT },
	{ "recorder_close", call_close, REPRISE_E_TIMEOUT, WRITES },
};

/* --- the table -------------------------------------------------------------------------------- */

static struct world
open_world(const char *path)
{
	const struct reprise_recorder_options options = { .size = sizeof(options),
							  .deadline_ns = deadline_ns,
							  .retry_ns_min = 10 * one_second,
							  .retry_ns_max = 10 * one_second };
	const struct reprise_log_sqlite_options patient = { .size = sizeof(patient),
							    .path = path,
							    .deadline_ns = 20 * one_second };
	const struct reprise_log_sqlite_options hasty = { .size = sizeof(hasty),
							  .path = path,
							  .deadline_ns = deadline_ns };
	const struct reprise_session_options refusing = { .size = sizeof(refusing),
							  .events_max = 4,
							  .when_full = REPRISE_WHEN_FULL_REFUSE };
	struct world world = { .path = path };
	struct reprise_writer *closed = NULL;
	struct reprise_log *log = NULL;

	cr_assert(eq(int, reprise_log_sqlite_open(&patient, &log, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_log_sqlite_open(&hasty, &world.log, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_store_open(NULL, &world.store, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_recorder_open(world.store, log, &options, &world.recorder, NULL),
		     REPRISE_OK));
	reprise_log_close(log); /* the recorder has connections of its own */
	cr_assert(eq(int, reprise_writer_open(world.store, "closed", NULL, &closed, NULL),
		     REPRISE_OK));
	reprise_writer_close(closed);
	cr_assert(eq(int, reprise_writer_open(world.store, "s", &refusing, &world.writer, NULL),
		     REPRISE_OK));
	/* The first events leave the window. */
	for (int i = 0; i < 8; i++) {
		cr_assert(eq(int,
			     reprise_append(world.writer, 0, 0, 0, (struct reprise_bytes){ "x", 1 },
					    NULL),
			     REPRISE_OK));
		if (i % 4 == 3)
			cr_assert(eq(int,
				     reprise_recorder_flush(world.recorder, NULL, REPRISE_SYNCED,
							    20 * one_second),
				     REPRISE_OK));
	}
	return world;
}

/* How long the call took beyond its deadline; 0: not at all. */
static uint64_t
lateness(const char *path, const struct call *call, const struct way *way)
{
	struct obstacle obstacle = { .path = path };
	struct world world = open_world(path);

	way->begin(&obstacle);
	/* Until nothing fits any more, so that the writing thread is in a call of the log's. */
	while (reprise_append(world.writer, 0, 0, 0, (struct reprise_bytes){ "x", 1 }, NULL) ==
	       REPRISE_OK)
		usleep(3000);
	const uint64_t begin = clock_ns();
	const reprise_status status = call->call(&world);
	const uint64_t took = clock_ns() - begin;

	way->end(&obstacle);
	if (way->is_known && call->kind == DIRECT) {
		cr_assert(eq(int, status, REPRISE_E_IO));
	} else {
		const bool may_succeed = !way->is_total || (call->kind == READS && !way->is_known);

		cr_assert(status == call->late || (may_succeed && status == REPRISE_OK),
			  "%s, %s: %s", call->name, way->name, reprise_status_name(status));
		cr_assert(status == REPRISE_OK || took >= deadline_ns - slack_ns,
			  "%s, %s: too early", call->name, way->name);
	}
	reprise_writer_close(world.writer);
	if (world.recorder != NULL)
		cr_assert(ne(int, reprise_recorder_close(world.recorder), REPRISE_E_BUSY));
	cr_assert(eq(int, reprise_store_close(world.store), REPRISE_OK));
	reprise_log_close(world.log);
	return took > deadline_ns ? took - deadline_ns : 0;
}

static void
expect_in_time(const struct way *way)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		uint64_t late = UINT64_MAX;

		for (int attempt = 0; attempt < TRIES && late > slack_ns; attempt++) {
			char name[32];

			snprintf(name, sizeof(name), "log-%zu-%d", i, attempt);
			late = lateness(scratch_path(name), &calls[i], way);
		}
		cr_assert(le(u64, late, slack_ns), "%s, %s", calls[i].name, way->name);
	}
	expect_no_leaks();
}

Test(deadlines, F04_every_call_keeps_its_deadline_while_the_log_is_locked)
{
	expect_in_time(&ways[0]);
}

Test(deadlines, F04_every_call_keeps_its_deadline_while_a_stopped_process_holds_the_log)
{
	expect_in_time(&ways[1]);
}

Test(deadlines, F04_every_call_keeps_its_deadline_while_the_log_is_slow)
{
	expect_in_time(&ways[2]);
}

Test(deadlines, F04_every_call_keeps_its_deadline_while_the_log_is_away)
{
	expect_in_time(&ways[3]);
}

/* --- what was begun for an opener that gave up ------------------------------------------------ */

Test(deadlines, F05_a_life_that_begins_after_its_opener_gave_up_is_closed)
{
	const char *const path = scratch_path("log");
	struct world world = open_world(path);
	const struct reprise_log_key key = { "default", "other" };
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	struct reprise_writer *other = NULL;
	const int blocked = world_block_log(path);

	cr_assert(eq(int, call_open(&world), REPRISE_E_IO));
	world_unblock_log(blocked);
	/* The writing thread was in the log's call: the life begins now, and nobody has it. */
	for (int i = 0; i < 5000 && stats.life.state != REPRISE_LIFE_CLEAN; i++) {
		usleep(1000);
		const reprise_status status = reprise_log_stats(world.log, &key, &stats, NULL);

		cr_assert(status == REPRISE_OK || status == REPRISE_E_NOT_FOUND);
	}
	cr_assert(eq(int, stats.life.state, REPRISE_LIFE_CLEAN));
	cr_assert(
		eq(int, reprise_writer_open(world.store, "other", NULL, &other, NULL), REPRISE_OK));
	(void)append_text(other, "x");
	cr_assert(
		eq(int,
		   reprise_recorder_flush(world.recorder, "other", REPRISE_SYNCED, 20 * one_second),
		   REPRISE_OK));
	reprise_writer_close(other);
	cr_assert(eq(int, call_close(&world), REPRISE_OK));
	cr_assert(eq(int, reprise_log_stats(world.log, &key, &stats, NULL), REPRISE_OK));
	cr_assert(eq(u64, stats.lives, 2));
	cr_assert(eq(u64, stats.head, 1));
	cr_assert(eq(int, reprise_store_close(world.store), REPRISE_OK));
	reprise_log_close(world.log);
	expect_no_leaks();
}

Test(deadlines, F05_a_life_that_reopens_after_its_opener_gave_up_is_closed)
{
	const char *const path = scratch_path("log");
	struct world world = open_world(path);
	const struct reprise_log_key key = { "default", "closed" };
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	const int blocked = world_block_log(path);

	cr_assert(eq(int, call_reopen(&world), REPRISE_E_IO));
	world_unblock_log(blocked);
	cr_assert(eq(int, call_close(&world), REPRISE_OK));
	cr_assert(eq(int, reprise_log_stats(world.log, &key, &stats, NULL), REPRISE_OK));
	cr_assert(eq(int, stats.life.state, REPRISE_LIFE_CLEAN));
	cr_assert(eq(u64, stats.lives, 1));
	cr_assert(eq(int, reprise_store_close(world.store), REPRISE_OK));
	reprise_log_close(world.log);
	expect_no_leaks();
}
