/* SPDX-License-Identifier: MIT */
#include "following.h"

#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reprise/group.h>
#include <reprise/log_upkeep.h>

#include "base/clock.h"
#include "recorder/recorder.h"
#include "support.h"

/* Also in a child process, where nothing may be asserted: it dies, and its parent sees that. */
#define MUST(what)                                                                         \
	do {                                                                               \
		if (!(what)) {                                                             \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what); \
			abort();                                                           \
		}                                                                          \
	} while (0)

enum {
	ROUNDS_MAX = 256,
	MANY = 20000, /* more events than the pages in hand hold */
};

static const struct reprise_log_key key = { "default", "s" };

/* --- stores and hosts ------------------------------------------------------------------------- */

struct following
following_open(following_log open, const struct reprise_recorder_options *options)
{
	const struct reprise_session_options session = { .size = sizeof(session),
							 .events_max = 1024,
							 .when_full = REPRISE_WHEN_FULL_REFUSE };
	const struct reprise_store_options store = { .size = sizeof(store), .session = &session };
	struct following following = { .log = open() };

	MUST(following.log != NULL);
	MUST(reprise_store_open(&store, &following.store, NULL) == REPRISE_OK);
	MUST(reprise_recorder_open(following.store, following.log, options, &following.recorder,
				   NULL) == REPRISE_OK);
	return following;
}

void
following_close(struct following *following)
{
	MUST(reprise_recorder_close(following->recorder) == REPRISE_OK);
	MUST(reprise_store_close(following->store) == REPRISE_OK);
	reprise_log_close(following->log);
}

struct following
following_writing(following_log open)
{
	return following_open(open, NULL);
}

struct following
following_reading(following_log open)
{
	const struct reprise_recorder_options options = { .size = sizeof(options),
							  .reads_only = 1 };

	return following_open(open, &options);
}

bool
following_is_told(struct following *reading)
{
	struct healing *const healing = &reading->recorder->healing;

	pthread_mutex_lock(&healing->lock);
	const bool is_told = healing->watching.is_told;

	pthread_mutex_unlock(&healing->lock);
	return is_told;
}

struct reprise_log *
following_reading_log(struct following *reading)
{
	return reading->recorder->reading;
}

static struct reprise_subscription *
subscribe(struct following *reading, const struct reprise_cursor *cursor, int32_t is_continuous)
{
	const struct reprise_subscription_options options = { .size = sizeof(options),
							      .is_continuous = is_continuous };
	struct reprise_subscription *subscription = NULL;

	MUST(reprise_subscribe_after(reading->store, cursor, &options, &subscription, NULL) ==
	     REPRISE_OK);
	return subscription;
}

/* In the last life that begins at or before the position after @position, or in the first. */
static struct reprise_cursor
cursor_in_log(struct reprise_log *log, reprise_position position)
{
	struct reprise_cursor cursor = { .position = position, .session_id = "s" };
	struct reprise_life lives[16];
	size_t count = 0;

	MUST(reprise_log_lives(log, &key, 0, lives, 16, &count, NULL) == REPRISE_OK);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || lives[i].first <= position)
			cursor.incarnation = lives[i].incarnation;
	return cursor;
}

struct reprise_subscription *
following_subscribe(struct following *reading, int32_t is_continuous)
{
	const struct reprise_cursor nothing = { .session_id = "s" };
	const struct reprise_cursor cursor =
		is_continuous == 0 ? cursor_in_log(reading->log, 0) : nothing;

	return subscribe(reading, &cursor, is_continuous);
}

struct reprise_writer *
following_write(struct following *writing)
{
	struct reprise_writer *writer = NULL;

	MUST(reprise_writer_open(writing->store, "s", NULL, &writer, NULL) == REPRISE_OK);
	return writer;
}

