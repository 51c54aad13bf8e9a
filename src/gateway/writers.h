/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_WRITERS_H
#define GATEWAY_WRITERS_H

/*
 * The writers of the sessions that clients append to. A writer is opened by the first append, on a
 * worker, and closed after a while without appends. Appends that wait to be recorded share one
 * subscription of recorded events for each session.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "gateway/work.h"

struct append; /* append.h */
struct open_writer;
struct reprise_gateway;

enum {
	WRITERS_ROWS = 1024,
	/* Appends that wait for a writer; jobs that wait for a worker. More are refused. */
	WRITERS_QUEUED_MAX = 1024,
};

struct writers {
	struct open_writer *rows[WRITERS_ROWS];
	uint64_t count;
	uint64_t queued;                 /* appends that wait for a writer */
	TAILQ_HEAD(, open_writer) idle;  /* open, the one unused for longest first */
	TAILQ_HEAD(, append) unrecorded; /* appends that wait to be recorded, oldest first */
	struct job look;                 /* at the recorder's statistics */
	bool is_looking, was_failing;
};

void writers_init(struct writers *writers);
/*
 * On the loop, from on_tick: deadlines of appends that wait, idle writers, and a look at the
 * recorder.
 */
void writers_tick(struct reprise_gateway *gateway);
/* Closes all writers; appends that wait are answered. */
void writers_close(struct reprise_gateway *gateway);

#endif /* GATEWAY_WRITERS_H */
