/* SPDX-License-Identifier: MIT */
/*
 * The text of /metrics. METRICS.md has each name with its unit and its meaning, and a test compares
 * the two. Names follow Prometheus: base units, `_total` for counters, one unit for all samples of
 * a name.
 */
#include "gateway/metrics_text.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/resource.h>

#include "gateway/gateway.h"
#include "gateway/sse.h"

enum {
	LINE_BYTES = 320,
	MS_PER_S = 1000,
	US_PER_S = 1000000,
	NS_PER_SECOND = 1000000000,
};

enum unit {
	UNIT_ONE,
	UNIT_NS, /* told in seconds */
};

struct row {
	const char *name, *type, *help;
	enum unit unit;
	size_t offset; /* of a 64-bit number in the struct of the table */
};

#define COUNTER "counter"
#define GAUGE   "gauge"

static const struct row gateway_rows[] = {
#define ROW(field, name, type, help)                             \
	{                                                        \
		"reprise_gateway_" name, type, help, UNIT_ONE,   \
			offsetof(struct gateway_counters, field) \
	}
	ROW(requests, "requests_total", COUNTER, "Requests with a well-formed head."),
	ROW(streams, "streams", GAUGE, "Open streams of events."),
	ROW(streams_shared, "shared_streams", GAUGE, "Open streams that share a subscription."),
	ROW(displaced, "displaced_streams_total", COUNTER,
	    "Streams that fell behind the streams that they shared with."),
	ROW(subscriptions, "subscriptions", GAUGE, "Open subscriptions of the gateway."),
	ROW(events_sent, "events_sent_total", COUNTER, "Events sent in streams."),
	ROW(events_encoded, "events_encoded_total", COUNTER,
	    "Events encoded for streams; fewer than sent while clients share."),
	ROW(events_lost, "events_lost_total", COUNTER, "Events that streams told as lost."),
	ROW(appended, "events_appended_total", COUNTER, "Events appended by POST."),
	ROW(appends_recorded, "events_recorded_total", COUNTER,
	    "Events appended by POST and answered as recorded."),
	ROW(jobs, "jobs", GAUGE, "Requests that wait for a worker, or are with a worker."),
#undef ROW
};

static const struct row http_rows[] = {
#define ROW(field, name, type, help)                                                           \
	{                                                                                      \
		"reprise_http_" name, type, help, UNIT_ONE, offsetof(struct http_stats, field) \
	}
	ROW(connections, "connections", GAUGE, "Open connections."),
	ROW(accepted, "connections_accepted_total", COUNTER, "Connections accepted."),
	ROW(turned_away, "connections_turned_away_total", COUNTER,
	    "Connections turned away above a limit of connections."),
	ROW(timeouts, "connections_timed_out_total", COUNTER, "Connections closed by a deadline."),
	ROW(no_memory, "connections_out_of_memory_total", COUNTER,
	    "Connections closed for want of memory."),
	ROW(refused, "requests_malformed_total", COUNTER, "Requests that broke a rule of HTTP."),
	ROW(too_many, "requests_limited_total", COUNTER,
	    "Requests refused above the rate of a peer."),
	ROW(accept_failures, "accept_pauses_total", COUNTER,
	    "Pauses of accept for want of descriptors or memory."),
#undef ROW
};

static const struct row store_rows[] = {
#define ROW(field, name, type, help)                                \
	{                                                           \
		"reprise_store_" name, type, help, UNIT_ONE,        \
			offsetof(struct reprise_store_stats, field) \
	}
	ROW(sessions, "sessions", GAUGE, "Sessions with a window in the store."),
	ROW(sessions_idle, "idle_sessions", GAUGE, "Sessions without a handle."),
	ROW(writers, "writers", GAUGE, "Open writers."),
	ROW(subscriptions, "subscriptions", GAUGE, "Open subscriptions of the store."),
	ROW(bytes, "memory_bytes", GAUGE, "Memory counted for sessions."),
	ROW(bytes_max, "memory_limit_bytes", GAUGE, "The most memory for sessions."),
#undef ROW
};

