/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_DAMAGE_H
#define FUZZ_DAMAGE_H

/* Changes rows of a log's SQLite file as an input of the fuzzer says. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Each change takes DAMAGE_BYTES of the input: a column, a row, a way to change it, and a number of
 * 64 bits, the least significant byte first. @mends: the checksums are made right again, so that
 * only the other checks can notice.
 */
enum {
	DAMAGE_BYTES = 11,
};

void damage_file(const char *path, const uint8_t *bytes, size_t bytes_count, bool mends);

#endif /* FUZZ_DAMAGE_H */
