/* SPDX-License-Identifier: MIT */
#ifndef CONVERSATION_INSTANCE_H
#define CONVERSATION_INSTANCE_H

/* The parts of an instance of a conversation. */

#include <stdbool.h>
#include <stdint.h>

#include <reprise/conversation.h>

#include "conversation/state.h"

enum {
	SNAPSHOT_SLOTS = 2,
	HORIZONS_MAX = 64, /* places that are remembered */
};

/* A place of the stream, and the horizon from there on. */
struct horizon {
	uint64_t ordinal; /* of the last event before */
	uint64_t ms;
};

/* Where the horizon was raised: see horizons.h. */
struct horizons {
	struct horizon first; /* the last place that was given up */
	size_t count;
	struct horizon raises[HORIZONS_MAX]; /* both numbers ascending */
	bool are_stored;                     /* in the log, as they are */
};

struct snapshots {
	uint64_t covered[SNAPSHOT_SLOTS]; /* up to which ordinal; 0: none, or it cannot be read */
	uint64_t bytes[SNAPSHOT_SLOTS];
	uint64_t recovered_from; /* the ordinal that the last recovery began after */
	uint32_t damaged;        /* slots, at the last recovery */
	reprise_status last;     /* the outcome of the last one that was taken */
};

struct reprise_conversation {
	struct reprise_log *log;
	char tenant[REPRISE_SESSION_ID_BYTES_MAX + 1];
	char thread[REPRISE_SESSION_ID_BYTES_MAX + 1];
	uint64_t
		expected; /* the head that the stream must have; also how many events came before */
	bool is_stale;    /* the stream may have another head */
	struct conversation_state *state; /* of the events up to `expected` */
	struct horizons horizons;
	struct snapshots snapshots;
	uint64_t snapshot_events;           /* least distance of two snapshots */
	uint64_t events_since, bytes_since; /* the last attempt to take one, or its recovery */
};

/* Borrowed from the instance. */
static inline struct reprise_log_key
instance_key(const struct reprise_conversation *conversation)
{
	return (struct reprise_log_key){ conversation->tenant, conversation->thread };
}

/* As far as a valid id may reach: one that is longer stays too long. */
struct reprise_bytes instance_id(const char *id);

/* E_CORRUPT: the event at @ordinal is no good. */
reprise_status instance_corrupt(struct reprise_error *error, uint64_t ordinal, const char *fault);

#endif /* CONVERSATION_INSTANCE_H */
