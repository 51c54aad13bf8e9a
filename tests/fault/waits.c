/* SPDX-License-Identifier: MIT */

/*
 * Sleeps that are disturbed: every futex wait of every thread answers EINTR or EAGAIN at once, but
 * each eighth. A wait must neither end early nor miss what it waits for, and nor must the relay.
 */

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "matrix.h"
#include "world.h"

enum {
	ROUNDS = 40,
	SOON_MS = 2000,
	LATE_RINGS_MAX = 3,
};

#define WAIT_NS UINT64_C(3000000)

static void
sleep_ns(uint64_t ns)
{
	const uint64_t end = now_ns() + ns;

	while (now_ns() < end)
		;
}

static void
waits_its_time(struct world *world)
{
	const uint64_t begin = now_ns();

	CHECK(reprise_wait(world->subscription, WAIT_NS) == REPRISE_E_TIMEOUT);
	CHECK(now_ns() - begin >= WAIT_NS);
}

/* In a thread of its own: after a while, an event or an interrupt. */

static void *
append_late(void *argument)
{
	sleep_ns(500000);
	world_append(argument);
	return NULL;
}

static void *
interrupt_late(void *argument)
{
	struct world *const world = argument;

	sleep_ns(500000);
	CHECK_OK(reprise_subscription_interrupt(world->subscription));
	return NULL;
}

static void
is_woken(struct world *world, void *(*by)(void *argument), reprise_status status)
{
	pthread_t thread;

	CHECK(pthread_create(&thread, NULL, by, world) == 0);
	CHECK(reprise_wait(world->subscription, REPRISE_NO_LIMIT) == status);
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK(world_take(world) == REPRISE_NEXT_EMPTY && world->seen == world->newest);
}

static void *
interrupt_group_late(void *argument)
{
	struct world *const world = argument;

	sleep_ns(500000);
	CHECK_OK(reprise_group_interrupt(world->group));
	return NULL;
}

/* The group has nothing to hand out; a late ring may make the subscription ready for nothing. */
static reprise_status
wait_in_vain(struct world *world, uint64_t timeout_ns)
{
	reprise_status status;
	int late_rings = 0;

	while ((status = reprise_group_wait(world->group, timeout_ns)) == REPRISE_OK) {
		CHECK(++late_rings <= LATE_RINGS_MAX);
		CHECK(world_take(world) == REPRISE_NEXT_EMPTY);
	}
	return status;
}

/* The same three at a group's door. */
static void
disturb_group(struct world *world)
{
	const uint64_t begin = now_ns();
	pthread_t thread;

	CHECK(wait_in_vain(world, WAIT_NS) == REPRISE_E_TIMEOUT);
	CHECK(now_ns() - begin >= WAIT_NS);
	CHECK(pthread_create(&thread, NULL, interrupt_group_late, world) == 0);
	CHECK(wait_in_vain(world, REPRISE_NO_LIMIT) == REPRISE_E_INTERRUPTED);
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK(pthread_create(&thread, NULL, append_late, world) == 0);
	CHECK_OK(reprise_group_wait(world->group, REPRISE_NO_LIMIT));
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK(world_take(world) == REPRISE_NEXT_EMPTY && world->seen == world->newest);
}

/* With a hand of its own in the list, a wait goes by the relay. */
static void
disturb(struct world *world, int fd)
{
	for (int i = 0; i < ROUNDS; i++) {
		waits_its_time(world);
		is_woken(world, append_late, REPRISE_OK);
		is_woken(world, interrupt_late, REPRISE_E_INTERRUPTED);
		if (fd >= 0) {
			const uint64_t called = __atomic_load_n(&world->called, __ATOMIC_ACQUIRE);

			world_take_until_unreadable(world, fd);
			world_append(world);
			CHECK(world_is_readable(fd, SOON_MS));
			world_await_calls(world, called + 1);
			CHECK(world_take(world) == REPRISE_NEXT_EMPTY);
			world_take_until_unreadable(world, fd);
			disturb_group(world);
		}
	}
}

static void
run(reprise_wake wake, bool has_doors, enum call call, int error)
{
	const struct process before = process_now();
	struct world world = { .wake = wake };
	int fd = -1;

	fault_say("sleeps that are disturbed; wake %d, doors %d, %s fails with %s", (int)wake,
		  has_doors, kinds[call].name, strerrorname_np(error));
	world_build(&world, STAGE_SUBSCRIPTION);
	CHECK(world_take(&world) == REPRISE_NEXT_EMPTY);
	if (has_doors) {
		CHECK_OK(reprise_subscription_fd(world.subscription, &fd, NULL));
		CHECK_OK(reprise_subscription_notify(world.subscription, world_callback, &world,
						     NULL));
		CHECK_OK(reprise_group_open(world.store, NULL, &world.group, NULL));
		CHECK_OK(reprise_group_add(world.group, world.subscription, NULL, NULL));
	}
	fault_everywhere(call, error);
	disturb(&world, fd);
	CHECK(fault_everywhere_failures(call) >= ROUNDS);
	fault_everywhere(call, 0);
	world_follow(&world);
	world_end(&world);
	process_is_as(&before);
}

void
waits_run(void)
{
	static const int errors[] = { EINTR, EAGAIN };

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		for (int has_doors = 0; has_doors < 2; has_doors++) {
			run(REPRISE_WAKE_RELAY, has_doors, CALL_FUTEX_WAIT, errors[i]);
			run(REPRISE_WAKE_DEFERRED, has_doors, CALL_FUTEX_WAIT, errors[i]);
		}
	/* Refused while everybody sleeps: naps and looks take its place. */
	run(REPRISE_WAKE_RELAY, false, CALL_MEMBARRIER, EPERM);
	run(REPRISE_WAKE_RELAY, true, CALL_MEMBARRIER, EPERM);
	printf("waits: none ended early, none was lost\n");
}
