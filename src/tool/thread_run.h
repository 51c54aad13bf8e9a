/* SPDX-License-Identifier: MIT */
#ifndef TOOL_THREAD_RUN_H
#define TOOL_THREAD_RUN_H

/* The runs of `reprise demo --nats`, and the process that appends them through a writer. */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	THREAD_RUN_NOTES = 10, /* the number of deltas between two notes of a host */
	THREAD_RUN_DELTA_BYTES = 512,
	THREAD_RUN_ID_BYTES = 24,
	THREAD_RUNS_MAX = 4,
};

/*
 * A run of deltas on one document, and the fate of the deltas, in memory that the processes share.
 * The deltas have the numbers 1, 2, 3; the last one is RunFinished.
 */
struct thread_run {
	char document[THREAD_RUN_ID_BYTES];
	char name[THREAD_RUN_ID_BYTES]; /* the run's id, of which each delta's id is made */
	uint32_t deltas;
	uint64_t created_ms;
	_Atomic uint32_t sent;         /* deltas up to this number were handed to the writer */
	_Atomic uint32_t acknowledged; /* and up to this one acknowledged */
	_Atomic uint32_t noted;   /* the host's own note, behind which another process goes on */
	_Atomic uint32_t retried; /* appends that were made again after a failure */
	_Atomic uint32_t refused; /* appends of a delta that was there before */
};

/* The work of one process. */
struct thread_job {
	const char *servers; /* URLs */
	const char *store;   /* a SQLite file that has the documents */
	struct thread_run *runs[THREAD_RUNS_MAX];
	size_t runs_count; /* appended in turn, a delta of each */
	uint32_t replicas;
	/* Shared: the number of deltas that the process has recovered at its begin. May be NULL. */
	_Atomic uint32_t *recovered;
};

/* The text of a delta, the same in every process. */
void thread_run_delta(const struct thread_run *run, uint32_t number,
		      char ret_text[THREAD_RUN_DELTA_BYTES]);

/* The number of the delta whose id is @id; 0: the run has no such delta. */
uint32_t thread_run_number(const struct thread_run *run, const char *id, size_t bytes);

/* Does the job. Answers the exit status of the process. */
int thread_run_live(const struct thread_job *job);

#endif /* TOOL_THREAD_RUN_H */
