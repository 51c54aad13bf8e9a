/* SPDX-License-Identifier: MIT */
#include "log_postgres/wire.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/descriptor.h"
#include "base/error.h"
#include "base/numbers.h"
#include "log/adapter.h"

/* So much is queued before it is seen to that it leaves, and that answers come in. */
static const size_t unsent_bytes_max = 128 << 10;

/* After so much data the deadline begins anew. */
static const size_t extension_bytes = 1 << 20;

/*
 * The server's own time-outs end at the deadline. It is given the time to say so, since a call that
 * gives the server up loses the connection.
 */
static const uint64_t grace_ns = 25000000;

/* The bytes of a statement without its values, about. */
static const size_t statement_bytes = 64;

static const int formats[VALUES_MAX] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 }; /* binary */

static void
lose(struct wire *wire, reprise_status status, const char *words)
{
	failure_note(&wire->failure, status, words);
	wire_close(wire);
}

static reprise_status
lose_for_libpq(struct wire *wire)
{
	lose(wire, REPRISE_E_IO, PQerrorMessage(wire->connection));
	return wire->failure.status;
}

/* libpq would not send: it has no memory, or no connection. */
static reprise_status
refused(struct wire *wire)
{
	if (PQstatus(wire->connection) != CONNECTION_OK)
		return lose_for_libpq(wire);
	lose(wire, REPRISE_E_NO_MEMORY, PQerrorMessage(wire->connection));
	return wire->failure.status;
}

/* E_TIMEOUT at @due_ns, or soon after the log is interrupted. */
static reprise_status
wait_until(const struct wire *wire, const PGconn *connection, short events, uint64_t due_ns)
{
	struct pollfd poll_fd = { .fd = PQsocket(connection), .events = events };

	for (;;) {
		const uint64_t now_ns = clock_ns();
		const uint64_t left_ns = now_ns < due_ns ? due_ns - now_ns : 0;
		const uint64_t left_ms =
			least(left_ns / 1000000 + (left_ns > 0), LOG_INTERRUPT_NS / 1000000);
		const int ready = poll(&poll_fd, 1, (int)left_ms);

		if (load_relaxed(wire->is_interrupted) != 0)
			return REPRISE_E_TIMEOUT;
		if (ready > 0)
			return REPRISE_OK;
		if (ready < 0 && errno != EINTR)
			return REPRISE_E_IO;
		if (left_ns == 0)
			return REPRISE_E_TIMEOUT;
	}
}

void
wire_begin_call(struct wire *wire)
{
	wire->due_ns = deadline_after(clock_ns(), wire->deadline_ns + grace_ns);
	wire->moved_bytes = 0;
}

void
wire_count_moved(struct wire *wire, size_t bytes)
{
	wire->moved_bytes += bytes;
	if (wire->moved_bytes >= extension_bytes)
		wire_begin_call(wire);
}

static void
say_nothing(void *context, const char *words)
{
	(void)context, (void)words;
}

static reprise_status
follow_connecting(struct wire *wire, uint64_t due_ns)
{
	PGconn *const connection = wire->connection;
	PostgresPollingStatusType step = PGRES_POLLING_WRITING;

	if (PQstatus(connection) == CONNECTION_BAD)
		return REPRISE_E_IO;
	while (step != PGRES_POLLING_OK) {
		const reprise_status status = wait_until(
			wire, connection, step == PGRES_POLLING_READING ? POLLIN : POLLOUT, due_ns);

		if (status != REPRISE_OK)
			return status;
		step = PQconnectPoll(connection);
		wire->socket = PQsocket(connection);
		if (step == PGRES_POLLING_FAILED)
			return REPRISE_E_IO;
	}
	if (PQsetnonblocking(connection, 1) != 0 || !PQenterPipelineMode(connection))
		return REPRISE_E_IO;
	return REPRISE_OK;
}

/* The connection string comes after what it may say otherwise, and before what it may not. */
static PGconn *
start_connecting(const char *connection, uint64_t vanished_ms)
{
	char idle_s[24], interval_s[24], timeout_ms[24];
	const uint64_t vanished_s = (vanished_ms + 999) / 1000;
	const char *const keywords[] = { "keepalives_idle",
					 "keepalives_interval",
					 "keepalives_count",
					 "tcp_user_timeout",
					 "dbname",
					 "client_encoding",
					 "fallback_application_name",
					 NULL };
	const char *const values[] = { idle_s,     interval_s, "2",       timeout_ms,
				       connection, "UTF8",     "reprise", NULL };

	snprintf(idle_s, sizeof(idle_s), "%llu", (unsigned long long)((vanished_s + 1) / 2));
	snprintf(interval_s, sizeof(interval_s), "%llu",
		 (unsigned long long)((vanished_s + 3) / 4));
	snprintf(timeout_ms, sizeof(timeout_ms), "%llu", (unsigned long long)vanished_ms);
	return PQconnectStartParams(keywords, values, 1);
}

