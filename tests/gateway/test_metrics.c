/* SPDX-License-Identifier: MIT */
/* V102: the counts of /metrics. tests/shape/metrics.sh judges the names and the format. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "gateway/meters.h"
#include "gateway/process.h"
#include "log_sqlite/scratch.h"

TestSuite(metrics, .fini = scratch_remove, .timeout = 60);

/* The value of a sample, with its labels, or 0 if there is none. */
static double
metric(struct place *place, const char *sample)
{
	const struct reply reply = ask(place, "GET", "/metrics", NULL, NULL);
	char line[256];
	const char *found;

	cr_assert(eq(int, reply.status, 200));
	snprintf(line, sizeof(line), "\n%s ", sample);
	found = strstr(reply.body, line);
	cr_assert(found != NULL, "there is no %s", sample);
	return strtod(found + strlen(line), NULL);
}

#define REFUSED "reprise_gateway_refused_requests_total"
#define GAPS    "reprise_gateway_gaps_total"
#define SPENT   "reprise_gateway_request_duration_seconds"

Test(metrics, V102_a_refusal_is_counted_by_its_code_alone)
{
	struct place *const place = place_without_log();
	struct reprise_gateway_stats stats;

	for (int i = 0; i < 3; i++)
		(void)ask(place, "GET", "/nowhere", NULL, NULL);
	(void)ask(place, "GET", "/v1/sessions?limit=0", NULL, NULL);
	(void)ask(place, "PUT", "/v1/sessions", NULL, NULL);
	cr_assert(eq(dbl, metric(place, REFUSED "{class=\"4xx\",code=\"no_route\"}"), 3));
	cr_assert(eq(dbl, metric(place, REFUSED "{class=\"4xx\",code=\"bad_query\"}"), 1));
	cr_assert(eq(dbl, metric(place, REFUSED "{class=\"4xx\",code=\"method_not_allowed\"}"), 1));
	cr_assert(eq(dbl, metric(place, REFUSED "{class=\"5xx\",code=\"internal\"}"), 0));
	stats = place_stats(place);
	cr_assert(eq(u64, stats.refused, 5));
	place_close(place);
}

Test(metrics, V102_a_gap_is_counted_by_its_code_for_each_client)
{
	struct place *const place = place_of_events(4, false);
	struct client *client;
	char target[1024];

	(void)post(place, "s", "1");
	snprintf(target, sizeof(target), "/v1/sessions/s/events?cursor=%s",
		 json_text(ask(place, "GET", "/v1/sessions/s/cursor", NULL, NULL).body, "cursor"));
	for (int i = 0; i < 8; i++)
		(void)post(place, "s", "1");
	for (int i = 0; i < 2; i++) {
		client = stream_open(place, target, NULL);
		(void)stream_expect(client, "hello");
		(void)stream_expect(client, "gap");
		client_close(client);
	}
	cr_assert(eq(dbl, metric(place, GAPS "{code=\"capacity\"}"), 2));
	cr_assert(eq(dbl, metric(place, GAPS "{code=\"age\"}"), 0));
	cr_assert(eq(dbl, metric(place, "reprise_gateway_events_lost_total"), 8));
	place_close(place);
}

Test(metrics, V102_the_time_of_a_request_is_told_and_a_stream_is_no_request)
{
	struct place *const place = place_without_log();
	struct client *client;
	double before, after;

	(void)post(place, "s", "1");
	client = stream_open(place, "/v1/sessions/s/events", NULL);
	(void)stream_expect(client, "hello");
	client_close(client);
	for (int ms = 0; ms < 10000 && place_stats(place).streams > 0; ms++)
		usleep(1000);
	before = metric(place, SPENT "_count");
	for (int i = 0; i < 5; i++)
		(void)ask(place, "GET", "/healthz", NULL, NULL);
	/* And the request of `before` itself. */
	after = metric(place, SPENT "_count");
	cr_assert(eq(dbl, after, before + 6));
	cr_assert(eq(dbl, metric(place, SPENT "_bucket{le=\"+Inf\"}"), after + 1));
	cr_assert(gt(dbl, metric(place, SPENT "_sum"), 0));
	/* The append, and no stream, is before. */
	cr_assert(eq(dbl, before, 1));
	place_close(place);
}

Test(metrics, V102_a_time_at_a_bound_is_within_the_bound)
{
	static const struct {
		uint64_t ns;
		int bucket;
	} rows[] = {
		{ 0, 0 },
		{ 1000000, 0 },
		{ 1001000, 1 },
		{ 25000000, 2 },
		{ 10 * UINT64_C(1000000000), METERS_BUCKETS - 2 },
		{ 11 * UINT64_C(1000000000), METERS_BUCKETS - 1 },
		{ UINT64_MAX, METERS_BUCKETS - 1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct meters meters = { .durations_us = 5 };

		meters_add_duration(&meters, rows[i].ns);
		for (int j = 0; j < METERS_BUCKETS; j++)
			cr_assert(eq(u64, meters.durations[j], j == rows[i].bucket), "%zu %d", i,
				  j);
		cr_assert(eq(u64, meters.durations_us, 5 + rows[i].ns / 1000));
	}
	cr_assert(eq(str, (char *)meters_bound(0), "0.001"));
	cr_assert(eq(str, (char *)meters_bound(METERS_BUCKETS - 1), "+Inf"));
}

Test(metrics, V102_the_process_tells_its_start_and_its_memory)
{
	struct process process;
	uint64_t bytes = 0;

	process_open(&process);
	cr_assert(process.has_start);
	cr_assert(le(u64, process.start_ms, process_wall_ms()));
	cr_assert(gt(u64, process.start_ms, process_wall_ms() - UINT64_C(600000)));
	cr_assert(process_resident(&process, &bytes));
	cr_assert(gt(u64, bytes, UINT64_C(1) << 20));
	cr_assert(lt(u64, bytes, UINT64_C(1) << 34));
	process_close(&process);
	cr_assert(not(process_resident(&process, &bytes)));
	process_close(&process);
}

/* The metrics of the recorder are there with a log, and the log's failure is told. */
Test(metrics, V102_the_recorder_is_told_with_a_log_alone)
{
	struct place *place = place_without_log();
	struct reply reply = ask(place, "GET", "/metrics", NULL, NULL);

	cr_assert(eq(ptr, strstr(reply.body, "reprise_recorder_"), NULL));
	place_close(place);
	place = place_with_log();
	(void)post(place, "s", "1");
	cr_assert(eq(dbl, metric(place, "reprise_recorder_events_recorded_total"), 1));
	cr_assert(eq(dbl, metric(place, "reprise_recorder_lag_events"), 0));
	cr_assert(eq(dbl, metric(place, "reprise_recorder_failing"), 0));
	cr_assert(eq(dbl, metric(place, "reprise_store_sessions"), 1));
	place_close(place);
}
