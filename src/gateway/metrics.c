/* SPDX-License-Identifier: MIT */
/*
 * GET /metrics. The recorder's statistics are linear in the sessions and take a lock, so a worker
 * reads them.
 */
#include <stddef.h>
#include <stdlib.h>

#include "gateway/gateway.h"
#include "gateway/metrics_text.h"
#include "gateway/routes.h"

struct metrics {
	struct reprise_recorder_stats recorder;
};

static void
answer(struct request *request, const struct reprise_recorder_stats *recorder)
{
	struct buffer body = { 0 };

	metrics_write(&body, request->gateway, recorder);
	request_answer_buffer(request, "text/plain; version=0.0.4; charset=utf-8", &body);
}

static struct request *
request_of(struct job *job)
{
	return (struct request *)((char *)job - offsetof(struct request, job));
}

/* On a worker. The recorder is asked, not the log: whether the log is there does not matter. */
static void
read_recorder(struct job *job, struct reprise_log *log)
{
	struct metrics *const metrics = request_of(job)->state;

	(void)log;
	job->status =
		reprise_recorder_stats(request_of(job)->gateway->recorder, &metrics->recorder);
}

static void
recorder_read(struct job *job)
{
	struct request *const request = request_of(job);
	const struct metrics *const metrics = request->state;

	answer(request, job->status == REPRISE_OK ? &metrics->recorder : NULL);
	request_release(request);
}

static void
metrics_begin(struct request *request, const struct http_head *head)
{
	struct metrics *metrics;

	(void)head;
	if (!gateway_has_log(request->gateway))
		return;
	metrics = calloc(1, sizeof(*metrics));
	if (metrics == NULL) {
		request_refuse(request, ERROR_NO_MEMORY, NULL);
		return;
	}
	metrics->recorder.size = sizeof(metrics->recorder);
	request->state = metrics;
}

static void
metrics_body_end(struct request *request)
{
	if (request->state == NULL) {
		answer(request, NULL);
		return;
	}
	request->job.run = read_recorder;
	request->job.done = recorder_read;
	request_hold(request);
	work_submit(&request->gateway->work, &request->job);
}

static void
metrics_release(struct request *request)
{
	free(request->state);
}

const struct route_calls metrics_calls = {
	.begin = metrics_begin,
	.body_end = metrics_body_end,
	.release = metrics_release,
};
