/* SPDX-License-Identifier: MIT */
/*
 * DELETE /v1/stream/{id}, and the end of a lifetime. A stream without forks is dropped from the
 * log; a stream with forks is marked, and its name stays taken until the last fork is deleted.
 */
#include <stdlib.h>
#include <string.h>

#include <reprise/log_upkeep.h>
#include <reprise/session.h>

#include "gateway/durable_stream.h"
#include "gateway/gateway.h"

static struct durable_removal *
removal_of_job(struct job *job)
{
	return (struct durable_removal *)((char *)job - offsetof(struct durable_removal, job));
}

/* On a worker. The window goes first, so that nothing is appended meanwhile. */
static void
run_drop(struct job *job, struct reprise_log *log)
{
	struct durable_removal *const removal = removal_of_job(job);
	const struct durable_stream *const stream = removal->look.stream;
	const struct reprise_log_key key = { stream->gateway->tenant, stream->session_id };

	if (job->status == REPRISE_OK)
		job->status =
			reprise_session_invalidate(stream->gateway->store, stream->session_id);
	if (job->status == REPRISE_OK || job->status == REPRISE_E_NOT_FOUND)
		job->status = reprise_log_drop(log, &key, true, NULL, &job->error);
	if (job->status == REPRISE_E_NOT_FOUND)
		job->status = REPRISE_OK;
	/* Without the drop nobody takes the blob for another stream's: a failure costs space. */
	if (job->status == REPRISE_OK)
		(void)durable_forget_kept(stream->gateway, stream->session_id, log, NULL);
}

void
durable_finish_removal(struct durable_removal *removal, bool is_done, enum error_code code)
{
	removal->is_done = is_done;
	removal->code = code;
	durable_let_go(&removal->look);
	removal->done(removal);
}

static void
finish_drop(struct job *job)
{
	struct durable_removal *const removal = removal_of_job(job);
	struct durable_stream *const stream = removal->look.stream;
	struct reprise_gateway *const gateway = stream->gateway;
	char session_id[REPRISE_SESSION_ID_BYTES_MAX + 1];

	stream->is_removing = false;
	writers_check(gateway, stream->session_id);
	if (job->status != REPRISE_OK) {
		removal->status = job->status;
		removal->error = job->error;
		durable_finish_removal(removal, false, error_of_status(job->status));
		return;
	}
	memcpy(session_id, stream->session_id, sizeof(session_id));
	memcpy(removal->source, stream->state.settings.source, sizeof(removal->source));
	durable_forget(stream);
	if (removal->source[0] == '\0') {
		durable_finish_removal(removal, true, ERROR_INTERNAL);
		return;
	}
	durable_let_go(&removal->look);
	durable_lose_fork(gateway, removal->source, session_id, removal);
}

static void
finish_mark(struct durable_control *control)
{
	struct durable_removal *const removal =
		(struct durable_removal *)((char *)control -
					   offsetof(struct durable_removal, control));

	removal->status = REPRISE_E_TIMEOUT;
	durable_finish_removal(removal, control->is_done, ERROR_NOT_RECORDED);
}

void
durable_remove(struct durable_removal *removal)
{
	struct durable_stream *const stream = removal->look.stream;

	removal->error = (struct reprise_error)REPRISE_ERROR_INIT;
	if (stream->state.forks_count == 0) {
		stream->is_removing = true;
		removal->job.run = run_drop;
		removal->job.done = finish_drop;
		if (stream->is_keeping)
			stream->removal = &removal->job; /* else the blob would come back */
		else
			work_submit(&stream->gateway->work, &removal->job);
		return;
	}
	if (stream->state.is_gone) {
		durable_finish_removal(removal, true, ERROR_INTERNAL);
		return;
	}
	removal->control = (struct durable_control){ .is_ended = true, .done = finish_mark };
	durable_change_gone(&removal->control.change);
	durable_write(stream, &removal->control);
}

static void
finish_delete(struct durable_removal *removal)
{
	struct request *const request = removal->look.request;

	if (removal->is_done)
		request_answer(request, 204, NULL, (struct http_text){ NULL, 0 });
	else
		request_refuse_failed(request, removal->code, removal->status, &removal->error);
	request_release(request);
}

static void
on_found(struct durable_look *look)
{
	struct durable_removal *const removal =
		(struct durable_removal *)((char *)look - offsetof(struct durable_removal, look));

	request_hold(look->request);
	removal->done = finish_delete;
	durable_remove(removal);
}

static void
begin_delete(struct request *request, const struct http_head *head)
{
	(void)head;
	request->state = calloc(1, sizeof(struct durable_removal));
	if (request->state == NULL)
		request_refuse(request, ERROR_NO_MEMORY, NULL);
}

static void
delete_body(struct request *request)
{
	struct durable_removal *const removal = request->state;

	if (removal == NULL)
		return;
	removal->look.request = request;
	removal->look.is_exclusive = true;
	removal->look.found = on_found;
	durable_look(&removal->look, request->session_id);
}

static void
release_delete(struct request *request)
{
	free(request->state);
}

const struct route_calls durable_remove_calls = {
	.begin = begin_delete,
	.body_end = delete_body,
	.release = release_delete,
};
