/* SPDX-License-Identifier: MIT */
/* P01 to P04: a fork while a store is open, and threads that are cancelled (P06). */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cancelled.h"
#include "proxy.h"
#include "store.h"

SUITE(thread_fork);

/* The child's exit status, 0 if all was as it should be; it must not assert. */
static int
status_of(pid_t child)
{
	int status = 0;

	cr_assert(eq(int, waitpid(child, &status, 0), child));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int
wrong_in_child(struct reprise_thread_store *store)
{
	struct reprise_thread_document document = { .size = sizeof(document) };
	struct reprise_thread_page *page = NULL;

	if (append_to(store, "a", "x", NULL, NULL) != REPRISE_E_FORKED)
		return 1;
	if (reprise_thread_page_open(&page) != REPRISE_OK ||
	    reprise_thread_load(store, "a", page, &document, NULL) != REPRISE_E_FORKED)
		return 2;
	reprise_thread_page_close(page);
	return 0;
}

Test(thread_fork, P02_a_child_that_closes_an_inherited_store_says_nothing_to_the_server)
{
	const struct reprise_thread_postgres_options options = options_of(NULL, "forked");
	struct reprise_thread_store *const store = opened(&options);
	PGconn *const all = connected_as(NULL);
	const int process = server_process_of(store);

	create(store, "a");
	const pid_t child = fork();

	if (child == 0) {
		const int wrong = wrong_in_child(store);

		reprise_thread_store_close(store);
		_exit(wrong);
	}
	cr_assert(eq(int, status_of(child), 0));
	cr_assert(
		eq(i64,
		   number_of(all, "SELECT count(*) FROM pg_stat_activity WHERE pid = %d", process),
		   1));
	cr_assert(eq(int, append_to(store, "a", "x", NULL, NULL), REPRISE_OK));
	cr_assert(eq(int, server_process_of(store), process), "the connection is the same");
	reprise_thread_store_close(store);
	PQfinish(all);
	expect_no_leaks();
}

Test(thread_fork, P02_a_child_closes_a_store_that_has_no_connection)
{
	struct reprise_thread_postgres_options options = options_of(NULL, "lost");
	struct proxy proxy;

	proxy_open(&proxy);
	options.connection = proxy.connection;
	struct reprise_thread_store *const store = opened(&options);

	create(store, "a");
	proxy_close(&proxy);
	(void)append_to(store, "a", "x", NULL, NULL);
	cr_assert(eq(int, append_to(store, "a", "x", NULL, NULL), REPRISE_E_IO));
	const pid_t child = fork();

	if (child == 0) {
		const int wrong = wrong_in_child(store);

		reprise_thread_store_close(store);
		_exit(wrong);
	}
	cr_assert(eq(int, status_of(child), 0));
	reprise_thread_store_close(store);
	expect_no_leaks();
}

/* Nothing can be put in the socket's place: it is closed. */
Test(thread_fork, P02_a_child_without_descriptors_gives_the_connection_up_as_well)
{
	const struct reprise_thread_postgres_options options = options_of(NULL, "narrow");
	struct reprise_thread_store *const store = opened(&options);
	const int process = server_process_of(store);
	struct rlimit limit;

	create(store, "a");
	cr_assert(eq(int, getrlimit(RLIMIT_NOFILE, &limit), 0));
	const struct rlimit narrow = { 3, limit.rlim_max };

	cr_assert(eq(int, setrlimit(RLIMIT_NOFILE, &narrow), 0));
	const pid_t child = fork();

	if (child == 0) {
		const int socket = PQsocket(postgres_of(store)->wire.connection);
		int wrong = wrong_in_child(store);

		if (wrong == 0 && fcntl(socket, F_GETFD) >= 0)
			wrong = 3;
		reprise_thread_store_close(store);
		_exit(wrong);
	}
	cr_assert(eq(int, setrlimit(RLIMIT_NOFILE, &limit), 0));
	cr_assert(eq(int, status_of(child), 0));
	cr_assert(eq(int, append_to(store, "a", "x", NULL, NULL), REPRISE_OK));
	cr_assert(eq(int, server_process_of(store), process), "the connection is the same");
	reprise_thread_store_close(store);
	expect_no_leaks();
}

/* A child that stays keeps the parent's connection neither open nor its document locked. */
Test(thread_fork, P03_a_child_keeps_no_document_locked)
{
	struct reprise_thread_postgres_options options = options_of(NULL, "kept");
	struct reprise_thread_store *const store = opened(&options);
	PGconn *const all = connected_as(NULL);
	struct thread_head head;
	uint64_t now_ms;
	int pipe_fds[2];

	create(store, "a");
	const pid_t parent = fork();

	if (parent == 0) {
		/* This process is a parent that dies in its transaction, and leaves a child. */
		struct reprise_thread_store *mine = NULL;

		if (pipe(pipe_fds) != 0 ||
		    reprise_thread_postgres_open(&options, &mine, NULL) != REPRISE_OK ||
		    mine->adapter->begin(mine, "a", &head, &now_ms, NULL) != REPRISE_OK)
			_exit(1);
		if (fork() == 0) {
			sleep(3);
			_exit(0);
		}
		_exit(0);
	}
	cr_assert(eq(int, status_of(parent), 0));
	cr_assert(eq(int, append_to(store, "a", "x", NULL, NULL), REPRISE_OK));
	reprise_thread_store_close(store);
	PQfinish(all);
}

Test(thread_fork, P04_a_child_opens_a_store_of_its_own)
{
	const struct reprise_thread_postgres_options options = options_of(NULL, "children");
	struct reprise_thread_store *const store = opened(&options);

	create(store, "a");
	const pid_t child = fork();

	if (child == 0) {
		struct reprise_thread_store *mine = NULL;
		int wrong = reprise_thread_postgres_open(&options, &mine, NULL) != REPRISE_OK;

		if (wrong == 0 && append_to(mine, "a", "x", NULL, NULL) != REPRISE_OK)
			wrong = 2;
		reprise_thread_store_close(mine);
		reprise_thread_store_close(store);
		_exit(wrong);
	}
	cr_assert(eq(int, status_of(child), 0));
	cr_assert(eq(u64, version_of(store, "a"), 1));
	reprise_thread_store_close(store);
	expect_no_leaks();
}

struct caller {
	struct reprise_thread_store *store;
	atomic_bool is_told_to_stop;
	int failures;
};

static void *
append_until_told(void *context)
{
	struct caller *const caller = context;

	while (!atomic_load(&caller->is_told_to_stop))
		caller->failures += append_to(caller->store, "a", "x", NULL, NULL) != REPRISE_OK;
	return NULL;
}

Test(thread_fork, P02_a_fork_in_the_middle_of_a_call_harms_neither, .disabled = IS_ALLOCATOR_LOCKED)
{
	const struct reprise_thread_postgres_options options = options_of(NULL, "busy");
	struct caller caller = { .store = opened(&options) };
	pthread_t thread;

	create(caller.store, "a");
	cr_assert(eq(int, pthread_create(&thread, NULL, append_until_told, &caller), 0));
	for (int i = 0; i < 20; i++) {
		const pid_t child = fork();

		if (child == 0) {
			const reprise_status status =
				reprise_thread_delete(caller.store, "a", NULL);

			reprise_thread_store_close(caller.store);
			_exit(status == REPRISE_E_FORKED ? 0 : 1);
		}
		cr_assert(eq(int, status_of(child), 0));
	}
	atomic_store(&caller.is_told_to_stop, true);
	pthread_join(thread, NULL);
	cr_assert(eq(int, caller.failures, 0));
	reprise_thread_store_close(caller.store);
}

static void
open_and_close(void *argument)
{
	struct reprise_thread_store *store = NULL;

	(void)!reprise_thread_postgres_open(argument, &store, NULL);
	reprise_thread_store_close(store);
}

static void
append_cancelled(void *argument)
{
	(void)append_to(argument, "a", "x", NULL, NULL);
}

static void
load_cancelled(void *argument)
{
	struct reprise_thread_document document = { .size = sizeof(document) };
	struct reprise_thread_page *page = NULL;

	if (reprise_thread_page_open(&page) == REPRISE_OK)
		(void)!reprise_thread_load(argument, "a", page, &document, NULL);
	reprise_thread_page_close(page);
}

Test(thread_fork, P06_no_call_is_a_cancellation_point)
{
	struct reprise_thread_postgres_options options = options_of(NULL, "cancelled");
	struct reprise_thread_store *const store = opened(&options);

	create(store, "a");
	expect_uncancelled(open_and_close, &options, "open and close");
	expect_uncancelled(append_cancelled, store, "append");
	expect_uncancelled(load_cancelled, store, "load");
	cr_assert(eq(u64, version_of(store, "a"), 1));
	reprise_thread_store_close(store);
	expect_no_leaks();
}
