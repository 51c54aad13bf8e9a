/* SPDX-License-Identifier: MIT */
/*
 * gateway: the events of one session to 1,000 clients, the first event of a client that joins them,
 * and the time from a POST until a client has the bytes.
 */
#include <inttypes.h>
#include <string.h>

#include "gateway_rows.h"
#include "rows.h"

enum {
	CLIENTS = 1000,
	LIVE_CLIENTS = 1,
	EVENTS_QUICK = 25,
	EVENTS_FULL = 150,
	JOINS_QUICK = 20,
	JOINS_FULL = 100,
	POSTS_QUICK = 300,
	POSTS_FULL = 2000,
	POSTS_MAX = POSTS_FULL,
};

#define PATIENCE_NS UINT64_C(30000000000)

static struct site reprise, nchan, bare;
static struct site *const sites[] = { &reprise, &nchan, &bare };

enum {
	SITES = sizeof(sites) / sizeof(sites[0])
};

static void
begin_sites(void)
{
	for (size_t i = 0; i < SITES; i++)
		site_begin(sites[i]);
}

static void
close_sites(void)
{
	for (size_t i = 0; i < SITES; i++)
		site_close(sites[i]);
}

/*
 * The three servers with @clients each; the bare one writes as many bytes as the gateway. False:
 * the gateway is not there.
 */
static bool
open_sites(struct harness *harness, const char *name, size_t clients, bool is_beside)
{
	static const enum place_kind kinds[] = { PLACE_REPRISE, PLACE_NCHAN, PLACE_LIBEVENT };
	uint32_t event_bytes = 0;

	for (size_t i = 0; i < SITES; i++) {
		*sites[i] = (struct site){ .place = { .kind = kinds[i],
						      .event_bytes = event_bytes,
						      .is_beside = is_beside } };
		if (!site_open(harness, sites[i], name, clients + 1)) {
			if (i == 0)
				return false;
			continue;
		}
		site_join(sites[i], clients);
		const uint64_t before = sites[i]->crowd.bytes;

		site_post(sites[i]);
		(void)site_await(sites[i]);
		publisher_await(&sites[i]->publisher);
		if (i == 0)
			event_bytes = (uint32_t)((sites[i]->crowd.bytes - before) / clients);
	}
	return true;
}

/* --- fan-out ---------------------------------------------------------------------------------- */

/*
 * Posts @events while at most @ahead of them are on their way to clients. The nanoseconds of a
 * delivered event.
 */
static double
run_fanout(struct site *site, size_t events, size_t ahead, double *ret_cpu_ns)
{
	const uint64_t from = site->crowd.delivered;
	const double cpu_ns = place_cpu_ns(&site->place);
	const uint64_t begin = now_ns();

	for (size_t i = 0; i < events && !harness_is_interrupted(); i++) {
		const size_t behind = i < ahead ? i : ahead - 1;

		site_post(site);
		/* The answers must not fill the socket. */
		(void)publisher_take(&site->publisher);
		if (!crowd_await(&site->crowd, site->due - behind * site->crowd.count, PATIENCE_NS))
			break;
	}
	(void)site_await(site);
	const uint64_t ns = now_ns() - begin;

	publisher_await(&site->publisher);
	const double delivered = (double)(site->crowd.delivered - from);

	*ret_cpu_ns = (place_cpu_ns(&site->place) - cpu_ns) / delivered;
	return (double)ns / delivered;
}

static void
print_fanout(struct harness *harness, size_t ahead, size_t runs, double encodings)
{
	double ratios[RUNS_MAX];
	struct result result = { .name = "gateway-fanout",
				 .unit = "ratio",
				 .values = ratios,
				 .runs = runs,
				 .ns = median_of(reprise.values, runs),
				 .over_ns = median_of(nchan.values, runs),
				 .goal_is = GOAL_AT_LEAST,
				 .goal = 1 };

	for (size_t i = 0; i < runs; i++)
		ratios[i] = nchan.values[i] / reprise.values[i];
	snprintf(result.parameters, sizeof(result.parameters),
		 "\"clients\":%d,\"payload\":%d,\"ahead\":%zu,\"encodings an event\":%.3f", CLIENTS,
		 EVENT_BYTES, ahead, encodings);
	result_add(&result, "rate over", "nchan");
	site_account(harness, &reprise, &result);
	result_print(harness, &result);
}

/* The server's processor time, which depends less on what else the machine does. */
static void
print_cpu(struct harness *harness, struct site *over, size_t ahead, size_t runs)
{
	double ratios[RUNS_MAX];
	struct result result = { .name = "gateway-fanout",
				 .unit = "ratio",
				 .values = ratios,
				 .runs = runs,
				 .ns = median_of(reprise.cpu_ns, runs),
				 .over_ns = median_of(over->cpu_ns, runs) };

	for (size_t i = 0; i < runs; i++)
		ratios[i] = reprise.cpu_ns[i] / over->cpu_ns[i];
	snprintf(result.parameters, sizeof(result.parameters),
		 "\"clients\":%d,\"payload\":%d,\"ahead\":%zu,\"of\":\"processor time\"", CLIENTS,
		 EVENT_BYTES, ahead);
	result_add(&result, "over", place_names[over->place.kind]);
	result_print(harness, &result);
}

/* The events delivered in a second. */
static void
print_rate(struct harness *harness, struct site *site, size_t ahead, size_t runs)
{
	char parameters[96];

	for (size_t i = 0; i < runs; i++)
		site->values[i] = 1e9 / site->values[i];
	snprintf(parameters, sizeof(parameters), "\"clients\":%d,\"payload\":%d,\"ahead\":%zu",
		 CLIENTS, EVENT_BYTES, ahead);
	site_print(harness, site, "gateway-fanout", "events/s", parameters, runs, GOAL_NONE, 0);
}

