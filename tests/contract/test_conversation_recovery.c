/* SPDX-License-Identifier: MIT */
/* Recovery (D06). */
#include "conversations.h"
#include "log/archive.h"

#include <stdio.h>

enum {
	LONG = 2500, /* events: more than two pages */
};

Test(contract, D06_a_stream_that_does_not_exist_recovers_as_an_empty_one)
{
	struct reprise_log *const log = contract_open();
	struct reprise_conversation *const conversation = recovered(log);

	cr_assert(eq(u64, reprise_conversation_expected_sequence(conversation), 0));
	expect_decision(conversation, "m", REPRISE_DECISION_START, 0);
	reprise_conversation_close(conversation);
	close_log(log);
}

static bool
count_message(const struct reprise_message_info *info, void *context)
{
	uint64_t *const count = context;
	char id[16];

	snprintf(id, sizeof(id), "m%04llu", (unsigned long long)*count);
	cr_assert(eq(str, (char *)info->id, id));
	++*count;
	return *count < LONG / 2;
}

Test(contract, D06_recovery_reads_all_pages_in_order_and_appends_nothing)
{
	struct reprise_log *const log = contract_open();
	struct reprise_conversation *conversation = new_conversation(log);
	uint64_t count = 0;

	for (int i = 0; i < LONG / 2; i++) {
		char id[16];

		snprintf(id, sizeof(id), "m%04d", i);
		cr_assert(eq(int,
			     reprise_conversation_record_message_received(conversation, id,
									  (uint64_t)i, NULL),
			     REPRISE_OK));
		complete(conversation, id, 0, id);
	}
	reprise_conversation_close(conversation);
	conversation = recovered(log);
	cr_assert(eq(u64, reprise_conversation_expected_sequence(conversation), LONG));
	cr_assert(eq(u64, head_of(log, &k), LONG));
	reprise_conversation_each(conversation, count_message, &count);
	cr_assert(eq(u64, count, LONG / 2));
	expect_output(conversation, "m1249", 0, "m1249");
	reprise_conversation_close(conversation);
	close_log(log);
}

Test(contract, D06_what_is_forgotten_stays_forgotten)
{
	struct reprise_log *const log = contract_open();
	struct reprise_conversation *const conversation = new_conversation(log);
	struct reprise_message_info info = { .size = sizeof(info) };

	cr_assert(eq(int,
		     reprise_conversation_record_message_received(conversation, "old", 10, NULL),
		     REPRISE_OK));
	finish(conversation, "old");
	cr_assert(eq(int,
		     reprise_conversation_record_message_received(conversation, "new", 20, NULL),
		     REPRISE_OK));
	finish(conversation, "new");
	cr_assert(eq(u64, reprise_conversation_forget(conversation, 20), 1));
	for (int i = 0; i < 2; i++) {
		cr_assert(eq(int, reprise_conversation_find(conversation, "old", &info),
			     REPRISE_E_NOT_FOUND));
		cr_assert(
			eq(int, reprise_conversation_find(conversation, "new", &info), REPRISE_OK));
		cr_assert(eq(int, reprise_conversation_recover(conversation, NULL), REPRISE_OK));
	}
	reprise_conversation_close(conversation);
	close_log(log);
}

/* Recovery fails, names the ordinal, and leaves the instance as it was. */
static void
expect_corrupt(struct reprise_conversation *conversation, const char *ordinal)
{
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int, reprise_conversation_recover(conversation, &error), REPRISE_E_CORRUPT));
	if (ordinal != NULL) {
		cr_assert(eq(str, error.what, (char *)ordinal));
		cr_assert(ne(str, error.detail, ""));
	}
	cr_assert(eq(u64, reprise_conversation_expected_sequence(conversation), 2));
	expect_decision(conversation, "m", REPRISE_DECISION_RESUME_FROM, 1);
}

/* An instance that knows two events. */
static struct reprise_conversation *
begun(struct reprise_log *log)
{
	struct reprise_conversation *const conversation = new_conversation(log);

	expect_decision(conversation, "m", REPRISE_DECISION_START, 0);
	complete(conversation, "m", 0, "output");
	return conversation;
}

Test(contract, D06_an_entry_that_is_no_event_is_corrupt)
{
	struct reprise_log *const log = contract_open();
	struct reprise_conversation *const conversation = begun(log);
	const struct reprise_log_new_entry entry = entry_of("LCE1");

	cr_assert(eq(int, reprise_log_append(log, &k, NULL, &entry, 1, NULL, NULL), REPRISE_OK));
	expect_corrupt(conversation, "ordinal 3");
	reprise_conversation_close(conversation);
	close_log(log);
}

Test(contract, D06_an_event_of_another_kind_is_corrupt)
{
	static const char started[] = "LCE1\2\0\0\0\0\0\0\0\1m";
	struct reprise_log *const log = contract_open();
	struct reprise_conversation *const conversation = begun(log);
	struct reprise_log_new_entry entry = { .kind = 7, .payload = { started, 14 } };

	cr_assert(eq(int, reprise_log_append(log, &k, NULL, &entry, 1, NULL, NULL), REPRISE_OK));
	expect_corrupt(conversation, "ordinal 3");
	reprise_conversation_close(conversation);
	close_log(log);
}

Test(contract, D06_an_event_that_is_archived_is_corrupt)
{
	struct reprise_log *const log = contract_open();
	struct reprise_conversation *const conversation = begun(log);

	cr_assert(eq(int, log_archive_covered(log, &k, 1, NULL, NULL), REPRISE_OK));
	expect_corrupt(conversation, "ordinal 1");
	reprise_conversation_close(conversation);
	close_log(log);
}

/* Nothing is left to read, and the state is not an empty one. */
Test(contract, D06_a_stream_that_is_archived_to_its_end_is_corrupt)
{
	struct reprise_log *const log = contract_open();
	struct reprise_conversation *const conversation = new_conversation(log);
	struct reprise_error error = { .size = sizeof(error) };

	expect_decision(conversation, "m", REPRISE_DECISION_START, 0);
	complete(conversation, "m", 0, "one");
	cr_assert(eq(int, log_archive_covered(log, &k, 2, NULL, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_conversation_recover(conversation, &error), REPRISE_E_CORRUPT));
	cr_assert(eq(str, (char *)error.what, "ordinal 1"));
	expect_decision(conversation, "m", REPRISE_DECISION_RESUME_FROM, 1);
	reprise_conversation_close(conversation);
	close_log(log);
}

Test(contract, D06_a_damaged_row_is_corrupt)
{
	struct reprise_log *const log = contract_open();
	struct reprise_conversation *const conversation = begun(log);

	contract_do_damage(CONTRACT_PAYLOAD, 2);
	expect_corrupt(conversation, "ordinal 2");
	reprise_conversation_close(conversation);
	reprise_log_close(log);
}

Test(contract, D06_a_tail_that_is_cut_off_is_corrupt)
{
	struct reprise_log *const log = contract_open();
	struct reprise_conversation *const conversation = begun(log);

	contract_do_damage(CONTRACT_ROW_GONE, 2);
	expect_corrupt(conversation, "ordinal 2");
	reprise_conversation_close(conversation);
	reprise_log_close(log);
}
