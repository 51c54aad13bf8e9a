/* SPDX-License-Identifier: MIT */
#include "jetstream/decide.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/numbers.h"
#include "jetstream/views.h"

enum {
	WAKE_NS = 1000000,
};

/* Takes it out of `sent`: an ack that comes later finds nothing. */
static void
land(struct flights *flights, struct flight *flight)
{
	TAILQ_REMOVE(&flights->sent, flight, in_list);
	flights->slots[flight->slot] = NULL;
}

static void
settle_state(struct reprise_jetstream *writer, struct flight *flight)
{
	if (flight->state == FLIGHT_SENT) {
		land(&writer->flights, flight);
		flight->state = FLIGHT_DECIDED;
		fetch_sub_relaxed(&writer->counters.in_flight, 1);
	}
}

/*
 * A host that waits for room is not woken for each place, while more are about to come. But
 * completions may be slow: then a place is worth a wake.
 */
static void
wake_waiting(struct flights *flights)
{
	if (flights->waiting == 0)
		return;
	const uint64_t now_ns = clock_ns();

	if (!TAILQ_EMPTY(&flights->ready) && flights->count != flights->window / 2 &&
	    now_ns < flights->woken_ns + WAKE_NS)
		return;
	flights->woken_ns = now_ns;
	pthread_cond_broadcast(&flights->has_room);
}

/* Moves what is decided from the beginning of the document's flights to `ready`. */
static void
move_ready(struct reprise_jetstream *writer, struct view *view)
{
	struct flights *const flights = &writer->flights;
	struct flight *flight;

	while ((flight = TAILQ_FIRST(&view->in_flight)) != NULL &&
	       flight->state == FLIGHT_DECIDED) {
		TAILQ_REMOVE(&view->in_flight, flight, in_view);
		TAILQ_INSERT_TAIL(&flights->ready, flight, in_list);
	}
	if (flights->is_asleep && !flights->is_batch && !TAILQ_EMPTY(&flights->ready))
		pthread_cond_signal(&flights->has_ready);
	if (TAILQ_EMPTY(&view->in_flight))
		pthread_cond_broadcast(&view->changed);
	if (flights->is_closing && TAILQ_EMPTY(&flights->sent))
		pthread_cond_broadcast(&flights->has_room);
}

static void
mark_failed(struct flight *flight)
{
	struct view *const view = flight->view;

	if (flight->status != REPRISE_OK)
		return;
	flight->status = flight->error.status;
	view->failures++;
	view->failed++;
	view->is_stale = true;
	if (flight->completion == NULL && !view->has_untold) {
		view->has_untold = true;
		view->untold = flight->error;
	}
}

static void
abort_one(struct flight *flight)
{
	if (flight->status != REPRISE_OK)
		return;
	(void)error_detailed(&flight->error, REPRISE_E_ABORTED, "delta",
			     "an earlier append in flight failed");
	mark_failed(flight);
}

void
decide_later(struct reprise_jetstream *writer, struct flight *flight)
{
	struct flights *const flights = &writer->flights;

	flight->state = FLIGHT_SENT;
	flights->slots[flight->slot] = flight;
	TAILQ_INSERT_TAIL(&flights->sent, flight, in_list);
	TAILQ_INSERT_TAIL(&flight->view->in_flight, flight, in_view);
	fetch_add_relaxed(&writer->counters.in_flight, 1);
}

void
decide_done(struct reprise_jetstream *writer, struct flight *flight)
{
	struct view *const view = flight->view;

	view->acked_last = greatest(view->acked_last, flight->appended.sequence);
	settle_state(writer, flight);
	move_ready(writer, view);
}

void
decide_duplicate(struct reprise_jetstream *writer, struct flight *flight)
{
	flight->is_duplicate = true;
	flight->view->comparing++;
	flight->view->is_stale = true;
	settle_state(writer, flight);
	move_ready(writer, flight->view);
}

void
decide_failed(struct reprise_jetstream *writer, struct flight *flight)
{
	struct view *const view = flight->view;

	mark_failed(flight);
	settle_state(writer, flight);
	for (struct flight *later = TAILQ_NEXT(flight, in_view); later != NULL;
	     later = TAILQ_NEXT(later, in_view)) {
		abort_one(later);
		settle_state(writer, later);
	}
	move_ready(writer, view);
}

void
decide_nothing(struct reprise_jetstream *writer, struct flight *flight)
{
	struct view *const view = flight->view;

	settle_state(writer, flight);
	TAILQ_REMOVE(&view->in_flight, flight, in_view);
	view->is_stale = true;
	move_ready(writer, view);
}

void
decide_late_failure(struct reprise_jetstream *writer, struct flight *flight)
{
	struct view *const view = flight->view;
	struct flight *later;

	mark_failed(flight);
	TAILQ_FOREACH(later, &writer->flights.ready, in_list)
		if (later->view == view)
			abort_one(later);
	TAILQ_FOREACH(later, &view->in_flight, in_view) {
		abort_one(later);
		settle_state(writer, later);
	}
	move_ready(writer, view);
}

void
decide_oldest_failed(struct reprise_jetstream *writer, reprise_status status, const char *what,
		     const char *words)
{
	struct flight *const first = TAILQ_FIRST(&writer->flights.sent);

	if (writer->flights.is_closing)
		(void)error_detailed(&first->error, REPRISE_E_ABORTED, "writer",
				     "the writer was closed before the ack");
	else
		(void)error_detailed(&first->error, status, what, words);
	decide_failed(writer, first);
}

void
decide_free(struct reprise_jetstream *writer, struct flight *flight)
{
	struct flights *const flights = &writer->flights;

	view_leave(writer, flight->view);
	flights->count--;
	flights->turns[flight->slot]++;
	flights->free_slots[flights->free_count++] = flight->slot;
	wake_waiting(flights);
	natsMsg_Destroy(flight->message);
}
