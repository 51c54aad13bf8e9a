/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CALLS_H
#define BENCH_CALLS_H

#include <stdbool.h>

struct reprise_store;

/*
 * System calls of an append of 256 B, with so many subscriptions asleep in a store that defers.
 * @attach: NULL, or called once the store is open, in the process that appends. False where the
 * kernel has no filter that counts.
 */
bool calls_count(unsigned int parked, void (*attach)(struct reprise_store *store, void *context),
		 void *context, double *ret_calls);

#endif /* BENCH_CALLS_H */
