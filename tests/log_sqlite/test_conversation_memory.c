/* SPDX-License-Identifier: MIT */
/* No memory to be had in a call of a conversation: it is said, nothing is appended, and the instance is as it was (D05). */
#include "support_sqlite.h"

#include <reprise/conversation_upkeep.h>

#include <stdio.h>

#include "refusal.h"

/* How far a use has come: events that were acknowledged. */
struct progress {
	uint64_t events;
};

static reprise_status
record_all(struct reprise_conversation *conversation, struct progress *progress)
{
	struct reprise_decision decision;
	reprise_status status =
		reprise_conversation_receive_message(conversation, "m", 1, &decision, NULL);

	progress->events = reprise_conversation_expected_sequence(conversation);
	if (status == REPRISE_OK)
		status = reprise_conversation_record_processing_started(conversation, "m", NULL);
	if (status == REPRISE_OK)
		status = reprise_conversation_record_step_completed(
			conversation, "m", 0, (struct reprise_bytes){ "one", 3 }, NULL);
	if (status == REPRISE_OK)
		status = reprise_conversation_record_error(conversation, "m", "broken", NULL);
	if (status == REPRISE_OK)
		status = reprise_conversation_record_processing_finished(conversation, "m", NULL);
	progress->events = reprise_conversation_expected_sequence(conversation);
	return status;
}

static reprise_status
read_back(struct reprise_conversation *conversation)
{
	struct reprise_log_page *page = NULL;
	struct reprise_bytes output;
	reprise_status status = reprise_log_page_open(&page);

	if (status == REPRISE_OK)
		status =
			reprise_conversation_step_output(conversation, "m", 0, page, &output, NULL);
	reprise_log_page_close(page);
	return status;
}

/* Each call once, as far as it goes. */
static reprise_status
use(struct reprise_log *log, struct progress *progress)
{
	struct reprise_conversation *conversation = NULL, *clone = NULL;
	reprise_status status = reprise_conversation_new(log, &k, NULL, &conversation, NULL);

	if (status != REPRISE_OK)
		return status;
	status = reprise_conversation_recover(conversation, NULL);
	if (status == REPRISE_OK)
		status = record_all(conversation, progress);
	if (status == REPRISE_OK)
		status = reprise_conversation_snapshot(conversation, NULL);
	if (status == REPRISE_OK)
		status = reprise_conversation_clone(conversation, &clone, NULL);
	if (status == REPRISE_OK)
		status = reprise_conversation_recover(clone, NULL);
	if (status == REPRISE_OK)
		status = read_back(conversation);
	if (status == REPRISE_OK)
		status = reprise_conversation_archive(conversation, NULL, NULL);
	cr_assert(not(reprise_conversation_is_stale(conversation)));
	reprise_conversation_close(clone);
	reprise_conversation_close(conversation);
	return status;
}

/* Each allocation in turn, until none is refused any more. */
Test(log_sqlite, D05_a_conversation_without_memory_is_told_and_has_appended_nothing)
{
	int refused = 0;

	for (int number = 1;; number++) {
		char name[32];
		struct progress progress = { 0 };

		snprintf(name, sizeof(name), "log-%d", number);
		char *const path = scratch_path(name);
		struct reprise_log *const log = open_at(path);

		refusal_begin(number);
		const reprise_status status = use(log, &progress);
		const bool is_over = !refusal_end();

		if (status != REPRISE_OK)
			cr_assert(eq(int, status, REPRISE_E_NO_MEMORY), "allocation %d", number);
		refused += status != REPRISE_OK;
		if (progress.events != 0)
			cr_assert(eq(u64, head_of_k(log), progress.events), "allocation %d",
				  number);
		/* What is there is good. */
		struct progress again = { 0 };

		cr_assert(eq(int, use(log, &again), REPRISE_OK), "allocation %d", number);
		reprise_log_close(log);
		scratch_remove();
		if (is_over)
			break;
	}
	cr_assert(gt(int, refused, 20));
	expect_no_leaks();
}
