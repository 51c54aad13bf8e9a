/* SPDX-License-Identifier: MIT */
#ifndef STORE_PORT_H
#define STORE_PORT_H

/*
 * The store's port: how a recorder follows its sessions, and how subscriptions reach the log. The
 * store knows of logs only what stands here. At most one is attached, before there is any session.
 *
 * Each function of the port says whether it is called under the store's lock. The port's own
 * lock comes after the store's and after a session's hands; the lock of what heals comes
 * before the hands.
 *
 * These functions are exported to the recorder's library, of the same release, and to nobody else.
 */

#include <reprise/store.h>

#include "ring/ring.h"
#include "store/backfill.h"
#include "store/session.h"

#define port_attach        reprise_private_port_attach
#define port_detach        reprise_private_port_detach
#define port_take          reprise_private_port_take
#define port_newest        reprise_private_port_newest
#define port_has_more      reprise_private_port_has_more
#define port_can_wait      reprise_private_port_can_wait
#define port_wait          reprise_private_port_wait
#define port_barrier       reprise_private_port_barrier
#define port_recorded      reprise_private_port_recorded
#define port_fence         reprise_private_port_fence
#define port_has           reprise_private_port_has
#define port_find          reprise_private_port_find
#define port_heir          reprise_private_port_heir
#define port_unpin         reprise_private_port_unpin
#define port_hold          reprise_private_port_hold
#define port_let_go        reprise_private_port_let_go
#define port_keep          reprise_private_port_keep
#define port_stamp_of_host reprise_private_port_stamp_of_host

/*
 * The limits of a batch in a store with a port, so that one transaction of a log holds the batch.
 */
enum {
	PORT_BATCH_EVENTS_MAX = 1 << 20,
	PORT_PAYLOAD_BYTES_MAX = 64 << 20, /* of each event */
	PORT_BATCH_BYTES_MAX = 128 << 20,  /* all payloads */
};

/* As the end of a life. */
#define PORT_HAS_ALL UINT64_MAX

struct opening;
struct recording; /* what the port keeps of a session */

struct store_port {
	/*
	 * Lives begin or go on, in as few transactions of the log as can be: of each opening that
	 * is_asked. A window that was joined goes on. Of one that is to be created the life begins:
	 * answers in `birth` the position that it goes on above, and what is kept of it;
	 * E_NO_MEMORY if such a window could not be recorded. Afterwards attach or abandon is
	 * called. Answers the status of each. Blocks; not under the lock.
	 */
	void (*open_lives)(struct store_port *port, struct opening *openings, size_t count);
	/* It could not be. Under the lock. */
	void (*abandon)(struct store_port *port, struct recording *recording);
	/* It has been, and is in the table, held by the port. Under the lock. */
	void (*attach)(struct store_port *port, struct reprise_session *session);
	/*
	 * @heir goes on in the place of an empty window of the same life, with the same recording;
	 * the old window is void. The port goes over to the heir (port_heir) before the port looks
	 * for events again. Under the lock.
	 */
	void (*succeed)(struct store_port *port, struct reprise_session *heir);
	/* The writer has gone. Under the lock. */
	void (*leave)(struct store_port *port, struct reprise_session *session);
	/* The window is void from here on. Under the lock. */
	void (*invalidate)(struct store_port *port, struct reprise_session *session);
	/*
	 * Blocks until the log knows on disk that the window is void; E_TIMEOUT after the port's
	 * deadline from @since_ns on. Not under the lock. The session is pinned.
	 */
	reprise_status (*await_invalidated)(struct store_port *port,
					    struct reprise_session *session, uint64_t since_ns);
	/* Nobody has a reference to the session any more. */
	void (*forget)(struct store_port *port, struct recording *recording);
	/* Blocks until all of them were forgotten. */
	void (*await_forgotten)(struct store_port *port);

	/*
	 * Something was appended to the session, or it has ended, since port_wait; or neither.
	 * Under the lock of the session's hands, not under the store's. The session is pinned.
	 */
	void (*notify)(struct store_port *port, struct reprise_session *session);

