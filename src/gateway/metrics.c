/* SPDX-License-Identifier: MIT */
/*
 * GET /metrics: the text format of Prometheus, version 0.0.4. The recorder's statistics are linear
 * in the sessions and take a lock, so a worker reads them.
 */
#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "gateway/gateway.h"
#include "gateway/routes.h"

enum {
	LINE_BYTES = 256,
	US_PER_S = 1000000,
};

struct metrics {
	struct reprise_recorder_stats recorder;
};

static const struct row {
	const char *name, *type, *help;
	size_t offset; /* of a 64-bit number in the struct of the table */
} gateway_rows[] = {
#define ROW(name, type, help)                                              \
	{                                                                  \
#name, type, help, offsetof(struct gateway_counters, name) \
	}
	ROW(requests, "counter", "Requests with a well-formed head."),
	ROW(refused, "counter", "Requests that the gateway answered with 4xx or 5xx."),
	ROW(streams, "gauge", "Open streams of events."),
	ROW(streams_shared, "gauge", "Open streams that share a subscription."),
	ROW(subscriptions, "gauge", "Open subscriptions of the gateway."),
	ROW(events_sent, "counter", "Events sent to clients."),
	ROW(events_encoded, "counter", "Events encoded; fewer than sent while clients share."),
	ROW(events_lost, "counter", "Events told to clients as lost."),
	ROW(gaps, "counter", "Gaps told to clients."),
	ROW(displaced, "counter", "Streams that fell behind the streams they shared with."),
	ROW(appended, "counter", "Events appended by POST."),
	ROW(appends_recorded, "counter", "Events appended by POST and answered as recorded."),
	ROW(jobs, "gauge", "Requests that wait for a worker, or are with a worker."),
#undef ROW
};

static_assert(sizeof(gateway_rows) / sizeof(*gateway_rows) ==
		      sizeof(struct gateway_counters) / sizeof(uint64_t),
	      "each counter of the gateway has a row");

static const struct row http_rows[] = {
#define ROW(name, type, help)                                        \
	{                                                            \
#name, type, help, offsetof(struct http_stats, name) \
	}
	ROW(connections, "gauge", "Open connections."),
	ROW(accepted, "counter", "Connections accepted."),
	ROW(refused, "counter", "Requests that broke a rule of HTTP."),
	ROW(turned_away, "counter", "Connections above a limit."),
	ROW(too_many, "counter", "Requests above the rate of a peer."),
	ROW(timeouts, "counter", "Connections closed by a deadline."),
	ROW(accept_failures, "counter", "Pauses of accept, for want of descriptors or memory."),
	ROW(no_memory, "counter", "Connections closed for want of memory."),
#undef ROW
};

static const struct row store_rows[] = {
#define ROW(name, type, help)                                                 \
	{                                                                     \
#name, type, help, offsetof(struct reprise_store_stats, name) \
	}
	ROW(sessions, "gauge", "Windows in the store."),
	ROW(sessions_idle, "gauge", "Idle windows in the store."),
	ROW(writers, "gauge", "Open writers."),
	ROW(subscriptions, "gauge", "Open subscriptions of the store."),
	ROW(bytes, "gauge", "Bytes counted for sessions."),
#undef ROW
};

static const struct row recorder_rows[] = {
#define ROW(name, type, help)                                                    \
	{                                                                        \
#name, type, help, offsetof(struct reprise_recorder_stats, name) \
	}
	ROW(recorded, "counter", "Events written to the log."),
	ROW(lost, "counter", "Events in gap entries of the log."),
	ROW(batches, "counter", "Committed batches."),
	ROW(failures, "counter", "Failed transactions, and refusals of single sessions."),
	ROW(lag, "gauge", "Events appended and not yet committed."),
	ROW(stuck, "gauge", "Sessions that the log refuses."),
#undef ROW
};

static void
add_head(struct buffer *body, const char *group, const char *name, const char *type,
	 const char *help)
{
	char line[LINE_BYTES];

	snprintf(line, sizeof(line), "# HELP %s%s%s %s\n# TYPE %s%s%s %s\n", group, name,
		 type[0] == 'c' ? "_total" : "", help, group, name, type[0] == 'c' ? "_total" : "",
		 type);
	buffer_text(body, line);
}

static void
add_rows(struct buffer *body, const char *group, const struct row *rows, size_t count,
	 const void *stats)
{
	for (size_t i = 0; i < count; i++) {
		/* A counter of the loop is read on the loop: a plain word. */
		const uint64_t *const value = (const void *)((const char *)stats + rows[i].offset);

		add_head(body, group, rows[i].name, rows[i].type, rows[i].help);
		buffer_text(body, group);
		buffer_text(body, rows[i].name);
		buffer_text(body, rows[i].type[0] == 'c' ? "_total " : " ");
		buffer_number(body, *value);
		buffer_text(body, "\n");
	}
}

#define ADD(body, group, rows, stats) \
	add_rows((body), (group), (rows), sizeof(rows) / sizeof(*(rows)), (stats))

static void
add_seconds(struct buffer *body, const char *name, const char *type, const char *help, uint64_t us)
{
	char line[LINE_BYTES];

	add_head(body, "", name, type, help);
	snprintf(line, sizeof(line), "%s%s %llu.%06u\n", name, type[0] == 'c' ? "_total" : "",
		 (unsigned long long)(us / US_PER_S), (unsigned int)(us % US_PER_S));
	buffer_text(body, line);
}

static uint64_t
timeval_us(const struct timeval *time)
{
	return (uint64_t)time->tv_sec * US_PER_S + (uint64_t)time->tv_usec;
}

/* By getrusage: a request opens no file, /proc included. */
static void
add_process(struct buffer *body, const struct reprise_gateway *gateway)
{
	struct rusage usage = { .ru_maxrss = 0 };
	const struct row maximum = { "resident_memory_max_bytes", "gauge",
				     "The most memory that the process has had resident.", 0 };

	getrusage(RUSAGE_SELF, &usage);
	add_seconds(body, "process_cpu_seconds", "counter", "CPU time of the process.",
		    timeval_us(&usage.ru_utime) + timeval_us(&usage.ru_stime));
	add_seconds(body, "reprise_gateway_uptime_seconds", "gauge", "Since the opening.",
		    (gateway->now_ns - gateway->started_ns) / 1000);

	const uint64_t bytes = (uint64_t)usage.ru_maxrss * 1024;

	add_rows(body, "process_", &maximum, 1, &bytes);
}

static void
answer(struct request *request, const struct reprise_recorder_stats *recorder)
{
	struct reprise_gateway *const gateway = request->gateway;
	const struct http_stats http = http_server_stats(gateway->server);
	struct reprise_store_stats store = REPRISE_STORE_STATS_INIT;
	struct buffer body = { 0 };

	ADD(&body, "reprise_gateway_", gateway_rows, &gateway->counters);
	ADD(&body, "reprise_http_", http_rows, &http);
	if (reprise_store_stats(gateway->store, &store) == REPRISE_OK)
		ADD(&body, "reprise_store_", store_rows, &store);
	if (recorder != NULL)
		ADD(&body, "reprise_recorder_", recorder_rows, recorder);
	add_process(&body, gateway);
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
