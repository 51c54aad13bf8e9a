/* SPDX-License-Identifier: MIT */
/* Each call of a log keeps its deadline, whatever the server does. */
#include "base/clock.h"
#include "proxy.h"
#include "server.h"

#include <reprise/log_blob.h>
#include <reprise/log_upkeep.h>

SUITE(deadlines);

static const char *const thread_t = "t";
static const struct reprise_log_key key = { "acme", "t" };

enum {
	DEADLINE_MS = 300,
	SLACK_MS = 50,
	TRIES = 10,
};

static reprise_status
call_append(struct reprise_log *log)
{
	return append_to(log, "acme", "t");
}

static reprise_status
call_archive(struct reprise_log *log)
{
	return reprise_log_archive_before(log, &key, 1, NULL, NULL);
}

static reprise_status
call_move(struct reprise_log *log)
{
	return reprise_log_move_archived(log, &key, NULL, NULL);
}

static reprise_status
call_load(struct reprise_log *log)
{
	struct reprise_log_page *page = NULL;

	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	const reprise_status status = reprise_log_load_after(log, &key, 0, 10, 0, page, NULL);

	reprise_log_page_close(page);
	return status;
}

static reprise_status
call_blob_put(struct reprise_log *log)
{
	return reprise_log_blob_put(log, &key, NULL, "b", (struct reprise_bytes){ "bytes", 5 },
				    NULL);
}

static reprise_status
call_blob_get(struct reprise_log *log)
{
	struct reprise_log_page *page = NULL;
	struct reprise_bytes bytes;

	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	const reprise_status status = reprise_log_blob_get(log, &key, "b", page, &bytes, NULL);

	reprise_log_page_close(page);
	return status;
}

static reprise_status
call_stats(struct reprise_log *log)
{
	struct reprise_log_stats stats = { .size = sizeof(stats) };

	return reprise_log_stats(log, &key, &stats, NULL);
}

static reprise_status
call_lives(struct reprise_log *log)
{
	struct reprise_life life;
	size_t count;

	return reprise_log_lives(log, &key, 0, &life, 1, &count, NULL);
}

static bool
visit_none(const struct reprise_log_key *visited, void *context)
{
	(void)visited, (void)context;
	return true;
}

static reprise_status
call_each(struct reprise_log *log)
{
	return reprise_log_each(log, "acme", visit_none, NULL, NULL);
}

static reprise_status
call_position(struct reprise_log *log)
{
	reprise_ordinal position;

	return reprise_log_position_for_revision(log, &key, 1, &position, NULL);
}

static reprise_status
call_commit(struct reprise_log *log)
{
	bool has;

	return reprise_log_has_commit(log, &key, 0, 1, &has, NULL);
}

static reprise_status
call_cursor(struct reprise_log *log)
{
	struct reprise_cursor cursor;

	return reprise_log_current_cursor(log, &key, 1, &cursor, NULL);
}

static reprise_status
call_verify(struct reprise_log *log)
{
	struct reprise_log_report report = { .size = sizeof(report) };

	return reprise_log_verify(log, &key, &report, NULL);
}

static const struct {
	const char *name;
	reprise_status (*call)(struct reprise_log *log);
	bool writes;
} calls[] = {
	{ "append", call_append, true },      { "archive_before", call_archive, true },
	{ "move_archived", call_move, true }, { "load_after", call_load, false },
	{ "stats", call_stats, false },       { "lives", call_lives, false },
	{ "each", call_each, false },         { "position_for_revision", call_position, false },
	{ "has_commit", call_commit, false }, { "current_cursor", call_cursor, false },
	{ "verify", call_verify, false },     { "blob_put", call_blob_put, true },
	{ "blob_get", call_blob_get, false },
};

enum {
	CALLS = sizeof(calls) / sizeof(calls[0])
};

