/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

/* From a durable state on, in one call, in a store without a log: rule S09. */

SUITE(snapshot);

static struct reprise_subscription *
resumed_at(struct reprise_store *store, uint64_t revision)
{
	struct reprise_subscription *subscription = NULL;

	cr_assert(eq(int, reprise_resume_snapshot(store, "s", revision, NULL, &subscription, NULL),
		     REPRISE_OK));
	return subscription;
}

static struct reprise_cursor
cursor_of(const struct reprise_subscription *subscription)
{
	struct reprise_cursor cursor;

	cr_assert(eq(int, reprise_subscription_cursor(subscription, &cursor), REPRISE_OK));
	return cursor;
}

/*
 * The subscription stands where reprise_session_current_cursor would, after any appends and
 * displacements.
 */
Test(snapshot, S09_a_snapshot_begins_where_the_current_cursor_stands)
{
	uint32_t random = 16;

	for (uint64_t capacity = 1; capacity <= 12; capacity++) {
		struct reprise_store *store = store_with(capacity, 0, 0);
		struct reprise_writer *writer = writer_of(store);

		for (int events = 0; events <= 20; events++) {
			for (uint64_t revision = 0; revision < 8; revision++) {
				struct reprise_cursor expected, actual;

				cr_assert(eq(int,
					     reprise_session_current_cursor(store, "s", revision,
									    &expected),
					     REPRISE_OK));
				struct reprise_subscription *const subscription =
					resumed_at(store, revision);

				actual = cursor_of(subscription);
				cr_assert(memcmp(&expected.incarnation, &actual.incarnation,
						 sizeof(actual.incarnation)) == 0);
				cr_assert(eq(u64, actual.position, expected.position));
				cr_assert(eq(u64, actual.revision, revision));
				reprise_subscription_close(subscription);
			}
			random = random * 1664525u + 1013904223u;
			append_event(writer, (random >> 20) % 8, 0, 0, "x");
		}
		reprise_writer_close(writer);
		close_store(store);
	}
}

Test(snapshot, S09_events_that_are_newer_than_the_state_are_handed_out)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_event event;
	struct reprise_gap gap;

	for (uint64_t i = 1; i <= 9; i++)
		append_event(writer, i / 3, 0, i % 3 == 0 ? REPRISE_EVENT_COMMIT : 0, "x");
	struct reprise_subscription *const subscription = resumed_at(store, 2);

	cr_assert(eq(int, reprise_next(subscription, &event, &gap, NULL), REPRISE_NEXT_EVENT));
	cr_assert(eq(u64, event.position, 9));
	expect_empty(subscription);
	append_text(writer, "live");
	expect_text(subscription, "live");
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(snapshot, S09_what_has_left_the_window_is_a_gap)
{
	struct reprise_store *store = store_with(3, 0, 0);
	struct reprise_writer *writer = writer_of(store);

	for (uint64_t i = 1; i <= 10; i++)
		append_event(writer, i, 0, 0, "x");
	struct reprise_subscription *subscription = resumed_at(store, 4);
	const struct reprise_gap gap = expect_trimmed(subscription, REPRISE_GAP_CAPACITY, 1, 7);

	cr_assert(eq(u64, gap.cursor.revision, 4));
	reprise_subscription_close(subscription);

	subscription = resumed_at(store, 7);
	cr_assert(eq(u64, cursor_of(subscription).position, 7));
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(snapshot, S09_the_age_limit_is_applied_before)
{
	struct reprise_store *store = store_with(0, 0, one_second);
	struct reprise_writer *writer = writer_of(store);

	append_event(writer, 1, 0, 0, "old");
	cr_assert(eq(int, reprise_stamp_set(store, one_hour + 5 * one_second), REPRISE_OK));
	append_event(writer, 2, 0, 0, "new");
	struct reprise_subscription *subscription = resumed_at(store, 0);

	(void)expect_trimmed(subscription, REPRISE_GAP_AGE, 1, 1);
	expect_text(subscription, "new");
	reprise_subscription_close(subscription);
	subscription = resumed_at(store, 1);
	expect_text(subscription, "new");
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(snapshot, S09_an_unknown_session_is_not_created)
{
	const struct reprise_store_options options = { .size = sizeof(options), .sessions_max = 2 };
	struct reprise_store_stats stats = { .size = sizeof(stats) };
	struct reprise_store *store = NULL;

	cr_assert(eq(int, reprise_store_open(&options, &store, NULL), REPRISE_OK));
	struct reprise_writer *writer = writer_of(store);

	append_text(writer, "kept");
	reprise_writer_close(writer);
	for (int i = 0; i < 1000; i++) {
		struct reprise_subscription *subscription = NULL;
		char id[16];

		snprintf(id, sizeof(id), "made-up-%d", i);
		cr_assert(eq(int, reprise_resume_snapshot(store, id, 7, NULL, &subscription, NULL),
			     REPRISE_OK));
		const struct reprise_gap gap =
			expect_unavailable(subscription, REPRISE_GAP_UNKNOWN_SESSION);

		cr_assert(eq(u64, gap.cursor.revision, 7));
		cr_assert(eq(u64, gap.cursor.position, 0));
		cr_assert(eq(str, (char *)gap.cursor.session_id, id));
		expect_ended(subscription, REPRISE_END_INVALIDATED, 0);
		reprise_subscription_close(subscription);
	}
	cr_assert(eq(int, reprise_store_stats(store, &stats), REPRISE_OK));
	cr_assert(eq(u64, stats.sessions, 1));
	cr_assert(eq(u64, stats_of_s(store).retained, 1));
	close_store(store);
}

/* As of one that was resumed with a cursor. */
Test(snapshot, S09_a_window_that_becomes_void_is_told)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);

	append_event(writer, 5, 0, 0, "x");
	struct reprise_subscription *const subscription = resumed_at(store, 4);

	cr_assert(eq(int, reprise_session_invalidate(store, "s"), REPRISE_OK));
	const struct reprise_gap gap = expect_unavailable(subscription, REPRISE_GAP_INVALIDATED);

	cr_assert(eq(u64, gap.cursor.revision, 4));
	expect_ended(subscription, REPRISE_END_INVALIDATED, 0);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(snapshot, S09_an_ended_session_is_read_to_its_end)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);

	append_event(writer, 1, 0, 0, "one");
	append_event(writer, 2, 0, 0, "two");
	cr_assert(eq(int, reprise_writer_end(writer, 3), REPRISE_OK));
	reprise_writer_close(writer);
	struct reprise_subscription *const subscription = resumed_at(store, 1);

	expect_text(subscription, "two");
	expect_ended(subscription, REPRISE_END_SESSION, 3);
	reprise_subscription_close(subscription);
	close_store(store);
}

