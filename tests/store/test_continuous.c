/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cancelled.h"
#include "store/session.h"

/*
 * Subscriptions that go on with the next life of their session (rules S01 to S07): see also the
 * stress program `onward` and the model program `awaiting`.
 */

SUITE(continuous);

static const struct reprise_subscription_options continuous = {
	.size = sizeof(continuous),
	.is_continuous = 1,
};

static const struct reprise_incarnation no_life;

static struct reprise_cursor
nothing_seen(void)
{
	return (struct reprise_cursor){ .session_id = "s" };
}

static struct reprise_subscription *
follow(struct reprise_store *store, struct reprise_cursor cursor)
{
	struct reprise_subscription *subscription = NULL;

	cr_assert(eq(int, reprise_subscribe_after(store, &cursor, &continuous, &subscription, NULL),
		     REPRISE_OK));
	return subscription;
}

static bool
is_same(struct reprise_incarnation one, struct reprise_incarnation other)
{
	return memcmp(&one, &other, sizeof(one)) == 0;
}

static struct reprise_gap
expect_gap(struct reprise_subscription *subscription, reprise_gap_reason reason,
	   reprise_gap_detail detail)
{
	struct reprise_event event;
	struct reprise_gap gap = { 0 };
	struct reprise_cursor at;

	cr_assert(eq(int, reprise_next(subscription, &event, &gap, NULL), REPRISE_NEXT_GAP));
	cr_assert(eq(int, gap.reason, reason));
	cr_assert(eq(int, gap.detail, detail));
	/* It goes on from the very cursor of the gap. */
	cr_assert(eq(int, reprise_subscription_cursor(subscription, &at), REPRISE_OK));
	cr_assert(eq(u64, at.position, gap.cursor.position));
	cr_assert(eq(u64, at.revision, gap.cursor.revision));
	cr_assert(is_same(at.incarnation, gap.cursor.incarnation));
	cr_assert(detail == REPRISE_GAP_LIFE_ENDED || gap.end_status == 0);
	return gap;
}

static struct reprise_gap
expect_life_ended(struct reprise_subscription *subscription, int32_t status)
{
	const struct reprise_gap gap =
		expect_gap(subscription, REPRISE_GAP_TRIMMED, REPRISE_GAP_LIFE_ENDED);

	cr_assert(eq(u64, gap.lost, 0));
	cr_assert(eq(u64, gap.lost_first, 0));
	cr_assert(eq(u64, gap.lost_last, 0));
	cr_assert(eq(int, gap.end_status, status));
	return gap;
}

static struct reprise_gap
expect_refused(struct reprise_subscription *subscription, reprise_gap_detail detail)
{
	return expect_gap(subscription, REPRISE_GAP_UNAVAILABLE, detail);
}

static void
end_life(struct reprise_writer *writer, int32_t status)
{
	cr_assert(eq(int, reprise_writer_end(writer, status), REPRISE_OK));
	reprise_writer_close(writer);
}

static struct reprise_cursor
where(struct reprise_subscription *subscription)
{
	struct reprise_cursor at;

	cr_assert(eq(int, reprise_subscription_cursor(subscription, &at), REPRISE_OK));
	return at;
}

/* Has "s" leave the table as an eviction would. */
static void
evict(struct reprise_store *store)
{
	uint64_t count = 0;

	cr_assert(eq(int, reprise_stamp_set(store, 10 * one_hour), REPRISE_OK));
	cr_assert(eq(int, reprise_sessions_expire_idle(store, &count), REPRISE_OK));
	cr_assert(eq(u64, count, 1));
	cr_assert(eq(int, reprise_stamp_set(store, one_hour), REPRISE_OK));
}

