/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/error.h"
#include "base/numbers.h"
#include "log_postgres/postgres.h"

/* How many rows, and about how many bytes of payloads, the server is asked for at once. */
static const uint64_t part_rows_max = 1000;
static const uint64_t part_bytes_max = 1 << 20;

static void
send_begin(struct postgres *postgres, const char *tenant)
{
	struct values values = { 0 };

	value_text(&values, tenant);
	(void)send_statement(postgres, BEGIN_READING, NULL);
	(void)send_statement(postgres, SET_TENANT, &values);
}

reprise_status
find_begin(struct reprise_log *log, const char *tenant, const char *thread,
	   struct log_head *ret_head, struct reprise_error *error)
{
	struct postgres *const postgres = postgres_of(log);
	struct values values;
	size_t found = 0;
	reprise_status status = connect_again(postgres, error);

	if (status != REPRISE_OK)
		return status;
	char *const array = heads_values(&values, tenant, &thread, 1);

	if (array == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	send_begin(postgres, tenant);
	status = heads_find(postgres, &values, 1, ret_head, &found, error);
	free(array);
	/* Of kind 0: somebody wanted to write. */
	if (status == REPRISE_OK && (found == 0 || ret_head->kind == 0))
		*ret_head = (struct log_head){ 0 };
	return status;
}

void
find_end(struct reprise_log *log)
{
	wire_end(&postgres_of(log)->wire, statements[COMMIT].name);
}

static reprise_status
ask(struct reprise_log *log, enum statement statement, const struct values *values,
    PGresult **ret_answer, struct reprise_error *error)
{
	struct postgres *const postgres = postgres_of(log);

	(void)send_statement(postgres, statement, values);
	return wire_ask(&postgres->wire, ret_answer, error);
}

static struct log_row
row_at(const PGresult *answer, int row)
{
	return (struct log_row){
		.first = ordinal_at(answer, row, ROW_FIRST),
		.last = ordinal_at(answer, row, ROW_LAST),
		.revision = revision_at(answer, row, ROW_REVISION),
		.time_ns = (uint64_t)number_at(answer, row, ROW_TIME_NS),
		.type = (uint32_t)number_at(answer, row, ROW_TYPE),
		.kind = (uint16_t)number_at(answer, row, ROW_KIND),
		.flags = (uint16_t)number_at(answer, row, ROW_FLAGS),
		.reason = (uint32_t)number_at(answer, row, ROW_REASON),
		.checksum = (uint32_t)number_at(answer, row, ROW_CHECKSUM),
		.payload = { PQgetvalue(answer, row, ROW_PAYLOAD),
			     (size_t)PQgetlength(answer, row, ROW_PAYLOAD) },
	};
}

/* What is still to be found. */
struct search {
	uint64_t after;
	uint64_t limit;
	log_row_visit visit;
	void *context;
};

/* One answer's rows. False: there are no more, or no more are wanted. */
static bool
visit_part(struct search *search, const PGresult *answer, uint64_t asked)
{
	const int rows = PQntuples(answer);
	uint64_t bytes = 0;

	for (int i = 0; i < rows; i++) {
		const struct log_row row = row_at(answer, i);

		if (!search->visit(&row, search->context))
			return false;
		search->after = row.last;
		search->limit--;
		bytes += row.payload.size;
	}
	return (uint64_t)rows == asked || bytes >= part_bytes_max;
}

reprise_status
find_rows(struct reprise_log *log, int64_t id, uint64_t after, uint64_t limit, log_row_visit visit,
	  void *context, struct reprise_error *error)
{
	struct search search = { after, limit, visit, context };
	bool has_more = true;

	while (has_more && search.limit > 0) {
		const uint64_t asked = least(search.limit, part_rows_max);
		struct values values = { 0 };
		PGresult *answer = NULL;

		value_i64(&values, id);
		value_ordinal(&values, search.after);
		value_ordinal(&values, asked);
		value_ordinal(&values, part_bytes_max);
		const reprise_status status = ask(log, ROWS_AFTER, &values, &answer, error);

		if (status != REPRISE_OK)
			return status;
		has_more = visit_part(&search, answer, asked);
		PQclear(answer);
	}
	return REPRISE_OK;
}

static reprise_status
find_life(struct reprise_log *log, enum statement statement, const struct values *values,
	  struct reprise_life *ret_life, struct reprise_error *error)
{
	PGresult *answer = NULL;
	const reprise_status status = ask(log, statement, values, &answer, error);

