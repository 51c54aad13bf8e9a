/* SPDX-License-Identifier: MIT */

/* Groups: one door for many subscriptions (rules S20 to S24). */

#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cancelled.h"
#include "store/subscription.h"

SUITE(group);

static struct reprise_group *
group_of(struct reprise_store *store)
{
	struct reprise_group *group = NULL;

	cr_assert(eq(int, reprise_group_open(store, NULL, &group, NULL), REPRISE_OK));
	return group;
}

static void
add(struct reprise_group *group, struct reprise_subscription *subscription, void *context)
{
	cr_assert(eq(int, reprise_group_add(group, subscription, context, NULL), REPRISE_OK));
}

static int
fd_of_group(struct reprise_group *group)
{
	int fd = -1;

	cr_assert(eq(int, reprise_group_fd(group, &fd, NULL), REPRISE_OK));
	return fd;
}

static bool
is_readable_within(int fd, int timeout_ms)
{
	struct pollfd asked = { .fd = fd, .events = POLLIN };

	return poll(&asked, 1, timeout_ms) == 1 && (asked.revents & POLLIN);
}

static struct reprise_group_stats
stats_of_group(struct reprise_group *group)
{
	struct reprise_group_stats stats = REPRISE_GROUP_STATS_INIT;

	cr_assert(eq(int, reprise_group_stats(group, &stats), REPRISE_OK));
	return stats;
}

/* @subscription is handed out next, at once. */
static void
expect_turn(struct reprise_group *group, const struct reprise_subscription *subscription)
{
	struct reprise_subscription *found = NULL;

	cr_assert(eq(int, reprise_group_next(group, &found, NULL), REPRISE_OK));
	cr_assert(eq(ptr, found, (void *)subscription));
}

/* The same, when it has been rung. */
static void
expect_ready(struct reprise_group *group, const struct reprise_subscription *subscription)
{
	cr_assert(eq(int, reprise_group_wait(group, REPRISE_NO_LIMIT), REPRISE_OK));
	expect_turn(group, subscription);
}

/* None is ready, and the descriptor, if there is one, says so. */
static void
expect_none(struct reprise_group *group, int fd)
{
	struct reprise_subscription *found = NULL;

	cr_assert(eq(int, reprise_group_next(group, &found, NULL), REPRISE_E_NOT_FOUND));
	cr_assert(eq(ptr, found, NULL));
	cr_assert(eq(int, reprise_group_wait(group, 0), REPRISE_E_TIMEOUT));
	cr_assert(fd < 0 || !is_readable_within(fd, 0));
	cr_assert(eq(u64, stats_of_group(group).ready, 0));
}

static struct reprise_writer *
writer_named(struct reprise_store *store, const char *id)
{
	struct reprise_writer *writer = NULL;

	cr_assert(eq(int, reprise_writer_open(store, id, NULL, &writer, NULL), REPRISE_OK));
	return writer;
}

static struct reprise_subscription *
subscribed_to(struct reprise_store *store, const char *id,
	      const struct reprise_subscription_options *options)
{
	struct reprise_subscription *subscription = NULL;
	struct reprise_cursor cursor;

	cr_assert(eq(int, reprise_session_earliest_cursor(store, id, 0, &cursor), REPRISE_OK));
	cr_assert(eq(int, reprise_subscribe_after(store, &cursor, options, &subscription, NULL),
		     REPRISE_OK));
	return subscription;
}

static struct reprise_store *
store_that_wakes(reprise_wake wake)
{
	struct reprise_store_options options = REPRISE_STORE_OPTIONS_INIT;
	struct reprise_store *store = NULL;

	options.wake = wake;
	cr_assert(eq(int, reprise_store_open(&options, &store, NULL), REPRISE_OK));
	return store;
}

static const reprise_wake wakes[] = { REPRISE_WAKE_RELAY, REPRISE_WAKE_DEFERRED };

