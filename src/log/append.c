/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "log/handle.h"
#include "log/target.h"

reprise_status
target_append(struct target *target, struct log_write *write, struct reprise_error *error)
{
	struct log_head *const head = target->head;
	const char *what;
	const reprise_status refusal = entries_refusal(write->entries, write->entries_count, &what);

	if (refusal != REPRISE_OK)
		return refuse(write, refusal);
	const uint64_t expected = write->expected_head != NULL ? *write->expected_head : head->head;

	if (head->kind == REPRISE_LOG_RING || expected != head->head)
		return refuse_conflict(write, expected, head->head);
	if (write->entries_count > LOG_NUMBER_MAX - head->head)
		return refuse(write, REPRISE_E_TOO_LARGE);
	if (write->entries_count == 0)
		return REPRISE_OK;
	head->kind = REPRISE_LOG_DIRECT;
	target->is_touched = true;
	return target_put_events(target, write->entries, write->entries_count, error);
}

/* Nothing is to be written: a look is enough. */
static reprise_status
tell_head(struct reprise_log *log, const struct reprise_log_key *key,
	  const reprise_ordinal *expected_head, reprise_ordinal *ret_head,
	  struct reprise_error *error)
{
	struct log_head head = { 0 };
	const reprise_status status = look_begin(log, key, &head, error);

	look_end(log);
	if (status != REPRISE_OK)
		return status;
	const reprise_ordinal expected = expected_head != NULL ? *expected_head : head.head;

	if (head.kind == REPRISE_LOG_RING || expected != head.head)
		return error_conflict(error, expected, head.head);
	if (ret_head != NULL)
		*ret_head = head.head;
	return REPRISE_OK;
}

reprise_status
reprise_log_append(struct reprise_log *log, const struct reprise_log_key *key,
		   const reprise_ordinal *expected_head,
		   const struct reprise_log_new_entry *entries, size_t entries_count,
		   reprise_ordinal *ret_head, struct reprise_error *error)
{
	const char *what = NULL;
	reprise_status status = handle_check(log, key, error);

	if (status != REPRISE_OK)
		return status;
	status = entries_refusal(entries, entries_count, &what);
	if (status == REPRISE_E_INVALID)
		return error_invalid(error, what);
	if (status != REPRISE_OK)
		return error_plain(error, status);
	if (entries_count == 0)
		return tell_head(log, key, expected_head, ret_head, error);
	struct log_write write = {
		.type = LOG_APPEND,
		.thread = key->thread,
		.entries = entries,
		.entries_count = entries_count,
		.expected_head = expected_head,
	};

	status = log_write(log, log->level, LOG_PATIENT, key->tenant, &write, 1, error);
	if (status != REPRISE_OK)
		return status;
	if (write.fault != NULL)
		return corrupt(error, write.fault);
	if (write.status == REPRISE_E_CONFLICT)
		return error_conflict_detailed(error, write.expected, write.actual,
					       log_refusal_text(&write));
	if (write.status != REPRISE_OK)
		return error_detailed(error, write.status, NULL, log_refusal_text(&write));
	if (ret_head != NULL)
		*ret_head = write.head;
	return REPRISE_OK;
}
