/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/session.h"

SUITE(fork);

/* Everything that was open when the process forked. */
struct heirloom {
	struct reprise_store *store;
	struct reprise_writer *writer;
	struct reprise_subscription *subscription;
	struct reprise_session_list *list;
	struct reprise_cursor cursor;
};

/* In the child, which must not assert: the number of the first answer that is wrong, or 0. */
static int
wrong_writer(const struct heirloom *old)
{
	const struct reprise_new_event event = { .payload = { "x", 1 } };
	const struct iovec part = { .iov_base = (void *)"x", .iov_len = 1 };
	struct reprise_writer *writer = NULL;
	struct reprise_cursor cursor;
	reprise_position position = 0;
	void *payload = NULL;

	if (reprise_append(old->writer, 0, 0, 0, event.payload, &position) != REPRISE_E_FORKED)
		return 1;
	if (reprise_appendv(old->writer, 0, 0, 0, &part, 1, &position) != REPRISE_E_FORKED)
		return 2;
	if (reprise_append_batch(old->writer, &event, 1, &position) != REPRISE_E_FORKED ||
	    reprise_append_end(old->writer, &event, 1, 0, &position) != REPRISE_E_FORKED)
		return 3;
	if (reprise_reserve(old->writer, 1, &payload) != REPRISE_E_FORKED)
		return 4;
	if (reprise_publish(old->writer, 0, 0, 0, 1, &position) != REPRISE_E_FORKED)
		return 5;
	if (reprise_abort(old->writer) != REPRISE_E_FORKED)
		return 6;
	if (reprise_writer_end(old->writer, 0) != REPRISE_E_FORKED)
		return 7;
	if (reprise_writer_cursor(old->writer, 1, &cursor) != REPRISE_E_FORKED)
		return 8;
	struct reprise_writer_opened opened = REPRISE_WRITER_OPENED_INIT;

	if (reprise_writer_opened(old->writer, &opened) != REPRISE_E_FORKED)
		return 11;
	if (reprise_writer_open(old->store, "n", NULL, &writer, NULL) != REPRISE_E_FORKED)
		return 9;
	return position == 0 && payload == NULL && writer == NULL ? 0 : 10;
}

static int
wrong_store(const struct heirloom *old)
{
	struct reprise_cursor cursor;
	struct reprise_session_stats session_stats = { .size = sizeof(session_stats) };
	struct reprise_store_stats store_stats = { .size = sizeof(store_stats) };
	uint64_t count = 0;

	struct reprise_session_list *list = NULL;
	struct reprise_subscription *changes = NULL;
	char id[REPRISE_SESSION_ID_BYTES_MAX + 1];

	if (reprise_session_create(old->store, "s", NULL, NULL) != REPRISE_E_FORKED)
		return 34;
	if (reprise_sessions_list(old->store, &list, NULL) != REPRISE_E_FORKED || list != NULL)
		return 31;
	if (reprise_session_list_next(old->list, id, NULL) != REPRISE_E_FORKED)
		return 32;
	reprise_session_list_close(old->list);
	if (reprise_sessions_subscribe(old->store, NULL, &changes, NULL) != REPRISE_E_FORKED ||
	    changes != NULL)
		return 33;
	if (reprise_session_current_cursor(old->store, "s", 0, &cursor) != REPRISE_E_FORKED)
		return 20;
	if (reprise_session_earliest_cursor(old->store, "s", 0, &cursor) != REPRISE_E_FORKED)
		return 21;
	if (reprise_session_trim(old->store, "s") != REPRISE_E_FORKED)
		return 22;
	if (reprise_session_trim_to(old->store, "s", 1) != REPRISE_E_FORKED)
		return 23;
	if (reprise_session_stats(old->store, "s", &session_stats) != REPRISE_E_FORKED)
		return 24;
	if (reprise_store_stats(old->store, &store_stats) != REPRISE_E_FORKED)
		return 25;
	if (reprise_session_invalidate(old->store, "s") != REPRISE_E_FORKED)
		return 26;
	if (reprise_sessions_invalidate(old->store) != REPRISE_E_FORKED)
		return 27;
	if (reprise_sessions_expire_idle(old->store, &count) != REPRISE_E_FORKED)
		return 28;
	if (reprise_stamp_set(old->store, 5) != REPRISE_E_FORKED)
		return 29;
	return reprise_store_close(old->store) == REPRISE_E_FORKED ? 0 : 30;
}

