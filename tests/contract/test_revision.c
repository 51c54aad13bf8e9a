/* SPDX-License-Identifier: MIT */
/* C11 positions for revisions, and commits. */
#include "contract.h"

static void
append_revision(struct reprise_log *log, uint64_t revision, uint16_t flags)
{
	const struct reprise_log_new_entry entry = event_of(revision, flags);

	cr_assert(eq(int, reprise_log_append(log, &k, NULL, &entry, 1, NULL, NULL), REPRISE_OK));
}

Test(contract, C11_a_position_is_just_before_what_is_newer)
{
	struct reprise_log *const log = contract_open();
	const uint64_t revisions[] = { 0, 0, 1, 1, 3, 3, 3, 7 };

	for (size_t i = 0; i < 8; i++)
		append_revision(log, revisions[i], 0);
	cr_assert(eq(u64, position_for(log, 0), 2));
	cr_assert(eq(u64, position_for(log, 1), 4));
	cr_assert(eq(u64, position_for(log, 2), 4));
	cr_assert(eq(u64, position_for(log, 3), 7));
	cr_assert(eq(u64, position_for(log, 6), 7));
	cr_assert(eq(u64, position_for(log, 7), 8));
	cr_assert(eq(u64, position_for(log, UINT64_MAX), 8));
	cr_assert(eq(u64, stats_of(log, &k).revision_max, 7));
	close_log(log);
}

Test(contract, C11_revisions_have_all_64_bits_in_order)
{
	struct reprise_log *const log = contract_open();
	const uint64_t revisions[] = { 1, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX - 2,
				       UINT64_MAX - 1 };

	for (size_t i = 0; i < 5; i++)
		append_revision(log, revisions[i], REPRISE_EVENT_COMMIT);
	cr_assert(eq(u64, position_for(log, 0), 0));
	for (size_t i = 0; i < 5; i++) {
		cr_assert(eq(u64, position_for(log, revisions[i]), i + 1));
		cr_assert(eq(u64, position_for(log, revisions[i] - 1), i));
	}
	cr_assert(has_commit(log, 4, UINT64_MAX - 1));
	cr_assert(not(has_commit(log, 5, 0)));
	cr_assert(eq(u64, stats_of(log, &k).revision_max, UINT64_MAX - 1));
	close_log(log);
}

/* Against a look at everything, for revisions in any order. */
Test(contract, C11_revisions_out_of_order_are_found_as_by_looking)
{
	enum {
		COUNT = 300
	};
	struct reprise_log *const log = contract_open();
	struct reprise_log_new_entry entries[COUNT];
	uint64_t random = 1;

	for (size_t i = 0; i < COUNT; i++) {
		random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
		entries[i] = event_of((random >> 33) % 40,
				      (random >> 20) % 4 == 0 ? REPRISE_EVENT_COMMIT : 0);
	}
	/* In several calls. */
	for (size_t i = 0; i < COUNT; i += 30)
		cr_assert(eq(int, reprise_log_append(log, &k, NULL, entries + i, 30, NULL, NULL),
			     REPRISE_OK));
	for (uint64_t revision = 0; revision <= 40; revision++) {
		size_t first = 0;

		while (first < COUNT && entries[first].revision <= revision)
			first++;
		cr_assert(eq(u64, position_for(log, revision), first));
		for (size_t after = 0; after <= COUNT; after += 7) {
			bool has = false;

			for (size_t i = after; i < COUNT && !has; i++)
				has = entries[i].flags == REPRISE_EVENT_COMMIT &&
				      entries[i].revision >= revision;
			cr_assert(eq(int, has_commit(log, after, revision), has));
		}
	}
	close_log(log);
}

