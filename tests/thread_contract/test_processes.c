/* SPDX-License-Identifier: MIT */
/*
 * B02 and B05 under several threads and processes, and what a kill leaves; P01, P02 in the child
 * of a fork.
 */
#include "chance.h"
#include "contract.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	WRITERS = 3,
	APPENDS = 40, /* of each */
	KILLS = 12,
};

/*
 * Appends with the version that it has just seen, until each has been taken. False: another status.
 */
static bool
append_expecting(struct reprise_thread_store *store, unsigned int first, unsigned int count)
{
	uint64_t expected = 0;

	for (unsigned int i = first; i < first + count;) {
		struct reprise_thread_appended appended = { .size = sizeof(appended) };
		struct reprise_error error = { .size = sizeof(error) };
		const struct model_delta delta = delta_of(i);
		const reprise_status status =
			append_delta(store, &delta, &expected, &appended, &error);

		if (status == REPRISE_E_CONFLICT) {
			expected = error.actual;
			continue;
		}
		if (status != REPRISE_OK || appended.version != expected + 1)
			return false;
		expected = appended.version;
		i++;
	}
	return true;
}

/* Each delta is there once, and so is each message. */
static void
expect_all(struct reprise_thread_store *store, unsigned int count)
{
	const char *const text = load_text(store, "t");
	char message[32];

	cr_assert(eq(u64, version_of(store, "t"), count));
	expect_deltas(store, 0, 1, count, 1000);
	for (unsigned int i = 1; i <= count; i++) {
		snprintf(message, sizeof(message), "\"m%u\"", i);
		const char *const found = strstr(text, message);

		cr_assert(ne(ptr, (void *)found, NULL), "%s", message);
		cr_assert(eq(ptr, strstr(found + 1, message), NULL), "%s", message);
	}
}

struct appending {
	pthread_t thread;
	struct reprise_thread_store *store;
	unsigned int first;
	bool is_done;
};

static void *
append_in_thread(void *argument)
{
	struct appending *const appending = argument;

	appending->is_done = append_expecting(appending->store, appending->first, APPENDS);
	return NULL;
}

static void
run_threads(struct reprise_thread_store *const *stores)
{
	struct appending appendings[WRITERS];

	for (unsigned int i = 0; i < WRITERS; i++) {
		appendings[i] = (struct appending){ .store = stores[i], .first = 1 + i * APPENDS };
		cr_assert(eq(int,
			     pthread_create(&appendings[i].thread, NULL, append_in_thread,
					    &appendings[i]),
			     0));
	}
	for (unsigned int i = 0; i < WRITERS; i++)
		pthread_join(appendings[i].thread, NULL);
	for (unsigned int i = 0; i < WRITERS; i++)
		cr_assert(appendings[i].is_done);
}

Test(thread_contract, B02_versions_are_exact_with_handles_in_several_threads)
{
	struct reprise_thread_store *stores[WRITERS];

	for (unsigned int i = 0; i < WRITERS; i++)
		stores[i] = open_store();
	create_t(stores[0], "{}");
	run_threads(stores);
	expect_all(stores[0], WRITERS * APPENDS);
	for (unsigned int i = 1; i < WRITERS; i++)
		reprise_thread_store_close(stores[i]);
	close_store_of(stores[0]);
}

Test(thread_contract, B02_versions_are_exact_with_one_handle_in_several_threads)
{
	struct reprise_thread_store *const store = open_store();
	struct reprise_thread_store *const stores[WRITERS] = { store, store, store };

	create_t(store, "{}");
	run_threads(stores);
	expect_all(store, WRITERS * APPENDS);
	close_store_of(store);
}

Test(thread_contract, B02_versions_are_exact_with_several_processes)
{
	pid_t children[WRITERS];

	reprise_thread_store_close(open_store());
	for (unsigned int i = 0; i < WRITERS; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			struct reprise_thread_store *const store = open_store();
			const reprise_status created =
				reprise_thread_create(store, "t", text_bytes("{}"), NULL, NULL);

			_exit((created == REPRISE_OK || created == REPRISE_E_EXISTS) &&
					      append_expecting(store, 1 + i * APPENDS, APPENDS)
				      ? 0
				      : 1);
		}
	}
	for (unsigned int i = 0; i < WRITERS; i++) {
		int status = 0;

		cr_assert(eq(int, waitpid(children[i], &status, 0), children[i]));
		cr_assert(eq(int, status, 0));
	}
	struct reprise_thread_store *const store = open_store();

	expect_all(store, WRITERS * APPENDS);
	close_store_of(store);
}

/* Appends and flushes, and writes the version of each acknowledgement to the pipe. */
static void
write_until_killed(int to)
{
	struct reprise_thread_store *const store = open_store();
	struct reprise_thread_appended appended = { .size = sizeof(appended) };
	uint64_t version = version_of(store, "t");

	/* From here on it can be killed: opening a store may take long. */
	if (write(to, &version, sizeof(version)) != sizeof(version))
		_exit(1);
	for (unsigned int i = (unsigned int)version + 1;; i++) {
		const struct model_delta delta = delta_of(i);

		if (append_delta(store, &delta, &version, &appended, NULL) != REPRISE_OK)
			_exit(1);
		version = appended.version;
		if (write(to, &version, sizeof(version)) != sizeof(version))
			_exit(1);
	}
}

