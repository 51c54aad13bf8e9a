/* SPDX-License-Identifier: MIT */
/*
 * gateway: `reprise serve` as an HTTP client sees it, beside nchan and a bare server on libevent's
 * core. Here: a server with its clients and their accounts, and the memory of idle streams.
 */
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>

#include "gateway_rows.h"
#include "rows.h"

enum {
	IDLE_CLIENTS = 5000,
	IDLE_RUNS_FULL = 3,
	WARM_CLIENTS = 64,
	SPARE_DESCRIPTORS = 256,
	JOINS_AT_ONCE = 64, /* before the first of them must have its events */
	POSTS_AT_ONCE = 16, /* on their way on one connection */
};

#define PATIENCE_NS UINT64_C(30000000000)

/* --- a server with its clients ---------------------------------------------------------------- */

bool
site_open(struct harness *harness, struct site *site, const char *name, size_t room)
{
	site->is_there = place_start(harness, &site->place);
	if (!site->is_there) {
		result_skip(harness, name, place_names[site->place.kind], site->place.absence);
		return false;
	}
	place_targets(&site->place, "bench", site->read_target, site->write_target);
	publisher_open(&site->publisher, site->place.port, site->write_target);
	crowd_open(&site->crowd, room);
	site_post(site);
	publisher_await(&site->publisher);
	return true;
}

void
site_close(struct site *site)
{
	if (!site->is_there)
		return;
	site->is_there = false;
	crowd_close(&site->crowd);
	publisher_close(&site->publisher);
	place_stop(&site->place);
}

void
site_post(struct site *site)
{
	publisher_send(&site->publisher, site->posted++);
	site->due += site->crowd.count;
}

void
site_begin(struct site *site)
{
	site->due = 0;
	site->crowd.delivered = site->crowd.lost = site->crowd.doubled = 0;
}

bool
site_await(struct site *site)
{
	return crowd_await(&site->crowd, site->due, PATIENCE_NS);
}

/* The bare server keeps the newest event alone. */
void
site_add(struct site *site)
{
	const uint64_t first =
		site->place.kind == PLACE_LIBEVENT && site->posted > 0 ? site->posted - 1 : 0;

	if (!crowd_join(&site->crowd, site->place.port, site->read_target, first))
		harness_die("a client cannot connect");
	site->due += site->posted - first;
}

void
site_join(struct site *site, size_t count)
{
	while (site->crowd.count < count && !harness_is_interrupted()) {
		site_add(site);
		if ((site->crowd.count % JOINS_AT_ONCE == 0 || site->crowd.count == count) &&
		    !site_await(site) && !harness_is_interrupted())
			harness_die("a client does not get its first event");
	}
}

void
site_account(struct harness *harness, struct site *site, struct result *result)
{
	struct crowd *const crowd = &site->crowd;
	char doubled[32];

	for (size_t i = 0; i < crowd->count; i++) {
		struct client *const client = &crowd->clients[i];

		crowd->lost += site->posted - client->next;
		client->next = site->posted;
	}
	if (crowd->delivered - crowd->doubled + crowd->lost != site->due ||
	    site->publisher.refused != 0) {
		fprintf(stderr, "bench: BROKEN accounting of %s\n", place_names[site->place.kind]);
		harness->is_broken = true;
	}
	result->delivered = crowd->delivered;
	result->lost = crowd->lost;
	snprintf(doubled, sizeof(doubled), "%" PRIu64, crowd->doubled);
	result_add(result, "doubled", doubled);
}

void
site_print(struct harness *harness, struct site *site, const char *name, const char *unit,
	   const char *parameters, size_t runs, enum goal goal_is, double goal)
{
	struct result result = { .name = name,
				 .unit = unit,
				 .values = site->values,
				 .runs = runs,
				 .goal_is = goal_is,
				 .goal = goal };

	if (!site->is_there || runs == 0)
		return;
	result_add(&result, "side", place_names[site->place.kind]);
	snprintf(result.parameters + strlen(result.parameters),
		 sizeof(result.parameters) - strlen(result.parameters), ",%s", parameters);
	site_account(harness, site, &result);
	result_print(harness, &result);
}