static void
call_nobody(struct reprise_subscription *subscription, void *context)
{
	(void)subscription, (void)context;
}

static int
wrong_subscription(const struct heirloom *old)
{
	struct reprise_subscription *subscription = NULL;
	struct reprise_subscription_stats stats = { .size = sizeof(stats) };
	struct reprise_cursor cursor;
	struct reprise_event event;
	struct reprise_gap gap;
	struct reprise_end end = { 0 };
	int fd = -1;

	if (reprise_subscribe_after(old->store, &old->cursor, NULL, &subscription, NULL) !=
	    REPRISE_E_FORKED)
		return 40;
	if (reprise_replay_after(old->store, &old->cursor, NULL, &subscription, NULL) !=
	    REPRISE_E_FORKED)
		return 41;
	if (reprise_resume_after(old->store, &old->cursor, 0, NULL, &subscription, NULL) !=
	    REPRISE_E_FORKED)
		return 42;
	if (reprise_wait(old->subscription, REPRISE_NO_LIMIT) != REPRISE_E_FORKED)
		return 43;
	if (reprise_subscription_interrupt(old->subscription) != REPRISE_E_FORKED)
		return 44;
	if (reprise_subscription_fd(old->subscription, &fd, NULL) != REPRISE_E_FORKED)
		return 45;
	if (reprise_subscription_notify(old->subscription, call_nobody, NULL, NULL) !=
	    REPRISE_E_FORKED)
		return 46;
	if (reprise_subscription_cursor(old->subscription, &cursor) != REPRISE_E_FORKED)
		return 47;
	if (reprise_subscription_stats(old->subscription, &stats) != REPRISE_E_FORKED)
		return 48;
	for (int i = 0; i < 2; i++)
		if (reprise_next(old->subscription, &event, &gap, &end) != REPRISE_NEXT_ENDED ||
		    end.cause != REPRISE_END_STORE || end.status != 0)
			return 49;
	return 0;
}

/* Which also says that nothing is locked or freed by closing there. */
static int
child(const struct heirloom *old)
{
	int wrong = wrong_writer(old);

	if (wrong == 0)
		wrong = wrong_store(old);
	if (wrong == 0)
		wrong = wrong_subscription(old);
	reprise_subscription_close(old->subscription);
	reprise_writer_close(old->writer);
	return wrong;
}

static int
child_status(const struct heirloom *old)
{
	int status = 0;
	const pid_t pid = fork();

	if (pid == 0) {
		alarm(20);
		_exit(child(old));
	}
	cr_assert(gt(int, pid, 0));
	cr_assert(eq(int, waitpid(pid, &status, 0), pid));
	return status;
}

static struct heirloom
heirloom(void)
{
	struct heirloom all = { .store = store_plain() };

	all.writer = writer_of(all.store);
	all.subscription = subscribed_after(all.store, 0);
	all.cursor = cursor_at(all.store, 0);
	append_text(all.writer, "one");
	append_text(all.writer, "two");
	expect_text(all.subscription, "one");
	cr_assert(eq(int, reprise_sessions_list(all.store, &all.list, NULL), REPRISE_OK));
	return all;
}

static void
close_heirloom(struct heirloom *all)
{
	reprise_session_list_close(all->list);
	reprise_subscription_close(all->subscription);
	reprise_writer_close(all->writer);
	close_store(all->store);
}

Test(fork, in_the_child_every_call_says_so_and_the_parent_goes_on)
{
	struct heirloom all = heirloom();

	cr_assert(eq(int, child_status(&all), 0));
	append_text(all.writer, "three");
	expect_text(all.subscription, "two");
	expect_text(all.subscription, "three");
	expect_empty(all.subscription);
	close_heirloom(&all);
}

Test(fork, P05_a_child_closes_the_descriptor_of_a_subscription)
{
	struct heirloom all = heirloom();
	int fd = -1, status = 0;

	cr_assert(eq(int, reprise_subscription_fd(all.subscription, &fd, NULL), REPRISE_OK));
	const pid_t pid = fork();

	if (pid == 0) {
		reprise_subscription_close(all.subscription);
		_exit(fcntl(fd, F_GETFD) != -1 || errno != EBADF);
	}
	cr_assert(eq(int, waitpid(pid, &status, 0), pid));
	cr_assert(eq(int, status, 0));
	cr_assert(eq(int, fcntl(fd, F_GETFD), FD_CLOEXEC));
	close_heirloom(&all);
}

