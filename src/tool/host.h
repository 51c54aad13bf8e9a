/* SPDX-License-Identifier: MIT */
#ifndef TOOL_HOST_H
#define TOOL_HOST_H

/*
 * A host of the demo: it follows one session in its own way and keeps the books. Every payload is
 * compared with the input line that its position stands for. Who runs it: solo.h, crowd.h.
 */

#include <stdatomic.h>
#include <stdbool.h>

#include <reprise/reprise.h>

#include "tool/stage.h"

enum host_way {
	HOST_STAYS,
	HOST_DROPS,    /* drops its connection at random, comes back with its last cursor's text */
	HOST_SLOW,     /* turns away for longer than the window holds */
	HOST_LATE,     /* holds a cursor from the beginning, and comes when it is stale */
	HOST_EPOLL,    /* stays, and waits for a descriptor */
	HOST_CALLBACK, /* stays, and is called back on the store's thread */
	HOST_WAYS,
};

struct host {
	struct stage *stage; /* borrowed */
	enum host_way way;
	char cursor_text[REPRISE_CURSOR_TEXT_BYTES_MAX];
	unsigned int random;
	reprise_position seen; /* the last position, delivered or lost */

	_Atomic uint64_t delivered, lost, gaps, reconnects;
	_Atomic uint64_t healed; /* of the delivered, those from the log */
	uint64_t doubled;
	uint64_t wrong;  /* payloads that differ, holes, gaps that are not exact */
	bool is_refused; /* a call that should have worked did not */
	bool is_ended;   /* told so, with the status that the runtime gave */
};

extern const char *const host_way_names[HOST_WAYS];

/* A host with a cursor from now on, not connected yet. False if there is none to be had. */
bool host_open(struct host *host, struct stage *stage, enum host_way way, unsigned int random);

/* The connection: subscribed with the text of the cursor that it holds. NULL if it is refused. */
struct reprise_subscription *host_connect(struct host *host);

/* Closes the connection, and keeps the text of the cursor to come back with. */
void host_disconnect(struct host *host, struct reprise_subscription *subscription);

/* Takes what there is until there is nothing. False when nothing will follow. */
bool host_take_all(struct host *host, struct reprise_subscription *subscription);

/* The same, until a position or a time at the latest, but at least once: the runtime may append faster than it takes. */
bool host_take_until(struct host *host, struct reprise_subscription *subscription,
		     reprise_position until, uint64_t until_ns);

/* Whether its cursor, if it comes late, is stale by now; or never will be. */
bool host_is_late(const struct host *host);

/* How long a slow one turns away. */
uint64_t host_away_ns(const struct host *host);

uint64_t host_between(struct host *host, uint64_t least, uint64_t most);

/* Why its books are not as they should be once all is over, or NULL. */
const char *host_fault(const struct host *host);

#endif /* TOOL_HOST_H */