Test(contract, C11_a_commit_comes_after_an_ordinal_or_does_not)
{
	struct reprise_log *const log = contract_open();

	append_revision(log, 5, REPRISE_EVENT_COMMIT);
	append_revision(log, 6, 0);
	append_revision(log, 6, REPRISE_EVENT_COMMIT);
	append_revision(log, 9, 0);
	cr_assert(has_commit(log, 0, 5));
	cr_assert(has_commit(log, 0, 6));
	cr_assert(has_commit(log, 2, 6));
	cr_assert(has_commit(log, 2, 0));
	cr_assert(not(has_commit(log, 3, 0)));
	cr_assert(not(has_commit(log, 0, 7)));
	cr_assert(not(has_commit(log, UINT64_MAX, 0)));
	close_log(log);
}

Test(contract, C11_what_is_archived_is_no_commit_and_a_position_all_the_same)
{
	struct reprise_log *log = contract_open();

	append_revision(log, 1, 0);
	append_revision(log, 2, REPRISE_EVENT_COMMIT);
	append_revision(log, 3, 0);
	append_revision(log, 1, REPRISE_EVENT_COMMIT);
	cr_assert(eq(int, reprise_log_archive_before(log, &k, 3, NULL, NULL), REPRISE_OK));
	for (int i = 0; i < 2; i++) {
		/* A subscription that stands there is told that the next events are archived. */
		cr_assert(eq(u64, position_for(log, 0), 0));
		/*
		 * Once the row of ordinal 3 is away, which events had a revision above 2
		 * is not known.
		 */
		cr_assert(eq(u64, position_for(log, 2), i == 0 ? 2 : 0));
		cr_assert(eq(u64, position_for(log, 3), 4));
		cr_assert(not(has_commit(log, 0, 2)));
		cr_assert(has_commit(log, 0, 1));
		cr_assert(eq(int, reprise_log_move_archived(log, &k, NULL, NULL), REPRISE_OK));
		close_log(log);
		log = contract_open();
	}
	cr_assert(eq(int, reprise_log_archive_before(log, &k, 4, NULL, NULL), REPRISE_OK));
	cr_assert(not(has_commit(log, 0, 0)));
	/* The greatest is known although its event is away. */
	append_revision(log, 3, 0);
	cr_assert(eq(u64, stats_of(log, &k).revision_max, 3));
	cr_assert(eq(u64, position_for(log, 2), 0));
	cr_assert(eq(u64, position_for(log, 3), 5));
	close_log(log);
}

static void
record_revision(struct reprise_log *log, unsigned char life, reprise_ordinal at, uint64_t revision)
{
	struct reprise_log_new_entry entry = event_of(revision, 0);

	cr_assert(eq(int,
		     write_one(log, &(struct log_write){ .type = LOG_RECORD,
							 .incarnation = life_name(life),
							 .first = at,
							 .entries = &entry,
							 .entries_count = 1 }),
		     REPRISE_OK));
}

/* Events lost in a gap may have been newer: no subscription is put behind the gap untold. */
Test(contract, C11_a_position_is_not_just_behind_a_gap)
{
	struct reprise_log *const log = contract_open();

	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	record_revision(log, 1, 1, 1);
	cr_assert(eq(int, record_gap(log, 1, 2, 5), REPRISE_OK));
	cr_assert(eq(u64, position_for(log, 1), 1));
	cr_assert(eq(int, record_gap(log, 1, 6, 7), REPRISE_OK));
	cr_assert(eq(u64, position_for(log, 1), 1));
	cr_assert(eq(u64, position_for(log, 0), 0));
	record_revision(log, 1, 8, 4);
	cr_assert(eq(u64, position_for(log, 1), 1));
	cr_assert(eq(u64, position_for(log, 3), 1));
	cr_assert(eq(u64, position_for(log, 4), 8));
	record_revision(log, 1, 9, 5);
	cr_assert(eq(u64, position_for(log, 4), 8));
	/* Not before what is archived either way. */
	cr_assert(eq(int, reprise_log_archive_before(log, &k, 7, NULL, NULL), REPRISE_OK));
	cr_assert(eq(u64, position_for(log, 3), 7));
	close_log(log);
}

