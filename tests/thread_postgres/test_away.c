/* SPDX-License-Identifier: MIT */
/* Connections that are lost, servers that go away, and commits without an answer. */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "proxy.h"
#include "store.h"

SUITE(thread_away);

/* @is_done: whether the server has got the COMMIT whose answer is lost. */
static void
expect_repeated(enum proxy_cut cut, const char *schema, bool is_done)
{
	struct reprise_thread_postgres_options options = options_of(NULL, schema);
	struct reprise_thread_appended appended = { .size = sizeof(appended) };
	struct reprise_error error = { .size = sizeof(error) };
	struct proxy proxy;

	proxy_open(&proxy);
	options.connection = proxy.connection;
	struct reprise_thread_store *const store = opened(&options);

	create(store, "a");
	cr_assert(eq(int, append_named(store, "a", "d1", NULL, NULL), REPRISE_OK));
	proxy_cut(&proxy, cut);
	cr_assert(eq(int, append_named(store, "a", "d2", &appended, &error), REPRISE_E_IO));
	cr_assert(eq(str, error.what, "commit"), "nobody knows whether it was done");
	cr_assert(eq(int, append_named(store, "a", "d2", &appended, &error), REPRISE_OK), "%s",
		  error.detail);
	cr_assert(eq(int, appended.is_repeated, is_done));
	cr_assert(eq(u64, appended.version, 2));
	cr_assert(eq(int, append_named(store, "a", "d2", &appended, &error), REPRISE_OK));
	cr_assert(eq(int, appended.is_repeated, 1));
	cr_assert(eq(u64, appended.version, 2));
	cr_assert(eq(u64, version_of(store, "a"), 2));
	cr_assert(eq(u64, messages_of(store, "a"), 2));
	reprise_thread_store_close(store);
	proxy_close(&proxy);
	expect_no_leaks();
}

Test(thread_away, B23_a_delta_whose_commit_got_no_answer_is_answered_with_its_first_version)
{
	expect_repeated(CUT_AFTER_COMMIT, "cut_after", true);
}

Test(thread_away, B23_a_delta_whose_commit_did_not_arrive_is_applied_when_it_is_repeated)
{
	expect_repeated(CUT_BEFORE_COMMIT, "cut_before", false);
}

Test(thread_away, Q04_a_connection_that_is_lost_is_made_anew)
{
	const struct reprise_thread_postgres_options options = options_of(NULL, "anew");
	PGconn *const all = connected_as(NULL);
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_thread_store *const store = opened(&options);
	enum {
		IDS = 1500 /* which are asked for in two parts */
	};
	struct thread_applied *const applied = calloc(IDS, sizeof(*applied));
	static const char *ids[IDS];
	struct thread_head head;
	uint64_t now_ms;

	for (int i = 0; i < IDS; i++)
		ids[i] = "d";
	create(store, "a");
	/* Between two calls. */
	terminate(all, server_process_of(store));
	cr_assert(eq(int, append_to(store, "a", "x", NULL, &error), REPRISE_OK), "%s",
		  error.detail);
	/* In a transaction. */
	cr_assert(eq(int, store->adapter->begin(store, "a", &head, &now_ms, NULL), REPRISE_OK));
	terminate(all, server_process_of(store));
	cr_assert(eq(int, store->adapter->commit(store, &error), REPRISE_E_IO));
	cr_assert(eq(str, error.what, "commit"));
	cr_assert(eq(int, strncmp(error.detail, "57P01: ", 7), 0), "%s", error.detail);
	cr_assert(eq(int, append_to(store, "a", "x", NULL, &error), REPRISE_OK), "%s",
		  error.detail);
	/* While it is read. */
	cr_assert(eq(int, store->adapter->look(store, "a", &head, NULL), REPRISE_OK));
	terminate(all, server_process_of(store));
	cr_assert(eq(int, store->adapter->text_of(store, &head.uid, NULL, NULL, &error),
		     REPRISE_E_IO));
	cr_assert(eq(int, strncmp(error.detail, "57P01: ", 7), 0), "%s", error.detail);
	store->adapter->leave(store);
	cr_assert(eq(int, store->adapter->look(store, NULL, &head, NULL), REPRISE_OK));
	terminate(all, server_process_of(store));
	cr_assert(eq(int, store->adapter->applied_of(store, &head.uid, ids, IDS, applied, &error),
		     REPRISE_E_IO));
	store->adapter->leave(store);
	cr_assert(eq(u64, version_of(store, "a"), 2));
	free(applied);
	reprise_thread_store_close(store);
	PQfinish(all);
	expect_no_leaks();
}

