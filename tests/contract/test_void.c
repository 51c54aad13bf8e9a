/* SPDX-License-Identifier: MIT */
/* L42 to L44: a void life answers nothing to the two questions of revisions, and to cursors. */
#include <string.h>

#include "contract.h"

static struct reprise_cursor
current_cursor(struct reprise_log *log, uint64_t revision)
{
	struct reprise_cursor cursor;

	cr_assert(
		eq(int, reprise_log_current_cursor(log, &k, revision, &cursor, NULL), REPRISE_OK));
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

static void
record_event(struct reprise_log *log, unsigned char life, reprise_ordinal first, uint64_t revision,
	     uint16_t flags)
{
	const struct reprise_log_new_entry entry = event_of(revision, flags);

	cr_assert(eq(int,
		     write_one(log, &(struct log_write){ .type = LOG_RECORD,
							 .incarnation = life_name(life),
							 .first = first,
							 .entries = &entry,
							 .entries_count = 1 }),
		     REPRISE_OK));
}

static void
expect_no_cursor(struct reprise_log *log, uint64_t revision)
{
	struct reprise_cursor cursor = { 0 };

	cr_assert(eq(int, reprise_log_current_cursor(log, &k, revision, &cursor, NULL),
		     REPRISE_E_NOT_FOUND));
	cr_assert(eq(sz, strlen(cursor.session_id), 0), "nothing was written");
}

Test(contract, L44_a_current_cursor_is_never_of_a_void_life)
{
	struct reprise_log *const log = contract_open();

	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	record_event(log, 1, 1, 1, 0);
	record_event(log, 1, 2, 2, 0);
	cr_assert(eq(int, void_life(log, 1), REPRISE_OK));
	expect_no_cursor(log, 1);
	cr_assert(eq(int, open_life(log, 2), REPRISE_OK));
	cr_assert(eq(int, void_life(log, 2), REPRISE_OK));
	expect_no_cursor(log, 1);
	expect_no_cursor(log, 9);
	cr_assert(eq(int, open_life(log, 3), REPRISE_OK));
	expect_cursor(log, 1, 3, 2);
	record_event(log, 3, 3, 3, 0);
	expect_cursor(log, 1, 3, 2);
	expect_cursor(log, 3, 3, 3);
	/* Nothing that is good follows: the end of what is. */
	for (unsigned char life = 4; life <= 5; life++) {
		cr_assert(eq(int, open_life(log, life), REPRISE_OK));
		record_event(log, life, life, 9, 0);
		cr_assert(eq(int, void_life(log, life), REPRISE_OK));
		expect_cursor(log, 2, 3, 2);
		expect_cursor(log, 3, 3, 3);
		expect_cursor(log, 9, 3, 3);
	}
	close_log(log);
}

/* The index keeps the last of the greatest COMMITs, which is the void life's. */
Test(contract, L42_a_commit_of_a_void_life_is_no_bridge_and_hides_none)
{
	struct reprise_log *const log = contract_open();

	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	record_event(log, 1, 1, 5, REPRISE_EVENT_COMMIT);
	record_event(log, 1, 2, 6, 0);
	cr_assert(eq(int, open_life(log, 2), REPRISE_OK));
	record_event(log, 2, 3, 7, REPRISE_EVENT_COMMIT);
	cr_assert(has_commit(log, 0, 7));
	cr_assert(eq(int, void_life(log, 2), REPRISE_OK));
	cr_assert(not(has_commit(log, 0, 7)));
	cr_assert(not(has_commit(log, 0, 6)));
	cr_assert(has_commit(log, 0, 5));
	cr_assert(not(has_commit(log, 1, 5)));
	cr_assert(eq(int, open_life(log, 3), REPRISE_OK));
	record_event(log, 3, 4, 6, REPRISE_EVENT_COMMIT);
	cr_assert(eq(int, open_life(log, 4), REPRISE_OK));
	record_event(log, 4, 5, 8, REPRISE_EVENT_COMMIT);
	cr_assert(eq(int, void_life(log, 4), REPRISE_OK));
	cr_assert(not(has_commit(log, 0, 7)));
	cr_assert(has_commit(log, 3, 6));
	cr_assert(has_commit(log, 2, 5));
	cr_assert(not(has_commit(log, 4, 1)));
	cr_assert(eq(int, reprise_log_archive_before(log, &k, 4, NULL, NULL), REPRISE_OK));
	cr_assert(not(has_commit(log, 0, 1)));
	close_log(log);
}

Test(contract, L43_what_is_newer_is_not_looked_for_in_a_void_life)
{
	struct reprise_log *const log = contract_open();

	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	record_event(log, 1, 1, 1, 0);
	cr_assert(eq(int, open_life(log, 2), REPRISE_OK));
	record_event(log, 2, 2, 100, 0);
	record_event(log, 2, 3, 100, 0);
	cr_assert(eq(u64, position_for(log, 50), 1));
	cr_assert(eq(int, void_life(log, 2), REPRISE_OK));
	cr_assert(eq(u64, position_for(log, 50), 3));
	cr_assert(eq(int, open_life(log, 3), REPRISE_OK));
	record_event(log, 3, 4, 20, 0);
	record_event(log, 3, 5, 60, 0);
	record_event(log, 3, 6, 60, 0);
	/* None of these is greater than all before. */
	cr_assert(eq(u64, position_for(log, 0), 0));
	cr_assert(eq(u64, position_for(log, 10), 3));
	cr_assert(eq(u64, position_for(log, 20), 4));
	cr_assert(eq(u64, position_for(log, 60), 6));
	expect_cursor(log, 10, 3, 3);
	expect_cursor(log, 20, 3, 4);
	expect_cursor(log, 99, 3, 6);
	close_log(log);
}

/* Events that were lost before a void life may be as new as the events that follow it. */
Test(contract, L43_a_position_is_not_just_behind_a_gap_and_a_void_life)
{
	struct reprise_log *const log = contract_open();

	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	record_event(log, 1, 1, 1, 0);
	cr_assert(eq(int, record_gap(log, 1, 2, 3), REPRISE_OK));
	cr_assert(eq(int, open_life(log, 2), REPRISE_OK));
	record_event(log, 2, 4, 1, 0);
	cr_assert(eq(int, void_life(log, 2), REPRISE_OK));
	cr_assert(eq(int, open_life(log, 3), REPRISE_OK));
	record_event(log, 3, 5, 9, 0);
	cr_assert(eq(u64, position_for(log, 1), 1));
	expect_cursor(log, 1, 1, 1);
	close_log(log);
}
