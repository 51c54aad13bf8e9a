/* SPDX-License-Identifier: MIT */
#ifndef STRESS_LIVES_H
#define STRESS_LIVES_H

/*
 * The common part of the two sides of lives.c: writers and sweepers there, hosts in lives_host.c.
 */

#include <string.h>

#include "stress.h"

enum {
	LIVES_IDS = 6,
	LIVES_KEPT = 8,     /* cursors that a host comes back with */
	LIVES_ENDED = 4096, /* lives that an id remembers to have left behind */
};

struct place {
	char id[8];
	/*
	 * Invalidations of it. If `done` is above what `begun` was, one has begun and ended since.
	 */
	_Atomic uint64_t begun, done;
	_Atomic reprise_position newest; /* the greatest that was given out, beyond any doubt */
	/*
	 * Lives that ended and were replaced by the next. They are in the table no more, and no
	 * invalidation reaches them: who still follows one hears it to its end.
	 */
	pthread_mutex_t lock;
	struct reprise_incarnation replaced[LIVES_ENDED];
	uint64_t replaced_count;
	/* Its writer's. */
	struct reprise_incarnation incarnation;
	bool is_ended;
};

/* The payload of an event. */
struct print {
	struct reprise_incarnation incarnation;
	reprise_position position;
	uint64_t place;
};

/* A cursor, and how many invalidations had ended before it was asked for, and had begun by then. */
struct held {
	struct reprise_cursor cursor;
	struct place *place;
	uint64_t done_before, begun;
	uint64_t replaced_before; /* lives of it that had been replaced by then */
};

struct lives_host {
	pthread_t thread;
	unsigned int random;
	struct held kept[LIVES_KEPT];
	uint64_t delivered, filtered, lost, ended, refused, voided;
};

extern struct reprise_store *lives_store;
extern struct place lives_places[LIVES_IDS];
extern _Atomic uint64_t lives_fulls; /* refused, since everything was held */

/* Comes and goes. */
void lives_visit(struct lives_host *host);

static inline bool
is_same_life(const struct reprise_incarnation *one, const struct reprise_incarnation *other)
{
	return memcmp(one, other, sizeof(*one)) == 0;
}

#endif /* STRESS_LIVES_H */
