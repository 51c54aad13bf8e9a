/* SPDX-License-Identifier: MIT */
#ifndef TOOL_CRASH_LIFE_H
#define TOOL_CRASH_LIFE_H

/* The code of the runtime that is killed and started again, in a process of its own. */

#include <stdint.h>

#include "tool/input.h"

#define CRASH_SESSION "demo-crash"

enum {
	CRASH_RECORDED_EVENTS = 1000,  /* recorded before the kill */
	CRASH_DROPPED_AFTER = 700,     /* one host drops its connection after so many events */
	CRASH_UNRECORDED_EVENTS = 500, /* at most, appended without a record */
	CRASH_KILLED_AFTER = 100,      /* the kill comes after so many of these events */
	CRASH_LATER_EVENTS = 500,      /* appended by the second runtime */
	CRASH_EVENTS_MAX = CRASH_RECORDED_EVENTS + CRASH_UNRECORDED_EVENTS + CRASH_LATER_EVENTS,
};

struct crash_life {
	const struct input *input; /* borrowed */
	const char *log;           /* borrowed */
	int to_hosts, from_hosts;  /* pipes */
};

/* Appends until the kill. Returns the exit status only after a failure. */
int crash_first_life(const struct crash_life *life);

/*
 * Goes on where the log ends, serves the hosts again, and ends the session. Returns the exit
 * status.
 */
int crash_second_life(const struct crash_life *life);

#endif /* TOOL_CRASH_LIFE_H */