Test(group, S20_a_subscription_is_ready_until_next_has_answered_EMPTY)
{
	for (size_t i = 0; i < 2; i++) {
		struct reprise_store *store = store_that_wakes(wakes[i]);
		struct reprise_writer *writer = writer_of(store);
		struct reprise_subscription *subscription = subscribed_after(store, 0), *found;
		struct reprise_group *group = group_of(store);
		const int fd = fd_of_group(group);
		void *context = NULL;

		add(group, subscription, &store);
		expect_none(group, fd);
		append_text(writer, "1");
		cr_assert(is_readable_within(fd, -1));
		cr_assert(eq(int, reprise_group_next(group, &found, &context), REPRISE_OK));
		cr_assert(eq(ptr, found, subscription));
		cr_assert(eq(ptr, context, (void *)&store));
		append_text(writer, "2");
		expect_event(subscription, 1);
		cr_assert(is_readable_within(fd, 0), "level-triggered: there is more");
		expect_turn(group, subscription);
		expect_event(subscription, 2);
		cr_assert(is_readable_within(fd, 0), "EMPTY was not answered yet");
		expect_turn(group, subscription);
		expect_empty(subscription);
		expect_none(group, fd);
		append_text(writer, "3");
		cr_assert(is_readable_within(fd, -1));
		expect_turn(group, subscription);
		expect_events(subscription, 3, 3);
		expect_empty(subscription);
		expect_none(group, fd);
		reprise_subscription_close(subscription);
		reprise_group_close(group);
		reprise_writer_close(writer);
		close_store(store);
	}
}

Test(group, S20_it_is_ready_from_the_start_if_there_is_something)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *some, *none = subscribed_after(store, 0), *nowhere, *replay;
	struct reprise_group *group = group_of(store);
	struct reprise_cursor cursor = cursor_at(store, 0);

	add(group, none, NULL);
	expect_none(group, -1);
	reprise_subscription_close(none);
	append_text(writer, "x");
	some = subscribed_after(store, 0);
	add(group, some, NULL);
	expect_ready(group, some);
	reprise_subscription_close(some);
	cursor = cursor_at(store, 1);
	cr_assert(eq(int, reprise_replay_after(store, &cursor, NULL, &replay, NULL), REPRISE_OK));
	add(group, replay, NULL);
	expect_turn(group, replay);
	expect_ended(replay, REPRISE_END_REPLAY, 0);
	expect_none(group, -1);
	strcpy(cursor.session_id, "unknown");
	nowhere = resubscribed(store, &cursor);
	add(group, nowhere, NULL);
	expect_turn(group, nowhere);
	expect_unavailable(nowhere, REPRISE_GAP_UNKNOWN_SESSION);
	expect_none(group, -1);
	reprise_subscription_close(nowhere);
	reprise_subscription_close(replay);
	reprise_group_close(group);
	reprise_writer_close(writer);
	close_store(store);
}

Test(group, S20_it_is_ready_until_ENDED_and_then_no_more)
{
	for (size_t i = 0; i < 2; i++) {
		struct reprise_store *store = store_that_wakes(wakes[i]);
		struct reprise_writer *writer = writer_of(store);
		struct reprise_subscription *ends = subscribed_after(store, 0), *void_one;
		struct reprise_writer *other = writer_named(store, "o");
		struct reprise_group *group = group_of(store);
		const int fd = fd_of_group(group);

		void_one = subscribed_to(store, "o", NULL);
		add(group, ends, NULL);
		add(group, void_one, NULL);
		expect_none(group, fd);
		append_text(writer, "x");
		cr_assert(eq(int, reprise_writer_end(writer, 7), REPRISE_OK));
		expect_ready(group, ends);
		expect_events(ends, 1, 1);
		expect_turn(group, ends);
		expect_ended(ends, REPRISE_END_SESSION, 7);
		expect_none(group, fd);
		expect_ended(ends, REPRISE_END_SESSION, 7);
		expect_none(group, fd);
		cr_assert(eq(int, reprise_session_invalidate(store, "o"), REPRISE_OK));
		cr_assert(is_readable_within(fd, -1));
		expect_turn(group, void_one);
		struct reprise_event event;
		struct reprise_gap gap;

		cr_assert(eq(int, reprise_next(void_one, &event, &gap, NULL), REPRISE_NEXT_GAP));
		cr_assert(is_readable_within(fd, 0), "the end is to be told");
		expect_turn(group, void_one);
		expect_ended(void_one, REPRISE_END_INVALIDATED, 0);
		expect_none(group, fd);
		/* A group that it is added to anew is told of the end again. */
		cr_assert(eq(int, reprise_group_remove(group, ends), REPRISE_OK));
		add(group, ends, NULL);
		expect_turn(group, ends);
		expect_ended(ends, REPRISE_END_SESSION, 7);
		expect_none(group, fd);
		reprise_subscription_close(ends);
		reprise_subscription_close(void_one);
		reprise_group_close(group);
		reprise_writer_close(writer);
		reprise_writer_close(other);
		close_store(store);
	}
}

/*
 * A hand that is up when the end is told leaves nothing behind that makes the
 * subscription ready again.
 */
