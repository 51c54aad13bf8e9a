/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/error.h"
#include "log_postgres/postgres.h"

reprise_status
blobs_put(struct reprise_log *log, int64_t id, const struct log_blob *blob,
	  struct reprise_error *error)
{
	struct postgres *const postgres = postgres_of(log);
	struct values values = { 0 };

	value_i64(&values, id);
	value_text(&values, blob->name);
	value_i32(&values, (int32_t)blob->checksum);
	value_bytes(&values, blob->bytes.data, blob->bytes.size);
	(void)send_statement(postgres, PUT_BLOB, &values);
	if (postgres->wire.failure.status == REPRISE_OK)
		return REPRISE_OK;
	return failure_tell(&postgres->wire.failure, error);
}

/* Asks about the blob of that name. */
static reprise_status
ask_of(struct reprise_log *log, enum statement statement, int64_t id, const char *name,
       PGresult **ret_answer, struct reprise_error *error)
{
	struct postgres *const postgres = postgres_of(log);
	struct values values = { 0 };

	value_i64(&values, id);
	value_text(&values, name);
	(void)send_statement(postgres, statement, &values);
	return wire_ask(&postgres->wire, ret_answer, error);
}

reprise_status
blobs_drop(struct reprise_log *log, int64_t id, const char *name, uint64_t *ret_count,
	   struct reprise_error *error)
{
	PGresult *answer = NULL;
	const reprise_status status = ask_of(log, DROP_BLOB, id, name, &answer, error);

	if (status != REPRISE_OK)
		return status;
	*ret_count = strtoull(PQcmdTuples(answer), NULL, 10);
	PQclear(answer);
	return REPRISE_OK;
}

reprise_status
blobs_find(struct reprise_log *log, int64_t id, const char *name, log_blob_visit visit,
	   void *context, struct reprise_error *error)
{
	PGresult *answer = NULL;
	const reprise_status status = ask_of(log, BLOB_OF, id, name, &answer, error);

	if (status != REPRISE_OK)
		return status;
	if (PQntuples(answer) != 0) {
		const struct log_blob blob = {
			.name = name,
			.checksum = (uint32_t)number_at(answer, 0, BLOB_CHECKSUM),
			.bytes = { PQgetvalue(answer, 0, BLOB_BYTES),
				   (size_t)PQgetlength(answer, 0, BLOB_BYTES) },
		};

		wire_count_moved(&postgres_of(log)->wire, blob.bytes.size);
		visit(&blob, context);
	}
	PQclear(answer);
	return REPRISE_OK;
}

/* False: it is too long for a name. */
static bool
name_at_row(const PGresult *answer, int row, struct log_blob_name *ret_name)
{
	const size_t bytes = (size_t)PQgetlength(answer, row, 0);

	if (bytes >= LOG_BLOB_NAME_BYTES)
		return false;
	memcpy(ret_name->text, PQgetvalue(answer, row, 0), bytes);
	ret_name->text[bytes] = '\0';
	return true;
}

reprise_status
blobs_find_names(struct reprise_log *log, int64_t id, const char *after,
		 struct log_blob_name *ret_names, size_t *ret_count, struct reprise_error *error)
{
	struct postgres *const postgres = postgres_of(log);
	struct values values = { 0 };
	PGresult *answer = NULL;
	bool is_good = true;

	value_i64(&values, id);
	value_text(&values, after);
	value_ordinal(&values, LOG_BLOB_NAMES_MAX);
	(void)send_statement(postgres, BLOB_NAMES_AFTER, &values);
	const reprise_status status = wire_ask(&postgres->wire, &answer, error);

	if (status != REPRISE_OK)
		return status;
	const int rows = PQntuples(answer);

	for (int row = 0; row < rows && is_good; row++)
		is_good = name_at_row(answer, row, &ret_names[row]);
	PQclear(answer);
	if (!is_good)
		return error_detailed(error, REPRISE_E_CORRUPT, "a blob has an invalid name", NULL);
	*ret_count = (size_t)rows;
	return REPRISE_OK;
}