Test(continuous, S01_the_option_is_0_or_1_and_not_for_a_replay)
{
	struct reprise_store *store = store_plain();
	struct reprise_subscription_options options = continuous;
	const struct reprise_cursor cursor = nothing_seen();
	struct reprise_subscription *subscription = NULL;
	struct reprise_error error = REPRISE_ERROR_INIT;
	struct reprise_store_stats stats = REPRISE_STORE_STATS_INIT;

	cr_assert(eq(int, reprise_replay_after(store, &cursor, &options, &subscription, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, (char *)error.what, "is_continuous"));
	for (int32_t bad = -1; bad <= 2; bad += 3) {
		options.is_continuous = bad;
		cr_assert(
			eq(int,
			   reprise_subscribe_after(store, &cursor, &options, &subscription, &error),
			   REPRISE_E_INVALID));
		cr_assert(eq(str, (char *)error.what, "is_continuous"));
		cr_assert(
			eq(int,
			   reprise_resume_after(store, &cursor, 1, &options, &subscription, &error),
			   REPRISE_E_INVALID));
	}
	cr_assert(eq(ptr, subscription, NULL));
	cr_assert(eq(int, reprise_store_stats(store, &stats), REPRISE_OK));
	cr_assert(eq(u64, stats.subscriptions, 0));
	cr_assert(eq(u64, stats.arena_bytes, 0), "nothing changed");
	close_store(store);
}

static bool
has_ended_in_child(struct reprise_subscription *subscription)
{
	struct reprise_event event;
	struct reprise_gap gap;
	struct reprise_end end = { 0 };
	struct reprise_cursor at;
	int descriptor;

	if (reprise_next(subscription, &event, &gap, &end) != REPRISE_NEXT_ENDED ||
	    end.cause != REPRISE_END_STORE ||
	    reprise_next(subscription, &event, &gap, &end) != REPRISE_NEXT_ENDED ||
	    reprise_wait(subscription, 0) != REPRISE_E_FORKED ||
	    reprise_subscription_fd(subscription, &descriptor, NULL) != REPRISE_E_FORKED ||
	    reprise_subscription_cursor(subscription, &at) != REPRISE_E_FORKED)
		return false;
	reprise_subscription_close(subscription);
	return true;
}

Test(continuous, S01_in_the_child_of_a_fork_it_has_ended)
{
	struct reprise_store *store = store_plain();
	struct reprise_subscription *waiting = follow(store, nothing_seen());
	struct reprise_writer *writer = NULL;

	expect_empty(waiting);
	cr_assert(eq(int, reprise_writer_open(store, "n", NULL, &writer, NULL), REPRISE_OK));
	struct reprise_cursor cursor;

	cr_assert(eq(int, reprise_session_current_cursor(store, "n", 0, &cursor), REPRISE_OK));
	struct reprise_subscription *following = follow(store, cursor);

	append_text(writer, "x");
	cr_assert(eq(int, reprise_wait(following, 0), REPRISE_OK));
	const pid_t pid = fork();

	if (pid == 0)
		_exit(has_ended_in_child(waiting) && has_ended_in_child(following) ? 0 : 1);
	int status = -1;

	cr_assert(eq(int, waitpid(pid, &status, 0), pid));
	cr_assert(eq(int, status, 0));
	expect_text(following, "x");
	reprise_writer_close(writer);
	writer = writer_of(store);
	append_text(writer, "y");
	expect_text(waiting, "y");
	reprise_writer_close(writer);
	cr_assert(eq(int, reprise_store_close(store), REPRISE_E_BUSY));
	reprise_subscription_close(waiting);
	reprise_subscription_close(following);
	close_store(store);
}

Test(continuous, S02_the_end_of_a_life_is_told_once_and_at_once)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *host = follow(store, cursor_at(store, 0));

	append_until(writer, 2);
	expect_event(host, 1);
	end_life(writer, -7);
	expect_event(host, 2);
	cr_assert(eq(int, reprise_wait(host, 0), REPRISE_OK));
	const struct reprise_cursor before = where(host);
	const struct reprise_gap gap = expect_life_ended(host, -7);

	cr_assert(eq(u64, gap.cursor.position, 2));
	cr_assert(is_same(gap.cursor.incarnation, before.incarnation));
	cr_assert(eq(u64, gap.newest.position, 2));
	expect_empty(host);
	expect_empty(host);
	cr_assert(eq(int, reprise_wait(host, 1000000), REPRISE_E_TIMEOUT));
	reprise_subscription_close(host);
	close_store(store);
}

Test(continuous, S02_a_window_whose_end_was_told_is_held_no_more)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *host = follow(store, cursor_at(store, 0));
	struct reprise_store_stats stats = REPRISE_STORE_STATS_INIT;

	end_life(writer, 0);
	cr_assert(eq(u64, stats_of_s(store).subscriptions, 1));
	expect_life_ended(host, 0);
	cr_assert(eq(u64, stats_of_s(store).subscriptions, 0));
	cr_assert(eq(int, reprise_store_stats(store, &stats), REPRISE_OK));
	cr_assert(eq(u64, stats.staging_bytes, 0));
	cr_assert(eq(u64, stats.sessions_idle, 1));
	cr_assert(eq(u64, stats.subscriptions, 1));
	evict(store);
	expect_empty(host);
	reprise_subscription_close(host);
	close_store(store);
}

Test(continuous, S03_a_life_that_follows_at_once_is_no_gap)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *host = follow(store, cursor_at(store, 0));
	struct reprise_subscription_stats stats = REPRISE_SUBSCRIPTION_STATS_INIT;

	append_until(writer, 2);
	end_life(writer, 1);
	expect_events(host, 1, 2);
	const struct reprise_gap gap = expect_life_ended(host, 1);

	writer = writer_of(store);
	expect_empty(host);
	append_until(writer, 4);
	expect_events(host, 3, 4);
	cr_assert(eq(int, is_same(where(host).incarnation, gap.cursor.incarnation), false));
	cr_assert(is_same(where(host).incarnation, cursor_at(store, 0).incarnation));
	/* The cursor is good in the new life. */
	struct reprise_subscription *again = follow(store, where(host));

	expect_empty(again);
	reprise_subscription_close(again);
	end_life(writer, 2);
	expect_life_ended(host, 2);
	expect_empty(host);
	cr_assert(eq(int, reprise_subscription_stats(host, &stats), REPRISE_OK));
	cr_assert(eq(u64, stats.delivered, 4));
	cr_assert(eq(u64, stats.lost, 0));
	cr_assert(eq(u64, stats.gaps, 2));
	reprise_subscription_close(host);
	close_store(store);
}

Test(continuous, S03_the_end_of_a_life_without_events_is_told_too)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *host = follow(store, cursor_at(store, 0));

	append_until(writer, 1);
	end_life(writer, 1);
	expect_event(host, 1);
	expect_life_ended(host, 1);
	writer = writer_of(store);
	expect_empty(host);
	end_life(writer, 2);
	const struct reprise_gap gap = expect_life_ended(host, 2);

	cr_assert(is_same(gap.cursor.incarnation, cursor_at(store, 1).incarnation));
	expect_empty(host);
	reprise_subscription_close(host);
	close_store(store);
}

