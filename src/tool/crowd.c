/* SPDX-License-Identifier: MIT */
#include "tool/crowd.h"

#include <sys/epoll.h>
#include <unistd.h>

#include "tool/pace.h"

enum {
	/*
	 * A few of each at a time, so that neither kind of host waits for all hosts of the other
	 * kind.
	 */
	READY_MAX = 256,
	VISITS_MAX = 1024,
};

bool
crowd_wants_descriptor(enum host_way way)
{
	return way == HOST_DROPS || way == HOST_LATE || way == HOST_EPOLL;
}

static uint64_t
earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t
run_ns(const struct member *member)
{
	return member->host.stage->seconds * 1000000000u;
}

/* The callback: runs on the store's thread. */
static void
be_called(struct reprise_subscription *subscription, void *context)
{
	struct member *const member = context;

	if (!host_take_all(&member->host, subscription))
		atomic_store(&member->is_told, true);
}

static void
take_descriptor(struct crowd *crowd, struct member *member)
{
	struct epoll_event wanted = { .events = EPOLLIN, .data.ptr = member };

	if (reprise_subscription_fd(member->subscription, &member->descriptor, NULL) ==
		    REPRISE_OK &&
	    epoll_ctl(crowd->loop, EPOLL_CTL_ADD, member->descriptor, &wanted) == 0)
		return;
	member->descriptor = -1;
	crowd->refused++;
}

static void
be_gone(struct crowd *crowd, struct member *member)
{
	member->state = MEMBER_GONE;
	member->visit_ns = UINT64_MAX;
	atomic_fetch_sub(&crowd->members_left, 1);
}

static void
come(struct crowd *crowd, struct member *member, uint64_t now)
{
	struct host *const host = &member->host;

	member->subscription = host_connect(host);
	if (member->subscription == NULL) {
		be_gone(crowd, member);
		return;
	}
	member->state = MEMBER_HERE;
	if (crowd_wants_descriptor(host->way) && member->may_have_descriptor)
		take_descriptor(crowd, member);
	if (host->way == HOST_CALLBACK &&
	    reprise_subscription_notify(member->subscription, be_called, member, NULL) !=
		    REPRISE_OK)
		host->is_refused = true;
	if (host->way == HOST_DROPS)
		member->turn_ns = now + host_between(host, run_ns(member) / 50, run_ns(member) / 8);
	if (host->way == HOST_SLOW) /* the hosts pause at different times */
		member->turn_ns = now + host_between(host, 0, host_away_ns(host));
}

static void
disconnect(struct crowd *crowd, struct member *member)
{
	struct host *const host = &member->host;

	if (member->descriptor >= 0 &&
	    epoll_ctl(crowd->loop, EPOLL_CTL_DEL, member->descriptor, NULL) != 0)
		host->is_refused = true;
	member->descriptor = -1;
	/* No callback runs any more: the host belongs to this thread again. */
	if (host->way == HOST_CALLBACK &&
	    reprise_subscription_notify(member->subscription, NULL, NULL, NULL) != REPRISE_OK)
		host->is_refused = true;
	host_disconnect(host, member->subscription);
	member->subscription = NULL;
	member->state = MEMBER_AWAY;
}

static void
leave(struct crowd *crowd, struct member *member)
{
	if (member->state == MEMBER_HERE)
		disconnect(crowd, member);
	be_gone(crowd, member);
}

static void
take(struct crowd *crowd, struct member *member)
{
	if (!host_take_all(&member->host, member->subscription))
		leave(crowd, member);
}

/* Whether the host is due. At the end of the appending every host is due. */
static bool
has_turn(const struct member *member, uint64_t now)
{
	return now >= member->turn_ns || atomic_load(&member->host.stage->over_ns) != 0;
}

/* Visits a host without a connection, and connects the host when due. */
static void
visit_away(struct crowd *crowd, struct member *member, uint64_t now)
{
	struct host *const host = &member->host;

	if (host->way == HOST_LATE ? !host_is_late(host) : !has_turn(member, now))
		return;
	if (host->way == HOST_DROPS)
		atomic_fetch_add(&host->reconnects, 1);
	come(crowd, member, now);
}

