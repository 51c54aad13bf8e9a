/* SPDX-License-Identifier: MIT */
#ifndef JETSTREAM_FLIGHTS_H
#define JETSTREAM_FLIGHTS_H

/*
 * Asynchronous appends: a bounded number of them are in flight, their acks come by one inbox, and
 * their completions are called in the order of the calls on each document.
 *
 *   call ──► view->in_flight + sent ──► ack, deadline, lost connection ──► ready ──► completion
 *
 * An append stays in view->in_flight until it and all earlier ones of the document are decided;
 * then it moves to `ready`. The first failure on a document decides all later ones in flight.
 */

#include "jetstream/publish.h"

enum {
	TOKEN_SLOT_BITS =
		17, /* of the number at the end of an ack's subject; above it, the slot's turn */
};

static_assert(REPRISE_JETSTREAM_WINDOW_MAX < 1 << TOKEN_SLOT_BITS, "a token has room for a slot");

enum flight_state {
	FLIGHT_SENT,
	FLIGHT_DECIDED,
};

struct flight {
	TAILQ_ENTRY(flight) in_view; /* in view->in_flight */
	TAILQ_ENTRY(flight) in_list; /* in `sent`, then in `ready` */
	struct view *view;
	enum flight_state state;
	bool is_sending; /* libnats reads the message: the flight stays, whatever becomes of it */
	/* The completion has returned meanwhile: the flight is freed at the end of the send. */
	bool is_over;
	/* The server has acknowledged an earlier flight: reprise-done compares the two. */
	bool is_duplicate;
	uint32_t slot; /* constant */
	uint64_t due_ns;
	natsMsg *message; /* what was published; NULL: nothing */
	reprise_jetstream_completion completion;
	void *context;
	reprise_status status; /* once it is decided */
	struct reprise_error error;
	struct reprise_jetstream_appended appended;
};

/* Subscribes to the acks, and starts the two threads. After a failure flights_close follows. */
reprise_status flights_open(struct reprise_jetstream *writer, struct reprise_error *error);
/*
 * Waits for acks until @due_ns, gives up the rest, has all completions called, and ends the
 * threads. flights_free follows once libnats calls nobody any more.
 */
void flights_close(struct reprise_jetstream *writer, uint64_t due_ns);
void flights_free(struct reprise_jetstream *writer);

/*
 * Waits for room in the window, and takes it, for an append of the document whose view is held.
 * E_TIMEOUT. Either flight_send, flight_repeat or flight_drop follows.
 */
reprise_status flight_take(struct reprise_jetstream *writer, struct view *view, uint64_t due_ns,
			   struct flight **ret_flight, struct reprise_error *error);
void flight_drop(struct reprise_jetstream *writer, struct flight *flight);

/* The subject for the ack. */
void flight_reply(const struct reprise_jetstream *writer, const struct flight *flight,
		  char ret_reply[static INBOX_ROOM]);

/* Publishes the flight's message. After a failure the flight is dropped, and the view is stale. */
reprise_status flight_send(struct reprise_jetstream *writer, struct flight *flight,
			   struct reprise_error *error);
/* Nothing is published: `appended` says how it was the first time. */
void flight_repeat(struct reprise_jetstream *writer, struct flight *flight);

/* From libnats' callback: there will be no acks for what is in flight. */
void flights_lose(struct reprise_jetstream *writer);

#endif /* JETSTREAM_FLIGHTS_H */