reprise_status
wire_open(struct wire *wire, const char *connection, uint64_t vanished_ms,
	  struct reprise_error *error)
{
	*wire = (struct wire){ .deadline_ns = wire->deadline_ns,
			       .due_ns = wire->due_ns,
			       .is_interrupted = wire->is_interrupted,
			       .socket = -1 };
	const struct descriptors standard = descriptors_occupy_standard();

	wire->connection = start_connecting(connection, vanished_ms);
	if (wire->connection == NULL) {
		descriptors_release(&standard);
		return error_plain(error, REPRISE_E_NO_MEMORY);
	}
	wire->socket = PQsocket(wire->connection);
	PQsetNoticeProcessor(wire->connection, say_nothing, NULL);
	const reprise_status status = follow_connecting(wire, wire->due_ns);

	descriptors_release(&standard);
	if (status == REPRISE_OK)
		return REPRISE_OK;
	lose(wire, status,
	     status == REPRISE_E_TIMEOUT ? "no connection within the deadline"
					 : PQerrorMessage(wire->connection));
	return failure_tell(&wire->failure, error);
}

void
wire_close(struct wire *wire)
{
	wire->socket = -1;
	PQfinish(wire->connection);
	wire->connection = NULL;
	wire->pending = 0;
	wire->stale = 0;
	wire->unsent_bytes = 0;
}

bool
wire_is_whole(struct wire *wire)
{
	struct pollfd poll_fd = { .events = POLLIN };

	if (wire->connection == NULL)
		return false;
	/* A server that goes away says so, and then closes: both may be waiting to be read. */
	poll_fd.fd = PQsocket(wire->connection);
	for (int i = 0; i < 4 && poll(&poll_fd, 1, 0) > 0; i++)
		if (!PQconsumeInput(wire->connection))
			break;
	if (PQstatus(wire->connection) == CONNECTION_OK)
		return true;
	wire_close(wire);
	return false;
}

/* Keeps the last good answer in @ret_answer. */
static void
take(struct wire *wire, PGresult *answer, PGresult **ret_answer)
{
	const ExecStatusType type = PQresultStatus(answer);
	const bool is_good = type == PGRES_TUPLES_OK || type == PGRES_COMMAND_OK;

	wire->pending--;
	if (wire->stale > 0) {
		wire->stale--;
	} else if (is_good && ret_answer != NULL) {
		PGresult *const before = *ret_answer;

		*ret_answer = answer;
		answer = before;
	} else if (type == PGRES_FATAL_ERROR) {
		failure_note_answer(&wire->failure, wire->connection, answer);
	} else if (!is_good && type != PGRES_PIPELINE_SYNC) {
		/* The server skipped a statement after a failure; no other answer is expected. */
		failure_note(&wire->failure, REPRISE_E_IO, PQresStatus(type));
	}
	PQclear(answer);
}

/* Takes the answers that have arrived. */
static reprise_status
take_arrived(struct wire *wire, PGresult **ret_answer)
{
	while (wire->pending > 0 && !PQisBusy(wire->connection)) {
		PGresult *const answer = PQgetResult(wire->connection);
		const bool is_sync = PQresultStatus(answer) == PGRES_PIPELINE_SYNC;

		if (answer == NULL)
			return lose_for_libpq(wire);
		take(wire, answer, ret_answer);
		if (is_sync)
			continue;
		/*
		 * Behind the answer to a statement there is a NULL, which libpq forgets if
		 * we send before.
		 */
		PGresult *const more = PQgetResult(wire->connection);

		if (more != NULL) {
			PQclear(more);
			return lose_for_libpq(wire);
		}
	}
	if (PQstatus(wire->connection) != CONNECTION_OK)
		return lose_for_libpq(wire);
	return REPRISE_OK;
}

