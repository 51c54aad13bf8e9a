/* SPDX-License-Identifier: MIT */
#ifndef LOG_POSTGRES_VALUES_H
#define LOG_POSTGRES_VALUES_H

/*
 * The values that go into a statement and come out of it, in PostgreSQL's binary format: integers
 * with their highest byte first, text and bytes as they are.
 *
 * A revision has all 64 bits and is compared by the server, whose integers have a sign: its highest
 * bit is turned over, so that the order stays.
 */

#include <endian.h>
#include <stdbool.h>
#include <string.h>

#include <libpq-fe.h>

#include "log/adapter.h"

#define REVISION_TURN (UINT64_C(1) << 63)

enum {
	VALUES_MAX = 15
};

struct values {
	int count;
	size_t bytes;
	const char *at[VALUES_MAX];
	int sizes[VALUES_MAX];
	char numbers[VALUES_MAX][8];
};

/* Borrowed until the statement is sent. At most 1 GiB. */
static inline void
value_bytes(struct values *values, const void *bytes, size_t size)
{
	values->at[values->count] = size == 0 ? "" : bytes; /* NULL would be SQL's */
	values->sizes[values->count] = (int)size;
	values->bytes += size;
	values->count++;
}

static inline void
value_text(struct values *values, const char *text)
{
	value_bytes(values, text, strlen(text));
}

static inline void
value_i64(struct values *values, int64_t number)
{
	const uint64_t big_endian = htobe64((uint64_t)number);
	char *const copy = values->numbers[values->count];

	memcpy(copy, &big_endian, sizeof(big_endian));
	value_bytes(values, copy, sizeof(big_endian));
}

static inline void
value_i32(struct values *values, int32_t number)
{
	const uint32_t big_endian = htobe32((uint32_t)number);
	char *const copy = values->numbers[values->count];

	memcpy(copy, &big_endian, sizeof(big_endian));
	value_bytes(values, copy, sizeof(big_endian));
}

static inline void
value_bool(struct values *values, bool truth)
{
	char *const copy = values->numbers[values->count];

	copy[0] = truth ? 1 : 0;
	value_bytes(values, copy, 1);
}

/*
 * An ordinal, a number of a life or of rows: a number beyond the server's integers stands behind
 * all.
 */
static inline void
value_ordinal(struct values *values, uint64_t ordinal)
{
	value_i64(values, ordinal > (uint64_t)INT64_MAX ? INT64_MAX : (int64_t)ordinal);
}

static inline void
value_revision(struct values *values, uint64_t revision)
{
	value_i64(values, (int64_t)(revision ^ REVISION_TURN));
}

/* An integer of whatever width; 0 for SQL's NULL. */
static inline int64_t
number_at(const PGresult *result, int row, int column)
{
	const char *const from = PQgetvalue(result, row, column);
	uint64_t wide;
	uint32_t narrow;

	switch (PQgetlength(result, row, column)) {
	case 1:
		return from[0];
	case sizeof(narrow):
		memcpy(&narrow, from, sizeof(narrow));
		return (int32_t)be32toh(narrow);
	case sizeof(wide):
		memcpy(&wide, from, sizeof(wide));
		return (int64_t)be64toh(wide);
	default:
		return 0;
	}
}

/*
 * A number of 0 to @max. A number that does not fit leaves words in @fault, and is 0: so no damaged
 * number is cut to a good one.
 */
static inline uint64_t
within_at(const PGresult *result, int row, int column, uint64_t max, const char **fault)
{
	const uint64_t number = (uint64_t)number_at(result, row, column);

	if (number <= max)
		return number;
	*fault = "a number is out of range";
	return 0;
}

static inline uint64_t
ordinal_at(const PGresult *result, int row, int column)
{
	return (uint64_t)number_at(result, row, column);
}

static inline uint64_t
revision_at(const PGresult *result, int row, int column)
{
	return (uint64_t)number_at(result, row, column) ^ REVISION_TURN;
}

#endif /* LOG_POSTGRES_VALUES_H */
