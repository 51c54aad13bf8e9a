/* SPDX-License-Identifier: MIT */
#include "recorder/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/numbers.h"
#include "recorder/recorder.h"

/* The analyzer of gcc 12 loses what an element of an array points to. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

/*
 * Requests to begin a life or to reopen one. A host's thread makes the request and waits; the
 * writing thread does it.
 *
 * A request lies on the heap, for either side may be the last that needs the request: the host's
 * thread waits no longer than its deadline, and the log may answer later than that. Until the
 * writing thread takes a request, the host's thread may withdraw it. Later the host's thread
 * abandons it, and the writing thread disposes of it.
 *
 * A life that has begun by then has no window, and is closed as soon as possible. So is a life
 * whose commit got no answer: if that life is in the log, its lease would keep this process out
 * as any other.
 */

enum {
	REQUESTS_MAX = 1024, /* lives begun in one transaction; a batch has room for more writes */
};

/*
 * Between two attempts to open a session that another runtime has leased or holds: from the first
 * to the last.
 */
#define LEASED_NS_MIN UINT64_C(10000000)
#define LEASED_NS_MAX UINT64_C(100000000)

enum request_state {
	QUEUED,
	TAKEN,     /* by the writing thread */
	ABANDONED, /* was taken, and nobody waits for the answer */
	DONE,
};

struct request {
	TAILQ_ENTRY(request) link;
	enum request_state state;
	enum log_write_type type; /* LOG_LIFE or LOG_REOPEN */
	struct recording *recording;
	uint64_t arena_bytes; /* of the window that is to be created; 0: it is there */
	uint64_t retry_ns; /* not before; QUEUED again because another runtime holds the session */
	uint64_t attempts; /* that were refused for that */
	reprise_status status;
	struct reprise_error error;
	reprise_position head;
};

/* Whether an earlier life of that session, in this process, still has something to record. */
static bool
is_waiting_for_earlier(struct reprise_recorder *recorder, const struct recording *recording)
{
	const struct recording *other;

	LIST_FOREACH(other, &recorder->buckets[recording->hash % BUCKETS], same)
		if (other != recording && other->is_attached &&
		    strcmp(other->id, recording->id) == 0)
			return true;
	return false;
}

/* Under the lock: there is no memory to copy the records of such a window. */
static void
refuse_window(struct reprise_recorder *recorder, struct request *request)
{
	TAILQ_REMOVE(&recorder->requests, request, link);
	(void)error_detailed(&request->error, REPRISE_E_NO_MEMORY, "the recorder's batch",
			     "no address space for the records of a window of this size");
	request->status = REPRISE_E_NO_MEMORY;
	request->state = DONE;
	pthread_cond_broadcast(&recorder->has_news);
}

/* Under the lock: takes the requests that can be done now. */
static size_t
take_requests(struct reprise_recorder *recorder, struct request **taken)
{
	struct request *request, *next;
	const uint64_t now = clock_ns();
	size_t count = 0;

	if (recorder->batch.writes_count != 0)
		return 0;
	for (request = TAILQ_FIRST(&recorder->requests); request != NULL && count < REQUESTS_MAX;
	     request = next) {
		next = TAILQ_NEXT(request, link);
		if (request->retry_ns > now)
			continue;
		if (request->type == LOG_LIFE &&
		    is_waiting_for_earlier(recorder, request->recording))
			continue;
		if (!batch_reserve(&recorder->batch, request->arena_bytes)) {
			refuse_window(recorder, request);
			continue;
		}
		TAILQ_REMOVE(&recorder->requests, request, link);
		request->state = TAKEN;
		taken[count++] = request;
	}
	return count;
}

/*
 * Under the lock: the life has begun, or may have, and gets no window. The writing
 * thread closes it.
 */
static void
close_life(struct reprise_recorder *recorder, struct request *request)
{
	recorder_remember(recorder, request->recording, request->head);
	recorder_come(recorder, request->recording);
	request->recording = NULL;
}

