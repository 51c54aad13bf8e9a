/* SPDX-License-Identifier: MIT */

/* The sessions of a store, listed and followed (rules S12 and S13; S14: tests/stress/roster.c). */

#include "support.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

SUITE(roster);

static const uint64_t patience_ns = UINT64_C(20000000000);

static struct reprise_store *
bounded_store(uint64_t sessions_max)
{
	const struct reprise_store_options options = { .size = sizeof(options),
						       .sessions_max = sessions_max };
	struct reprise_store *store = NULL;

	cr_assert(eq(int, reprise_store_open(&options, &store, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_stamp_set(store, one_hour), REPRISE_OK));
	return store;
}

static struct reprise_writer *
opened(struct reprise_store *store, const char *id)
{
	struct reprise_writer *writer = NULL;

	cr_assert(eq(int, reprise_writer_open(store, id, NULL, &writer, NULL), REPRISE_OK));
	return writer;
}

static void
create(struct reprise_store *store, const char *id)
{
	cr_assert(eq(int, reprise_session_create(store, id, NULL, NULL), REPRISE_OK));
}

static struct reprise_session_list *
listed(struct reprise_store *store)
{
	struct reprise_session_list *list = NULL;

	cr_assert(eq(int, reprise_sessions_list(store, &list, NULL), REPRISE_OK));
	return list;
}

static struct reprise_subscription *
followed(struct reprise_store *store)
{
	struct reprise_subscription *subscription = NULL;

	cr_assert(
		eq(int, reprise_sessions_subscribe(store, NULL, &subscription, NULL), REPRISE_OK));
	return subscription;
}

/* The next change, whose kind and session are as given; it may take the store's thread a moment. */
static struct reprise_session_change
expect_change(struct reprise_subscription *subscription, uint16_t kind, const char *id)
{
	struct reprise_event event = { 0 };
	struct reprise_gap gap;
	struct reprise_session_change change;

	cr_assert(eq(int, reprise_wait(subscription, patience_ns), REPRISE_OK));
	cr_assert(eq(int, reprise_next(subscription, &event, &gap, NULL), REPRISE_NEXT_EVENT));
	cr_assert(eq(sz, event.payload.size, sizeof(change)));
	memcpy(&change, event.payload.data, sizeof(change));
	cr_assert(eq(int, event.kind, kind), "%s of %s", change.session_id, id);
	cr_assert(eq(int, strcmp(change.session_id, id), 0), "%s, not %s", change.session_id, id);
	cr_assert(eq(u64, event.revision, 0));
	return change;
}

static void
expect_gone(struct reprise_subscription *subscription, const char *id, reprise_gone_cause cause)
{
	cr_assert(eq(int, expect_change(subscription, REPRISE_SESSION_GONE, id).cause, cause));
}

Test(roster, S12_a_list_has_each_session_once)
{
	struct reprise_store *store = store_plain();
	bool is_seen[300] = { false };
	char id[REPRISE_SESSION_ID_BYTES_MAX + 1];
	struct reprise_session_stats stats = { .size = sizeof(stats) };

	for (int i = 0; i < 300; i++) {
		snprintf(id, sizeof(id), "%d", i);
		create(store, id);
	}
	struct reprise_session_list *list = listed(store);

	for (int i = 0; i < 300; i++) {
		cr_assert(eq(int, reprise_session_list_next(list, id, &stats), REPRISE_OK));
		const int number = atoi(id);

		cr_assert(not(is_seen[number]));
		is_seen[number] = true;
	}
	for (int i = 0; i < 3; i++)
		cr_assert(eq(int, reprise_session_list_next(list, id, NULL), REPRISE_E_NOT_FOUND));
	reprise_session_list_close(list);
	close_store(store);
}

Test(roster, S12_a_list_tells_what_a_session_holds)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	struct reprise_session_stats stats = { .size = sizeof(stats) };
	char id[REPRISE_SESSION_ID_BYTES_MAX + 1];
	struct reprise_session_list *list = listed(store);

	/* The change tells the state of now. */
	append_until(writer, 7);
	cr_assert(eq(int, reprise_session_trim_to(store, "s", 3), REPRISE_OK));
	cr_assert(eq(int, reprise_writer_end(writer, -5), REPRISE_OK));
	cr_assert(eq(int, reprise_session_list_next(list, id, &stats), REPRISE_OK));
	const struct reprise_session_stats expected = stats_of_s(store);

	cr_assert(eq(int, strcmp(id, "s"), 0));
	cr_assert(eq(int, memcmp(&stats, &expected, sizeof(stats)), 0));
	cr_assert(eq(u64, stats.newest, 7));
	cr_assert(eq(u64, stats.retained, 4));
	cr_assert(eq(u64, stats.subscriptions, 1));
	cr_assert(eq(int, stats.has_writer, 1));
	cr_assert(eq(int, stats.end_status, -5));
	reprise_session_list_close(list);
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(roster, S12_a_session_that_has_gone_is_told_as_it_was)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_session_stats stats = { .size = sizeof(stats) };
	char id[REPRISE_SESSION_ID_BYTES_MAX + 1];

	append_until(writer, 3);
	reprise_writer_close(writer);
	create(store, "other");
	struct reprise_session_list *list = listed(store);

	cr_assert(eq(int, reprise_sessions_invalidate(store), REPRISE_OK));
	create(store, "later");
	for (int i = 0; i < 2; i++) {
		cr_assert(eq(int, reprise_session_list_next(list, id, &stats), REPRISE_OK));
		cr_assert(eq(u64, stats.newest, strcmp(id, "s") == 0 ? 3 : 0));
		cr_assert(ne(int, strcmp(id, "later"), 0));
	}
	cr_assert(eq(int, reprise_session_list_next(list, id, &stats), REPRISE_E_NOT_FOUND));
	reprise_session_list_close(list);
	close_store(store);
}