/* Somebody else may have held every lock when the process forked. */
Test(fork, the_child_takes_no_lock)
{
	struct heirloom all = heirloom();

	pthread_mutex_lock(&all.store->lock);
	pthread_mutex_lock(&all.store->relay.lock);
	pthread_mutex_lock(&all.store->pool.lock);
	pthread_mutex_lock(&writer_session(all.writer)->hands.lock);
	const int status = child_status(&all);

	pthread_mutex_unlock(&writer_session(all.writer)->hands.lock);
	pthread_mutex_unlock(&all.store->pool.lock);
	pthread_mutex_unlock(&all.store->relay.lock);
	pthread_mutex_unlock(&all.store->lock);
	cr_assert(eq(int, status, 0));
	close_heirloom(&all);
}

Test(fork, the_child_has_no_copy_of_the_windows)
{
	struct heirloom all = heirloom();
	unsigned char resident;
	int status = 0;
	const pid_t pid = fork();

	if (pid == 0) /* not even addresses */
		_exit(mincore(writer_session(all.writer)->block->memory, 4096, &resident) == 0);
	cr_assert(eq(int, waitpid(pid, &status, 0), pid));
	cr_assert(eq(int, status, 0));
	close_heirloom(&all);
}

static bool
child_lives_on_its_own(void)
{
	struct reprise_store *store = NULL;
	struct reprise_writer *writer = NULL;
	reprise_position position = 0;
	bool is_good = reprise_store_open(NULL, &store, NULL) == REPRISE_OK;

	is_good = is_good && reprise_writer_open(store, "s", NULL, &writer, NULL) == REPRISE_OK &&
		  reprise_append(writer, 0, 0, 0, (struct reprise_bytes){ "x", 1 }, &position) ==
			  REPRISE_OK &&
		  position == 1 && reprise_session_invalidate(store, "s") == REPRISE_OK;
	reprise_writer_close(writer);
	if (is_good) /* which waits for whoever is looking, as the relay does */
		table_reclaim(store->table, true, session_reclaim);
	return is_good && reprise_store_close(store) == REPRISE_OK;
}

static _Atomic bool has_begun, is_enough;

static void *
look_up_main(void *argument)
{
	struct reprise_store *const store = argument;

	for (; !is_enough; has_begun = true)
		if (reprise_session_trim_to(store, "s", 0) != REPRISE_OK)
			return argument;
	return NULL;
}

/* Other threads may be in the middle of any call. */
Test(fork, the_child_may_open_a_store_of_its_own)
{
	struct heirloom all = heirloom();
	pthread_t thread;
	void *failed = NULL;

	cr_assert(eq(int, pthread_create(&thread, NULL, look_up_main, all.store), 0));
	/*
	 * A sanitizer has locks of its own while a thread begins, which a child would wait for:
	 * that one and the relay.
	 */
	while (!has_begun || load_relaxed(&all.store->relay.queue.is_asleep) == 0)
		sched_yield();
	for (int i = 0; i < 30; i++) {
		int status = 0;
		const pid_t pid = fork();

		if (pid == 0) {
			alarm(10);
			_exit(!child_lives_on_its_own());
		}
		cr_assert(eq(int, waitpid(pid, &status, 0), pid));
		cr_assert(eq(int, status, 0));
	}
	is_enough = true;
	cr_assert(eq(int, pthread_join(thread, &failed), 0));
	cr_assert(eq(ptr, failed, NULL));
	close_heirloom(&all);
}

struct forking {
	sem_t is_done;
	_Atomic int status;
};

static void
fork_inside(struct reprise_subscription *subscription, void *context)
{
	struct forking *const forking = context;
	int status = -1;
	const pid_t pid = fork();

	if (pid == 0) {
		alarm(10);
		if (reprise_wait(subscription, 0) != REPRISE_E_FORKED)
			_exit(1);
		_exit(child_lives_on_its_own() ? 0 : 2);
	}
	if (waitpid(pid, &status, 0) == pid)
		forking->status = status;
	sem_post(&forking->is_done);
}

/* The relay's thread becomes the only thread of the child, and is no relay. */
Test(fork, a_callback_may_fork)
{
	struct heirloom all = heirloom();
	struct forking forking = { .status = -1 };

	sem_init(&forking.is_done, 0, 0);
	cr_assert(eq(int,
		     reprise_subscription_notify(all.subscription, fork_inside, &forking, NULL),
		     REPRISE_OK));
	sem_wait(&forking.is_done);
	cr_assert(eq(int, forking.status, 0));
	close_heirloom(&all);
}