static void
measure_ahead(struct harness *harness, size_t ahead)
{
	const size_t events = harness->is_quick ? EVENTS_QUICK : EVENTS_FULL;
	const uint64_t encoded =
		place_metric(&reprise.place, "reprise_gateway_events_encoded_total");
	const uint64_t posted = reprise.posted;
	size_t runs = 0;

	begin_sites();
	for (; runs < harness->runs && !harness_is_interrupted(); runs++)
		for (size_t i = 0; i < SITES; i++)
			if (sites[i]->is_there)
				sites[i]->values[runs] = run_fanout(sites[i], events, ahead,
								    &sites[i]->cpu_ns[runs]);
	if (runs == 0)
		return;
	const uint64_t more =
		place_metric(&reprise.place, "reprise_gateway_events_encoded_total") - encoded;

	if (nchan.is_there)
		print_fanout(harness, ahead, runs,
			     (double)more / (double)(reprise.posted - posted));
	for (size_t i = 0; i < SITES; i++)
		if (sites[i]->is_there)
			print_rate(harness, sites[i], ahead, runs);
	for (size_t i = 1; i < SITES; i++)
		if (sites[i]->is_there)
			print_cpu(harness, sites[i], ahead, runs);
}

/* --- the first event -------------------------------------------------------------------------- */

/* Connects and leaves again: the median in ms. */
static double
run_first(struct site *site, size_t joins)
{
	double took[JOINS_FULL];
	size_t count = 0;

	for (; count < joins && !harness_is_interrupted(); count++) {
		const uint64_t due = site->crowd.delivered + 1;
		const uint64_t begin = now_ns();

		site_add(site);
		if (!crowd_await(&site->crowd, due, PATIENCE_NS))
			harness_die("a client does not get its first event");
		took[count] = (double)(now_ns() - begin) / 1e6;
		(void)site_await(site);
		crowd_leave_last(&site->crowd);
	}
	return count == 0 ? 0 : median_of(took, count);
}

static void
measure_first(struct harness *harness)
{
	const size_t joins = harness->is_quick ? JOINS_QUICK : JOINS_FULL;
	char parameters[64];
	size_t runs = 0;

	begin_sites();
	for (; runs < harness->runs && !harness_is_interrupted(); runs++)
		for (size_t i = 0; i < SITES; i++)
			if (sites[i]->is_there)
				sites[i]->values[runs] = run_first(sites[i], joins);
	snprintf(parameters, sizeof(parameters), "\"clients\":%d,\"quantile\":0.5", CLIENTS);
	for (size_t i = 0; i < SITES; i++)
		site_print(harness, sites[i], "gateway-first", "ms", parameters, runs,
			   i == 0 ? GOAL_AT_MOST : GOAL_NONE, 2);
}

void
measure_gateway_fanout(struct harness *harness)
{
	if (!open_sites(harness, "gateway-fanout", CLIENTS, false))
		return;
	measure_first(harness);
	measure_ahead(harness, 1);
	measure_ahead(harness, 16);
	close_sites();
}

/* --- from a POST to the bytes ----------------------------------------------------------------- */

/* One event at a time: the median in microseconds. */
static double
run_live(struct site *site, size_t posts)
{
	static double took[POSTS_MAX];
	size_t count = 0;

	for (; count < posts && !harness_is_interrupted(); count++) {
		const uint64_t begin = now_ns();

		site_post(site);
		if (!site_await(site))
			break;
		took[count] = (double)(now_ns() - begin) / 1e3;
		publisher_await(&site->publisher);
	}
	return count == 0 ? 0 : median_of(took, count);
}

static void
print_live(struct harness *harness, struct site *over, size_t runs, double goal)
{
	double ratios[RUNS_MAX];
	struct result result = { .name = "gateway-live",
				 .unit = "ratio",
				 .values = ratios,
				 .runs = runs,
				 .ns = median_of(reprise.values, runs) * 1e3,
				 .over_ns = median_of(over->values, runs) * 1e3,
				 .goal_is = goal > 0 ? GOAL_AT_MOST : GOAL_NONE,
				 .goal = goal };

	for (size_t i = 0; i < runs; i++)
		ratios[i] = reprise.values[i] / over->values[i];
	snprintf(result.parameters, sizeof(result.parameters),
		 "\"clients\":%d,\"payload\":%d,\"quantile\":0.5", LIVE_CLIENTS, EVENT_BYTES);
	result_add(&result, "over",
		   over == &bare ? "libevent alone" : place_names[over->place.kind]);
	site_account(harness, &reprise, &result);
	result_print(harness, &result);
}

void
measure_gateway_live(struct harness *harness)
{
	const size_t posts = harness->is_quick ? POSTS_QUICK : POSTS_FULL;
	size_t runs = 0;

	if (!open_sites(harness, "gateway-live", LIVE_CLIENTS, true))
		return;
	for (size_t i = 0; i < SITES; i++)
		if (sites[i]->is_there)
			(void)run_live(sites[i], posts);
	begin_sites();
	for (; runs < harness->runs && !harness_is_interrupted(); runs++)
		for (size_t i = 0; i < SITES; i++)
			if (sites[i]->is_there)
				sites[i]->values[runs] = run_live(sites[i], posts);
	if (runs > 0 && bare.is_there)
		print_live(harness, &bare, runs, 1.5);
	if (runs > 0 && nchan.is_there)
		print_live(harness, &nchan, runs, 0);
	close_sites();
}
