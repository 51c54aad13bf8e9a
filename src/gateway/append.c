/* SPDX-License-Identifier: MIT */
/*
 * Appends of clients. All memory is taken before: an append is carried out, or changes nothing.
 */
#include "gateway/append.h"

#include <stdlib.h>
#include <string.h>

struct append *
append_new(struct request *request)
{
	struct append *const append = calloc(1, sizeof(*append));

	if (append == NULL) {
		request_refuse(request, ERROR_NO_MEMORY, NULL);
		return NULL;
	}
	append->request = request;
	append->waits = gateway_has_log(request->gateway);
	request->state = append;
	return append;
}

void
append_take_out(struct append *append)
{
	struct open_writer *const writer = append->writer;
	struct writers *const writers = &append->request->gateway->writers;

	if (append->stage == APPEND_QUEUED) {
		TAILQ_REMOVE(&writer->queued, append, in_session);
		writers->queued--;
	}
	if (append->stage == APPEND_UNRECORDED) {
		TAILQ_REMOVE(&writer->unrecorded, append, in_session);
		TAILQ_REMOVE(&writers->unrecorded, append, in_gateway);
	}
	if (append->stage == APPEND_WORKING)
		writer->working--;
	append->stage = APPEND_ANSWERED;
	append->writer = NULL;
}

static void
free_body(struct append *append)
{
	free(append->events);
	append->events = NULL;
	buffer_free(&append->body);
}

/* The events or the end are in the window. */
static void
succeed(struct append *append)
{
	struct open_writer *const writer = append->writer;

	count(&writer->gateway->counters.appended, (int64_t)append->events_count);
	free_body(append); /* the wait for the log may be long */
	channels_wake(writer->gateway, writer->session_id);
	append_find_cursor(append);
	if (append->has_end)
		writers_drop_handle(writer);
	if (append->waits && append->events_count == 0) {
		end_wait(append); /* the append holds the entry */
		return;
	}
	if (append->waits)
		recorded_wait(append);
	else
		append_answer(append);
	writers_let_go(writer);
}

static reprise_status
call_writer(struct append *append)
{
	struct reprise_writer *const writer = append->writer->writer;
	struct reprise_session_stats stats = REPRISE_SESSION_STATS_INIT;
	reprise_status status;

	if (append->events_count == 0) {
		status = reprise_session_stats(append->writer->gateway->store,
					       append->writer->session_id, &stats);
		if (status == REPRISE_OK)
			status = reprise_writer_end(writer, append->end_status);
		append->last = stats.newest;
		return status == REPRISE_E_NOT_FOUND ? REPRISE_E_CLOSED : status;
	}
	if (append->has_end)
		status = reprise_append_end(writer, append->events, append->events_count,
					    append->end_status, &append->first);
	else
		status = reprise_append_batch(writer, append->events, append->events_count,
					      &append->first);
	append->last = append->first + append->events_count - 1;
	return status;
}

static enum error_code
code_of(const struct append *append, reprise_status status)
{
	if (status == REPRISE_E_FULL && gateway_has_log(append->request->gateway))
		return ERROR_WINDOW_FULL;
	if (status == REPRISE_E_CLOSED)
		return ERROR_INVALIDATED;
	return error_of_status(status);
}

/* The handle takes no more: the session has ended, or the window has gone. */
static void
meet_closed(struct append *append)
{
	struct open_writer *const writer = append->writer;
	struct reprise_session_stats stats = REPRISE_SESSION_STATS_INIT;
	struct reprise_cursor cursor;

	writers_drop_handle(writer);
	if (reprise_session_stats(writer->gateway->store, writer->session_id, &stats) ==
		    REPRISE_OK &&
	    stats.ended &&
	    reprise_session_current_cursor(writer->gateway->store, writer->session_id,
					   REPRISE_REVISION_UNKNOWN, &cursor) == REPRISE_OK) {
		end_again(append, stats.end_status, &cursor);
	} else if (!append->was_closed) {
		append->was_closed = true;
		writers_queue(writer, append);
	} else {
		append_refuse(append, ERROR_INVALIDATED, NULL);
		writers_let_go(writer);
	}
}

/* Before the append: behind it nothing may fail for want of memory. */
static reprise_status
watch_if_needed(struct append *append)
{
	if (!append->waits || (append->events_count == 0 && append->calls == NULL))
		return REPRISE_OK;
	return recorded_watch(append->writer);
}

/* A session that had ended is open for one append alone: without the append it ends anew. */
static void
let_go_unappended(struct open_writer *writer)
{
	if (writer->writer != NULL && writer->was_ended) {
		(void)!reprise_writer_end(writer->writer, writer->end_status);
		writers_drop_handle(writer);
	}
	writers_let_go(writer);
}

/* Has the owner set the events. False: nothing is to be appended. */
static bool
prepare(struct append *append)
{
	struct open_writer *const writer = append->writer;

	switch (append->calls->prepare(append)) {
	case APPEND_GO:
		return true;
	case APPEND_WAIT:
		if (recorded_has(writer, append->last))
			append_answer(append);
		else
			recorded_wait(append);
		break;
	case APPEND_FINISHED:
		break;
	}
	let_go_unappended(writer);
	return false;
}

static void
carry_out(struct append *append)
{
	struct open_writer *const writer = append->writer;
	reprise_status status;

	append_take_out(append);
	append->writer = writer;
	append->stage = APPEND_BODY;
	writers_use(writer);
	status = watch_if_needed(append);
	if (status == REPRISE_OK && append->calls != NULL && !prepare(append))
		return;
	if (status == REPRISE_OK)
		status = call_writer(append);
	if (status == REPRISE_OK) {
		if (append->calls != NULL)
			append->calls->appended(append);
		succeed(append);
		return;
	}
	if (status == REPRISE_E_CLOSED) {
		meet_closed(append);
		return;
	}
	append_refuse(append, code_of(append, status), NULL);
	let_go_unappended(writer);
}

