/* SPDX-License-Identifier: MIT */
#include "jetstream/flights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/numbers.h"
#include "base/thread.h"
#include "jetstream/acks.h"
#include "jetstream/complete.h"
#include "jetstream/decide.h"
#include "jetstream/failure.h"

reprise_status
flight_take(struct reprise_jetstream *writer, struct view *view, uint64_t due_ns,
	    struct flight **ret_flight, struct reprise_error *error)
{
	struct flights *const flights = &writer->flights;
	struct flight *flight = NULL;
	bool is_in_time = true;

	pthread_mutex_lock(&writer->lock);
	flights->waiting++;
	while (flights->count >= flights->window && is_in_time)
		is_in_time = writer_wait(writer, &flights->has_room, due_ns);
	flights->waiting--;
	is_in_time = flights->count < flights->window;
	if (is_in_time) {
		flight = &flights->all[flights->free_slots[--flights->free_count]];
		flights->count++;
		view->users++;
	}
	pthread_mutex_unlock(&writer->lock);
	if (is_in_time) {
		flight->view = view;
		flight->message = NULL;
		flight->is_duplicate = false;
		flight->is_sending = false;
		flight->is_over = false;
		flight->status = REPRISE_OK;
		*ret_flight = flight;
		return REPRISE_OK;
	}
	return error_detailed(error, REPRISE_E_TIMEOUT, "window",
			      "as many appends as allowed were in flight until the deadline");
}

void
flight_drop(struct reprise_jetstream *writer, struct flight *flight)
{
	pthread_mutex_lock(&writer->lock);
	decide_free(writer, flight);
	pthread_mutex_unlock(&writer->lock);
}

void
flight_repeat(struct reprise_jetstream *writer, struct flight *flight)
{
	pthread_mutex_lock(&writer->lock);
	decide_later(writer, flight);
	decide_done(writer, flight);
	pthread_mutex_unlock(&writer->lock);
}

void
flight_reply(const struct reprise_jetstream *writer, const struct flight *flight,
	     char ret_reply[static INBOX_ROOM])
{
	const struct flights *const flights = &writer->flights;
	const uint64_t token = flights->turns[flight->slot] << TOKEN_SLOT_BITS | flight->slot;

	snprintf(ret_reply, INBOX_ROOM, "%s%llx", flights->inbox, (unsigned long long)token);
}

reprise_status
flight_send(struct reprise_jetstream *writer, struct flight *flight, struct reprise_error *error)
{
	natsStatus sent = NATS_INSUFFICIENT_BUFFER;

	/* Before it is sent: the ack may come first. */
	pthread_mutex_lock(&writer->lock);
	flight->due_ns = writer_due(writer);
	flight->is_sending = true;
	decide_later(writer, flight);
	pthread_mutex_unlock(&writer->lock);
	if (load_acquire(&writer->is_connected) != 0)
		sent = natsConnection_PublishMsg(writer->connection, flight->message);
	pthread_mutex_lock(&writer->lock);
	flight->is_sending = false;
	/*
	 * The ack, the deadline or the loss of the connection came first, and the completion
	 * is told so.
	 */
	const bool is_decided = flight->state == FLIGHT_DECIDED;
	const bool is_dropped = sent != NATS_OK && !is_decided;

	if (is_dropped)
		decide_nothing(writer, flight);
	if (is_dropped || flight->is_over)
		decide_free(writer, flight);
	pthread_mutex_unlock(&writer->lock);
	return is_dropped ? failure_tell(sent, error) : REPRISE_OK;
}

void
flights_lose(struct reprise_jetstream *writer)
{
	pthread_mutex_lock(&writer->lock);
	while (!TAILQ_EMPTY(&writer->flights.sent))
		decide_oldest_failed(writer, REPRISE_E_IO, "connection",
				     "the connection was lost before the ack");
	pthread_mutex_unlock(&writer->lock);
}

static bool
allocate(struct flights *flights)
{
	flights->all = calloc(flights->window, sizeof(struct flight));
	flights->slots = calloc(flights->window, sizeof(struct flight *));
	flights->turns = calloc(flights->window, sizeof(uint64_t));
	flights->free_slots = calloc(flights->window, sizeof(uint32_t));
	if (flights->all == NULL || flights->slots == NULL || flights->turns == NULL ||
	    flights->free_slots == NULL)
		return false;
	for (uint32_t i = 0; i < flights->window; i++) {
		flights->all[i].slot = i;
		flights->all[i].error.size = sizeof(flights->all[i].error);
		flights->free_slots[i] = flights->window - 1 - i;
	}
	flights->free_count = flights->window;
	return true;
}

static natsStatus
subscribe(struct reprise_jetstream *writer)
{
	struct flights *const flights = &writer->flights;
	char subject[INBOX_ROOM + 2];
	natsInbox *inbox = NULL;
	natsStatus status = natsInbox_Create(&inbox);

	if (status != NATS_OK)
		return status;
	snprintf(flights->inbox, sizeof(flights->inbox), "%s.", inbox);
	flights->inbox_bytes = strlen(flights->inbox);
	snprintf(subject, sizeof(subject), "%s*", flights->inbox);
	natsInbox_Destroy(inbox);
	status = natsConnection_SubscribeSync(&flights->acks, writer->connection, subject);
	return status == NATS_OK ? natsSubscription_SetPendingLimits(flights->acks, -1, -1)
				 : status;
}

reprise_status
flights_open(struct reprise_jetstream *writer, struct reprise_error *error)
{
	struct flights *const flights = &writer->flights;

	flights->window = writer->settings.window;
	if (!allocate(flights))
		return error_plain(error, REPRISE_E_NO_MEMORY);
	const natsStatus status = subscribe(writer);

	if (status != NATS_OK)
		return failure_tell(status, error);
	int refused = thread_start(&flights->acks_thread, "reprise-acks", acks_run, writer);

	flights->has_acks_thread = refused == 0;
	if (refused == 0)
		refused = thread_start(&flights->done_thread, "reprise-done", complete_run, writer);
	flights->has_done_thread = refused == 0 && flights->has_acks_thread;
	return refused == 0 ? REPRISE_OK : error_system(error, "thread", refused);
}

void
flights_close(struct reprise_jetstream *writer, uint64_t due_ns)
{
	struct flights *const flights = &writer->flights;
	bool is_in_time = true;

	pthread_mutex_lock(&writer->lock);
	flights->is_closing = true;
	while (!TAILQ_EMPTY(&flights->sent) && is_in_time)
		is_in_time = writer_wait(writer, &flights->has_room, due_ns);
	while (!TAILQ_EMPTY(&flights->sent))
		decide_oldest_failed(writer, REPRISE_E_ABORTED, "writer", "");
	pthread_cond_signal(&flights->has_ready);
	pthread_mutex_unlock(&writer->lock);
	if (flights->acks != NULL)
		(void)natsSubscription_Unsubscribe(flights->acks);
	if (flights->has_acks_thread)
		pthread_join(flights->acks_thread, NULL);
	if (flights->has_done_thread)
		pthread_join(flights->done_thread, NULL);
	natsSubscription_Destroy(flights->acks);
	flights->acks = NULL;
}

void
flights_free(struct reprise_jetstream *writer)
{
	free(writer->flights.all);
	free(writer->flights.slots);
	free(writer->flights.turns);
	free(writer->flights.free_slots);
}
