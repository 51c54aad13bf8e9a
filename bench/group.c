/* SPDX-License-Identifier: MIT */

/*
 * group: the cost of an event for a host that follows 1 to 100,000 subscriptions, by one descriptor
 * of a group, over a descriptor and an epoll entry for each subscription. One thread appends an
 * event to each session, then takes all that its subscriptions get, until each has said that there
 * is nothing more; the store's thread rings.
 */

#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <reprise/reprise.h>

#include "result.h"
#include "rows.h"

enum {
	PAYLOAD_BYTES = 64,
	SESSIONS_MAX = 1000,
	FOUND_MAX = 256, /* descriptors that one epoll_wait answers */
	STAGING_BYTES = 512,
	SPARE_DESCRIPTORS = 64,
};

/* A session's subscriptions, and the doors to them. */
struct crowd {
	struct reprise_store *store;
	struct reprise_writer *writers[SESSIONS_MAX];
	size_t sessions_count;
	struct reprise_subscription **subscriptions;
	size_t count;
	struct reprise_group *group; /* or NULL: an epoll entry each */
	int descriptor;              /* the group's, or epoll's */
	uint64_t taken;
};

static unsigned char payload[PAYLOAD_BYTES];

static void
must(reprise_status status, const char *what)
{
	if (status != REPRISE_OK)
		harness_die(what);
}

/* All that @subscription has, until EMPTY. */
static void
take_all(struct crowd *crowd, struct reprise_subscription *subscription)
{
	reprise_outcome outcome;
	struct reprise_event event;
	struct reprise_gap gap;

	while ((outcome = reprise_next(subscription, &event, &gap, NULL)) == REPRISE_NEXT_EVENT)
		crowd->taken++;
	if (outcome != REPRISE_NEXT_EMPTY)
		harness_die("an event was lost");
}

static void
take_by_group(struct crowd *crowd)
{
	struct pollfd asked = { .fd = crowd->descriptor, .events = POLLIN };
	struct reprise_subscription *subscription;

	(void)poll(&asked, 1, -1);
	while (reprise_group_next(crowd->group, &subscription, NULL) == REPRISE_OK)
		take_all(crowd, subscription);
}

static void
take_by_epoll(struct crowd *crowd)
{
	struct epoll_event found[FOUND_MAX];
	const int count = epoll_wait(crowd->descriptor, found, FOUND_MAX, -1);

	for (int i = 0; i < count; i++)
		take_all(crowd, found[i].data.ptr);
}

static void
open_doors(struct crowd *crowd, bool is_grouped)
{
	if (is_grouped) {
		must(reprise_group_open(crowd->store, NULL, &crowd->group, NULL), "group failed");
		must(reprise_group_fd(crowd->group, &crowd->descriptor, NULL), "fd failed");
	} else {
		crowd->descriptor = epoll_create1(EPOLL_CLOEXEC);
	}
	for (size_t i = 0; i < crowd->count; i++) {
		struct reprise_subscription *const subscription = crowd->subscriptions[i];
		struct epoll_event entry = { .events = EPOLLIN, .data.ptr = subscription };
		int own = -1;

		if (is_grouped) {
			must(reprise_group_add(crowd->group, subscription, NULL, NULL),
			     "add failed");
			continue;
		}
		must(reprise_subscription_fd(subscription, &own, NULL), "fd failed");
		if (epoll_ctl(crowd->descriptor, EPOLL_CTL_ADD, own, &entry) != 0)
			harness_die("epoll_ctl failed");
	}
}