Test(roster, S12_a_list_keeps_its_store_open_and_gives_all_back)
{
	struct reprise_store *store = store_plain();
	char id[REPRISE_SESSION_ID_BYTES_MAX + 1];
	struct reprise_session_list *empty = listed(store);

	cr_assert(eq(int, reprise_session_list_next(empty, id, NULL), REPRISE_E_NOT_FOUND));
	cr_assert(eq(int, reprise_store_close(store), REPRISE_E_BUSY));
	reprise_session_list_close(empty);
	for (int i = 0; i < 10; i++) {
		snprintf(id, sizeof(id), "%d", i);
		create(store, id);
	}
	struct reprise_session_list *half = listed(store), *none = listed(store);

	for (int i = 0; i < 5; i++)
		cr_assert(eq(int, reprise_session_list_next(half, id, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_sessions_invalidate(store), REPRISE_OK));
	reprise_session_list_close(half);
	reprise_session_list_close(none);
	reprise_session_list_close(NULL);
	const uint64_t until = clock_ns() + patience_ns;
	struct reprise_store_stats stats = { .size = sizeof(stats) };

	do {
		cr_assert(eq(int, reprise_store_stats(store, &stats), REPRISE_OK));
		cr_assert(lt(u64, clock_ns(), until));
	} while (stats.arena_bytes != 0);
	close_store(store);
}

Test(roster, S12_bad_input_leaves_a_list_where_it_is)
{
	struct reprise_store *store = store_plain();
	struct reprise_session_list *list = NULL;
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_session_stats bad = { .size = sizeof(bad) - 1 };
	char id[REPRISE_SESSION_ID_BYTES_MAX + 1] = "untouched";

	create(store, "s");
	cr_assert(eq(int, reprise_sessions_list(NULL, &list, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "store"));
	cr_assert(eq(int, reprise_sessions_list(store, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "ret_list"));
	cr_assert(eq(ptr, list, NULL));
	list = listed(store);
	cr_assert(eq(int, reprise_session_list_next(NULL, id, NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_session_list_next(list, NULL, NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_session_list_next(list, id, &bad), REPRISE_E_INVALID));
	cr_assert(eq(int, strcmp(id, "untouched"), 0));
	cr_assert(eq(int, reprise_session_list_next(list, id, NULL), REPRISE_OK));
	reprise_session_list_close(list);
	close_store(store);
}

Test(roster, S13_coming_ending_and_going_are_told_in_order)
{
	struct reprise_store *store = bounded_store(2);

	create(store, "before");
	struct reprise_subscription *subscription = followed(store);

	expect_empty(subscription);
	struct reprise_writer *writer = opened(store, "s");
	struct reprise_session_change change =
		expect_change(subscription, REPRISE_SESSION_CAME, "s");

	cr_assert(eq(u64, change.first, 1));
	cr_assert(eq(u64, change.newest, 0));
	cr_assert(eq(int, change.cause, REPRISE_GONE_NOT));
	cr_assert(eq(int, change.is_ended, 0));
	append_until(writer, 4);
	const struct reprise_session_stats stats = stats_of_s(store);

	cr_assert(eq(int,
		     memcmp(&stats.incarnation, &change.incarnation, sizeof(change.incarnation)),
		     0));
	cr_assert(eq(int, reprise_writer_end(writer, -9), REPRISE_OK));
	change = expect_change(subscription, REPRISE_SESSION_ENDED, "s");
	cr_assert(eq(u64, change.newest, 4));
	cr_assert(eq(int, change.is_ended, 1));
	cr_assert(eq(int, change.end_status, -9));
	cr_assert(eq(int, change.cause, REPRISE_GONE_NOT));
	expect_empty(subscription);
	reprise_writer_close(writer);

	/* The next life, in the place of the one that has ended. */
	writer = opened(store, "s");
	expect_gone(subscription, "s", REPRISE_GONE_REPLACED);
	change = expect_change(subscription, REPRISE_SESSION_CAME, "s");
	cr_assert(eq(u64, change.first, 5));
	cr_assert(ne(int,
		     memcmp(&stats.incarnation, &change.incarnation, sizeof(change.incarnation)),
		     0));
	reprise_writer_close(writer);
	expect_empty(subscription);
	reprise_subscription_close(subscription);
	close_store(store);
}

Test(roster, S13_the_cause_of_each_going_is_told)
{
	struct reprise_store *store = bounded_store(2);
	struct reprise_subscription *subscription = followed(store);
	uint64_t count = 0;

	create(store, "a");
	create(store, "b");
	create(store, "c");
	expect_change(subscription, REPRISE_SESSION_CAME, "a");
	expect_change(subscription, REPRISE_SESSION_CAME, "b");
	expect_gone(subscription, "a", REPRISE_GONE_EVICTED);
	expect_change(subscription, REPRISE_SESSION_CAME, "c");
	cr_assert(eq(int, reprise_session_invalidate(store, "b"), REPRISE_OK));
	expect_gone(subscription, "b", REPRISE_GONE_INVALIDATED);
	cr_assert(eq(int, reprise_sessions_invalidate(store), REPRISE_OK));
	expect_gone(subscription, "c", REPRISE_GONE_INVALIDATED);
	create(store, "d");
	expect_change(subscription, REPRISE_SESSION_CAME, "d");
	cr_assert(eq(int, reprise_stamp_set(store, 2 * one_hour), REPRISE_OK));
	cr_assert(eq(int, reprise_sessions_expire_idle(store, &count), REPRISE_OK));
	cr_assert(eq(u64, count, 1));
	expect_gone(subscription, "d", REPRISE_GONE_EXPIRED);
	/* A refused call tells nothing. */
	struct reprise_writer *held[2] = { opened(store, "e"), opened(store, "f") };

	cr_assert(eq(int, reprise_session_create(store, "g", NULL, NULL), REPRISE_E_FULL));
	expect_change(subscription, REPRISE_SESSION_CAME, "e");
	expect_change(subscription, REPRISE_SESSION_CAME, "f");
	expect_empty(subscription);
	reprise_writer_close(held[0]);
	reprise_writer_close(held[1]);
	reprise_subscription_close(subscription);
	close_store(store);
}

Test(roster, S13_an_end_is_told_once_and_before_the_going)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	char id[16];

	/* Of before: told as the session goes. */
	cr_assert(eq(int, reprise_writer_end(writer, 1), REPRISE_OK));
	reprise_writer_close(writer);
	struct reprise_subscription *subscription = followed(store);

	cr_assert(eq(int, reprise_session_invalidate(store, "s"), REPRISE_OK));
	cr_assert(eq(int, expect_change(subscription, REPRISE_SESSION_ENDED, "s").end_status, 1));
	expect_gone(subscription, "s", REPRISE_GONE_INVALIDATED);
	/* The store's thread or the going may be faster. */
	for (int i = 0; i < 500; i++) {
		snprintf(id, sizeof(id), "%d", i);
		writer = opened(store, id);
		cr_assert(eq(int, reprise_writer_end(writer, i), REPRISE_OK));
		reprise_writer_close(writer);
		cr_assert(eq(int, reprise_session_invalidate(store, id), REPRISE_OK));
		expect_change(subscription, REPRISE_SESSION_CAME, id);
		cr_assert(eq(int, expect_change(subscription, REPRISE_SESSION_ENDED, id).end_status,
			     i));
		const struct reprise_session_change gone =
			expect_change(subscription, REPRISE_SESSION_GONE, id);

		cr_assert(eq(int, gone.is_ended, 1));
		cr_assert(eq(int, gone.end_status, i));
	}
	expect_empty(subscription);
	reprise_subscription_close(subscription);
	close_store(store);
}

static struct reprise_writer *to_end;

static void
end_it(int number)
{
	(void)number;
	/* NOLINTNEXTLINE(bugprone-signal-handler,cert-sig30-c): that is what is tested */
	(void)!reprise_writer_end(to_end, 77);
}

Test(roster, S13_an_end_in_a_signal_handler_is_told)
{
	struct reprise_store *store = store_plain();
	struct reprise_subscription *subscription = followed(store);

	to_end = writer_of(store);
	signal(SIGUSR1, end_it);
	raise(SIGUSR1);
	signal(SIGUSR1, SIG_DFL);
	expect_change(subscription, REPRISE_SESSION_CAME, "s");
	cr_assert(eq(int, expect_change(subscription, REPRISE_SESSION_ENDED, "s").end_status, 77));
	reprise_writer_close(to_end);
	reprise_subscription_close(subscription);
	close_store(store);
}

Test(roster, S13_who_falls_behind_is_told_what_is_lost)
{
	struct reprise_store *store = bounded_store(1);
	struct reprise_subscription *subscription = followed(store);
	struct reprise_event event;
	struct reprise_gap gap;
	char id[REPRISE_SESSION_ID_BYTES_MAX + 1];

	/* Each but the first is two events. */
	for (int i = 0; i < 3000; i++) {
		snprintf(id, sizeof(id), "%d", i);
		create(store, id);
	}
	cr_assert(eq(int, reprise_next(subscription, &event, &gap, NULL), REPRISE_NEXT_GAP));
	cr_assert(eq(int, gap.reason, REPRISE_GAP_TRIMMED));
	cr_assert(eq(int, gap.detail, REPRISE_GAP_CAPACITY));
	cr_assert(eq(u64, gap.lost, 5999 - 4096));
	struct reprise_session_list *list = listed(store);

	cr_assert(eq(int, reprise_session_list_next(list, id, NULL), REPRISE_OK));
	reprise_session_list_close(list);
	for (int i = 0; i < 4096; i++)
		cr_assert(eq(int, reprise_next(subscription, &event, &gap, NULL),
			     REPRISE_NEXT_EVENT));
	expect_empty(subscription);
	reprise_subscription_close(subscription);
	close_store(store);
}

static void
count_call(struct reprise_subscription *subscription, void *context)
{
	struct reprise_event event;
	struct reprise_gap gap;

	while (reprise_next(subscription, &event, &gap, NULL) == REPRISE_NEXT_EVENT)
		atomic_fetch_add((atomic_int *)context, 1);
}

static void
follow_by_each_door(reprise_wake wake)
{
	const struct reprise_store_options options = { .size = sizeof(options), .wake = wake };
	struct reprise_store *store = NULL;
	struct reprise_subscription *by_fd, *by_call;
	struct pollfd at = { .events = POLLIN };
	atomic_int calls = 0;

	cr_assert(eq(int, reprise_store_open(&options, &store, NULL), REPRISE_OK));
	by_fd = followed(store);
	by_call = followed(store);
	cr_assert(eq(int, reprise_subscription_fd(by_fd, &at.fd, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_subscription_notify(by_call, count_call, &calls, NULL),
		     REPRISE_OK));
	expect_empty(by_fd);
	cr_assert(eq(int, poll(&at, 1, 0), 0));
	struct reprise_writer *writer = writer_of(store);

	cr_assert(eq(int, poll(&at, 1, 20000), 1));
	expect_change(by_fd, REPRISE_SESSION_CAME, "s");
	expect_empty(by_fd);
	cr_assert(eq(int, reprise_writer_end(writer, 0), REPRISE_OK));
	cr_assert(eq(int, poll(&at, 1, 20000), 1));
	expect_change(by_fd, REPRISE_SESSION_ENDED, "s");
	const uint64_t until = clock_ns() + patience_ns;

	while (atomic_load(&calls) < 2)
		cr_assert(lt(u64, clock_ns(), until));
	reprise_writer_close(writer);
	reprise_subscription_close(by_fd);
	reprise_subscription_close(by_call);
	close_store(store);
}

Test(roster, S13_a_host_waits_for_changes_at_any_door)
{
	follow_by_each_door(REPRISE_WAKE_RELAY);
	follow_by_each_door(REPRISE_WAKE_DEFERRED);
}

Test(roster, S13_a_host_chooses_kinds_of_changes)
{
	struct reprise_store *store = bounded_store(1);
	const uint16_t gone = REPRISE_SESSION_GONE;
	const struct reprise_subscription_options options = { .size = sizeof(options),
							      .kinds = &gone,
							      .kinds_count = 1 };
	struct reprise_subscription *subscription = NULL;

	cr_assert(eq(int, reprise_sessions_subscribe(store, &options, &subscription, NULL),
		     REPRISE_OK));
	create(store, "a");
	create(store, "b");
	expect_gone(subscription, "a", REPRISE_GONE_EVICTED);
	expect_empty(subscription);
	reprise_subscription_close(subscription);
	close_store(store);
}

Test(roster, S13_the_roster_is_no_session)
{
	struct reprise_store *store = bounded_store(1);
	struct reprise_subscription *subscription = followed(store), *other = NULL;
	struct reprise_store_stats stats = { .size = sizeof(stats) };
	struct reprise_cursor cursor;
	char text[REPRISE_CURSOR_TEXT_BYTES_MAX];
	struct reprise_session_list *list = listed(store);

	cr_assert(eq(int, reprise_session_list_next(list, text, NULL), REPRISE_E_NOT_FOUND));
	reprise_session_list_close(list);
	cr_assert(eq(int, reprise_store_stats(store, &stats), REPRISE_OK));
	cr_assert(eq(u64, stats.sessions, 0));
	cr_assert(eq(u64, stats.bytes, 0));
	cr_assert(eq(u64, stats.writers, 0));
	cr_assert(eq(u64, stats.subscriptions, 1));
	create(store, "s");
	expect_change(subscription, REPRISE_SESSION_CAME, "s");
	cr_assert(eq(int, reprise_sessions_invalidate(store), REPRISE_OK));
	expect_gone(subscription, "s", REPRISE_GONE_INVALIDATED);
	cr_assert(eq(int, reprise_sessions_expire_idle(store, NULL), REPRISE_OK));
	expect_empty(subscription);
	cr_assert(eq(int, reprise_subscription_cursor(subscription, &cursor), REPRISE_OK));
	cr_assert(eq(u64, cursor.position, 2));
	cr_assert(eq(int, reprise_cursor_format(&cursor, text, sizeof(text), NULL, NULL),
		     REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_subscribe_after(store, &cursor, NULL, &other, NULL),
		     REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_store_close(store), REPRISE_E_BUSY));
	reprise_subscription_close(subscription);
	close_store(store);
}

Test(roster, S13_bad_input_follows_nothing)
{
	struct reprise_store *store = store_plain();
	const struct reprise_subscription_options recorded = { .size = sizeof(recorded),
							       .is_recorded_only = 1 };
	const struct reprise_subscription_options small = { .size = sizeof(small),
							    .staging_bytes = 63 };
	struct reprise_subscription *subscription = NULL;
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_store_stats stats = { .size = sizeof(stats) };

	cr_assert(eq(int, reprise_sessions_subscribe(NULL, NULL, &subscription, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "store"));
	cr_assert(
		eq(int, reprise_sessions_subscribe(store, NULL, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "ret_subscription"));
	cr_assert(eq(int, reprise_sessions_subscribe(store, &recorded, &subscription, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "is_recorded_only"));
	cr_assert(eq(int, reprise_sessions_subscribe(store, &small, &subscription, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "staging_bytes"));
	cr_assert(eq(ptr, subscription, NULL));
	cr_assert(eq(int, reprise_store_stats(store, &stats), REPRISE_OK));
	cr_assert(eq(u64, stats.arena_bytes, 0));
	close_store(store);
}