/* Answers the position. */
static reprise_position
append_next(struct reprise_writer *writer, reprise_position newest)
{
	reprise_position position = 0;
	char text[32];
	const int bytes = snprintf(text, sizeof(text), "%llu", (unsigned long long)newest + 1);

	for (;;) {
		const reprise_status status =
			reprise_append(writer, newest + 1, 0, 0,
				       (struct reprise_bytes){ text, (size_t)bytes }, &position);

		if (status == REPRISE_OK)
			return position;
		MUST(status == REPRISE_E_FULL);
		MUST(reprise_writer_wait_room(writer, 30 * one_second) == REPRISE_OK);
	}
}

static reprise_position
newest_of(struct following *writing)
{
	struct reprise_session_stats stats = { .size = sizeof(stats) };

	MUST(reprise_session_stats(writing->store, "s", &stats) == REPRISE_OK);
	return stats.newest;
}

static void
flush(struct following *writing)
{
	MUST(reprise_recorder_flush(writing->recorder, NULL, REPRISE_SYNCED, 30 * one_second) ==
	     REPRISE_OK);
}

void
following_append(struct following *writing, struct reprise_writer *writer, reprise_position newest)
{
	for (reprise_position position = newest_of(writing); position < newest;)
		position = append_next(writer, position);
	flush(writing);
}

/* --- what is handed out ----------------------------------------------------------------------- */

/* The next answer that is not EMPTY. */
static reprise_outcome
await_next(struct reprise_subscription *subscription, struct reprise_event *ret_event,
	   struct reprise_gap *ret_gap, struct reprise_end *ret_end)
{
	for (;;) {
		const reprise_outcome outcome =
			reprise_next(subscription, ret_event, ret_gap, ret_end);

		if (outcome != REPRISE_NEXT_EMPTY)
			return outcome;
		MUST(reprise_wait(subscription, 30 * one_second) == REPRISE_OK);
	}
}

static void
check_event(const struct reprise_event *event, reprise_position position)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)position);
	MUST(event->position == position);
	MUST(event->revision == position);
	MUST(event->source == REPRISE_SOURCE_LOG);
	MUST(event->payload.size == strlen(text));
	MUST(memcmp(event->payload.data, text, event->payload.size) == 0);
}

void
following_expect(struct reprise_subscription *subscription, reprise_position first,
		 reprise_position last)
{
	for (reprise_position position = first; position <= last; position++) {
		struct reprise_event event = { 0 };
		struct reprise_gap gap = { 0 };
		struct reprise_end end = { 0 };

		cr_assert(eq(int, await_next(subscription, &event, &gap, &end), REPRISE_NEXT_EVENT),
			  "%llu: gap %d", (unsigned long long)position, (int)gap.detail);
		check_event(&event, position);
	}
}

struct reprise_gap
following_expect_gap(struct reprise_subscription *subscription, reprise_gap_detail detail)
{
	struct reprise_event event = { 0 };
	struct reprise_gap gap = { 0 };
	struct reprise_end end = { 0 };

	cr_assert(eq(int, await_next(subscription, &event, &gap, &end), REPRISE_NEXT_GAP),
		  "event %llu", (unsigned long long)event.position);
	cr_assert(eq(int, gap.detail, detail));
	return gap;
}

static void
expect_end(struct reprise_subscription *subscription, reprise_end_cause cause, int32_t status)
{
	struct reprise_event event = { 0 };
	struct reprise_gap gap = { 0 };
	struct reprise_end end = { 0 };

	cr_assert(eq(int, await_next(subscription, &event, &gap, &end), REPRISE_NEXT_ENDED));
	cr_assert(eq(int, end.cause, cause));
	cr_assert(eq(i32, end.status, status));
}

static void
expect_nothing(struct reprise_subscription *subscription)
{
	struct reprise_event event;
	struct reprise_gap gap;

	cr_assert(eq(int, reprise_next(subscription, &event, &gap, NULL), REPRISE_NEXT_EMPTY));
}

/* --- the ways to wait ------------------------------------------------------------------------- */

