/* SPDX-License-Identifier: MIT */
/* Each call of a store keeps its deadline, whatever the server does. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "proxy.h"
#include "store.h"

SUITE(thread_deadlines);

enum {
	DEADLINE_MS = 300,
	SLACK_MS = 50,
	TRIES = 10,
};

static const char delta_text[] =
	"{\"delta_id\":\"f1\",\"created_at\":1,\"run_id\":\"r\",\"reason\":\"RunFinished\"}";
static const struct reprise_bytes delta = { delta_text, sizeof(delta_text) - 1 };
static const struct reprise_bytes empty = { NULL, 0 };

static struct reprise_thread_page *page; /* of the test that runs */

static reprise_status
call_create(struct reprise_thread_store *store)
{
	return reprise_thread_create(store, "a", empty, NULL, NULL);
}

static reprise_status
call_append(struct reprise_thread_store *store)
{
	return append_to(store, "a", "x", NULL, NULL);
}

static reprise_status
call_save(struct reprise_thread_store *store)
{
	return reprise_thread_save(store, "a", NULL, (struct reprise_bytes){ "{}", 2 }, NULL, 0,
				   NULL, NULL);
}

static reprise_status
call_save_flush(struct reprise_thread_store *store)
{
	const struct reprise_thread_flush flush = {
		.size = sizeof(flush),
		.id = "a",
		.uid = "00000000000000000000000000000000",
		.document = { "{}", 2 },
		.deltas = &delta,
		.deltas_count = 1,
	};

	return reprise_thread_save_flush(store, &flush, NULL, NULL);
}

static reprise_status
call_delete(struct reprise_thread_store *store)
{
	return reprise_thread_delete(store, "a", NULL);
}

static reprise_status
call_find_applied(struct reprise_thread_store *store)
{
	const char *const id = "d";
	struct reprise_thread_applied applied;

	return reprise_thread_find_applied(store, "00000000000000000000000000000000", &id, 1,
					   &applied, NULL);
}

static reprise_status
call_load(struct reprise_thread_store *store)
{
	struct reprise_thread_document document = { .size = sizeof(document) };

	return reprise_thread_load(store, "a", page, &document, NULL);
}

static reprise_status
call_load_deltas(struct reprise_thread_store *store)
{
	struct reprise_thread_deltas deltas = { .size = sizeof(deltas) };

	return reprise_thread_load_deltas(store, "a", 0, 10, 0, page, &deltas, NULL);
}

static reprise_status
call_list(struct reprise_thread_store *store)
{
	struct reprise_thread_list list = { .size = sizeof(list) };

	return reprise_thread_list(store, 0, 10, page, &list, NULL);
}

static reprise_status
call_messages(struct reprise_thread_store *store)
{
	const struct reprise_thread_range range = { .size = sizeof(range), .limit = 1 };
	struct reprise_thread_messages messages = { .size = sizeof(messages) };

	return reprise_thread_messages(store, "a", &range, page, &messages, NULL);
}

static const struct {
	const char *name;
	reprise_status (*call)(struct reprise_thread_store *store);
	bool writes;
} calls[] = {
	{ "create", call_create, true }, { "append", call_append, true },
	{ "save", call_save, true },     { "save_flush", call_save_flush, true },
	{ "delete", call_delete, true }, { "find_applied", call_find_applied, false },
	{ "load", call_load, false },    { "load_deltas", call_load_deltas, false },
	{ "list", call_list, false },    { "messages", call_messages, false },
};

enum {
	CALLS = sizeof(calls) / sizeof(calls[0])
};

/* The call times out, and does so in time; the machine that the tests run on gets some tries. */
static void
expect_in_time(struct reprise_thread_store *store, size_t call, const char *server)
{
	uint64_t took_ms = 0;

	for (int i = 0; i < TRIES; i++) {
		const uint64_t begin_ns = clock_ns();
		const reprise_status status = calls[call].call(store);

		took_ms = (clock_ns() - begin_ns) / 1000000;
		cr_assert(eq(int, status, REPRISE_E_TIMEOUT), "%s, %s", calls[call].name, server);
		cr_assert(ge(u64, took_ms, DEADLINE_MS - SLACK_MS), "%s, %s", calls[call].name,
			  server);
		if (took_ms <= DEADLINE_MS + SLACK_MS)
			return;
	}
	cr_assert(le(u64, took_ms, DEADLINE_MS + SLACK_MS), "%s, %s", calls[call].name, server);
}

static struct reprise_thread_postgres_options
options_in_time(const char *schema)
{
	struct reprise_thread_postgres_options options = options_of(NULL, schema);

	options.deadline_ns = DEADLINE_MS * (one_second / 1000);
	return options;
}

/* A store of one document with a delta; and the page. */
static void
fill(const char *schema)
{
	const struct reprise_thread_postgres_options options = options_of(NULL, schema);
	struct reprise_thread_store *const store = opened(&options);

	create(store, "a");
	cr_assert(eq(int, append_to(store, "a", "x", NULL, NULL), REPRISE_OK));
	reprise_thread_store_close(store);
	cr_assert(eq(int, reprise_thread_page_open(&page), REPRISE_OK));
}

