/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/error.h"
#include "log_postgres/postgres.h"

/*
 * text[] in binary: dimensions, whether there are NULLs, what of, how many, from where on;
 * sizes and texts.
 */
static char *
array_of(const char *const *texts, size_t count, size_t *ret_size)
{
	enum {
		TEXT_TYPE = 25,
		HEADER_BYTES = 5 * sizeof(uint32_t)
	};
	const uint32_t header[] = { htobe32(1), htobe32(0), htobe32(TEXT_TYPE),
				    htobe32((uint32_t)count), htobe32(1) };
	size_t size = HEADER_BYTES;

	for (size_t i = 0; i < count; i++)
		size += sizeof(uint32_t) + strlen(texts[i]);
	char *const array = malloc(size);

	if (array == NULL)
		return NULL;
	memcpy(array, header, sizeof(header));
	char *to = array + HEADER_BYTES;

	for (size_t i = 0; i < count; i++) {
		const size_t bytes = strlen(texts[i]);
		const uint32_t big_endian = htobe32((uint32_t)bytes);

		memcpy(to, &big_endian, sizeof(big_endian));
		memcpy(to + sizeof(big_endian), texts[i], bytes);
		to += sizeof(big_endian) + bytes;
	}
	*ret_size = size;
	return array;
}

char *
heads_values(struct values *ret_values, const char *tenant, const char *const *threads,
	     size_t threads_count)
{
	size_t size = 0;
	char *const array = array_of(threads, threads_count, &size);

	if (array == NULL)
		return NULL;
	*ret_values = (struct values){ 0 };
	value_text(ret_values, tenant);
	value_bytes(ret_values, array, size);
	return array;
}

bool
life_at_row(const PGresult *answer, int row, int first_column, struct log_life *ret_life)
{
	struct reprise_life *const life = &ret_life->life;
	const char *fault = NULL;

	*ret_life = (struct log_life){
		.checksum = (uint32_t)number_at(answer, row, first_column + LIFE_CHECKSUM),
	};
	life->number = within_at(answer, row, first_column + LIFE_NUMBER, LOG_NUMBER_MAX, &fault);
	life->first = within_at(answer, row, first_column + LIFE_FIRST, LOG_NUMBER_MAX, &fault);
	life->end = within_at(answer, row, first_column + LIFE_LAST, LOG_NUMBER_MAX, &fault);
	life->state = (reprise_life_state)within_at(answer, row, first_column + LIFE_STATE,
						    INT32_MAX, &fault);
	if (PQgetlength(answer, row, first_column + LIFE_INCARNATION) ==
	    sizeof(life->incarnation.bytes))
		memcpy(life->incarnation.bytes,
		       PQgetvalue(answer, row, first_column + LIFE_INCARNATION),
		       sizeof(life->incarnation.bytes));
	return fault == NULL;
}

struct log_head
head_at_row(const PGresult *answer, int row)
{
	struct log_head head = {
		.id = number_at(answer, row, HEAD_ID),
		.kind = (uint32_t)number_at(answer, row, HEAD_KIND),
		.has_ended = number_at(answer, row, HEAD_HAS_ENDED) != 0,
		.end_status = (int32_t)number_at(answer, row, HEAD_END_STATUS),
		.revision_max = revision_at(answer, row, HEAD_REVISION_MAX),
		.moved.revision = revision_at(answer, row, HEAD_MOVED_REVISION),
		.checksum = (uint32_t)number_at(answer, row, HEAD_CHECKSUM),
	};

	head.end_ordinal = within_at(answer, row, HEAD_END_ORDINAL, LOG_NUMBER_MAX, &head.fault);
	head.head = within_at(answer, row, HEAD_HEAD, LOG_NUMBER_MAX, &head.fault);
	head.watermark = within_at(answer, row, HEAD_WATERMARK, LOG_NUMBER_MAX, &head.fault);
	head.moved.ordinal =
		within_at(answer, row, HEAD_MOVED_ORDINAL, LOG_NUMBER_MAX, &head.fault);
	head.life.number = within_at(answer, row, HEAD_LIFE, LOG_NUMBER_MAX, &head.fault);
	head.lease_ns = within_at(answer, row, HEAD_LEASE, LOG_NUMBER_MAX, &head.fault);
	head.lease_end_ns = within_at(answer, row, HEAD_LEASE_END, LOG_NUMBER_MAX, &head.fault);
	head.blobs = within_at(answer, row, HEAD_BLOBS, LOG_NUMBER_MAX, &head.fault);
	return head;
}

/* With its last life. */
static struct log_head
whole_head_at_row(const PGresult *answer, int row)
{
	struct log_head head = head_at_row(answer, row);
	struct log_life life;

	if (!life_at_row(answer, row, HEAD_LIFE_FIRST_COLUMN, &life))
		head.fault = "a life has an impossible value";
	else if (life.life.number != head.life.number)
		head.fault = "the head names another last life";
	head.life = life.life;
	head.life_checksum = life.checksum;
	head.read_ns = ordinal_at(answer, row, HEAD_READ) * 1000;
	return head;
}

reprise_status
heads_find(struct postgres *postgres, const struct values *tenant_and_threads, size_t threads_count,
	   struct log_head *ret_heads, size_t *ret_count, struct reprise_error *error)
{
	PGresult *answer = NULL;

	(void)send_statement(postgres, FIND_HEADS, tenant_and_threads);
	const reprise_status status = wire_ask(&postgres->wire, &answer, error);

	if (status != REPRISE_OK)
		return status;
	const int rows = PQntuples(answer);

	for (int row = 0; row < rows && (size_t)row < threads_count; row++)
		ret_heads[row] = whole_head_at_row(answer, row);
	*ret_count = (size_t)rows;
	PQclear(answer);
	return status;
}
