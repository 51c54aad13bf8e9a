/* SPDX-License-Identifier: MIT */
#ifndef BASE_NUMBERS_H
#define BASE_NUMBERS_H

#include <stdint.h>

enum {
	CACHE_LINE_BYTES = 64,
	PAGE_BYTES = 4096,
};

static inline uint64_t
least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t
greatest(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* @multiple is a power of two. */
static inline uint64_t
round_up(uint64_t number, uint64_t multiple)
{
	return (number + multiple - 1) & ~(multiple - 1);
}

/* The least power of two that is not below @number; 1 <= @number <= 2^63. */
static inline uint64_t
power_of_two_from(uint64_t number)
{
	return number <= 1 ? 1 : (uint64_t)1 << (64 - __builtin_clzll(number - 1));
}

#endif /* BASE_NUMBERS_H */