/* Sends and takes, until all has left, and if @is_all until all has come. */
static reprise_status
exchange(struct wire *wire, bool is_all, PGresult **ret_answer)
{
	for (;;) {
		reprise_status status = take_arrived(wire, ret_answer);

		if (status != REPRISE_OK)
			return status;
		const int left = PQflush(wire->connection);

		if (left < 0)
			return lose_for_libpq(wire);
		if (left == 0)
			wire->unsent_bytes = 0;
		if (left == 0 && (!is_all || wire->pending == 0))
			return REPRISE_OK;
		status = wait_until(wire, wire->connection,
				    (short)(left > 0 ? POLLIN | POLLOUT : POLLIN), wire->due_ns);
		if (status != REPRISE_OK) {
			lose(wire, status, "the server does not answer within the deadline");
			return wire->failure.status;
		}
		if (!PQconsumeInput(wire->connection))
			return lose_for_libpq(wire);
	}
}

static reprise_status
sent(struct wire *wire, size_t bytes)
{
	wire->pending++;
	wire->is_synced = false;
	wire->unsent_bytes += bytes;
	wire_count_moved(wire, bytes);
	if (wire->unsent_bytes < unsent_bytes_max)
		return REPRISE_OK;
	const reprise_status status = exchange(wire, false, NULL);

	return status != REPRISE_OK ? status : wire->failure.status;
}

reprise_status
wire_prepare(struct wire *wire, const char *statement, const char *sql)
{
	if (wire->failure.status != REPRISE_OK)
		return wire->failure.status;
	if (!PQsendPrepare(wire->connection, statement, sql, 0, NULL))
		return refused(wire);
	return sent(wire, strlen(sql));
}

reprise_status
wire_send_sql(struct wire *wire, const char *sql, const struct values *arguments)
{
	const struct values none = { 0 };

	if (wire->failure.status != REPRISE_OK)
		return wire->failure.status;
	if (arguments == NULL)
		arguments = &none;
	if (!PQsendQueryParams(wire->connection, sql, arguments->count, NULL, arguments->at,
			       arguments->sizes, formats, 1))
		return refused(wire);
	return sent(wire, strlen(sql) + arguments->bytes);
}

reprise_status
wire_send(struct wire *wire, const char *statement, const struct values *values)
{
	const struct values none = { 0 };

	if (wire->failure.status != REPRISE_OK)
		return wire->failure.status;
	if (values == NULL)
		values = &none;
	if (!PQsendQueryPrepared(wire->connection, statement, values->count, values->at,
				 values->sizes, formats, 1))
		return refused(wire);
	return sent(wire, statement_bytes + values->bytes);
}

static reprise_status
sync_pipeline(struct wire *wire)
{
	if (!PQpipelineSync(wire->connection))
		return refused(wire);
	wire->pending++;
	wire->is_synced = true;
	return REPRISE_OK;
}

reprise_status
wire_ask(struct wire *wire, PGresult **ret_answer, struct reprise_error *error)
{
	PGresult *answer = NULL;

	if (wire->failure.status == REPRISE_OK && sync_pipeline(wire) == REPRISE_OK)
		(void)exchange(wire, true, &answer);
	if (wire->failure.status != REPRISE_OK) {
		PQclear(answer);
		return failure_tell(&wire->failure, error);
	}
	if (ret_answer != NULL)
		*ret_answer = answer;
	else
		PQclear(answer);
	return REPRISE_OK;
}

void
wire_tell(struct wire *wire, const char *statement, const struct values *values)
{
	if (wire->connection == NULL)
		return;
	if (wire_send(wire, statement, values) == REPRISE_OK && sync_pipeline(wire) == REPRISE_OK) {
		wire->stale = wire->pending;
		(void)exchange(wire, false, NULL);
	}
	wire->failure = (struct failure){ 0 };
}

void
wire_end(struct wire *wire, const char *statement)
{
	/* After an answer that is not understood the connection is not trusted. */
	if (wire->failure.status == REPRISE_E_IO && wire->connection != NULL)
		wire_close(wire);
	wire->failure = (struct failure){ 0 };
	if (wire->connection != NULL) {
		/* After a failure the server skips what comes before the next sync. */
		if (wire->is_synced || sync_pipeline(wire) == REPRISE_OK)
			(void)wire_send(wire, statement, NULL);
		wire->stale = wire->pending;
		if (wire->connection != NULL && sync_pipeline(wire) == REPRISE_OK) {
			wire->stale = wire->pending;
			(void)exchange(wire, false, NULL);
		}
	}
	wire->failure = (struct failure){ 0 };
}
