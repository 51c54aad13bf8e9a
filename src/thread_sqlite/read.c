/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/error.h"
#include "thread_sqlite/connection.h"

/* A blob of exactly @size bytes. */
static void
copy_bytes(sqlite3_stmt *statement, int column, void *to, size_t size, const char **fault)
{
	if (sqlite3_column_type(statement, column) == SQLITE_BLOB &&
	    sqlite3_column_bytes(statement, column) == (int)size)
		memcpy(to, sqlite3_column_blob(statement, column), size);
	else
		*fault = "a value is not of the type BLOB, or has a wrong size";
}

/* Borrowed until the statement steps on. */
static struct reprise_bytes
column_json(struct binding *binding, int column, const char **fault)
{
	struct reprise_bytes bytes = { NULL, 0 };

	if (sqlite3_column_type(binding->statement, column) != SQLITE_BLOB) {
		*fault = "a value is not of the type BLOB, or has a wrong size";
		return bytes;
	}
	bytes.data = sqlite3_column_blob(binding->statement, column);
	bytes.size = (size_t)sqlite3_column_bytes(binding->statement, column);
	/* No bytes at all, or no memory for those that there are. */
	if (bytes.data == NULL && bytes.size != 0)
		binding->answer = SQLITE_NOMEM;
	return bytes;
}

static void
read_head_row(sqlite3_stmt *statement, struct thread_head *ret_head)
{
	const unsigned char *const id = sqlite3_column_text(statement, 0);
	const int id_bytes = sqlite3_column_bytes(statement, 0);

	*ret_head = (struct thread_head){ .exists = true };
	if (id != NULL && id_bytes > 0 && (size_t)id_bytes < sizeof(ret_head->id))
		memcpy(ret_head->id, id, (size_t)id_bytes);
	else
		ret_head->fault = "an id is empty or too long";
	copy_bytes(statement, 1, ret_head->uid.bytes, sizeof(ret_head->uid.bytes),
		   &ret_head->fault);
	ret_head->version = column_number(statement, 2, &ret_head->fault);
	ret_head->base = column_number(statement, 3, &ret_head->fault);
	ret_head->complete_after = column_number(statement, 4, &ret_head->fault);
	ret_head->text_bytes = column_number(statement, 5, &ret_head->fault);
	ret_head->delta_bytes = column_number(statement, 6, &ret_head->fault);
	ret_head->growth_bytes = column_number(statement, 7, &ret_head->fault);
	ret_head->checksum = column_checksum(statement, 8, &ret_head->fault);
}

reprise_status
read_head(struct connection *connection, const char *id, struct thread_head *ret_head,
	  struct reprise_error *error)
{
	struct binding binding = statement_start(connection, STATEMENT_HEAD);

	*ret_head = (struct thread_head){ 0 };
	bind_text(&binding, id);
	if (statement_step(&binding) == SQLITE_ROW)
		read_head_row(binding.statement, ret_head);
	return statement_end(connection, &binding, error);
}

reprise_status
sqlite_look(struct reprise_thread_store *store, const char *id, struct thread_head *ret_head,
	    struct reprise_error *error)
{
	struct connection *const connection = connection_of(store);
	struct binding binding;

	connection_start(connection);
	reprise_status status = bound_check(&connection->bound, error);

	if (status != REPRISE_OK)
		return status;
	binding = statement_start(connection, STATEMENT_LOOK);
	status = statement_run(connection, &binding, error);
	return status == REPRISE_OK && id != NULL ? read_head(connection, id, ret_head, error)
						  : status;
}

void
sqlite_leave(struct reprise_thread_store *store)
{
	sqlite_rollback(store);
}

