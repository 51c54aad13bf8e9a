/* SPDX-License-Identifier: MIT */
#ifndef STORE_PORT_H
#define STORE_PORT_H

/*
 * The store's port: how a recorder follows its sessions, and how subscriptions reach the log. The store
 * knows of logs only what stands here. At most one is attached, before there is any session.
 *
 * Each function of the port says whether it is called under the store's lock. The port's own lock comes after
 * the store's, and before a session's hands.
 *
 * These functions are exported to the recorder's library, of the same release, and to nobody else.
 */

#include <reprise/store.h>

#include "ring/ring.h"
#include "store/backfill.h"
#include "store/session.h"

#define port_attach   reprise_private_port_attach
#define port_detach   reprise_private_port_detach
#define port_take     reprise_private_port_take
#define port_newest   reprise_private_port_newest
#define port_recorded reprise_private_port_recorded
#define port_fence    reprise_private_port_fence
#define port_hold     reprise_private_port_hold
#define port_let_go   reprise_private_port_let_go
#define port_keep     reprise_private_port_keep

struct recording; /* what the port keeps of a session */

struct store_port {
	/*
	 * A window of @incarnation is about to be created. Answers the position that it goes on above, and what
	 * is kept of it. Blocks; not under the lock. Afterwards come attach or abandon.
	 */
	reprise_status (*open_life)(struct store_port *port, const char *id,
				    const struct reprise_incarnation *incarnation,
				    reprise_position *ret_position_before,
				    struct recording **ret_recording, struct reprise_error *error);
	/* It could not be. Under the lock. */
	void (*abandon)(struct store_port *port, struct recording *recording);
	/* It has been, and is in the table, held by the port. Under the lock. */
	void (*attach)(struct store_port *port, struct reprise_session *session);
	/* A writer comes to a window that has none. Blocks; not under the lock. */
	reprise_status (*rejoin)(struct store_port *port, struct reprise_session *session,
				 struct reprise_error *error);
	/* The writer has gone. Under the lock. */
	void (*leave)(struct store_port *port, struct reprise_session *session);
	/* The window is void from here on. Under the lock. */
	void (*invalidate)(struct store_port *port, struct reprise_session *session);
	/* Nobody has a reference to the session any more. */
	void (*forget)(struct store_port *port, struct recording *recording);
	/* Blocks until all of them were forgotten. */
	void (*await_forgotten)(struct store_port *port);

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

/* What there is to record. */
struct port_look {
	reprise_position oldest; /* what is before it is lost */
	reprise_position newest;
	bool has_ended;
	int32_t end_status;
};

/*
 * Copies records after @after, down to the oldest whose bytes are there, as ring_read does; the stretch
 * is empty if there are none, or they were overtaken: then look again.
 */
REPRISE_API struct port_look port_take(struct reprise_session *session, reprise_position after,
				       struct stretch *stretch);

/* The last that was appended: a number alone. */
REPRISE_API reprise_position port_newest(struct reprise_session *session);

/* Everything up to @position is recorded: tells whoever waits for that on this side. */
REPRISE_API void port_recorded(struct reprise_session *session, reprise_position position);

/* Another process has taken the session over: its window is void, its writer's calls answer E_CLOSED. */
REPRISE_API void port_fence(struct reprise_session *session);

/* Keeps a session from being evicted or expired, and from being freed; and no more. */
REPRISE_API void port_hold(struct reprise_session *session); /* under the store's lock */
REPRISE_API void port_keep(struct reprise_session *session); /* the same, not under it */
REPRISE_API void port_let_go(struct reprise_session *session);

#endif /* STORE_PORT_H */
