/* SPDX-License-Identifier: MIT */
/*
 * P06, P09 to P11: threads that are cancelled, the library's own threads, descriptors
 * and refused calls.
 */
#include "support.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/futex.h"
#include "cancelled.h"
#include "store/session.h"

SUITE(threads);

/* The objects that a call with a pending cancellation works on. */
struct scene {
	struct reprise_store *store;
	struct reprise_writer *writer;
	struct reprise_subscription *subscription;
	struct reprise_cursor cursor;
};

static void
call_nobody(struct reprise_subscription *subscription, void *context)
{
	(void)subscription, (void)context;
}

static void
open_and_append(void *argument)
{
	struct scene *const scene = argument;
	const struct reprise_new_event event = { .payload = { "x", 1 } };

	scene->store = store_plain();
	scene->writer = writer_of(scene->store);
	scene->cursor = cursor_at(scene->store, 0);
	append_text(scene->writer, "one");
	(void)!reprise_append_batch(scene->writer, &event, 1, NULL);
}

static void
subscribe_with_doors(void *argument)
{
	struct scene *const scene = argument;
	int fd;

	scene->subscription = subscribed_after(scene->store, 0);
	(void)!reprise_subscription_fd(scene->subscription, &fd, NULL);
	(void)!reprise_subscription_notify(scene->subscription, call_nobody, NULL, NULL);
	(void)!reprise_subscription_notify(scene->subscription, NULL, NULL, NULL);
}

/* Rings and drains the descriptor several times. */
static void
read_by_descriptor(void *argument)
{
	struct scene *const scene = argument;
	struct reprise_event event;
	struct reprise_gap gap;

	for (int i = 0; i < 5; i++) {
		while (reprise_next(scene->subscription, &event, &gap, NULL) == REPRISE_NEXT_EVENT)
			;
		append_text(scene->writer, "more");
	}
}

static void
look_and_trim(void *argument)
{
	struct scene *const scene = argument;
	struct reprise_session_stats stats = { .size = sizeof(stats) };
	struct reprise_store_stats all = { .size = sizeof(all) };
	const struct reprise_session_options other = { .size = sizeof(other), .events_max = 7 };
	struct reprise_writer_opened opened = REPRISE_WRITER_OPENED_INIT;
	struct reprise_subscription *changes = NULL;
	struct reprise_session_list *list = NULL;
	struct reprise_writer *rebuilt = NULL;
	char id[REPRISE_SESSION_ID_BYTES_MAX + 1];
	struct reprise_cursor cursor;
	uint64_t count;

	(void)!reprise_session_stats(scene->store, "s", &stats);
	(void)!reprise_store_stats(scene->store, &all);
	(void)!reprise_sessions_subscribe(scene->store, NULL, &changes, NULL);
	(void)!reprise_session_create(scene->store, "new", NULL, NULL);
	(void)!reprise_writer_open(scene->store, "new", &other, &rebuilt, NULL);
	(void)!reprise_writer_opened(rebuilt, &opened);
	(void)!reprise_writer_end(rebuilt, 0);
	reprise_writer_close(rebuilt);
	(void)!reprise_sessions_list(scene->store, &list, NULL);
	(void)!reprise_session_list_next(list, id, &stats);
	reprise_session_list_close(list);
	reprise_subscription_close(changes);
	(void)!reprise_session_current_cursor(scene->store, "new", 0, &cursor);
	(void)!reprise_session_earliest_cursor(scene->store, "new", 0, &cursor);
	(void)!reprise_session_trim(scene->store, "s");
	(void)!reprise_session_trim_to(scene->store, "s", 1);
	(void)!reprise_session_invalidate(scene->store, "new");
	(void)!reprise_sessions_expire_idle(scene->store, &count);
	(void)!reprise_subscription_interrupt(scene->subscription);
}

static void
invalidate_all(void *argument)
{
	struct scene *const scene = argument;
	(void)!reprise_sessions_invalidate(scene->store);
}

static void
close_all(void *argument)
{
	struct scene *const scene = argument;
	reprise_subscription_close(scene->subscription);
	reprise_writer_close(scene->writer);
	if (reprise_store_close(scene->store) != REPRISE_OK)
		abort();
}

Test(threads, P06_no_call_but_a_wait_ends_its_thread)
{
	struct scene scene = { 0 };

	expect_uncancelled(open_and_append, &scene, "open");
	expect_uncancelled(subscribe_with_doors, &scene, "subscribe");
	expect_uncancelled(read_by_descriptor, &scene, "next");
	expect_uncancelled(look_and_trim, &scene, "look");
	expect_uncancelled(invalidate_all, &scene, "invalidate");
	expect_uncancelled(close_all, &scene, "close");
}

static void *
wait_for_ever(void *subscription)
{
	(void)!reprise_wait(subscription, REPRISE_NO_LIMIT);
	return NULL;
}

