/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "recorder/recorder.h"
#include "recorder/request.h"

/* How the recorder follows the store's sessions: the port's functions. */

uint64_t
recorder_hash(const char *id)
{
	return crc32c(0, id, strlen(id));
}

struct recording *
recorder_find(struct reprise_recorder *recorder, const char *id,
	      const struct reprise_incarnation *incarnation)
{
	struct recording *recording;

	LIST_FOREACH(recording, &recorder->buckets[recorder_hash(id) % BUCKETS], same)
		if (memcmp(&recording->incarnation, incarnation, sizeof(*incarnation)) == 0 &&
		    strcmp(recording->id, id) == 0)
			return recording;
	return NULL;
}

bool
recorder_is_void(struct reprise_recorder *recorder, const char *id,
		 const struct reprise_incarnation *incarnation)
{
	pthread_mutex_lock(&recorder->lock);
	const struct recording *const recording = recorder_find(recorder, id, incarnation);
	const bool is_void = recording != NULL && recording->is_void;

	pthread_mutex_unlock(&recorder->lock);
	return is_void;
}

bool
recorder_knows_void(struct reprise_recorder *recorder, const char *id,
		    const struct reprise_life *life)
{
	return life->state == REPRISE_LIFE_INVALIDATED ||
	       recorder_is_void(recorder, id, &life->incarnation);
}

void
recording_free(struct recording *recording)
{
	free(recording->stuck_text);
	free(recording);
}

void
recorder_forget(struct recording *recording)
{
	LIST_REMOVE(recording, same);
	recording->is_forgotten = true;
	if (recording->waiters == 0)
		recording_free(recording);
}

void
recorder_hurry(struct reprise_recorder *recorder)
{
	recorder->is_urgent = true;
	pthread_cond_signal(&recorder->has_work);
}

bool
recorder_sleep(pthread_cond_t *condition, pthread_mutex_t *lock, uint64_t deadline_ns)
{
	if (deadline_ns == UINT64_MAX) {
		pthread_cond_wait(condition, lock);
		return true;
	}
	const struct timespec deadline = ns_timespec(deadline_ns);

	return pthread_cond_timedwait(condition, lock, &deadline) == 0;
}

void
recorder_remember(struct reprise_recorder *recorder, struct recording *recording,
		  reprise_position head)
{
	recording->taken = head;
	recording->enqueued = recording->written = recording->synced = head;
	LIST_INSERT_HEAD(&recorder->buckets[recording->hash % BUCKETS], recording, same);
}

void
recorder_come(struct reprise_recorder *recorder, struct recording *recording)
{
	recording->is_attached = true;
	recording->park_due_ns = deadline_after(clock_ns(), recorder->park_ns);
	TAILQ_INSERT_TAIL(&recorder->coming, recording, link);
	pthread_cond_signal(&recorder->has_work);
}

/* Its life is closed by the writing thread, and that is all of it. */
static void
abandon(struct store_port *port, struct recording *recording)
{
	struct reprise_recorder *const recorder = recorder_of(port);

	pthread_mutex_lock(&recorder->lock);
	recorder_come(recorder, recording);
	pthread_mutex_unlock(&recorder->lock);
}

static void
attach(struct store_port *port, struct reprise_session *session)
{
	struct reprise_recorder *const recorder = recorder_of(port);
	struct recording *const recording = session->recording;

	port_hold(session);
	pthread_mutex_lock(&recorder->lock);
	recording->session = session;
	recording->has_writer = true;
	recorder_come(recorder, recording);
	pthread_mutex_unlock(&recorder->lock);
	/* Subscriptions that wait for a window of this session ask again. */
	heal_again(recorder, recording->hash);
}

static void
leave(struct store_port *port, struct reprise_session *session)
{
	struct reprise_recorder *const recorder = recorder_of(port);

	pthread_mutex_lock(&recorder->lock);
	session->recording->has_writer = false;
	recorder_unpark(recorder, session->recording);
	pthread_cond_signal(&recorder->has_work);
	pthread_mutex_unlock(&recorder->lock);
}

static void
invalidate(struct store_port *port, struct reprise_session *session)
{
	struct reprise_recorder *const recorder = recorder_of(port);
	struct recording *const recording = session->recording;

	pthread_mutex_lock(&recorder->lock);
	const bool was_attached = recording->is_attached;

	recording->is_void = true;
	recorder_unpark(recorder, recording);
	if (!was_attached) {
		recording->is_attached = true;
		recording->session = session;
	}
	pthread_mutex_unlock(&recorder->lock);
	if (was_attached)
		return;
	/* Nothing of it was left to record. The log is to know, all the same. */
	port_hold(session);
	pthread_mutex_lock(&recorder->lock);
	recorder_come(recorder, recording);
	pthread_mutex_unlock(&recorder->lock);
}

