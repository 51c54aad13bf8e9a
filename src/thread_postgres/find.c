/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/error.h"
#include "base/numbers.h"
#include "thread_postgres/postgres.h"

static const uint64_t part_rows_max = 1000;

/*
 * About how many bytes of deltas the server is asked for: at first, since a write that prunes looks
 * at one or two, and at most.
 */
static const uint64_t part_bytes_first = 16 << 10;
static const uint64_t part_bytes_max = 1 << 20;

/* Delta ids that are asked for at once. */
static const size_t asked_max = 1000;

/* Copies a text into room for @room bytes, or leaves words in @fault. */
static void
copy_text(char *to, size_t room, const PGresult *answer, int row, int column, const char **fault)
{
	const size_t bytes = (size_t)PQgetlength(answer, row, column);

	if (bytes >= room)
		*fault = "an id is too long";
	else
		memcpy(to, PQgetvalue(answer, row, column), bytes + 1);
}

/* Copies as many bytes as there have to be, or leaves words in @fault. */
static void
copy_bytes(void *to, size_t bytes, const PGresult *answer, int row, int column, const char **fault)
{
	if ((size_t)PQgetlength(answer, row, column) != bytes)
		*fault = "a value has a wrong size";
	else
		memcpy(to, PQgetvalue(answer, row, column), bytes);
}

struct thread_head
head_at_row(const PGresult *answer, int row, int first_column)
{
	struct thread_head head = { .exists = true };
	const char **const fault = &head.fault;

	if (PQgetisnull(answer, row, first_column + HEAD_ID))
		return (struct thread_head){ 0 };
	copy_text(head.id, sizeof(head.id), answer, row, first_column + HEAD_ID, fault);
	copy_bytes(head.uid.bytes, sizeof(head.uid.bytes), answer, row, first_column + HEAD_UID,
		   fault);
	head.version = count_at(answer, row, first_column + HEAD_VERSION, fault);
	head.base = count_at(answer, row, first_column + HEAD_BASE, fault);
	head.complete_after = count_at(answer, row, first_column + HEAD_COMPLETE_AFTER, fault);
	head.text_bytes = count_at(answer, row, first_column + HEAD_TEXT_BYTES, fault);
	head.delta_bytes = count_at(answer, row, first_column + HEAD_DELTA_BYTES, fault);
	head.growth_bytes = count_at(answer, row, first_column + HEAD_GROWTH_BYTES, fault);
	head.checksum = checksum_at(answer, row, first_column + HEAD_CHECKSUM);
	return head;
}

reprise_status
port_look(struct reprise_thread_store *store, const char *id, struct thread_head *ret_head,
	  struct reprise_error *error)
{
	struct postgres *const postgres = postgres_of(store);
	struct values key = { 0 };
	PGresult *answer = NULL;
	reprise_status status = connect_again(postgres, error);

	if (status != REPRISE_OK)
		return status;
	(void)send_statement(postgres, BEGIN_READING, NULL);
	if (id == NULL)
		return REPRISE_OK; /* the snapshot is the first find's */
	value_text(&key, id);
	status = ask_statement(postgres, FIND_HEAD, &key, &answer, error);
	if (status != REPRISE_OK)
		return status;
	*ret_head = head_at_row(answer, 0, FOUND_HEAD);
	PQclear(answer);
	return REPRISE_OK;
}

void
port_leave(struct reprise_thread_store *store)
{
	wire_end(&postgres_of(store)->wire, statements[COMMIT].name);
}

static struct reprise_bytes
bytes_at(const PGresult *answer, int row, int column)
{
	return (struct reprise_bytes){ PQgetvalue(answer, row, column),
				       (size_t)PQgetlength(answer, row, column) };
}

reprise_status
port_text_of(struct reprise_thread_store *store, const struct thread_uid *uid,
	     thread_text_visit visit, void *context, struct reprise_error *error)
{
	struct values key = { 0 };
	PGresult *answer = NULL;

	value_bytes(&key, uid->bytes, sizeof(uid->bytes));
	const reprise_status status =
		ask_statement(postgres_of(store), TEXT_OF, &key, &answer, error);

	if (status != REPRISE_OK)
		return status;
	if (PQntuples(answer) > 0) {
		struct thread_text text = {
			.checksum = checksum_at(answer, 0, TEXT_CHECKSUM),
			.json = bytes_at(answer, 0, TEXT_JSON),
		};

		text.version = count_at(answer, 0, TEXT_VERSION, &text.fault);
		visit(&text, context);
	}
	PQclear(answer);
	return REPRISE_OK;
}

static struct thread_delta
delta_at(const PGresult *answer, int row)
{
	struct thread_delta at = {
		.checksum = checksum_at(answer, row, DELTA_CHECKSUM),
		.json = bytes_at(answer, row, DELTA_JSON),
	};

	at.version = count_at(answer, row, DELTA_VERSION, &at.fault);
	at.stored_ms = count_at(answer, row, DELTA_STORED, &at.fault);
	return at;
}

/* The deltas that are still to be found. */
struct search {
	uint64_t after;
	uint64_t limit;
	uint64_t bytes; /* of a part, about */
	thread_delta_visit visit;
	void *context;
};

/* One answer's rows. False: there are no more, or no more are wanted. */
static bool
visit_part(struct search *search, const PGresult *answer, uint64_t asked)
{
	const int rows = PQntuples(answer);
	uint64_t bytes = 0;

	for (int i = 0; i < rows; i++) {
		const struct thread_delta delta = delta_at(answer, i);

		if (!search->visit(&delta, search->context))
			return false;
		search->after = delta.version;
		search->limit--;
		bytes += delta.json.size;
	}
	return (uint64_t)rows == asked || bytes >= search->bytes;
}

