/* SPDX-License-Identifier: MIT */
/* Snapshots, and archiving what they cover (D06). */
#include "conversations.h"

#include <stdio.h>

#include <reprise/conversation_upkeep.h>
#include <reprise/log_blob.h>

static const char *const slots[] = { "snapshot 1", "snapshot 2" };

static struct reprise_conversation *
opened_with(struct reprise_log *log, uint64_t snapshot_events)
{
	const struct reprise_conversation_options options = { .size = sizeof(options),
							      .snapshot_events = snapshot_events };
	struct reprise_conversation *conversation = NULL;

	cr_assert(eq(int, reprise_conversation_new(log, &k, &options, &conversation, NULL),
		     REPRISE_OK));
	cr_assert(eq(int, reprise_conversation_recover(conversation, NULL), REPRISE_OK));
	return conversation;
}

/* An instance that takes no snapshot by itself. */
static struct reprise_conversation *
opened(struct reprise_log *log)
{
	return opened_with(log, UINT64_MAX);
}

static struct reprise_conversation_snapshots
snapshots_of(const struct reprise_conversation *conversation)
{
	struct reprise_conversation_snapshots snapshots = { .size = sizeof(snapshots) };

	cr_assert(eq(int, reprise_conversation_snapshots(conversation, &snapshots), REPRISE_OK));
	return snapshots;
}

/* Three events of a message: its receipt, a step whose output is its id, and its end. */
static void
work(struct reprise_conversation *conversation, const char *id)
{
	expect_decision(conversation, id, REPRISE_DECISION_START, 0);
	complete(conversation, id, 0, id);
	finish(conversation, id);
}

static void
take(struct reprise_conversation *conversation)
{
	cr_assert(eq(int, reprise_conversation_snapshot(conversation, NULL), REPRISE_OK));
}

/* A slot has other bytes: no state is encoded so. */
static void
damage(struct reprise_log *log, int slot)
{
	cr_assert(eq(int,
		     reprise_log_blob_put(log, &k, NULL, slots[slot],
					  (struct reprise_bytes){ "no state", 8 }, NULL),
		     REPRISE_OK));
}

/*
 * Expects the beginning of a recovery and the number of events, and that "a" and "b" are finished,
 * "c" is at step 1.
 */
static void
expect_recovered(struct reprise_log *log, uint64_t from, uint32_t damaged)
{
	struct reprise_conversation *const conversation = opened(log);
	const struct reprise_conversation_snapshots snapshots = snapshots_of(conversation);

	cr_assert(eq(u64, snapshots.recovered_from, from));
	cr_assert(eq(u32, snapshots.damaged, damaged));
	cr_assert(eq(u64, reprise_conversation_expected_sequence(conversation), 8));
	expect_decision(conversation, "a", REPRISE_DECISION_SKIP, 0);
	expect_decision(conversation, "b", REPRISE_DECISION_SKIP, 0);
	expect_decision(conversation, "c", REPRISE_DECISION_RESUME_FROM, 1);
	expect_output(conversation, "c", 0, "half");
	reprise_conversation_close(conversation);
}

/* Eight events; snapshots after three and after six, the first in the first slot. */
static struct reprise_log *
make_stream(void)
{
	struct reprise_log *const log = contract_open();
	struct reprise_conversation *const conversation = opened(log);

	work(conversation, "a");
	take(conversation);
	work(conversation, "b");
	take(conversation);
	expect_decision(conversation, "c", REPRISE_DECISION_START, 0);
	complete(conversation, "c", 0, "half");
	reprise_conversation_close(conversation);
	return log;
}

Test(contract, D06_recovery_begins_with_the_newest_snapshot)
{
	struct reprise_log *const log = make_stream();

	expect_recovered(log, 6, 0);
	cr_assert(eq(u64, head_of(log, &k), 8), "a snapshot has no ordinal");
	close_log(log);
}

Test(contract, D06_a_snapshot_replaces_the_older_one_of_two)
{
	struct reprise_log *const log = make_stream();
	struct reprise_conversation *const conversation = opened(log);
	struct reprise_conversation_snapshots snapshots = snapshots_of(conversation);

	cr_assert(eq(u64, snapshots.newest, 6));
	cr_assert(eq(u64, snapshots.older, 3));
	take(conversation);
	snapshots = snapshots_of(conversation);
	cr_assert(eq(u64, snapshots.newest, 8));
	cr_assert(eq(u64, snapshots.older, 6));
	cr_assert(gt(u64, snapshots.newest_bytes, 0));
	/* Nothing has come since. */
	take(conversation);
	snapshots = snapshots_of(conversation);
	cr_assert(eq(u64, snapshots.older, 6));
	cr_assert(eq(u64, contract_blobs(), 3), "the slots, and the horizons");
	reprise_conversation_close(conversation);
	expect_recovered(log, 8, 0);
	close_log(log);
}

