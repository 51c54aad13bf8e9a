/* SPDX-License-Identifier: MIT */
/*
 * POST /v1/sessions/{id}/end: the session's end alone. The end is no event, so no subscription says
 * when the end is recorded: workers ask the log.
 */
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "gateway/append.h"
#include "gateway/routes.h"

enum {
	ASK_PAUSE_NS = 1000000,
	ASKS_MAX = 20, /* in one job: other jobs want the worker, too */
};

/*
 * An object with the member status alone. The text was accepted by json_is_valid: a name without
 * escapes ends at the next quote.
 */
static bool
parse_object(struct http_text text, int32_t *ret_status)
{
	static const char name[] = "\"status\"";

	if (text.size < 2 || text.data[0] != '{' || text.data[text.size - 1] != '}')
		return false;
	text = json_trim((struct http_text){ text.data + 1, text.size - 2 });
	if (text.size < sizeof(name) || memcmp(text.data, name, sizeof(name) - 1) != 0)
		return false;
	text = json_trim(
		(struct http_text){ text.data + sizeof(name) - 1, text.size - (sizeof(name) - 1) });
	if (text.size == 0 || text.data[0] != ':')
		return false;
	return append_parse_status(json_trim((struct http_text){ text.data + 1, text.size - 1 }),
				   ret_status);
}

static void
begin_end(struct request *request, const struct http_head *head)
{
	struct append *const append = append_new(request);
	enum body_type type;

	if (append == NULL || !append_read_wait(append) || !append_read_type(append, head, &type))
		return;
	append->has_end = true;
	append->is_json = type == BODY_JSON;
}

static void
end_body(struct request *request)
{
	struct append *const append = request->state;
	const struct http_text body =
		json_trim((struct http_text){ append->body.data, append->body.size });

	if (append->stage != APPEND_BODY)
		return;
	if (append->body.size != 0 && !append->is_json) {
		append_refuse(append, ERROR_BODY_TYPE, "the body of an end is application/json");
		return;
	}
	if (body.size != 0 && (!json_is_valid(body) || !parse_object(body, &append->end_status))) {
		append_refuse(append, ERROR_BAD_BODY,
			      "{\"status\":N} with a number of 32 bits, or nothing");
		return;
	}
	append_start(append);
}

/* On a worker. A log that fails is asked again by the next job. */
static void
run_ask(struct job *job, struct reprise_log *log)
{
	struct request *const request =
		(struct request *)((char *)job - offsetof(struct request, job));
	struct append *const append = request->state;
	const struct reprise_log_key key = { request->gateway->tenant, request->session_id };
	const struct timespec pause = { .tv_nsec = ASK_PAUSE_NS };
	struct reprise_log_stats stats = REPRISE_LOG_STATS_INIT;

	append->is_recorded = false;
	for (int i = 0; i < ASKS_MAX; i++) {
		if (job->status == REPRISE_OK)
			job->status = reprise_log_stats(log, &key, &stats, &job->error);
		append->is_recorded = job->status == REPRISE_OK && stats.has_ended &&
				      stats.end_ordinal >= append->last;
		if (append->is_recorded)
			break;
		nanosleep(&pause, NULL);
	}
}

static void ask_again(struct append *append);

static void
finish_ask(struct job *job)
{
	struct request *const request =
		(struct request *)((char *)job - offsetof(struct request, job));
	struct append *const append = request->state;
	struct open_writer *const writer = append->writer;

	if (request->exchange != NULL && append->is_recorded) {
		append_answer(append);
	} else if (request->exchange == NULL || append->deadline_ns <= request->gateway->now_ns ||
		   work_is_closing(&request->gateway->work)) {
		append_refuse_appended(append, ERROR_NOT_RECORDED);
	} else {
		ask_again(append);
		request_release(request);
		return;
	}
	writers_let_go(writer);
	request_release(request);
}

static void
ask_again(struct append *append)
{
	struct request *const request = append->request;

	request->job.run = run_ask;
	request->job.done = finish_ask;
	request_hold(request);
	work_submit(&request->gateway->work, &request->job);
}

void
end_wait(struct append *append)
{
	struct reprise_gateway *const gateway = append->request->gateway;

	append->stage = APPEND_WORKING;
	append->writer->working++;
	append->deadline_ns =
		gateway->now_ns + (uint64_t)gateway->options.recorded_wait_ms * 1000000;
	ask_again(append);
}

/* Waits for the record of what another append has added. */
static void
wait_for_record(struct append *append)
{
	struct open_writer *const writer = append->writer;

	if (recorded_has(writer, append->last)) {
		append_answer(append);
	} else if (recorded_watch(writer) != REPRISE_OK) {
		append_refuse(append, ERROR_NOT_RECORDED, NULL);
	} else {
		append_take_out(append);
		append->writer = writer;
		recorded_wait(append);
	}
}

/* The owner's judgement: a repeated request may be answered, and nothing can be appended. */
static void
judge_ended(struct append *append)
{
	struct open_writer *const writer = append->writer;

	switch (append->calls->prepare(append)) {
	case APPEND_GO:
		append_refuse(append, ERROR_SESSION_ENDED, NULL);
		break;
	case APPEND_WAIT:
		wait_for_record(append);
		break;
	case APPEND_FINISHED:
		break;
	}
	writers_let_go(writer);
}

void
end_again(struct append *append, int32_t end_status, const struct reprise_cursor *cursor)
{
	struct open_writer *const writer = append->writer;

	if (append->calls != NULL) {
		judge_ended(append);
		return;
	}
	if (append->events_count != 0 || append->end_status != end_status ||
	    reprise_cursor_format(cursor, append->cursor, sizeof(append->cursor), NULL, NULL) !=
		    REPRISE_OK) {
		append_refuse(append, ERROR_SESSION_ENDED, NULL);
		writers_let_go(writer);
		return;
	}
	append->last = cursor->position;
	if (!append->waits) {
		append_answer(append);
		writers_let_go(writer);
		return;
	}
	append_take_out(append);
	append->writer = writer;
	end_wait(append);
}

const struct route_calls end_calls = {
	.begin = begin_end,
	.body = append_body,
	.body_end = end_body,
	.close = append_close,
	.release = append_release,
};
