/* SPDX-License-Identifier: MIT */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/* A keyed hash: without the key nobody can choose ids that collide. */
struct siphash_key {
	uint64_t words[2];
};

/* SipHash-2-4 (Aumasson and Bernstein, 2012). */
uint64_t siphash(const struct siphash_key *key, const void *data, size_t bytes);

#endif /* BASE_SIPHASH_H */
