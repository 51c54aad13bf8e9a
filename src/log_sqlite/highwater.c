/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"
#include "log_sqlite/connection.h"

/*
 * How often the head of a key was written; 0 or less: the key is not there. Of a schema that has no
 * such counter something else is to be said: then the most there is.
 */
static reprise_status
ask_writes(struct connection *connection, int64_t id, int64_t *ret_writes,
	   struct reprise_error *error)
{
	int64_t is_known = 0;
	char sql[96];
	reprise_status status = connection_ask(
		connection, "SELECT count(*) FROM pragma_table_info('heads') WHERE name = 'writes'",
		&is_known, error);

	if (status == REPRISE_OK && !is_known)
		return connection_ask(connection,
				      "SELECT iif(user_version = 0, -1, 9223372036854775807)"
				      " FROM pragma_user_version",
				      ret_writes, error);
	if (status != REPRISE_OK)
		return status;
	snprintf(sql, sizeof(sql), "SELECT max(writes) FROM heads WHERE id = %" PRId64, id);
	return connection_ask(connection, sql, ret_writes, error);
}

reprise_status
highwater_check(struct connection *connection, const struct mark *mark, struct reprise_error *error)
{
	int64_t application = 0, writes = 0;

	if (mark->id == 0)
		return REPRISE_OK;
	reprise_status status =
		connection_ask(connection, "PRAGMA application_id", &application, error);

	/* Of another application's file something else is to be said. */
	if (status != REPRISE_OK || (application != 0 && application != LOG_SQLITE_APPLICATION))
		return status;
	status = ask_writes(connection, mark->id, &writes, error);
	if (status != REPRISE_OK || writes >= (int64_t)mark->writes)
		return status;
	return bound_refused(
		&connection->bound, BOUND_DATABASE, REPRISE_E_CORRUPT,
		"synced commits are missing: the -wal is damaged, or the file is an old copy;"
		" to go on, remove -lock",
		error);
}

reprise_status
highwater_prepare(struct connection *connection, struct mark *ret_mark, struct reprise_error *error)
{
	*ret_mark = (struct mark){ 0 };
	if (connection->level != LOG_SYNCED || connection->written_id == 0)
		return REPRISE_OK;
	struct binding binding = statement_start(connection, STATEMENT_WRITES);

	bind_signed(&binding, connection->written_id);
	if (statement_step(&binding) == SQLITE_ROW)
		*ret_mark = (struct mark){ .id = connection->written_id,
					   .writes = (uint64_t)sqlite3_column_int64(
						   binding.statement, 0) };
	return statement_end(connection, &binding, error);
}

void
highwater_raise(struct connection *connection, const struct mark *mark)
{
	/*
	 * If it cannot be written, an older one stands: less is noticed, and nothing wrong is said.
	 */
	if (mark->id != 0)
		(void)mark_write(connection->turn.fd, mark);
}

reprise_status
sqlite_check(struct reprise_log *log, struct reprise_error *error)
{
	struct connection *const connection = connection_of(log);
	struct mark mark;

	connection_start(connection);
	const reprise_status status = connection_refresh(connection, error);

	if (status != REPRISE_OK || !mark_read(connection->turn.fd, &mark))
		return status;
	return highwater_check(connection, &mark, error);
}
