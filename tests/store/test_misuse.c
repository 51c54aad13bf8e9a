/* SPDX-License-Identifier: MIT */
/* P07, P08, P12: misuse aborts the process, and one line says why. */
#include "support.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/subscription.h"

SUITE(misuse);

static char line[1024];

/* Runs @act in a child; whether that aborted, and what it wrote to standard error. */
static bool
aborts(void (*act)(void))
{
	int ends[2], status = 0;
	size_t bytes = 0;
	ssize_t got;

	cr_assert(eq(int, pipe(ends), 0));
	const pid_t pid = fork();

	if (pid == 0) {
		alarm(20);
		dup2(ends[1], STDERR_FILENO);
		act();
		_exit(0);
	}
	close(ends[1]);
	while ((got = read(ends[0], line + bytes, sizeof(line) - 1 - bytes)) > 0)
		bytes += (size_t)got;
	line[bytes] = '\0';
	close(ends[0]);
	cr_assert(eq(int, waitpid(pid, &status, 0), pid));
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void
expect_abort(void (*act)(void), const char *sentence)
{
	cr_assert(aborts(act), "%s", sentence);
	cr_assert(strncmp(line, "reprise: ", 9) == 0, "%s", line);
	cr_assert(strstr(line, sentence) != NULL, "%s", line);
	cr_assert(strchr(line, '\n') == line + strlen(line) - 1, "one line: %s", line);
	cr_assert(strstr(line, ".c:") != NULL || strstr(line, ".h:") != NULL, "%s", line);
}

static const struct reprise_bytes payload = { "x", 1 };

static struct reprise_writer *
closed_session(void)
{
	struct reprise_writer *const writer = writer_of(store_plain());

	append_text(writer, "one");
	append_text(writer, "two");
	reprise_writer_close(writer);
	return writer;
}

static void
close_twice(void)
{
	reprise_writer_close(closed_session());
}

static void
append_closed(void)
{
	(void)!reprise_append(closed_session(), 0, 0, 0, payload, NULL);
}

static void
append_once_closed(void)
{
	(void)!reprise_append_once(closed_session(), 7, 0, 0, 0, payload, NULL, NULL);
}

static void
append_batch_closed(void)
{
	const struct reprise_new_event event = { .payload = payload };

	(void)!reprise_append_batch(closed_session(), &event, 1, NULL);
}

static void
reserve_closed(void)
{
	void *room;

	(void)!reprise_reserve(closed_session(), 1, &room);
}

static void
end_closed(void)
{
	(void)!reprise_writer_end(closed_session(), 0);
}

static void
cursor_closed(void)
{
	struct reprise_cursor cursor;

	(void)!reprise_writer_cursor(closed_session(), 1, &cursor);
}

static void
opened_closed(void)
{
	struct reprise_writer_opened opened = REPRISE_WRITER_OPENED_INIT;

	(void)!reprise_writer_opened(closed_session(), &opened);
}

static void
wait_room_closed(void)
{
	(void)!reprise_writer_wait_room(closed_session(), 0);
}

Test(misuse, P07_a_closed_handle_is_not_used)
{
	void (*const acts[])(void) = { close_twice,         append_closed,  append_once_closed,
				       append_batch_closed, reserve_closed, end_closed,
				       cursor_closed,       opened_closed,  wait_room_closed };

	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
		expect_abort(acts[i], "a writer is used after reprise_writer_close");
}

static void *
append_for_ever(void *session)
{
	while (reprise_append(session, 0, 0, 0, payload, NULL) == REPRISE_OK)
		;
	return NULL;
}

static void
append_at_once(void)
{
	struct reprise_store *store = NULL;
	pthread_t threads[2];

	/* The library keeps the clock. */
	if (reprise_store_open(NULL, &store, NULL) != REPRISE_OK)
		_exit(1);
	struct reprise_writer *const writer = writer_of(store);

	for (int i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, append_for_ever, writer) != 0)
			_exit(1);
	/*
	 * About a second of each: the machine may have one core for both, and others who want it.
	 */
	sleep(10);
}

Test(misuse, P08_two_threads_that_append_to_one_session_at_once_are_noticed)
{
	expect_abort(append_at_once, "two threads append to one session at once");
}

struct turns {
	pthread_mutex_t lock;
	struct reprise_writer *writer;
	bool is_enough;
};

static void *
append_in_turns(void *argument)
{
	struct turns *const turns = argument;

	for (bool is_enough = false; !is_enough;) {
		pthread_mutex_lock(&turns->lock);
		is_enough = turns->is_enough ||
			    reprise_append(turns->writer, 0, 0, 0, payload, NULL) != REPRISE_OK;
		pthread_mutex_unlock(&turns->lock);
	}
	return NULL;
}

Test(misuse, P08_threads_that_take_turns_are_not_taken_for_two_at_once)
{
	struct reprise_store *store = NULL;
	struct turns turns = { .lock = PTHREAD_MUTEX_INITIALIZER };
	pthread_t threads[2];

	cr_assert(eq(int, reprise_store_open(NULL, &store, NULL), REPRISE_OK));
	turns.writer = writer_of(store);
	for (int i = 0; i < 2; i++)
		cr_assert(eq(int, pthread_create(&threads[i], NULL, append_in_turns, &turns), 0));
	usleep(1500000);
	pthread_mutex_lock(&turns.lock);
	turns.is_enough = true;
	pthread_mutex_unlock(&turns.lock);
	for (int i = 0; i < 2; i++)
		cr_assert(eq(int, pthread_join(threads[i], NULL), 0));
	reprise_writer_close(turns.writer);
	close_store(store);
}

