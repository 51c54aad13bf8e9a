/* SPDX-License-Identifier: MIT */
/* L20-L23: rises, commits and heads against the rows, and what goes when rows are moved away. */
#include "contract.h"

#include <stdlib.h>

/*
 * Revisions 1, 3, 2, 5, 5, 4; ordinals 2, 4 and 6 are COMMITs. So rises at 1, 2, 4; commits (5, 4)
 * and (4, 6).
 */
static struct reprise_log *
log_with_revisions(void)
{
	const struct reprise_log_new_entry entries[] = {
		event_of(1, 0), event_of(3, REPRISE_EVENT_COMMIT),
		event_of(2, 0), event_of(5, REPRISE_EVENT_COMMIT),
		event_of(5, 0), event_of(4, REPRISE_EVENT_COMMIT),
	};
	struct reprise_log *const log = contract_open();

	cr_assert(eq(int, reprise_log_append(log, &k, NULL, entries, 6, NULL, NULL), REPRISE_OK));
	expect_fault(log, "", 0);
	return log;
}

static struct log_head
begun(struct reprise_log *log)
{
	struct log_head head = { 0 };

	cr_assert(eq(int,
		     log->adapter->begin(log, LOG_WRITTEN, k.tenant, &k.thread, 1, LOG_PATIENT,
					 &head, NULL),
		     0));
	head.key_checksum = log_key_checksum(k.tenant, k.thread);
	return head;
}

static struct log_mark
mark_of(const struct log_head *head, enum log_mark_type type, uint64_t revision, uint64_t ordinal)
{
	struct log_mark mark = { .revision = revision, .ordinal = ordinal };

	mark.checksum = log_mark_checksum(head->key_checksum, type, &mark);
	return mark;
}

/* Puts the rises anew: those of @revisions, until a 0. */
static void
set_rises(struct reprise_log *log, const uint64_t (*marks)[2])
{
	const struct log_head head = begun(log);

	cr_assert(eq(int, log->adapter->drop_rises(log, head.id, UINT64_MAX, NULL), 0));
	for (; (*marks)[0] != 0; marks++) {
		const struct log_mark rise =
			mark_of(&head, LOG_MARK_RISE, (*marks)[0], (*marks)[1]);

		cr_assert(eq(int, log->adapter->put_rise(log, head.id, &rise, NULL), 0));
	}
	cr_assert(eq(int, log->adapter->commit(log, NULL), 0));
}

static void
expect_rises(const uint64_t (*marks)[2], const char *what, reprise_ordinal at)
{
	struct reprise_log *const log = log_with_revisions();

	set_rises(log, marks);
	expect_fault(log, what, at);
	close_log(log);
}

Test(contract, L22_verify_finds_a_rise_that_is_missing)
{
	expect_rises((const uint64_t[][2]){ { 1, 1 }, { 5, 4 }, { 0, 0 } }, "a rise is missing", 2);
}

Test(contract, L22_verify_finds_that_the_last_rise_is_missing)
{
	expect_rises((const uint64_t[][2]){ { 1, 1 }, { 3, 2 }, { 0, 0 } }, "a rise is missing", 4);
}

Test(contract, L22_verify_finds_a_rise_that_no_event_has)
{
	expect_rises((const uint64_t[][2]){ { 1, 1 }, { 3, 2 }, { 4, 3 }, { 5, 4 }, { 0, 0 } },
		     "a rise has no event", 3);
}

Test(contract, L22_verify_finds_a_rise_after_the_last_event)
{
	expect_rises((const uint64_t[][2]){ { 1, 1 }, { 3, 2 }, { 5, 4 }, { 9, 7 }, { 0, 0 } },
		     "a rise has no event", 7);
}

Test(contract, L22_verify_finds_a_rise_of_another_revision)
{
	expect_rises((const uint64_t[][2]){ { 1, 1 }, { 2, 2 }, { 5, 4 }, { 0, 0 } },
		     "a rise is missing", 2);
}

