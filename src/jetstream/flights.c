/* SPDX-License-Identifier: MIT */
#include "jetstream/flights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/numbers.h"
#include "base/thread.h"
#include "jetstream/complete.h"
#include "jetstream/decide.h"
#include "jetstream/failure.h"
#include "jetstream/views.h"

enum {
	LOOK_MS = 250, /* how often reprise-acks looks whether it is to end, at least */
	TOKEN_SLOT_BITS = 17,
	BATCH_MAX = 32, /* acks that are taken before reprise-done is woken */
};

static_assert(REPRISE_JETSTREAM_WINDOW_MAX < 1 << TOKEN_SLOT_BITS, "a token has room for a slot");

/* With the lock: frees a flight that nobody will complete any more. */
static void
flight_free(struct reprise_jetstream *writer, struct flight *flight)
{
	struct flights *const flights = &writer->flights;

	view_leave(writer, flight->view);
	flights->count--;
	flights->turns[flight->slot]++;
	flights->free_slots[flights->free_count++] = flight->slot;
	/* A host that waits for room is not woken for each place, while more are about to come. */
	if (TAILQ_EMPTY(&flights->ready) || flights->count == flights->window / 2)
		pthread_cond_broadcast(&flights->has_room);
	natsMsg_Destroy(flight->message);
}

reprise_status
flight_take(struct reprise_jetstream *writer, struct view *view, uint64_t due_ns,
	    struct flight **ret_flight, struct reprise_error *error)
{
	struct flights *const flights = &writer->flights;
	struct flight *flight = NULL;
	bool is_in_time = true;

	pthread_mutex_lock(&writer->lock);
	while (flights->count >= flights->window && is_in_time)
		is_in_time = writer_wait(writer, &flights->has_room, due_ns);
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
		flight->status = REPRISE_OK;
		*ret_flight = flight;
		return REPRISE_OK;
	}
	return error_detailed(error, REPRISE_E_TIMEOUT, "window", "the window stayed full");
}

void
flight_drop(struct reprise_jetstream *writer, struct flight *flight)
{
	pthread_mutex_lock(&writer->lock);
	flight_free(writer, flight);
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
	decide_later(writer, flight);
	pthread_mutex_unlock(&writer->lock);
	if (load_acquire(&writer->is_connected) != 0)
		sent = natsConnection_PublishMsg(writer->connection, flight->message);
	if (sent == NATS_OK)
		return REPRISE_OK;
	pthread_mutex_lock(&writer->lock);
	/* The connection was lost meanwhile, and the completion is told so. */
	const bool is_decided = flight->state == FLIGHT_DECIDED;

	if (!is_decided) {
		decide_nothing(writer, flight);
		flight_free(writer, flight);
	}
	pthread_mutex_unlock(&writer->lock);
	return is_decided ? REPRISE_OK : failure_tell(sent, error);
}

static void
fail_first(struct reprise_jetstream *writer, reprise_status status, const char *what,
	   const char *words)
{
	struct flight *const first = TAILQ_FIRST(&writer->flights.sent);

	if (writer->flights.is_closing)
		(void)error_detailed(&first->error, REPRISE_E_ABORTED, "writer",
				     "it is closed before the ack");
	else
		(void)error_detailed(&first->error, status, what, words);
	decide_failed(writer, first);
}

void
flights_lose(struct reprise_jetstream *writer)
{
	pthread_mutex_lock(&writer->lock);
	while (!TAILQ_EMPTY(&writer->flights.sent))
		fail_first(writer, REPRISE_E_IO, "connection",
			   "the connection was lost before the ack");
	pthread_mutex_unlock(&writer->lock);
}

/* The flight that the ack's subject names, if it is in flight. */
static struct flight *
find(struct flights *flights, const char *subject)
{
	if (strncmp(subject, flights->inbox, flights->inbox_bytes) != 0)
		return NULL;
	const uint64_t token = strtoull(subject + flights->inbox_bytes, NULL, 16);
	const uint64_t slot = token & ((UINT64_C(1) << TOKEN_SLOT_BITS) - 1);

	if (slot >= flights->window || flights->turns[slot] != token >> TOKEN_SLOT_BITS)
		return NULL;
	return flights->slots[slot];
}

static void
wake_done(struct flights *flights)
{
	if (flights->is_asleep && !TAILQ_EMPTY(&flights->ready))
		pthread_cond_signal(&flights->has_ready);
}

/* Whether reprise-done sleeps on, since more acks are there already. */
static bool
has_more_acks(struct flights *flights, uint32_t *taken)
{
	uint64_t queued = 0;

	*taken = *taken + 1 < BATCH_MAX ? *taken + 1 : 0;
	return *taken != 0 && natsSubscription_QueuedMsgs(flights->acks, &queued) == NATS_OK &&
	       queued > 0;
}