	if (status != REPRISE_OK)
		return status;
	*ret_life = (struct reprise_life){ 0 };
	if (PQntuples(answer) > 0)
		life_at_row(answer, 0, 0, ret_life);
	PQclear(answer);
	return REPRISE_OK;
}

reprise_status
find_life_at(struct reprise_log *log, int64_t id, uint64_t ordinal, struct reprise_life *ret_life,
	     struct reprise_error *error)
{
	struct values values = { 0 };

	value_i64(&values, id);
	value_ordinal(&values, ordinal);
	return find_life(log, LIFE_AT, &values, ret_life, error);
}

reprise_status
find_life_of(struct reprise_log *log, int64_t id, const struct reprise_incarnation *incarnation,
	     struct reprise_life *ret_life, struct reprise_error *error)
{
	struct values values = { 0 };

	value_i64(&values, id);
	value_bytes(&values, incarnation->bytes, sizeof(incarnation->bytes));
	return find_life(log, LIFE_OF, &values, ret_life, error);
}

reprise_status
find_lives(struct reprise_log *log, int64_t id, uint64_t number, struct reprise_life *ret_lives,
	   size_t lives_max, size_t *ret_count, struct reprise_error *error)
{
	struct values values = { 0 };
	PGresult *answer = NULL;

	value_i64(&values, id);
	value_ordinal(&values, number);
	value_ordinal(&values, least(lives_max, part_rows_max));
	const reprise_status status = ask(log, LIVES_AFTER, &values, &answer, error);

	if (status != REPRISE_OK)
		return status;
	const int rows = PQntuples(answer);

	for (int row = 0; row < rows; row++)
		life_at_row(answer, row, 0, &ret_lives[row]);
	*ret_count = (size_t)rows;
	PQclear(answer);
	return REPRISE_OK;
}

static reprise_status
find_ordinal(struct reprise_log *log, enum statement statement, int64_t id, uint64_t revision,
	     uint64_t *ret_ordinal, struct reprise_error *error)
{
	struct values values = { 0 };
	PGresult *answer = NULL;

	value_i64(&values, id);
	value_revision(&values, revision);
	const reprise_status status = ask(log, statement, &values, &answer, error);

	if (status != REPRISE_OK)
		return status;
	*ret_ordinal = PQntuples(answer) > 0 ? ordinal_at(answer, 0, 0) : 0;
	PQclear(answer);
	return REPRISE_OK;
}

reprise_status
find_rise(struct reprise_log *log, int64_t id, uint64_t revision, uint64_t *ret_ordinal,
	  struct reprise_error *error)
{
	return find_ordinal(log, RISE_ABOVE, id, revision, ret_ordinal, error);
}

reprise_status
find_commit(struct reprise_log *log, int64_t id, uint64_t revision, uint64_t *ret_ordinal,
	    struct reprise_error *error)
{
	return find_ordinal(log, COMMIT_FROM, id, revision, ret_ordinal, error);
}

reprise_status
find_threads(struct reprise_log *log, const char *tenant, const char *after,
	     char (*ret_threads)[LOG_NAME_BYTES], size_t *ret_count, struct reprise_error *error)
{
	struct postgres *const postgres = postgres_of(log);
	struct values values = { 0 };
	PGresult *answer = NULL;
	reprise_status status = connect_again(postgres, error);

	if (status != REPRISE_OK)
		return status;
	value_text(&values, tenant);
	value_text(&values, after);
	value_ordinal(&values, LOG_THREADS_MAX);
	send_begin(postgres, tenant);
	status = ask(log, THREADS_AFTER, &values, &answer, error);
	if (status == REPRISE_OK) {
		const int rows = PQntuples(answer);

		for (int row = 0; row < rows; row++) {
			const size_t bytes =
				least((size_t)PQgetlength(answer, row, 0), LOG_NAME_BYTES - 1);

			memcpy(ret_threads[row], PQgetvalue(answer, row, 0), bytes);
			ret_threads[row][bytes] = '\0';
		}
		*ret_count = (size_t)rows;
		PQclear(answer);
	}
	find_end(log);
	return status;
}
