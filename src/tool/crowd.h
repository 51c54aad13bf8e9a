/* SPDX-License-Identifier: MIT */
#ifndef TOOL_CROWD_H
#define TOOL_CROWD_H

/*
 * A crowd: many hosts of many sessions on one thread. The thread sleeps in epoll on the hosts'
 * descriptors. At every tick the thread visits the hosts that are due: to drop the connection, to
 * come back, to look after a pause, or to poll. Hosts with a callback need the thread only at the
 * end.
 */

#include <pthread.h>

#include "tool/host.h"

enum member_state {
	MEMBER_AWAY, /* not connected yet, or for a while */
	MEMBER_HERE,
	MEMBER_GONE,
};

struct member {
	struct host host;
	enum member_state state;
	struct reprise_subscription *subscription; /* when HERE */
	bool may_have_descriptor;
	int descriptor;       /* -1: none */
	uint64_t turn_ns;     /* when the host drops, comes back, or looks after a pause */
	uint64_t visit_ns;    /* the time of the next visit */
	_Atomic bool is_told; /* the callback has taken the end */
};

#define CROWD_TICK_NS UINT64_C(10000000)

struct crowd {
	struct member *members; /* borrowed */
	size_t members_count;
	_Atomic size_t members_left; /* not GONE */
	size_t visited;              /* in this round */
	uint64_t tick_ns;            /* the begin of the round */
	uint64_t refused;            /* descriptors that the system refused */
	int loop;
	pthread_t thread;
};

/* Whether hosts of this way wait for a descriptor, if the system has enough. */
bool crowd_wants_descriptor(enum host_way way);

/*
 * Connects the open hosts, all but the late ones. False: no epoll loop was created. In both cases
 * the caller calls crowd_close.
 */
bool crowd_open(struct crowd *crowd, struct member *members, size_t members_count);

/* Starts the thread, which serves the hosts until the last one is gone. False: no thread. */
bool crowd_start(struct crowd *crowd);
void crowd_join(struct crowd *crowd);

/* Disconnects the hosts that are still connected. The thread must have ended. */
void crowd_close(struct crowd *crowd);

#endif /* TOOL_CROWD_H */
