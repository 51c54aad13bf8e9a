/* SPDX-License-Identifier: MIT */
#ifndef LOG_POSTGRES_BATCH_H
#define LOG_POSTGRES_BATCH_H

/*
 * Small rows of one key, on their way to the server, as the arrays of one statement: it takes them
 * at a fraction of what a statement for each would cost.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "log/adapter.h"
#include "log_postgres/values.h"

enum {
	BATCH_ROWS_MAX = 128,
	BATCH_PAYLOADS_BYTES = 64 << 10,
	BATCH_WIDE_COLUMNS = 4,   /* last, first, revision, time_ns */
	BATCH_NARROW_COLUMNS = 5, /* type, kind, flags, reason, checksum */
	ARRAY_HEADER_BYTES = 5 * sizeof(uint32_t),
	ARRAY_SIZE_BYTES = sizeof(uint32_t), /* before each element */
};

struct batch {
	int64_t id; /* of the key */
	size_t count;
	size_t payloads_bytes;
	char wide[BATCH_WIDE_COLUMNS]
		 [ARRAY_HEADER_BYTES + BATCH_ROWS_MAX * (ARRAY_SIZE_BYTES + sizeof(uint64_t))];
	char narrow[BATCH_NARROW_COLUMNS]
		   [ARRAY_HEADER_BYTES + BATCH_ROWS_MAX * (ARRAY_SIZE_BYTES + sizeof(uint32_t))];
	char payloads[ARRAY_HEADER_BYTES + BATCH_ROWS_MAX * ARRAY_SIZE_BYTES +
		      BATCH_PAYLOADS_BYTES];
};

/* False if it does not go with those that are in it: another key's, too many, too large. */
bool batch_take(struct batch *batch, int64_t id, const struct log_row *row);

/* The values for PUT_ROWS, borrowed from the batch, which has at least one row. */
void batch_values(struct batch *batch, struct values *ret_values);

#endif /* LOG_POSTGRES_BATCH_H */