Test(thread_away, Q04_a_server_that_is_not_there_is_told_with_words)
{
	struct reprise_thread_postgres_options options = options_of(NULL, "words");
	struct reprise_error error = { .size = sizeof(error) };
	struct proxy proxy;

	proxy_open(&proxy);
	options.connection = proxy.connection;
	struct reprise_thread_store *const store = opened(&options);

	create(store, "a");
	proxy_close(&proxy);
	(void)append_to(store, "a", "x", NULL, NULL); /* the connection was lost during it */
	cr_assert(eq(int, append_to(store, "a", "x", NULL, &error), REPRISE_E_IO));
	cr_assert(eq(str, error.what, "connection"));
	cr_assert(ne(ptr, strstr(error.detail, proxy.folder), NULL), "%s", error.detail);
	expect_refused(&options, REPRISE_E_IO, "connection");
	reprise_thread_store_close(store);
	expect_no_leaks();
}

Test(thread_away, Q04_a_server_that_was_restarted_is_found_again)
{
	const struct reprise_thread_postgres_options options = options_of(NULL, "restarted");
	struct reprise_thread_store *const store = opened(&options);

	create(store, "a");
	control("--restart");
	cr_assert(eq(int, append_to(store, "a", "x", NULL, NULL), REPRISE_OK));
	cr_assert(eq(u64, version_of(store, "a"), 1));
	reprise_thread_store_close(store);
}

struct appender {
	const struct reprise_thread_postgres_options *options;
	atomic_int acknowledged;
	atomic_bool is_told_to_stop;
	int unknown; /* E_IO, by a commit */
	int bad;     /* answers that cannot be */
};

/*
 * Deltas 1, 2, 3..: each is repeated until it is acknowledged, and then has its number as version.
 */
static void *
append_until_told(void *context)
{
	struct appender *const appender = context;
	struct reprise_thread_store *store = NULL;
	uint64_t next = 1;

	if (reprise_thread_postgres_open(appender->options, &store, NULL) != REPRISE_OK)
		appender->bad++;
	while (!atomic_load(&appender->is_told_to_stop) && appender->bad == 0) {
		struct reprise_thread_appended appended = { .size = sizeof(appended) };
		struct reprise_error error = { .size = sizeof(error) };
		char id[24];

		snprintf(id, sizeof(id), "d%" PRIu64, next);
		const reprise_status status = append_named(store, "a", id, &appended, &error);

		if (status == REPRISE_OK) {
			appender->bad += appended.version != next;
			next++;
			atomic_fetch_add(&appender->acknowledged, 1);
		} else if (status == REPRISE_E_IO || status == REPRISE_E_TIMEOUT) {
			appender->unknown +=
				status == REPRISE_E_IO && strcmp(error.what, "commit") == 0;
			usleep(1000);
		} else {
			appender->bad++;
		}
	}
	reprise_thread_store_close(store);
	return NULL;
}

static void
wait_for(struct appender *appender, int acknowledged)
{
	const uint64_t due_ns = clock_ns() + 40 * one_second;

	while (atomic_load(&appender->acknowledged) < acknowledged && clock_ns() < due_ns)
		usleep(1000);
}

Test(thread_away, B23_a_server_that_is_killed_loses_no_delta_and_takes_none_twice)
{
	const struct reprise_thread_postgres_options options = options_of(NULL, "killed");
	struct appender appender = { .options = &options };
	struct reprise_thread_store *store = opened(&options);
	pthread_t thread;

	create(store, "a");
	reprise_thread_store_close(store);
	cr_assert(eq(int, pthread_create(&thread, NULL, append_until_told, &appender), 0));
	for (int i = 0; i < 3; i++) {
		wait_for(&appender, atomic_load(&appender.acknowledged) + 50);
		control("--kill");
		control("--start");
	}
	wait_for(&appender, atomic_load(&appender.acknowledged) + 10);
	atomic_store(&appender.is_told_to_stop, true);
	pthread_join(thread, NULL);
	cr_assert(eq(int, appender.bad, 0));
	cr_assert(ge(int, atomic_load(&appender.acknowledged), 160));
	store = opened(&options);
	/* The last one may have been done without an answer. */
	const uint64_t version = version_of(store, "a");

	cr_assert(ge(u64, version, (uint64_t)atomic_load(&appender.acknowledged)));
	cr_assert(le(u64, version, (uint64_t)atomic_load(&appender.acknowledged) + 1));
	cr_assert(eq(u64, messages_of(store, "a"), version));
	reprise_thread_store_close(store);
	expect_no_leaks();
}

