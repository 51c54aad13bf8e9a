/* SPDX-License-Identifier: MIT */
/*
 * A runtime that vanishes in the middle of a transaction: nothing is forwarded any more, and
 * nothing is closed.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "proxy.h"
#include "server.h"

SUITE(vanished);

static const char *const thread_t = "t";

static uint64_t
ms_since(uint64_t begin_ns)
{
	return (clock_ns() - begin_ns) / 1000000;
}

/* A deadline of 0.5 s, and a bound of 1 s. */
static struct reprise_log_postgres_options
hasty_options(const char *schema)
{
	struct reprise_log_postgres_options options = options_of(NULL, schema);

	options.deadline_ns = one_second / 2;
	options.transaction_idle_ns = one_second;
	return options;
}

/*
 * Through the proxy, which is gone from then on: a key is locked for ever, but for the server's
 * patience.
 */
static struct reprise_log *
vanished(struct proxy *proxy, const struct reprise_log_postgres_options *direct, uint64_t bytes)
{
	struct reprise_log_postgres_options options = *direct;
	struct log_row row = { .first = 1, .last = 1, .payload = { "x", 1 } };
	struct log_head head;

	options.connection = proxy->connection;
	struct reprise_log *const log = opened(&options);

	cr_assert(eq(int, append_to(log, "acme", "t"), REPRISE_OK));
	cr_assert(eq(int,
		     log->adapter->begin(log, LOG_SYNCED, "acme", &thread_t, 1, LOG_PATIENT, &head,
					 NULL),
		     0));
	proxy_stop_after(proxy, bytes);
	if (bytes == 0)
		return log;
	/* Until the sockets are full, and the call gives up. */
	char *const payload = calloc(1, 60000);
	reprise_status status = REPRISE_OK;

	row.payload = (struct reprise_bytes){ payload, 60000 };
	for (uint64_t i = 2; i < 200 && status == REPRISE_OK; i++) {
		row.first = row.last = i;
		status = log->adapter->put_row(log, head.id, &row, NULL);
	}
	free(payload);
	cr_assert(eq(int, status, REPRISE_E_TIMEOUT));
	return log;
}

/* The key can be written to within the bound and a deadline, by calls that are repeated. */
static void
expect_freed(const char *schema, uint64_t bytes)
{
	const struct reprise_log_postgres_options options = hasty_options(schema);
	const struct reprise_log_postgres_options patient = options_of(NULL, schema);

	reprise_log_close(opened(&patient)); /* the schema is there */
	struct reprise_log *const other = opened(&options);
	struct proxy proxy;
	reprise_status status;

	proxy_open(&proxy);
	struct reprise_log *const log = vanished(&proxy, &options, bytes);
	const uint64_t begin_ns = clock_ns();

	do
		status = append_to(other, "acme", "t");
	while (status == REPRISE_E_TIMEOUT && ms_since(begin_ns) < 10000);
	const uint64_t took_ms = ms_since(begin_ns);

	cr_assert(eq(int, status, REPRISE_OK));
	cr_assert(lt(u64, took_ms, 1500 + 300), "%llu ms", (unsigned long long)took_ms);
	cr_assert(eq(u64, head_of(other, "acme", "t"), 2), "what was not committed is not there");
	proxy_close(&proxy);
	reprise_log_close(log);
	reprise_log_close(other);
}

Test(vanished, Q01_a_transaction_whose_client_vanishes_is_ended_after_the_bound)
{
	expect_freed("vanished_idle", 0);
}

/*
 * Where the server's own time-outs run, and where none does: in a statement's values, and
 * behind some statements.
 */
Test(vanished, Q01_a_client_that_vanishes_in_the_middle_of_what_it_sends_is_no_exception)
{
	expect_freed("vanished_early", 3);
	expect_freed("vanished_within", 100000);
	expect_freed("vanished_later", 300000);
}

Test(vanished, Q01_our_sessions_say_how_long_they_may_be_silent)
{
	struct reprise_log_postgres_options options = options_of(NULL, "vanished_set");
	PGconn *const all = connected_as(NULL);
	static const struct {
		const char *name, *expected;
	} settings[] = {
		{ "lock_timeout", "1990ms" },
		{ "idle_in_transaction_session_timeout", "7s" },
		{ "statement_timeout", "9s" },
	};

	options.transaction_idle_ns = 7 * one_second;
	struct reprise_log *const log = opened(&options);
	struct wire *const wire = &postgres_of(log)->wire;

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		struct values name = { 0 };
		PGresult *answer = NULL;

		wire_begin_call(wire);
		value_text(&name, settings[i].name);
		(void)wire_send_sql(wire, "SELECT current_setting($1)", &name);
		cr_assert(eq(int, wire_ask(wire, &answer, NULL), REPRISE_OK));
		cr_assert(eq(str, PQgetvalue(answer, 0, 0), (char *)settings[i].expected), "%s",
			  settings[i].name);
		PQclear(answer);
	}
	/* Of a TCP connection; a socket of this machine has none of them. */
	PQconninfoOption *const given = PQconninfo(wire->connection);

	for (const PQconninfoOption *option = given; option->keyword != NULL; option++) {
		if (strcmp(option->keyword, "tcp_user_timeout") == 0)
			cr_assert(eq(str, option->val, "7000"));
		if (strcmp(option->keyword, "keepalives_idle") == 0)
			cr_assert(eq(str, option->val, "4"));
	}
	PQconninfoFree(given);
	reprise_log_close(log);
	PQfinish(all);
}

Test(vanished, Q01_the_bound_is_between_a_tenth_of_a_second_and_an_hour)
{
	struct reprise_log_postgres_options options = options_of(NULL, "vanished_bound");

	options.transaction_idle_ns = one_second / 10 - 1;
	expect_refused(&options, REPRISE_E_INVALID, "transaction_idle_ns");
	options.transaction_idle_ns = 3600 * one_second + 1;
	expect_refused(&options, REPRISE_E_INVALID, "transaction_idle_ns");
	options.transaction_idle_ns = one_second / 10;
	reprise_log_close(opened(&options));
}