static const struct row recorder_rows[] = {
#define ROW(field, name, type, unit, help)                             \
	{                                                              \
		"reprise_recorder_" name, type, help, unit,            \
			offsetof(struct reprise_recorder_stats, field) \
	}
	ROW(recorded, "events_recorded_total", COUNTER, UNIT_ONE, "Events written to the log."),
	ROW(lost, "events_lost_total", COUNTER, UNIT_ONE, "Events in gap entries of the log."),
	ROW(batches, "batches_total", COUNTER, UNIT_ONE, "Committed transactions."),
	ROW(failures, "failures_total", COUNTER, UNIT_ONE,
	    "Failed transactions, and refusals of single sessions."),
	ROW(fenced, "fenced_sessions_total", COUNTER, UNIT_ONE,
	    "Sessions taken over by another process, or lost by a restored log."),
	ROW(pages, "pages_read_total", COUNTER, UNIT_ONE, "Pages read from the log for streams."),
	ROW(lag, "lag_events", GAUGE, UNIT_ONE, "Events appended and not yet committed."),
	ROW(lag_ns, "lag_seconds", GAUGE, UNIT_NS,
	    "Age of the first event of the current transaction."),
	ROW(stuck, "stuck_sessions", GAUGE, UNIT_ONE, "Sessions that the log refuses."),
	ROW(stuck_ns, "stuck_seconds", GAUGE, UNIT_NS,
	    "Time since the log began to refuse the session that is stuck for longest."),
	ROW(prunes, "retention_rounds_total", COUNTER, UNIT_ONE, "Rounds of retention."),
	ROW(prune_failures, "retention_failures_total", COUNTER, UNIT_ONE,
	    "Rounds of retention that have failed."),
	ROW(pruned, "retention_archived_events_total", COUNTER, UNIT_ONE,
	    "Events that retention has archived."),
	ROW(pruned_rows, "retention_deleted_rows_total", COUNTER, UNIT_ONE,
	    "Rows of the log that retention has deleted."),
#undef ROW
};

static_assert(sizeof(gateway_rows) / sizeof(*gateway_rows) + 2 ==
		      sizeof(struct gateway_counters) / sizeof(uint64_t),
	      "each counter of the gateway has a row; gaps and refusals are told by code");

/* --- the format ------------------------------------------------------------------------------ */

