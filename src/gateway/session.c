/* SPDX-License-Identifier: MIT */
/*
 * GET /v1/sessions/{id}: one entry of the list of sessions. The log is asked on a worker, as for
 * the list.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/gateway.h"
#include "gateway/routes.h"
#include "gateway/session_entry.h"

static struct request *
request_of(struct job *job)
{
	return (struct request *)((char *)job - offsetof(struct request, job));
}

/* On a worker. E_NOT_FOUND: neither the store nor the log has the session. */
static void
ask(struct job *job, struct reprise_log *log)
{
	struct request *const request = request_of(job);
	struct reprise_gateway *const gateway = request->gateway;
	struct session_entry *const entry = request->state;
	struct reprise_session_stats stats = REPRISE_SESSION_STATS_INIT;
	reprise_status status;

	if (job->status != REPRISE_OK)
		return;
	status = reprise_session_stats(gateway->store, entry->id, &stats);
	if (status == REPRISE_OK)
		session_entry_take_window(entry, &stats);
	else if (status == REPRISE_E_NOT_FOUND && log != NULL)
		status = session_entry_find_life(entry->id, log, gateway->tenant, &job->error);
	if (status == REPRISE_OK && log != NULL)
		status = session_entry_ask_log(entry, log, gateway->tenant, &job->error);
	/* A window without an event may be in no log yet. */
	job->status = status == REPRISE_E_NOT_FOUND && entry->has_window ? REPRISE_OK : status;
}

static void
answer(struct job *job)
{
	struct request *const request = request_of(job);
	struct buffer body = { 0 };

	if (job->status == REPRISE_E_NOT_FOUND) {
		request_refuse(request, ERROR_UNKNOWN_SESSION, NULL);
	} else if (job->status != REPRISE_OK) {
		request_refuse_status(request, job->status, &job->error);
	} else {
		session_entry_write(request->state, request->gateway, &body);
		buffer_text(&body, "\n");
		request_answer_buffer(request, "application/json", &body);
	}
	request_release(request);
}

static void
begin(struct request *request, const struct http_head *head)
{
	struct session_entry *const entry = calloc(1, sizeof(*entry));

	(void)head;
	if (entry == NULL) {
		request_refuse(request, ERROR_NO_MEMORY, NULL);
		return;
	}
	memcpy(entry->id, request->session_id, sizeof(entry->id));
	request->state = entry;
}

static void
body_end(struct request *request)
{
	request->job.run = ask;
	request->job.done = answer;
	request_hold(request);
	work_submit(&request->gateway->work, &request->job);
}

static void
release(struct request *request)
{
	free(request->state);
}

const struct route_calls session_calls = {
	.begin = begin,
	.body_end = body_end,
	.release = release,
};
