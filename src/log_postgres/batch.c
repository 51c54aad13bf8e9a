/* SPDX-License-Identifier: MIT */
#include "log_postgres/batch.h"

/* PostgreSQL's types. */
enum {
	TYPE_BYTES = 17,
	TYPE_WIDE = 20,
	TYPE_NARROW = 23
};

static char *
put_u32(char *to, uint32_t number)
{
	const uint32_t big_endian = htobe32(number);

	memcpy(to, &big_endian, sizeof(big_endian));
	return to + sizeof(big_endian);
}

static void
put_wide(struct batch *batch, size_t column, uint64_t number)
{
	const uint64_t big_endian = htobe64(number);
	char *const to = put_u32(batch->wide[column] + ARRAY_HEADER_BYTES +
					 batch->count * (ARRAY_SIZE_BYTES + sizeof(big_endian)),
				 sizeof(big_endian));

	memcpy(to, &big_endian, sizeof(big_endian));
}

static void
put_narrow(struct batch *batch, size_t column, uint32_t number)
{
	char *const to = put_u32(batch->narrow[column] + ARRAY_HEADER_BYTES +
					 batch->count * (ARRAY_SIZE_BYTES + sizeof(number)),
				 sizeof(number));

	put_u32(to, number);
}

bool
batch_take(struct batch *batch, int64_t id, const struct log_row *row)
{
	const size_t bytes = row->payload.size;

	if (batch->count == 0) {
		batch->id = id;
		batch->payloads_bytes = 0;
	}
	if (batch->id != id || batch->count == BATCH_ROWS_MAX ||
	    bytes > BATCH_PAYLOADS_BYTES - batch->payloads_bytes)
		return false;
	put_wide(batch, 0, row->last);
	put_wide(batch, 1, row->first);
	put_wide(batch, 2, row->revision ^ REVISION_TURN);
	put_wide(batch, 3, row->time_ns);
	put_narrow(batch, 0, row->type);
	put_narrow(batch, 1, row->kind);
	put_narrow(batch, 2, row->flags);
	put_narrow(batch, 3, row->reason);
	put_narrow(batch, 4, row->checksum);
	char *const to = put_u32(batch->payloads + ARRAY_HEADER_BYTES +
					 batch->count * ARRAY_SIZE_BYTES + batch->payloads_bytes,
				 (uint32_t)bytes);

	if (bytes > 0)
		memcpy(to, row->payload.data, bytes);
	batch->payloads_bytes += bytes;
	batch->count++;
	return true;
}

/* One dimension, no NULLs, of that type, so many, from 1 on. */
static void
value_array(struct values *values, char *array, uint32_t type, size_t count, size_t bytes)
{
	char *to = put_u32(array, 1);

	to = put_u32(to, 0);
	to = put_u32(to, type);
	to = put_u32(to, (uint32_t)count);
	put_u32(to, 1);
	value_bytes(values, array, ARRAY_HEADER_BYTES + count * ARRAY_SIZE_BYTES + bytes);
}

void
batch_values(struct batch *batch, struct values *ret_values)
{
	*ret_values = (struct values){ 0 };
	value_i64(ret_values, batch->id);
	for (int i = 0; i < BATCH_WIDE_COLUMNS; i++)
		value_array(ret_values, batch->wide[i], TYPE_WIDE, batch->count,
			    batch->count * sizeof(uint64_t));
	for (int i = 0; i < BATCH_NARROW_COLUMNS; i++)
		value_array(ret_values, batch->narrow[i], TYPE_NARROW, batch->count,
			    batch->count * sizeof(uint32_t));
	value_array(ret_values, batch->payloads, TYPE_BYTES, batch->count, batch->payloads_bytes);
}