	/* Blocks until @position is recorded, or the deadline. */
	reprise_status (*wait_recorded)(struct store_port *port, struct reprise_session *session,
					reprise_position position, uint64_t deadline_ns);

	/* Loads the page that @backfill asks for. */
	void (*ask)(struct store_port *port, struct backfill *backfill);
	/* It is asked for no more, and IDLE from now on. */
	void (*cancel)(struct store_port *port, struct backfill *backfill);
	/* Its subscription is gone. It is freed, here or later. */
	void (*orphan)(struct store_port *port, struct backfill *backfill);
};

/* E_BUSY if there is a session, or another port. */
REPRISE_API reprise_status port_attach(struct reprise_store *store, struct store_port *port,
				       struct reprise_error *error);

/* E_BUSY if there is a writer, a subscription, or a session that the port holds. */
REPRISE_API reprise_status port_detach(struct reprise_store *store);

/* The positions that there are to record. */
struct port_look {
	reprise_position oldest; /* events before are lost */
	reprise_position newest;
	bool has_ended;
	int32_t end_status;
};

/*
 * Copies records after @after, down to the oldest whose bytes are there, as ring_read does; the
 * stretch is empty if there are none, or they were overtaken: then look again.
 */
REPRISE_API struct port_look port_take(struct reprise_session *session, reprise_position after,
				       struct stretch *stretch);

/* The last that was appended: a number alone. */
REPRISE_API reprise_position port_newest(struct reprise_session *session);

/*
 * Whether there are events after @after, or the end where @has_ended is false: two numbers alone.
 */
REPRISE_API bool port_has_more(struct reprise_session *session, reprise_position after,
			       bool has_ended);

/*
 * The port waits for more of a session instead of looking again and again: port_wait for each of
 * any number of sessions, then port_barrier once, then port_has_more for each. The port is notified
 * of what a look does not find. port_barrier is false if the kernel refuses its barrier, and
 * port_can_wait if the store defers: then the port may not be notified, and has to go on looking.
 */
REPRISE_API bool port_can_wait(const struct reprise_store *store);
REPRISE_API void port_wait(struct reprise_session *session);
REPRISE_API bool port_barrier(const struct reprise_store *store);

/*
 * The stamp that the host has set last; false if it has set none, and the store's clock is
 * CLOCK_MONOTONIC.
 */
REPRISE_API bool port_stamp_of_host(struct reprise_store *store, uint64_t *ret_stamp_ns);

/* Everything up to @position is recorded: tells the threads that wait for that on this side. */
REPRISE_API void port_recorded(struct reprise_session *session, reprise_position position);

/*
 * Another process has taken the session over, or the log has gone back and has the window's life up
 * to @end alone (PORT_HAS_ALL: it has all that was recorded). The window is void, its writer's
 * calls answer E_CLOSED.
 */
REPRISE_API void port_fence(struct reprise_session *session, reprise_position end);

/* Whether the session has a window of that life. */
REPRISE_API bool port_has(struct reprise_store *store, const char *id,
			  const struct reprise_incarnation *incarnation);

/* This window, held as by port_keep; or NULL. */
REPRISE_API struct reprise_session *port_find(struct reprise_store *store, const char *id,
					      const struct reprise_incarnation *incarnation);

/* Keeps a session from being evicted or expired, and from being freed; and no more. */
REPRISE_API void port_hold(struct reprise_session *session); /* under the store's lock */
REPRISE_API void port_keep(struct reprise_session *session); /* the same, not under it */
REPRISE_API void port_let_go(struct reprise_session *session);

/*
 * The window that goes on in the place of @session, pinned: @session itself if it has no heir. The
 * port holds @session; its handle is the heir's. Afterwards the port gives up its reference to
 * @session by port_unpin.
 */
REPRISE_API struct reprise_session *port_heir(struct reprise_session *session);
REPRISE_API void port_unpin(struct reprise_session *session);

#endif /* STORE_PORT_H */
