/* SPDX-License-Identifier: MIT */
/*
 * A forgotten message stays forgotten (D03, D06): an instance that recovers decides as the instance
 * that has appended the events.
 */
#include "conversations.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <reprise/conversation_upkeep.h>
#include <reprise/log_blob.h>

static void
receive_at(struct reprise_conversation *conversation, const char *id, uint64_t at_ms,
	   reprise_decision_type type, uint32_t step)
{
	struct reprise_decision decision = { 0 };

	cr_assert(eq(int,
		     reprise_conversation_receive_message(conversation, id, at_ms, &decision, NULL),
		     REPRISE_OK));
	cr_assert(eq(int, decision.type, type));
	cr_assert(eq(u32, decision.step, step));
}

static void
take(struct reprise_conversation *conversation)
{
	cr_assert(eq(int, reprise_conversation_snapshot(conversation, NULL), REPRISE_OK));
}

Test(contract, D03_a_message_that_was_forgotten_and_received_again_resumes_after_a_restart)
{
	struct reprise_log *const log = contract_open();
	struct reprise_conversation *const one = new_conversation(log);

	receive_at(one, "m", 5, REPRISE_DECISION_START, 0);
	finish(one, "m");
	cr_assert(eq(u64, reprise_conversation_forget(one, 10), 1));
	receive_at(one, "m", 20, REPRISE_DECISION_START, 0);
	complete(one, "m", 0, "zero");
	complete(one, "m", 1, "one");
	struct reprise_conversation *const other = recovered(log);

	receive_at(other, "m", 30, REPRISE_DECISION_RESUME_FROM, 2);
	cr_assert(eq(u64, reprise_conversation_forget(other, 10), 0));
	receive_at(other, "m", 30, REPRISE_DECISION_RESUME_FROM, 2);
	reprise_conversation_close(one);
	reprise_conversation_close(other);
	close_log(log);
}

/* The receipt comes after the end, and after the horizon. */
Test(contract, D03_a_recovery_forgets_where_the_instance_has_forgotten)
{
	struct reprise_log *const log = contract_open();
	struct reprise_conversation *const conversation = new_conversation(log);

	finish(conversation, "m");
	cr_assert(eq(int, reprise_conversation_record_message_received(conversation, "m", 50, NULL),
		     REPRISE_OK));
	cr_assert(eq(u64, reprise_conversation_forget(conversation, 10), 0));
	receive_at(conversation, "m", 60, REPRISE_DECISION_SKIP, 0);
	cr_assert(eq(int, reprise_conversation_recover(conversation, NULL), REPRISE_OK));
	receive_at(conversation, "m", 60, REPRISE_DECISION_SKIP, 0);
	reprise_conversation_close(conversation);
	close_log(log);
}

Test(contract, D06_a_snapshot_after_a_forget_keeps_the_horizon_also_without_an_event)
{
	struct reprise_log *const log = contract_open();
	struct reprise_conversation *const one = new_conversation(log);

	receive_at(one, "m", 5, REPRISE_DECISION_START, 0);
	finish(one, "m");
	take(one);
	cr_assert(eq(u64, reprise_conversation_forget(one, 10), 1));
	take(one);
	struct reprise_conversation *const other = recovered(log);

	receive_at(other, "m", 20, REPRISE_DECISION_START, 0);
	reprise_conversation_close(one);
	reprise_conversation_close(other);
	close_log(log);
}

Test(contract, D06_nothing_but_the_conversation_archives_its_events)
{
	struct reprise_log *const log = contract_open();
	struct reprise_conversation *const conversation = new_conversation(log);

	receive_at(conversation, "m", 5, REPRISE_DECISION_START, 0);
	cr_assert(eq(int, reprise_log_archive_before(log, &k, 1, NULL, NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_conversation_recover(conversation, NULL), REPRISE_OK));
	reprise_conversation_close(conversation);
	close_log(log);
}

/* --- the blob --------------------------------------------------------------------------------- */

enum {
	BLOB_HEAD_BYTES = 28, /* "LCH1", a place, the number of places */
	PLACE_BYTES = 16,
};

static reprise_status
recover_with(struct reprise_log *log, const void *bytes, size_t size)
{
	struct reprise_conversation *const conversation = new_conversation(log);
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int,
		     reprise_log_blob_put(log, &k, NULL, "horizons",
					  (struct reprise_bytes){ bytes, size }, NULL),
		     REPRISE_OK));
	const reprise_status status = reprise_conversation_recover(conversation, &error);

	cr_assert(eq(str, (char *)error.what, status == REPRISE_OK ? "" : "horizons"));
	reprise_conversation_close(conversation);
	return status;
}