/* Frees @request, and its recording if the life has not begun. */
static void
free_request(struct request *request)
{
	/* The window of a life that was reopened is attached already, and closes it. */
	if (request->type == LOG_LIFE && request->status != REPRISE_OK &&
	    request->recording != NULL)
		recording_free(request->recording);
	free(request);
}

/* Under the lock: why one write was refused. */
static void
tell_refusal(struct reprise_recorder *recorder, struct request *request,
	     const struct log_write *write)
{
	struct reprise_error *const error = &request->error;
	const double left_s = (double)write->lease_left_ns / 1e9;

	if (write->status != REPRISE_E_BUSY) {
		(void)error_detailed(
			error, write->status, NULL,
			recorder_refusal_words(
				&recorder->batch.marks[write - recorder->batch.writes], write));
		return;
	}
	(void)error_detailed(error, REPRISE_E_BUSY, "lease", NULL);
	snprintf(error->detail, sizeof(error->detail),
		 "another runtime has a lease on the session for %.1f s more", left_s);
}

/*
 * Under the lock: the request is tried again: the session may have been given up by then, and a
 * lease has ended.
 */
static void
requeue(struct reprise_recorder *recorder, struct request *request, uint64_t left_ns)
{
	const uint64_t now = clock_ns();
	const uint64_t pause =
		reprise_recorder_backoff(++request->attempts, now, LEASED_NS_MIN, LEASED_NS_MAX);

	request->retry_ns = now + least(pause, left_ns);
	request->state = QUEUED;
	TAILQ_INSERT_TAIL(&recorder->requests, request, link);
}

/* Under the lock. */
static void
answer(struct reprise_recorder *recorder, struct request *request, const struct log_write *write,
       reprise_status status, const struct reprise_error *error)
{
	request->status = status == REPRISE_OK ? write->status : status;
	request->head = write->head;
	request->error = *error;
	if (status == REPRISE_OK && write->status != REPRISE_OK)
		tell_refusal(recorder, request, write);
	if (request->status == REPRISE_OK)
		request->recording->leased_ns = recorder->batch.begun_ns;
	request->error.expected = write->expected;
	request->error.actual = write->actual;
	if (request->type == LOG_LIFE &&
	    (write->is_uncertain || (request->state == ABANDONED && request->status == REPRISE_OK)))
		close_life(recorder, request);
	if (request->state == ABANDONED) {
		free_request(request);
		return;
	}
	if (request->status == REPRISE_E_BUSY && recorder->options.refuses_leased == 0)
		requeue(recorder, request, write->lease_left_ns);
	else if (status == REPRISE_OK && write->status == REPRISE_E_TIMEOUT)
		requeue(recorder, request, UINT64_MAX);
	else
		request->state = DONE;
}

/* Lives are synced whatever the durability of events. */
void
requests_do(struct reprise_recorder *recorder)
{
	struct request *taken[REQUESTS_MAX];
	/* Nothing is taken unless the batch is empty: its room is used. */
	struct log_write *const writes = recorder->batch.writes;
	struct reprise_error error = { .size = sizeof(error) };

	pthread_mutex_lock(&recorder->lock);
	const size_t count = take_requests(recorder, taken);

	pthread_mutex_unlock(&recorder->lock);
	if (count == 0)
		return;
	for (size_t i = 0; i < count; i++) {
		writes[i] = (struct log_write){ .type = taken[i]->type,
						.thread = taken[i]->recording->id,
						.incarnation = taken[i]->recording->incarnation,
						.lease_ns = recorder->options.lease_ns };
		recorder->batch.marks[i] =
			(struct batch_mark){ .recording = taken[i]->recording,
					     .was_held = taken[i]->status == REPRISE_E_TIMEOUT };
	}
	const reprise_status status = recorder_write(recorder, LOG_SYNCED, count, &error);

	pthread_mutex_lock(&recorder->lock);
	recorder_note_transaction(recorder, status, &error);
	for (size_t i = 0; i < count; i++)
		answer(recorder, taken[i], &writes[i], status, &error);
	pthread_cond_broadcast(&recorder->has_news);
	pthread_mutex_unlock(&recorder->lock);
}

