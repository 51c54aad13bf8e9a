/* SPDX-License-Identifier: MIT */
#include "support.h"

SUITE(where);

static reprise_position
current_at(struct reprise_store *store, uint64_t revision)
{
	struct reprise_cursor cursor;

	cr_assert(
		eq(int, reprise_session_current_cursor(store, "s", revision, &cursor), REPRISE_OK));
	if (revision != REPRISE_REVISION_UNKNOWN)
		cr_assert(eq(u64, cursor.revision, revision), "it carries the given one");
	return cursor.position;
}

Test(where, A22_current_stands_before_the_first_greater_revision)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	const uint64_t revisions[] = { 1, 1, 3, 2, 5, 5, 4 };

	cr_assert(eq(u64, current_at(store, 0), 0));
	for (size_t i = 0; i < 7; i++)
		append_event(writer, revisions[i], 0, 0, "x");
	cr_assert(eq(u64, current_at(store, 0), 0));
	cr_assert(eq(u64, current_at(store, 1), 2));
	cr_assert(eq(u64, current_at(store, 2), 2));
	cr_assert(eq(u64, current_at(store, 3), 4));
	cr_assert(eq(u64, current_at(store, 4), 4));
	cr_assert(eq(u64, current_at(store, 5), 7));
	cr_assert(eq(u64, current_at(store, UINT64_MAX), 7));
	reprise_writer_close(writer);
	close_store(store);
}

/* Against a search that looks at every event, for every revision and every oldest. */
Test(where, A22_current_agrees_with_a_plain_search)
{
	enum {
		EVENTS = 40
	};
	uint64_t revisions[EVENTS + 1];
	uint32_t random = 7;

	for (uint64_t capacity = 1; capacity <= EVENTS; capacity++) {
		struct reprise_store *store = store_with(capacity, 0, 0);
		struct reprise_writer *writer = writer_of(store);

		for (size_t i = 1; i <= EVENTS; i++) {
			random = random * 1664525u + 1013904223u;
			revisions[i] = (random >> 20) % 10 + i / 8;
			append_event(writer, revisions[i], 0, 0, "x");
		}
		for (uint64_t revision = 0; revision < 20; revision++) {
			const reprise_position oldest = EVENTS - capacity + 1;
			reprise_position expected = EVENTS;

			for (reprise_position i = EVENTS; i >= oldest; i--)
				if (revisions[i] > revision)
					expected = i - 1;
			for (reprise_position i = 1; i < oldest; i++)
				if (revisions[i] > revision)
					expected = 0;
			cr_assert(eq(u64, current_at(store, revision), expected));
		}
		reprise_writer_close(writer);
		close_store(store);
	}
}

Test(where, A22_a_greater_revision_that_has_left_is_never_skipped)
{
	struct reprise_store *store = store_with(3, 0, 0);
	struct reprise_writer *writer = writer_of(store);

	append_event(writer, 9, 0, 0, "commit 9 is about to leave");
	for (int i = 0; i < 3; i++)
		append_event(writer, 1, 0, 0, "x");
	cr_assert(eq(u64, current_at(store, 8), 0));
	cr_assert(eq(u64, current_at(store, 9), 4));
	struct reprise_subscription *subscription = subscribed_after(store, current_at(store, 8));

	expect_trimmed(subscription, REPRISE_GAP_CAPACITY, 1, 1);
	reprise_subscription_close(subscription);

	/* Trimmed is as gone as displaced, also when nothing is retained. */
	cr_assert(eq(int, reprise_session_trim_to(store, "s", 4), REPRISE_OK));
	cr_assert(eq(u64, current_at(store, 8), 0));
	cr_assert(eq(u64, current_at(store, 9), 4));
	reprise_writer_close(writer);
	close_store(store);
}

Test(where, A22_a_later_life_begins_at_its_own_beginning)
{
	struct reprise_store *store = store_with(1, 0, 0);
	struct reprise_writer *writer = writer_of(store);

	append_until(writer, 4);
	cr_assert(eq(int, reprise_writer_end(writer, 0), REPRISE_OK));
	reprise_writer_close(writer);
	writer = writer_of(store);
	cr_assert(eq(u64, current_at(store, 0), 4));
	append_event(writer, 9, 0, 0, "x");
	append_event(writer, 1, 0, 0, "x");
	cr_assert(eq(u64, current_at(store, 5), 4), "the window's first position - 1");
	reprise_writer_close(writer);
	close_store(store);
}

Test(where, A23_earliest_stands_before_everything_retained)
{
	struct reprise_store *store = store_with(3, 0, 0);
	struct reprise_cursor cursor;

	cr_assert(eq(int, reprise_session_create(store, "s", NULL, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_session_earliest_cursor(store, "s", 5, &cursor), REPRISE_OK));
	cr_assert(eq(u64, cursor.position, 0));
	cr_assert(eq(u64, cursor.revision, 5));
	struct reprise_subscription *subscription = resubscribed(store, &cursor);
	struct reprise_writer *writer = writer_of(store);

	append_text(writer, "valid at once");
	expect_text(subscription, "valid at once");
	append_until(writer, 5);
	cr_assert(eq(int, reprise_session_earliest_cursor(store, "s", 0, &cursor), REPRISE_OK));
	cr_assert(eq(u64, cursor.position, 2));
	cr_assert(eq(int, reprise_session_trim_to(store, "s", 5), REPRISE_OK));
	cr_assert(eq(int, reprise_session_earliest_cursor(store, "s", 0, &cursor), REPRISE_OK));
	cr_assert(eq(u64, cursor.position, 5));
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

/* A cursor that carried it would be ahead of every durable state. */
Test(where, L25_no_cursor_carries_the_revision_that_is_unknown)
{
	struct reprise_store *store = store_with(4, 0, 0);
	struct reprise_writer *writer = writer_of(store);
	const uint64_t revisions[] = { 1, 6, 3, 2, 5, 9, 4, 9, 8 };
	struct reprise_subscription *subscription = NULL;
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_cursor cursor;
	uint64_t most = 0;

	for (size_t i = 0; i < 9; i++) {
		cr_assert(eq(int,
			     reprise_session_current_cursor(store, "s", REPRISE_REVISION_UNKNOWN,
							    &cursor),
			     REPRISE_OK));
		cr_assert(eq(u64, cursor.position, i));
		cr_assert(eq(u64, cursor.revision, most));
		append_event(writer, revisions[i], 0, 0, "x");
		most = most < revisions[i] ? revisions[i] : most;
	}
	/* Positions 1 to 5 have left: the greatest of theirs is 6. */
	cr_assert(eq(int,
		     reprise_session_earliest_cursor(store, "s", REPRISE_REVISION_UNKNOWN, &cursor),
		     REPRISE_OK));
	cr_assert(eq(u64, cursor.position, 5));
	cr_assert(eq(u64, cursor.revision, 6));
	cr_assert(eq(int,
		     reprise_resume_after(store, &cursor, REPRISE_REVISION_UNKNOWN, NULL,
					  &subscription, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "durable_revision"));
	cr_assert(eq(ptr, subscription, NULL));
	reprise_writer_close(writer);
	close_store(store);
}