/* The call times out, and does so in time; the machine that the tests run on gets some tries. */
static void
expect_in_time(struct reprise_log *log, size_t call, const char *server)
{
	uint64_t took_ms = 0;

	for (int i = 0; i < TRIES; i++) {
		const uint64_t begin_ns = clock_ns();
		const reprise_status status = calls[call].call(log);

		took_ms = (clock_ns() - begin_ns) / 1000000;
		cr_assert(eq(int, status, REPRISE_E_TIMEOUT), "%s, %s", calls[call].name, server);
		cr_assert(ge(u64, took_ms, DEADLINE_MS - SLACK_MS), "%s, %s", calls[call].name,
			  server);
		if (took_ms <= DEADLINE_MS + SLACK_MS)
			return;
	}
	cr_assert(le(u64, took_ms, DEADLINE_MS + SLACK_MS), "%s, %s", calls[call].name, server);
}

static struct reprise_log_postgres_options
options_in_time(const char *schema)
{
	struct reprise_log_postgres_options options = options_of(NULL, schema);

	options.deadline_ns = DEADLINE_MS * (one_second / 1000);
	return options;
}

/* The machine that the tests run on may be slow. */
static struct reprise_log *
opened_at_last(const struct reprise_log_postgres_options *options)
{
	struct reprise_log *log = NULL;
	reprise_status status = REPRISE_E_TIMEOUT;

	for (int i = 0; i < 50 && status == REPRISE_E_TIMEOUT; i++)
		status = reprise_log_postgres_open(options, &log, NULL);
	cr_assert(eq(int, status, REPRISE_OK));
	return log;
}

/* A log of one event. */
static void
fill(const char *schema)
{
	const struct reprise_log_postgres_options options = options_of(NULL, schema);
	struct reprise_log *const log = opened(&options);

	cr_assert(eq(int, append_to(log, "acme", "t"), REPRISE_OK));
	reprise_log_close(log);
}

Test(deadlines, Q03_a_locked_key_is_waited_for_until_the_deadline)
{
	const struct reprise_log_postgres_options options = options_in_time("due_locked");
	struct log_head head;

	fill("due_locked");
	struct reprise_log *const log = opened_at_last(&options);
	struct reprise_log *const holder = opened_at_last(&options);

	cr_assert(eq(int,
		     holder->adapter->begin(holder, LOG_SYNCED, "acme", &thread_t, 1, LOG_PATIENT,
					    &head, NULL),
		     0));
	for (size_t i = 0; i < CALLS; i++)
		if (calls[i].writes)
			expect_in_time(log, i, "locked");
	holder->adapter->rollback(holder);
	reprise_log_close(holder);
	reprise_log_close(log);
}

Test(deadlines, Q03_a_locked_table_is_waited_for_until_the_deadline)
{
	const struct reprise_log_postgres_options options = options_in_time("due_table");
	PGconn *const all = connected_as(NULL);

	fill("due_table");
	struct reprise_log *const log = opened_at_last(&options);

	run(all, "BEGIN; LOCK TABLE due_table.heads");
	for (size_t i = 0; i < CALLS; i++)
		expect_in_time(log, i, "locked table");
	run(all, "ROLLBACK");
	reprise_log_close(log);
	PQfinish(all);
}

/* On a connection that was good, and where a new one is to be made. */
Test(deadlines, Q03_a_server_that_is_stopped_is_waited_for_until_the_deadline)
{
	const struct reprise_log_postgres_options options = options_in_time("due_stopped");
	struct reprise_log *logs[CALLS];

	fill("due_stopped");
	for (size_t i = 0; i < CALLS; i++)
		logs[i] = opened_at_last(&options);
	control("--pause");
	for (size_t i = 0; i < CALLS; i++) {
		expect_in_time(logs[i], i, "stopped");
		expect_in_time(logs[i], i, "stopped, anew");
	}
	uint64_t took_ms = UINT64_MAX;
	reprise_status opening = REPRISE_E_TIMEOUT;

	for (int i = 0;
	     i < TRIES && opening == REPRISE_E_TIMEOUT && took_ms > DEADLINE_MS + SLACK_MS; i++) {
		struct reprise_log *none = NULL;
		const uint64_t begin_ns = clock_ns();

		opening = reprise_log_postgres_open(&options, &none, NULL);
		took_ms = (clock_ns() - begin_ns) / 1000000;
	}
	control("--resume");
	cr_assert(eq(int, opening, REPRISE_E_TIMEOUT));
	cr_assert(le(u64, took_ms, DEADLINE_MS + SLACK_MS));
	for (size_t i = 0; i < CALLS; i++)
		reprise_log_close(logs[i]);
}