/* From here on host's threads call. */

static reprise_status
error_of(const struct request *request, struct reprise_error *error)
{
	if (request->status == REPRISE_E_CONFLICT)
		return error_conflict_detailed(error, request->error.expected,
					       request->error.actual, request->error.detail);
	if (request->status == REPRISE_E_NO_MEMORY || request->status == REPRISE_E_BUSY)
		return error_detailed(error, request->status, request->error.what,
				      request->error.detail);
	return error_detailed(error, REPRISE_E_IO, reprise_status_name(request->status),
			      request->error.detail);
}

/*
 * Under the lock: the deadline is past. Answers whether the request is still the caller's to free.
 */
static bool
give_up(struct reprise_recorder *recorder, struct asked *asked)
{
	struct request *const request = asked->request;
	const char *const words = recorder_lasting_failure(recorder);
	const bool was_refused = request->attempts != 0; /* for now: that is the answer */

	if (request->state == TAKEN) {
		asked->status =
			was_refused ? error_of(request, asked->error)
				    : error_detailed(asked->error, REPRISE_E_IO,
						     reprise_status_name(REPRISE_E_TIMEOUT), words);
		request->state = ABANDONED;
		return false;
	}
	TAILQ_REMOVE(&recorder->requests, request, link);
	if (!was_refused)
		request->status = error_detailed(&request->error, REPRISE_E_TIMEOUT, NULL, words);
	return true;
}

/*
 * Under the lock, which it gives up while it sleeps. The request is NULL afterwards if
 * it was abandoned.
 */
static void
await(struct reprise_recorder *recorder, struct asked *asked, uint64_t deadline_ns)
{
	struct request *const request = asked->request;

	while (request->state != DONE) {
		if (recorder_sleep(&recorder->has_news, &recorder->lock, deadline_ns) ||
		    request->state == DONE)
			continue;
		if (!give_up(recorder, asked))
			asked->request = NULL;
		return;
	}
}

/* Under the lock. */
static void
enqueue(struct reprise_recorder *recorder, struct request *request)
{
	if (recorder->is_closing) {
		request->status = REPRISE_E_CLOSED;
		request->state = DONE;
	} else {
		TAILQ_INSERT_TAIL(&recorder->requests, request, link);
	}
}

/* The answer is E_NO_MEMORY if there is none. */
static void
make(struct asked *asked)
{
	struct request *const request = calloc(1, sizeof(*request));

	asked->request = request;
	if (request == NULL) {
		if (asked->type == LOG_LIFE)
			recording_free(asked->recording);
		asked->status = error_plain(asked->error, REPRISE_E_NO_MEMORY);
		return;
	}
	request->type = asked->type;
	request->recording = asked->recording;
	request->arena_bytes = asked->arena_bytes;
	request->error.size = sizeof(request->error);
	/* Unless it is answered. */
	asked->status = REPRISE_E_IO;
}

static void
take_answer(struct asked *asked)
{
	struct request *const request = asked->request;

	asked->status = request->status;
	asked->head = request->head;
	if (request->status != REPRISE_OK)
		asked->status = error_of(request, asked->error);
	free_request(request);
}

void
requests_await(struct reprise_recorder *recorder, struct asked *asked, size_t count)
{
	const uint64_t deadline = deadline_after(clock_ns(), recorder->options.deadline_ns);

	for (size_t i = 0; i < count; i++)
		if (asked[i].recording != NULL)
			make(&asked[i]);
	pthread_mutex_lock(&recorder->lock);
	for (size_t i = 0; i < count; i++)
		if (asked[i].request != NULL)
			enqueue(recorder, asked[i].request);
	recorder_hurry(recorder);
	for (size_t i = 0; i < count; i++)
		if (asked[i].request != NULL)
			await(recorder, &asked[i], deadline);
	pthread_mutex_unlock(&recorder->lock);
	for (size_t i = 0; i < count; i++)
		if (asked[i].request != NULL)
			take_answer(&asked[i]);
}
