/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/numbers.h"
#include "log/row.h"
#include "log/target.h"

/* A comparison of the rows that are there already with a write that repeats them. */
struct repeat {
	const struct target *target;
	const struct log_write *write;
	bool is_different;
};

/*
 * As many rows are asked for as there are positions, so that a gap which is met lies over
 * some of them.
 */
static bool
compare_row(const struct log_row *row, void *context)
{
	struct repeat *const repeat = context;
	const struct log_write *const write = repeat->write;

	repeat->is_different = true;
	if (row->type != REPRISE_LOG_EVENT || row->last - write->first >= write->entries_count)
		return false;
	const struct log_row given = target_row(
		repeat->target, row->last, &write->entries[row->last - write->first], row->time_ns);

	repeat->is_different = given.checksum != row->checksum;
	return !repeat->is_different;
}

/* Whether it is the same; archived rows are not asked for. */
static reprise_status
compare_rows(struct target *target, const struct log_write *write, uint64_t count,
	     bool *ret_is_different, struct reprise_error *error)
{
	struct repeat repeat = { .target = target, .write = write };
	const uint64_t before = write->first - 1;
	const uint64_t after = greatest(before, target->head->watermark);
	reprise_status status = REPRISE_OK;

	if (count > after - before)
		status = target->log->adapter->rows_after(target->log, target->head->id, after,
							  count - (after - before), compare_row,
							  &repeat, error);
	*ret_is_different = repeat.is_different;
	return status;
}

bool
target_is_of_life(const struct target *target, const struct log_write *write)
{
	return target->head->kind == REPRISE_LOG_RING &&
	       memcmp(&target->head->life.incarnation, &write->incarnation,
		      sizeof(write->incarnation)) == 0;
}

/*
 * Whether positions first .. last may be recorded: by the last life, after its beginning, without a
 * hole. Of one that is clean all must be there already, as when what closed it is written again.
 */
static bool
may_record(const struct target *target, const struct log_write *write, uint64_t last)
{
	const struct log_head *const head = target->head;

	if (!target_is_of_life(target, write) || head->life.state == REPRISE_LIFE_CRASHED)
		return false;
	if (head->life.state == REPRISE_LIFE_CLEAN && last > head->head)
		return false;
	return write->first >= head->life.first && write->first <= head->head + 1;
}

reprise_status
target_record(struct target *target, struct log_write *write, struct reprise_error *error)
{
	const struct log_head *const head = target->head;
	bool is_different = false;
	const char *what;
	const reprise_status refusal = entries_refusal(write->entries, write->entries_count, &what);

	if (refusal != REPRISE_OK)
		return refuse(write, refusal);
	if (write->first == 0 || write->first > LOG_NUMBER_MAX ||
	    write->entries_count > LOG_NUMBER_MAX - write->first)
		return refuse(write, REPRISE_E_INVALID);
	if (!may_record(target, write, write->first + write->entries_count - 1))
		return refuse_conflict(write, write->first - 1, head->head);
	const uint64_t repeated = least(head->head - (write->first - 1), write->entries_count);
	const reprise_status status = compare_rows(target, write, repeated, &is_different, error);

	if (status != REPRISE_OK)
		return status;
	if (is_different)
		return refuse(write, REPRISE_E_CORRUPT);
	target->is_touched = true;
	if (repeated == write->entries_count)
		return REPRISE_OK;
	return target_put_events(target, write->entries + repeated, write->entries_count - repeated,
				 error);
}

reprise_status
target_gap(struct target *target, struct log_write *write, struct reprise_error *error)
{
	struct log_head *const head = target->head;

	if (write->first == 0 || write->first > write->last || write->last > LOG_NUMBER_MAX ||
	    write->reason == REPRISE_LOG_GAP_NONE || !row_is_reason(write->reason))
		return refuse(write, REPRISE_E_INVALID);
	if (!may_record(target, write, write->last))
		return refuse_conflict(write, write->first - 1, head->head);
	target->is_touched = true;
	if (write->last <= head->head)
		return REPRISE_OK;
	struct log_row row = {
		.first = head->head + 1,
		.last = write->last,
		.time_ns = target->now_ns,
		.type = REPRISE_LOG_GAP,
		.reason = write->reason,
	};

	row.checksum = row_checksum(target->head->key_checksum, &row);
	head->head = write->last;
	return target->log->adapter->put_row(target->log, head->id, &row, error);
}
