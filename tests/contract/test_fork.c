/* SPDX-License-Identifier: MIT */
/* P01 to P04: the effects of a fork on logs that are open. */
#include "contract.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "log/archive.h"

static bool
never_visit(const struct reprise_log_key *key, void *context)
{
	(void)key, (void)context;
	return false;
}

static bool
never_visit_tenant(const char *tenant, void *context)
{
	(void)tenant, (void)context;
	return false;
}

/* In the child, which must not assert: the number of the first answer that is wrong, or 0. */
static int
wrong_answer(struct reprise_log *log, struct reprise_log_page *page)
{
	const struct reprise_log_new_entry entry = entry_of("x");
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	struct reprise_log_report report = { .size = sizeof(report) };
	struct reprise_error error = { .size = sizeof(error) };
	const struct reprise_log_key copy = key_of("t", "copy");
	const struct reprise_log_retention retention = { .size = sizeof(retention),
							 .entries_max = 1 };
	struct reprise_cursor cursor;
	struct reprise_life life;
	reprise_ordinal ordinal = 0;
	struct reprise_bytes bytes = { NULL, 0 };
	size_t count = 0;
	bool has = false;
	const reprise_status answers[] = {
		reprise_log_append(log, &k, NULL, &entry, 1, &ordinal, &error),
		reprise_log_append(log, &k, NULL, NULL, 0, &ordinal, NULL),
		reprise_log_load_after(log, &k, 0, 1, 0, page, &error),
		reprise_log_stats(log, &k, &stats, &error),
		reprise_log_lives(log, &k, 0, &life, 1, &count, &error),
		reprise_log_each(log, "t", never_visit, NULL, &error),
		reprise_log_position_for_revision(log, &k, 1, &ordinal, &error),
		reprise_log_has_commit(log, &k, 0, 1, &has, &error),
		reprise_log_current_cursor(log, &k, 1, &cursor, &error),
		reprise_log_archive_before(log, &k, 1, NULL, &error),
		reprise_log_move_archived(log, &k, NULL, &error),
		reprise_log_fork(log, &k, &copy, 1, &error),
		reprise_log_drop(log, &k, true, NULL, &error),
		reprise_log_prune(log, "t", &retention, NULL, &error),
		reprise_log_erase(log, &k, 0, NULL, &error),
		reprise_log_tenants(log, never_visit_tenant, NULL, &error),
		reprise_log_blob_put(log, &k, NULL, "b", bytes, &error),
		reprise_log_blob_get(log, &k, "b", page, &bytes, &error),
		log_archive_covered(log, &k, 1, NULL, &error),
		reprise_log_verify(log, &k, &report, &error),
	};

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		if (answers[i] != REPRISE_E_FORKED)
			return (int)i + 1;
	if (error.status != REPRISE_E_FORKED || ordinal != 0)
		return 100;
	/* Arguments are judged first. */
	if (reprise_log_stats(log, NULL, &stats, &error) != REPRISE_E_INVALID)
		return 101;
	return 0;
}

static int
status_of(pid_t pid)
{
	int status = -1;

	cr_assert(gt(int, pid, 0));
	cr_assert(eq(int, waitpid(pid, &status, 0), pid));
	return status;
}

Test(contract, P01_a_log_belongs_to_the_process_that_opened_it)
{
	struct reprise_log *const log = contract_open();
	struct reprise_log_page *page = NULL;

	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	append_count(log, &k, 3);
	const pid_t pid = fork();

	if (pid == 0) {
		alarm(20);
		_exit(wrong_answer(log, page));
	}
	cr_assert(eq(int, status_of(pid), 0));
	append_count(log, &k, 3);
	expect_all(log, &k, 0, 1, 6);
	reprise_log_page_close(page);
	close_log(log);
}

/* The lock may be held by another thread at the fork. */
Test(contract, P01_no_call_in_a_child_takes_the_handles_lock)
{
	struct reprise_log *const log = contract_open();
	struct reprise_log_page *page = NULL;

	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	pthread_mutex_lock(&log->lock);
	log->is_busy = true;
	const pid_t pid = fork();

	if (pid == 0) {
		alarm(20);
		const int wrong = wrong_answer(log, page);

		reprise_log_close(log);
		_exit(wrong);
	}
	log->is_busy = false;
	pthread_mutex_unlock(&log->lock);
	cr_assert(eq(int, status_of(pid), 0));
	reprise_log_page_close(page);
	close_log(log);
}

static int
count_descriptors(void)
{
	DIR *const folder = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(folder) != NULL)
		count++;
	closedir(folder);
	return count;
}

Test(contract, P02_a_child_that_closes_a_log_has_none_of_its_descriptors)
{
	const int before = count_descriptors();
	struct reprise_log *const log = contract_open(), *const other = contract_open();

	append_count(log, &k, 3);
	cr_assert(gt(int, count_descriptors(), before));
	const pid_t pid = fork();

	if (pid == 0) {
		alarm(20);
		reprise_log_close(log);
		reprise_log_close(other);
		_exit(count_descriptors() != before);
	}
	cr_assert(eq(int, status_of(pid), 0));
	expect_all(log, &k, 0, 1, 3);
	reprise_log_close(other);
	close_log(log);
}

/* A thread that appends until it is enough, and the number of entries that it was told of. */
struct appending {
	struct reprise_log *log;
	_Atomic bool is_enough;
	_Atomic reprise_ordinal head;
	reprise_status status;
};