static void
take_ack(struct reprise_jetstream *writer, natsMsg *reply, bool has_more)
{
	struct reprise_error error = { .size = sizeof(error) };
	struct ack ack;
	const reprise_status status = ack_read(reply, &ack, &error);

	pthread_mutex_lock(&writer->lock);
	writer->flights.is_batch = has_more;
	struct flight *const flight = find(&writer->flights, natsMsg_GetSubject(reply));

	if (flight != NULL && status != REPRISE_OK) {
		flight->error = error;
		decide_failed(writer, flight);
	} else if (flight != NULL) {
		flight->appended.sequence = ack.sequence;
		if (ack.is_duplicate)
			decide_duplicate(writer, flight);
		else
			decide_done(writer, flight);
	}
	writer->flights.is_batch = false;
	if (!has_more)
		wake_done(&writer->flights);
	pthread_mutex_unlock(&writer->lock);
}

/* Gives up what is due, and answers until when nothing else is. With the lock. */
static uint64_t
expire(struct reprise_jetstream *writer)
{
	const uint64_t now_ns = clock_ns();
	struct flight *first;

	while ((first = TAILQ_FIRST(&writer->flights.sent)) != NULL && first->due_ns <= now_ns)
		fail_first(writer, REPRISE_E_IO, "server", "no ack within the deadline");
	/* An append that is sent meanwhile has a deadline that is as far away as all are. */
	const uint64_t look_ns =
		now_ns + least(writer->settings.deadline_ns, (uint64_t)LOOK_MS * 1000000);

	return first == NULL ? look_ns : least(first->due_ns, look_ns);
}

static void
pause_shortly(void)
{
	const struct timespec time = { .tv_nsec = 10 * 1000000 };

	(void)nanosleep(&time, NULL);
}

static void *
run_acks(void *argument)
{
	struct reprise_jetstream *const writer = argument;
	bool is_closing = false, has_more = false;
	uint32_t taken = 0;

	while (!is_closing) {
		natsMsg *reply = NULL;

		pthread_mutex_lock(&writer->lock);
		const uint64_t until_ns = expire(writer);

		if (!has_more)
			wake_done(&writer->flights);
		is_closing = writer->flights.is_closing && TAILQ_EMPTY(&writer->flights.sent);
		pthread_mutex_unlock(&writer->lock);
		if (is_closing)
			break;
		const natsStatus status = natsSubscription_NextMsg(
			&reply, writer->flights.acks,
			(int64_t)greatest(1, (uint64_t)ms_until(until_ns)));

		has_more = status == NATS_OK && has_more_acks(&writer->flights, &taken);
		if (status == NATS_OK)
			take_ack(writer, reply, has_more);
		else if (status != NATS_TIMEOUT)
			pause_shortly();
		natsMsg_Destroy(reply);
	}
	nats_ReleaseThreadMemory();
	return NULL;
}

static void
compare(struct reprise_jetstream *writer, struct flight *flight)
{
	const bool is_aborted = flight->status != REPRISE_OK;
	const bool has_failed = !is_aborted && complete_compare(writer, flight) != REPRISE_OK;

	pthread_mutex_lock(&writer->lock);
	if (has_failed)
		decide_late_failure(writer, flight);
	flight->view->comparing--;
	pthread_cond_broadcast(&flight->view->changed);
	pthread_mutex_unlock(&writer->lock);
}

/* With the lock, which is given back meanwhile: ends one flight. */
static void
complete(struct reprise_jetstream *writer, struct flight *flight)
{
	pthread_mutex_unlock(&writer->lock);
	if (flight->is_duplicate)
		compare(writer, flight);
	const bool is_done = flight->status == REPRISE_OK;

	if (is_done)
		fetch_add_relaxed(flight->appended.is_repeated != 0 ? &writer->counters.repeated
								    : &writer->counters.published,
				  1);
	if (flight->completion != NULL)
		flight->completion(flight->context, flight->status,
				   is_done ? &flight->appended : NULL,
				   is_done ? NULL : &flight->error);
	pthread_mutex_lock(&writer->lock);
	if (!is_done)
		flight->view->failed--;
	flight_free(writer, flight);
}

static void *
run_done(void *argument)
{
	struct reprise_jetstream *const writer = argument;
	struct flights *const flights = &writer->flights;
	struct flight *flight;

	(void)cancel_disable();
	pthread_mutex_lock(&writer->lock);
	for (;;) {
		while ((flight = TAILQ_FIRST(&flights->ready)) != NULL) {
			TAILQ_REMOVE(&flights->ready, flight, in_list);
			complete(writer, flight);
		}
		if (flights->is_closing && flights->count == 0)
			break;
		flights->is_asleep = true;
		pthread_cond_wait(&flights->has_ready, &writer->lock);
		flights->is_asleep = false;
	}
	pthread_mutex_unlock(&writer->lock);
	nats_ReleaseThreadMemory();
	return NULL;
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
	int refused = thread_start(&flights->acks_thread, "reprise-acks", run_acks, writer);

	flights->has_acks_thread = refused == 0;
	if (refused == 0)
		refused = thread_start(&flights->done_thread, "reprise-done", run_done, writer);
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
		fail_first(writer, REPRISE_E_ABORTED, "writer", "");
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
