/* SPDX-License-Identifier: MIT */
#ifndef TOOL_STAGE_H
#define TOOL_STAGE_H

/*
 * The state that the runtime and the hosts of one session share. The position of an event gives the
 * line of the input, so that each host can check each payload.
 */

#include <stdatomic.h>
#include <stdbool.h>

#include <reprise/reprise.h>

#include "tool/input.h"

struct stage {
	struct reprise_store *store; /* borrowed */
	const struct input *input;   /* borrowed */
	char session_id[32];
	uint64_t rate, seconds, events_max;
	reprise_position before; /* the newest position at the beginning of the run */
	uint64_t shift;          /* the offset of the lines against the positions */
	bool is_recorded;        /* the store has a log */
	_Atomic uint64_t appended;
	_Atomic uint64_t over_ns; /* when the appending ended; 0: not yet */
	_Atomic bool is_failed;   /* the library refused an append: the session gets no end */
	bool tells;               /* the hosts print reports */
};

/* The period at which a waiting host checks stage_is_hopeless. */
#define STAGE_LOOK_NS UINT64_C(100000000)

/* The window's limit in events: small enough for the writer to overtake a slow host. */
uint64_t stage_events_max(uint64_t rate, uint64_t seconds);

/* The window's limit in bytes: large enough for the largest line of all inputs. */
uint64_t stage_bytes_max(const struct input *inputs, size_t inputs_count);

/* NULL: the store cannot be opened, and stderr has the reason. */
struct reprise_store *stage_open_store(uint64_t events_max, uint64_t bytes_max,
				       reprise_when_full when_full);

/* False: a handle of the store is still open, and stderr says so. */
bool stage_close_store(struct reprise_store *store);

/* The line of a position. */
struct reprise_bytes stage_line(const struct stage *stage, reprise_position position);

/* Appends the line of the next position. If the window is full, waits for the log. */
bool stage_append(struct stage *stage, struct reprise_writer *writer);

/* Whether a host without the session's end can stop waiting for the end. */
bool stage_is_hopeless(const struct stage *stage, uint64_t now);

#endif /* TOOL_STAGE_H */