static void
open_crowd(struct crowd *crowd, size_t count, bool is_grouped)
{
	struct reprise_session_options bounds = REPRISE_SESSION_OPTIONS_INIT;
	struct reprise_subscription_options options = REPRISE_SUBSCRIPTION_OPTIONS_INIT;
	struct reprise_cursor cursor;
	char id[32];

	*crowd = (struct crowd){ .count = count };
	crowd->sessions_count = count < SESSIONS_MAX ? count : SESSIONS_MAX;
	crowd->subscriptions = harness_allocate(count, sizeof(struct reprise_subscription *));
	bounds.events_max = 64;
	bounds.bytes_max = 8192;
	options.staging_bytes = STAGING_BYTES;
	must(reprise_store_open(NULL, &crowd->store, NULL), "open failed");
	for (size_t i = 0; i < count; i++) {
		const size_t of = i % crowd->sessions_count;

		snprintf(id, sizeof(id), "bench-%zu", of);
		if (i < crowd->sessions_count)
			must(reprise_writer_open(crowd->store, id, &bounds, &crowd->writers[i],
						 NULL),
			     "open failed");
		must(reprise_session_current_cursor(crowd->store, id, 0, &cursor), "cursor failed");
		must(reprise_subscribe_after(crowd->store, &cursor, &options,
					     &crowd->subscriptions[i], NULL),
		     "subscribe failed");
	}
	open_doors(crowd, is_grouped);
}

static void
close_crowd(struct crowd *crowd)
{
	if (crowd->group == NULL)
		close(crowd->descriptor);
	reprise_group_close(crowd->group);
	for (size_t i = 0; i < crowd->count; i++)
		reprise_subscription_close(crowd->subscriptions[i]);
	for (size_t i = 0; i < crowd->sessions_count; i++)
		reprise_writer_close(crowd->writers[i]);
	free(crowd->subscriptions);
	must(reprise_store_close(crowd->store), "close failed");
}

/* An event for every subscription, and all of them taken. */
static void
do_round(struct crowd *crowd)
{
	const uint64_t wanted = crowd->taken + crowd->count;
	const struct reprise_bytes bytes = { payload, sizeof(payload) };

	for (size_t i = 0; i < crowd->sessions_count; i++)
		must(reprise_append(crowd->writers[i], 0, 1, 0, bytes, NULL), "append failed");
	while (crowd->taken < wanted)
		if (crowd->group != NULL)
			take_by_group(crowd);
		else
			take_by_epoll(crowd);
}

/* Nanoseconds for each event that was taken. */
static double
measure(struct harness *harness, size_t count, bool is_grouped, uint64_t *taken)
{
	struct crowd crowd;
	uint64_t rounds = 0, end;

	open_crowd(&crowd, count, is_grouped);
	do_round(&crowd);
	const uint64_t begin = now_ns();

	do {
		do_round(&crowd);
		rounds++;
		end = now_ns();
	} while (end - begin < (uint64_t)harness->run_ns);
	*taken += rounds * count;
	harness->is_broken |= crowd.taken != (rounds + 1) * count;
	close_crowd(&crowd);
	return (double)(end - begin) / (double)(rounds * count);
}

static void
measure_count(struct harness *harness, size_t count)
{
	const bool has_peer = harness_may_have_descriptors(count + SPARE_DESCRIPTORS);
	double ours[RUNS_MAX], over[RUNS_MAX], ratios[RUNS_MAX];
	uint64_t taken = 0, taken_over = 0;
	size_t runs = 0;

	harness_progress("group: %zu subscriptions", count);
	for (; runs < harness->runs && !harness_is_interrupted(); runs++) {
		over[runs] = has_peer ? measure(harness, count, false, &taken_over) : 0;
		ours[runs] = measure(harness, count, true, &taken);
		ratios[runs] = has_peer ? ours[runs] / over[runs] : 0;
	}
	if (runs == 0)
		return;
	struct result result = { .name = "group",
				 .unit = has_peer ? "ratio" : "ns",
				 .values = has_peer ? ratios : ours,
				 .runs = runs,
				 .ns = median_of(ours, runs),
				 .over_ns = has_peer ? median_of(over, runs) : 0,
				 .delivered = taken,
				 .goal_is = has_peer ? GOAL_AT_MOST : GOAL_NONE,
				 .goal = count == 1 ? 1.1 : 1 };

	snprintf(result.parameters, sizeof(result.parameters),
		 "\"side\":\"reprise\",\"payload\":%d,\"subscriptions\":%zu,\"over\":\"%s\"",
		 PAYLOAD_BYTES, count, has_peer ? "an epoll entry each" : "nothing");
	result_print(harness, &result);
}

void
measure_group(struct harness *harness)
{
	static const size_t counts[] = { 1, 1000, 10000, 100000 };

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		measure_count(harness, counts[i]);
}