void
append_carry_out(struct append *append)
{
	struct open_writer *const writer = append->writer;

	writer->working++; /* an answer may begin another append, which lets go of the entry */
	carry_out(append);
	writer->working--;
	writers_let_go(writer);
}

/* On a worker: a shared writer of the runtime's appends. */
static void
run_shared(struct job *job, struct reprise_log *log)
{
	struct request *const request =
		(struct request *)((char *)job - offsetof(struct request, job));
	struct append *const append = request->state;
	const struct reprise_new_event *const event = &append->events[0];

	(void)log;
	job->status = reprise_session_append(request->gateway->store, request->session_id,
					     event->revision, event->kind, event->flags,
					     event->payload, &append->first);
	append->last = append->first;
}

static void
finish_shared(struct job *job)
{
	struct request *const request =
		(struct request *)((char *)job - offsetof(struct request, job));
	struct append *const append = request->state;
	struct open_writer *const writer = append->writer;

	append_take_out(append);
	if (request->exchange == NULL) {
		writers_let_go(writer); /* the client is gone */
	} else if (job->status == REPRISE_OK) {
		append->writer = writer;
		append->stage = APPEND_BODY;
		succeed(append);
	} else if (job->status == REPRISE_E_CLOSED) {
		append->writer = writer;
		append->stage = APPEND_BODY;
		meet_closed(append);
	} else {
		append_refuse(append, code_of(append, job->status), NULL);
		writers_let_go(writer);
	}
	request_release(request);
}

/* The runtime has the writer: if the writer is shared, one event can go through it. */
static void
try_shared(struct append *append)
{
	struct open_writer *const writer = append->writer;
	struct request *const request = append->request;
	reprise_status status;

	if (append->events_count != 1 || append->has_end || append->calls != NULL) {
		append_refuse(append, ERROR_SESSION_BUSY, NULL);
		return;
	}
	status = watch_if_needed(append);
	if (status != REPRISE_OK) {
		/* A window that is gone: the runtime has closed its writer meanwhile. */
		append_refuse(append,
			      status == REPRISE_E_CLOSED ? ERROR_SESSION_BUSY
							 : code_of(append, status),
			      NULL);
		return;
	}
	append_take_out(append);
	append->writer = writer;
	append->stage = APPEND_WORKING;
	writer->working++;
	request->job.run = run_shared;
	request->job.done = finish_shared;
	request_hold(request);
	work_submit(&request->gateway->work, &request->job);
}

static enum error_code
code_of_opening(reprise_status status)
{
	/* Another runtime's life is open, or the key is of another kind. */
	if (status == REPRISE_E_CONFLICT)
		return ERROR_SESSION_BUSY;
	return error_of_status(status);
}

static void
fail_opening(struct append *append, const struct job *job)
{
	append_refuse_failed(append, code_of_opening(job->status), job->status, &job->error);
}

/* Another process has the session, which no writer of this process shares. */
static bool
is_leased(const struct job *job)
{
	return job->error.status == REPRISE_E_BUSY && strcmp(job->error.what, "lease") == 0;
}

void
append_fail(struct append *append, struct open_writer *writer)
{
	switch (writer->opening) {
	case OPENING_ENDED:
		end_again(append, writer->end_status, &writer->ended);
		break;
	case OPENING_UNKNOWN:
		append_refuse(append, ERROR_UNKNOWN_SESSION, NULL);
		break;
	case OPENING_FULL:
		append_refuse(append, ERROR_TOO_MANY_SESSIONS, NULL);
		break;
	case OPENING_OPENED:
	case OPENING_FAILED:
		if (writer->job.status == REPRISE_E_BUSY && !is_leased(&writer->job))
			try_shared(append);
		else
			fail_opening(append, &writer->job);
		break;
	}
}

void
append_start(struct append *append)
{
	struct request *const request = append->request;
	struct reprise_gateway *const gateway = request->gateway;
	struct open_writer *writer;

	/* The close of the gateway walks the table of writers. */
	if (work_is_closing(&gateway->work)) {
		append_refuse(append, ERROR_SHUTTING_DOWN, NULL);
		return;
	}
	if (append->waits && gateway->is_log_failing) {
		append_refuse(append, ERROR_LOG_UNAVAILABLE, NULL);
		return;
	}
	writer = writers_get(gateway, request->session_id);
	if (writer == NULL) {
		append_refuse(append, ERROR_NO_MEMORY, NULL);
		return;
	}
	append->writer = writer;
	if (writer->writer != NULL && TAILQ_EMPTY(&writer->queued))
		append_carry_out(append);
	else
		writers_queue(writer, append);
}

void
append_body(struct request *request, struct http_text piece)
{
	struct append *const append = request->state;

	if (append == NULL || append->stage != APPEND_BODY)
		return;
	buffer_add(&append->body, piece.data, piece.size);
	if (append->body.failed)
		append_refuse(append, ERROR_NO_MEMORY, NULL);
}

void
append_close(struct request *request)
{
	struct append *const append = request->state;
	struct open_writer *writer;

	/* A worker's append is taken up again when the job is done. */
	if (append == NULL || append->stage == APPEND_WORKING)
		return;
	writer = append->writer;
	append_take_out(append);
	if (writer != NULL)
		writers_let_go(writer);
}

void
append_release(struct request *request)
{
	struct append *const append = request->state;

	if (append == NULL)
		return;
	free_body(append);
	free(append);
	request->state = NULL;
}