Test(group, S20_an_end_that_was_told_unasked_makes_nothing_ready)
{
	struct reprise_store *store = store_that_wakes(REPRISE_WAKE_DEFERRED);
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	struct reprise_group *group = group_of(store);

	add(group, subscription, NULL);
	cr_assert(eq(int, reprise_writer_end(writer, 0), REPRISE_OK));
	expect_ended(subscription, REPRISE_END_SESSION, 0);
	cr_assert(eq(int, reprise_group_wait(group, 20000000), REPRISE_E_TIMEOUT));
	expect_none(group, -1);
	reprise_subscription_close(subscription);
	reprise_group_close(group);
	reprise_writer_close(writer);
	close_store(store);
}

enum {
	FEW = 5
};

Test(group, S21_the_ready_ones_take_turns)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writers[FEW];
	struct reprise_subscription *subscriptions[FEW];
	struct reprise_group *group = group_of(store);
	char id[2] = "a";

	for (int i = 0; i < FEW; i++, id[0]++) {
		writers[i] = writer_named(store, id);
		subscriptions[i] = subscribed_to(store, id, NULL);
		append_until(writers[i], 3);
		add(group, subscriptions[i], NULL);
	}
	/* The first one is busy: whenever it is handed out, its writer is ahead of it again. */
	for (reprise_position round = 1; round <= 3; round++)
		for (int i = 0; i < FEW; i++) {
			expect_turn(group, subscriptions[i]);
			expect_event(subscriptions[i], round);
			append_text(writers[0], "x");
		}
	for (int i = 0; i < FEW; i++) {
		expect_turn(group, subscriptions[i]);
		if (i != 0)
			expect_empty(subscriptions[i]);
	}
	for (int i = 0; i < FEW; i++)
		expect_turn(group, subscriptions[0]);
	/* A subscription that becomes ready comes at the end, behind those that are ready. */
	append_text(writers[3], "x");
	while (stats_of_group(group).ready != 2)
		usleep(100);
	expect_turn(group, subscriptions[0]);
	expect_turn(group, subscriptions[3]);
	cr_assert(eq(u64, stats_of_group(group).turns, 4 * FEW + FEW + 2));
	reprise_group_close(group);
	for (int i = 0; i < FEW; i++) {
		reprise_subscription_close(subscriptions[i]);
		reprise_writer_close(writers[i]);
	}
	close_store(store);
}

/*
 * Of many that become ready and are emptied in turn, one after the other, the first alone costs
 * a system call.
 */
Test(group, S22_the_descriptor_is_touched_when_the_first_becomes_ready_and_when_the_last_is_no_more)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscriptions[FEW];
	struct reprise_group *group = group_of(store);
	const int fd = fd_of_group(group);
	uint64_t number = 0;

	for (int i = 0; i < FEW; i++) {
		subscriptions[i] = subscribed_after(store, 0);
		add(group, subscriptions[i], NULL);
	}
	for (reprise_position newest = 1; newest <= 20; newest++) {
		append_text(writer, "x");
		while (stats_of_group(group).ready != FEW)
			usleep(100);
		cr_assert(eq(u64, stats_of_group(group).wakes, newest));
		/* One write for all of them. The host that reads it harms nothing. */
		cr_assert(eq(int, (int)read(fd, &number, sizeof(number)), (int)sizeof(number)));
		cr_assert(eq(u64, number, 1));
		for (int i = 0; i < FEW; i++) {
			expect_turn(group, subscriptions[i]);
			expect_events(subscriptions[i], newest, newest);
			expect_empty(subscriptions[i]);
		}
		expect_none(group, fd);
	}
	reprise_group_close(group);
	for (int i = 0; i < FEW; i++)
		reprise_subscription_close(subscriptions[i]);
	reprise_writer_close(writer);
	close_store(store);
}

Test(group, S22_the_descriptor_does_not_block_and_is_not_inherited)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	struct reprise_group *group = group_of(store);

	append_text(writer, "x");
	add(group, subscription, NULL);
	const int fd = fd_of_group(group);

	cr_assert(is_readable_within(fd, 0), "it comes late, and one is ready");
	cr_assert(eq(int, fd_of_group(group), fd), "there is but one");
	cr_assert(ne(int, fcntl(fd, F_GETFL) & O_NONBLOCK, 0));
	cr_assert(ne(int, fcntl(fd, F_GETFD) & FD_CLOEXEC, 0));
	reprise_group_close(group);
	cr_assert(eq(int, fcntl(fd, F_GETFD), -1), "closed with the group");
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

static void *
interrupt_it(void *group)
{
	struct reprise_group_stats stats = REPRISE_GROUP_STATS_INIT;

	do
		if (reprise_group_stats(group, &stats) != REPRISE_OK)
			return group;
	while (stats.sleeps == 0);
	return reprise_group_interrupt(group) == REPRISE_OK ? NULL : group;
}

