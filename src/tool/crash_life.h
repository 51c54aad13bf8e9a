/* SPDX-License-Identifier: MIT */
#ifndef TOOL_CRASH_LIFE_H
#define TOOL_CRASH_LIFE_H

/* The runtime that is killed and started again: what runs in its process. */

#include <stdint.h>

#include "tool/input.h"

#define CRASH_SESSION "demo-crash"

enum {
	CRASH_RECORDED_EVENTS = 1000,  /* that are recorded before the crash */
	CRASH_DROPPED_AFTER = 700,     /* of those, when one host drops its connection */
	CRASH_UNRECORDED_EVENTS = 500, /* at most, that are not */
	CRASH_KILLED_AFTER = 100,      /* of those, when it is killed */
	CRASH_LATER_EVENTS = 500,      /* of the life that follows */
	CRASH_EVENTS_MAX = CRASH_RECORDED_EVENTS + CRASH_UNRECORDED_EVENTS + CRASH_LATER_EVENTS,
};

struct crash_life {
	const struct input *input; /* borrowed */
	const char *log;           /* borrowed */
	int to_hosts, from_hosts;  /* pipes */
};

/* Streams until it is killed. Answers the exit status if it fails. */
int crash_first_life(const struct crash_life *life);

/* Goes on where the log ends, lets the hosts come back, and ends the session. Answers the exit status. */
int crash_second_life(const struct crash_life *life);

#endif /* TOOL_CRASH_LIFE_H */
