/* SPDX-License-Identifier: MIT */
#ifndef TOOL_HOST_H
#define TOOL_HOST_H

/*
 * A host of the demo: a thread that follows one session in its own way and keeps the books. Every
 * payload is compared with the input line that its position stands for.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <reprise/reprise.h>

#include "tool/input.h"

enum host_way {
	HOST_STAYS,
	HOST_DROPS, /* drops its connection at random, comes back with its last cursor's text */
	HOST_SLOW,  /* turns away for longer than the window holds */
	HOST_LATE,  /* holds a cursor from the beginning, and comes when it is stale */
	HOST_WAYS,
};

/* What all hosts of one session share. */
struct stage {
	struct reprise_store *store;
	char session_id[32];
	const struct input *input;
	uint64_t rate, seconds, events_max;
	_Atomic uint64_t appended;
	_Atomic bool is_over;   /* the runtime appends no more */
	_Atomic bool is_failed; /* it was refused: nobody need wait for an end */
	bool tells;             /* its hosts say what happens to them */
};

struct host {
	struct stage *stage;
	enum host_way way;
	pthread_t thread;
	char cursor_text[REPRISE_CURSOR_TEXT_BYTES_MAX];
	unsigned int random;
	reprise_position seen; /* the last position, delivered or lost */

	_Atomic uint64_t delivered, lost, gaps, reconnects;
	uint64_t doubled;
	uint64_t wrong; /* payloads that differ, holes, gaps that are not exact */
	bool is_ended;  /* told so, with the status that the runtime gave */
};

extern const char *const host_way_names[HOST_WAYS];

/* Takes its first cursor and starts. False if it cannot. */
bool host_start(struct host *host);
void host_join(struct host *host);

#endif /* TOOL_HOST_H */
