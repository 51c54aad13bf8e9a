/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "log_sqlite/connection.h"

static reprise_status
drop_all(struct connection *connection, enum statement statement, int64_t id,
	 struct reprise_error *error)
{
	struct binding binding = statement_start(connection, statement);

	bind_signed(&binding, id);
	return statement_run(connection, &binding, error);
}

reprise_status
sqlite_drop_lives(struct reprise_log *log, int64_t id, struct reprise_error *error)
{
	return drop_all(connection_of(log), STATEMENT_DROP_LIVES, id, error);
}

reprise_status
sqlite_drop_blobs(struct reprise_log *log, int64_t id, struct reprise_error *error)
{
	return drop_all(connection_of(log), STATEMENT_DROP_BLOBS, id, error);
}

/*
 * The high-water mark may name the key that goes: then it names none from before the commit on.
 * Should the commit fail, less is noticed, and nothing wrong is said.
 */
static void
take_mark_back(struct connection *connection, int64_t id)
{
	static const struct mark none;
	struct mark mark;

	if (mark_read(connection->turn.fd, &mark) && mark.id == id)
		(void)mark_write(connection->turn.fd, &none);
	if (connection->written_id == id)
		connection->written_id = 0;
}

reprise_status
sqlite_forget(struct reprise_log *log, int64_t id, struct reprise_error *error)
{
	static const enum statement statements[] = {
		STATEMENT_FORGET_ROWS,    STATEMENT_FORGET_KEPT, STATEMENT_FORGET_RISES,
		STATEMENT_FORGET_COMMITS, STATEMENT_DROP_LIVES,  STATEMENT_DROP_BLOBS,
		STATEMENT_FORGET_HEAD,
	};
	struct connection *const connection = connection_of(log);
	reprise_status status = REPRISE_OK;

	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
		if (status == REPRISE_OK)
			status = drop_all(connection, statements[i], id, error);
	if (status == REPRISE_OK)
		take_mark_back(connection, id);
	return status;
}

reprise_status
sqlite_set_secure(struct reprise_log *log, bool is_secure, struct reprise_error *error)
{
	static const char *const levels[] = {
		[SECURE_OFF] = "PRAGMA secure_delete = OFF",
		[SECURE_ON] = "PRAGMA secure_delete = ON",
		[SECURE_FAST] = "PRAGMA secure_delete = FAST",
	};
	int64_t before = SECURE_OFF;
	struct connection *const connection = connection_of(log);

	if (connection->options.is_read_only)
		return error_detailed(error, REPRISE_E_INVALID, "is_read_only",
				      "the log was opened to be read only");
	connection_start(connection);
	if (!is_secure)
		return connection_run(connection, levels[connection->secure_before], error);
	reprise_status status = connection_ask(connection, "PRAGMA secure_delete", &before, error);

	if (status != REPRISE_OK)
		return status;
	connection->secure_before =
		before == SECURE_ON || before == SECURE_FAST ? (enum secure)before : SECURE_OFF;
	return connection_run(connection, levels[SECURE_ON], error);
}

reprise_status
sqlite_clean(struct reprise_log *log, bool vacuums, struct reprise_error *error)
{
	struct connection *const connection = connection_of(log);

	connection_start(connection);
	const uint64_t give_up_ns = connection->give_up_ns;
	reprise_status status = connection_take_turn(connection, error);

	if (status != REPRISE_OK)
		return status;
	status = connection_check(connection, error);
	if (status == REPRISE_OK && vacuums)
		status = connection_run(connection, "VACUUM", error);
	if (status == REPRISE_OK)
		status = checkpoint_cut(connection, give_up_ns, error);
	connection_give_turn(connection);
	return status;
}