/*
 * A writer that vanishes in the middle of a transaction: nothing is forwarded any more, and
 * nothing is closed.
 */
Test(thread_away, Q01_the_document_of_a_client_that_vanished_can_be_written_again)
{
	struct reprise_thread_postgres_options options = options_of(NULL, "vanished");
	struct proxy proxy;
	struct thread_head head;
	uint64_t now_ms;
	reprise_status status;

	options.deadline_ns = one_second / 2;
	options.transaction_idle_ns = one_second;
	struct reprise_thread_store *const other = opened_at_last(&options);

	create(other, "a");
	proxy_open(&proxy);
	options.connection = proxy.connection;
	struct reprise_thread_store *const store = opened_at_last(&options);

	/*
	 * Behind the answers of begin: the server waits for the rest of a pipeline, so that no
	 * time-out of its runs.
	 */
	cr_assert(eq(int, store->adapter->begin(store, "a", &head, &now_ms, NULL), REPRISE_OK));
	cr_assert(eq(int, store->adapter->put_head(store, &head, NULL), REPRISE_OK));
	cr_assert(eq(int, PQflush(postgres_of(store)->wire.connection), 0));
	usleep(50000);
	proxy_stop_after(&proxy, 0);
	const uint64_t begin_ns = clock_ns();

	do
		status = append_to(other, "a", "x", NULL, NULL);
	while (status == REPRISE_E_TIMEOUT && clock_ns() - begin_ns < 10 * one_second);
	const uint64_t took_ms = (clock_ns() - begin_ns) / 1000000;

	cr_assert(eq(int, status, REPRISE_OK));
	cr_assert(lt(u64, took_ms, 1500 + 300), "%" PRIu64 " ms", took_ms);
	cr_assert(eq(u64, version_of(other, "a"), 1));
	proxy_close(&proxy);
	store->adapter->rollback(store);
	reprise_thread_store_close(store);
	reprise_thread_store_close(other);
}

/* In the middle of a MiB, which was announced to take up to two deadlines. */
Test(thread_away,
     Q01_a_client_that_vanished_in_the_middle_of_a_transfer_is_waited_for_as_long_as_it_announced)
{
	static const size_t text_bytes = 1 << 20;
	struct reprise_thread_postgres_options options = options_of(NULL, "vanished_late");
	char *const bytes = calloc(1, text_bytes);
	const struct thread_text text = { .json = { bytes, text_bytes } };
	struct proxy proxy;
	struct thread_head head;
	uint64_t now_ms;
	reprise_status status;

	options.deadline_ns = one_second / 2;
	options.transaction_idle_ns = one_second / 2;
	struct reprise_thread_store *const other = opened_at_last(&options);

	create(other, "a");
	proxy_open(&proxy);
	options.connection = proxy.connection;
	struct reprise_thread_store *const store = opened_at_last(&options);

	cr_assert(eq(int, store->adapter->begin(store, "a", &head, &now_ms, NULL), REPRISE_OK));
	proxy_stop_after(&proxy, text_bytes / 4);
	const uint64_t begin_ns = clock_ns();

	cr_assert(eq(int, store->adapter->put_text(store, &head.uid, &text, NULL),
		     REPRISE_E_TIMEOUT));
	do
		status = append_to(other, "a", "x", NULL, NULL);
	while (status == REPRISE_E_TIMEOUT && clock_ns() - begin_ns < 10 * one_second);
	const uint64_t took_ms = (clock_ns() - begin_ns) / 1000000;

	cr_assert(eq(int, status, REPRISE_OK));
	cr_assert(gt(u64, took_ms, 1000));
	cr_assert(lt(u64, took_ms, 500 + 1000 + 500 + 300), "%" PRIu64 " ms", took_ms);
	proxy_close(&proxy);
	store->adapter->rollback(store);
	reprise_thread_store_close(store);
	reprise_thread_store_close(other);
	free(bytes);
}