Test(thread_contract, B05_a_killed_writer_leaves_each_append_whole_or_not_there)
{
	uint64_t acknowledged = 0;
	struct reprise_thread_store *store = open_store();

	create_t(store, "{}");
	reprise_thread_store_close(store);
	chance_begin(7);
	for (int i = 0; i < KILLS; i++) {
		const struct timespec pause = { 0, 20000000 + chance(40000000) };
		uint64_t version;
		int ends[2];

		cr_assert(eq(int, pipe(ends), 0));
		const pid_t child = fork();

		if (child == 0)
			write_until_killed(ends[1]);
		close(ends[1]);
		cr_assert(
			eq(sz, (size_t)read(ends[0], &version, sizeof(version)), sizeof(version)));
		nanosleep(&pause, NULL);
		cr_assert(eq(int, kill(child, SIGKILL), 0));
		cr_assert(eq(int, waitpid(child, NULL, 0), child));
		while (read(ends[0], &version, sizeof(version)) == sizeof(version))
			acknowledged = version;
		close(ends[0]);
		store = open_store();
		const uint64_t found = version_of(store, "t");

		cr_assert(ge(u64, found, acknowledged));
		cr_assert(le(u64, found, acknowledged + 1));
		expect_all(store, (unsigned int)found);
		cr_assert(eq(u64, adapter_applied(), found));
		reprise_thread_store_close(store);
		acknowledged = found;
	}
	cr_assert(gt(u64, acknowledged, KILLS));
	expect_no_leaks();
}

/* In the child of a fork: a number that says where it went wrong. */
static int
use_inherited(struct reprise_thread_store *store)
{
	struct reprise_thread_document document = { .size = sizeof(document) };
	struct reprise_thread_list list = { .size = sizeof(list) };
	struct reprise_thread_page *page = NULL;
	struct reprise_thread_applied applied;
	const struct model_delta delta = delta_of(5);
	const char *const id = "d1";

	if (reprise_thread_page_open(&page) != REPRISE_OK)
		return 1;
	if (append_delta(store, &delta, NULL, NULL, NULL) != REPRISE_E_FORKED)
		return 2;
	if (reprise_thread_load(store, "t", page, &document, NULL) != REPRISE_E_FORKED)
		return 3;
	if (reprise_thread_list(store, 0, 1, page, &list, NULL) != REPRISE_E_FORKED)
		return 4;
	if (reprise_thread_create(store, "u", text_bytes("{}"), NULL, NULL) != REPRISE_E_FORKED)
		return 5;
	if (reprise_thread_delete(store, "t", NULL) != REPRISE_E_FORKED)
		return 6;
	if (save_text(store, NULL, "{}", NULL, NULL) != REPRISE_E_FORKED)
		return 7;
	if (reprise_thread_find_applied(store, "0123456789abcdef0123456789abcdef", &id, 1, &applied,
					NULL) != REPRISE_E_FORKED)
		return 8;
	/* The arguments do not matter. */
	if (reprise_thread_delete(store, "a.b", NULL) != REPRISE_E_FORKED)
		return 9;
	if (reprise_thread_find_applied(store, "x", &id, 1, &applied, NULL) != REPRISE_E_FORKED)
		return 10;
	reprise_thread_page_close(page);
	reprise_thread_store_close(store);
	return 0;
}

static int
use_own(void)
{
	struct reprise_thread_store *const own = open_store();

	if (!append_expecting(own, 100, 3))
		return 20;
	reprise_thread_store_close(own);
	return 0;
}

static int
in_child(struct reprise_thread_store *store)
{
	int status = 0;
	const pid_t child = fork();

	if (child == 0) {
		const int answer = use_inherited(store);

		_exit(answer != 0 ? answer : use_own());
	}
	cr_assert(eq(int, waitpid(child, &status, 0), child));
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Test(thread_contract, P01_a_store_belongs_to_the_process_that_opened_it)
{
	struct reprise_thread_store *const store = open_store();

	create_t(store, "{}");
	append_new(store, 1);
	cr_assert(eq(int, in_child(store), 0));
	cr_assert(eq(u64, append_new(store, 2), 5));
	cr_assert(eq(u64, version_of(store, "t"), 5));
	close_store_of(store);
}

static void *
append_without_end(void *argument)
{
	struct appending *const appending = argument;

	appending->is_done = append_expecting(appending->store, 1000, 200);
	return NULL;
}

/* The parent's other threads do not matter. */
Test(thread_contract, P04_a_child_opens_a_store_of_its_own, .disabled = IS_ALLOCATOR_LOCKED)
{
	struct reprise_thread_store *const store = open_store();
	struct appending appending = { .store = store };

	create_t(store, "{}");
	cr_assert(eq(int, pthread_create(&appending.thread, NULL, append_without_end, &appending),
		     0));
	for (int i = 0; i < 8; i++) {
		int status = 0;
		const pid_t child = fork();

		if (child == 0) {
			struct reprise_thread_store *const own = open_store();

			_exit(load_status(own, "t") == REPRISE_OK &&
					      append_expecting(own, 2000 + (unsigned int)i, 1)
				      ? 0
				      : 1);
		}
		cr_assert(eq(int, waitpid(child, &status, 0), child));
		cr_assert(eq(int, status, 0));
	}
	pthread_join(appending.thread, NULL);
	cr_assert(appending.is_done);
	cr_assert(eq(u64, version_of(store, "t"), 208));
	close_store_of(store);
}