Test(contract, D06_a_damaged_snapshot_is_passed_over)
{
	struct reprise_log *const log = make_stream();

	damage(log, 1);
	expect_recovered(log, 3, 1);
	damage(log, 0);
	expect_recovered(log, 0, 2);
	/* The next snapshots are in their place. */
	struct reprise_conversation *const conversation = opened(log);

	take(conversation);
	expect_recovered(log, 8, 1);
	reprise_conversation_close(conversation);
	close_log(log);
}

Test(contract, D06_a_state_of_another_version_is_passed_over)
{
	struct reprise_log *const log = make_stream();

	cr_assert(eq(int,
		     reprise_log_blob_put(log, &k, NULL, slots[1],
					  (struct reprise_bytes){ "LCS9", 4 }, NULL),
		     REPRISE_OK));
	expect_recovered(log, 3, 1);
	close_log(log);
}

Test(contract, D06_only_what_two_snapshots_cover_is_archived)
{
	struct reprise_log *const log = contract_open();
	struct reprise_conversation *conversation = opened(log);
	uint64_t archived = 7;

	cr_assert(eq(int, reprise_conversation_archive(conversation, &archived, NULL), REPRISE_OK));
	cr_assert(eq(u64, archived, 0));
	work(conversation, "a");
	take(conversation);
	cr_assert(eq(int, reprise_conversation_archive(conversation, &archived, NULL), REPRISE_OK));
	cr_assert(eq(u64, archived, 0), "one snapshot may be lost");
	reprise_conversation_close(conversation);
	close_log(log);
	contract_tear_down();
	contract_set_up();

	struct reprise_log *const other = make_stream();

	conversation = opened(other);
	cr_assert(eq(int, reprise_conversation_archive(conversation, &archived, NULL), REPRISE_OK));
	cr_assert(eq(u64, archived, 3));
	cr_assert(eq(u64, stats_of(other, &k).watermark, 3));
	expect_recovered(other, 6, 0);
	damage(other, 1);
	expect_recovered(other, 3, 1);
	/* Nothing more: there is but one now. */
	cr_assert(eq(int, reprise_conversation_archive(conversation, &archived, NULL), REPRISE_OK));
	cr_assert(eq(u64, archived, 0));
	cr_assert(eq(int, reprise_log_archive_before(other, &k, 6, NULL, NULL), REPRISE_E_INVALID));
	reprise_conversation_close(conversation);
	close_log(other);
}

Test(contract, D06_outputs_of_archived_events_have_expired)
{
	struct reprise_log *const log = make_stream();
	struct reprise_conversation *const conversation = opened(log);
	struct reprise_log_page *page = NULL;
	struct reprise_bytes output;

	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	cr_assert(eq(int, reprise_conversation_archive(conversation, NULL, NULL), REPRISE_OK));
	cr_assert(eq(int,
		     reprise_conversation_step_output(conversation, "a", 0, page, &output, NULL),
		     REPRISE_E_EXPIRED));
	expect_output(conversation, "b", 0, "b");
	reprise_log_page_close(page);
	reprise_conversation_close(conversation);
	close_log(log);
}

Test(contract, D06_without_a_snapshot_an_archived_stream_is_corrupt)
{
	struct reprise_log *const log = make_stream();
	struct reprise_conversation *const conversation = opened(log);
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int, reprise_conversation_archive(conversation, NULL, NULL), REPRISE_OK));
	damage(log, 0);
	damage(log, 1);
	cr_assert(eq(int, reprise_conversation_recover(conversation, &error), REPRISE_E_CORRUPT));
	cr_assert(eq(str, (char *)error.what, "ordinal 1"));
	cr_assert(ne(ptr, strstr(error.detail, "snapshot"), NULL), "%s", error.detail);
	/* It is as it was. */
	cr_assert(eq(u64, reprise_conversation_expected_sequence(conversation), 8));
	expect_decision(conversation, "c", REPRISE_DECISION_RESUME_FROM, 1);
	complete(conversation, "c", 1, "more");
	reprise_conversation_close(conversation);
	close_log(log);
}

Test(contract, D06_a_stream_that_ends_before_its_snapshot_is_corrupt)
{
	struct reprise_log *const log = make_stream();
	struct reprise_conversation *const conversation = new_conversation(log);
	struct reprise_error error = { .size = sizeof(error) };

	contract_do_damage(CONTRACT_HEAD, 5);
	seal(log);
	cr_assert(eq(int, reprise_conversation_recover(conversation, &error), REPRISE_E_CORRUPT));
	cr_assert(eq(str, (char *)error.what, "ordinal 6"));
	reprise_conversation_close(conversation);
	close_log(log);
}

