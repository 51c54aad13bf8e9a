/* SPDX-License-Identifier: MIT */
/* Decisions, appends and conflicts of a conversation (D03 to D05). */
#include "conversations.h"
#include "log/archive.h"

#include <stdlib.h>

static reprise_status
output_status(struct reprise_conversation *conversation, const char *id, uint32_t step)
{
	struct reprise_log_page *page = NULL;
	struct reprise_bytes bytes = { 0 };

	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	const reprise_status status =
		reprise_conversation_step_output(conversation, id, step, page, &bytes, NULL);

	reprise_log_page_close(page);
	return status;
}

static struct reprise_message_info
info_of(const struct reprise_conversation *conversation, const char *id)
{
	struct reprise_message_info info = { .size = sizeof(info) };

	cr_assert(eq(int, reprise_conversation_find(conversation, id, &info), REPRISE_OK));
	return info;
}

Test(contract, D04_a_new_message_starts_a_received_one_resumes_and_a_finished_one_is_skipped)
{
	struct reprise_log *const log = contract_open();
	struct reprise_conversation *const conversation = new_conversation(log);

	expect_decision(conversation, "m1", REPRISE_DECISION_START, 0);
	cr_assert(eq(u64, head_of(log, &k), 1));
	expect_decision(conversation, "m1", REPRISE_DECISION_RESUME_FROM, 0);
	complete(conversation, "m1", 0, "a");
	complete(conversation, "m1", 2, "c");
	expect_decision(conversation, "m1", REPRISE_DECISION_RESUME_FROM, 3);
	cr_assert(eq(int, reprise_conversation_record_error(conversation, "m1", "no", NULL),
		     REPRISE_OK));
	expect_decision(conversation, "m1", REPRISE_DECISION_RESUME_FROM, 3);
	finish(conversation, "m1");
	expect_decision(conversation, "m1", REPRISE_DECISION_SKIP, 0);
	cr_assert(eq(u64, head_of(log, &k), 5));
	cr_assert(eq(u64, reprise_conversation_expected_sequence(conversation), 5));
	reprise_conversation_close(conversation);
	close_log(log);
}

