/* SPDX-License-Identifier: MIT */
#ifndef TOOL_STAGE_H
#define TOOL_STAGE_H

/*
 * What the runtime and the hosts of one session share. The event at a position is a line of the input:
 * that is how whoever gets it knows what it should be.
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
	reprise_position before; /* the session's newest when the run began */
	uint64_t shift;          /* of the lines against the positions */
	bool is_recorded;        /* in a store with a log */
	_Atomic uint64_t appended;
	_Atomic uint64_t over_ns; /* when the runtime had appended all; 0: not yet */
	_Atomic bool is_failed;   /* it was refused: nobody need wait for an end */
	bool tells;               /* its hosts say what happens to them */
};

/* How often who waits looks whether that is in vain. */
#define STAGE_LOOK_NS UINT64_C(100000000)

/* The window's bound for a run of so many events: small enough that who is slow is overtaken. */
uint64_t stage_events_max(uint64_t rate, uint64_t seconds);

/* The window's bound in bytes: large enough for the largest line of all inputs. */
uint64_t stage_bytes_max(const struct input *inputs, size_t inputs_count);

/* NULL, and it has said why on stderr, if it cannot be opened. */
struct reprise_store *stage_open_store(uint64_t events_max, uint64_t bytes_max,
				       reprise_when_full when_full);

/* False, and it has said so, if anything of it is still open. */
bool stage_close_store(struct reprise_store *store);

/* The line that stands for a position. */
struct reprise_bytes stage_line(const struct stage *stage, reprise_position position);

/* Appends the line that stands for the next position; waits for the log where it has to. */
bool stage_append(struct stage *stage, struct reprise_writer *writer);

/* Whether a host that has not been told of the end by now need not wait for it. */
bool stage_is_hopeless(const struct stage *stage, uint64_t now);

#endif /* TOOL_STAGE_H */