struct doors {
	struct reprise_subscription *waiting, *polled, *called, *grouped;
	struct reprise_group *group;
	int descriptor;
	sem_t calls;
};

static void
note_call(struct reprise_subscription *subscription, void *context)
{
	struct doors *const doors = context;

	(void)subscription;
	sem_post(&doors->calls);
}

static void
open_doors(struct doors *doors, struct following *reading)
{
	doors->waiting = following_subscribe(reading, 1);
	doors->polled = following_subscribe(reading, 1);
	doors->called = following_subscribe(reading, 1);
	doors->grouped = following_subscribe(reading, 1);
	sem_init(&doors->calls, 0, 0);
	MUST(reprise_subscription_fd(doors->polled, &doors->descriptor, NULL) == REPRISE_OK);
	MUST(reprise_subscription_notify(doors->called, note_call, doors, NULL) == REPRISE_OK);
	MUST(reprise_group_open(reading->store, NULL, &doors->group, NULL) == REPRISE_OK);
	MUST(reprise_group_add(doors->group, doors->grouped, NULL, NULL) == REPRISE_OK);
}

static void
close_doors(struct doors *doors)
{
	MUST(reprise_group_remove(doors->group, doors->grouped) == REPRISE_OK);
	reprise_group_close(doors->group);
	reprise_subscription_close(doors->waiting);
	reprise_subscription_close(doors->polled);
	reprise_subscription_close(doors->called);
	reprise_subscription_close(doors->grouped);
	sem_destroy(&doors->calls);
}

/* False: nothing yet. */
static bool
take(struct reprise_subscription *subscription, reprise_position position)
{
	struct reprise_event event;
	struct reprise_gap gap = { 0 };
	const reprise_outcome outcome = reprise_next(subscription, &event, &gap, NULL);

	if (outcome == REPRISE_NEXT_EMPTY)
		return false;
	cr_assert(eq(int, outcome, REPRISE_NEXT_EVENT), "gap %d", (int)gap.detail);
	check_event(&event, position);
	return true;
}

/* The event at that position, by each door. */
static void
take_by_doors(struct doors *doors, reprise_position position)
{
	struct pollfd polled = { .fd = doors->descriptor, .events = POLLIN };
	struct reprise_subscription *ready = NULL;
	void *context;

	while (!take(doors->polled, position))
		cr_assert(eq(int, poll(&polled, 1, 30000), 1));
	while (!take(doors->called, position))
		cr_assert(eq(int, sem_wait(&doors->calls), 0));
	for (bool is_taken = false; !is_taken;) {
		cr_assert(eq(int, reprise_group_wait(doors->group, 30 * one_second), REPRISE_OK));
		while (!is_taken &&
		       reprise_group_next(doors->group, &ready, &context) == REPRISE_OK)
			is_taken = take(ready, position);
	}
}

static int
compare(const void *one, const void *other)
{
	const uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;

	return (a > b) - (a < b);
}

uint64_t
following_expect_doors(following_log open, int rounds)
{
	struct following reading = following_reading(open);
	struct following writing = following_writing(open);
	uint64_t took_ns[ROUNDS_MAX];
	struct doors doors;

	/* Before there is a session. */
	open_doors(&doors, &reading);
	struct reprise_writer *const writer = following_write(&writing);

	for (int i = 0; i < rounds; i++) {
		const reprise_position position = (reprise_position)i + 1;

		/* All of them wait at the end again. */
		expect_nothing(doors.waiting);
		expect_nothing(doors.polled);
		expect_nothing(doors.called);
		expect_nothing(doors.grouped);
		usleep(20000);
		following_append(&writing, writer, position);
		const uint64_t begin_ns = clock_ns();

		following_expect(doors.waiting, position, position);
		took_ns[i] = clock_ns() - begin_ns;
		take_by_doors(&doors, position);
	}
	close_doors(&doors);
	reprise_writer_close(writer);
	following_close(&writing);
	following_close(&reading);
	qsort(took_ns, (size_t)rounds, sizeof(took_ns[0]), compare);
	return took_ns[rounds / 2];
}