Test(group, S22_a_wait_ends_when_one_is_ready_interrupted_or_late)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	struct reprise_group_options options = REPRISE_GROUP_OPTIONS_INIT;
	struct reprise_group *group;
	pthread_t thread;
	void *failed = NULL;

	options.spin_ns = 1;
	cr_assert(eq(int, reprise_group_open(store, &options, &group, NULL), REPRISE_OK));
	add(group, subscription, NULL);
	cr_assert(eq(int, reprise_group_wait(group, 0), REPRISE_E_TIMEOUT));
	cr_assert(eq(u64, stats_of_group(group).sleeps, 0));
	cr_assert(eq(int, reprise_group_wait(group, 1000000), REPRISE_E_TIMEOUT));
	cr_assert(eq(u64, stats_of_group(group).sleeps, 1));
	/* An interrupt before the wait, which is spent on it; also if one is ready. */
	cr_assert(eq(int, reprise_group_interrupt(group), REPRISE_OK));
	cr_assert(eq(int, reprise_group_wait(group, REPRISE_NO_LIMIT), REPRISE_E_INTERRUPTED));
	cr_assert(eq(int, reprise_group_wait(group, 1000000), REPRISE_E_TIMEOUT));
	append_text(writer, "x");
	cr_assert(eq(int, reprise_group_wait(group, REPRISE_NO_LIMIT), REPRISE_OK));
	cr_assert(eq(int, reprise_group_interrupt(group), REPRISE_OK));
	cr_assert(eq(int, reprise_group_wait(group, 0), REPRISE_E_INTERRUPTED));
	cr_assert(eq(int, reprise_group_wait(group, 0), REPRISE_OK));
	expect_events(subscription, 1, 1);
	expect_empty(subscription);
	/* And one that comes while it sleeps. */
	reprise_group_close(group);
	cr_assert(eq(int, reprise_group_open(store, &options, &group, NULL), REPRISE_OK));
	add(group, subscription, NULL);
	cr_assert(eq(int, pthread_create(&thread, NULL, interrupt_it, group), 0));
	cr_assert(eq(int, reprise_group_wait(group, REPRISE_NO_LIMIT), REPRISE_E_INTERRUPTED));
	cr_assert(eq(int, pthread_join(thread, &failed), 0));
	cr_assert(eq(ptr, failed, NULL));
	reprise_group_close(group);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(group, S22_a_wait_may_look_without_ever_sleeping)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	struct reprise_group_options options = REPRISE_GROUP_OPTIONS_INIT;
	struct reprise_group *group;

	options.spin_ns = REPRISE_NO_LIMIT;
	cr_assert(eq(int, reprise_group_open(store, &options, &group, NULL), REPRISE_OK));
	add(group, subscription, NULL);
	cr_assert(eq(int, reprise_group_wait(group, 1000000), REPRISE_E_TIMEOUT));
	for (reprise_position newest = 1; newest <= 100; newest++) {
		append_text(writer, "x");
		expect_ready(group, subscription);
		expect_events(subscription, newest, newest);
		expect_empty(subscription);
	}
	cr_assert(eq(u64, stats_of_group(group).sleeps, 0));
	reprise_group_close(group);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

enum {
#if defined(__SANITIZE_ADDRESS__)
	CROWD = 10000,
#else
	CROWD = 100000,
#endif
	CROWD_SESSIONS = 1000,
	DESCRIPTORS = 64,
	MAPPINGS_MAX = 1000,
};

static int
mappings(void)
{
	FILE *const maps = fopen("/proc/self/maps", "r");
	int lines = 0;

	cr_assert(maps != NULL);
	for (int c; (c = getc(maps)) != EOF;)
		lines += c == '\n';
	fclose(maps);
	return lines;
}

struct crowd {
	struct reprise_store *store;
	struct reprise_group *group;
	struct reprise_writer *writers[CROWD_SESSIONS];
	struct reprise_subscription *subscriptions[CROWD];
};

/*
 * Each of them gets the events @first to @last, and is handed out until it has said that
 * there is nothing.
 */
static void
take_for_all(struct crowd *crowd, reprise_position first, reprise_position last)
{
	static reprise_position seen[CROWD];
	size_t left = CROWD;

	for (size_t i = 0; i < CROWD; i++)
		seen[i] = first - 1;
	while (left > 0) {
		struct reprise_subscription *found;
		struct reprise_event event;
		struct reprise_gap gap;
		void *context;

		cr_assert(is_readable_within(fd_of_group(crowd->group), -1));
		while (reprise_group_next(crowd->group, &found, &context) == REPRISE_OK) {
			const size_t i = (size_t)((struct reprise_subscription **)context -
						  crowd->subscriptions);
			const reprise_outcome outcome = reprise_next(found, &event, &gap, NULL);

			cr_assert(eq(ptr, found, crowd->subscriptions[i]));
			if (outcome == REPRISE_NEXT_EMPTY)
				continue;
			cr_assert(eq(int, outcome, REPRISE_NEXT_EVENT));
			cr_assert(eq(u64, event.position, ++seen[i]));
			left -= seen[i] == last;
		}
	}
	expect_none(crowd->group, fd_of_group(crowd->group));
}

