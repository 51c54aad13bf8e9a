/* SPDX-License-Identifier: MIT */
/* Commits that get no answer: a session whose life began in one can be opened again at once. */
#include <unistd.h>

#include <reprise/recorder.h>

#include "proxy.h"
#include "server.h"

SUITE(uncertain);

/*
 * The lease is longer than the test; the next opening waits until the recorder has closed
 * the first life.
 */
static void
expect_reopened(enum proxy_cut cut, const char *schema, int64_t lives)
{
	struct reprise_log_postgres_options options = options_of(NULL, schema);
	const struct reprise_recorder_options leasing = { .size = sizeof(leasing),
							  .lease_ns = 600 * one_second };
	PGconn *const all = connected_as(NULL);
	struct reprise_writer *writer = NULL;
	struct reprise_recorder *recorder = NULL;
	struct proxy proxy;

	proxy_open(&proxy);
	options.connection = proxy.connection;
	struct reprise_log *const log = opened(&options);
	struct reprise_store *const store = store_plain();

	cr_assert(
		eq(int, reprise_recorder_open(store, log, &leasing, &recorder, NULL), REPRISE_OK));
	proxy_cut(&proxy, cut);
	cr_assert(eq(int, reprise_writer_open(store, "s", NULL, &writer, NULL), REPRISE_E_IO));
	cr_assert(eq(int, reprise_writer_open(store, "s", NULL, &writer, NULL), REPRISE_OK));
	cr_assert(eq(i64, number_of(all, "SELECT count(*) FROM %s.lives", schema), lives));
	cr_assert(eq(i64,
		     number_of(all, "SELECT count(*) FROM %s.lives WHERE state = %d", schema,
			       REPRISE_LIFE_CLEAN),
		     lives - 1));
	(void)append_text(writer, "x");
	reprise_writer_close(writer);
	cr_assert(eq(int, reprise_recorder_close(recorder), REPRISE_OK));
	cr_assert(eq(int, reprise_store_close(store), REPRISE_OK));
	cr_assert(eq(i64, number_of(all, "SELECT count(*) FROM %s.rows", schema), 1));
	reprise_log_close(log);
	proxy_close(&proxy);
	PQfinish(all);
	expect_no_leaks();
}

Test(uncertain, L36_a_life_whose_commit_got_no_answer_does_not_lock_its_own_process_out)
{
	expect_reopened(CUT_AFTER_COMMIT, "uncertain_after", 2);
}

Test(uncertain, L36_a_life_that_was_not_committed_is_closed_in_vain)
{
	expect_reopened(CUT_BEFORE_COMMIT, "uncertain_before", 1);
}

/* The server's session that had the COMMIT may hold the head for a while yet. */
Test(uncertain, L36_a_life_whose_head_is_held_is_closed_later)
{
	struct reprise_log_postgres_options options = options_of(NULL, "uncertain_held");
	const struct reprise_recorder_options leasing = { .size = sizeof(leasing),
							  .lease_ns = 600 * one_second,
							  .deadline_ns = 20 * one_second };
	PGconn *const holder = connected_as(NULL);
	struct reprise_writer *writer = NULL;
	struct reprise_recorder *recorder = NULL;
	struct reprise_recorder_stats stats = { .size = sizeof(stats) };
	struct proxy proxy;

	proxy_open(&proxy);
	options.connection = proxy.connection;
	struct reprise_log *const log = opened(&options);
	struct reprise_store *const store = store_plain();

	cr_assert(
		eq(int, reprise_recorder_open(store, log, &leasing, &recorder, NULL), REPRISE_OK));
	proxy_cut(&proxy, CUT_AND_STOP);
	cr_assert(eq(int, reprise_writer_open(store, "s", NULL, &writer, NULL), REPRISE_E_IO));
	run(holder, "BEGIN");
	run(holder, "SELECT FROM uncertain_held.heads WHERE thread = 's' FOR UPDATE");
	proxy_stop_after(&proxy, UINT64_MAX / 2);
	do {
		cr_assert(eq(int, reprise_recorder_stats(recorder, &stats), REPRISE_OK));
		usleep(1000);
	} while (stats.last != REPRISE_E_TIMEOUT && stats.stuck == 0);
	run(holder, "ROLLBACK");
	cr_assert(eq(int, reprise_writer_open(store, "s", NULL, &writer, NULL), REPRISE_OK));
	reprise_writer_close(writer);
	cr_assert(eq(int, reprise_recorder_close(recorder), REPRISE_OK));
	cr_assert(eq(int, reprise_store_close(store), REPRISE_OK));
	reprise_log_close(log);
	proxy_close(&proxy);
	PQfinish(holder);
	expect_no_leaks();
}