reprise_status
port_deltas_after(struct reprise_thread_store *store, const struct thread_uid *uid,
		  uint64_t version, uint64_t limit, thread_delta_visit visit, void *context,
		  struct reprise_error *error)
{
	struct search search = { version, limit, part_bytes_first, visit, context };
	bool has_more = true;

	while (has_more && search.limit > 0) {
		const uint64_t asked = least(search.limit, part_rows_max);
		struct values values = { 0 };
		PGresult *answer = NULL;

		value_bytes(&values, uid->bytes, sizeof(uid->bytes));
		value_number(&values, search.after);
		value_number(&values, asked);
		value_number(&values, search.bytes);
		const reprise_status status =
			ask_statement(postgres_of(store), DELTAS_AFTER, &values, &answer, error);

		if (status != REPRISE_OK)
			return status;
		has_more = visit_part(&search, answer, asked);
		search.bytes = part_bytes_max;
		PQclear(answer);
	}
	return REPRISE_OK;
}

static struct thread_applied
applied_at(const PGresult *answer, int row)
{
	struct thread_applied at = { .exists = true,
				     .checksum = checksum_at(answer, row, APPLIED_CHECKSUM) };

	at.version = count_at(answer, row, APPLIED_VERSION, &at.fault);
	at.applied_ms = count_at(answer, row, APPLIED_APPLIED, &at.fault);
	copy_bytes(at.digest, sizeof(at.digest), answer, row, APPLIED_DIGEST, &at.fault);
	return at;
}

static char *
put_u32(char *to, uint32_t number)
{
	const uint32_t big_endian = htobe32(number);

	memcpy(to, &big_endian, sizeof(big_endian));
	return to + sizeof(big_endian);
}

/* An array of texts, in PostgreSQL's binary format; NULL without memory. */
static char *
array_of(const char *const *texts, size_t count, size_t *ret_bytes)
{
	enum {
		TYPE_TEXT = 25
	};
	size_t bytes = 5 * sizeof(uint32_t);

	for (size_t i = 0; i < count; i++)
		bytes += sizeof(uint32_t) + strlen(texts[i]);
	char *const array = malloc(bytes);

	if (array == NULL)
		return NULL;
	/* One dimension, no NULLs, of that type, so many, from 1 on. */
	char *to = put_u32(array, 1);

	to = put_u32(to, 0);
	to = put_u32(to, TYPE_TEXT);
	to = put_u32(to, (uint32_t)count);
	to = put_u32(to, 1);
	for (size_t i = 0; i < count; i++) {
		const size_t text_bytes = strlen(texts[i]);

		to = put_u32(to, (uint32_t)text_bytes);
		memcpy(to, texts[i], text_bytes);
		to += text_bytes;
	}
	*ret_bytes = bytes;
	return array;
}

static reprise_status
find_applied_part(struct postgres *postgres, const struct thread_uid *uid,
		  const char *const *delta_ids, size_t count, struct thread_applied *ret_applied,
		  struct reprise_error *error)
{
	struct values values = { 0 };
	PGresult *answer = NULL;
	size_t bytes = 0;
	char *const array = array_of(delta_ids, count, &bytes);

	if (array == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	value_bytes(&values, uid->bytes, sizeof(uid->bytes));
	value_bytes(&values, array, bytes);
	const reprise_status status = ask_statement(postgres, APPLIED_OF, &values, &answer, error);

	free(array);
	if (status != REPRISE_OK)
		return status;
	memset(ret_applied, 0, count * sizeof(*ret_applied));
	for (int row = 0; row < PQntuples(answer); row++) {
		const int64_t place = number_at(answer, row, APPLIED_PLACE);

		if (place >= 1 && (uint64_t)place <= count)
			ret_applied[place - 1] = applied_at(answer, row);
	}
	PQclear(answer);
	return REPRISE_OK;
}

reprise_status
port_applied_of(struct reprise_thread_store *store, const struct thread_uid *uid,
		const char *const *delta_ids, size_t delta_ids_count,
		struct thread_applied *ret_applied, struct reprise_error *error)
{
	reprise_status status = REPRISE_OK;

	for (size_t at = 0; at < delta_ids_count && status == REPRISE_OK; at += asked_max)
		status = find_applied_part(postgres_of(store), uid, delta_ids + at,
					   (size_t)least(delta_ids_count - at, asked_max),
					   ret_applied + at, error);
	return status;
}

reprise_status
port_heads(struct reprise_thread_store *store, uint64_t offset, uint64_t limit,
	   struct thread_head *ret_heads, size_t *ret_count, uint64_t *ret_total,
	   struct reprise_error *error)
{
	struct values part = { 0 };
	PGresult *answer = NULL;
	reprise_status status =
		ask_statement(postgres_of(store), COUNT_HEADS, NULL, &answer, error);

	if (status != REPRISE_OK)
		return status;
	*ret_total = (uint64_t)number_at(answer, 0, 0);
	PQclear(answer);
	answer = NULL;
	value_number(&part, offset);
	value_number(&part, limit);
	status = ask_statement(postgres_of(store), HEADS_FROM, &part, &answer, error);
	if (status != REPRISE_OK)
		return status;
	*ret_count = (size_t)PQntuples(answer);
	for (size_t i = 0; i < *ret_count; i++)
		ret_heads[i] = head_at_row(answer, (int)i, 0);
	PQclear(answer);
	return REPRISE_OK;
}