Test(group, S22_one_descriptor_serves_100000_subscriptions, .timeout = 240)
{
	const struct rlimit few = { DESCRIPTORS, DESCRIPTORS };
	struct reprise_subscription_options options = REPRISE_SUBSCRIPTION_OPTIONS_INIT;
	struct crowd *const crowd = calloc(1, sizeof(*crowd));
	char id[16];

	cr_assert(crowd != NULL);
	cr_assert(eq(int, setrlimit(RLIMIT_NOFILE, &few), 0));
	crowd->store = store_with(16, 4096, REPRISE_NO_LIMIT);
	crowd->group = group_of(crowd->store);
	options.staging_bytes = 64;
	for (size_t i = 0; i < CROWD_SESSIONS; i++) {
		(void)snprintf(id, sizeof(id), "s%zu", i);
		crowd->writers[i] = writer_named(crowd->store, id);
	}
	for (size_t i = 0; i < CROWD; i++) {
		(void)snprintf(id, sizeof(id), "s%zu", i % CROWD_SESSIONS);
		crowd->subscriptions[i] = subscribed_to(crowd->store, id, &options);
		add(crowd->group, crowd->subscriptions[i], &crowd->subscriptions[i]);
	}
	cr_assert(eq(u64, stats_of_group(crowd->group).subscriptions, CROWD));
	for (reprise_position last = 2; last <= 4; last += 2) {
		for (size_t i = 0; i < CROWD_SESSIONS; i++)
			append_until(crowd->writers[i], last);
		take_for_all(crowd, last - 1, last);
	}
	cr_assert(lt(int, mappings(), MAPPINGS_MAX));
	for (size_t i = 0; i < CROWD; i += 2)
		reprise_subscription_close(crowd->subscriptions[i]);
	cr_assert(eq(u64, stats_of_group(crowd->group).subscriptions, CROWD / 2));
	reprise_group_close(crowd->group);
	for (size_t i = 1; i < CROWD; i += 2)
		reprise_subscription_close(crowd->subscriptions[i]);
	for (size_t i = 0; i < CROWD_SESSIONS; i++)
		reprise_writer_close(crowd->writers[i]);
	close_store(crowd->store);
	free(crowd);
}

Test(group, S23_a_subscription_is_in_one_group)
{
	struct reprise_store *store = store_plain(), *elsewhere = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	struct reprise_group *group = group_of(store), *other = group_of(store);
	struct reprise_group *stranger = group_of(elsewhere);
	struct reprise_error error = { .size = sizeof(error) };

	append_text(writer, "x");
	add(group, subscription, NULL);
	cr_assert(eq(int, reprise_group_add(other, subscription, NULL, &error), REPRISE_E_BUSY));
	cr_assert(eq(str, error.what, "subscription"));
	cr_assert(eq(int, reprise_group_add(group, subscription, NULL, &error), REPRISE_E_BUSY));
	cr_assert(eq(int, reprise_group_remove(other, subscription), REPRISE_E_NOT_FOUND));
	expect_none(other, -1);
	cr_assert(eq(u64, stats_of_group(other).subscriptions, 0));
	expect_turn(group, subscription);
	cr_assert(eq(int, reprise_group_remove(group, subscription), REPRISE_OK));
	expect_none(group, -1);
	cr_assert(eq(int, reprise_group_remove(group, subscription), REPRISE_E_NOT_FOUND));
	add(other, subscription, NULL);
	expect_turn(other, subscription);
	reprise_group_close(other);
	add(group, subscription, NULL);
	expect_turn(group, subscription);
	cr_assert(eq(int, reprise_group_remove(group, subscription), REPRISE_OK));
	cr_assert(eq(int, reprise_group_add(stranger, subscription, NULL, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "subscription: belongs to another store"));
	cr_assert(eq(int, reprise_store_close(elsewhere), REPRISE_E_BUSY), "it has a group");
	reprise_group_close(stranger);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	reprise_group_close(group);
	reprise_group_close(NULL);
	close_store(elsewhere);
	close_store(store);
}

/* The subscriptions that the writer would ring are gone, or are in no group any more. */
Test(group, S23_removing_and_closing_while_ready_or_armed_leaves_the_others)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscriptions[FEW];
	struct reprise_group *group = group_of(store);
	const int fd = fd_of_group(group);

	for (int i = 0; i < FEW; i++) {
		subscriptions[i] = subscribed_after(store, 0);
		add(group, subscriptions[i], NULL);
	}
	cr_assert(eq(int, reprise_group_remove(group, subscriptions[0]), REPRISE_OK), "armed");
	reprise_subscription_close(subscriptions[1]);
	append_text(writer, "x");
	while (stats_of_group(group).ready != FEW - 2)
		usleep(100);
	reprise_subscription_close(subscriptions[2]);
	cr_assert(eq(int, reprise_group_remove(group, subscriptions[4]), REPRISE_OK), "ready");
	expect_turn(group, subscriptions[3]);
	expect_turn(group, subscriptions[3]);
	cr_assert(is_readable_within(fd, 0));
	reprise_subscription_close(subscriptions[3]);
	expect_none(group, fd);
	cr_assert(eq(u64, stats_of_group(group).subscriptions, 0));
	expect_events(subscriptions[0], 1, 1);
	expect_empty(subscriptions[0]);
	add(group, subscriptions[0], NULL);
	add(group, subscriptions[4], NULL);
	expect_turn(group, subscriptions[4]);
	expect_events(subscriptions[4], 1, 1);
	expect_empty(subscriptions[4]);
	reprise_group_close(group);
	append_text(writer, "y");
	for (int i = 0; i < FEW; i += 4) {
		cr_assert(eq(int, reprise_wait(subscriptions[i], REPRISE_NO_LIMIT), REPRISE_OK));
		expect_events(subscriptions[i], 2, 2);
		reprise_subscription_close(subscriptions[i]);
	}
	reprise_writer_close(writer);
	close_store(store);
}