Test(contract, D06_an_instance_that_has_fallen_behind_takes_no_snapshot)
{
	struct reprise_log *const log = make_stream(), *const other = contract_open();
	struct reprise_conversation *const one = opened(log), *const two = opened(other);
	struct reprise_error error = { .size = sizeof(error) };

	complete(one, "c", 1, "more");
	cr_assert(eq(int, reprise_conversation_snapshot(two, &error), REPRISE_E_CONFLICT));
	cr_assert(eq(u64, error.expected, 8));
	cr_assert(eq(u64, error.actual, 9));
	cr_assert(reprise_conversation_is_stale(two));
	cr_assert(eq(int, reprise_conversation_snapshot(two, NULL), REPRISE_E_STALE));
	cr_assert(eq(int, reprise_conversation_recover(two, NULL), REPRISE_OK));
	cr_assert(eq(u64, snapshots_of(two).recovered_from, 6), "its snapshot was not written");
	reprise_conversation_close(one);
	reprise_conversation_close(two);
	reprise_log_close(other);
	close_log(log);
}

/* Nothing has come since its own last snapshot, as far as it knows. */
Test(contract, D06_an_instance_that_has_fallen_behind_learns_so_without_events_of_its_own)
{
	struct reprise_log *const log = make_stream(), *const other = contract_open();
	struct reprise_conversation *const one = opened(log), *const two = opened(other),
					   *const fresh = new_conversation(other);
	struct reprise_error error = { .size = sizeof(error) };

	take(two);
	complete(one, "c", 1, "more");
	cr_assert(eq(int, reprise_conversation_snapshot(two, &error), REPRISE_E_CONFLICT));
	cr_assert(eq(u64, error.actual, 9));
	cr_assert(reprise_conversation_is_stale(two));
	cr_assert(eq(int, snapshots_of(two).last, REPRISE_E_CONFLICT));
	cr_assert(eq(int, reprise_conversation_recover(two, NULL), REPRISE_OK));
	take(two);
	take(two);
	cr_assert(eq(int, snapshots_of(two).last, REPRISE_OK), "the last attempt's");
	cr_assert(eq(int, reprise_conversation_snapshot(fresh, NULL), REPRISE_E_CONFLICT));
	reprise_conversation_close(fresh);
	reprise_conversation_close(one);
	reprise_conversation_close(two);
	reprise_log_close(other);
	close_log(log);
}

Test(contract, D06_with_a_damaged_head_nothing_is_archived)
{
	struct reprise_log *const log = make_stream();
	struct reprise_conversation *const conversation = opened(log);
	uint64_t archived = 7;

	contract_do_damage(CONTRACT_KIND, 9);
	cr_assert(eq(int, reprise_conversation_archive(conversation, &archived, NULL),
		     REPRISE_E_CORRUPT));
	cr_assert(eq(u64, archived, 7));
	reprise_conversation_close(conversation);
	reprise_log_close(log);
}

Test(contract, D06_snapshots_are_taken_after_enough_events_and_enough_bytes)
{
	struct reprise_log *const log = contract_open();
	struct reprise_conversation *const conversation = opened_with(log, 10);
	char id[16];

	for (int i = 0; i < 10; i++) {
		snprintf(id, sizeof(id), "m%d", i);
		expect_decision(conversation, id, REPRISE_DECISION_START, 0);
	}
	cr_assert(eq(u64, snapshots_of(conversation).newest, 0));
	expect_decision(conversation, "last", REPRISE_DECISION_START, 0);
	cr_assert(eq(u64, snapshots_of(conversation).newest, 11));

	/* Small events: the state has more bytes than eleven of them. */
	const uint64_t bytes = snapshots_of(conversation).newest_bytes;
	uint64_t since = 0;

	while (snapshots_of(conversation).newest == 11) {
		cr_assert(
			eq(int,
			   reprise_conversation_record_processing_started(conversation, "m1", NULL),
			   REPRISE_OK));
		since++;
	}
	cr_assert(gt(u64, since, 10));
	cr_assert(gt(u64, since * (4 + 1 + 8 + 2), bytes));
	cr_assert(le(u64, (since - 1) * (4 + 1 + 8 + 2), bytes > 150 ? bytes : 150));
	reprise_conversation_close(conversation);
	close_log(log);
}

