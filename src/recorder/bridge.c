/* SPDX-License-Identifier: MIT */
#include "recorder/bridge.h"

#include "recorder/recorder.h"

enum bridge
bridge_find(struct reprise_recorder *recorder, struct backfill *backfill,
	    const struct backfill_question *question)
{
	const struct reprise_log_key key = { recorder->tenant, backfill->session_id };
	struct reprise_error error = { .size = sizeof(error) };
	bool has_commit;

	if (!question->is_judged_by_durable || question->revision >= question->durable_revision)
		return BRIDGE_FOUND;
	/* The window first: events that leave the window meanwhile are in the log. */
	if (backfill_window_has_commit(backfill, question->after, question->durable_revision))
		return BRIDGE_FOUND;
	if (reprise_log_has_commit(recorder->reading, &key, question->after,
				   question->durable_revision, &has_commit, &error) != REPRISE_OK)
		return BRIDGE_UNKNOWN;
	return has_commit ? BRIDGE_FOUND : BRIDGE_ABSENT;
}