static void
expect_commits(const uint64_t (*marks)[2], const char *what, reprise_ordinal at)
{
	struct reprise_log *const log = log_with_revisions();
	const struct log_head head = begun(log);
	uint64_t count = 0;

	cr_assert(eq(int, log->adapter->drop_commits(log, head.id, 100, 100, &count, NULL), 0));
	cr_assert(eq(u64, count, 2));
	/* The greatest first: putting one drops those of lesser revisions. */
	for (; (*marks)[1] != 0; marks++) {
		const struct log_mark commit =
			mark_of(&head, LOG_MARK_COMMIT, (*marks)[0], (*marks)[1]);

		cr_assert(eq(int, log->adapter->put_commit(log, head.id, &commit, NULL), 0));
	}
	cr_assert(eq(int, log->adapter->commit(log, NULL), 0));
	expect_fault(log, what, at);
	close_log(log);
}

Test(contract, L22_verify_finds_a_commit_that_is_missing)
{
	expect_commits((const uint64_t[][2]){ { 5, 4 }, { 0, 0 } }, "a commit is missing", 6);
}

Test(contract, L22_verify_finds_that_every_commit_is_missing)
{
	expect_commits((const uint64_t[][2]){ { 0, 0 } }, "a commit is missing", 4);
}

Test(contract, L22_verify_finds_a_commit_that_no_event_has)
{
	expect_commits((const uint64_t[][2]){ { 5, 5 }, { 4, 6 }, { 0, 0 } },
		       "a commit has no event", 5);
}

Test(contract, L22_verify_finds_a_commit_beyond_the_head)
{
	expect_commits((const uint64_t[][2]){ { 7, 7 }, { 5, 4 }, { 4, 6 }, { 0, 0 } },
		       "a commit has the place of another commit", 7);
}

Test(contract, L22_verify_goes_through_any_number_of_rises_and_commits)
{
	enum {
		COUNT = 2500,
	};
	struct reprise_log *const log = contract_open();
	struct reprise_log_new_entry *const entries = calloc(COUNT, sizeof(*entries));

	/* Each a rise and the only commit; then each a commit that stays. */
	for (uint64_t i = 0; i < COUNT; i++)
		entries[i] = event_of(i + 1, REPRISE_EVENT_COMMIT);
	cr_assert(
		eq(int, reprise_log_append(log, &k, NULL, entries, COUNT, NULL, NULL), REPRISE_OK));
	for (uint64_t i = 0; i < COUNT; i++)
		entries[i] = event_of(COUNT - i, REPRISE_EVENT_COMMIT);
	cr_assert(
		eq(int, reprise_log_append(log, &k, NULL, entries, COUNT, NULL, NULL), REPRISE_OK));
	free(entries);
	expect_fault(log, "", 0);
	close_log(log);
}

Test(contract, L20_a_damaged_rise_or_commit_is_told_by_the_call_that_reads_it)
{
	struct reprise_log *const log = log_with_revisions();
	struct reprise_error error = { .size = sizeof(error) };
	const struct log_head head = begun(log);
	struct log_mark rise = mark_of(&head, LOG_MARK_RISE, 9, 1);
	struct log_mark commit = mark_of(&head, LOG_MARK_COMMIT, 9, 1);
	reprise_ordinal position = 0;
	bool has = false;

	rise.ordinal = 2;
	commit.ordinal = 2;
	cr_assert(eq(int, log->adapter->put_rise(log, head.id, &rise, NULL), 0));
	cr_assert(eq(int, log->adapter->put_commit(log, head.id, &commit, NULL), 0));
	cr_assert(eq(int, log->adapter->commit(log, NULL), 0));
	cr_assert(eq(int, reprise_log_position_for_revision(log, &k, 5, &position, &error),
		     REPRISE_E_CORRUPT));
	cr_assert(eq(str, error.what, "a rise has a wrong checksum"));
	cr_assert(eq(int, reprise_log_position_for_revision(log, &k, 2, &position, &error),
		     REPRISE_OK));
	cr_assert(eq(int, reprise_log_has_commit(log, &k, 0, 5, &has, &error), REPRISE_E_CORRUPT));
	cr_assert(eq(str, error.what, "a commit has a wrong checksum"));
	close_log(log);
}