/*
 * Nothing comes, and nothing is closed: in the middle of a transaction, and in the
 * middle of connecting.
 */
Test(deadlines, Q03_a_server_that_is_away_is_waited_for_until_the_deadline)
{
	struct reprise_log_postgres_options options = options_in_time("due_away");
	struct reprise_log *logs[CALLS];
	struct proxy proxy;

	fill("due_away");
	proxy_open(&proxy);
	options.connection = proxy.connection;
	for (size_t i = 0; i < CALLS; i++)
		logs[i] = opened_at_last(&options);
	proxy_stop_after(&proxy, 0);
	for (size_t i = 0; i < CALLS; i++)
		expect_in_time(logs[i], i, "away");
	proxy_stop_after(&proxy, 1000); /* enough to begin to connect with */
	expect_in_time(logs[0], 0, "away, anew");
	proxy_close(&proxy);
	for (size_t i = 0; i < CALLS; i++)
		reprise_log_close(logs[i]);
}

static reprise_status
append_told(struct reprise_log *log, struct reprise_error *error)
{
	const struct reprise_log_new_entry entry = { .payload = { "text", 4 } };

	*error = (struct reprise_error){ .size = sizeof(*error) };
	return reprise_log_append(log, &key, NULL, &entry, 1, NULL, error);
}

Test(deadlines, Q04_a_connection_that_is_lost_is_told_with_words)
{
	struct reprise_log_postgres_options options = options_in_time("words");
	PGconn *const all = connected_as(NULL);
	struct reprise_error error;
	struct proxy proxy;
	struct log_head head;

	fill("words");
	struct reprise_log *const log = opened_at_last(&options);

	/* Ended in a transaction. */
	cr_assert(eq(int,
		     log->adapter->begin(log, LOG_SYNCED, "acme", &thread_t, 1, LOG_PATIENT, &head,
					 NULL),
		     0));
	terminate(all, server_process_of(log));
	error = (struct reprise_error){ .size = sizeof(error) };
	cr_assert(eq(int, log->adapter->commit(log, &error), REPRISE_E_IO));
	cr_assert(eq(str, error.what, "commit"), "nobody knows whether it was done");
	cr_assert(log->is_uncertain);
	cr_assert(eq(int, strncmp(error.detail, "57P01: ", 7), 0), "%s", error.detail);
	cr_assert(eq(int, append_told(log, &error), REPRISE_OK), "%s", error.detail);

	/* Silent. */
	proxy_open(&proxy);
	options.connection = proxy.connection;
	struct reprise_log *const through = opened_at_last(&options);

	proxy_stop_after(&proxy, 0);
	cr_assert(eq(int, append_told(through, &error), REPRISE_E_TIMEOUT));
	cr_assert(eq(str, error.detail, "the server does not answer within the deadline"));
	cr_assert(eq(int, append_told(through, &error), REPRISE_E_TIMEOUT));
	cr_assert(eq(str, error.detail, "no connection within the deadline"));
	proxy_close(&proxy);

	/* Gone. */
	cr_assert(eq(int, append_told(through, &error), REPRISE_E_IO));
	cr_assert(eq(str, error.what, "connection"));
	cr_assert(ne(ptr, strstr(error.detail, proxy.folder), NULL), "%s", error.detail);
	reprise_log_close(through);
	reprise_log_close(log);
	PQfinish(all);
}