Test(snapshot, S09_bad_input_changes_nothing)
{
	struct reprise_store *store = store_plain();
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_subscription_options options = { .size = sizeof(options) - 1 };
	struct reprise_subscription *subscription = NULL;
	struct reprise_store_stats stats = { .size = sizeof(stats) };
	char id[REPRISE_SESSION_ID_BYTES_MAX + 2];

	memset(id, 'x', sizeof(id));
	id[sizeof(id) - 1] = '\0';
#define EXPECT_INVALID(words, ...)                                                                 \
	do {                                                                                       \
		cr_assert(                                                                         \
			eq(int, reprise_resume_snapshot(__VA_ARGS__, &error), REPRISE_E_INVALID)); \
		cr_assert(eq(str, (char *)error.what, words));                                     \
		cr_assert(zero(ptr, subscription));                                                \
	} while (0)
	EXPECT_INVALID("store", NULL, "s", 1, NULL, &subscription);
	EXPECT_INVALID("session_id", store, NULL, 1, NULL, &subscription);
	EXPECT_INVALID("session_id", store, "", 1, NULL, &subscription);
	EXPECT_INVALID("session_id", store, "a\nb", 1, NULL, &subscription);
	EXPECT_INVALID("session_id", store, id, 1, NULL, &subscription);
	EXPECT_INVALID("durable_revision", store, "s", REPRISE_REVISION_UNKNOWN, NULL,
		       &subscription);
	EXPECT_INVALID("ret_subscription", store, "s", 1, NULL, NULL);
	EXPECT_INVALID("subscription options: size", store, "s", 1, &options, &subscription);
	options = (struct reprise_subscription_options)REPRISE_SUBSCRIPTION_OPTIONS_INIT;
	options.is_recorded_only = 1;
	EXPECT_INVALID("is_recorded_only", store, "s", 1, &options, &subscription);
	cr_assert(eq(int, reprise_store_stats(store, &stats), REPRISE_OK));
	cr_assert(eq(u64, stats.sessions, 0));
	cr_assert(eq(u64, stats.subscriptions, 0));
	close_store(store);
}

Test(snapshot, S09_a_child_of_a_fork_is_told)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	int status = 0;
	const pid_t child = fork();

	if (child == 0) {
		struct reprise_subscription *subscription = NULL;
		const bool is_told = reprise_resume_snapshot(store, "s", 1, NULL, &subscription,
							     NULL) == REPRISE_E_FORKED;

		_exit(is_told && subscription == NULL ? 0 : 1);
	}
	cr_assert(eq(int, waitpid(child, &status, 0), child));
	cr_assert(eq(int, status, 0));
	reprise_writer_close(writer);
	close_store(store);
}
