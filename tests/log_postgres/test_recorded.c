/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <unistd.h>

#include <reprise/recorder.h>

#include "base/clock.h"
#include "base/numbers.h"
#include "proxy.h"
#include "server.h"

/*
 * A recorder over a PostgreSQL log: its statuses for a server that is away, and for a session that
 * is damaged.
 */

SUITE(recorded);

/* The statistics, once there is a failure. */
static struct reprise_recorder_stats
stats_of_failure(struct reprise_recorder *recorder)
{
	struct reprise_recorder_stats stats = { .size = sizeof(stats) };

	for (int i = 0; i < 20000; i++) {
		cr_assert(eq(int, reprise_recorder_stats(recorder, &stats), REPRISE_OK));
		if (stats.failure != REPRISE_OK)
			break;
		usleep(1000);
	}
	return stats;
}

Test(recorded, F24_a_lost_connection_is_told_in_words_by_open_and_statistics)
{
	const struct reprise_log_postgres_options options = options_of(NULL, "lost_words");
	const struct reprise_recorder_options quick = { .size = sizeof(quick),
							.retry_ns_max = 50000000,
							.deadline_ns = one_second / 2 };
	struct reprise_log *const log = opened(&options);
	struct reprise_store *const store = store_plain();
	struct reprise_writer *writer = NULL, *other = NULL;
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_recorder *recorder = NULL;

	cr_assert(eq(int, reprise_recorder_open(store, log, &quick, &recorder, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_writer_open(store, "s", NULL, &writer, NULL), REPRISE_OK));
	control("--kill");
	(void)append_text(writer, "x");
	const struct reprise_recorder_stats stats = stats_of_failure(recorder);

	cr_assert(eq(int, stats.failure, REPRISE_E_IO));
	cr_assert(ne(str, (char *)stats.failure_text, ""));
	cr_assert(eq(ptr, strchr(stats.failure_text, '\n'), NULL));
	cr_assert(eq(int, reprise_writer_open(store, "other", NULL, &other, &error), REPRISE_E_IO));
	cr_assert(ne(ptr, strstr(error.detail, "server"), NULL), "%s", error.detail);
	control("--start");
	cr_assert(eq(int, reprise_recorder_flush(recorder, "s", REPRISE_SYNCED, 30 * one_second),
		     REPRISE_OK));
	reprise_writer_close(writer);
	cr_assert(eq(int, reprise_recorder_close(recorder), REPRISE_OK));
	cr_assert(eq(int, reprise_store_close(store), REPRISE_OK));
	reprise_log_close(log);
	expect_no_leaks();
}

Test(recorded, F25_the_statistics_name_the_session_that_is_stuck_and_say_why)
{
	const struct reprise_log_postgres_options options = options_of(NULL, "stuck_words");
	PGconn *const all = connected_as(NULL);
	struct reprise_log *const log = opened(&options);
	struct reprise_store *const store = store_plain();
	struct reprise_writer *writer = NULL, *other = NULL;
	struct reprise_recorder *recorder = NULL;

	cr_assert(eq(int, reprise_recorder_open(store, log, NULL, &recorder, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_writer_open(store, "s", NULL, &writer, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_writer_open(store, "other", NULL, &other, NULL), REPRISE_OK));
	run(all, "UPDATE stuck_words.heads SET kind = kind + 7 WHERE thread = 's'");
	(void)append_text(writer, "x");
	(void)append_text(other, "x");
	const struct reprise_recorder_stats stats = stats_of_failure(recorder);

	cr_assert(eq(u64, stats.stuck, 1));
	cr_assert(eq(str, (char *)stats.stuck_session_id, "s"));
	cr_assert(eq(int, stats.stuck_status, REPRISE_E_CORRUPT));
	cr_assert(ne(str, (char *)stats.stuck_text, ""));
	cr_assert(eq(int,
		     reprise_recorder_flush(recorder, "other", REPRISE_SYNCED, 30 * one_second),
		     REPRISE_OK));
	run(all, "UPDATE stuck_words.heads SET kind = kind - 7 WHERE thread = 's'");
	cr_assert(eq(int, reprise_recorder_flush(recorder, "s", REPRISE_SYNCED, 30 * one_second),
		     REPRISE_OK));
	reprise_writer_close(writer);
	reprise_writer_close(other);
	cr_assert(eq(int, reprise_recorder_close(recorder), REPRISE_OK));
	cr_assert(eq(int, reprise_store_close(store), REPRISE_OK));
	reprise_log_close(log);
	PQfinish(all);
	expect_no_leaks();
}

/* The head of "s" is another connection's until that is closed. */
static PGconn *
holder_of_s(const char *schema)
{
	PGconn *const holder = connected_as(NULL);

	run(holder, "BEGIN");
	run(holder, "SELECT FROM %s.heads WHERE thread = 's' FOR UPDATE", schema);
	return holder;
}

Test(recorded, F36_a_session_that_another_connection_holds_delays_no_other)
{
	const struct reprise_log_postgres_options options = options_of(NULL, "held_one");
	struct reprise_log *const log = opened(&options);
	struct reprise_store *const store = store_plain();
	struct reprise_writer *writer = NULL, *other = NULL, *third = NULL;
	struct reprise_recorder *recorder = NULL;

	cr_assert(eq(int, reprise_recorder_open(store, log, NULL, &recorder, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_writer_open(store, "s", NULL, &writer, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_writer_open(store, "other", NULL, &other, NULL), REPRISE_OK));
	PGconn *const holder = holder_of_s("held_one");
	const uint64_t begun = clock_ns();

	(void)append_text(writer, "x");
	(void)append_text(other, "x");
	/* The log's own deadline is 5 s: none of these waits for it. */
	cr_assert(eq(int, reprise_recorder_flush(recorder, "other", REPRISE_SYNCED, 3 * one_second),
		     REPRISE_OK));
	cr_assert(eq(int, reprise_writer_open(store, "third", NULL, &third, NULL), REPRISE_OK));
	(void)append_text(third, "x");
	cr_assert(eq(int, reprise_recorder_flush(recorder, NULL, REPRISE_SYNCED, 60 * one_second),
		     REPRISE_E_TIMEOUT),
		  "it reports the session");
	cr_assert(lt(u64, clock_ns() - begun, 4 * one_second));
	const struct reprise_recorder_stats stats = stats_of_failure(recorder);

	cr_assert(eq(u64, stats.stuck, 1));
	cr_assert(eq(str, (char *)stats.stuck_session_id, "s"));
	cr_assert(eq(int, stats.stuck_status, REPRISE_E_TIMEOUT));
	cr_assert(ne(ptr, strstr(stats.stuck_text, "another connection"), NULL));
	cr_assert(eq(u64, stats.recorded, 2));
	/* A flush of that session waits for it, as long as it may. */
	cr_assert(eq(int, reprise_recorder_flush(recorder, "s", REPRISE_SYNCED, one_second / 5),
		     REPRISE_E_TIMEOUT));
	PQfinish(holder);
	cr_assert(eq(int, reprise_recorder_flush(recorder, "s", REPRISE_SYNCED, 30 * one_second),
		     REPRISE_OK));
	cr_assert(eq(int, reprise_recorder_flush(recorder, NULL, REPRISE_SYNCED, 30 * one_second),
		     REPRISE_OK));
	reprise_writer_close(writer);
	reprise_writer_close(other);
	reprise_writer_close(third);
	cr_assert(eq(int, reprise_recorder_close(recorder), REPRISE_OK));
	cr_assert(eq(int, reprise_store_close(store), REPRISE_OK));
	reprise_log_close(log);
	expect_no_leaks();
}

Test(recorded, F36_closing_waits_for_no_session_that_another_connection_holds)
{
	const struct reprise_log_postgres_options options = options_of(NULL, "held_close");
	const struct reprise_recorder_options patient = { .size = sizeof(patient),
							  .deadline_ns = 60 * one_second };
	struct reprise_log *const log = opened(&options);
	struct reprise_store *const store = store_plain();
	struct reprise_writer *writer = NULL, *other = NULL;
	struct reprise_recorder *recorder = NULL;
	struct reprise_recorder_stats stats = { .size = sizeof(stats) };
	struct reprise_log_stats known = { .size = sizeof(known) };

	cr_assert(
		eq(int, reprise_recorder_open(store, log, &patient, &recorder, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_writer_open(store, "s", NULL, &writer, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_writer_open(store, "other", NULL, &other, NULL), REPRISE_OK));
	PGconn *const holder = holder_of_s("held_close");
	const uint64_t begun = clock_ns();

	(void)append_text(writer, "x");
	(void)append_text(other, "x");
	reprise_writer_close(writer);
	reprise_writer_close(other);
	cr_assert(eq(int, reprise_recorder_close_with_stats(recorder, &stats), REPRISE_E_TIMEOUT));
	cr_assert(lt(u64, clock_ns() - begun, 4 * one_second));
	cr_assert(eq(u64, stats.stuck, 1));
	cr_assert(eq(str, (char *)stats.stuck_session_id, "s"));
	cr_assert(eq(int,
		     reprise_log_stats(log, &(struct reprise_log_key){ "default", "other" }, &known,
				       NULL),
		     REPRISE_OK));
	cr_assert(eq(u64, known.head, 1));
	cr_assert(eq(int, known.life.state, REPRISE_LIFE_CLEAN));
	PQfinish(holder);
	cr_assert(eq(int, reprise_store_close(store), REPRISE_OK));
	reprise_log_close(log);
	expect_no_leaks();
}

/*
 * Of a recorder that only writes: the sync that a flush waits for is refused while the one
 * session is held.
 */
Test(recorded, F37_a_sync_that_was_refused_is_told_and_tried_again)
{
	const struct reprise_log_postgres_options options = options_of(NULL, "held_sync");
	const struct reprise_recorder_options writing = { .size = sizeof(writing),
							  .durability = REPRISE_WRITTEN,
							  .retry_ns_max = 50000000 };
	struct reprise_log *const log = opened(&options);
	struct reprise_store *const store = store_plain();
	struct reprise_writer *writer = NULL;
	struct reprise_recorder *recorder = NULL;
	struct reprise_recorder_stats stats = { .size = sizeof(stats) };

	cr_assert(
		eq(int, reprise_recorder_open(store, log, &writing, &recorder, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_writer_open(store, "s", NULL, &writer, NULL), REPRISE_OK));
	(void)append_text(writer, "x");
	cr_assert(eq(int, reprise_recorder_flush(recorder, "s", REPRISE_WRITTEN, 30 * one_second),
		     REPRISE_OK));
	PGconn *const holder = holder_of_s("held_sync");
	const uint64_t begun = clock_ns();

	cr_assert(eq(int, reprise_recorder_flush(recorder, NULL, REPRISE_SYNCED, 60 * one_second),
		     REPRISE_E_TIMEOUT));
	cr_assert(lt(u64, clock_ns() - begun, 4 * one_second));
	PQfinish(holder);
	cr_assert(eq(int, reprise_recorder_flush(recorder, "s", REPRISE_SYNCED, 30 * one_second),
		     REPRISE_OK));
	cr_assert(eq(int, reprise_recorder_flush(recorder, NULL, REPRISE_SYNCED, 30 * one_second),
		     REPRISE_OK));
	cr_assert(eq(int, reprise_recorder_stats(recorder, &stats), REPRISE_OK));
	cr_assert(eq(u64, stats.stuck, 0));
	reprise_writer_close(writer);
	cr_assert(eq(int, reprise_recorder_close(recorder), REPRISE_OK));
	cr_assert(eq(int, reprise_store_close(store), REPRISE_OK));
	reprise_log_close(log);
	expect_no_leaks();
}

struct held_opening {
	struct reprise_writer_opening openings[2];
	struct reprise_store *store;
	pthread_t thread;
};

static void *
open_both(void *argument)
{
	struct held_opening *const held = argument;

	(void)!reprise_writers_open(held->store, held->openings, 2, NULL);
	return NULL;
}

Test(recorded, F36_opening_waits_until_the_session_is_held_no_more)
{
	const struct reprise_log_postgres_options options = options_of(NULL, "held_open");
	const struct reprise_recorder_options impatient = { .size = sizeof(impatient),
							    .deadline_ns = one_second / 2 };
	struct reprise_log *const log = opened(&options);
	struct reprise_store *const store = store_plain();
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_writer *writer = NULL;
	struct reprise_recorder *recorder = NULL;

	cr_assert(eq(int, reprise_recorder_open(store, log, &impatient, &recorder, NULL),
		     REPRISE_OK));
	/* Its head is there, and its life clean. */
	cr_assert(eq(int, reprise_writer_open(store, "s", NULL, &writer, NULL), REPRISE_OK));
	reprise_writer_close(writer);
	cr_assert(eq(int, reprise_recorder_close(recorder), REPRISE_OK));
	cr_assert(eq(int, reprise_store_close(store), REPRISE_OK));
	struct held_opening held = { .openings = { { .session_id = "s" }, { .session_id = "t" } },
				     .store = store_plain() };

	cr_assert(eq(int, reprise_recorder_open(held.store, log, &impatient, &recorder, NULL),
		     REPRISE_OK));
	PGconn *holder = holder_of_s("held_open");
	const uint64_t begun = clock_ns();

	cr_assert(
		eq(int, reprise_writer_open(held.store, "s", NULL, &writer, &error), REPRISE_E_IO));
	cr_assert(ge(u64, clock_ns() - begun, one_second / 2));
	cr_assert(lt(u64, clock_ns() - begun, 3 * one_second));
	cr_assert(eq(str, error.what, "REPRISE_E_TIMEOUT"));
	cr_assert(ne(ptr, strstr(error.detail, "another connection"), NULL), "%s", error.detail);
	/*
	 * Of two that are opened together the other one is not delayed; the first comes
	 * when it may.
	 */
	cr_assert(eq(int, pthread_create(&held.thread, NULL, open_both, &held), 0));
	usleep(200000);
	PQfinish(holder);
	pthread_join(held.thread, NULL);
	cr_assert(eq(int, held.openings[0].status, REPRISE_OK));
	cr_assert(eq(int, held.openings[1].status, REPRISE_OK));
	reprise_writer_close(held.openings[0].writer);
	reprise_writer_close(held.openings[1].writer);
	cr_assert(eq(int, reprise_recorder_close(recorder), REPRISE_OK));
	cr_assert(eq(int, reprise_store_close(held.store), REPRISE_OK));
	reprise_log_close(log);
	expect_no_leaks();
}

enum {
	FLUSH,
	OPEN,
	CLOSE,
	TIMED_CALLS,
};

static const uint64_t patience_ns = 300000000, slack_ns = 50000000;

static uint64_t
lateness(uint64_t begin_ns)
{
	const uint64_t took_ns = clock_ns() - begin_ns;

	return took_ns - least(took_ns, patience_ns);
}

/* How late each call was while the server said nothing. The log's own deadline is much longer. */
static void
time_calls(const char *connection, struct proxy *proxy, uint64_t late_ns[TIMED_CALLS])
{
	struct reprise_log_postgres_options options = options_of(NULL, "silent");
	const struct reprise_recorder_options hasty = { .size = sizeof(hasty),
							.deadline_ns = patience_ns };
	struct reprise_writer *writer = NULL, *other = NULL;
	struct reprise_recorder *recorder = NULL;

	options.connection = connection;
	options.deadline_ns = 20 * one_second;
	struct reprise_log *const log = opened(&options);
	struct reprise_store *const store = store_plain();

	cr_assert(eq(int, reprise_recorder_open(store, log, &hasty, &recorder, NULL), REPRISE_OK));
	while (reprise_writer_open(store, "s", NULL, &writer, NULL) != REPRISE_OK)
		usleep(1000);
	proxy_stop_after(proxy, 0);
	(void)append_text(writer, "x");

	uint64_t begin_ns = clock_ns();

	cr_assert(eq(int, reprise_recorder_flush(recorder, "s", REPRISE_SYNCED, patience_ns),
		     REPRISE_E_TIMEOUT));
	late_ns[FLUSH] = lateness(begin_ns);
	begin_ns = clock_ns();
	cr_assert(eq(int, reprise_writer_open(store, "other", NULL, &other, NULL), REPRISE_E_IO));
	late_ns[OPEN] = lateness(begin_ns);
	reprise_writer_close(writer);
	begin_ns = clock_ns();
	cr_assert(eq(int, reprise_recorder_close(recorder), REPRISE_E_TIMEOUT));
	late_ns[CLOSE] = lateness(begin_ns);
	cr_assert(eq(int, reprise_store_close(store), REPRISE_OK));
	reprise_log_close(log);
}

Test(recorded, F04_flush_open_and_close_keep_their_deadlines_while_the_server_is_silent)
{
	uint64_t best_ns[TIMED_CALLS] = { UINT64_MAX, UINT64_MAX, UINT64_MAX };

	/* The machine may be busy: one that is in time shows that the call can be. */
	for (int attempt = 0; attempt < 5; attempt++) {
		uint64_t late_ns[TIMED_CALLS];
		struct proxy proxy;

		proxy_open(&proxy);
		time_calls(proxy.connection, &proxy, late_ns);
		proxy_close(&proxy);
		for (int i = 0; i < TIMED_CALLS; i++)
			best_ns[i] = least(best_ns[i], late_ns[i]);
		if (greatest(greatest(best_ns[FLUSH], best_ns[OPEN]), best_ns[CLOSE]) <= slack_ns)
			break;
	}
	for (int i = 0; i < TIMED_CALLS; i++)
		cr_assert(le(u64, best_ns[i], slack_ns), "call %d", i);
	expect_no_leaks();
}

Test(recorded, C23_a_batch_is_one_transaction_whatever_the_limits_are)
{
	const struct reprise_log_postgres_options options = options_of(NULL, "whole");
	const struct reprise_recorder_options limited = { .size = sizeof(limited),
							  .linger_ns = 10 * one_second,
							  .batch_events_max = 1,
							  .batch_bytes_max = 1 };
	const struct reprise_log_key key = { "default", "s" };
	struct reprise_recorder_stats counts = { .size = sizeof(counts) };
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	struct reprise_log *const log = opened(&options);
	struct reprise_store *const store = store_plain();
	struct reprise_new_event events[40] = { { 0 } };
	struct reprise_writer *writer = NULL;
	struct reprise_recorder *recorder = NULL;

	cr_assert(
		eq(int, reprise_recorder_open(store, log, &limited, &recorder, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_writer_open(store, "s", NULL, &writer, NULL), REPRISE_OK));
	for (int i = 0; i < 3; i++)
		cr_assert(eq(int, reprise_append_batch(writer, events, 40, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_recorder_flush(recorder, "s", REPRISE_SYNCED, 30 * one_second),
		     REPRISE_OK));
	cr_assert(eq(int, reprise_recorder_stats(recorder, &counts), REPRISE_OK));
	cr_assert(eq(u64, counts.batches, 3));
	cr_assert(eq(int, reprise_log_stats(log, &key, &stats, NULL), REPRISE_OK));
	cr_assert(eq(u64, stats.head, 120));
	reprise_writer_close(writer);
	cr_assert(eq(int, reprise_recorder_close(recorder), REPRISE_OK));
	cr_assert(eq(int, reprise_store_close(store), REPRISE_OK));
	reprise_log_close(log);
	expect_no_leaks();
}
