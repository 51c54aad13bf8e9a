/* SPDX-License-Identifier: MIT */
#include "log/archive.h"

#include <stdlib.h>

#include <reprise/log_upkeep.h>

#include "base/error.h"
#include "base/numbers.h"
#include "log/handle.h"
#include "log/lookup.h"
#include "log/row.h"
#include "log/target.h"

reprise_status
target_archive(struct target *target, struct log_write *write, struct reprise_error *error)
{
	struct log_head *const head = target->head;
	const uint64_t watermark = least(write->last, head->head);

	(void)error;
	if (head->kind == 0)
		return REPRISE_OK;
	if (head->blobs != 0 && !write->is_covered)
		return refuse(write, REPRISE_E_INVALID);
	target->is_touched = true;
	if (watermark > head->watermark) {
		write->archived = watermark - head->watermark;
		head->watermark = watermark;
	}
	return REPRISE_OK;
}

static reprise_status
archive(struct reprise_log *log, const struct reprise_log_key *key, reprise_ordinal watermark,
	bool is_covered, uint64_t *ret_count, struct reprise_error *error)
{
	reprise_status status = handle_check(log, key, error);

	if (status != REPRISE_OK)
		return status;
	struct log_write write = {
		.type = LOG_ARCHIVE,
		.thread = key->thread,
		.last = watermark,
		.is_covered = is_covered,
	};

	status = log_write(log, log->level, LOG_PATIENT, key->tenant, &write, 1, error);
	if (status != REPRISE_OK)
		return status;
	if (write.fault != NULL)
		return corrupt(error, write.fault);
	if (write.status != REPRISE_OK)
		return error_detailed(error, write.status, "key", log_refusal_text(&write));
	if (ret_count != NULL)
		*ret_count = write.archived;
	return REPRISE_OK;
}

reprise_status
reprise_log_archive_before(struct reprise_log *log, const struct reprise_log_key *key,
			   reprise_ordinal watermark, uint64_t *ret_count,
			   struct reprise_error *error)
{
	return archive(log, key, watermark, false, ret_count, error);
}

reprise_status
log_archive_covered(struct reprise_log *log, const struct reprise_log_key *key,
		    reprise_ordinal watermark, uint64_t *ret_count, struct reprise_error *error)
{
	return archive(log, key, watermark, true, ret_count, error);
}

/*
 * Drops the rises up to @bound, at most REPRISE_LOG_MOVE_MAX of them. The head keeps the last one:
 * a revision below it was exceeded first by an event that was moved away.
 */
static reprise_status
drop_rises(struct reprise_log *log, struct log_head *head, uint64_t bound, uint64_t *ret_count,
	   struct reprise_error *error)
{
	struct log_mark *const rises = calloc(REPRISE_LOG_MOVE_MAX, sizeof(*rises));
	size_t found = 0, count = 0;

	if (rises == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	/* No rise has the revision 0: it is above the greatest before. */
	reprise_status status =
		lookup_rises_above(log, head, 0, rises, REPRISE_LOG_MOVE_MAX, &found, error);

	while (status == REPRISE_OK && count < found && rises[count].ordinal <= bound)
		count++;
	if (status == REPRISE_OK && count != 0) {
		head->moved = rises[count - 1];
		status = log->adapter->drop_rises(log, head->id, head->moved.revision, error);
	}
	if (status == REPRISE_OK && count != 0) {
		head->checksum = log_head_checksum(head->key_checksum, head);
		status = log->adapter->put_head(log, head, error);
	}
	free(rises);
	*ret_count = count;
	return status;
}

/* The fate of archived rows. */
enum fate {
	FATE_MOVE,   /* as the adapter's option says */
	FATE_REMOVE, /* they are deleted, in the archive's table, too */
};

/*
 * Rows up to @watermark, and then what indexed them. @ret_count is 0 if there was
 * nothing of either.
 */
static reprise_status
move_some(struct reprise_log *log, struct log_head *head, enum fate fate, uint64_t watermark,
	  uint64_t *ret_count, struct reprise_error *error)
{
	struct log_moved moved = { 0 };
	uint64_t rises = 0, commits = 0;
	reprise_status status =
		fate == FATE_REMOVE ? log->adapter->remove_rows(log, head->id, watermark,
								REPRISE_LOG_MOVE_MAX, &moved, error)
				    : log->adapter->move_rows(log, head->id, watermark,
							      REPRISE_LOG_MOVE_MAX, &moved, error);
	const uint64_t bound =
		moved.count == REPRISE_LOG_MOVE_MAX ? least(moved.last, watermark) : watermark;

	if (status == REPRISE_OK)
		status = drop_rises(log, head, bound, &rises, error);
	if (status == REPRISE_OK)
		status = log->adapter->drop_commits(log, head->id, bound, REPRISE_LOG_MOVE_MAX,
						    &commits, error);
	*ret_count = moved.count != 0 ? moved.count : greatest(rises, commits);
	return status;
}

static reprise_status
move(struct reprise_log *log, const struct reprise_log_key *key, enum fate fate, uint64_t bound,
     uint64_t *ret_count, struct reprise_error *error)
{
	struct log_head head = { 0 };
	reprise_status status = log->adapter->begin(log, LOG_WRITTEN, key->tenant, &key->thread, 1,
						    LOG_PATIENT, &head, error);

	if (status != REPRISE_OK)
		return status;
	head.key_checksum = log_key_checksum(key->tenant, key->thread);
	const char *const fault = head_fault(&head);

	if (fault != NULL)
		status = corrupt(error, fault);
	else if (head.kind != 0)
		status =
			move_some(log, &head, fate, least(bound, head.watermark), ret_count, error);
	if (status == REPRISE_OK && *ret_count != 0)
		return log->adapter->commit(log, error);
	log->adapter->rollback(log);
	return status;
}

reprise_status
log_remove_archived(struct reprise_log *log, const struct reprise_log_key *key,
		    reprise_ordinal bound, uint64_t *ret_count, struct reprise_error *error)
{
	uint64_t count = 0;

	log_lock(log);
	const reprise_status status = move(log, key, FATE_REMOVE, bound, &count, error);

	log_unlock(log);
	*ret_count = status == REPRISE_OK ? count : 0;
	return status;
}

reprise_status
reprise_log_move_archived(struct reprise_log *log, const struct reprise_log_key *key,
			  uint64_t *ret_count, struct reprise_error *error)
{
	uint64_t count = 0;
	reprise_status status = handle_check(log, key, error);

	if (status != REPRISE_OK)
		return status;
	log_lock(log);
	status = move(log, key, FATE_MOVE, UINT64_MAX, &count, error);
	log_unlock(log);
	if (status == REPRISE_OK && ret_count != NULL)
		*ret_count = count;
	return status;
}