reprise_status
sqlite_text_of(struct reprise_thread_store *store, const struct thread_uid *uid,
	       thread_text_visit visit, void *context, struct reprise_error *error)
{
	struct connection *const connection = connection_of(store);
	struct binding binding = statement_start(connection, STATEMENT_TEXT);

	bind_uid(&binding, uid);
	if (statement_step(&binding) == SQLITE_ROW) {
		struct thread_text text = { 0 };

		text.version = column_number(binding.statement, 0, &text.fault);
		text.checksum = column_checksum(binding.statement, 1, &text.fault);
		text.json = column_json(&binding, 2, &text.fault);
		if (binding.answer == SQLITE_ROW)
			visit(&text, context);
	}
	return statement_end(connection, &binding, error);
}

reprise_status
sqlite_deltas_after(struct reprise_thread_store *store, const struct thread_uid *uid,
		    uint64_t version, uint64_t limit, thread_delta_visit visit, void *context,
		    struct reprise_error *error)
{
	struct connection *const connection = connection_of(store);
	struct binding binding = statement_start(connection, STATEMENT_DELTAS_AFTER);
	bool goes_on = true;

	bind_uid(&binding, uid);
	bind_number(&binding, version);
	bind_number(&binding, limit);
	while (goes_on && statement_step(&binding) == SQLITE_ROW) {
		struct thread_delta delta = { 0 };

		delta.version = column_number(binding.statement, 0, &delta.fault);
		delta.stored_ms = column_number(binding.statement, 1, &delta.fault);
		delta.checksum = column_checksum(binding.statement, 2, &delta.fault);
		delta.json = column_json(&binding, 3, &delta.fault);
		goes_on = binding.answer == SQLITE_ROW && visit(&delta, context);
	}
	return statement_end(connection, &binding, error);
}

static reprise_status
find_one(struct connection *connection, const struct thread_uid *uid, const char *delta_id,
	 struct thread_applied *ret_applied, struct reprise_error *error)
{
	struct binding binding = statement_start(connection, STATEMENT_APPLIED);

	*ret_applied = (struct thread_applied){ 0 };
	bind_uid(&binding, uid);
	bind_text(&binding, delta_id);
	if (statement_step(&binding) == SQLITE_ROW) {
		ret_applied->exists = true;
		ret_applied->version = column_number(binding.statement, 0, &ret_applied->fault);
		ret_applied->applied_ms = column_number(binding.statement, 1, &ret_applied->fault);
		ret_applied->checksum = column_checksum(binding.statement, 2, &ret_applied->fault);
		copy_bytes(binding.statement, 3, ret_applied->digest, sizeof(ret_applied->digest),
			   &ret_applied->fault);
	}
	return statement_end(connection, &binding, error);
}

reprise_status
sqlite_applied_of(struct reprise_thread_store *store, const struct thread_uid *uid,
		  const char *const *delta_ids, size_t delta_ids_count,
		  struct thread_applied *ret_applied, struct reprise_error *error)
{
	reprise_status status = REPRISE_OK;

	for (size_t i = 0; i < delta_ids_count && status == REPRISE_OK; i++)
		status = find_one(connection_of(store), uid, delta_ids[i], &ret_applied[i], error);
	return status;
}

reprise_status
sqlite_heads(struct reprise_thread_store *store, uint64_t offset, uint64_t limit,
	     struct thread_head *ret_heads, size_t *ret_count, uint64_t *ret_total,
	     struct reprise_error *error)
{
	struct connection *const connection = connection_of(store);
	struct binding count = statement_start(connection, STATEMENT_COUNT);
	struct binding binding = statement_start(connection, STATEMENT_HEADS);
	size_t found = 0;

	if (statement_step(&count) == SQLITE_ROW)
		*ret_total = (uint64_t)sqlite3_column_int64(count.statement, 0);
	const reprise_status status = statement_end(connection, &count, error);

	if (status != REPRISE_OK)
		return status;
	bind_number(&binding, offset);
	bind_number(&binding, limit);
	while (found < limit && statement_step(&binding) == SQLITE_ROW)
		read_head_row(binding.statement, &ret_heads[found++]);
	*ret_count = found;
	return statement_end(connection, &binding, error);
}