Test(contract, D06_other_bytes_in_the_place_of_the_horizons_are_told)
{
	unsigned char bytes[BLOB_HEAD_BYTES + 2 * PLACE_BYTES] = "LCH1";
	struct reprise_log *const log = contract_open();
	struct reprise_conversation *const conversation = new_conversation(log);

	receive_at(conversation, "m", 5, REPRISE_DECISION_START, 0);
	cr_assert(eq(int, recover_with(log, bytes, BLOB_HEAD_BYTES), REPRISE_OK));
	cr_assert(eq(int, recover_with(log, bytes, 0), REPRISE_E_CORRUPT));
	cr_assert(eq(int, recover_with(log, bytes, 3), REPRISE_E_CORRUPT));
	cr_assert(eq(int, recover_with(log, "LCS1", 4), REPRISE_E_CORRUPT));
	cr_assert(eq(int, recover_with(log, "LCH2", 4), REPRISE_E_VERSION));
	for (size_t size = 4; size < sizeof(bytes); size++)
		if (size != BLOB_HEAD_BYTES)
			cr_assert(eq(int, recover_with(log, bytes, size), REPRISE_E_CORRUPT));
	bytes[BLOB_HEAD_BYTES - 1] = 2; /* places, both the same */
	cr_assert(eq(int, recover_with(log, bytes, sizeof(bytes)), REPRISE_E_CORRUPT));
	bytes[BLOB_HEAD_BYTES + PLACE_BYTES + 7] = 1;  /* the ordinal of the second */
	bytes[BLOB_HEAD_BYTES + PLACE_BYTES + 15] = 1; /* and its horizon */
	cr_assert(eq(int, recover_with(log, bytes, sizeof(bytes)), REPRISE_OK));
	bytes[BLOB_HEAD_BYTES - 2] = 1; /* more than are remembered */
	cr_assert(eq(int, recover_with(log, bytes, sizeof(bytes)), REPRISE_E_CORRUPT));
	reprise_conversation_close(conversation);
	close_log(log);
}

/* --- any history ------------------------------------------------------------------------------ */

enum {
	HISTORIES = 12,
	ACTS = 200,
	IDS = 6,
	TEXT_BYTES = 4096,
};

static uint32_t seed;

static uint32_t
random_below(uint32_t bound)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 8) % bound;
}

/* The messages of an instance, as a text. */
struct known {
	char text[TEXT_BYTES];
	size_t size;
};

static bool
note_message(const struct reprise_message_info *info, void *context)
{
	struct known *const known = context;
	const int written =
		snprintf(known->text + known->size, TEXT_BYTES - known->size,
			 "%s %" PRIu64 " %d%d%d%d%d %u\n", info->id, info->received_at_ms,
			 info->is_received, info->is_in_progress, info->is_finished,
			 info->has_steps, info->has_error, info->last_step);

	cr_assert(gt(int, written, 0));
	known->size += (size_t)written;
	return true;
}

static void
expect_equal(const struct reprise_conversation *one, const struct reprise_conversation *other,
	     int act)
{
	struct known known[2] = { 0 };

	reprise_conversation_each(one, note_message, &known[0]);
	reprise_conversation_each(other, note_message, &known[1]);
	cr_assert(eq(str, known[0].text, known[1].text), "act %d", act);
	cr_assert(eq(u64, reprise_conversation_expected_sequence(one),
		     reprise_conversation_expected_sequence(other)));
}

