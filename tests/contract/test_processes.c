/* SPDX-License-Identifier: MIT */
/* C06 several connections, and several processes. */
#include "contract.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PROCESSES = 3,
	APPENDS = 60, /* of each */
};

Test(contract, C06_connections_see_what_others_committed)
{
	struct reprise_log *const one = contract_open(), *const two = contract_open();

	cr_assert(eq(u64, append_count(one, &k, 3), 3));
	expect_all(two, &k, 0, 1, 3);
	cr_assert(eq(u64, append_count(two, &k, 3), 6));
	expect_all(one, &k, 0, 1, 6);
	reprise_log_close(one);
	expect_all(two, &k, 0, 1, 6);
	close_log(two);
}

Test(contract, C06_a_head_that_another_has_moved_is_a_conflict)
{
	struct reprise_log *const one = contract_open(), *const two = contract_open();
	const struct reprise_log_new_entry entry = entry_of("x");
	const reprise_ordinal expected = 3;
	struct reprise_error error = { .size = sizeof(error) };

	append_count(one, &k, 3);
	cr_assert(eq(int, reprise_log_append(two, &k, &expected, &entry, 1, NULL, &error),
		     REPRISE_OK));
	cr_assert(eq(int, reprise_log_append(one, &k, &expected, &entry, 1, NULL, &error),
		     REPRISE_E_CONFLICT));
	cr_assert(eq(u64, error.expected, 3));
	cr_assert(eq(u64, error.actual, 4));
	reprise_log_close(one);
	close_log(two);
}

