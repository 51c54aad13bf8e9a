/* SPDX-License-Identifier: MIT */
#include <reprise/log_upkeep.h>

#include "base/error.h"
#include "base/numbers.h"
#include "log/handle.h"
#include "log/target.h"

reprise_status
target_archive(struct target *target, struct log_write *write, struct reprise_error *error)
{
	struct log_head *const head = target->head;
	const uint64_t watermark = least(write->last, head->head);

	(void)error;
	if (head->kind == 0)
		return REPRISE_OK;
	target->is_touched = true;
	if (watermark > head->watermark) {
		write->archived = watermark - head->watermark;
		head->watermark = watermark;
	}
	return REPRISE_OK;
}

reprise_status
reprise_log_archive_before(struct reprise_log *log, const struct reprise_log_key *key,
			   reprise_ordinal watermark, uint64_t *ret_count,
			   struct reprise_error *error)
{
	reprise_status status = handle_check(log, key, error);

	if (status != REPRISE_OK)
		return status;
	struct log_write write = { .type = LOG_ARCHIVE, .thread = key->thread, .last = watermark };

	status = log_write(log, log->level, key->tenant, &write, 1, error);
	if (status == REPRISE_OK && ret_count != NULL)
		*ret_count = write.archived;
	return status;
}

static reprise_status
move(struct reprise_log *log, const struct reprise_log_key *key, uint64_t *ret_count,
     struct reprise_error *error)
{
	struct log_head head = { 0 };
	reprise_status status =
		log->adapter->begin(log, LOG_WRITTEN, key->tenant, &key->thread, 1, &head, error);

	if (status != REPRISE_OK)
		return status;
	if (head.kind != 0)
		status = log->adapter->move_rows(log, head.id, head.watermark, REPRISE_LOG_MOVE_MAX,
						 ret_count, error);
	if (status == REPRISE_OK && *ret_count != 0)
		return log->adapter->commit(log, error);
	log->adapter->rollback(log);
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
	pthread_mutex_lock(&log->lock);
	status = move(log, key, &count, error);
	pthread_mutex_unlock(&log->lock);
	if (status == REPRISE_OK && ret_count != NULL)
		*ret_count = count;
	return status;
}
