/* SPDX-License-Identifier: MIT */

/*
 * Cases beyond one call in one situation: the work of the first store only, and failures that show
 * only later.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "matrix.h"
#include "world.h"

enum {
	BUCKETS = 8192, /* from here on liburcu shares the work */
	/* At least so many sleeps in LOOKS_NS; without a look every 10 ms the number is 11. */
	LOOKS = 16,
	SLEEP_NS = 250000000,
};

#define LOOKS_NS UINT64_C(2000000000)
#define STAYS_NS UINT64_C(100000000)
#define SOON_NS  UINT64_C(5000000000)

/*
 * Before any other store is opened. The handlers for forks are registered then, or it
 * is not opened.
 */
void
first_store_run(void)
{
	const struct plan refused = { .call = CALL_ATFORK, .n = 1, .error = ENOMEM };
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_store *store = NULL;

	fault_say("the first store of a process, whose handlers for forks are refused");
	fault_arm(&refused);
	const reprise_status status = reprise_store_open(NULL, &store, &error);

	fault_disarm();
	CHECK(fault_failures() == 1);
	CHECK(status == REPRISE_E_NO_MEMORY && error.status == status && store == NULL);
	for (int i = 0; i < 2; i++) {
		fault_arm(&(struct plan){ .n = 0 });
		CHECK_OK(reprise_store_open(NULL, &store, NULL));
		fault_disarm();
		CHECK(fault_count(CALL_ATFORK) == (i == 0));
		CHECK_OK(reprise_store_close(store));
	}
}

static bool
is_known(struct world *world, const char *id)
{
	struct reprise_session_stats stats = { .size = sizeof(stats) };

	return reprise_session_stats(world->store, id, &stats) == REPRISE_OK;
}

/* A subscription that fails has not held its session: that is still the next to be evicted. */
static void
failed_subscription_holds_nothing(void)
{
	const struct plan no_pages = {
		.call = CALL_MAP, .n = 1, .error = ENOMEM, .is_for_ever = true
	};
	struct world world = { .sessions_max = 2, .bytes_max = UINT64_C(8) << 20 };
	struct reprise_subscription *subscription = NULL;
	struct reprise_cursor cursor;

	fault_say("a subscription that fails, to the session that nobody has held for longest");
	world_build(&world, STAGE_STORE);
	world_idle_session(&world, "first", UINT64_C(64) << 20);
	world_idle_session(&world, "second", 0);
	CHECK_OK(reprise_session_earliest_cursor(world.store, "first", 0, &cursor));
	fault_arm(&no_pages);
	CHECK(reprise_subscribe_after(world.store, &cursor, NULL, &subscription, NULL) ==
	      REPRISE_E_NO_MEMORY);
	fault_disarm();
	world_idle_session(&world, "third", 0);
	CHECK(!is_known(&world, "first") && is_known(&world, "second"));
	world_end(&world);
}

/* A reservation that is refused is asked for again, as small as may be: one refusal is none. */
static void
pages_are_asked_for_again(void)
{
	struct world world = { .bytes_max = 0 };
	struct reprise_writer *writer = NULL;

	fault_say("pages for the first session, refused once");
	for (uint64_t n = 1; n <= 2; n++) {
		const struct plan plan = { .call = CALL_MAP, .n = n, .error = ENOMEM };

		world_build(&world, STAGE_STORE);
		fault_arm(&plan);
		CHECK_OK(reprise_writer_open(world.store, "new", NULL, &writer, NULL));
		fault_disarm();
		CHECK(fault_failures() == 1 && fault_count(CALL_MAP) == 3);
		reprise_writer_close(writer);
		world_works(&world);
		world_end(&world);
	}
}

/* A large table is filled by threads of liburcu's; where they are refused, by ours. */
static void
large_table_grows_without_threads(void)
{
	const struct plan refused = {
		.call = CALL_URCU_THREAD, .n = 1, .error = EAGAIN, .is_for_ever = true
	};
	struct world world = { .bytes_max = 256 };
	struct reprise_store_stats stats = { .size = sizeof(stats) };
	char id[16];

	fault_say("a table that grows to %d, without threads", 2 * BUCKETS);
	world_build(&world, STAGE_STORE);
	for (int i = 0; i <= BUCKETS; i++) {
		snprintf(id, sizeof(id), "%d", i);
		if (i == BUCKETS)
			fault_arm(&refused);
		world_idle_session(&world, id, 0);
	}
	fault_disarm();
	CHECK(fault_failures() > 0 || sysconf(_SC_NPROCESSORS_ONLN) == 1);
	CHECK_OK(reprise_store_stats(world.store, &stats));
	CHECK(stats.sessions == BUCKETS + 1);
	for (int i = 0; i <= BUCKETS; i++) {
		snprintf(id, sizeof(id), "%d", i);
		CHECK(is_known(&world, id));
	}
	world_works(&world);
	world_end(&world);
}

/*
 * Where membarrier is refused after it was granted, appends may miss a hand. So whoever sleeps must
 * look every 10 ms: a wait by itself, the relay for the doors.
 */
