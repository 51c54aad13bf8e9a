/* SPDX-License-Identifier: MIT */
#ifndef THREAD_POSTGRES_VALUES_H
#define THREAD_POSTGRES_VALUES_H

/*
 * The values that go into a statement and come out of it, in PostgreSQL's binary format:
 * integers with their highest byte first, text and bytes as they are. A checksum has all 32 bits
 * of an integer.
 */

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <libpq-fe.h>

enum {
	VALUES_MAX = 9
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

/* A number beyond the server's integers stands behind all that it has. */
static inline void
value_number(struct values *values, uint64_t number)
{
	const uint64_t big_endian =
		htobe64(number > (uint64_t)INT64_MAX ? (uint64_t)INT64_MAX : number);
	char *const copy = values->numbers[values->count];

	memcpy(copy, &big_endian, sizeof(big_endian));
	value_bytes(values, copy, sizeof(big_endian));
}

static inline void
value_checksum(struct values *values, uint32_t checksum)
{
	const uint32_t big_endian = htobe32(checksum);
	char *const copy = values->numbers[values->count];

	memcpy(copy, &big_endian, sizeof(big_endian));
	value_bytes(values, copy, sizeof(big_endian));
}

/* An integer of whatever width, or a truth value; 0 for SQL's NULL. */
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

/* A number that is not negative. Another one leaves words in @fault, and is 0. */
static inline uint64_t
count_at(const PGresult *result, int row, int column, const char **fault)
{
	const int64_t number = number_at(result, row, column);

	if (number >= 0)
		return (uint64_t)number;
	*fault = "a number is out of range";
	return 0;
}

static inline uint32_t
checksum_at(const PGresult *result, int row, int column)
{
	return (uint32_t)number_at(result, row, column);
}

#endif /* THREAD_POSTGRES_VALUES_H */
