/* SPDX-License-Identifier: MIT */
#ifndef BENCH_HARNESS_H
#define BENCH_HARNESS_H

/* The common part of all measurements: cores, number of runs, output of results, and the clock. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
	RUNS_QUICK = 5,
	RUNS_FULL = 7,
	RUNS_MAX = 64,
	MACHINE_BYTES = 384,
	PATH_BYTES = 4096,
};

struct harness {
	bool is_quick;
	size_t runs;    /* of each side, taking turns */
	double run_ns;  /* about how long one run is to take */
	bool is_broken; /* accounting did not balance somewhere */
	int writer_core, host_core;
	const char *streams_dir; /* or NULL: made up */
	const char *plot_dir;    /* or NULL */
	FILE *json;              /* or NULL */
	FILE *table;             /* for people */
	char commit[64];
	char machine[MACHINE_BYTES];
	char peers_dir[PATH_BYTES];
	char plots_dir[PATH_BYTES]; /* where the plots' scripts are */
};

/* Fills in the machine, the cores, and where the peers are. */
void harness_init(struct harness *harness);

/* Set by SIGINT and SIGTERM: measurements end soon, and what there is stands. */
bool harness_is_interrupted(void);
void harness_catch_signals(void);

/* The progress, on standard error, for a person who waits. */
void harness_progress(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Says what, and ends the process with 1. */
_Noreturn void harness_die(const char *what);

void *harness_allocate(size_t count, size_t bytes);
bool harness_pin(int core);

/* Asks the system for so many descriptors; whether it grants them. */
bool harness_may_have_descriptors(size_t count);

uint64_t now_ns(void);

/* Ticks of the cheapest clock that the cores share, and how many make a nanosecond. */
uint64_t now_ticks(void);
double ticks_per_ns(void);

/*
 * Until the store's thread has noticed that somebody appends, and keeps the stamp (two ticks): what
 * is measured then is what goes on. Appends an empty event.
 */
struct reprise_writer;
void harness_settle(struct reprise_writer *writer);

/* A small generator; the same numbers every time. */
uint64_t random_next(uint64_t *state);
uint64_t random_below(uint64_t *state, uint64_t bound);

#endif /* BENCH_HARNESS_H */