Test(thread_deadlines, B22_a_locked_document_is_waited_for_until_the_deadline)
{
	const struct reprise_thread_postgres_options options = options_in_time("due_locked");
	struct thread_head head;
	uint64_t now_ms;

	fill("due_locked");
	struct reprise_thread_store *const store = opened_at_last(&options);
	struct reprise_thread_store *const holder = opened_at_last(&options);

	cr_assert(eq(int, holder->adapter->begin(holder, "a", &head, &now_ms, NULL), REPRISE_OK));
	const int process = server_process_of(store);

	for (size_t i = 0; i < CALLS; i++)
		if (calls[i].writes)
			expect_in_time(store, i, "locked");
	cr_assert(eq(int, server_process_of(store), process), "the connection is kept");
	holder->adapter->rollback(holder);
	reprise_thread_store_close(holder);
	reprise_thread_store_close(store);
	reprise_thread_page_close(page);
}

Test(thread_deadlines, B22_a_locked_table_is_waited_for_until_the_deadline)
{
	const struct reprise_thread_postgres_options options = options_in_time("due_table");
	PGconn *const all = connected_as(NULL);

	fill("due_table");
	struct reprise_thread_store *const store = opened_at_last(&options);

	run(all, "BEGIN; LOCK TABLE due_table.heads, due_table.applied");
	for (size_t i = 0; i < CALLS; i++)
		expect_in_time(store, i, "locked table");
	run(all, "ROLLBACK");
	reprise_thread_store_close(store);
	reprise_thread_page_close(page);
	PQfinish(all);
}

/* Asserts nothing: the server is stopped. */
static uint64_t
commit_ms(struct reprise_thread_store *store, reprise_status *ret_status)
{
	const uint64_t begin_ns = clock_ns();

	*ret_status = store->adapter->commit(store, NULL);
	return (clock_ns() - begin_ns) / 1000000;
}

/* On a connection that was good, and where a new one is to be made. */
Test(thread_deadlines, B22_a_server_that_is_stopped_is_waited_for_until_the_deadline)
{
	const struct reprise_thread_postgres_options options = options_in_time("due_stopped");
	struct reprise_thread_store *stores[CALLS];

	fill("due_stopped");
	for (size_t i = 0; i < CALLS; i++)
		stores[i] = opened_at_last(&options);
	control("--pause");
	for (size_t i = 0; i < CALLS; i++) {
		expect_in_time(stores[i], i, "stopped");
		expect_in_time(stores[i], i, "stopped, anew");
	}
	uint64_t took_ms = UINT64_MAX;
	reprise_status opening = REPRISE_E_TIMEOUT;

	for (int i = 0;
	     i < TRIES && opening == REPRISE_E_TIMEOUT && took_ms > DEADLINE_MS + SLACK_MS; i++) {
		struct reprise_thread_store *none = NULL;
		const uint64_t begin_ns = clock_ns();

		opening = reprise_thread_postgres_open(&options, &none, NULL);
		took_ms = (clock_ns() - begin_ns) / 1000000;
	}
	control("--resume");
	cr_assert(eq(int, opening, REPRISE_E_TIMEOUT));
	cr_assert(le(u64, took_ms, DEADLINE_MS + SLACK_MS));
	for (size_t i = 0; i < CALLS; i++)
		reprise_thread_store_close(stores[i]);
	reprise_thread_page_close(page);
}

/*
 * In the middle of the transaction, with a large text on its way: it is not known what becomes
 * of a commit.
 */
Test(thread_deadlines, B22_a_commit_waits_for_a_stopped_server_until_the_deadline)
{
	static const size_t text_bytes = 1 << 20; /* more than a socket holds */
	const struct reprise_thread_postgres_options options = options_in_time("due_commit");
	struct reprise_thread_store *stores[TRIES];
	char *const bytes = calloc(1, text_bytes);
	const struct thread_text text = { .json = { bytes, text_bytes } };
	struct thread_head head;
	reprise_status commit = REPRISE_E_IO, put = REPRISE_E_TIMEOUT;
	uint64_t now_ms, commit_took_ms = UINT64_MAX, put_took_ms = UINT64_MAX;

	fill("due_commit");
	for (int i = 0; i < TRIES; i++)
		stores[i] = opened_at_last(&options);
	/* All at once: the server's own bound runs as well. */
	for (int i = 0; i < TRIES; i++)
		cr_assert(eq(int,
			     stores[i]->adapter->begin(stores[i], (char[]){ (char)('a' + i), 0 },
						       &head, &now_ms, NULL),
			     REPRISE_OK));
	control("--pause");
	for (int i = 0; i < TRIES; i += 2) {
		if (commit == REPRISE_E_IO && commit_took_ms > DEADLINE_MS + SLACK_MS)
			commit_took_ms = commit_ms(stores[i], &commit);
		if (put == REPRISE_E_TIMEOUT && put_took_ms > DEADLINE_MS + SLACK_MS) {
			const uint64_t begin_ns = clock_ns();

			put = stores[i + 1]->adapter->put_text(stores[i + 1], &head.uid, &text,
							       NULL);
			put_took_ms = (clock_ns() - begin_ns) / 1000000;
		}
	}
	control("--resume");
	cr_assert(eq(int, commit, REPRISE_E_IO));
	cr_assert(le(u64, commit_took_ms, DEADLINE_MS + SLACK_MS));
	cr_assert(eq(int, put, REPRISE_E_TIMEOUT));
	cr_assert(le(u64, put_took_ms, DEADLINE_MS + SLACK_MS));
	for (int i = 0; i < TRIES; i++) {
		stores[i]->adapter->rollback(stores[i]);
		reprise_thread_store_close(stores[i]);
	}
	free(bytes);
	reprise_thread_page_close(page);
}