Test(continuous, S04_what_other_lives_had_is_one_exact_gap)
{
	struct reprise_store *store = store_with(4, 0, 0);
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *host = follow(store, cursor_at(store, 0));

	append_until(writer, 2);
	end_life(writer, 0);
	expect_events(host, 1, 2);
	expect_life_ended(host, 0);
	/* A life that the host does not look at. */
	writer = writer_of(store);
	append_until(writer, 5);
	end_life(writer, 0);
	writer = writer_of(store);
	append_until(writer, 6);
	cr_assert(eq(int, reprise_wait(host, 0), REPRISE_OK));
	const struct reprise_gap gap =
		expect_gap(host, REPRISE_GAP_TRIMMED, REPRISE_GAP_OTHER_INCARNATION);

	cr_assert(eq(u64, gap.lost_first, 3));
	cr_assert(eq(u64, gap.lost_last, 5));
	cr_assert(eq(u64, gap.lost, 3));
	cr_assert(is_same(gap.cursor.incarnation, cursor_at(store, 0).incarnation));
	cr_assert(eq(u64, gap.newest.position, 6));
	expect_event(host, 6);
	expect_empty(host);
	end_life(writer, 0);
	expect_life_ended(host, 0);
	/*
	 * And of the new life, what has left its window: of several causes that of the last
	 * position.
	 */
	writer = writer_of(store);
	append_until(writer, 7);
	end_life(writer, 0);
	writer = writer_of(store);
	append_until(writer, 13);
	expect_trimmed(host, REPRISE_GAP_CAPACITY, 7, 9);
	expect_events(host, 10, 13);
	reprise_writer_close(writer);
	reprise_subscription_close(host);
	close_store(store);
}

Test(continuous, S04_a_life_below_the_cursor_is_unavailable)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *host = follow(store, cursor_at(store, 0));

	append_until(writer, 3);
	end_life(writer, 0);
	expect_events(host, 1, 3);
	expect_life_ended(host, 0);
	evict(store);
	/* As if the store had forgotten what it remembers of windows that are gone. */
	store->past = (struct past){ 0 };
	writer = writer_of(store);
	append_until(writer, 2);
	const struct reprise_gap gap = expect_refused(host, REPRISE_GAP_OTHER_INCARNATION);

	cr_assert(eq(u64, gap.cursor.position, 0));
	cr_assert(is_same(gap.cursor.incarnation, cursor_at(store, 0).incarnation));
	expect_events(host, 1, 2);
	expect_empty(host);
	reprise_writer_close(writer);
	reprise_subscription_close(host);
	close_store(store);
}

Test(continuous, S05_an_invalidated_life_is_told_and_the_next_one_followed)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *host = follow(store, cursor_at(store, 0));

	append_until(writer, 2);
	expect_event(host, 1);
	cr_assert(eq(int, reprise_session_invalidate(store, "s"), REPRISE_OK));
	const struct reprise_gap gap = expect_refused(host, REPRISE_GAP_INVALIDATED);

	cr_assert(is_same(gap.cursor.incarnation, no_life));
	expect_empty(host);
	reprise_writer_close(writer);
	writer = writer_of(store);
	append_until(writer, 4);
	expect_events(host, 3, 4);
	expect_empty(host);
	/* And with a live window by the time that it is told. */
	cr_assert(eq(int, reprise_sessions_invalidate(store), REPRISE_OK));
	reprise_writer_close(writer);
	writer = writer_of(store);
	append_until(writer, 6);
	const struct reprise_gap other = expect_refused(host, REPRISE_GAP_INVALIDATED);

	cr_assert(eq(u64, other.cursor.position, 4));
	cr_assert(eq(u64, other.newest.position, 6));
	expect_events(host, 5, 6);
	expect_empty(host);
	reprise_writer_close(writer);
	reprise_subscription_close(host);
	close_store(store);
}

Test(continuous, S05_what_a_window_lost_before_it_was_found_is_an_exact_gap)
{
	struct reprise_store *store = store_with(4, 0, 0);
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *host = follow(store, cursor_at(store, 0));

	append_until(writer, 2);
	cr_assert(eq(int, reprise_session_invalidate(store, "s"), REPRISE_OK));
	reprise_writer_close(writer);
	expect_refused(host, REPRISE_GAP_INVALIDATED);
	writer = writer_of(store);
	append_until(writer, 10);
	expect_trimmed(host, REPRISE_GAP_CAPACITY, 3, 6);
	expect_events(host, 7, 10);
	expect_empty(host);
	reprise_writer_close(writer);
	reprise_subscription_close(host);
	close_store(store);
}