/* Two sleepers of one session: the direct one, and one in the list. */
Test(threads, P06_a_thread_that_is_cancelled_in_a_wait_lets_go_of_everything,
     .disabled = IS_UNWINDING_UNKNOWN)
{
	struct reprise_store *const store = store_plain();
	struct reprise_writer *const writer = writer_of(store);
	struct reprise_subscription *both[2];
	struct reprise_subscription_stats stats = { .size = sizeof(stats) };
	pthread_t threads[2];
	void *end = NULL;

	for (int i = 0; i < 2; i++) {
		both[i] = subscribed_after(store, 0);
		cr_assert(eq(int, pthread_create(&threads[i], NULL, wait_for_ever, both[i]), 0));
		do {
			usleep(1000);
			cr_assert(eq(int, reprise_subscription_stats(both[i], &stats), REPRISE_OK));
		} while (stats.sleeps == 0);
	}
	usleep(10000);
	for (int i = 0; i < 2; i++) {
		cr_assert(eq(int, pthread_cancel(threads[i]), 0));
		cr_assert(eq(int, pthread_join(threads[i], &end), 0));
		cr_assert(end == PTHREAD_CANCELED);
	}
	for (int i = 0; i < 2; i++)
		cr_assert(eq(int, reprise_wait(both[i], 1000000), REPRISE_E_TIMEOUT));
	append_text(writer, "one");
	for (int i = 0; i < 2; i++) {
		cr_assert(eq(int, reprise_wait(both[i], REPRISE_NO_LIMIT), REPRISE_OK));
		expect_text(both[i], "one");
		reprise_subscription_close(both[i]);
	}
	reprise_writer_close(writer);
	close_store(store);
}

static pthread_t relay;
static char name[16];
static cpu_set_t processors;
static size_t stack_bytes;
static int policy = -1;
static sigset_t blocked;
static _Atomic bool has_told;

/* In the store's thread. */
static void
tell_of_thread(struct reprise_subscription *subscription, void *context)
{
	pthread_attr_t attributes;
	struct sched_param priority;

	(void)subscription, (void)context;
	relay = pthread_self();
	pthread_getname_np(relay, name, sizeof(name));
	pthread_getaffinity_np(relay, sizeof(processors), &processors);
	pthread_getschedparam(relay, &policy, &priority);
	pthread_sigmask(SIG_BLOCK, NULL, &blocked);
	pthread_getattr_np(relay, &attributes);
	pthread_attr_getstacksize(&attributes, &stack_bytes);
	pthread_attr_destroy(&attributes);
	has_told = true;
}

Test(threads, P09_the_stores_thread_inherits_nothing_of_the_caller)
{
	const struct sched_param lowest = { .sched_priority = 1 };
	const struct sched_param normal = { .sched_priority = 0 };
	struct rlimit limit = { .rlim_cur = 64 << 20, .rlim_max = RLIM_INFINITY };
	cpu_set_t all, one;

	cr_assert(eq(int, getrlimit(RLIMIT_STACK, &limit), 0));
	limit.rlim_cur = 64 << 20;
	cr_assert(eq(int, setrlimit(RLIMIT_STACK, &limit), 0));
	cr_assert(eq(int, sched_getaffinity(0, sizeof(all), &all), 0));
	CPU_ZERO(&one);
	for (int i = 0; CPU_COUNT(&one) == 0; i++)
		if (CPU_ISSET(i, &all))
			CPU_SET(i, &one);
	cr_assert(eq(int, sched_setaffinity(0, sizeof(one), &one), 0));
	/* Not everybody may. */
	(void)pthread_setschedparam(pthread_self(), SCHED_FIFO, &lowest);

	struct reprise_store *const store = store_plain();
	struct reprise_writer *const writer = writer_of(store);
	struct reprise_subscription *const subscription = subscribed_after(store, 0);

	cr_assert(eq(int, reprise_subscription_notify(subscription, tell_of_thread, NULL, NULL),
		     REPRISE_OK));
	append_text(writer, "one");
	(void)pthread_setschedparam(pthread_self(), SCHED_OTHER, &normal);
	while (!has_told)
		usleep(1000);
	cr_assert(eq(str, name, (char *)"reprise-relay"));
	const bool has_all = CPU_EQUAL(&processors, &all);

	cr_assert(has_all);
	cr_assert(eq(int, policy, SCHED_OTHER));
	cr_assert(eq(int, sigismember(&blocked, SIGTERM), 1));
	cr_assert(le(sz, stack_bytes, (size_t)4 << 20));
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(threads, P10_a_descriptor_is_never_that_of_a_standard_stream)
{
	int status = 0;
	const pid_t pid = fork();

	if (pid == 0) {
		struct reprise_store *const store = store_plain();
		struct reprise_writer *const writer = writer_of(store);
		struct reprise_subscription *const subscription = subscribed_after(store, 0);
		int fd = -1;

		close(0), close(1), close(2);
		if (reprise_subscription_fd(subscription, &fd, NULL) != REPRISE_OK)
			_exit(1);
		reprise_subscription_close(subscription);
		reprise_writer_close(writer);
		_exit(fd > 2 ? 0 : 2);
	}
	cr_assert(eq(int, waitpid(pid, &status, 0), pid));
	cr_assert(eq(int, status, 0));
}

Test(threads, P11_a_host_that_reads_or_writes_the_descriptor_itself_harms_nothing)
{
	struct reprise_store *const store = store_plain();
	struct reprise_writer *const writer = writer_of(store);
	struct reprise_subscription *const subscription = subscribed_after(store, 0);
	uint64_t number = UINT64_MAX - 1;
	int fd = -1;

	cr_assert(eq(int, reprise_subscription_fd(subscription, &fd, NULL), REPRISE_OK));
	for (int i = 0; i < 3; i++) {
		expect_empty(subscription);
		append_text(writer, "one");
		cr_assert(eq(int, reprise_wait(subscription, REPRISE_NO_LIMIT), REPRISE_OK));
		/* It is rung by another thread, perhaps not yet. */
		while (read(fd, &number, sizeof(number)) < 0)
			usleep(1000);
		expect_text(subscription, "one");
	}
	expect_empty(subscription);
	number = UINT64_MAX - 1; /* the counter is full */
	cr_assert(eq(int, (int)write(fd, &number, sizeof(number)), (int)sizeof(number)));
	append_text(writer, "two");
	usleep(20000);
	expect_text(subscription, "two");
	expect_empty(subscription);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}