/*
 * Nothing comes, and nothing is closed: in the middle of a transaction, and in the
 * middle of connecting.
 */
Test(thread_deadlines, B22_a_server_that_is_away_is_waited_for_until_the_deadline)
{
	struct reprise_thread_postgres_options options = options_in_time("due_away");
	struct reprise_thread_store *stores[CALLS];
	struct proxy proxy;

	fill("due_away");
	proxy_open(&proxy);
	options.connection = proxy.connection;
	for (size_t i = 0; i < CALLS; i++)
		stores[i] = opened_at_last(&options);
	proxy_stop_after(&proxy, 0);
	for (size_t i = 0; i < CALLS; i++)
		expect_in_time(stores[i], i, "away");
	proxy_stop_after(&proxy, 1000); /* enough to begin to connect with */
	expect_in_time(stores[0], 0, "away, anew");
	proxy_close(&proxy);
	for (size_t i = 0; i < CALLS; i++)
		reprise_thread_store_close(stores[i]);
	reprise_thread_page_close(page);
}

/* The caller's own time is not the server's fault. */
Test(thread_deadlines, B22_the_time_that_the_caller_takes_does_not_count)
{
	const struct reprise_thread_postgres_options options = options_in_time("due_caller");
	struct thread_head head;
	uint64_t now_ms;

	fill("due_caller");
	struct reprise_thread_store *const store = opened_at_last(&options);

	cr_assert(eq(int, store->adapter->begin(store, "a", &head, &now_ms, NULL), REPRISE_OK));
	usleep(2 * DEADLINE_MS * 1000);
	cr_assert(eq(int, store->adapter->put_head(store, &head, NULL), REPRISE_OK));
	cr_assert(eq(int, store->adapter->commit(store, NULL), REPRISE_OK));
	reprise_thread_store_close(store);
	reprise_thread_page_close(page);
}

/* Of several threads on one handle the last one waits for all the others. */
Test(thread_deadlines, B22_other_calls_on_the_handle_are_waited_for_until_the_deadline)
{
	const struct reprise_thread_postgres_options options = options_in_time("due_handle");

	fill("due_handle");
	struct reprise_thread_store *const store = opened_at_last(&options);

	pthread_mutex_lock(&store->lock);
	for (size_t i = 0; i < CALLS; i++)
		expect_in_time(store, i, "another call");
	pthread_mutex_unlock(&store->lock);
	cr_assert(eq(int, append_to(store, "a", "x", NULL, NULL), REPRISE_OK));
	reprise_thread_store_close(store);
	reprise_thread_page_close(page);
}

static void *
hold_for_a_while(void *context)
{
	struct reprise_thread_store *const store = context;

	pthread_mutex_lock(&store->lock);
	usleep(DEADLINE_MS * 1000 / 2);
	pthread_mutex_unlock(&store->lock);
	return NULL;
}

/* Half of it is gone when the call gets the handle. */
Test(thread_deadlines, B22_waiting_for_the_handle_and_for_others_takes_one_deadline)
{
	const struct reprise_thread_postgres_options options = options_in_time("due_both");
	struct thread_head head;
	uint64_t now_ms, took_ms = UINT64_MAX;

	fill("due_both");
	struct reprise_thread_store *const store = opened_at_last(&options);
	struct reprise_thread_store *const holder = opened_at_last(&options);

	cr_assert(eq(int, holder->adapter->begin(holder, "a", &head, &now_ms, NULL), REPRISE_OK));
	const int process = server_process_of(store);

	for (int i = 0; i < TRIES && took_ms > DEADLINE_MS + SLACK_MS; i++) {
		pthread_t thread;

		cr_assert(eq(int, pthread_create(&thread, NULL, hold_for_a_while, store), 0));
		usleep(20000);
		const uint64_t begin_ns = clock_ns();

		cr_assert(eq(int, append_to(store, "a", "x", NULL, NULL), REPRISE_E_TIMEOUT));
		took_ms = (clock_ns() - begin_ns) / 1000000;
		pthread_join(thread, NULL);
	}
	cr_assert(le(u64, took_ms, DEADLINE_MS + SLACK_MS));
	cr_assert(eq(int, server_process_of(store), process), "the connection is kept");
	holder->adapter->rollback(holder);
	reprise_thread_store_close(holder);
	reprise_thread_store_close(store);
	reprise_thread_page_close(page);
}