static void
looks_take_the_barriers_place(bool has_doors)
{
	struct world world = { .wake = REPRISE_WAKE_RELAY };
	struct reprise_store_stats stats = { .size = sizeof(stats) };
	int fd;

	fault_say("looks where membarrier is refused, doors %d", has_doors);
	world_build(&world, STAGE_SUBSCRIPTION);
	CHECK_OK(reprise_store_stats(world.store, &stats));
	CHECK(world_take(&world) == REPRISE_NEXT_EMPTY);
	fault_everywhere(CALL_MEMBARRIER, EPERM);
	if (has_doors)
		CHECK_OK(reprise_subscription_fd(world.subscription, &fd, NULL));
	const uint64_t before = fault_count_everywhere(CALL_FUTEX_WAIT);

	const uint64_t end = now_ns() + LOOKS_NS;
	uint64_t looks = 0;

	/* A store that was opened without membarrier does not need any. */
	while (stats.asymmetric != 0 && looks < LOOKS && now_ns() < end) {
		if (has_doors)
			nanosleep(&(struct timespec){ .tv_nsec = SLEEP_NS }, NULL);
		else
			CHECK(reprise_wait(world.subscription, SLEEP_NS) == REPRISE_E_TIMEOUT);
		looks = fault_count_everywhere(CALL_FUTEX_WAIT) - before;
	}
	CHECK(stats.asymmetric == 0 || looks >= LOOKS);
	fault_everywhere(CALL_MEMBARRIER, 0);
	world_follow(&world);
	world_end(&world);
}

/*
 * Control blocks go back soon. But not where liburcu would wait for that by a membarrier that is
 * refused by now: it would end the process.
 */
static void
what_is_void_is_reclaimed(bool is_refused, bool stays)
{
	const uint64_t end = now_ns() + (stays ? STAYS_NS : SOON_NS);
	struct world world = { 0 };
	struct reprise_store_stats stats = { .size = sizeof(stats) };

	fault_say("a void window is reclaimed");
	CHECK_OK(reprise_store_open(NULL, &world.store, NULL)); /* whose relay looks soon */
	world_idle_session(&world, "void", 0);
	CHECK_OK(reprise_store_stats(world.store, &stats));
	const uint64_t before = stats.control_bytes;

	if (is_refused)
		fault_everywhere(CALL_MEMBARRIER, EPERM);
	CHECK_OK(reprise_session_invalidate(world.store, "void"));
	do {
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		CHECK_OK(reprise_store_stats(world.store, &stats));
	} while (stats.control_bytes >= before && now_ns() < end);
	CHECK((stats.control_bytes >= before) == stays);
	fault_everywhere(CALL_MEMBARRIER, 0);
	world_end(&world);
}

/*
 * The window goes on with other bounds, for which the subscription has no memory: it tries again,
 * and loses nothing.
 */
static void
rebuilt_without_memory(bool has_descriptor, reprise_wake wake)
{
	const struct plan no_pages = {
		.call = CALL_MAP, .n = 1, .error = ENOMEM, .is_for_ever = true
	};
	const struct reprise_session_options large = { .size = sizeof(large),
						       .bytes_max = UINT64_C(64) << 20 };
	struct world world = { .wake = wake };
	struct reprise_subscription *subscription = NULL;
	struct reprise_cursor cursor;
	struct reprise_event event;
	struct reprise_gap gap;
	int fd = -1;

	fault_say("a window is rebuilt, and there is no memory to follow it");
	world_build(&world, STAGE_STORE);
	CHECK_OK(reprise_session_create(world.store, "s", NULL, NULL));
	CHECK_OK(reprise_session_current_cursor(world.store, "s", 0, &cursor));
	CHECK_OK(reprise_subscribe_after(world.store, &cursor, NULL, &subscription, NULL));
	if (has_descriptor)
		CHECK_OK(reprise_subscription_fd(subscription, &fd, NULL));
	CHECK_OK(reprise_writer_open(world.store, "s", &large, &world.writer, NULL));
	CHECK_OK(reprise_append(world.writer, 0, 0, 0, (struct reprise_bytes){ "x", 1 }, NULL));
	fault_arm(&no_pages);
	for (int i = 0; i < 3; i++) {
		CHECK(reprise_next(subscription, &event, &gap, NULL) == REPRISE_NEXT_EMPTY);
		if (has_descriptor)
			CHECK(world_is_readable(fd, 10000));
		else
			CHECK(reprise_wait(subscription, 15000000) == REPRISE_E_TIMEOUT);
	}
	CHECK(fault_failures() != 0);
	fault_disarm();
	CHECK_OK(reprise_wait(subscription, REPRISE_NO_LIMIT));
	CHECK(reprise_next(subscription, &event, &gap, NULL) == REPRISE_NEXT_EVENT);
	CHECK(event.position == 1);
	CHECK(reprise_next(subscription, &event, &gap, NULL) == REPRISE_NEXT_EMPTY);
	reprise_subscription_close(subscription);
	world_end(&world);
}

void
special_run(bool was_granted, bool is_refused)
{
	for (int i = 0; i < 4; i++)
		rebuilt_without_memory(i % 2 != 0,
				       i < 2 ? REPRISE_WAKE_RELAY : REPRISE_WAKE_DEFERRED);

	large_table_grows_without_threads();
	pages_are_asked_for_again();
	looks_take_the_barriers_place(false);
	looks_take_the_barriers_place(true);
	what_is_void_is_reclaimed(false, was_granted && is_refused);
	what_is_void_is_reclaimed(true, was_granted);
	failed_subscription_holds_nothing();
}