Test(continuous, S05_a_life_that_is_invalidated_after_its_end_was_told)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *host = follow(store, cursor_at(store, 0));
	struct reprise_subscription *other = follow(store, cursor_at(store, 0));

	append_until(writer, 2);
	end_life(writer, 0);
	expect_events(host, 1, 2);
	expect_life_ended(host, 0);
	cr_assert(eq(int, reprise_wait(other, 0), REPRISE_OK));
	cr_assert(eq(int, reprise_session_invalidate(store, "s"), REPRISE_OK));
	cr_assert(eq(int, reprise_wait(host, 0), REPRISE_OK));
	expect_refused(host, REPRISE_GAP_INVALIDATED);
	expect_empty(host);
	expect_refused(other, REPRISE_GAP_INVALIDATED);
	expect_empty(other);
	/* The next life is another one. */
	writer = writer_of(store);
	append_until(writer, 3);
	expect_event(host, 3);
	expect_event(other, 3);
	end_life(writer, 0);
	expect_life_ended(host, 0);
	expect_life_ended(other, 0);
	/* Told also if the next life is there by then. */
	cr_assert(eq(int, reprise_session_invalidate(store, "s"), REPRISE_OK));
	writer = writer_of(store);
	append_until(writer, 4);
	const struct reprise_gap gap = expect_refused(host, REPRISE_GAP_INVALIDATED);

	cr_assert(eq(u64, gap.cursor.position, 3));
	expect_event(host, 4);
	end_life(writer, 0);
	expect_life_ended(host, 0);
	/* A window that was evicted is not declared void. */
	reprise_subscription_close(other);
	evict(store);
	cr_assert(eq(int, reprise_session_invalidate(store, "s"), REPRISE_OK));
	expect_empty(host);
	writer = writer_of(store);
	cr_assert(eq(int, reprise_session_invalidate(store, "s"), REPRISE_OK));
	expect_empty(host);
	reprise_writer_close(writer);
	reprise_subscription_close(host);
	close_store(store);
}

Test(continuous, S06_a_session_that_does_not_exist_yet_is_waited_for)
{
	struct reprise_store *store = store_plain();
	struct reprise_subscription *host = follow(store, nothing_seen());
	struct reprise_subscription *late = follow(store, nothing_seen());

	expect_empty(host);
	cr_assert(eq(int, reprise_wait(host, 0), REPRISE_E_TIMEOUT));
	struct reprise_writer *writer = writer_of(store);

	expect_empty(host);
	cr_assert(is_same(where(host).incarnation, cursor_at(store, 0).incarnation));
	append_until(writer, 2);
	expect_events(host, 1, 2);
	/* It had not been asked before the session came. */
	expect_events(late, 1, 2);
	expect_empty(late);
	reprise_subscription_close(late);
	reprise_subscription_close(host);
	reprise_writer_close(writer);
	close_store(store);
}

Test(continuous, S06_who_has_seen_nothing_begins_before_the_window)
{
	struct reprise_store *store = store_with(4, 0, 0);
	struct reprise_writer *writer = writer_of(store);

	append_until(writer, 3);
	end_life(writer, 0);
	writer = writer_of(store);
	struct reprise_subscription *early = follow(store, nothing_seen());

	append_until(writer, 9);
	struct reprise_subscription *host = follow(store, nothing_seen());

	expect_trimmed(host, REPRISE_GAP_CAPACITY, 4, 5);
	expect_events(host, 6, 9);
	expect_trimmed(early, REPRISE_GAP_CAPACITY, 4, 5);
	reprise_subscription_close(host);
	reprise_subscription_close(early);
	reprise_writer_close(writer);
	close_store(store);
}

Test(continuous, S06_a_cursor_of_no_life_is_refused_otherwise)
{
	struct reprise_store *store = store_plain();
	struct reprise_cursor cursor = nothing_seen();
	struct reprise_subscription *plain = resubscribed(store, &cursor);

	expect_unavailable(plain, REPRISE_GAP_UNKNOWN_SESSION);
	reprise_subscription_close(plain);
	/* At another position than 0 it is no such cursor. */
	cursor.position = 1;
	struct reprise_subscription *host = follow(store, cursor);

	expect_refused(host, REPRISE_GAP_UNKNOWN_SESSION);
	expect_empty(host);
	reprise_subscription_close(host);
	struct reprise_writer *writer = writer_of(store);

	append_until(writer, 2);
	host = follow(store, cursor);
	expect_refused(host, REPRISE_GAP_OTHER_INCARNATION);
	expect_events(host, 1, 2);
	reprise_subscription_close(host);
	reprise_writer_close(writer);
	close_store(store);
}

/* Every first judgement that refuses: the usual gap, then on from its cursor. */
Test(continuous, S05_a_refused_cursor_goes_on_where_its_gap_says)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_cursor cursor;

	append_until(writer, 2);
	end_life(writer, 0);
	writer = writer_of(store);
	append_until(writer, 4);
	cursor = cursor_at(store, 4);
	cursor.position = 9;
	struct reprise_subscription *ahead = follow(store, cursor);

	cursor.position = 1;
	struct reprise_subscription *below = follow(store, cursor);

	cursor.incarnation.bytes[0] ^= 1;
	struct reprise_subscription *other = follow(store, cursor);

	memcpy(cursor.session_id, "n", 2);
	struct reprise_subscription *unknown = follow(store, cursor);

	expect_refused(ahead, REPRISE_GAP_AHEAD);
	expect_refused(below, REPRISE_GAP_BEFORE_WINDOW);
	expect_refused(other, REPRISE_GAP_OTHER_INCARNATION);
	expect_refused(unknown, REPRISE_GAP_UNKNOWN_SESSION);
	expect_events(ahead, 3, 4);
	expect_events(below, 3, 4);
	expect_events(other, 3, 4);
	expect_empty(ahead);
	expect_empty(below);
	expect_empty(other);
	expect_empty(unknown);
	reprise_subscription_close(ahead);
	reprise_subscription_close(below);
	reprise_subscription_close(other);
	reprise_subscription_close(unknown);
	reprise_writer_close(writer);
	close_store(store);
}