static reprise_status
await_invalidated(struct store_port *port, struct reprise_session *session, uint64_t since_ns)
{
	struct reprise_recorder *const recorder = recorder_of(port);
	const struct recording *const recording = session->recording;
	const uint64_t deadline = deadline_after(since_ns, recorder->options.deadline_ns);
	bool is_time_left = recorder->options.invalidates_async == 0;

	pthread_mutex_lock(&recorder->lock);
	/* The window is void: its writer may wait for room. */
	pthread_cond_broadcast(&recorder->has_news);
	if (is_time_left && !recording->is_void_marked)
		recorder_hurry(recorder);
	while (is_time_left && !recording->is_void_marked)
		is_time_left = recorder_sleep(&recorder->has_news, &recorder->lock, deadline);
	const bool is_marked = recording->is_void_marked;

	pthread_mutex_unlock(&recorder->lock);
	return is_marked || recorder->options.invalidates_async != 0 ? REPRISE_OK
								     : REPRISE_E_TIMEOUT;
}

static void
forget(struct store_port *port, struct recording *recording)
{
	struct reprise_recorder *const recorder = recorder_of(port);

	pthread_mutex_lock(&recorder->lock);
	recorder_forget(recording);
	pthread_cond_broadcast(&recorder->has_news);
	pthread_mutex_unlock(&recorder->lock);
}

static void
await_forgotten(struct store_port *port)
{
	struct reprise_recorder *const recorder = recorder_of(port);

	pthread_mutex_lock(&recorder->lock);
	for (size_t i = 0; i < BUCKETS; i++)
		while (!LIST_EMPTY(&recorder->buckets[i]))
			(void)recorder_sleep(&recorder->has_news, &recorder->lock, UINT64_MAX);
	pthread_mutex_unlock(&recorder->lock);
}

/* Called under the lock of the session's hands. */
static void
notify(struct store_port *port, struct reprise_session *session)
{
	struct reprise_recorder *const recorder = recorder_of(port);

	pthread_mutex_lock(&recorder->lock);
	recorder_unpark(recorder, session->recording);
	pthread_mutex_unlock(&recorder->lock);
}

/* Under the lock, which it gives up while it sleeps. */
static reprise_status
await_recorded(struct reprise_recorder *recorder, struct reprise_session *session,
	       reprise_position position, uint64_t deadline_ns)
{
	reprise_status status = REPRISE_OK;
	bool is_time_left = true;

	/* A writer that waits is reason enough not to linger. */
	if (load_relaxed(&session->recorded) < position) {
		recorder_unpark(recorder, session->recording);
		recorder_hurry(recorder);
	}
	while (status == REPRISE_OK && load_relaxed(&session->recorded) < position) {
		/* The window itself is asked, so that an append after E_CLOSED is refused, too. */
		if (ring_is_void(&session->ring) || recorder->is_closing)
			status = REPRISE_E_CLOSED;
		else if (!is_time_left)
			status = REPRISE_E_TIMEOUT;
		else
			is_time_left =
				recorder_sleep(&recorder->has_news, &recorder->lock, deadline_ns);
	}
	return status;
}

/* A thread that waits is cancelled, or has waited. */
static void
unlock_recorder(void *argument)
{
	struct reprise_recorder *const recorder = argument;

	pthread_mutex_unlock(&recorder->lock);
}

static reprise_status
wait_recorded(struct store_port *port, struct reprise_session *session, reprise_position position,
	      uint64_t deadline_ns)
{
	struct reprise_recorder *const recorder = recorder_of(port);
	reprise_status status;

	pthread_mutex_lock(&recorder->lock);
	pthread_cleanup_push(unlock_recorder, recorder);
	status = await_recorded(recorder, session, position, deadline_ns);
	pthread_cleanup_pop(1);
	return status;
}

const struct store_port recorder_port = {
	.open_lives = recorder_open_lives,
	.abandon = abandon,
	.attach = attach,
	.succeed = recorder_succeed,
	.leave = leave,
	.invalidate = invalidate,
	.await_invalidated = await_invalidated,
	.forget = forget,
	.await_forgotten = await_forgotten,
	.notify = notify,
	.wait_recorded = wait_recorded,
	.ask = heal_ask,
	.cancel = heal_cancel,
	.orphan = heal_orphan,
};
