/* SPDX-License-Identifier: MIT */
/*
 * POST /v1/sessions/{id}/invalidate, and DELETE /v1/sessions/{id}. Both wait for the log on a
 * worker. A request whose client is gone is carried out all the same.
 */
#include <stddef.h>

#include <reprise/log_upkeep.h>

#include "gateway/append.h"
#include "gateway/routes.h"

static struct request *
request_of(struct job *job)
{
	return (struct request *)((char *)job - offsetof(struct request, job));
}

/* E_NOT_FOUND: the store has no window of the session. */
static reprise_status
invalidate(struct request *request)
{
	struct reprise_store *const store = request->gateway->store;
	struct reprise_session_stats stats = REPRISE_SESSION_STATS_INIT;
	const reprise_status status = reprise_session_stats(store, request->session_id, &stats);

	return status == REPRISE_OK ? reprise_session_invalidate(store, request->session_id)
				    : status;
}

/*
 * The log's knowledge of a session without a window. The last life may be void already, so that an
 * answer that was lost can be asked for again. A life that ended otherwise stays: the events were
 * recorded by a runtime that is gone, and DELETE takes them away.
 */
static reprise_status
judge_without_window(struct request *request, struct job *job, struct reprise_log *log)
{
	const struct reprise_log_key key = { request->gateway->tenant, request->session_id };
	struct reprise_log_stats stats = REPRISE_LOG_STATS_INIT;
	reprise_status status;

	if (job->status != REPRISE_OK || log == NULL)
		return job->status == REPRISE_OK ? REPRISE_E_NOT_FOUND : job->status;
	status = reprise_log_stats(log, &key, &stats, &job->error);
	if (status != REPRISE_OK || stats.life.state == REPRISE_LIFE_INVALIDATED)
		return status;
	return REPRISE_E_EXISTS;
}

static void
run_invalidate(struct job *job, struct reprise_log *log)
{
	struct request *const request = request_of(job);
	reprise_status status = invalidate(request);

	if (status == REPRISE_E_NOT_FOUND)
		status = judge_without_window(request, job, log);
	job->status = status;
}

/*
 * The window goes first, so that nothing is appended meanwhile. A life that a crash left open is
 * dropped, too.
 */
static void
run_delete(struct job *job, struct reprise_log *log)
{
	struct request *const request = request_of(job);
	const struct reprise_log_key key = { request->gateway->tenant, request->session_id };
	reprise_status invalidated;

	if (job->status != REPRISE_OK)
		return;
	invalidated = invalidate(request);
	if (log == NULL || (invalidated != REPRISE_OK && invalidated != REPRISE_E_NOT_FOUND)) {
		job->status = invalidated;
		return;
	}
	job->status = reprise_log_drop(log, &key, true, NULL, &job->error);
	/* A window without an event may have no row in the log yet. */
	if (job->status == REPRISE_E_NOT_FOUND)
		job->status = invalidated;
}

static void
finish_removal(struct job *job)
{
	struct request *const request = request_of(job);

	writers_check(request->gateway, request->session_id);
	if (job->status == REPRISE_OK)
		request_answer(request, 204, NULL, (struct http_text){ NULL, 0 });
	else if (job->status == REPRISE_E_EXISTS)
		request_refuse(request, ERROR_NO_WINDOW, NULL);
	else
		request_refuse_status(request, job->status, &job->error);
	request_release(request);
}

static void
submit(struct request *request, void (*run)(struct job *job, struct reprise_log *log))
{
	if (writers_is_overloaded(request->gateway)) {
		request_refuse(request, ERROR_TOO_MANY_REQUESTS, NULL);
		return;
	}
	request->job.run = run;
	request->job.done = finish_removal;
	request_hold(request);
	work_submit(&request->gateway->work, &request->job);
}

/* The work begins behind the body, which is dropped. */
static void
begin_removal(struct request *request, const struct http_head *head)
{
	(void)request;
	(void)head;
}

static void
end_invalidate(struct request *request)
{
	submit(request, run_invalidate);
}

static void
end_delete(struct request *request)
{
	submit(request, run_delete);
}

const struct route_calls invalidate_calls = {
	.begin = begin_removal,
	.body_end = end_invalidate,
};

const struct route_calls delete_calls = {
	.begin = begin_removal,
	.body_end = end_delete,
};
