/* SPDX-License-Identifier: MIT */
#include <reprise/session.h>

#include "log/row.h"
#include "log/target.h"

enum {
	FLAGS_OF_LIBRARY = 0x00fe,
};

reprise_status
entries_refusal(const struct reprise_log_new_entry *entries, size_t entries_count,
		const char **ret_what)
{
	uint64_t bytes = 0;

	*ret_what = "entries";
	if (entries == NULL && entries_count != 0)
		return REPRISE_E_INVALID;
	for (size_t i = 0; i < entries_count; i++) {
		*ret_what = "entries: revision";
		if (entries[i].revision == REPRISE_REVISION_UNKNOWN)
			return REPRISE_E_INVALID;
		*ret_what = "entries: flags";
		if ((entries[i].flags & FLAGS_OF_LIBRARY) != 0)
			return REPRISE_E_INVALID;
		*ret_what = "entries: time_ns";
		if (entries[i].time_ns > LOG_NUMBER_MAX)
			return REPRISE_E_INVALID;
		*ret_what = "entries: payload";
		if (entries[i].payload.data == NULL && entries[i].payload.size != 0)
			return REPRISE_E_INVALID;
		if (entries[i].payload.size > REPRISE_LOG_PAYLOAD_BYTES_MAX)
			return REPRISE_E_TOO_LARGE;
		bytes += entries[i].payload.size;
		if (bytes > REPRISE_LOG_APPEND_BYTES_MAX)
			return REPRISE_E_TOO_LARGE;
	}
	return REPRISE_OK;
}

struct log_row
target_row(const struct target *target, uint64_t ordinal, const struct reprise_log_new_entry *entry,
	   uint64_t time_ns)
{
	struct log_row row = {
		.first = ordinal,
		.last = ordinal,
		.revision = entry->revision,
		.time_ns = entry->time_ns != 0 ? entry->time_ns : time_ns,
		.type = REPRISE_LOG_EVENT,
		.kind = entry->kind,
		.flags = entry->flags,
		.reason = REPRISE_LOG_GAP_NONE,
		.payload = entry->payload,
	};

	row.checksum = row_checksum(target->head->key_checksum, &row);
	return row;
}

static struct log_mark
mark_of(const struct target *target, enum log_mark_type type, const struct log_row *row)
{
	struct log_mark mark = { .revision = row->revision, .ordinal = row->last };

	mark.checksum = log_mark_checksum(target->head->key_checksum, type, &mark);
	return mark;
}

reprise_status
target_put_row(struct target *target, const struct log_row *row, struct reprise_error *error)
{
	struct reprise_log *const log = target->log;
	struct log_head *const head = target->head;
	reprise_status status = log->adapter->put_row(log, head->id, row, error);

	if (status == REPRISE_OK && row->revision > head->revision_max) {
		const struct log_mark rise = mark_of(target, LOG_MARK_RISE, row);

		status = log->adapter->put_rise(log, head->id, &rise, error);
		head->revision_max = row->revision;
	}
	if (status == REPRISE_OK && (row->flags & REPRISE_EVENT_COMMIT) != 0) {
		const struct log_mark commit = mark_of(target, LOG_MARK_COMMIT, row);

		status = log->adapter->put_commit(log, head->id, &commit, error);
	}
	head->head = row->last;
	return status;
}

reprise_status
target_put_events(struct target *target, const struct reprise_log_new_entry *entries,
		  size_t entries_count, struct reprise_error *error)
{
	reprise_status status = REPRISE_OK;

	for (size_t i = 0; i < entries_count && status == REPRISE_OK; i++) {
		const struct log_row row =
			target_row(target, target->head->head + 1, &entries[i], target->now_ns);

		status = target_put_row(target, &row, error);
	}
	return status;
}
