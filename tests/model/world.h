/* SPDX-License-Identifier: MIT */
#ifndef MODEL_WORLD_H
#define MODEL_WORLD_H

/*
 * A store as small as it can be, in static memory: its sessions and subscriptions are the library's
 * own structures, filled in here so that an execution begins in a microsecond; all that happens to
 * them afterwards is the library's source. Its clock stands still.
 *
 * Events verify themselves: size and payload follow from the position.
 */

#include "store/subscription.h"

#include "model.h"

enum {
	WORLD_SESSIONS_MAX = 2,
	WORLD_SUBSCRIPTIONS_MAX = 4,
};

enum world_wake {
	WORLD_BARRIER, /* membarrier */
	WORLD_FENCED,  /* refused from the start */
	WORLD_DEFERRED,
};

/* The differences between worlds. */
struct world_shape {
	enum world_wake wake;
	uint64_t events_max, bytes_max;
	uint64_t payload_words; /* of an event at an odd position */
	uint64_t more_words;    /* so many more at an even one */
	uint64_t stretch_bytes; /* what a subscription copies at a time; 0: an event */
	bool has_relay;
	bool takes_into; /* subscriptions take events by reprise_next_into */
};

void world_open(const struct world_shape *shape);

/* Stops the relay. Everything else may be forgotten. */
void world_close(void);

struct reprise_session *world_session(unsigned int which);

/* A subscription to it, after position 0. The same one is opened once an execution. */
struct reprise_subscription *world_subscribe(unsigned int which, unsigned int session);

/* Sets the stamp of the events from here on; 1 at first. */
void world_stamp(uint64_t stamp_ns);

/* Appends the next event; or the next @count at once. */
void world_append(unsigned int session);
void world_append_batch(unsigned int session, unsigned int count);
void world_append_end(unsigned int session, unsigned int count); /* and the session's end, 5 */

/* Reserves for the largest event, and writes the next one there. */
void world_reserve(unsigned int session);
void world_publish(unsigned int session);

/* The outcomes that a subscription has told. */
struct books {
	uint64_t seen, delivered, lost;
	bool is_ended, is_void;
};

/* Takes one outcome, of several events perhaps, and checks that it follows from the one before. */
reprise_outcome world_take(struct reprise_subscription *subscription, struct books *books);

/* Takes what there is, while others rest, and checks that the books balance. */
void world_balance(struct reprise_subscription *subscription, struct books *books,
		   uint64_t appended);

#endif /* MODEL_WORLD_H */
