/* SPDX-License-Identifier: MIT */

/*
 * Shared writers: many threads append through one handle, or by the session's id
 * (rules W01 to W05).
 */

#include "support.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/writer_lock.h"

SUITE(shared);

enum {
	THREADS = 4,
	ROUNDS = 3000,
	ROUND_EVENTS = 6, /* one append, one gathered from parts, a batch of three, one by id */
};

static struct reprise_writer *
shared_writer(struct reprise_store *store)
{
	struct reprise_session_options options = REPRISE_SESSION_OPTIONS_INIT;
	struct reprise_writer *writer;

	options.is_shared = 1;
	options.events_max = UINT64_C(2) * THREADS * ROUNDS * ROUND_EVENTS;
	options.bytes_max = 16 << 20;
	cr_assert(eq(int, reprise_writer_open(store, "s", &options, &writer, NULL), REPRISE_OK));
	return writer;
}

/* The payload of a thread: the thread's number, and the number of the append. */
struct text {
	uint32_t thread, number;
};

struct appender {
	pthread_t thread;
	struct reprise_store *store;
	struct reprise_writer *writer;
	uint32_t number;
};

static struct reprise_bytes
bytes_of(const struct text *text)
{
	return (struct reprise_bytes){ text, sizeof(*text) };
}

static void *
append_much(void *argument)
{
	const struct appender *const appender = argument;
	struct text text = { appender->number, 0 }, batch[3];
	struct reprise_new_event events[3];

	for (int i = 0; i < ROUNDS; i++) {
		struct iovec parts[2] = { { &text.thread, 4 }, { &text.number, 4 } };
		reprise_position first = 0;

		cr_assert(eq(int,
			     reprise_append(appender->writer, 1, 1, 0, bytes_of(&text), &first),
			     REPRISE_OK));
		text.number++;
		cr_assert(eq(int, reprise_appendv(appender->writer, 1, 2, 0, parts, 2, NULL),
			     REPRISE_OK));
		for (uint32_t k = 0; k < 3; k++) {
			batch[k] = (struct text){ text.thread, text.number + 1 + k };
			events[k] = (struct reprise_new_event){ .kind = 3,
								.payload = bytes_of(&batch[k]) };
		}
		cr_assert(eq(int, reprise_append_batch(appender->writer, events, 3, &first),
			     REPRISE_OK));
		text.number += 4;
		cr_assert(eq(int,
			     reprise_session_append(appender->store, "s", 1, 4, 0, bytes_of(&text),
						    NULL),
			     REPRISE_OK));
		text.number++;
	}
	return argument;
}

/* Each thread's events are whole and in its order, and a batch stands together. */
static void
expect_all(struct reprise_store *store)
{
	struct reprise_subscription *const subscription = subscribed_after(store, 0);
	uint32_t numbers[THREADS] = { 0 };
	struct text text = { 0 }, before = { 0 };
	struct reprise_event event;
	struct reprise_gap gap;

	for (uint64_t i = 1; i <= (uint64_t)THREADS * ROUNDS * ROUND_EVENTS; i++) {
		cr_assert(eq(int, reprise_next(subscription, &event, &gap, NULL),
			     REPRISE_NEXT_EVENT));
		cr_assert(eq(u64, event.position, i));
		cr_assert(eq(sz, event.payload.size, sizeof(text)));
		memcpy(&text, event.payload.data, sizeof(text));
		cr_assert(lt(u32, text.thread, THREADS));
		cr_assert(eq(u32, text.number, numbers[text.thread]++));
		if (text.number % ROUND_EVENTS == 3 || text.number % ROUND_EVENTS == 4)
			cr_assert(eq(u32, text.thread, before.thread), "inside a batch");
		before = text;
	}
	expect_empty(subscription);
	reprise_subscription_close(subscription);
}

