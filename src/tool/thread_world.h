/* SPDX-License-Identifier: MIT */
#ifndef TOOL_THREAD_WORLD_H
#define TOOL_THREAD_WORLD_H

/*
 * The servers, the writers in processes of their own, and the scratch folder of `reprise demo
 * --nats`.
 */

#include <limits.h>

#include "tool/nats_server.h"
#include "tool/thread_run.h"

enum {
	THREAD_WRITERS_MAX = 2,
};

/* In memory that the processes share. */
struct thread_shared {
	struct thread_run runs[THREAD_RUNS_MAX];
	_Atomic uint32_t recovered; /* deltas that a recovery has applied */
};

struct thread_world {
	struct nats_server servers[NATS_SERVERS_MAX];
	size_t servers_count;
	struct thread_shared *shared;
	size_t runs_count;
	char folder[PATH_MAX / 2];
	char store[PATH_MAX], direct[PATH_MAX]; /* files in it */
	pid_t writers[THREAD_WRITERS_MAX];      /* 0: not running */
	bool has_failed;                        /* a writer has ended with a failure */
	uint32_t server_kills, writer_kills;
	unsigned int random;
};

/*
 * Makes the folder and the shared memory, and starts the servers. False: the function has named the
 * fault on stderr.
 */
bool thread_world_make(struct thread_world *world, size_t servers_count);

/* Kills every process that is left, and removes the folder. */
void thread_world_end(struct thread_world *world);

/*
 * Adds a run, and creates the run's document unless an earlier run has the same. False: as above.
 */
bool thread_world_add_run(struct thread_world *world, const char *name, const char *document,
			  uint32_t deltas);

/* Starts the writer @at, which does @job, in a process of its own. */
bool thread_world_start_writer(struct thread_world *world, size_t at, const struct thread_job *job);

void thread_world_kill_writer(struct thread_world *world, size_t at);

/*
 * Waits until the runs have @acknowledged deltas together, and each run has @least. False: every
 * writer has ended before, one has failed, or the program was interrupted.
 */
bool thread_world_await(struct thread_world *world, uint32_t acknowledged, uint32_t least);

/* Waits for the end of every writer. False: one has failed, or the program was interrupted. */
bool thread_world_finish(struct thread_world *world);

/* How many deltas are acknowledged. */
uint32_t thread_world_acknowledged(const struct thread_world *world);

/* Ends the writers, prints the books of the documents, and judges them. Answers the exit status. */
int thread_world_judge(struct thread_world *world, const char *const *documents,
		       size_t documents_count);

#endif /* TOOL_THREAD_WORLD_H */