void
following_expect_many(following_log open, int sessions)
{
	struct reprise_subscription **const hosts =
		calloc((size_t)sessions, sizeof(struct reprise_subscription *));
	struct reprise_writer **const writers =
		calloc((size_t)sessions, sizeof(struct reprise_writer *));
	const struct reprise_subscription_options options = { .size = sizeof(options),
							      .is_continuous = 1 };
	struct following reading = following_reading(open);
	struct following writing = following_writing(open);
	struct reprise_cursor cursor = { 0 };

	MUST(hosts != NULL && writers != NULL);
	for (int i = 0; i < sessions; i++) {
		snprintf(cursor.session_id, sizeof(cursor.session_id), "s-%d", i);
		MUST(reprise_subscribe_after(reading.store, &cursor, &options, &hosts[i], NULL) ==
		     REPRISE_OK);
		expect_nothing(hosts[i]);
	}
	/* The first ones wait in front, the last ones behind. */
	for (int i = sessions - 1; i >= 0; i--) {
		snprintf(cursor.session_id, sizeof(cursor.session_id), "s-%d", i);
		MUST(reprise_writer_open(writing.store, cursor.session_id, NULL, &writers[i],
					 NULL) == REPRISE_OK);
	}
	for (reprise_position position = 1; position <= 3; position++) {
		for (int i = 0; i < sessions; i++)
			MUST(append_next(writers[i], position - 1) == position);
		flush(&writing);
		for (int i = 0; i < sessions; i++)
			following_expect(hosts[i], position, position);
	}
	for (int i = 0; i < sessions; i++) {
		reprise_subscription_close(hosts[i]);
		reprise_writer_close(writers[i]);
	}
	following_close(&writing);
	following_close(&reading);
	free(hosts);
	free(writers);
}

/* --- lives and cursors ------------------------------------------------------------------------ */