static void *
append_main(void *argument)
{
	struct appending *const appending = argument;
	unsigned char payload[8] = { 0 };
	const struct reprise_log_new_entry entry = { .payload = { payload, sizeof(payload) } };

	while (appending->status == REPRISE_OK && !appending->is_enough) {
		reprise_ordinal head = 0;

		appending->status =
			reprise_log_append(appending->log, &k, NULL, &entry, 1, &head, NULL);
		if (appending->status == REPRISE_OK)
			appending->head = head;
	}
	return NULL;
}

static void
start(struct appending *appending, pthread_t *thread)
{
	cr_assert(eq(int, pthread_create(thread, NULL, append_main, appending), 0));
	while (appending->head < 4)
		usleep(100);
}

static void
stop(struct appending *appending, pthread_t thread)
{
	appending->is_enough = true;
	cr_assert(eq(int, pthread_join(thread, NULL), 0));
	cr_assert(eq(int, appending->status, REPRISE_OK));
	expect_fault(appending->log, "", 0);
	cr_assert(eq(u64, head_of(appending->log, &k), appending->head));
}

Test(contract, P02_a_child_that_closes_a_log_harms_nothing_of_its_parents)
{
	struct appending appending = { .log = contract_open() };
	struct reprise_log *const other = contract_open();
	pthread_t thread;

	start(&appending, &thread);
	for (int i = 0; i < 20; i++) {
		const pid_t pid = fork();

		if (pid == 0) {
			alarm(20);
			reprise_log_close(other);
			reprise_log_close(appending.log);
			_exit(0);
		}
		cr_assert(eq(int, status_of(pid), 0));
	}
	stop(&appending, thread);
	cr_assert(eq(u64, head_of(other, &k), appending.head));
	reprise_log_close(other);
	close_log(appending.log);
}

/* In a child: one more entry by a log of its own; what it was told of as the head, or 0. */
static reprise_ordinal
append_own(void)
{
	struct reprise_log *const log = contract_open();
	unsigned char payload[8] = { 0 };
	const struct reprise_log_new_entry entry = { .payload = { payload, sizeof(payload) } };
	reprise_ordinal head = 0;

	if (reprise_log_append(log, &k, NULL, &entry, 1, &head, NULL) != REPRISE_OK)
		head = 0;
	reprise_log_close(log);
	return head;
}

enum {
	AWAIT_TRIES = 200000, /* of 100 us */
};

/* Waits for an append that began after the call: the second one that is told. */
static void
await_new_append(const struct appending *appending)
{
	for (int i = 0; i < 2; i++) {
		const reprise_ordinal told = appending->head;

		for (int tries = 0; appending->head == told && tries < AWAIT_TRIES; tries++)
			usleep(100);
	}
}

Test(contract, P04_a_child_may_open_the_same_log_whatever_other_threads_were_doing,
     .disabled = IS_ALLOCATOR_LOCKED)
{
	struct appending appending = { .log = contract_open() };
	pthread_t thread;

	start(&appending, &thread);
	for (int i = 0; i < 10; i++) {
		const reprise_ordinal before = appending.head;
		const pid_t pid = fork();

		if (pid == 0) {
			alarm(30);
			const reprise_ordinal head = append_own();

			reprise_log_close(appending.log);
			_exit(head > before ? 0 : 1);
		}
		cr_assert(eq(int, status_of(pid), 0));
	}
	/* The last entry is the thread's, and no child's. */
	await_new_append(&appending);
	stop(&appending, thread);
	close_log(appending.log);
}

/* A process that dies in the middle of a transaction, and leaves a child that lives. */
static void
die_in_transaction(int to_child, int from_child)
{
	struct reprise_log *const log = contract_open();
	const char *thread = k.thread;
	struct log_head head = { 0 };
	char byte;

	alarm(60);
	if (log->adapter->begin(log, log->level, k.tenant, &thread, 1, LOG_PATIENT, &head, NULL) !=
	    REPRISE_OK)
		_exit(1);
	if (fork() == 0) {
		(void)!write(from_child, "x", 1);
		(void)!read(to_child, &byte, 1);
		_exit(0);
	}
	(void)!read(to_child, &byte, 1); /* the first byte is the parent's */
	raise(SIGKILL);
}

Test(contract, P03_a_child_that_outlives_its_parent_keeps_none_of_its_locks)
{
	int to[2], from[2];
	char byte;
	struct timespec begun, done;

	cr_assert(eq(int, pipe(to), 0));
	cr_assert(eq(int, pipe(from), 0));
	const pid_t pid = fork();

	if (pid == 0) {
		close(to[1]);
		close(from[0]);
		die_in_transaction(to[0], from[1]);
	}
	close(to[0]);
	close(from[1]);
	cr_assert(eq(int, (int)read(from[0], &byte, 1), 1));
	kill(pid, SIGKILL);
	cr_assert(eq(int, WTERMSIG(status_of(pid)), SIGKILL));

	clock_gettime(CLOCK_MONOTONIC, &begun);
	struct reprise_log *const log = contract_open();

	cr_assert(eq(u64, append_count(log, &k, 3), 3));
	clock_gettime(CLOCK_MONOTONIC, &done);
	/* The deadline is a minute. A slow disk may take some of the time. */
	cr_assert(lt(i64, (int64_t)(done.tv_sec - begun.tv_sec), 30));
	close(to[1]); /* the child ends */
	close(from[0]);
	close_log(log);
}