static void
visit_here(struct crowd *crowd, struct member *member, uint64_t now)
{
	struct host *const host = &member->host;

	switch (host->way) {
	case HOST_CALLBACK:
		if (atomic_load(&member->is_told))
			leave(crowd, member);
		return;
	case HOST_SLOW:
		if (!has_turn(member, now))
			return;
		member->turn_ns = now + host_away_ns(host);
		take(crowd, member);
		return;
	case HOST_DROPS:
		if (now >= member->turn_ns) {
			disconnect(crowd, member);
			member->turn_ns = now + host_between(host, 0, run_ns(member) / 50);
			return;
		}
		break;
	case HOST_STAYS:
	case HOST_LATE:
	case HOST_EPOLL:
	case HOST_WAYS:
		break;
	}
	/* A host with a descriptor is not polled: polling would hide a missed notification. */
	if (member->descriptor < 0)
		take(crowd, member);
}

/* The time of the next visit. @now means: at the next tick. */
static uint64_t
next_visit(const struct member *member, uint64_t now)
{
	const enum host_way way = member->host.way;

	if (member->state == MEMBER_GONE)
		return UINT64_MAX;
	if (member->state == MEMBER_AWAY)
		return way == HOST_LATE ? now : earlier(member->turn_ns, now + STAGE_LOOK_NS);
	if (way == HOST_SLOW)
		return earlier(member->turn_ns, now + STAGE_LOOK_NS);
	if (way != HOST_CALLBACK && member->descriptor < 0)
		return now;
	return way == HOST_DROPS ? earlier(member->turn_ns, now + STAGE_LOOK_NS)
				 : now + STAGE_LOOK_NS;
}

static void
visit(struct crowd *crowd, struct member *member, uint64_t now)
{
	if (stage_is_hopeless(member->host.stage, now))
		leave(crowd, member);
	else if (member->state == MEMBER_AWAY)
		visit_away(crowd, member, now);
	else
		visit_here(crowd, member, now);
	member->visit_ns = next_visit(member, now);
}

/* Visits the next few hosts that are due. The round ends after the last host. */
static void
visit_some(struct crowd *crowd, uint64_t now)
{
	const size_t left = crowd->members_count - crowd->visited;
	const size_t end = crowd->visited + (left < VISITS_MAX ? left : VISITS_MAX);

	for (; crowd->visited < end; crowd->visited++)
		if (crowd->members[crowd->visited].visit_ns <= now)
			visit(crowd, &crowd->members[crowd->visited], now);
	if (crowd->visited < crowd->members_count)
		return;
	crowd->visited = 0;
	crowd->tick_ns = pace_now() + CROWD_TICK_NS;
}

/* The time to sleep: until the next tick, and 0 within a round. */
static int
sleep_ms(const struct crowd *crowd, uint64_t now)
{
	if (crowd->visited > 0 || crowd->tick_ns <= now)
		return 0;
	return (int)((crowd->tick_ns - now + 999999) / 1000000);
}

static void *
crowd_main(void *argument)
{
	struct crowd *const crowd = argument;
	struct epoll_event ready[READY_MAX];

	while (atomic_load(&crowd->members_left) > 0) {
		const int ready_count =
			epoll_wait(crowd->loop, ready, READY_MAX, sleep_ms(crowd, pace_now()));

		for (int i = 0; i < ready_count; i++)
			take(crowd, ready[i].data.ptr);
		const uint64_t now = pace_now();

		if (now >= crowd->tick_ns)
			visit_some(crowd, now);
	}
	return NULL;
}

bool
crowd_open(struct crowd *crowd, struct member *members, size_t members_count)
{
	crowd->members = members;
	crowd->members_count = members_count;
	atomic_store(&crowd->members_left, members_count);
	for (size_t i = 0; i < members_count; i++)
		members[i].descriptor = -1;
	crowd->loop = epoll_create1(EPOLL_CLOEXEC);
	if (crowd->loop < 0)
		return false;
	for (size_t i = 0; i < members_count; i++) {
		if (members[i].host.way != HOST_LATE)
			come(crowd, &members[i], pace_now());
		members[i].visit_ns = next_visit(&members[i], pace_now());
	}
	return true;
}

bool
crowd_start(struct crowd *crowd)
{
	return pthread_create(&crowd->thread, NULL, crowd_main, crowd) == 0;
}

void
crowd_join(struct crowd *crowd)
{
	pthread_join(crowd->thread, NULL);
}

void
crowd_close(struct crowd *crowd)
{
	for (size_t i = 0; i < crowd->members_count; i++)
		if (crowd->members[i].state == MEMBER_HERE)
			disconnect(crowd, &crowd->members[i]);
	if (crowd->loop >= 0)
		close(crowd->loop);
}