struct told {
	_Atomic int calls;
	struct reprise_group *group;
};

static void
be_told(struct reprise_subscription *subscription, void *context)
{
	struct told *const told = context;

	(void)subscription;
	if (reprise_group_wait(told->group, 0) == REPRISE_E_INVALID)
		told->calls++;
}

Test(group, S23_its_own_descriptor_and_callback_go_on_beside_the_group)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	struct told told = { .group = group_of(store) };
	struct reprise_group *const group = told.group;
	int own = -1;

	cr_assert(eq(int, reprise_subscription_fd(subscription, &own, NULL), REPRISE_OK));
	add(group, subscription, NULL);
	cr_assert(eq(int, reprise_subscription_notify(subscription, be_told, &told, NULL),
		     REPRISE_OK));
	for (reprise_position newest = 1; newest <= 20; newest++) {
		append_text(writer, "x");
		cr_assert(is_readable_within(own, -1));
		expect_ready(group, subscription);
		while (told.calls != (int)newest)
			usleep(100);
		expect_events(subscription, newest, newest);
		expect_empty(subscription);
		expect_none(group, -1);
		cr_assert(not(is_readable_within(own, 0)));
	}
	/* A wait of its own that times out, or is rung, keeps both doors as they are. */
	cr_assert(eq(int, reprise_wait(subscription, 1000000), REPRISE_E_TIMEOUT));
	expect_none(group, -1);
	append_text(writer, "x");
	expect_ready(group, subscription);
	cr_assert(eq(int, reprise_wait(subscription, REPRISE_NO_LIMIT), REPRISE_OK));
	expect_turn(group, subscription);
	/* Without the group, its own doors stay. */
	cr_assert(eq(int, reprise_group_remove(group, subscription), REPRISE_OK));
	expect_events(subscription, 21, 21);
	expect_empty(subscription);
	append_text(writer, "x");
	cr_assert(is_readable_within(own, -1));
	reprise_subscription_close(subscription);
	reprise_group_close(group);
	reprise_writer_close(writer);
	close_store(store);
}