static struct reprise_cursor
current_cursor(struct reprise_log *log, uint64_t revision)
{
	struct reprise_cursor cursor;

	cr_assert(
		eq(int, reprise_log_current_cursor(log, &k, revision, &cursor, NULL), REPRISE_OK));
	if (revision != REPRISE_REVISION_UNKNOWN)
		cr_assert(eq(u64, cursor.revision, revision));
	cr_assert(eq(str, cursor.session_id, "k"));
	return cursor;
}

static void
expect_cursor(struct reprise_log *log, uint64_t revision, unsigned char life,
	      reprise_position position)
{
	const struct reprise_cursor cursor = current_cursor(log, revision);
	const struct reprise_incarnation name = life_name(life);

	cr_assert(eq(u64, cursor.position, position));
	cr_assert(eq(int, memcmp(&cursor.incarnation, &name, sizeof(name)), 0));
}

Test(contract, C11_a_current_cursor_is_of_the_life_that_its_position_is_in)
{
	struct reprise_log *const log = contract_open();

	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	expect_cursor(log, 0, 1, 0);
	record_revision(log, 1, 1, 1);
	record_revision(log, 1, 2, 2);
	cr_assert(eq(int, open_life(log, 2), REPRISE_OK));
	record_revision(log, 2, 3, 3);
	record_revision(log, 2, 4, 4);
	cr_assert(eq(int, open_life(log, 3), REPRISE_OK));
	expect_cursor(log, 0, 1, 0);
	expect_cursor(log, 1, 1, 1);
	expect_cursor(log, 2, 1, 2);
	expect_cursor(log, 3, 2, 3);
	expect_cursor(log, 4, 2, 4);
	expect_cursor(log, UINT64_MAX, 2, 4);
	close_log(log);
}

Test(contract, L25_no_entry_has_the_revision_2_64_less_1_and_no_cursor_carries_it)
{
	struct reprise_log *const log = contract_open();
	const struct reprise_log_new_entry entries[] = {
		{ .revision = 5 },
		{ .revision = REPRISE_REVISION_UNKNOWN },
	};
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int, reprise_log_append(log, &k, NULL, entries, 2, NULL, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "entries: revision"));
	cr_assert(eq(u64, head_of(log, &k), 0));

	/* No event has that revision: none is above it, and no COMMIT reaches it. */
	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	record_revision(log, 1, 1, 7);
	record_revision(log, 1, 2, 3);
	cr_assert(eq(u64, position_for(log, REPRISE_REVISION_UNKNOWN), 2));
	cr_assert(not(has_commit(log, 0, REPRISE_REVISION_UNKNOWN)));
	const struct reprise_cursor cursor = current_cursor(log, REPRISE_REVISION_UNKNOWN);

	cr_assert(eq(u64, cursor.position, 2));
	cr_assert(eq(u64, cursor.revision, 7));
	close_log(log);
}

Test(contract, C11_refuses_what_is_NULL_and_DIRECT_keys_have_no_cursor)
{
	struct reprise_log *const log = contract_open();
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_cursor cursor;
	reprise_ordinal position;
	bool has;

	append_count(log, &k, 1);
	cr_assert(eq(int, reprise_log_current_cursor(log, &k, 0, &cursor, &error),
		     REPRISE_E_CONFLICT));
	cr_assert(eq(int, reprise_log_current_cursor(log, &k, 0, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "ret_cursor"));
	cr_assert(eq(int, reprise_log_current_cursor(NULL, &k, 0, &cursor, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_log_has_commit(log, &k, 0, 0, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "ret_has"));
	cr_assert(
		eq(int, reprise_log_has_commit(log, NULL, 0, 0, &has, &error), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_log_position_for_revision(log, &k, 0, NULL, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "ret_position"));
	cr_assert(eq(int, reprise_log_position_for_revision(log, NULL, 0, &position, &error),
		     REPRISE_E_INVALID));
	close_log(log);
}