Test(contract, C06_another_connection_is_opened_as_the_first)
{
	struct reprise_log *const one = contract_open_deleting();
	struct reprise_log *two = NULL;

	append_count(one, &k, 4);
	cr_assert(eq(int, one->adapter->another(one, &two, NULL), REPRISE_OK));
	cr_assert(eq(int, two->level, one->level));
	reprise_log_close(one);
	cr_assert(eq(int, reprise_log_archive_before(two, &k, 3, NULL, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_log_move_archived(two, &k, NULL, NULL), REPRISE_OK));
	cr_assert(eq(u64, contract_rows(), 1));
	cr_assert(eq(u64, contract_archived_rows(), 0));
	close_log(two);
}

/* The payload of an event: its process, and its number among the events of the process. */
struct own {
	uint64_t process, number;
};

/* In a child: nothing but _exit. 0: every append was answered as it should be. */
static int
append_as(uint64_t process, const char *tenant, const char *thread, bool expects)
{
	const struct reprise_log_key key = key_of(tenant, thread);
	struct reprise_log *const log = contract_open();
	reprise_ordinal head = 0, expected = 0;
	int conflicts = 0;

	for (uint64_t number = 1; number <= APPENDS;) {
		const struct own own = { process, number };
		const struct reprise_log_new_entry entry = { .payload = { &own, sizeof(own) } };
		struct reprise_error error = { .size = sizeof(error) };
		const reprise_status status = reprise_log_append(
			log, &key, expects ? &expected : NULL, &entry, 1, &head, &error);

		if (status == REPRISE_E_CONFLICT && expects && error.expected == expected &&
		    error.actual > expected) {
			expected = error.actual;
			conflicts++;
			continue;
		}
		if (status != REPRISE_OK || (expects && head != expected + 1))
			return 1;
		expected = head;
		number++;
	}
	reprise_log_close(log);
	return conflicts < 0;
}

static void
expect_children(const pid_t *children)
{
	for (size_t i = 0; i < PROCESSES; i++) {
		int status = -1;

		cr_assert(eq(int, waitpid(children[i], &status, 0), children[i]));
		cr_assert(eq(int, status, 0));
	}
}

/* Each ordinal is once there, and of each process each number, ascending. */
static void
expect_everyone(struct reprise_log *log, const struct reprise_log_key *key)
{
	struct reprise_log_page *page = NULL;
	uint64_t numbers[PROCESSES] = { 0 };
	size_t count = 0;

	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	cr_assert(eq(int, reprise_log_load_after(log, key, 0, 10000, UINT64_MAX, page, NULL),
		     REPRISE_OK));
	const struct reprise_log_entry *const entries = reprise_log_page_entries(page, &count);

	cr_assert(eq(sz, count, (size_t)PROCESSES * APPENDS));
	for (size_t i = 0; i < count; i++) {
		struct own own;

		memcpy(&own, entries[i].payload.data, sizeof(own));
		cr_assert(eq(u64, entries[i].last, i + 1));
		cr_assert(lt(u64, own.process, PROCESSES));
		cr_assert(eq(u64, own.number, ++numbers[own.process]));
	}
	reprise_log_page_close(page);
}

/* Forked before this process opens anything. */
static void
fork_appending(pid_t *children, const char *const *threads, bool expects)
{
	for (size_t i = 0; i < PROCESSES; i++) {
		children[i] = fork();
		if (children[i] == 0)
			_exit(append_as(i, "t", threads[i], expects));
	}
}

Test(contract, C06_processes_that_append_to_one_key_lose_nothing)
{
	static const char *const threads[PROCESSES] = { "k", "k", "k" };
	pid_t children[PROCESSES];

	fork_appending(children, threads, false);
	expect_children(children);
	struct reprise_log *const log = contract_open();

	expect_everyone(log, &k);
	expect_fault(log, "", 0);
	close_log(log);
}

Test(contract, C06_processes_that_expect_a_head_are_told_of_each_other)
{
	static const char *const threads[PROCESSES] = { "k", "k", "k" };
	pid_t children[PROCESSES];

	fork_appending(children, threads, true);
	expect_children(children);
	struct reprise_log *const log = contract_open();

	expect_everyone(log, &k);
	close_log(log);
}

Test(contract, C06_processes_that_append_to_different_keys_are_apart)
{
	static const char *const threads[PROCESSES] = { "a", "b", "c" };
	pid_t children[PROCESSES];

	fork_appending(children, threads, true);
	expect_children(children);
	struct reprise_log *const log = contract_open();

	for (size_t i = 0; i < PROCESSES; i++)
		cr_assert(eq(u64, head_of(log, &(struct reprise_log_key){ "t", threads[i] }),
			     APPENDS));
	close_log(log);
}

/* Of two that mean to begin with a key of no kind, one is too late. */
Test(contract, C06_a_key_is_of_the_kind_of_whoever_came_first)
{
	struct reprise_log *const one = contract_open(), *const two = contract_open();
	const struct reprise_log_new_entry entry = entry_of("x");

	cr_assert(eq(int, open_life(one, 1), REPRISE_OK));
	cr_assert(eq(int, reprise_log_append(two, &k, NULL, &entry, 1, NULL, NULL),
		     REPRISE_E_CONFLICT));
	reprise_log_close(one);
	close_log(two);
}

struct helper {
	struct reprise_log *log;
	const char *thread;
	int failures;
};

static void *
help(void *context)
{
	struct helper *const helper = context;
	const struct reprise_log_key key = key_of("t", helper->thread);
	struct reprise_log_page *page = NULL;

	helper->failures += reprise_log_page_open(&page) != REPRISE_OK;
	for (uint64_t number = 1; number <= 30; number++) {
		const struct reprise_log_new_entry entry = { .payload = { &number,
									  sizeof(number) } };
		reprise_ordinal head = 0;
		size_t count = 0;

		helper->failures += reprise_log_append(helper->log, &key, NULL, &entry, 1, &head,
						       NULL) != REPRISE_OK;
		helper->failures += head != number;
		helper->failures += reprise_log_load_after(helper->log, &key, 0, 100, 0, page,
							   NULL) != REPRISE_OK;
		(void)reprise_log_page_entries(page, &count);
		helper->failures += count != number;
	}
	reprise_log_page_close(page);
	return NULL;
}

Test(contract, C06_any_thread_may_call_one_handle)
{
	struct reprise_log *const log = contract_open();
	struct helper helpers[] = { { log, "a", 0 }, { log, "b", 0 }, { log, "c", 0 } };
	pthread_t threads[3];

	for (size_t i = 0; i < 3; i++)
		cr_assert(eq(int, pthread_create(&threads[i], NULL, help, &helpers[i]), 0));
	for (size_t i = 0; i < 3; i++) {
		cr_assert(eq(int, pthread_join(threads[i], NULL), 0));
		cr_assert(eq(int, helpers[i].failures, 0));
	}
	close_log(log);
}
