/* SPDX-License-Identifier: MIT */
#include "conversations.h"

struct reprise_conversation *
new_conversation(struct reprise_log *log)
{
	struct reprise_conversation *conversation = NULL;

	cr_assert(
		eq(int, reprise_conversation_new(log, &k, NULL, &conversation, NULL), REPRISE_OK));
	return conversation;
}

struct reprise_conversation *
recovered(struct reprise_log *log)
{
	struct reprise_conversation *const conversation = new_conversation(log);

	cr_assert(eq(int, reprise_conversation_recover(conversation, NULL), REPRISE_OK));
	return conversation;
}

void
expect_decision(struct reprise_conversation *conversation, const char *id,
		reprise_decision_type type, uint32_t step)
{
	struct reprise_decision decision = { 0 };

	cr_assert(eq(int,
		     reprise_conversation_receive_message(conversation, id, 1700000000000,
							  &decision, NULL),
		     REPRISE_OK));
	cr_assert(eq(int, decision.type, type));
	cr_assert(eq(u32, decision.step, step));
}

void
complete(struct reprise_conversation *conversation, const char *id, uint32_t step,
	 const char *output)
{
	cr_assert(eq(int,
		     reprise_conversation_record_step_completed(
			     conversation, id, step,
			     (struct reprise_bytes){ output, strlen(output) }, NULL),
		     REPRISE_OK));
}

void
finish(struct reprise_conversation *conversation, const char *id)
{
	cr_assert(eq(int, reprise_conversation_record_processing_finished(conversation, id, NULL),
		     REPRISE_OK));
}

void
expect_output(struct reprise_conversation *conversation, const char *id, uint32_t step,
	      const char *output)
{
	struct reprise_log_page *page = NULL;
	struct reprise_bytes bytes = { 0 };

	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	cr_assert(eq(int,
		     reprise_conversation_step_output(conversation, id, step, page, &bytes, NULL),
		     REPRISE_OK));
	cr_assert(eq(sz, bytes.size, strlen(output)));
	cr_assert(eq(int, memcmp(bytes.data, output, bytes.size), 0));
	reprise_log_page_close(page);
}
