/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "recorder/recorder.h"

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

void
recorder_forget(struct recording *recording)
{
	LIST_REMOVE(recording, same);
	recording->is_forgotten = true;
	if (recording->waiters == 0)
		free(recording);
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

/* Has the writing thread do it, and waits for that. */
static reprise_status
await(struct reprise_recorder *recorder, struct request *request, struct reprise_error *error)
{
	request->error.size = sizeof(request->error);
	request->deadline_ns = deadline_after(clock_ns(), recorder->options.deadline_ns);
	pthread_mutex_lock(&recorder->lock);
	if (recorder->is_closing) {
		request->status = REPRISE_E_CLOSED;
		request->is_done = true;
	} else {
		TAILQ_INSERT_TAIL(&recorder->requests, request, link);
		recorder_hurry(recorder);
	}
	/* The thread answers by the deadline, or soon after, when the log does. */
	while (!request->is_done)
		(void)recorder_sleep(&recorder->has_news, &recorder->lock, UINT64_MAX);
	pthread_mutex_unlock(&recorder->lock);
	if (request->status == REPRISE_OK)
		return REPRISE_OK;
	if (request->status == REPRISE_E_CONFLICT)
		return error_conflict(error, request->error.expected, request->error.actual);
	return error_detailed(error, REPRISE_E_IO, reprise_status_name(request->status),
			      request->error.detail);
}

static reprise_status
open_life(struct store_port *port, const char *id, const struct reprise_incarnation *incarnation,
	  reprise_position *ret_position_before, struct recording **ret_recording,
	  struct reprise_error *error)
{
	struct reprise_recorder *const recorder = recorder_of(port);
	struct recording *const recording = calloc(1, sizeof(*recording));
	struct request request = { .type = LOG_LIFE, .recording = recording };

	if (recording == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	recording->incarnation = *incarnation;
	memcpy(recording->id, id, strlen(id) + 1);
	recording->hash = recorder_hash(id);

	const reprise_status status = await(recorder, &request, error);

	if (status != REPRISE_OK) {
		free(recording);
		return status;
	}
	recording->taken = request.head;
	recording->enqueued = recording->written = recording->synced = request.head;
	pthread_mutex_lock(&recorder->lock);
	LIST_INSERT_HEAD(&recorder->buckets[recording->hash % BUCKETS], recording, same);
	pthread_mutex_unlock(&recorder->lock);
	*ret_position_before = request.head;
	*ret_recording = recording;
	return REPRISE_OK;
}

/* Under the lock. */
static void
come(struct reprise_recorder *recorder, struct recording *recording)
{
	recording->is_attached = true;
	TAILQ_INSERT_TAIL(&recorder->coming, recording, link);
	pthread_cond_signal(&recorder->has_work);
}

/* Its life is closed by the writing thread, and that is all of it. */
static void
abandon(struct store_port *port, struct recording *recording)
{
	struct reprise_recorder *const recorder = recorder_of(port);

	pthread_mutex_lock(&recorder->lock);
	come(recorder, recording);
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
	come(recorder, recording);
	pthread_mutex_unlock(&recorder->lock);
	/* Who waits for a window of this session. */
	heal_again(recorder, recording->hash);
}

static reprise_status
rejoin(struct store_port *port, struct reprise_session *session, struct reprise_error *error)
{
	struct reprise_recorder *const recorder = recorder_of(port);
	struct recording *const recording = session->recording;
	struct request request = { .type = LOG_REOPEN, .recording = recording };

	/* Before it is asked for: from here on nothing closes the life. */
	pthread_mutex_lock(&recorder->lock);
	recording->has_writer = true;
	pthread_mutex_unlock(&recorder->lock);
	const reprise_status status = await(recorder, &request, error);

	if (status != REPRISE_OK) {
		if (status == REPRISE_E_CONFLICT)
			port_fence(session);
		return status;
	}
	/* With a writer it stays attached, or was not before. */
	pthread_mutex_lock(&recorder->lock);
	const bool was_attached = recording->is_attached;

	recording->is_attached = true;
	pthread_mutex_unlock(&recorder->lock);
	if (!was_attached) {
		port_keep(session);
		pthread_mutex_lock(&recorder->lock);
		come(recorder, recording);
		pthread_mutex_unlock(&recorder->lock);
	}
	return REPRISE_OK;
}

static void
leave(struct store_port *port, struct reprise_session *session)
{
	struct reprise_recorder *const recorder = recorder_of(port);

	pthread_mutex_lock(&recorder->lock);
	session->recording->has_writer = false;
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
	if (!was_attached)
		recording->is_attached = true;
	pthread_cond_broadcast(&recorder->has_news); /* its writer may wait for room */
	pthread_mutex_unlock(&recorder->lock);
	if (was_attached)
		return;
	/* Nothing of it was left to record. The log is to know, all the same. */
	port_hold(session);
	pthread_mutex_lock(&recorder->lock);
	come(recorder, recording);
	pthread_mutex_unlock(&recorder->lock);
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

static reprise_status
wait_recorded(struct store_port *port, struct reprise_session *session, reprise_position position,
	      uint64_t deadline_ns)
{
	struct reprise_recorder *const recorder = recorder_of(port);
	const struct recording *const recording = session->recording;
	reprise_status status = REPRISE_OK;
	bool is_time_left = true;

	pthread_mutex_lock(&recorder->lock);
	/* A writer that waits is reason enough not to linger. */
	if (load_relaxed(&session->recorded) < position)
		recorder_hurry(recorder);
	while (status == REPRISE_OK && load_relaxed(&session->recorded) < position) {
		if (recording->is_fenced || recording->is_void || recorder->is_closing)
			status = REPRISE_E_CLOSED;
		else if (!is_time_left)
			status = REPRISE_E_TIMEOUT;
		else
			is_time_left =
				recorder_sleep(&recorder->has_news, &recorder->lock, deadline_ns);
	}
	pthread_mutex_unlock(&recorder->lock);
	return status;
}

const struct store_port recorder_port = {
	.open_life = open_life,
	.abandon = abandon,
	.attach = attach,
	.rejoin = rejoin,
	.leave = leave,
	.invalidate = invalidate,
	.forget = forget,
	.await_forgotten = await_forgotten,
	.wait_recorded = wait_recorded,
	.ask = heal_ask,
	.cancel = heal_cancel,
	.orphan = heal_orphan,
};
