/* SPDX-License-Identifier: MIT */
#include "thread_sqlite/statements.h"

#include <string.h>

#include "thread_sqlite/connection.h"

static const char *const texts[STATEMENTS] = {
#define STATEMENT_TEXT(name, sql) [STATEMENT_##name] = (sql),
	STATEMENT_TABLE(STATEMENT_TEXT)
#undef STATEMENT_TEXT
};

reprise_status
statements_prepare(struct connection *connection, struct reprise_error *error)
{
	for (size_t i = 0; i < STATEMENTS; i++) {
		const int answer =
			sqlite3_prepare_v3(connection->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
					   &connection->statements[i], NULL);

		if (answer != SQLITE_OK)
			return connection_status(connection, answer, error);
	}
	return REPRISE_OK;
}

void
statements_finish(struct connection *connection)
{
	for (size_t i = 0; i < STATEMENTS; i++)
		(void)sqlite3_finalize(connection->statements[i]);
	memset(connection->statements, 0, sizeof(connection->statements));
}

struct binding
statement_start(struct connection *connection, enum statement statement)
{
	return (struct binding){ .statement = connection->statements[statement],
				 .answer = SQLITE_OK };
}

static void
note(struct binding *binding, int answer)
{
	if (answer != SQLITE_OK)
		binding->answer = answer;
}

void
bind_number(struct binding *binding, uint64_t number)
{
	note(binding, sqlite3_bind_int64(binding->statement, ++binding->count,
					 number > THREAD_NUMBER_MAX ? INT64_MAX : (int64_t)number));
}

void
bind_text(struct binding *binding, const char *text)
{
	note(binding,
	     sqlite3_bind_text(binding->statement, ++binding->count, text, -1, SQLITE_STATIC));
}

void
bind_uid(struct binding *binding, const struct thread_uid *uid)
{
	bind_bytes(binding, uid->bytes, sizeof(uid->bytes));
}

void
bind_bytes(struct binding *binding, const void *data, size_t size)
{
	note(binding,
	     sqlite3_bind_blob64(binding->statement, ++binding->count, data, size, SQLITE_STATIC));
}

int
statement_step(struct binding *binding)
{
	if (binding->answer == SQLITE_OK || binding->answer == SQLITE_ROW)
		binding->answer = sqlite3_step(binding->statement);
	return binding->answer;
}

reprise_status
statement_end(struct connection *connection, struct binding *binding, struct reprise_error *error)
{
	const reprise_status status = connection_status(connection, binding->answer, error);

	(void)sqlite3_reset(binding->statement);
	return status;
}

reprise_status
statement_run(struct connection *connection, struct binding *binding, struct reprise_error *error)
{
	(void)statement_step(binding);
	return statement_end(connection, binding, error);
}
