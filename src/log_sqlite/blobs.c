/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/error.h"
#include "log_sqlite/connection.h"

reprise_status
sqlite_put_blob(struct reprise_log *log, int64_t id, const struct log_blob *blob,
		struct reprise_error *error)
{
	struct connection *const connection = connection_of(log);
	struct binding binding = statement_start(connection, STATEMENT_PUT_BLOB);

	bind_signed(&binding, id);
	bind_text(&binding, blob->name);
	bind_number(&binding, blob->checksum);
	bind_bytes(&binding, blob->bytes.data, blob->bytes.size);
	return statement_run(connection, &binding, error);
}

reprise_status
sqlite_drop_blob(struct reprise_log *log, int64_t id, const char *name, uint64_t *ret_count,
		 struct reprise_error *error)
{
	struct connection *const connection = connection_of(log);
	struct binding binding = statement_start(connection, STATEMENT_DROP_BLOB);

	bind_signed(&binding, id);
	bind_text(&binding, name);
	const reprise_status status = statement_run(connection, &binding, error);

	if (status == REPRISE_OK)
		*ret_count = (uint64_t)sqlite3_changes64(connection->db);
	return status;
}

reprise_status
sqlite_blob_of(struct reprise_log *log, int64_t id, const char *name, log_blob_visit visit,
	       void *context, struct reprise_error *error)
{
	struct connection *const connection = connection_of(log);
	struct binding binding = statement_start(connection, STATEMENT_BLOB_OF);

	bind_signed(&binding, id);
	bind_text(&binding, name);
	if (statement_step(&binding) == SQLITE_ROW) {
		sqlite3_stmt *const row = binding.statement;
		struct log_blob blob = { .name = name };

		blob.checksum = (uint32_t)column_within(row, 0, UINT32_MAX, &blob.fault);
		if (sqlite3_column_type(row, 1) != SQLITE_BLOB)
			blob.fault = "a blob is not of the type BLOB";
		blob.bytes.data = sqlite3_column_blob(row, 1);
		blob.bytes.size = (size_t)sqlite3_column_bytes(row, 1);
		/* Without memory SQLite answers no address. */
		if (blob.bytes.data == NULL && blob.bytes.size != 0)
			binding.answer = SQLITE_NOMEM;
		else
			visit(&blob, context);
	}
	return statement_end(connection, &binding, error);
}

/* False: the stored value is no name, or there is no memory, which the binding's answer says. */
static bool
name_at(struct binding *binding, struct log_blob_name *ret_name)
{
	sqlite3_stmt *const row = binding->statement;
	/* The text would be of that type whatever is stored. */
	const int type = sqlite3_column_type(row, 0);
	const void *const text = sqlite3_column_text(row, 0);
	const size_t bytes = (size_t)sqlite3_column_bytes(row, 0);

	if (type == SQLITE_TEXT && text == NULL)
		binding->answer = SQLITE_NOMEM;
	if (type != SQLITE_TEXT || text == NULL || bytes >= LOG_BLOB_NAME_BYTES)
		return false;
	memcpy(ret_name->text, text, bytes + 1);
	return strlen(ret_name->text) == bytes;
}

reprise_status
sqlite_blob_names_after(struct reprise_log *log, int64_t id, const char *after,
			struct log_blob_name *ret_names, size_t *ret_count,
			struct reprise_error *error)
{
	struct connection *const connection = connection_of(log);
	struct binding binding = statement_start(connection, STATEMENT_BLOB_NAMES_AFTER);
	bool is_good = true;
	size_t count = 0;

	bind_signed(&binding, id);
	bind_text(&binding, after);
	bind_number(&binding, LOG_BLOB_NAMES_MAX);
	while (count < LOG_BLOB_NAMES_MAX && is_good && statement_step(&binding) == SQLITE_ROW)
		is_good = name_at(&binding, &ret_names[count++]);
	const reprise_status status = statement_end(connection, &binding, error);

	if (status == REPRISE_OK && !is_good)
		return error_detailed(error, REPRISE_E_CORRUPT, "a blob has an invalid name", NULL);
	*ret_count = count;
	return status;
}
