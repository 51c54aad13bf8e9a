/* SPDX-License-Identifier: MIT */
#ifndef TOOL_CROWD_H
#define TOOL_CROWD_H

/*
 * A crowd: many hosts, of many sessions, on one thread. It sleeps in epoll on the descriptors of those
 * that have one, and every tick it visits those for which the time has come: to drop or come back, to
 * look after having been away, or just to look. Those on a callback need it to be closed alone.
 */

#include <pthread.h>

#include "tool/host.h"

enum member_state {
	MEMBER_AWAY, /* not connected, but it will be */
	MEMBER_HERE,
	MEMBER_GONE,
};

struct member {
	struct host host;
	enum member_state state;
	struct reprise_subscription *subscription; /* when HERE */
	bool may_have_descriptor;
	int descriptor;       /* -1: none */
	uint64_t turn_ns;     /* when it drops, comes back, looks after having been away */
	uint64_t visit_ns;    /* when it is visited next */
	_Atomic bool is_told; /* its callback has nothing more to do */
};

#define CROWD_TICK_NS UINT64_C(10000000)

struct crowd {
	struct member *members; /* borrowed */
	size_t members_count;
	_Atomic size_t members_left; /* not GONE */
	size_t visited;              /* in this round */
	uint64_t tick_ns;            /* when it begins, or has begun */
	uint64_t refused;            /* descriptors that were not to be had */
	int loop;
	pthread_t thread;
};

/* Who waits for a descriptor, if it may have one. */
bool crowd_wants_descriptor(enum host_way way);

/*
 * Connects hosts that are open, all but the late ones. False if there is no loop for them. What it
 * leaves is to be closed in either case.
 */
bool crowd_open(struct crowd *crowd, struct member *members, size_t members_count);

/* Lets the thread serve them until the last one is gone. False if there is none. */
bool crowd_start(struct crowd *crowd);
void crowd_join(struct crowd *crowd);

/* Disconnects who is still here. No thread serves them any more. */
void crowd_close(struct crowd *crowd);

#endif /* TOOL_CROWD_H */