Test(contract, D04_after_the_last_possible_step_a_message_cannot_be_resumed)
{
	struct reprise_log *const log = contract_open();
	struct reprise_conversation *const conversation = new_conversation(log);
	struct reprise_decision decision = { .step = 77 };
	struct reprise_error error = { .size = sizeof(error) };

	expect_decision(conversation, "m", REPRISE_DECISION_START, 0);
	complete(conversation, "m", UINT32_MAX, "");
	cr_assert(eq(int,
		     reprise_conversation_receive_message(conversation, "m", 0, &decision, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(u32, decision.step, 77));
	cr_assert(ne(str, error.what, ""));
	finish(conversation, "m");
	expect_decision(conversation, "m", REPRISE_DECISION_SKIP, 0);
	reprise_conversation_close(conversation);
	close_log(log);
}

Test(contract, D05_each_record_appends_one_event_with_its_golden_bytes)
{
	static const char received[] = "LCE1\x01\0\0\0\0\0\0\0\x02m1\0\0\x01\x8b\xcf\xe5\x68";
	struct reprise_log *const log = contract_open();
	struct reprise_conversation *const conversation = new_conversation(log);
	struct reprise_log_page *page = NULL;
	size_t count = 0;

	cr_assert(eq(int,
		     reprise_conversation_record_message_received(conversation, "m1", 1700000000000,
								  NULL),
		     REPRISE_OK));
	cr_assert(eq(int, reprise_conversation_record_processing_started(conversation, "m1", NULL),
		     REPRISE_OK));
	cr_assert(eq(int, info_of(conversation, "m1").is_in_progress, 1));
	complete(conversation, "m1", 2, "x");
	finish(conversation, "m1");
	cr_assert(eq(int, reprise_conversation_record_error(conversation, "m1", "\xc3\xa9", NULL),
		     REPRISE_OK));
	cr_assert(eq(u64, reprise_conversation_expected_sequence(conversation), 5));
	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	cr_assert(eq(int, reprise_log_load_after(log, &k, 0, 10, 0, page, NULL), REPRISE_OK));
	const struct reprise_log_entry *const entries = reprise_log_page_entries(page, &count);

	cr_assert(eq(sz, count, 5));
	/* The last byte, 0, is the literal's own end. */
	cr_assert(eq(sz, entries[0].payload.size, sizeof(received)));
	cr_assert(eq(int, memcmp(entries[0].payload.data, received, sizeof(received)), 0));
	for (size_t i = 0; i < count; i++)
		cr_assert(eq(u16, entries[i].kind, i + 1));
	reprise_log_page_close(page);
	reprise_conversation_close(conversation);
	close_log(log);
}

Test(contract, D05_of_two_instances_one_wins_and_the_other_is_stale_until_it_recovers)
{
	struct reprise_log *const log = contract_open(), *const other = contract_open();
	struct reprise_conversation *const one = new_conversation(log);
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_decision decision;

	expect_decision(one, "m", REPRISE_DECISION_START, 0);
	struct reprise_conversation *const two = recovered(other);

	complete(one, "m", 0, "one");
	cr_assert(eq(int, reprise_conversation_record_processing_finished(two, "m", &error),
		     REPRISE_E_CONFLICT));
	cr_assert(eq(u64, error.expected, 1));
	cr_assert(eq(u64, error.actual, 2));
	cr_assert(reprise_conversation_is_stale(two));
	cr_assert(eq(u64, reprise_conversation_expected_sequence(two), 1));
	cr_assert(eq(int, reprise_conversation_record_processing_finished(two, "m", NULL),
		     REPRISE_E_STALE));
	/* Known ids are still answered. */
	expect_decision(two, "m", REPRISE_DECISION_RESUME_FROM, 0);
	cr_assert(eq(int, reprise_conversation_receive_message(two, "n", 0, &decision, NULL),
		     REPRISE_E_STALE));
	cr_assert(eq(u64, head_of(log, &k), 2));
	cr_assert(eq(int, reprise_conversation_recover(two, NULL), REPRISE_OK));
	cr_assert(not(reprise_conversation_is_stale(two)));
	expect_decision(two, "m", REPRISE_DECISION_RESUME_FROM, 1);
	expect_output(two, "m", 0, "one");
	finish(two, "m");
	cr_assert(
		eq(int, reprise_conversation_record_error(one, "m", "", NULL), REPRISE_E_CONFLICT));
	reprise_conversation_close(one);
	reprise_conversation_close(two);
	reprise_log_close(other);
	close_log(log);
}

Test(contract, D05_a_new_instance_on_a_stream_that_exists_conflicts)
{
	struct reprise_log *const log = contract_open();
	struct reprise_conversation *const first = new_conversation(log);
	struct reprise_error error = { .size = sizeof(error) };

	expect_decision(first, "m", REPRISE_DECISION_START, 0);
	struct reprise_conversation *const second = new_conversation(log);

	cr_assert(eq(int, reprise_conversation_record_message_received(second, "n", 0, &error),
		     REPRISE_E_CONFLICT));
	cr_assert(eq(u64, error.expected, 0));
	cr_assert(eq(u64, error.actual, 1));
	reprise_conversation_close(first);
	reprise_conversation_close(second);
	close_log(log);
}

Test(contract, D05_a_clone_has_a_state_of_its_own_and_races_with_the_first)
{
	struct reprise_log *const log = contract_open();
	struct reprise_conversation *const one = new_conversation(log);
	struct reprise_conversation *two = NULL, *stale = NULL;

	expect_decision(one, "m", REPRISE_DECISION_START, 0);
	complete(one, "m", 0, "output");
	cr_assert(eq(int, reprise_conversation_clone(one, &two, NULL), REPRISE_OK));
	cr_assert(eq(str, (char *)reprise_conversation_id(two), "k"));
	finish(two, "m");
	expect_output(one, "m", 0, "output");
	expect_decision(one, "m", REPRISE_DECISION_RESUME_FROM, 1);
	cr_assert(eq(int, reprise_conversation_record_processing_finished(one, "m", NULL),
		     REPRISE_E_CONFLICT));
	cr_assert(eq(int, reprise_conversation_clone(one, &stale, NULL), REPRISE_OK));
	cr_assert(reprise_conversation_is_stale(stale));
	reprise_conversation_close(one);
	expect_decision(two, "m", REPRISE_DECISION_SKIP, 0);
	reprise_conversation_close(two);
	reprise_conversation_close(stale);
	close_log(log);
}

/* A call with an argument that is no good. */
static reprise_status
call_badly(struct reprise_conversation *conversation, int which, struct reprise_error *error)
{
	static char longest[REPRISE_MESSAGE_ID_BYTES_MAX + 2];
	struct reprise_decision decision;

	memset(longest, 'x', sizeof(longest) - 1);
	switch (which) {
	case 0:
		return reprise_conversation_record_message_received(conversation, "", 0, error);
	case 1:
		return reprise_conversation_record_message_received(conversation, longest, 0,
								    error);
	case 2:
		return reprise_conversation_record_processing_started(conversation, "\xff", error);
	case 3:
		return reprise_conversation_record_processing_finished(conversation, NULL, error);
	case 4:
		return reprise_conversation_record_error(conversation, "m", NULL, error);
	case 5:
		return reprise_conversation_record_error(conversation, "m", "\xc3", error);
	case 6:
		return reprise_conversation_record_step_completed(
			conversation, "m", 0, (struct reprise_bytes){ NULL, 1 }, error);
	case 7:
		return reprise_conversation_receive_message(conversation, "", 0, &decision, error);
	case 8:
		return reprise_conversation_receive_message(conversation, "m", 0, NULL, error);
	case 9:
		return reprise_conversation_record_processing_started(NULL, "m", error);
	default:
		return REPRISE_OK;
	}
}

Test(contract, D05_bad_input_is_refused_with_words_and_appends_nothing)
{
	struct reprise_log *const log = contract_open();
	struct reprise_conversation *const conversation = new_conversation(log);
	struct reprise_error error = { .size = sizeof(error) };
	int which = 0;

	for (; call_badly(conversation, which, &error) != REPRISE_OK; which++) {
		cr_assert(eq(int, error.status, REPRISE_E_INVALID), "%d", which);
		cr_assert(ne(str, error.what, ""), "%d", which);
	}
	cr_assert(eq(int, which, 10));
	cr_assert(eq(u64, head_of(log, &k), 0));
	cr_assert(not(reprise_conversation_is_stale(conversation)));
	expect_decision(conversation, "m", REPRISE_DECISION_START, 0);
	reprise_conversation_close(conversation);
	close_log(log);
}

Test(contract, D05_an_event_that_no_entry_holds_is_too_large_and_appends_nothing)
{
	struct reprise_log *const log = contract_open();
	struct reprise_conversation *const conversation = new_conversation(log);
	char *const output = calloc(1, REPRISE_LOG_PAYLOAD_BYTES_MAX);

	cr_assert(ne(ptr, output, NULL));
	cr_assert(eq(int,
		     reprise_conversation_record_step_completed(
			     conversation, "m", 0,
			     (struct reprise_bytes){ output, REPRISE_LOG_PAYLOAD_BYTES_MAX }, NULL),
		     REPRISE_E_TOO_LARGE));
	cr_assert(not(reprise_conversation_is_stale(conversation)));
	expect_decision(conversation, "m", REPRISE_DECISION_START, 0);
	free(output);
	reprise_conversation_close(conversation);
	close_log(log);
}

Test(contract, D05_a_session_s_key_is_no_conversation)
{
	struct reprise_log *const log = contract_open();
	struct reprise_conversation *const conversation = new_conversation(log);

	cr_assert(eq(int, open_life(log, 1), REPRISE_OK));
	cr_assert(eq(int, record(log, 1, 1, 3), REPRISE_OK));
	cr_assert(eq(int, reprise_conversation_recover(conversation, NULL), REPRISE_E_CONFLICT));
	cr_assert(eq(int, reprise_conversation_record_message_received(conversation, "m", 0, NULL),
		     REPRISE_E_CONFLICT));
	cr_assert(eq(u64, head_of(log, &k), 3));
	reprise_conversation_close(conversation);
	close_log(log);
}

Test(contract, D03_outputs_of_a_finished_message_are_read_from_the_log)
{
	struct reprise_log *const log = contract_open();
	struct reprise_conversation *const conversation = new_conversation(log);

	expect_decision(conversation, "m", REPRISE_DECISION_START, 0);
	complete(conversation, "m", 0, "first");
	complete(conversation, "m", 0, "second");
	complete(conversation, "m", 1, "");
	expect_output(conversation, "m", 0, "second");
	finish(conversation, "m");
	expect_output(conversation, "m", 0, "second");
	expect_output(conversation, "m", 1, "");
	cr_assert(eq(int, output_status(conversation, "m", 2), REPRISE_E_NOT_FOUND));
	cr_assert(eq(int, output_status(conversation, "n", 0), REPRISE_E_NOT_FOUND));
	cr_assert(eq(int, output_status(conversation, "", 0), REPRISE_E_INVALID));
	cr_assert(eq(int, log_archive_covered(log, &k, 3, NULL, NULL), REPRISE_OK));
	cr_assert(eq(int, output_status(conversation, "m", 0), REPRISE_E_EXPIRED));
	expect_output(conversation, "m", 1, "");
	reprise_conversation_close(conversation);
	close_log(log);
}
