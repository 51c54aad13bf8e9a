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

#include <reprise/writer.h>

#include "gateway/watch.h"
#include "gateway/work.h"

struct reprise_gateway;
struct open_writer;   /* writers.c */
struct writer_waiter; /* writers.c */

enum { WRITERS_ROWS = 1024 };

struct writers {
	struct open_writer *rows[WRITERS_ROWS];
	uint64_t count;
};

/* On the loop, from on_tick: deadlines of appends that wait, and idle writers. */
void writers_tick(struct reprise_gateway *gateway);
/* Closes all writers; appends that wait are answered SHUTTING_DOWN. */
void writers_close(struct reprise_gateway *gateway);

#endif /* GATEWAY_WRITERS_H */