/* Runs @act in another process, which dies without a word after it. */
static void
crash(void (*act)(following_log open), following_log open)
{
	int status = 0;
	const pid_t child = fork();

	if (child == 0) {
		alarm(50);
		act(open);
		_exit(7);
	}
	MUST(waitpid(child, &status, 0) == child);
	MUST(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

static void
record_and_die(following_log open)
{
	static struct following writing; /* in use until the process dies: no leak */

	writing = following_writing(open);
	struct reprise_writer *const writer = following_write(&writing);

	following_append(&writing, writer, newest_of(&writing) + 5);
}

void
following_expect_lives(following_log open)
{
	struct following writing = following_writing(open);
	struct reprise_writer *writer = following_write(&writing);
	struct following reading = following_reading(open);
	/* Open in the processes that die, too: no leak there. */
	static struct reprise_subscription *all, *plain, *void_one;

	all = following_subscribe(&reading, 1);
	plain = following_subscribe(&reading, 0);
	/* A life that ends with a status. */
	following_append(&writing, writer, 5);
	following_expect(all, 1, 5);
	following_expect(plain, 1, 5);
	expect_nothing(plain);
	MUST(reprise_writer_end(writer, 42) == REPRISE_OK);
	cr_assert(eq(i32, following_expect_gap(all, REPRISE_GAP_LIFE_ENDED).end_status, 42));
	expect_end(plain, REPRISE_END_SESSION, 42);
	reprise_writer_close(writer);

	/* The next life, which is invalidated. */
	writer = following_write(&writing);
	following_append(&writing, writer, 8);
	following_expect(all, 6, 8);
	const struct reprise_cursor cursor = cursor_in_log(reading.log, 6);

	void_one = subscribe(&reading, &cursor, 0);
	following_expect(void_one, 7, 8);
	MUST(reprise_session_invalidate(writing.store, "s") == REPRISE_OK);
	cr_assert(eq(int, following_expect_gap(all, REPRISE_GAP_INVALIDATED).reason,
		     REPRISE_GAP_UNAVAILABLE));
	(void)following_expect_gap(void_one, REPRISE_GAP_INVALIDATED);
	expect_end(void_one, REPRISE_END_INVALIDATED, 0);
	reprise_writer_close(writer);
	following_close(&writing);

	/* A life of another process, which crashes; and the one after it. */
	crash(record_and_die, open);
	(void)following_expect_gap(all, REPRISE_GAP_INVALIDATED);
	following_expect(all, 9, 13);
	crash(record_and_die, open);
	const struct reprise_gap restart = following_expect_gap(all, REPRISE_GAP_RESTART);

	cr_assert(eq(int, restart.reason, REPRISE_GAP_TRIMMED));
	cr_assert(eq(u64, restart.lost, 0));
	following_expect(all, 14, 18);
	reprise_subscription_close(void_one);
	reprise_subscription_close(plain);
	reprise_subscription_close(all);
	following_close(&reading);
}

void
following_expect_cursors(following_log open)
{
	struct following writing = following_writing(open);
	struct reprise_writer *const writer = following_write(&writing);
	struct following reading = following_reading(open);
	struct reprise_subscription *placed = NULL, *replay = NULL;

	following_append(&writing, writer, 10);
	/* By the durable revision. */
	MUST(reprise_resume_snapshot(reading.store, "s", 7, NULL, &placed, NULL) == REPRISE_OK);
	following_expect(placed, 8, 10);
	expect_nothing(placed);
	/* A replay ends at what is recorded. */
	const struct reprise_cursor three = cursor_in_log(reading.log, 3);

	MUST(reprise_replay_after(reading.store, &three, NULL, &replay, NULL) == REPRISE_OK);
	following_expect(replay, 4, 10);
	expect_end(replay, REPRISE_END_REPLAY, 0);
	/* A cursor of nobody's life, and one of a life that was never so long. */
	struct reprise_cursor unknown = three, beyond = cursor_in_log(reading.log, 10);

	unknown.incarnation.bytes[0] ^= 1;
	struct reprise_subscription *const refused = subscribe(&reading, &unknown, 0);

	cr_assert(eq(int, following_expect_gap(refused, REPRISE_GAP_OTHER_INCARNATION).reason,
		     REPRISE_GAP_UNAVAILABLE));
	beyond.position = 15;
	struct reprise_subscription *const diverged = subscribe(&reading, &beyond, 0);

	reprise_writer_close(writer);
	following_close(&writing);
	cr_assert(
		eq(u64, following_expect_gap(diverged, REPRISE_GAP_DIVERGED).cursor.position, 10));
	reprise_subscription_close(placed);
	reprise_subscription_close(replay);
	reprise_subscription_close(refused);
	reprise_subscription_close(diverged);
	following_close(&reading);
}

/* --- archiving -------------------------------------------------------------------------------- */

void
following_expect_archiving(following_log open)
{
	struct following writing = following_writing(open);
	struct reprise_writer *const writer = following_write(&writing);
	struct following reading = following_reading(open);
	struct reprise_subscription *const slow = following_subscribe(&reading, 0);
	struct reprise_subscription *const quick = following_subscribe(&reading, 0);
	reprise_position position = 1;
	uint64_t lost = 0;

	following_append(&writing, writer, MANY);
	following_expect(quick, 1, MANY);
	following_expect(slow, 1, 1);
	MUST(reprise_log_archive_before(writing.log, &key, MANY - 10, NULL, NULL) == REPRISE_OK);
	while (position < MANY) {
		struct reprise_event event = { 0 };
		struct reprise_gap gap = { 0 };

		if (await_next(slow, &event, &gap, NULL) == REPRISE_NEXT_EVENT) {
			check_event(&event, ++position);
			continue;
		}
		cr_assert(eq(int, gap.detail, REPRISE_GAP_ARCHIVED));
		cr_assert(eq(u64, gap.lost_first, position + 1));
		cr_assert(eq(u64, gap.lost_last, MANY - 10));
		lost += gap.lost;
		position = gap.lost_last;
	}
	cr_assert(gt(u64, lost, 0));
	following_append(&writing, writer, MANY + 1);
	following_expect(quick, MANY + 1, MANY + 1);
	following_expect(slow, MANY + 1, MANY + 1);
	reprise_subscription_close(slow);
	reprise_subscription_close(quick);
	reprise_writer_close(writer);
	following_close(&writing);
	following_close(&reading);
}

/* --- processes that are killed ---------------------------------------------------------------- */

/* In another process: appends for as long as it lives, and tells how far it is recorded. */
static void
append_until_killed(following_log open, int tell)
{
	static struct following writing;

	alarm(50);
	writing = following_writing(open);
	struct reprise_writer *const writer = following_write(&writing);

	for (reprise_position position = newest_of(&writing);;) {
		for (int i = 0; i < 7; i++)
			position = append_next(writer, position);
		flush(&writing);
		MUST(write(tell, &position, sizeof(position)) == sizeof(position));
	}
}

static pid_t
start_writer(following_log open, int *ret_told)
{
	int ends[2];

	MUST(pipe(ends) == 0);
	const pid_t child = fork();

	if (child == 0) {
		close(ends[0]);
		append_until_killed(open, ends[1]);
	}
	close(ends[1]);
	*ret_told = ends[0];
	return child;
}

/* Kills the writer once it has told so often; answers how far it was recorded at least. */
static reprise_position
kill_writer(pid_t child, int told, int times)
{
	reprise_position position = 0, acknowledged = 0;
	int status;

	for (int i = 0; i < times; i++) {
		MUST(read(told, &position, sizeof(position)) == sizeof(position));
		acknowledged = position;
	}
	MUST(kill(child, SIGKILL) == 0);
	MUST(waitpid(child, &status, 0) == child);
	while (read(told, &position, sizeof(position)) == sizeof(position))
		acknowledged = position;
	close(told);
	return acknowledged;
}

void
following_expect_killed_writers(following_log open, int lives)
{
	struct following reading = following_reading(open);
	struct reprise_subscription *const subscription = following_subscribe(&reading, 1);
	reprise_position position = 0;
	int told;

	for (int life = 0; life < lives; life++) {
		const pid_t child = start_writer(open, &told);
		const reprise_position acknowledged = kill_writer(child, told, 3 + life);
		struct reprise_event event = { 0 };
		struct reprise_gap gap = { 0 };
		bool has_restarted = life == 0;

		while (position < acknowledged) {
			if (await_next(subscription, &event, &gap, NULL) == REPRISE_NEXT_EVENT) {
				cr_assert(has_restarted || event.position == position + 1);
				check_event(&event, ++position);
				continue;
			}
			/*
			 * Events that the writer before had recorded beyond its last word are
			 * handed out before the gap.
			 */
			cr_assert(eq(int, gap.detail, REPRISE_GAP_RESTART));
			cr_assert(eq(u64, gap.lost, 0));
			cr_assert(not(has_restarted));
			has_restarted = true;
		}
		cr_assert(has_restarted);
	}
	reprise_subscription_close(subscription);
	following_close(&reading);
}

/* In another process: takes events from the cursor on, and tells each by its cursor. */
static void
take_until_killed(following_log open, const struct reprise_cursor *cursor, int tell)
{
	static struct following reading;

	alarm(50);
	reading = following_reading(open);
	struct reprise_subscription *const subscription = subscribe(&reading, cursor, 1);

	struct reprise_cursor at = *cursor;

	for (;;) {
		struct reprise_event event = { 0 };
		struct reprise_gap gap = { 0 };

		MUST(await_next(subscription, &event, &gap, NULL) == REPRISE_NEXT_EVENT);
		check_event(&event, at.position + 1);
		MUST(reprise_subscription_cursor(subscription, &at) == REPRISE_OK);
		MUST(write(tell, &at, sizeof(at)) == sizeof(at));
	}
}

void
following_expect_killed_hosts(following_log open, int times)
{
	struct reprise_cursor cursor = { .session_id = "s" };
	int told_by_writer, status;

	/* Here first: the children are to open the same log. */
	reprise_log_close(open());
	const pid_t writer = start_writer(open, &told_by_writer);

	for (int i = 0; i < times; i++) {
		int ends[2];

		MUST(pipe(ends) == 0);
		const pid_t host = fork();

		if (host == 0) {
			close(ends[0]);
			take_until_killed(open, &cursor, ends[1]);
		}
		close(ends[1]);
		for (int events = 0; events < 20 + i; events++)
			MUST(read(ends[0], &cursor, sizeof(cursor)) == sizeof(cursor));
		MUST(kill(host, SIGKILL) == 0);
		MUST(waitpid(host, &status, 0) == host);
		MUST(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		/* The next host knows the positions that the killed host had told. */
		while (read(ends[0], &cursor, sizeof(cursor)) == sizeof(cursor))
			;
		close(ends[0]);
	}
	const reprise_position acknowledged = kill_writer(writer, told_by_writer, 1);
	struct following reading = following_reading(open);
	struct reprise_subscription *const last = subscribe(&reading, &cursor, 1);

	cr_assert(gt(u64, cursor.position, 0));
	following_expect(last, cursor.position + 1, acknowledged);
	reprise_subscription_close(last);
	following_close(&reading);
}

/* --- what is refused -------------------------------------------------------------------------- */

void
following_expect_refusals(following_log open)
{
	struct following writing = following_writing(open);
	struct reprise_writer *const writer = following_write(&writing);
	struct following reading = following_reading(open);
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_writer *refused = NULL;
	struct reprise_cursor cursor;
	reprise_position position;

	following_append(&writing, writer, 3);
	cr_assert(eq(int, reprise_writer_open(reading.store, "s", NULL, &refused, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "store"));
	cr_assert(eq(str, error.detail, "its recorder only reads"));
	cr_assert(eq(ptr, refused, NULL));
	cr_assert(
		eq(int, reprise_session_create(reading.store, "s", NULL, NULL), REPRISE_E_INVALID));
	cr_assert(eq(int,
		     reprise_session_append(reading.store, "s", 0, 0, 0,
					    (struct reprise_bytes){ "x", 1 }, &position),
		     REPRISE_E_INVALID));
	/* There is no window that could be void. */
	cr_assert(eq(int, reprise_session_invalidate(reading.store, "s"), REPRISE_OK));
	cr_assert(eq(int, reprise_session_earliest_cursor(reading.store, "s", 0, &cursor),
		     REPRISE_E_NOT_FOUND));
	/* There is nothing to flush, and so a flush has nothing to wait for. */
	cr_assert(eq(int, reprise_recorder_flush(reading.recorder, NULL, REPRISE_SYNCED, 0),
		     REPRISE_OK));
	cr_assert(eq(int, reprise_recorder_flush(reading.recorder, "s", REPRISE_SYNCED, 0),
		     REPRISE_E_NOT_FOUND));
	cr_assert(eq(
		int,
		reprise_recorder_recorded_through(reading.recorder, "s", REPRISE_SYNCED, &position),
		REPRISE_E_NOT_FOUND));
	/* The writer has lost nothing by it. */
	following_append(&writing, writer, 4);
	struct reprise_subscription *const subscription = following_subscribe(&reading, 0);

	cr_assert(eq(int, reprise_recorder_close(reading.recorder), REPRISE_E_BUSY));
	following_expect(subscription, 1, 4);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	following_close(&writing);
	following_close(&reading);
}
