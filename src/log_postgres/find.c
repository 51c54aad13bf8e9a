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
	if (status == REPRISE_OK && found == 0)
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
	struct log_row at = {
		.revision = revision_at(answer, row, ROW_REVISION),
		.type = (uint32_t)number_at(answer, row, ROW_TYPE),
		.reason = (uint32_t)number_at(answer, row, ROW_REASON),
		.checksum = (uint32_t)number_at(answer, row, ROW_CHECKSUM),
		.payload = { PQgetvalue(answer, row, ROW_PAYLOAD),
			     (size_t)PQgetlength(answer, row, ROW_PAYLOAD) },
	};

	at.first = within_at(answer, row, ROW_FIRST, LOG_NUMBER_MAX, &at.fault);
	at.last = within_at(answer, row, ROW_LAST, LOG_NUMBER_MAX, &at.fault);
	at.time_ns = within_at(answer, row, ROW_TIME_NS, LOG_NUMBER_MAX, &at.fault);
	at.kind = (uint16_t)within_at(answer, row, ROW_KIND, UINT16_MAX, &at.fault);
	at.flags = (uint16_t)within_at(answer, row, ROW_FLAGS, UINT16_MAX, &at.fault);
	return at;
}

/* The rest of a search. */
struct search {
	uint64_t after;
	uint64_t limit;
	log_row_visit visit;
	void *context;
};

/* One answer's rows. False: there are no more, or no more are wanted. */
static bool
visit_part(struct search *search, const PGresult *answer, uint64_t asked, size_t *ret_bytes)
{
	const int rows = PQntuples(answer);

	*ret_bytes = 0;
	for (int i = 0; i < rows; i++) {
		const struct log_row row = row_at(answer, i);

		if (!search->visit(&row, search->context))
			return false;
		search->after = row.last;
		search->limit--;
		*ret_bytes += row.payload.size;
	}
	return (uint64_t)rows == asked || *ret_bytes >= part_bytes_max;
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
		size_t bytes;

		value_i64(&values, id);
		value_ordinal(&values, search.after);
		value_ordinal(&values, asked);
		value_ordinal(&values, part_bytes_max);
		const reprise_status status = ask(log, ROWS_AFTER, &values, &answer, error);

		if (status != REPRISE_OK)
			return status;
		has_more = visit_part(&search, answer, asked, &bytes);
		wire_count_moved(&postgres_of(log)->wire, bytes);
		PQclear(answer);
	}
	return REPRISE_OK;
}

static reprise_status
malformed(struct reprise_error *error, const char *what)
{
	return error_detailed(error, REPRISE_E_CORRUPT, what, NULL);
}

static reprise_status
find_life(struct reprise_log *log, enum statement statement, const struct values *values,
	  struct log_life *ret_life, struct reprise_error *error)
{
	PGresult *answer = NULL;
	bool is_good = true;
	const reprise_status status = ask(log, statement, values, &answer, error);

	if (status != REPRISE_OK)
		return status;
	*ret_life = (struct log_life){ 0 };
	if (PQntuples(answer) > 0)
		is_good = life_at_row(answer, 0, 0, ret_life);
	PQclear(answer);
	return is_good ? REPRISE_OK : malformed(error, "a life has an impossible value");
}

reprise_status
find_weight(struct reprise_log *log, int64_t id, uint64_t after, uint64_t *ret_bytes,
	    struct reprise_error *error)
{
	struct values values = { 0 };
	PGresult *answer = NULL;

	value_i64(&values, id);
	value_ordinal(&values, after);
	const reprise_status status = ask(log, WEIGH, &values, &answer, error);

	if (status != REPRISE_OK)
		return status;
	*ret_bytes = ordinal_at(answer, 0, 0);
	PQclear(answer);
	return REPRISE_OK;
}

reprise_status
find_life_at(struct reprise_log *log, int64_t id, uint64_t ordinal, struct log_life *ret_life,
	     struct reprise_error *error)
{
	struct values values = { 0 };

	value_i64(&values, id);
	value_ordinal(&values, ordinal);
	return find_life(log, LIFE_AT, &values, ret_life, error);
}

reprise_status
find_life_of(struct reprise_log *log, int64_t id, const struct reprise_incarnation *incarnation,
	     struct log_life *ret_life, struct reprise_error *error)
{
	struct values values = { 0 };

	value_i64(&values, id);
	value_bytes(&values, incarnation->bytes, sizeof(incarnation->bytes));
	return find_life(log, LIFE_OF, &values, ret_life, error);
}

