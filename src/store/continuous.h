/* SPDX-License-Identifier: MIT */
#ifndef STORE_CONTINUOUS_H
#define STORE_CONTINUOUS_H

/*
 * A continuous subscription is never over while its store is open. At the end of a life the
 * subscription goes on, in the next life of the session:
 *
 *   FOLLOWING ── everything is handed out ──► LIFE_ENDED ── the gap is told ──► AWAITING
 *       ▲            REFUSED ── the gap is told, with a cursor ──┬──────────────► AWAITING
 *       └──────────────── the window is the one it is in ────────┘                   │
 *       ▲                                                             a life has begun
 *       └── UNSTAGED, until there is memory for a stretch ◄──────────────────────────┘
 *
 * AWAITING, the subscription is in the lobby and holds nothing. The owner finds the life and moves
 * there, by reprise_next, reprise_wait or a door's calls; a new life rings the subscription
 * (waiting.h). A move needs no memory, so a lack of memory loses no retained event.
 */

#include "store/subscription.h"

/* Under no lock: makes sure of the lobby and the lists. False without memory. */
bool continuous_open(struct reprise_store *store);

/*
 * The subscription is in the lobby since the opening: from here on the session's creator rings the
 * subscription.
 */
void continuous_enter(struct reprise_subscription *subscription);

/*
 * A cursor of no life at position 0 has seen nothing: the subscription begins before the first
 * position of the window, or, without a window, waits for a life. Answers whether the subscription
 * waits.
 */
bool continuous_begin(struct reprise_subscription *subscription);

/* AWAITING: looks whether a life has begun, or a gap is to be told. Then the stage changes. */
void continuous_find_life(struct reprise_subscription *subscription);

/* UNSTAGED: looks whether there is memory by now. Then the stage is FOLLOWING. */
void continuous_take_staging(struct reprise_subscription *subscription);

/* The end of the life of @at has been told. */
void continuous_end_life(struct reprise_subscription *subscription);

/*
 * A gap UNAVAILABLE was told: the subscription goes on from @cursor. @live is the session's window
 * of now, pinned, or NULL.
 */
void continuous_go_on(struct reprise_subscription *subscription,
		      const struct reprise_cursor *cursor, const struct reprise_session *live);

/* The subscription is closed. */
void continuous_close(struct reprise_subscription *subscription);

#endif /* STORE_CONTINUOUS_H */