Test(contract, D06_after_a_recovery_the_events_since_the_snapshot_count)
{
	struct reprise_log *const log = contract_open();
	struct reprise_conversation *conversation = opened_with(log, 4);

	work(conversation, "a"); /* three of them */
	reprise_conversation_close(conversation);
	conversation = opened_with(log, 4);
	expect_decision(conversation, "b", REPRISE_DECISION_START, 0);
	cr_assert(eq(u64, snapshots_of(conversation).newest, 0));
	complete(conversation, "b", 0, "b");
	cr_assert(eq(u64, snapshots_of(conversation).newest, 5));
	reprise_conversation_close(conversation);
	close_log(log);
}

Test(contract, D06_after_a_recovery_the_bytes_since_the_snapshot_count)
{
	struct reprise_log *const log = contract_open();
	struct reprise_conversation *conversation = opened_with(log, 4);

	expect_decision(conversation, "a", REPRISE_DECISION_START, 0);
	take(conversation);
	for (uint32_t step = 0; step < 4; step++)
		complete(conversation, "a", step, "an output of some bytes");
	reprise_conversation_close(conversation);
	conversation = opened_with(log, 4);
	cr_assert(eq(u64, snapshots_of(conversation).newest, 1));
	/* It has fewer bytes than the snapshot by itself. */
	cr_assert(gt(u64, snapshots_of(conversation).newest_bytes, 4 + 1 + 8 + 1));
	cr_assert(eq(int, reprise_conversation_record_processing_started(conversation, "a", NULL),
		     REPRISE_OK));
	cr_assert(eq(u64, snapshots_of(conversation).newest, 6));
	reprise_conversation_close(conversation);
	close_log(log);
}

/* --- another instance archives what is about to be read --------------------------------------- */

static struct log_adapter real;
static int looks_left; /* before the other instance has its turn; 0: it has had it */
static struct reprise_conversation *other_instance;

static reprise_status
look(struct reprise_log *log, const char *tenant, const char *thread, struct log_head *ret_head,
     struct reprise_error *error)
{
	if (looks_left > 0 && --looks_left == 0) {
		work(other_instance, "d");
		take(other_instance);
		work(other_instance, "e");
		take(other_instance);
		cr_assert(eq(int, reprise_conversation_archive(other_instance, NULL, NULL),
			     REPRISE_OK));
	}
	return real.look(log, tenant, thread, ret_head, error);
}

Test(contract, D06_recovery_survives_what_another_instance_archives_meanwhile)
{
	/*
	 * Two looks at the slots, one at the horizons, one at the key, one for the page, and one
	 * at the horizons.
	 */
	for (int number = 1; number <= 6; number++) {
		contract_tear_down();
		contract_set_up();
		struct reprise_log *const log = make_stream(), *const other = contract_open();
		struct reprise_conversation *const conversation = new_conversation(log);
		struct log_adapter hooked = *log->adapter;
		struct reprise_error error = { .size = sizeof(error) };

		real = hooked;
		hooked.look = look;
		log->adapter = &hooked;
		other_instance = opened(other);
		looks_left = number;
		cr_assert(eq(int, reprise_conversation_recover(conversation, &error), REPRISE_OK),
			  "%d", number);
		cr_assert(eq(str, (char *)error.what, ""), "%d", number);
		log->adapter = other->adapter;
		cr_assert(eq(int, looks_left, 0));
		if (number < 5)
			cr_assert(eq(u64, reprise_conversation_expected_sequence(conversation), 14),
				  "%d", number);
		expect_decision(conversation, "c", REPRISE_DECISION_RESUME_FROM, 1);
		reprise_conversation_close(conversation);
		reprise_conversation_close(other_instance);
		reprise_log_close(other);
		close_log(log);
	}
}

Test(contract, D06_bad_input_is_refused)
{
	struct reprise_log *const log = contract_open();
	const struct reprise_conversation_options options = { .size = 3 };
	struct reprise_conversation_snapshots small = { .size = 3 };
	struct reprise_conversation *conversation = NULL;
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int, reprise_conversation_new(log, &k, &options, &conversation, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, (char *)error.what, "options: size"));
	cr_assert(eq(int, reprise_conversation_snapshot(NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_conversation_archive(NULL, NULL, &error), REPRISE_E_INVALID));
	conversation = new_conversation(log);
	cr_assert(eq(int, reprise_conversation_snapshots(conversation, NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_conversation_snapshots(conversation, &small), REPRISE_E_INVALID));
	/* Nothing to take one of. */
	take(conversation);
	cr_assert(eq(u64, snapshots_of(conversation).newest, 0));
	reprise_conversation_close(conversation);
	close_log(log);
}