/* Of a process that aborts: where a leak check finds it. */
static struct reprise_subscription *kept;

static void
next_into_nothing(void)
{
	struct reprise_store *const store = store_plain();
	struct reprise_writer *const writer = writer_of(store);
	struct reprise_gap gap;

	append_text(writer, "one");
	kept = subscribed_after(store, 0);
	(void)!reprise_next(kept, NULL, &gap, NULL);
}

static struct reprise_group *kept_group;

static void
make_group(void)
{
	struct reprise_store *const store = store_plain();
	struct reprise_writer *const writer = writer_of(store);

	kept = subscribed_after(store, 0);
	if (reprise_group_open(store, NULL, &kept_group, NULL) != REPRISE_OK ||
	    reprise_group_add(kept_group, kept, writer, NULL) != REPRISE_OK)
		_exit(1);
}

static void *
wait_for_group(void *argument)
{
	(void)!reprise_group_wait(kept_group, REPRISE_NO_LIMIT);
	return argument;
}

static void
wait_at_once(void)
{
	pthread_t thread;

	make_group();
	if (pthread_create(&thread, NULL, wait_for_group, NULL) == 0)
		(void)wait_for_group(NULL);
}

/* The store's thread finds out. */
static void
close_the_groups_descriptor(void)
{
	int fd = -1;

	make_group();
	if (reprise_group_fd(kept_group, &fd, NULL) != REPRISE_OK || close(fd) != 0)
		_exit(1);
	append_text(kept->group_context, "one");
	sleep(10);
}

Test(misuse, S22_a_group_that_is_misused_says_so)
{
	expect_abort(wait_at_once, "two threads wait for one group at once");
	expect_abort(close_the_groups_descriptor,
		     "the descriptor of a group was closed or replaced by the program");
}

static struct reprise_frame frame;
static struct reprise_into into;

/* Of a good one that @spoil has been given. */
static void
next_into_bad(void (*spoil)(void))
{
	struct reprise_store *const store = store_plain();
	struct reprise_writer *const writer = writer_of(store);
	struct reprise_gap gap;

	append_text(writer, "one");
	kept = subscribed_after(store, 0);
	into = (struct reprise_into){ .size = sizeof(into), .frames = &frame, .frames_max = 1 };
	spoil();
	(void)!reprise_next_into(kept, &into, &gap, NULL);
}

#define INTO_BAD(name, field, value)         \
	static void spoil_##name(void)       \
	{                                    \
		into.field = value;          \
	}                                    \
	static void into_##name(void)        \
	{                                    \
		next_into_bad(spoil_##name); \
	}

INTO_BAD(size_0, size, 0)
INTO_BAD(size_small, size, sizeof(into) - 1)
INTO_BAD(size_huge, size, 5000)
INTO_BAD(buffer, buffer_bytes, 1)
INTO_BAD(frames, frames, NULL)
INTO_BAD(frames_max, frames_max, 0)
INTO_BAD(head, head_bytes, REPRISE_INTO_FRAMING_BYTES_MAX + 1)
INTO_BAD(tail, tail_bytes, SIZE_MAX)

/* The field of a later release is set. */
static void
into_of_a_later_release(void)
{
	static struct {
		struct reprise_into into;
		uint64_t unknown;
	} later = { .unknown = 1 };
	struct reprise_store *const store = store_plain();
	struct reprise_writer *const writer = writer_of(store);
	struct reprise_gap gap;

	append_text(writer, "one");
	kept = subscribed_after(store, 0);
	later.into =
		(struct reprise_into){ .size = sizeof(later), .frames = &frame, .frames_max = 1 };
	(void)!reprise_next_into(kept, &later.into, &gap, NULL);
}

static void
error_without_size(void)
{
	struct reprise_error error = { 0 };
	struct reprise_writer *writer = NULL;

	(void)!reprise_writer_open(store_plain(), "", NULL, &writer, &error);
}

Test(misuse, P12_a_failed_assertion_says_what_is_wrong)
{
	expect_abort(next_into_nothing, "reprise_next: ret_event is NULL (ret_event != ");
	expect_abort(error_without_size, "sizeof(struct reprise_error)");
}

Test(misuse, S28_each_bad_field_of_into_aborts_with_its_name)
{
	expect_abort(into_size_0, "reprise_next_into: into has a bad size");
	expect_abort(into_size_small, "reprise_next_into: into has a bad size");
	expect_abort(into_size_huge, "reprise_next_into: into has a bad size");
	expect_abort(into_of_a_later_release, "reprise_next_into: into has a bad size");
	expect_abort(into_buffer, "reprise_next_into: buffer is NULL");
	expect_abort(into_frames, "reprise_next_into: frames is NULL");
	expect_abort(into_frames_max, "reprise_next_into: frames_max is 0");
	expect_abort(into_head, "reprise_next_into: head_bytes is too large");
	expect_abort(into_tail, "reprise_next_into: tail_bytes is too large");
}

Test(misuse, P12_a_wrong_size_of_options_is_named_with_its_number)
{
	const struct reprise_store_options options = { .size = 3 };
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_store *store = NULL;

	cr_assert(eq(int, reprise_store_open(&options, &store, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, (char *)"store options: size"));
	cr_assert(strstr(error.detail, "size is 3: must be ") == error.detail, "%s", error.detail);
}
