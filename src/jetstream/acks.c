/* SPDX-License-Identifier: MIT */
#include "jetstream/acks.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/numbers.h"
#include "jetstream/decide.h"

enum {
	LOOK_MS = 250,  /* how often the thread looks whether it is to end, at least */
	BATCH_MAX = 32, /* acks that are taken before reprise-done is woken */
};

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
		decide_oldest_failed(writer, REPRISE_E_IO, "server",
				     "the server sent no ack within the deadline");
	/* An append that is sent meanwhile has a deadline that is as far away as all are. */
	const uint64_t look_ns =
		now_ns + least(writer->settings.deadline_ns, (uint64_t)LOOK_MS * 1000000);

	return first == NULL ? look_ns : least(first->due_ns, look_ns);
}

static void
pause_shortly(void)
{
	const struct timespec time = { .tv_nsec = 10L * 1000000 };

	(void)nanosleep(&time, NULL);
}

void *
acks_run(void *argument)
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