Test(shared, W01_each_event_is_whole_and_in_its_threads_order)
{
	struct reprise_store *store = store_plain();
	struct appender appenders[THREADS];

	appenders[0].writer = shared_writer(store);
	for (uint32_t i = 0; i < THREADS; i++) {
		appenders[i] = (struct appender){ .store = store,
						  .writer = appenders[0].writer,
						  .number = i };
		cr_assert(eq(int,
			     pthread_create(&appenders[i].thread, NULL, append_much, &appenders[i]),
			     0));
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(appenders[i].thread, NULL);
	expect_all(store);
	reprise_writer_close(appenders[0].writer);
	close_store(store);
}

static void
expect_status(struct reprise_store *store, struct reprise_writer *writer, reprise_status expected)
{
	const struct reprise_bytes payload = reprise_bytes_from_string("x");
	const struct reprise_new_event event = { .payload = payload };
	const struct iovec part = { .iov_base = (void *)"x", .iov_len = 1 };
	const uint64_t newest = stats_of_s(store).newest;
	reprise_position position = 77;

	cr_assert(eq(int, reprise_append(writer, 0, 0, 0, payload, &position), expected));
	cr_assert(eq(int, reprise_appendv(writer, 0, 0, 0, &part, 1, &position), expected));
	cr_assert(eq(int, reprise_append_batch(writer, &event, 1, &position), expected));
	cr_assert(
		eq(int, reprise_session_append(store, "s", 0, 0, 0, payload, &position), expected));
	cr_assert(eq(int, reprise_writer_end(writer, 1), expected));
	cr_assert(eq(u64, position, 77));
	cr_assert(eq(u64, stats_of_s(store).newest, newest));
}

/* The lock's word, as a thread inside an append would have left it. */
Test(shared, W02_a_thread_that_is_stopped_inside_keeps_the_others_out_for_a_second_each)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = shared_writer(store);
	const uint64_t begun_ns = clock_ns();

	append_text(writer, "x");
	store_relaxed(&writer_session(writer)->lock_owner, 1);
	expect_status(store, writer, REPRISE_E_TIMEOUT);
	const uint64_t passed_ns = clock_ns() - begun_ns;

	cr_assert(ge(u64, passed_ns, 5 * one_second));
	cr_assert(lt(u64, passed_ns, 8 * one_second));
	store_relaxed(&writer_session(writer)->lock_owner, 0);
	cr_assert(eq(u64, append_text(writer, "y"), 2));
	reprise_writer_close(writer);
	close_store(store);
}

static void *
leave_later(void *argument)
{
	struct reprise_writer *const writer = argument;

	while (load_relaxed(&writer_session(writer)->lock_wanted) == 0)
		sched_yield();
	writer_lock_leave(writer_session(writer));
	return argument;
}

Test(shared, W02_a_thread_that_leaves_wakes_the_one_that_sleeps)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = shared_writer(store);
	pthread_t thread;

	for (int i = 1; i <= 20; i++) {
		store_relaxed(&writer_session(writer)->lock_wanted, 0);
		store_relaxed(&writer_session(writer)->lock_owner, 1);
		const uint64_t begun_ns = clock_ns();

		cr_assert(eq(int, pthread_create(&thread, NULL, leave_later, writer), 0));
		cr_assert(eq(u64, append_text(writer, "x"), (uint64_t)i));
		cr_assert(lt(u64, clock_ns() - begun_ns, one_second / 2));
		pthread_join(thread, NULL);
	}
	reprise_writer_close(writer);
	close_store(store);
}

static struct reprise_writer *interrupted;
static volatile sig_atomic_t status_in_handler;

static void
append_in_handler(int signal)
{
	(void)signal;
	status_in_handler =
		reprise_append(interrupted, 0, 0, 0, reprise_bytes_from_string("x"), NULL);
}

Test(shared, W03_a_handler_that_interrupts_an_append_is_told_at_once)
{
	struct reprise_store *store = store_plain();
	const struct sigaction action = { .sa_handler = append_in_handler };

	interrupted = shared_writer(store);
	sigaction(SIGUSR1, &action, NULL);
	cr_assert(eq(int, writer_lock_enter(writer_session(interrupted)), REPRISE_OK));
	raise(SIGUSR1);
	cr_assert(eq(int, status_in_handler, REPRISE_E_BUSY));
	expect_status(store, interrupted, REPRISE_E_BUSY);
	writer_lock_leave(writer_session(interrupted));
	raise(SIGUSR1);
	cr_assert(eq(int, status_in_handler, REPRISE_OK));
	reprise_writer_close(interrupted);
	close_store(store);
}