/* --- memory ----------------------------------------------------------------------------------- */

/* Of each stream, behind its first events: memory may be touched only then. */
static double
idle_kib(struct site *site)
{
	site_join(site, WARM_CLIENTS);
	site_post(site);
	(void)site_await(site);
	const double before = place_resident(&site->place);

	site_join(site, IDLE_CLIENTS);
	site_post(site);
	(void)site_await(site);
	publisher_await(&site->publisher);
	return (place_resident(&site->place) - before) / (IDLE_CLIENTS - WARM_CLIENTS) / 1024;
}

/* The event @number to each of so many sessions, whose names are numbers. */
static void
post_to_each(struct site *site, size_t sessions, uint64_t number)
{
	char id[32], read_target[TARGET_BYTES];

	for (size_t i = 0; i < sessions && !harness_is_interrupted(); i++) {
		snprintf(id, sizeof(id), "bench-%zu", i);
		place_targets(&site->place, id, read_target, site->publisher.target);
		publisher_send(&site->publisher, number);
		if (i % POSTS_AT_ONCE == 0)
			publisher_await(&site->publisher);
	}
	publisher_await(&site->publisher);
}

/* Each stream has a session of its own, which is there before. */
static double
idle_own_kib(struct site *site)
{
	char id[32], read_target[TARGET_BYTES], write_target[TARGET_BYTES];
	double before = 0;

	post_to_each(site, IDLE_CLIENTS, 0);
	for (size_t i = 0; i < IDLE_CLIENTS && !harness_is_interrupted(); i++) {
		if (i == WARM_CLIENTS)
			before = place_resident(&site->place);
		snprintf(id, sizeof(id), "bench-%zu", i);
		place_targets(&site->place, id, read_target, write_target);
		if (!crowd_join(&site->crowd, site->place.port, read_target, 0))
			harness_die("a client cannot connect");
		site->due++;
		(void)site_await(site);
	}
	post_to_each(site, site->crowd.count, 1);
	site->due += site->crowd.count;
	site->posted = 2;
	(void)site_await(site);
	return (place_resident(&site->place) - before) / (IDLE_CLIENTS - WARM_CLIENTS) / 1024;
}

static void
measure_idle_site(struct harness *harness, enum place_kind kind, bool has_own_session, double goal)
{
	static struct site site;
	const size_t most = harness->is_quick ? 1 : IDLE_RUNS_FULL;
	char parameters[64];

	site = (struct site){ .place.kind = kind };
	snprintf(parameters, sizeof(parameters), "\"streams\":%d,\"sessions\":%d", IDLE_CLIENTS,
		 has_own_session ? IDLE_CLIENTS : 1);
	for (size_t runs = 0; runs < most && !harness_is_interrupted();) {
		site.posted = site.due = 0;
		if (!site_open(harness, &site, "gateway-idle", IDLE_CLIENTS))
			return;
		site.values[runs++] = has_own_session ? idle_own_kib(&site) : idle_kib(&site);
		if (runs == most)
			site_print(harness, &site, "gateway-idle", "KiB", parameters, runs,
				   goal > 0 ? GOAL_AT_MOST : GOAL_NONE, goal);
		site_close(&site);
	}
}

void
measure_gateway_idle(struct harness *harness)
{
	if (!harness_may_have_descriptors(IDLE_CLIENTS + SPARE_DESCRIPTORS)) {
		result_skip(harness, "gateway-idle", "reprise", "too few descriptors are granted");
		return;
	}
	measure_idle_site(harness, PLACE_REPRISE, false, 16);
	measure_idle_site(harness, PLACE_NCHAN, false, 0);
	measure_idle_site(harness, PLACE_LIBEVENT, false, 0);
	measure_idle_site(harness, PLACE_REPRISE, true, 16);
	measure_idle_site(harness, PLACE_NCHAN, true, 0);
}