static struct reprise_subscription *
resume(struct reprise_store *store, struct reprise_cursor cursor, uint64_t durable_revision)
{
	struct reprise_subscription *subscription = NULL;

	cr_assert(eq(int,
		     reprise_resume_after(store, &cursor, durable_revision, &continuous,
					  &subscription, NULL),
		     REPRISE_OK));
	return subscription;
}

Test(continuous, S05_the_durable_revision_is_judged_once)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);

	append_event(writer, 3, 0, REPRISE_EVENT_COMMIT, "three");
	append_event(writer, 5, 0, 0, "five");
	/* Behind: no COMMIT of 4 is there. */
	struct reprise_subscription *behind = resume(store, cursor_at_revision(store, 0, 2), 4);
	struct reprise_gap gap = expect_refused(behind, REPRISE_GAP_BEHIND_DURABLE);

	cr_assert(eq(u64, gap.cursor.revision, 4));
	expect_text(behind, "three");
	expect_text(behind, "five");
	expect_empty(behind);
	/* Ahead of it: told at any rate. */
	struct reprise_subscription *ahead = resume(store, cursor_at_revision(store, 0, 7), 4);

	expect_refused(ahead, REPRISE_GAP_AHEAD);
	expect_text(ahead, "three");
	struct reprise_cursor nothing = nothing_seen();

	nothing.revision = 9;
	struct reprise_subscription *none = resume(store, nothing, 4);

	gap = expect_refused(none, REPRISE_GAP_AHEAD);
	cr_assert(eq(u64, gap.cursor.revision, 4));
	reprise_subscription_close(none);
	/* A host that has seen nothing is judged by the window's events, if there is a window. */
	nothing.revision = 0;
	none = resume(store, nothing, 3);
	expect_text(none, "three");
	reprise_subscription_close(none);
	none = resume(store, nothing, 4);
	expect_refused(none, REPRISE_GAP_BEHIND_DURABLE);
	expect_text(none, "three");
	reprise_subscription_close(none);
	/* A later gap carries the revision that was reached. */
	cr_assert(eq(int, reprise_session_invalidate(store, "s"), REPRISE_OK));
	gap = expect_refused(behind, REPRISE_GAP_INVALIDATED);
	cr_assert(eq(u64, gap.cursor.revision, 5));
	reprise_subscription_close(behind);
	reprise_subscription_close(ahead);
	reprise_writer_close(writer);
	none = resume(store, nothing, 4);
	expect_empty(none);
	reprise_subscription_close(none);
	close_store(store);
}

Test(continuous, S02_a_filter_passes_from_life_to_life)
{
	static const uint16_t wanted[] = { 7 };
	struct reprise_subscription_options options = continuous;
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_cursor cursor = cursor_at(store, 0);
	struct reprise_subscription *host = NULL;
	struct reprise_subscription_stats stats = REPRISE_SUBSCRIPTION_STATS_INIT;

	options.kinds = wanted;
	options.kinds_count = 1;
	cr_assert(eq(int, reprise_subscribe_after(store, &cursor, &options, &host, NULL),
		     REPRISE_OK));
	append_event(writer, 0, 1, 0, "one");
	end_life(writer, 0);
	expect_life_ended(host, 0);
	writer = writer_of(store);
	append_event(writer, 0, 1, 0, "two");
	expect_empty(host);
	cr_assert(eq(u64, where(host).position, 2));
	cr_assert(is_same(where(host).incarnation, cursor_at(store, 0).incarnation));
	append_event(writer, 0, 7, 0, "three");
	expect_text(host, "three");
	cr_assert(eq(int, reprise_subscription_stats(host, &stats), REPRISE_OK));
	cr_assert(eq(u64, stats.filtered, 2));
	reprise_subscription_close(host);
	reprise_writer_close(writer);
	close_store(store);
}

/* --- the three ways of waiting ---------------------------------------------------------------- */

struct waiting_host {
	struct reprise_subscription *subscription;
	reprise_status status;
};

static void *
wait_long(void *argument)
{
	struct waiting_host *const host = argument;

	host->status = reprise_wait(host->subscription, 20 * one_second);
	return NULL;
}

static bool
is_readable(int descriptor, int timeout_ms)
{
	struct pollfd poll_descriptor = { .fd = descriptor, .events = POLLIN };

	return poll(&poll_descriptor, 1, timeout_ms) == 1;
}

static void
post(struct reprise_subscription *subscription, void *context)
{
	(void)subscription;
	sem_post(context);
}

static bool
is_posted(sem_t *semaphore)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 20;
	return sem_timedwait(semaphore, &until) == 0;
}

/* Until a thread sleeps in a wait of @subscription: it has looked by then. */
static void
await_sleep(struct reprise_subscription *subscription, uint64_t sleeps)
{
	struct reprise_subscription_stats stats = REPRISE_SUBSCRIPTION_STATS_INIT;

	do
		cr_assert(eq(int, reprise_subscription_stats(subscription, &stats), REPRISE_OK));
	while (stats.sleeps < sleeps);
}