static void
add_head(struct buffer *body, const char *name, const char *type, const char *help)
{
	char line[LINE_BYTES];

	snprintf(line, sizeof(line), "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
	buffer_text(body, line);
}

/* @labels with braces, or "". */
static void
add_sample(struct buffer *body, const char *name, const char *labels, uint64_t value)
{
	buffer_text(body, name);
	buffer_text(body, labels);
	buffer_text(body, " ");
	if (value == REPRISE_NO_LIMIT)
		buffer_text(body, "+Inf");
	else
		buffer_number(body, value);
	buffer_text(body, "\n");
}

/* @count is in parts of a second, of which @parts_per_s are a second: a power of ten. */
static void
add_seconds(struct buffer *body, const char *name, uint64_t count, uint64_t parts_per_s)
{
	char line[LINE_BYTES];
	int digits = 0;

	for (uint64_t parts = parts_per_s; parts > 1; parts /= 10)
		digits++;
	snprintf(line, sizeof(line), "%s %llu.%0*llu\n", name,
		 (unsigned long long)(count / parts_per_s), digits,
		 (unsigned long long)(count % parts_per_s));
	buffer_text(body, line);
}

static void
add_one(struct buffer *body, const char *name, const char *help, uint64_t value)
{
	add_head(body, name, GAUGE, help);
	add_sample(body, name, "", value);
}

static void
add_rows(struct buffer *body, const struct row *rows, size_t count, const void *stats)
{
	for (size_t i = 0; i < count; i++) {
		/* A counter of the loop is read on the loop: a plain word. */
		const uint64_t *const value = (const void *)((const char *)stats + rows[i].offset);

		add_head(body, rows[i].name, rows[i].type, rows[i].help);
		if (rows[i].unit == UNIT_NS)
			add_seconds(body, rows[i].name, *value, NS_PER_SECOND);
		else
			add_sample(body, rows[i].name, "", *value);
	}
}

#define ADD_ROWS(body, rows, stats) \
	add_rows((body), (rows), sizeof(rows) / sizeof(*(rows)), (stats))

/* --- groups ---------------------------------------------------------------------------------- */

static void
add_refusals(struct buffer *body, const struct meters *meters)
{
	static const char name[] = "reprise_gateway_refused_requests_total";
	char labels[LINE_BYTES];

	add_head(body, name, COUNTER, "Requests answered with an error, by the error's code.");
	for (int i = 0; i < METERS_CODES; i++) {
		snprintf(labels, sizeof(labels), "{class=\"%dxx\",code=\"%s\"}",
			 error_http_status((enum error_code)i) / 100,
			 error_code_text((enum error_code)i));
		add_sample(body, name, labels, meters->refused[i]);
	}
}

/* The end of a life is told by `end`, and is no gap. */
static void
add_gaps(struct buffer *body, const struct meters *meters)
{
	static const char name[] = "reprise_gateway_gaps_total";

	add_head(body, name, COUNTER, "Gaps told in streams, by the gap's code.");
	for (int i = 0; i < SSE_GAPS; i++) {
		if (i == REPRISE_GAP_LIFE_ENDED)
			continue;
		buffer_text(body, name);
		buffer_text(body, "{code=\"");
		sse_gap_code(body, (reprise_gap_detail)i);
		add_sample(body, "\"}", "", meters->gaps[i]);
	}
}

static void
add_durations(struct buffer *body, const struct meters *meters)
{
	static const char name[] = "reprise_gateway_request_duration_seconds";
	char labels[LINE_BYTES];
	uint64_t sum = 0;

	add_head(body, name, "histogram",
		 "Time from a request's whole head to the end of an answer that is no stream.");
	for (int i = 0; i < METERS_BUCKETS; i++) {
		sum += meters->durations[i];
		snprintf(labels, sizeof(labels), "_bucket{le=\"%s\"}", meters_bound(i));
		add_sample(body, name, labels, sum);
	}
	add_seconds(body, "reprise_gateway_request_duration_seconds_sum", meters->durations_us,
		    US_PER_S);
	add_sample(body, name, "_count", sum);
}

static void
add_gateway(struct buffer *body, struct reprise_gateway *gateway)
{
	char labels[LINE_BYTES];

	add_head(body, "reprise_build_info", GAUGE, "1, with the version of the library.");
	snprintf(labels, sizeof(labels), "{version=\"%s\"}", reprise_version());
	add_sample(body, "reprise_build_info", labels, 1);
	add_head(body, "reprise_gateway_start_time_seconds", GAUGE,
		 "When the gateway was opened, in seconds since 1970.");
	add_seconds(body, "reprise_gateway_start_time_seconds", gateway->started_wall_ms, MS_PER_S);
	ADD_ROWS(body, gateway_rows, &gateway->counters);
	add_refusals(body, &gateway->meters);
	add_gaps(body, &gateway->meters);
	add_durations(body, &gateway->meters);
	add_one(body, "reprise_gateway_behind_events",
		"Events that the stream that is furthest behind has not got.",
		clients_furthest(&gateway->clients));
	add_one(body, "reprise_gateway_sessions_limit",
		"With so many sessions an append creates no further one.",
		gateway->options.sessions_max);
}

static uint64_t
timeval_us(const struct timeval *time)
{
	return (uint64_t)time->tv_sec * US_PER_S + (uint64_t)time->tv_usec;
}

static void
add_process(struct buffer *body, const struct process *process)
{
	struct rusage usage = { .ru_maxrss = 0 };
	struct rlimit descriptors;
	uint64_t bytes;

	getrusage(RUSAGE_SELF, &usage);
	add_head(body, "process_cpu_seconds_total", COUNTER, "CPU time of the process.");
	add_seconds(body, "process_cpu_seconds_total",
		    timeval_us(&usage.ru_utime) + timeval_us(&usage.ru_stime), US_PER_S);
	if (process->has_start) {
		add_head(body, "process_start_time_seconds", GAUGE,
			 "When the process was started, in seconds since 1970.");
		add_seconds(body, "process_start_time_seconds", process->start_ms, MS_PER_S);
	}
	if (process_resident(process, &bytes))
		add_one(body, "process_resident_memory_bytes", "Resident memory of the process.",
			bytes);
	if (getrlimit(RLIMIT_NOFILE, &descriptors) == 0)
		add_one(body, "process_max_fds", "The most open descriptors of the process.",
			descriptors.rlim_cur == RLIM_INFINITY ? REPRISE_NO_LIMIT
							      : (uint64_t)descriptors.rlim_cur);
}

void
metrics_write(struct buffer *body, struct reprise_gateway *gateway,
	      const struct reprise_recorder_stats *recorder)
{
	const struct http_stats http = http_server_stats(gateway->server);
	struct reprise_store_stats store = REPRISE_STORE_STATS_INIT;

	add_gateway(body, gateway);
	ADD_ROWS(body, http_rows, &http);
	add_one(body, "reprise_http_connections_limit", "The most open connections.",
		gateway->options.connections_max);
	if (reprise_store_stats(gateway->store, &store) == REPRISE_OK)
		ADD_ROWS(body, store_rows, &store);
	if (recorder != NULL) {
		ADD_ROWS(body, recorder_rows, recorder);
		add_one(body, "reprise_recorder_failing",
			"1 while the last transaction, or a session's refusal, has failed.",
			recorder->last != REPRISE_OK);
	}
	add_process(body, &gateway->process);
}