static reprise_status
record_any(struct reprise_conversation *conversation, const char *id, uint64_t now_ms)
{
	struct reprise_decision decision;

	switch (random_below(8)) {
	case 0:
	case 1:
		return reprise_conversation_record_processing_finished(conversation, id, NULL);
	case 2:
		return reprise_conversation_record_error(conversation, id, "broken", NULL);
	case 3:
		return reprise_conversation_record_message_received(
			conversation, id, now_ms + random_below(30), NULL);
	case 4:
	case 5:
		return reprise_conversation_record_step_completed(
			conversation, id, random_below(4), (struct reprise_bytes){ "x", 1 }, NULL);
	default:
		return reprise_conversation_receive_message(conversation, id, now_ms, &decision,
							    NULL);
	}
}

static reprise_status
do_any(struct reprise_conversation *conversation, uint64_t now_ms)
{
	const char id[] = { 'm', (char)('0' + random_below(IDS)), '\0' };

	switch (random_below(24)) {
	case 0:
	case 1:
		(void)reprise_conversation_forget(conversation, now_ms - random_below(20));
		return REPRISE_OK;
	case 2:
		return reprise_conversation_snapshot(conversation, NULL);
	case 3:
		return reprise_conversation_archive(conversation, NULL, NULL);
	default:
		return record_any(conversation, id, now_ms);
	}
}

/* The horizon of the last moment is stored with the next event. */
Test(contract, D06_a_recovered_instance_knows_what_the_one_before_knew)
{
	for (uint32_t history = 1; history <= HISTORIES; history++) {
		contract_tear_down();
		contract_set_up();
		struct reprise_log *const log = contract_open();
		struct reprise_conversation *const conversation = new_conversation(log);

		seed = history;
		finish(conversation, "m0");
		for (int act = 1; act <= ACTS; act++) {
			cr_assert(eq(int, do_any(conversation, (uint64_t)act + 20), REPRISE_OK));
			if (act % 20 != 0)
				continue;
			cr_assert(eq(int,
				     reprise_conversation_record_processing_started(conversation,
										    "m1", NULL),
				     REPRISE_OK));
			struct reprise_conversation *const other = recovered(log);

			expect_equal(conversation, other, act);
			reprise_conversation_close(other);
			if (act % 100 == 0)
				cr_assert(eq(int, reprise_conversation_recover(conversation, NULL),
					     REPRISE_OK));
		}
		reprise_conversation_close(conversation);
		close_log(log);
	}
}

/* More places than are remembered, and no snapshot: nothing that is to be done is left out. */
Test(contract, D06_without_a_snapshot_the_first_horizons_count_from_the_beginning)
{
	struct reprise_log *const log = contract_open();
	struct reprise_conversation *const conversation = new_conversation(log);

	receive_at(conversation, "m", 1, REPRISE_DECISION_START, 0);
	finish(conversation, "m");
	take(conversation);
	cr_assert(eq(u64, reprise_conversation_forget(conversation, 2), 1));
	receive_at(conversation, "m", 200, REPRISE_DECISION_START, 0);
	complete(conversation, "m", 0, "zero");
	for (uint64_t i = 3; i <= 100; i++) {
		(void)reprise_conversation_forget(conversation, i);
		finish(conversation, "n");
	}
	struct reprise_conversation *const other = recovered(log);

	receive_at(other, "m", 300, REPRISE_DECISION_RESUME_FROM, 1);
	reprise_conversation_close(conversation);
	reprise_conversation_close(other);
	close_log(log);
}

/* More places than are remembered: a snapshot has the horizons as they were. */
Test(contract, D06_a_snapshot_knows_all_horizons)
{
	struct reprise_log *const log = contract_open();
	struct reprise_conversation *const conversation = new_conversation(log);

	for (uint64_t i = 1; i <= 200; i++) {
		char id[8];

		snprintf(id, sizeof(id), "m%" PRIu64, i % 7);
		receive_at(conversation, id, i, REPRISE_DECISION_START, 0);
		finish(conversation, id);
		(void)reprise_conversation_forget(conversation, i + 1);
		if (i % 50 == 0)
			take(conversation);
	}
	receive_at(conversation, "last", 300, REPRISE_DECISION_START, 0);
	struct reprise_conversation *const other = recovered(log);

	expect_equal(conversation, other, 0);
	reprise_conversation_close(conversation);
	reprise_conversation_close(other);
	close_log(log);
}