Test(continuous, S07_each_way_of_waiting_is_told_that_a_life_begins)
{
	struct reprise_store *store = store_plain();
	struct waiting_host hosts[2] = {
		{ .subscription = follow(store, nothing_seen()) },
		{ .subscription = follow(store, nothing_seen()) },
	};
	struct reprise_subscription *polled = follow(store, nothing_seen());
	struct reprise_subscription *called = follow(store, nothing_seen());
	pthread_t threads[2];
	sem_t calls;
	int descriptor = -1;

	sem_init(&calls, 0, 0);
	cr_assert(eq(int, reprise_subscription_fd(polled, &descriptor, NULL), REPRISE_OK));
	cr_assert(eq(int, is_readable(descriptor, 0), false));
	cr_assert(eq(int, reprise_subscription_notify(called, post, &calls, NULL), REPRISE_OK));
	expect_empty(polled);
	/* Two that sleep: one of them on the lobby's epoch, the other in its list. */
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, wait_long, &hosts[i]);
	for (int i = 0; i < 2; i++)
		await_sleep(hosts[i].subscription, 1);
	struct reprise_writer *writer = writer_of(store);

	append_until(writer, 1);
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		cr_assert(eq(int, hosts[i].status, REPRISE_OK));
		expect_event(hosts[i].subscription, 1);
		expect_empty(hosts[i].subscription);
	}
	cr_assert(is_readable(descriptor, 20000));
	expect_event(polled, 1);
	expect_empty(polled);
	cr_assert(eq(int, is_readable(descriptor, 0), false));
	cr_assert(is_posted(&calls));
	expect_event(called, 1);
	expect_empty(called);

	/* In the window it is told of events as any other, and of the end. */
	append_until(writer, 2);
	cr_assert(is_readable(descriptor, 20000));
	expect_event(polled, 2);
	expect_empty(polled);
	while (sem_trywait(&calls) == 0)
		;
	end_life(writer, 3);
	cr_assert(is_readable(descriptor, 20000));
	expect_life_ended(polled, 3);
	expect_empty(polled);
	cr_assert(eq(int, is_readable(descriptor, 0), false));

	/* And of the next life. */
	writer = writer_of(store);
	append_until(writer, 3);
	cr_assert(is_readable(descriptor, 20000));
	expect_event(polled, 3);
	reprise_writer_close(writer);
	for (int i = 0; i < 2; i++)
		reprise_subscription_close(hosts[i].subscription);
	reprise_subscription_close(polled);
	reprise_subscription_close(called);
	sem_destroy(&calls);
	close_store(store);
}

Test(continuous, S07_a_host_that_looks_once_at_a_time_finds_its_descriptor_readable)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *host = follow(store, cursor_at(store, 0));
	int descriptor = -1;

	cr_assert(eq(int, reprise_subscription_fd(host, &descriptor, NULL), REPRISE_OK));
	expect_empty(host);
	/* Its hand is up in the window that it leaves. */
	append_until(writer, 1);
	end_life(writer, 0);
	expect_event(host, 1);
	cr_assert(is_readable(descriptor, 20000));
	expect_life_ended(host, 0);
	writer = writer_of(store);
	append_until(writer, 3);
	cr_assert(is_readable(descriptor, 20000));
	expect_event(host, 2);
	cr_assert(is_readable(descriptor, 0));
	expect_event(host, 3);
	cr_assert(is_readable(descriptor, 0));
	expect_empty(host);
	cr_assert(eq(int, is_readable(descriptor, 0), false));
	reprise_writer_close(writer);
	reprise_subscription_close(host);
	close_store(store);
}

Test(continuous, S07_a_wait_in_the_lobby_is_interrupted)
{
	struct reprise_store *store = store_plain();
	struct waiting_host host = { .subscription = follow(store, nothing_seen()) };
	pthread_t thread;

	pthread_create(&thread, NULL, wait_long, &host);
	await_sleep(host.subscription, 1);
	cr_assert(eq(int, reprise_subscription_interrupt(host.subscription), REPRISE_OK));
	pthread_join(thread, NULL);
	cr_assert(eq(int, host.status, REPRISE_E_INTERRUPTED));
	expect_empty(host.subscription);
	reprise_subscription_close(host.subscription);
	close_store(store);
}

Test(continuous, S07_a_wait_in_the_lobby_may_be_cancelled)
{
	struct reprise_store *store = store_plain();
	struct waiting_host host = { .subscription = follow(store, nothing_seen()) };
	pthread_t thread;
	void *result = NULL;

	if (IS_UNWINDING_UNKNOWN)
		cr_skip_test("AddressSanitizer does not follow the cancelled thread");
	pthread_create(&thread, NULL, wait_long, &host);
	await_sleep(host.subscription, 1);
	pthread_cancel(thread);
	pthread_join(thread, &result);
	cr_assert(eq(ptr, result, PTHREAD_CANCELED));
	struct reprise_writer *writer = writer_of(store);

	append_until(writer, 1);
	expect_event(host.subscription, 1);
	reprise_subscription_close(host.subscription);
	reprise_writer_close(writer);
	close_store(store);
}

/* Over the end of one life and into the next, with a descriptor. */
struct crossing {
	struct reprise_store *store;
	struct reprise_subscription *host;
	uint64_t events, gaps;
};