Test(group, S23_bad_input_is_named_and_changes_nothing)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0), *found = NULL;
	struct reprise_group *group = group_of(store), *none = NULL;
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_group_options options = REPRISE_GROUP_OPTIONS_INIT;
	struct reprise_group_stats stats = { .size = 1 };
	int fd = 77;

	cr_assert(eq(int, reprise_group_open(NULL, NULL, &none, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "store"));
	cr_assert(eq(int, reprise_group_open(store, NULL, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "ret_group"));
	options.size = 1;
	cr_assert(eq(int, reprise_group_open(store, &options, &none, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "group options: size"));
	cr_assert(eq(ptr, none, NULL));
	cr_assert(eq(int, reprise_group_add(NULL, subscription, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "group"));
	cr_assert(eq(int, reprise_group_add(group, NULL, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "subscription"));
	cr_assert(eq(int, reprise_group_remove(NULL, subscription), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_group_remove(group, NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_group_next(NULL, &found, NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_group_next(group, NULL, NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_group_fd(NULL, &fd, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "group"));
	cr_assert(eq(int, reprise_group_fd(group, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "ret_fd"));
	cr_assert(eq(int, fd, 77));
	cr_assert(eq(int, reprise_group_wait(NULL, 0), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_group_interrupt(NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_group_stats(NULL, &stats), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_group_stats(group, NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_group_stats(group, &stats), REPRISE_E_INVALID));
	cr_assert(eq(u64, stats_of_group(group).subscriptions, 0));
	expect_none(group, -1);
	reprise_group_close(group);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

/* Without descriptors there is a wait, and later there is one. */
Test(group, S22_a_descriptor_that_is_refused_changes_nothing)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	struct reprise_group *group = group_of(store);
	struct reprise_error error = { .size = sizeof(error) };
	struct rlimit limit, none;
	int fd = 77;

	add(group, subscription, NULL);
	cr_assert(eq(int, getrlimit(RLIMIT_NOFILE, &limit), 0));
	none = limit;
	none.rlim_cur = 0;
	cr_assert(eq(int, setrlimit(RLIMIT_NOFILE, &none), 0));
	cr_assert(eq(int, reprise_group_fd(group, &fd, &error), REPRISE_E_SYSTEM));
	cr_assert(eq(str, error.what, "eventfd"));
	cr_assert(eq(int, error.os_error, EMFILE));
	cr_assert(eq(int, fd, 77));
	append_text(writer, "x");
	expect_ready(group, subscription);
	cr_assert(eq(int, setrlimit(RLIMIT_NOFILE, &limit), 0));
	cr_assert(is_readable_within(fd_of_group(group), 0));
	reprise_group_close(group);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

struct inherited {
	struct reprise_store *store;
	struct reprise_group *group;
	struct reprise_subscription *subscription;
	int fd;
};

/* In the child, which must not assert: the number of the first answer that is wrong, or 0. */
static int
wrong_in_child(const struct inherited *old)
{
	struct reprise_group_stats stats = REPRISE_GROUP_STATS_INIT;
	struct reprise_subscription *found = NULL;
	struct reprise_group *group = NULL;
	struct reprise_event event;
	struct reprise_gap gap;
	int fd = -1;

	if (reprise_group_open(old->store, NULL, &group, NULL) != REPRISE_E_FORKED)
		return 1;
	if (reprise_group_add(old->group, old->subscription, NULL, NULL) != REPRISE_E_FORKED)
		return 2;
	if (reprise_group_remove(old->group, old->subscription) != REPRISE_E_FORKED)
		return 3;
	if (reprise_group_next(old->group, &found, NULL) != REPRISE_E_FORKED || found != NULL)
		return 4;
	if (reprise_group_fd(old->group, &fd, NULL) != REPRISE_E_FORKED || fd != -1)
		return 5;
	if (reprise_group_wait(old->group, REPRISE_NO_LIMIT) != REPRISE_E_FORKED)
		return 6;
	if (reprise_group_interrupt(old->group) != REPRISE_E_FORKED)
		return 7;
	if (reprise_group_stats(old->group, &stats) != REPRISE_E_FORKED)
		return 8;
	if (reprise_next(old->subscription, &event, &gap, NULL) != REPRISE_NEXT_ENDED)
		return 9;
	reprise_subscription_close(old->subscription);
	reprise_group_close(old->group);
	return fcntl(old->fd, F_GETFD) == -1 ? 0 : 10;
}

/* While another thread rings the group, whose locks it holds at some of the forks. */
static void *
append_for_ever(void *argument)
{
	struct reprise_writer *const writer = argument;
	const struct reprise_bytes payload = { "x", 1 };

	for (int i = 0; i < 20000; i++)
		if (reprise_append(writer, 0, 0, 0, payload, NULL) != REPRISE_OK)
			return argument;
	return NULL;
}

Test(group, S24_in_the_child_of_a_fork_every_call_says_so)
{
	struct inherited all = { .store = store_plain() };
	struct reprise_writer *writer = writer_of(all.store);
	struct reprise_event event;
	struct reprise_gap gap;
	pthread_t thread;
	void *failed = NULL;

	all.subscription = subscribed_after(all.store, 0);
	all.group = group_of(all.store);
	all.fd = fd_of_group(all.group);
	add(all.group, all.subscription, NULL);
	cr_assert(eq(int, pthread_create(&thread, NULL, append_for_ever, writer), 0));
	for (int i = 0; i < 20; i++) {
		int status = 0;

		while (reprise_next(all.subscription, &event, &gap, NULL) != REPRISE_NEXT_EMPTY)
			;
		const pid_t pid = fork();

		if (pid == 0) {
			alarm(20);
			_exit(wrong_in_child(&all));
		}
		cr_assert(eq(int, waitpid(pid, &status, 0), pid));
		cr_assert(eq(int, status, 0));
	}
	cr_assert(eq(int, pthread_join(thread, &failed), 0));
	cr_assert(eq(ptr, failed, NULL));
	append_text(writer, "x");
	cr_assert(is_readable_within(all.fd, -1));
	expect_turn(all.group, all.subscription);
	reprise_group_close(all.group);
	reprise_subscription_close(all.subscription);
	reprise_writer_close(writer);
	close_store(all.store);
}

static void *
wait_for_ever(void *group)
{
	(void)!reprise_group_wait(group, REPRISE_NO_LIMIT);
	return NULL;
}

Test(group, S24_a_thread_that_is_cancelled_in_a_wait_lets_go_of_everything,
     .disabled = IS_UNWINDING_UNKNOWN)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	struct reprise_group *group = group_of(store);
	pthread_t thread;
	void *end = NULL;

	add(group, subscription, NULL);
	cr_assert(eq(int, pthread_create(&thread, NULL, wait_for_ever, group), 0));
	while (stats_of_group(group).sleeps == 0)
		usleep(100);
	cr_assert(eq(int, pthread_cancel(thread), 0));
	cr_assert(eq(int, pthread_join(thread, &end), 0));
	cr_assert(end == PTHREAD_CANCELED);
	cr_assert(eq(int, reprise_group_wait(group, 1000000), REPRISE_E_TIMEOUT));
	append_text(writer, "x");
	expect_ready(group, subscription);
	reprise_group_close(group);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

/* The things that the calls of a group work on. */
struct scene {
	struct reprise_store *store;
	struct reprise_writer *writer;
	struct reprise_subscription *subscription;
	struct reprise_group *group;
};

static void
open_all(void *argument)
{
	struct scene *const scene = argument;
	int fd;

	scene->store = store_plain();
	scene->writer = writer_of(scene->store);
	scene->subscription = subscribed_after(scene->store, 0);
	(void)!reprise_group_open(scene->store, NULL, &scene->group, NULL);
	(void)!reprise_group_fd(scene->group, &fd, NULL);
	(void)!reprise_group_add(scene->group, scene->subscription, NULL, NULL);
}

/* Rings and drains the descriptor several times. */
static void
serve(void *argument)
{
	struct scene *const scene = argument;
	struct reprise_group_stats stats = REPRISE_GROUP_STATS_INIT;
	struct reprise_subscription *ready;
	struct reprise_event event;
	struct reprise_gap gap;

	for (int i = 0; i < 5; i++) {
		append_text(scene->writer, "more");
		while (reprise_group_next(scene->group, &ready, NULL) != REPRISE_OK)
			;
		while (reprise_next(ready, &event, &gap, NULL) == REPRISE_NEXT_EVENT)
			;
	}
	(void)!reprise_group_interrupt(scene->group);
	(void)!reprise_group_stats(scene->group, &stats);
	append_text(scene->writer, "more");
	(void)!reprise_group_remove(scene->group, scene->subscription);
	(void)!reprise_group_add(scene->group, scene->subscription, NULL, NULL);
}

static void
close_all(void *argument)
{
	struct scene *const scene = argument;

	reprise_group_close(scene->group);
	reprise_subscription_close(scene->subscription);
	reprise_writer_close(scene->writer);
	if (reprise_store_close(scene->store) != REPRISE_OK)
		abort();
}

Test(group, S24_no_call_but_the_wait_ends_its_thread)
{
	struct scene scene = { 0 };

	expect_uncancelled(open_all, &scene, "open");
	expect_uncancelled(serve, &scene, "next");
	expect_uncancelled(close_all, &scene, "close");
}

/* membarrier is refused from some time on: then the store's thread looks every 10 ms. */
Test(group, S24_without_membarrier_the_relay_looks)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	struct reprise_group *group = group_of(store);

	add(group, subscription, NULL);
	refuse_membarrier();
	for (reprise_position newest = 1; newest < 10; newest++) {
		append_text(writer, "x");
		expect_ready(group, subscription);
		expect_events(subscription, newest, newest);
		expect_empty(subscription);
		/* As if the next append had not seen it. */
		fetch_and_relaxed(&writer_session(writer)->bell.bits, ~(uint64_t)BELL_ARMED);
	}
	reprise_group_close(group);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}
