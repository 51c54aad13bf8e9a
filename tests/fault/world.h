/* SPDX-License-Identifier: MIT */
#ifndef FAULT_WORLD_H
#define FAULT_WORLD_H

/*
 * A world in which one public call is made: a store, a session with a few events, a
 * subscription, as far as the call needs them; what it looked like before, what came out, and
 * what must be so afterwards.
 */

#include "fault.h"

enum {
	EVENTS = 5, /* in the session "s" at first */
	OUT_UNTOUCHED = 0x5a,
};

/* How far a world is built before the call. */
enum stage {
	STAGE_NOTHING,
	STAGE_STORE,
	STAGE_SESSION,      /* a writer of "s", with EVENTS events */
	STAGE_SUBSCRIPTION, /* and a subscription to it, from the beginning */
};

/* The outputs of the call. Every byte is OUT_UNTOUCHED before it. */
struct out {
	struct reprise_store *store;
	struct reprise_writer *writer;
	struct reprise_subscription *subscription;
	struct reprise_group *group;
	struct reprise_session_list *list;
	struct reprise_cursor cursor;
	reprise_position position;
	uint64_t count;
	void *payload;
	int fd;
	char text[REPRISE_CURSOR_TEXT_BYTES_MAX];
	size_t text_bytes;
	struct reprise_event event;
	struct reprise_gap gap;
	struct reprise_end end;
};

struct world {
	bool has_hooks;
	reprise_wake wake;
	uint64_t sessions_max, bytes_max; /* of the store; of each session */

	struct reprise_store *store;
	struct reprise_writer *writer;
	struct reprise_subscription *subscription;
	struct reprise_group *group; /* NULL: none */
	struct reprise_session_list *list;
	struct reprise_cursor beginning; /* of "s" */
	reprise_position newest;         /* of "s" */
	reprise_position seen;           /* by the subscription, delivered or lost */
	uint64_t called;                 /* the callback; see world_callback */
	uint64_t arena_kept;             /* windows that the store keeps until it is closed */
	struct out out;
};

/* The state that a failed call must leave as it was. */
struct snapshot {
	struct reprise_store_stats store;
	struct reprise_session_stats session;
	struct reprise_subscription_stats subscription;
	struct reprise_cursor cursor;
	unsigned int descriptors;
};

void world_build(struct world *world, enum stage stage);
void world_end(struct world *world);

/* Appends one event to "s", with its position as payload. */
void world_append(struct world *world);

/* The subscription hands out all that it has not yet; and another event that is appended then. */
void world_follow(struct world *world);

/* Takes just what is there; answers the outcome after the last event. */
reprise_outcome world_take(struct world *world);

/* A store that works as ever: another session, appended to, subscribed to, waited for. */
void world_works(struct world *world);

/* Opens, appends to and closes a session that nobody holds then. */
void world_idle_session(struct world *world, const char *id, uint64_t bytes_max);

/* For the subscription: counts in world->called. */
void world_callback(struct reprise_subscription *subscription, void *world);

/* Waits until the callback was called so often; dies if it is not. */
void world_await_calls(struct world *world, uint64_t called);

/* Whether the descriptor becomes readable within @ms. */
bool world_is_readable(int fd, int ms);

/* Closes the subscription; and what is so afterwards. */
reprise_status world_close_subscription(struct world *world, struct reprise_error *error);
void world_is_left(struct world *world);

/*
 * Takes all there is, which makes the descriptor unreadable. Where the bell and the relay's own
 * look both ring for one append, the later ring may come for nothing, after EMPTY: then EMPTY once
 * more ends it.
 */
void world_take_until_unreadable(struct world *world, int fd);

/* A failed call may have taken some for the next one, but not each time. */
uint64_t world_control_bytes(struct world *world);

struct snapshot world_snapshot(struct world *world);
void world_is_unchanged(struct world *world, const struct snapshot *before);

/* The resources of the process; it must have the same in the end. */
struct process {
	struct fault_live live;
	unsigned int descriptors, threads, mappings;
};

struct process process_now(void);

/* Waits a little for threads that are joined and not gone yet. */
void process_is_as(const struct process *before);

uint64_t now_ns(void);

#endif /* FAULT_WORLD_H */