Test(shared, W04_a_reservation_is_refused)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = shared_writer(store);
	void *payload = NULL;

	cr_assert(eq(int, reprise_reserve(writer, 8, &payload), REPRISE_E_INVALID));
	cr_assert(eq(ptr, payload, NULL));
	cr_assert(eq(int, reprise_publish(writer, 0, 0, 0, 0, NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_abort(writer), REPRISE_E_INVALID));
	cr_assert(eq(u64, append_text(writer, "x"), 1));
	reprise_writer_close(writer);
	close_store(store);
}

Test(shared, W04_everything_else_answers_as_for_a_single_writer)
{
	struct reprise_session_options options = REPRISE_SESSION_OPTIONS_INIT;
	struct reprise_store *store = store_with(0, 1024, 0);
	struct reprise_error error = REPRISE_ERROR_INIT;
	static const char large[1024];
	const struct reprise_bytes too_large = { large, 1024 - 39 };
	struct reprise_cursor cursor;
	struct reprise_writer *writer = NULL;

	options.is_shared = 2;
	cr_assert(eq(int, reprise_writer_open(store, "s", &options, &writer, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "is_shared"));
	options.is_shared = 1;
	cr_assert(eq(int, reprise_writer_open(store, "s", &options, &writer, NULL), REPRISE_OK));
	struct reprise_subscription *subscription = subscribed_after(store, 0);

	cr_assert(eq(int, reprise_append(writer, 0, 0, 2, reprise_bytes_from_string("x"), NULL),
		     REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_append(writer, UINT64_MAX, 0, 0, too_large, NULL),
		     REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_append(writer, 0, 0, 0, (struct reprise_bytes){ NULL, 1 }, NULL),
		     REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_append(writer, 0, 0, 0, too_large, NULL), REPRISE_E_TOO_LARGE));
	for (uint64_t i = 1; i <= 200;
	     i++) { /* over many laps, with revisions that rise and fall */
		cr_assert(eq(u64, append_event(writer, i % 7 * i, 3, 256, "lap"), i));
		expect_text(subscription, "lap");
	}
	cr_assert(eq(int, reprise_writer_cursor(writer, 200, &cursor), REPRISE_OK));
	cr_assert(eq(u64, cursor.position, 200));
	cr_assert(eq(int, reprise_writer_wait_room(writer, 0), REPRISE_OK));
	cr_assert(eq(int, reprise_writer_set_overwrite(writer), REPRISE_OK));
	cr_assert(eq(int, reprise_writer_end(writer, 5), REPRISE_OK));
	expect_status(store, writer, REPRISE_E_CLOSED);
	expect_ended(subscription, REPRISE_END_SESSION, 5);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(shared, W04_a_void_window_takes_nothing)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = shared_writer(store);
	const struct reprise_bytes payload = reprise_bytes_from_string("x");

	append_text(writer, "x");
	append_text(writer, "x");
	cr_assert(eq(int, reprise_session_invalidate(store, "s"), REPRISE_OK));
	cr_assert(eq(int, reprise_append(writer, 0, 0, 0, payload, NULL), REPRISE_E_CLOSED));
	cr_assert(eq(int, reprise_writer_end(writer, 1), REPRISE_E_CLOSED));
	reprise_writer_close(writer);
	writer = writer_of(store);
	cr_assert(eq(u64, append_text(writer, "x"), 3));
	reprise_writer_close(writer);
	close_store(store);
}

Test(shared, W04_a_single_writer_and_shared_ones_take_turns_on_a_window)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer;

	for (uint64_t i = 0; i < 10; i += 2) {
		writer = shared_writer(store);
		cr_assert(eq(u64, append_text(writer, "x"), i + 1));
		reprise_writer_close(writer);
		writer = writer_of(store);
		cr_assert(eq(u64, append_text(writer, "x"), i + 2));
		reprise_writer_close(writer);
	}
	close_store(store);
}

