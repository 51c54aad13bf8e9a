/* SPDX-License-Identifier: MIT */
#include "recorder/bridge.h"

#include "recorder/recorder.h"

bool
bridge_find(struct reprise_recorder *recorder, struct backfill *backfill,
	    const struct backfill_question *question, bool *ret_has)
{
	const struct reprise_log_key key = { recorder->tenant, backfill->session_id };
	struct reprise_error error = { .size = sizeof(error) };

	*ret_has = true;
	if (!question->is_judged_by_durable || question->revision >= question->durable_revision)
		return true;
	/* The window first: events that leave the window meanwhile are in the log. */
	if (backfill_window_has_commit(backfill, question->after, question->durable_revision))
		return true;
	return reprise_log_has_commit(recorder->reading, &key, question->after,
				      question->durable_revision, ret_has, &error) == REPRISE_OK;
}
