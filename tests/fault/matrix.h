/* SPDX-License-Identifier: MIT */
#ifndef FAULT_MATRIX_H
#define FAULT_MATRIX_H

#include <stdbool.h>

enum {
	/* With and without hooks, of either kind of waking; the first has the defaults. */
	STORES = 4,
};

/*
 * Every scenario, with every fault, in the first @stores; of @only that function if it is not NULL.
 */
void matrix_run(const char *only, unsigned int stores);

/* The functions that have a scenario, a line each. */
void matrix_list(void);

/* Bad input to every function, and the functions that were given some. */
void bad_input_run(void);
void bad_input_list(void);

/* Sleeps that are disturbed, in every thread. */
void waits_run(void);

/* Limits of the system: descriptors, addresses. */
void limits_run(void);

/* The work that the first store of a process does, and no later store. */
void first_store_run(void);

/*
 * Failures that show only later. @was_granted: membarrier, when the process began, to liburcu too;
 * @is_refused: it is now.
 */
void special_run(bool was_granted, bool is_refused);

#endif /* FAULT_MATRIX_H */