reprise_status
find_lives(struct reprise_log *log, int64_t id, uint64_t number, struct log_life *ret_lives,
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

	bool is_good = true;

	for (int row = 0; row < rows && is_good; row++)
		is_good = life_at_row(answer, row, 0, &ret_lives[row]);
	*ret_count = (size_t)rows;
	PQclear(answer);
	return is_good ? REPRISE_OK : malformed(error, "a life has an impossible value");
}

static reprise_status
find_marks(struct reprise_log *log, enum statement statement, int64_t id, uint64_t revision,
	   struct log_mark *ret_marks, size_t marks_max, size_t *ret_count,
	   struct reprise_error *error)
{
	struct values values = { 0 };
	PGresult *answer = NULL;
	const char *fault = NULL;

	value_i64(&values, id);
	value_revision(&values, revision);
	value_ordinal(&values, marks_max);
	const reprise_status status = ask(log, statement, &values, &answer, error);

	if (status != REPRISE_OK)
		return status;
	const int rows = PQntuples(answer);

	for (int row = 0; row < rows; row++)
		ret_marks[row] = (struct log_mark){
			.revision = revision_at(answer, row, MARK_REVISION),
			.ordinal = within_at(answer, row, MARK_ORDINAL, LOG_NUMBER_MAX, &fault),
			.checksum = (uint32_t)number_at(answer, row, MARK_CHECKSUM),
		};
	*ret_count = (size_t)rows;
	PQclear(answer);
	return fault == NULL ? REPRISE_OK : malformed(error, fault);
}

reprise_status
find_rises(struct reprise_log *log, int64_t id, uint64_t revision, struct log_mark *ret_rises,
	   size_t rises_max, size_t *ret_count, struct reprise_error *error)
{
	return find_marks(log, RISES_ABOVE, id, revision, ret_rises, rises_max, ret_count, error);
}

reprise_status
find_commits(struct reprise_log *log, int64_t id, uint64_t revision, struct log_mark *ret_commits,
	     size_t commits_max, size_t *ret_count, struct reprise_error *error)
{
	return find_marks(log, COMMITS_FROM, id, revision, ret_commits, commits_max, ret_count,
			  error);
}

/* False: it is too long for a name. */
static bool
thread_at_row(const PGresult *answer, int row, struct log_thread *ret_thread)
{
	const size_t bytes = (size_t)PQgetlength(answer, row, HEAD_COLUMNS_COUNT);

	if (bytes >= LOG_NAME_BYTES)
		return false;
	ret_thread->head = head_at_row(answer, row);
	memcpy(ret_thread->name, PQgetvalue(answer, row, HEAD_COLUMNS_COUNT), bytes);
	ret_thread->name[bytes] = '\0';
	return true;
}

/*
 * While no transaction ends, no snapshot is another. Transactions of other databases change it as
 * well, and one that is too long to be kept counts as another.
 */
reprise_status
find_version(struct reprise_log *log, uint64_t *ret_version, struct reprise_error *error)
{
	struct postgres *const postgres = postgres_of(log);
	PGresult *answer = NULL;
	reprise_status status = connect_again(postgres, error);

	if (status != REPRISE_OK)
		return status;
	status = ask(log, SNAPSHOT, NULL, &answer, error);
	if (status != REPRISE_OK) {
		wire_end(&postgres->wire, statements[ROLLBACK].name);
		return status;
	}
	const int process = PQbackendPID(postgres->wire.connection);
	const size_t bytes = (size_t)PQgetlength(answer, 0, 0);
	const char *const snapshot = PQgetvalue(answer, 0, 0);

	if (bytes > SNAPSHOT_BYTES_MAX || process != postgres->snapshot_process ||
	    strcmp(snapshot, postgres->snapshot) != 0) {
		postgres->version++;
		postgres->snapshot_process = process;
		memcpy(postgres->snapshot, snapshot, least(bytes, SNAPSHOT_BYTES_MAX));
		postgres->snapshot[least(bytes, SNAPSHOT_BYTES_MAX)] = '\0';
	}
	PQclear(answer);
	*ret_version = postgres->version;
	return REPRISE_OK;
}

reprise_status
find_threads(struct reprise_log *log, const char *tenant, const char *after,
	     struct log_thread *ret_threads, size_t *ret_count, struct reprise_error *error)
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
		bool is_good = true;

		for (int row = 0; row < rows && is_good; row++)
			is_good = thread_at_row(answer, row, &ret_threads[row]);
		*ret_count = (size_t)rows;
		PQclear(answer);
		if (!is_good)
			status = malformed(error, "a thread has an invalid name");
	}
	find_end(log);
	return status;
}
