/* SPDX-License-Identifier: MIT */
/*
 * Hosts that wait at the end of sessions of another runtime: what they cost, and when they
 * see an event.
 */
#include "waiting.h"

#include "server.h"

SUITE(watch);

enum {
	HOSTS = 1000,
};

/* One per cent of a core for 250 ms. A sanitizer makes the same work several times dearer. */
#ifdef __SANITIZE_ADDRESS__
#define IDLE_NS_MAX UINT64_C(12500000)
#else
#define IDLE_NS_MAX UINT64_C(2500000)
#endif

/* Also the server: its session for them does no more than answer one question each 15 ms. */
Test(watch, Q06_1000_hosts_of_20_sessions_cost_one_per_cent_and_see_an_event_within_20_ms)
{
	const struct reprise_log_postgres_options options = options_of(NULL, "waiting");
	struct reprise_log *const to_write = opened(&options);
	const struct reprise_log_postgres_options again = options_of(NULL, "waiting");
	struct reprise_log *const to_read = opened(&again);

	waiting_expect(to_write, to_read, HOSTS, IDLE_NS_MAX);
}
