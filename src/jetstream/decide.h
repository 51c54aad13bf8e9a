/* SPDX-License-Identifier: MIT */
#ifndef JETSTREAM_DECIDE_H
#define JETSTREAM_DECIDE_H

/* How an append in flight ends. All with the writer's lock. */

#include "jetstream/flights.h"

/* The flight is the newest of its document. */
void decide_later(struct reprise_jetstream *writer, struct flight *flight);

/* It is buffered; the flight's `appended` says how. */
void decide_done(struct reprise_jetstream *writer, struct flight *flight);

/*
 * The server has acknowledged an earlier publication. The versions behind it stay: the view did not
 * know that one, and counts it as the flight now.
 */
void decide_duplicate(struct reprise_jetstream *writer, struct flight *flight);

/* It failed, as flight->error says; all later flights of the document are aborted. */
void decide_failed(struct reprise_jetstream *writer, struct flight *flight);

/* The flight leaves the queue of `sent`, undecided: nothing was sent. */
void decide_nothing(struct reprise_jetstream *writer, struct flight *flight);

/* A flight that was compared late, with others behind it in `ready`, failed after all. */
void decide_late_failure(struct reprise_jetstream *writer, struct flight *flight);

/* The oldest flight in `sent` failed; at a close it is aborted, whatever @status says. */
void decide_oldest_failed(struct reprise_jetstream *writer, reprise_status status, const char *what,
			  const char *words);

/* Frees a flight that nobody will complete any more. */
void decide_free(struct reprise_jetstream *writer, struct flight *flight);

#endif /* JETSTREAM_DECIDE_H */
