/* SPDX-License-Identifier: MIT */

/* Subscriptions of a group that wait for the log, heal, and move into a window (rule S24). */

#include <poll.h>
#include <unistd.h>

#include "log_sqlite/scratch.h"
#include "world.h"

TestSuite(group, .fini = scratch_remove, .timeout = 60);

enum {
	HOSTS = 5,
};

/* The events that a subscription of the group has handed out. */
struct books {
	reprise_position seen;
	uint64_t healed, restarts;
};

struct crowd {
	struct reprise_group *group;
	struct reprise_subscription *subscriptions[HOSTS];
	struct books books[HOSTS];
	int fd;
};

static void
open_crowd(struct crowd *crowd, struct world *world, const struct reprise_cursor *cursor)
{
	*crowd = (struct crowd){ .fd = -1 };
	cr_assert(eq(int, reprise_group_open(world->store, NULL, &crowd->group, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_group_fd(crowd->group, &crowd->fd, NULL), REPRISE_OK));
	for (int i = 0; i < HOSTS; i++) {
		crowd->books[i].seen = cursor->position;
		crowd->subscriptions[i] = world_subscribe(world, cursor);
		cr_assert(eq(int,
			     reprise_group_add(crowd->group, crowd->subscriptions[i],
					       &crowd->books[i], NULL),
			     REPRISE_OK));
	}
}

static void
close_crowd(struct crowd *crowd)
{
	for (int i = 0; i < HOSTS; i++)
		reprise_subscription_close(crowd->subscriptions[i]);
	reprise_group_close(crowd->group);
}

/* One outcome of the subscription that is handed out. */
static void
take_one(struct crowd *crowd)
{
	struct reprise_subscription *subscription = NULL;
	struct reprise_event event;
	struct reprise_gap gap;
	void *context = NULL;

	if (reprise_group_next(crowd->group, &subscription, &context) == REPRISE_E_NOT_FOUND) {
		struct pollfd asked = { .fd = crowd->fd, .events = POLLIN };

		cr_assert(eq(int, poll(&asked, 1, -1), 1));
		return;
	}
	struct books *const books = context;

	cr_assert(eq(ptr, subscription, crowd->subscriptions[books - crowd->books]));
	switch (reprise_next(subscription, &event, &gap, NULL)) {
	case REPRISE_NEXT_EMPTY:
		break;
	case REPRISE_NEXT_EVENT:
		cr_assert(eq(u64, event.position, ++books->seen));
		books->healed += event.source == REPRISE_SOURCE_LOG;
		break;
	case REPRISE_NEXT_GAP:
		cr_assert(eq(int, gap.detail, REPRISE_GAP_RESTART));
		books->restarts++;
		break;
	case REPRISE_NEXT_ENDED:
		cr_fail("nothing has ended");
	}
}

static bool
all_have_seen(const struct crowd *crowd, reprise_position position)
{
	for (int i = 0; i < HOSTS; i++)
		if (crowd->books[i].seen < position)
			return false;
	return true;
}

/* By the group's descriptor alone: a subscription that is never made ready is an alarm. */
static void
take_until(struct crowd *crowd, reprise_position position)
{
	while (!all_have_seen(crowd, position))
		take_one(crowd);
}

Test(group, S24_hosts_of_an_earlier_life_are_handed_out_in_log_and_window)
{
	const char *const path = scratch_path("log");
	struct crowd crowd;

	world_crash(world_record_40, path);
	struct world world = world_open(path, 0, NULL);
	const struct reprise_cursor cursor = world_cursor_in_log(&world, 10);

	open_crowd(&crowd, &world, &cursor);
	take_until(&crowd, 40);
	/* They wait for the next life, in the lobby. */
	world_write(&world);
	for (reprise_position newest = 41; newest <= 60; newest++) {
		world_append_until(&world, newest);
		take_until(&crowd, newest);
	}
	for (int i = 0; i < HOSTS; i++) {
		cr_assert(ge(u64, crowd.books[i].healed, 30));
		cr_assert(eq(u64, crowd.books[i].restarts, 1));
	}
	close_crowd(&crowd);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(group, S24_who_is_overtaken_again_and_again_stays_ready)
{
	struct world world = world_open(scratch_path("log"), 8, NULL);
	struct crowd crowd;

	world_write(&world);
	const struct reprise_cursor cursor = world_cursor(&world, 0);

	open_crowd(&crowd, &world, &cursor);
	for (reprise_position newest = 20; newest <= 200; newest += 20) {
		for (reprise_position next = newest - 19; next <= newest; next++) {
			world_append_until(&world, next);
			world_flush(&world);
		}
		take_until(&crowd, newest);
	}
	for (int i = 0; i < HOSTS; i++)
		cr_assert(gt(u64, crowd.books[i].healed, 0));
	close_crowd(&crowd);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}
