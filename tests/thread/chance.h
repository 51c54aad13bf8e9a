/* SPDX-License-Identifier: MIT */
#ifndef THREAD_CHANCE_H
#define THREAD_CHANCE_H

/* The same random numbers in each run (SplitMix64). */

#include <stdint.h>

static uint64_t chance_state;

static inline void
chance_begin(uint64_t seed)
{
	chance_state = seed;
}

/* One of so many choices: 0 .. @choices - 1. */
static inline unsigned int
chance(unsigned int choices)
{
	uint64_t z = chance_state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (unsigned int)((z ^ z >> 31) % choices);
}

#endif /* THREAD_CHANCE_H */
