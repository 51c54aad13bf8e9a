/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/error.h"
#include "log_postgres/postgres.h"

/* text[] in binary: dimensions, whether there are NULLs, what of, how many, from where on; sizes and texts. */
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

void
life_at_row(const PGresult *answer, int row, int first_column, struct reprise_life *ret_life)
{
	*ret_life = (struct reprise_life){
		.number = ordinal_at(answer, row, first_column + LIFE_NUMBER),
		.first = ordinal_at(answer, row, first_column + LIFE_FIRST),
		.end = ordinal_at(answer, row, first_column + LIFE_LAST),
		.state = (reprise_life_state)number_at(answer, row, first_column + LIFE_STATE),
	};
	if (PQgetlength(answer, row, first_column + LIFE_INCARNATION) ==
	    sizeof(ret_life->incarnation.bytes))
		memcpy(ret_life->incarnation.bytes,
		       PQgetvalue(answer, row, first_column + LIFE_INCARNATION),
		       sizeof(ret_life->incarnation.bytes));
}

/* False if it names a life that is not there. */
static bool
head_at_row(const PGresult *answer, int row, struct log_head *ret_head)
{
	*ret_head = (struct log_head){
		.id = number_at(answer, row, HEAD_ID),
		.kind = (uint32_t)number_at(answer, row, HEAD_KIND),
		.has_ended = number_at(answer, row, HEAD_HAS_ENDED) != 0,
		.end_status = (int32_t)number_at(answer, row, HEAD_END_STATUS),
		.end_ordinal = ordinal_at(answer, row, HEAD_END_ORDINAL),
		.head = ordinal_at(answer, row, HEAD_HEAD),
		.watermark = ordinal_at(answer, row, HEAD_WATERMARK),
		.revision_max = revision_at(answer, row, HEAD_REVISION_MAX),
	};
	life_at_row(answer, row, HEAD_LIFE_FIRST_COLUMN, &ret_head->life);
	return ret_head->life.number == ordinal_at(answer, row, HEAD_LIFE);
}

reprise_status
heads_find(struct postgres *postgres, const struct values *tenant_and_threads, size_t threads_count,
	   struct log_head *ret_heads, size_t *ret_count, struct reprise_error *error)
{
	PGresult *answer = NULL;

	(void)send_statement(postgres, FIND_HEADS, tenant_and_threads);
	reprise_status status = wire_ask(&postgres->wire, &answer, error);

	if (status != REPRISE_OK)
		return status;
	const int rows = PQntuples(answer);

	for (int row = 0; row < rows && (size_t)row < threads_count; row++)
		if (!head_at_row(answer, row, &ret_heads[row]))
			status = error_detailed(error, REPRISE_E_CORRUPT, "lives",
						"the last life is not there");
	*ret_count = (size_t)rows;
	PQclear(answer);
	return status;
}