static void
cross(void *argument)
{
	struct crossing *const crossing = argument;
	const struct reprise_cursor cursor = nothing_seen();
	struct reprise_writer *writer = NULL;
	struct reprise_event event;
	struct reprise_gap gap;
	int descriptor = -1;

	if (reprise_subscribe_after(crossing->store, &cursor, &continuous, &crossing->host, NULL) !=
		    REPRISE_OK ||
	    reprise_subscription_fd(crossing->host, &descriptor, NULL) != REPRISE_OK)
		abort();
	for (int life = 0; life < 2; life++) {
		if (reprise_writer_open(crossing->store, "s", NULL, &writer, NULL) != REPRISE_OK ||
		    reprise_append(writer, 0, 0, 0, (struct reprise_bytes){ "x", 1 }, NULL) !=
			    REPRISE_OK ||
		    reprise_writer_end(writer, 0) != REPRISE_OK)
			abort();
		reprise_writer_close(writer);
		for (reprise_outcome found; (found = reprise_next(crossing->host, &event, &gap,
								  NULL)) != REPRISE_NEXT_EMPTY;)
			if (found == REPRISE_NEXT_EVENT)
				crossing->events++;
			else
				crossing->gaps++;
	}
	reprise_subscription_close(crossing->host);
}

Test(continuous, S07_to_go_on_is_no_cancellation_point)
{
	struct crossing crossing = { .store = store_plain() };

	expect_uncancelled(cross, &crossing, "going on");
	cr_assert(eq(u64, crossing.events, 2));
	cr_assert(eq(u64, crossing.gaps, 2));
	close_store(crossing.store);
}

Test(continuous, S07_in_a_store_that_defers_it_waits_for_the_first_session)
{
	const struct reprise_store_options options = { .size = sizeof(options),
						       .wake = REPRISE_WAKE_DEFERRED };
	struct reprise_store *store = NULL;
	int descriptor = -1;

	for (int is_created = 0; is_created < 2; is_created++) {
		cr_assert(eq(int, reprise_store_open(&options, &store, NULL), REPRISE_OK));
		struct reprise_subscription *host = follow(store, nothing_seen());

		cr_assert(eq(int, reprise_subscription_fd(host, &descriptor, NULL), REPRISE_OK));
		if (is_created) {
			struct reprise_writer *writer = writer_of(store);

			append_until(writer, 1);
			cr_assert(is_readable(descriptor, 20000));
			expect_event(host, 1);
			reprise_writer_close(writer);
		}
		reprise_subscription_close(host);
		close_store(store);
	}
}

Test(continuous, S07_a_window_without_a_writer_is_a_life)
{
	struct reprise_store *store = store_plain();
	struct reprise_subscription *host = follow(store, nothing_seen());
	int descriptor = -1;

	cr_assert(eq(int, reprise_subscription_fd(host, &descriptor, NULL), REPRISE_OK));
	const struct reprise_cursor cursor = cursor_at(store, 0);

	cr_assert(is_readable(descriptor, 0), "rung at once, by the creator");
	expect_empty(host);
	cr_assert(is_same(where(host).incarnation, cursor.incarnation));
	cr_assert(eq(u64, stats_of_s(store).subscriptions, 1));
	reprise_subscription_close(host);
	close_store(store);
}

Test(continuous, S07_only_those_that_wait_for_the_session_are_rung)
{
	struct reprise_store *store = store_plain();
	struct reprise_cursor cursor = nothing_seen();
	struct reprise_subscription *hosts[3];
	int descriptors[3];

	for (int i = 0; i < 3; i++) {
		if (i == 2)
			memcpy(cursor.session_id, "other", 6);
		hosts[i] = follow(store, cursor);
		cr_assert(eq(int, reprise_subscription_fd(hosts[i], &descriptors[i], NULL),
			     REPRISE_OK));
	}
	struct reprise_writer *writer = writer_of(store);

	cr_assert(is_readable(descriptors[0], 0));
	cr_assert(is_readable(descriptors[1], 0));
	cr_assert(eq(int, is_readable(descriptors[2], 0), false));
	/* A subscription that is closed while it waits is in no list any more. */
	reprise_subscription_close(hosts[2]);
	reprise_writer_close(writer);
	cr_assert(eq(int, reprise_writer_open(store, "other", NULL, &writer, NULL), REPRISE_OK));
	reprise_writer_close(writer);
	reprise_subscription_close(hosts[0]);
	reprise_subscription_close(hosts[1]);
	close_store(store);
}

/* --- without memory --------------------------------------------------------------------------- */

static atomic_bool is_refusing;
static atomic_uint refusals;

static void *
map_or_refuse(void *context, size_t bytes)
{
	(void)context;
	if (atomic_load(&is_refusing)) {
		atomic_fetch_add(&refusals, 1);
		return NULL;
	}
	void *const pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return pages == MAP_FAILED ? NULL : pages;
}

static void
unmap(void *context, void *pages, size_t bytes)
{
	(void)context;
	munmap(pages, bytes);
}

/*
 * So large windows that each takes pages of its own, and so does what a subscription copies into.
 */