Test(contract, L20_a_damaged_head_refuses_the_writes_to_its_own_key_alone)
{
	struct reprise_log *const log = log_with_revisions();
	const struct reprise_log_new_entry entry = event_of(9, 0);
	struct log_write writes[] = {
		{ .type = LOG_APPEND, .thread = "j", .entries = &entry, .entries_count = 1 },
		{ .type = LOG_APPEND, .thread = "k", .entries = &entry, .entries_count = 1 },
		{ .type = LOG_APPEND, .thread = "l", .entries = &entry, .entries_count = 1 },
	};
	const struct reprise_log_key j = key_of("t", "j"), l = key_of("t", "l");

	contract_do_damage(CONTRACT_HEAD, 4);
	cr_assert(
		eq(int, log_write(log, LOG_SYNCED, LOG_PATIENT, "t", writes, 3, NULL), REPRISE_OK));
	cr_assert(eq(int, writes[0].status, REPRISE_OK));
	cr_assert(eq(int, writes[1].status, REPRISE_E_CORRUPT));
	cr_assert(eq(str, (char *)writes[1].fault, "a head has a wrong checksum"));
	cr_assert(eq(int, writes[2].status, REPRISE_OK));
	cr_assert(eq(u64, head_of(log, &j), 1));
	cr_assert(eq(u64, head_of(log, &l), 1));
	expect_fault(log, "a head has a wrong checksum", 0);
	close_log(log);
}

static bool
count_threads(const struct reprise_log_key *key, void *context)
{
	(void)key;
	++*(int *)context;
	return true;
}

Test(contract, L20_a_head_that_was_damaged_to_one_of_no_kind_is_listed_all_the_same)
{
	struct reprise_log *const log = log_with_revisions();
	struct reprise_log_stats stats = { .size = sizeof(stats) };
	int count = 0;

	contract_do_damage(CONTRACT_KIND, 0);
	cr_assert(eq(int, reprise_log_each(log, "t", count_threads, &count, NULL), REPRISE_OK));
	cr_assert(eq(int, count, 1));
	cr_assert(eq(int, reprise_log_stats(log, &k, &stats, NULL), REPRISE_E_CORRUPT));
	close_log(log);
}

static size_t
rises_of(struct reprise_log *log)
{
	const struct log_head head = begun(log);
	struct log_mark rises[16];
	size_t count = 0;

	cr_assert(eq(int, log->adapter->rises_above(log, head.id, 0, rises, 16, &count, NULL), 0));
	log->adapter->rollback(log);
	return count;
}

static size_t
commits_of(struct reprise_log *log)
{
	const struct log_head head = begun(log);
	struct log_mark commits[16];
	size_t count = 0;

	cr_assert(
		eq(int, log->adapter->commits_from(log, head.id, 0, commits, 16, &count, NULL), 0));
	log->adapter->rollback(log);
	return count;
}

Test(contract, L23_rises_and_commits_go_with_the_rows_that_they_are_of)
{
	struct reprise_log *const log = log_with_revisions();
	uint64_t count = 0;

	cr_assert(eq(sz, rises_of(log), 3));
	cr_assert(eq(sz, commits_of(log), 2));
	cr_assert(eq(int, reprise_log_archive_before(log, &k, 3, NULL, NULL), REPRISE_OK));
	expect_fault(log, "", 0);
	cr_assert(eq(int, reprise_log_move_archived(log, &k, &count, NULL), REPRISE_OK));
	cr_assert(eq(u64, count, 3));
	cr_assert(eq(sz, rises_of(log), 1));
	cr_assert(eq(sz, commits_of(log), 2));
	expect_fault(log, "", 0);
	/*
	 * Below the revision 3 of what went, nothing is known any more; from there on all
	 * is as before.
	 */
	cr_assert(eq(u64, position_for(log, 2), 0));
	cr_assert(eq(u64, position_for(log, 3), 3));
	cr_assert(eq(u64, position_for(log, 5), 6));
	cr_assert(eq(int, reprise_log_archive_before(log, &k, 6, NULL, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_log_move_archived(log, &k, &count, NULL), REPRISE_OK));
	cr_assert(eq(u64, count, 3));
	cr_assert(eq(sz, rises_of(log), 0));
	cr_assert(eq(sz, commits_of(log), 0));
	cr_assert(eq(u64, position_for(log, 4), 0));
	cr_assert(eq(u64, position_for(log, 5), 6));
	expect_fault(log, "", 0);
	cr_assert(eq(int, reprise_log_move_archived(log, &k, &count, NULL), REPRISE_OK));
	cr_assert(eq(u64, count, 0));
	close_log(log);
}
