/* SPDX-License-Identifier: MIT */
#ifndef TOOL_HOST_H
#define TOOL_HOST_H

/*
 * A host of the demo follows one session in its own way, and counts the events. The host compares
 * every payload with the input line of the event's position. The callers are solo.h and crowd.h.
 */

#include <stdatomic.h>
#include <stdbool.h>

#include <reprise/reprise.h>

#include "tool/stage.h"

enum host_way {
	HOST_STAYS,
	HOST_DROPS,    /* drops its connection at random, comes back with its last cursor's text */
	HOST_SLOW,     /* pauses for longer than the window holds */
	HOST_LATE,     /* subscribes late, with a cursor from the beginning */
	HOST_EPOLL,    /* stays, and waits for a descriptor */
	HOST_CALLBACK, /* stays, and is called by the store's thread */
	HOST_WAYS,
};

struct host {
	struct stage *stage; /* borrowed */
	enum host_way way;
	char cursor_text[REPRISE_CURSOR_TEXT_BYTES_MAX];
	unsigned int random;
	reprise_position seen; /* the last position, delivered or lost */

	_Atomic uint64_t delivered, lost, gaps, reconnects;
	_Atomic uint64_t healed; /* the delivered events from the log */
	uint64_t doubled;
	uint64_t wrong;  /* payloads that differ, holes, gaps that are not exact */
	bool is_refused; /* a call of the library failed */
	bool is_ended;   /* the host got the end, with the status of the runtime */
};

extern const char *const host_way_names[HOST_WAYS];

/*
 * Gives the host the current cursor. The host is not connected yet. False: the store has no cursor.
 */
bool host_open(struct host *host, struct stage *stage, enum host_way way, unsigned int random);

/* Subscribes after the host's cursor. NULL: the store refused the subscription. */
struct reprise_subscription *host_connect(struct host *host);

/* Closes the subscription, and keeps the text of its cursor for the next connection. */
void host_disconnect(struct host *host, struct reprise_subscription *subscription);

/* Takes the available events. False: the session has ended. */
bool host_take_all(struct host *host, struct reprise_subscription *subscription);

/*
 * The same, until a position or a time at the latest, but at least one event: the runtime may
 * append faster than the host takes.
 */
bool host_take_until(struct host *host, struct reprise_subscription *subscription,
		     reprise_position until, uint64_t until_ns);

/* Whether the window has moved on enough for a host that comes late, or never will. */
bool host_is_late(const struct host *host);

/* The pause of a slow host. */
uint64_t host_away_ns(const struct host *host);

uint64_t host_between(struct host *host, uint64_t least, uint64_t most);

/* At the end: the fault in the host's counts, or NULL. */
const char *host_fault(const struct host *host);

#endif /* TOOL_HOST_H */