Test(shared, W04_the_child_of_a_fork_is_told_even_if_the_lock_was_taken,
     .disabled = IS_ALLOCATOR_LOCKED)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = shared_writer(store);
	int exited = 0;

	append_text(writer, "x");
	store_relaxed(&writer_session(writer)->lock_owner, 1);
	const pid_t child = fork();

	if (child == 0) {
		const struct reprise_bytes payload = reprise_bytes_from_string("x");
		const bool is_told =
			reprise_append(writer, 0, 0, 0, payload, NULL) == REPRISE_E_FORKED &&
			reprise_session_append(store, "s", 0, 0, 0, payload, NULL) ==
				REPRISE_E_FORKED &&
			reprise_writer_end(writer, 0) == REPRISE_E_FORKED;

		reprise_writer_close(writer);
		_exit(is_told ? 0 : 1);
	}
	cr_assert(eq(int, waitpid(child, &exited, 0), child));
	cr_assert(eq(int, exited, 0));
	store_relaxed(&writer_session(writer)->lock_owner, 0);
	cr_assert(eq(u64, append_text(writer, "x"), 2));
	reprise_writer_close(writer);
	close_store(store);
}

Test(shared, W05_an_append_by_id_needs_no_handle)
{
	struct reprise_store *store = store_plain();
	const struct reprise_bytes payload = reprise_bytes_from_string("x");
	struct reprise_store_stats stats = REPRISE_STORE_STATS_INIT;
	reprise_position position = 0;

	for (uint64_t i = 1; i <= 3; i++) {
		cr_assert(eq(int, reprise_session_append(store, "s", 0, 0, 0, payload, &position),
			     REPRISE_OK));
		cr_assert(eq(u64, position, i));
	}
	cr_assert(eq(int, reprise_store_stats(store, &stats), REPRISE_OK));
	cr_assert(eq(u64, stats.writers, 0));
	cr_assert(eq(int, reprise_session_append(NULL, "s", 0, 0, 0, payload, NULL),
		     REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_session_append(store, NULL, 0, 0, 0, payload, NULL),
		     REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_session_append(store, "", 0, 0, 0, payload, NULL),
		     REPRISE_E_INVALID));
	cr_assert(eq(int,
		     reprise_session_append(store, "s", 0, 0, 0, (struct reprise_bytes){ NULL, 1 },
					    NULL),
		     REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_session_append(store, "s", 0, 0, 2, payload, NULL),
		     REPRISE_E_INVALID));

	/* A single writer's session is the writer's alone. */
	struct reprise_writer *writer = writer_of(store);

	cr_assert(eq(int, reprise_session_append(store, "s", 0, 0, 0, payload, NULL),
		     REPRISE_E_BUSY));
	cr_assert(eq(int, reprise_writer_end(writer, 0), REPRISE_OK));
	reprise_writer_close(writer);

	/* A session that has ended is not opened again. */
	cr_assert(eq(int, reprise_session_append(store, "s", 0, 0, 0, payload, NULL),
		     REPRISE_E_CLOSED));
	close_store(store);
}

static void *
append_by_id_much(void *argument)
{
	const struct appender *const appender = argument;

	for (uint32_t i = 0; i < ROUNDS; i++) {
		const struct text text = { appender->number, i };

		cr_assert(eq(int,
			     reprise_session_append(appender->store, "s", 0, 0, 0, bytes_of(&text),
						    NULL),
			     REPRISE_OK));
	}
	return argument;
}