static struct reprise_store *
store_that_may_refuse(reprise_wake wake)
{
	const struct reprise_allocator allocator = { .map = map_or_refuse, .unmap = unmap };
	const struct reprise_session_options session = { .size = sizeof(session),
							 .bytes_max = UINT64_C(64) << 20 };
	const struct reprise_store_options options = { .size = sizeof(options),
						       .session = &session,
						       .allocator = &allocator,
						       .sessions_max = 1,
						       .wake = wake };
	struct reprise_store *store = NULL;

	atomic_store(&is_refusing, false);
	cr_assert(eq(int, reprise_store_open(&options, &store, NULL), REPRISE_OK));
	return store;
}

static void
expect_that_it_tries_again(reprise_wake wake)
{
	struct reprise_store *store = store_that_may_refuse(wake);
	struct reprise_subscription *host = follow(store, nothing_seen());
	struct reprise_subscription *called = follow(store, nothing_seen());
	struct reprise_writer *writer = writer_of(store), *other = NULL;
	struct reprise_subscription_stats stats = REPRISE_SUBSCRIPTION_STATS_INIT;
	sem_t calls;
	int descriptor = -1;

	sem_init(&calls, 0, 0);
	append_until(writer, 2);
	end_life(writer, 4);
	atomic_store(&is_refusing, true);
	expect_empty(host);
	/* It holds the window, so that no other session takes its place. */
	cr_assert(eq(u64, stats_of_s(store).subscriptions, 1));
	cr_assert(eq(int, reprise_writer_open(store, "other", NULL, &other, NULL), REPRISE_E_FULL));
	atomic_store(&refusals, 0);
	cr_assert(eq(int, reprise_wait(host, 100000000), REPRISE_E_TIMEOUT));
	cr_assert(ge(uint, atomic_load(&refusals), 4), "a wait looks every 10 ms");
	cr_assert(eq(int, reprise_subscription_stats(host, &stats), REPRISE_OK));
	cr_assert(ge(u64, stats.sleeps, 4));
	cr_assert(eq(int, reprise_subscription_fd(host, &descriptor, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_subscription_notify(called, post, &calls, NULL), REPRISE_OK));
	for (int i = 0; i < 3; i++) {
		cr_assert(is_readable(descriptor, 20000));
		expect_empty(host);
		cr_assert(is_posted(&calls));
		expect_empty(called);
	}
	atomic_store(&is_refusing, false);
	cr_assert(is_readable(descriptor, 20000));
	expect_events(host, 1, 2);
	expect_life_ended(host, 4);
	expect_empty(host);
	cr_assert(is_posted(&calls));
	expect_events(called, 1, 2);
	/* Without memory a life ends, or becomes void, as with it. */
	writer = writer_of(store);
	append_until(writer, 3);
	atomic_store(&is_refusing, true);
	expect_empty(host);
	cr_assert(eq(int, reprise_session_invalidate(store, "s"), REPRISE_OK));
	cr_assert(is_readable(descriptor, 20000));
	expect_refused(host, REPRISE_GAP_INVALIDATED);
	expect_empty(host);
	atomic_store(&is_refusing, false);
	reprise_writer_close(writer);
	reprise_subscription_close(called);
	reprise_subscription_close(host);
	sem_destroy(&calls);
	close_store(store);
}

Test(continuous, S07_without_memory_it_holds_the_window_and_tries_again)
{
	expect_that_it_tries_again(REPRISE_WAKE_RELAY);
}

Test(continuous, S07_without_memory_it_tries_again_in_a_store_that_defers)
{
	expect_that_it_tries_again(REPRISE_WAKE_DEFERRED);
}

Test(continuous, S07_without_memory_nothing_is_opened)
{
	struct reprise_store *store = store_that_may_refuse(REPRISE_WAKE_RELAY);
	const struct reprise_cursor cursor = nothing_seen();
	struct reprise_subscription *host = NULL;
	struct reprise_store_stats stats = REPRISE_STORE_STATS_INIT;

	atomic_store(&is_refusing, true);
	cr_assert(eq(int, reprise_subscribe_after(store, &cursor, &continuous, &host, NULL),
		     REPRISE_E_NO_MEMORY));
	cr_assert(eq(ptr, host, NULL));
	cr_assert(eq(int, reprise_store_stats(store, &stats), REPRISE_OK));
	cr_assert(eq(u64, stats.subscriptions, 0));
	atomic_store(&is_refusing, false);
	host = follow(store, cursor);
	expect_empty(host);
	reprise_subscription_close(host);
	close_store(store);
}

Test(continuous, S06_a_life_that_is_found_late_has_lost_what_is_too_old)
{
	const struct reprise_session_options aging = { .size = sizeof(aging),
						       .age_ns_max = 1000000000 };
	struct reprise_store *store = store_plain();
	struct reprise_subscription *subscription;
	struct reprise_writer *writer = NULL;

	cr_assert(eq(int, reprise_stamp_set(store, 1000000000), REPRISE_OK));
	subscription = follow(store, nothing_seen());
	cr_assert(eq(int, reprise_writer_open(store, "s", &aging, &writer, NULL), REPRISE_OK));
	append_text(writer, "old");
	cr_assert(eq(int, reprise_stamp_set(store, 5000000000), REPRISE_OK));
	append_text(writer, "new");
	const struct reprise_gap gap =
		expect_gap(subscription, REPRISE_GAP_TRIMMED, REPRISE_GAP_AGE);

	cr_assert(eq(u64, gap.lost_first, 1));
	cr_assert(eq(u64, gap.lost_last, 1));
	expect_text(subscription, "new");
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}