/* Each append may open the session, find it opened by another one, or find it being closed. */
Test(shared, W05_appends_by_id_may_open_and_close_the_session_at_once)
{
	struct reprise_store *store = store_with((uint64_t)THREADS * ROUNDS, 4 << 20, 0);
	struct appender appenders[THREADS];

	for (uint32_t i = 0; i < THREADS; i++) {
		appenders[i] = (struct appender){ .store = store, .number = i };
		cr_assert(eq(int,
			     pthread_create(&appenders[i].thread, NULL, append_by_id_much,
					    &appenders[i]),
			     0));
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(appenders[i].thread, NULL);
	struct reprise_subscription *const subscription = subscribed_after(store, 0);
	uint32_t numbers[THREADS] = { 0 };
	struct reprise_event event;
	struct reprise_gap gap;
	struct text text;

	while (reprise_next(subscription, &event, &gap, NULL) == REPRISE_NEXT_EVENT) {
		memcpy(&text, event.payload.data, sizeof(text));
		cr_assert(eq(u32, text.number, numbers[text.thread]++));
	}
	for (int i = 0; i < THREADS; i++)
		cr_assert(eq(u32, numbers[i], ROUNDS));
	reprise_subscription_close(subscription);
	close_store(store);
}

struct invalidation {
	struct reprise_store *store;
	bool is_over;
};

static void *
append_by_id_until(void *argument)
{
	struct invalidation *const invalidation = argument;
	const struct reprise_bytes payload = reprise_bytes_from_string("x");
	uint64_t *const others = calloc(1, sizeof(*others));

	while (!__atomic_load_n(&invalidation->is_over, __ATOMIC_RELAXED))
		*others += reprise_session_append(invalidation->store, "s", 0, 0, 0, payload,
						  NULL) != REPRISE_OK;
	return others;
}

/*
 * A window may become void between the look-up and the append, with a shared writer and without
 * one.
 */
Test(shared, W05_an_append_by_id_goes_on_in_the_life_after_an_invalidation)
{
	for (int has_writer = 0; has_writer < 2; has_writer++) {
		struct invalidation invalidation = { .store = store_plain() };
		struct reprise_writer *writer = NULL;
		pthread_t threads[THREADS];
		uint64_t refused = 0;
		void *others;

		for (int i = 0; i < THREADS; i++)
			cr_assert(eq(int,
				     pthread_create(&threads[i], NULL, append_by_id_until,
						    &invalidation),
				     0));
		for (int i = 0; i < 10 * ROUNDS; i++) {
			struct reprise_session_options options = REPRISE_SESSION_OPTIONS_INIT;

			options.is_shared = 1;
			while (has_writer && reprise_writer_open(invalidation.store, "s", &options,
								 &writer, NULL) != REPRISE_OK)
				sched_yield();
			cr_assert(eq(int, reprise_session_invalidate(invalidation.store, "s"),
				     REPRISE_OK));
			reprise_writer_close(writer);
			writer = NULL;
		}
		__atomic_store_n(&invalidation.is_over, true, __ATOMIC_RELAXED);
		for (int i = 0; i < THREADS; i++) {
			pthread_join(threads[i], &others);
			refused += *(uint64_t *)others;
			free(others);
		}
		cr_assert(eq(u64, refused, 0));
		close_store(invalidation.store);
	}
}

static reprise_status
append_parts(struct reprise_writer *writer)
{
	struct iovec parts[] = { { (char[]){ "a" }, 1 }, { (char[]){ "b" }, 1 } };

	return reprise_appendv(writer, 0, 0, 0, parts, 2, NULL);
}

/*
 * The thread of an append by id that had found a shared writer is late: by now another one
 * has the window.
 */
Test(shared, W05_an_append_by_id_that_comes_late_leaves_a_single_writer_alone)
{
	struct reprise_store *store = store_plain();

	reprise_writer_close(shared_writer(store));
	struct reprise_writer *writer = writer_of(store);

	cr_assert(eq(int, writer_lock_enter(writer_session(writer)), REPRISE_OK));
	cr_assert(eq(int, append_parts(writer), REPRISE_OK));
	writer_lock_leave(writer_session(writer));
	cr_assert(eq(int, append_parts(writer), REPRISE_OK));
	reprise_writer_close(writer);
	close_store(store);
}
