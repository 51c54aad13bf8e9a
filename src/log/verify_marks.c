/* SPDX-License-Identifier: MIT */
#include "log/verify_marks.h"

#include <stdlib.h>

#include <reprise/session.h>

#include "base/error.h"
#include "base/numbers.h"
#include "log/handle.h"
#include "log/lookup.h"
#include "log/row.h"

reprise_status
marks_open(struct marks *marks, struct reprise_log *log, struct reprise_error *error)
{
	*marks = (struct marks){ .log = log };
	marks->rises = calloc(MARKS_AT_A_TIME, sizeof(*marks->rises));
	marks->commits = calloc(MARKS_AT_A_TIME, sizeof(*marks->commits));
	if (marks->rises == NULL || marks->commits == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	return REPRISE_OK;
}

void
marks_close(struct marks *marks)
{
	free(marks->rises);
	free(marks->commits);
}

void
marks_look(struct marks *marks, const struct log_head *head)
{
	marks->head = *head;
	/* Rises were dropped meanwhile with their rows. */
	if (head->moved.ordinal > marks->covered)
		marks->revision = greatest(marks->revision, head->moved.revision);
	marks->rises_count = marks->rises_at = 0;
	marks->rises_above = marks->revision;
	marks->has_all_rises = false;
	marks->commits_count = 0;
	marks->status = REPRISE_OK;
	marks->error = (struct reprise_error){ .size = sizeof(marks->error) };
}

static void
fault_at(struct marks *marks, uint64_t ordinal, const char *fault)
{
	if (marks->fault != NULL)
		return;
	marks->fault = fault;
	marks->fault_at = ordinal;
}

/* The next rise, or NULL. */
static const struct log_mark *
next_rise(struct marks *marks)
{
	size_t count = 0;

	if (marks->rises_at < marks->rises_count)
		return &marks->rises[marks->rises_at];
	if (marks->has_all_rises || marks->status != REPRISE_OK)
		return NULL;
	marks->status = lookup_rises_above(marks->log, &marks->head, marks->rises_above,
					   marks->rises, MARKS_AT_A_TIME, &count, &marks->error);
	if (marks->status != REPRISE_OK)
		return NULL;
	marks->has_all_rises = count < MARKS_AT_A_TIME;
	marks->rises_at = 0;
	marks->rises_count = count;
	if (count == 0)
		return NULL;
	marks->rises_above = marks->rises[count - 1].revision;
	return &marks->rises[0];
}

/* Rises before @ordinal, of which no row was seen: they may be of rows that were moved away. */
static void
pass_rises_before(struct marks *marks, uint64_t ordinal)
{
	const struct log_mark *rise = next_rise(marks);

	while (rise != NULL && rise->ordinal < ordinal) {
		if (rise->ordinal <= marks->covered || rise->ordinal > marks->head.watermark)
			fault_at(marks, rise->ordinal, "a rise has no event");
		marks->revision = greatest(marks->revision, rise->revision);
		marks->rises_at++;
		rise = next_rise(marks);
	}
}

static void
see_rise(struct marks *marks, const struct log_row *row)
{
	const bool is_due = row->type == REPRISE_LOG_EVENT && row->revision > marks->revision;
	const struct log_mark *rise;

	pass_rises_before(marks, row->first);
	rise = next_rise(marks);
	const bool is_there = rise != NULL && rise->ordinal <= row->last;

	if (marks->status != REPRISE_OK)
		return;
	if (is_due && (!is_there || rise->revision != row->revision))
		fault_at(marks, row->last, "a rise is missing");
	if (!is_due && is_there)
		fault_at(marks, row->last, "a rise has no event");
	if (is_there)
		marks->rises_at++;
	if (is_due)
		marks->revision = row->revision;
}

static void
see_commit(struct marks *marks, const struct log_row *row)
{
	if (row->type != REPRISE_LOG_EVENT || (row->flags & REPRISE_EVENT_COMMIT) == 0 ||
	    row->last <= marks->head.watermark)
		return;
	while (marks->commits_count != 0 &&
	       marks->commits[marks->commits_count - 1].revision <= row->revision)
		marks->commits_count--;
	marks->commits[marks->commits_count++] =
		(struct log_mark){ .revision = row->revision, .ordinal = row->last };
}

void
marks_see(struct marks *marks, const struct log_row *row)
{
	if (marks->status != REPRISE_OK)
		return;
	see_rise(marks, row);
	see_commit(marks, row);
	marks->covered = row->last;
}

/* A question for a COMMIT of such a revision is answered with this one, or a later one. */
static reprise_status
find_commits(struct marks *marks, struct reprise_error *error)
{
	for (size_t i = 0; i < marks->commits_count; i++) {
		const struct log_mark *const due = &marks->commits[i];
		struct log_mark commit = { 0 };
		size_t count = 0;
		const reprise_status status = lookup_commits_from(
			marks->log, &marks->head, due->revision, &commit, 1, &count, error);

		if (status != REPRISE_OK)
			return status;
		if (count == 0 || commit.ordinal < due->ordinal)
			fault_at(marks, due->ordinal, "a commit is missing");
	}
	return REPRISE_OK;
}

reprise_status
marks_leave(struct marks *marks, uint64_t head, bool is_last, struct reprise_error *error)
{
	if (is_last) {
		pass_rises_before(marks, marks->head.watermark + 1);
		const struct log_mark *const rise = next_rise(marks);

		if (rise != NULL && (rise->ordinal <= head || rise->ordinal > marks->head.head))
			fault_at(marks, rise->ordinal, "a rise has no event");
	}
	if (marks->status != REPRISE_OK)
		return error_detailed(error, marks->status, marks->error.what, marks->error.detail);
	return find_commits(marks, error);
}

/* A commit, and whether its event was met. */
struct meeting {
	uint32_t key_checksum;
	const struct log_mark *commit;
	bool is_met;
};

static bool
meet(const struct log_row *row, void *context)
{
	struct meeting *const meeting = context;

	meeting->is_met = row_fault(meeting->key_checksum, row) == NULL &&
			  row->type == REPRISE_LOG_EVENT && row->last == meeting->commit->ordinal &&
			  row->revision == meeting->commit->revision &&
			  (row->flags & REPRISE_EVENT_COMMIT) != 0;
	return false;
}

static reprise_status
check_commit(struct marks *marks, const struct log_mark *commit, struct reprise_error *error)
{
	struct meeting meeting = { .key_checksum = marks->head.key_checksum, .commit = commit };

	if (commit->ordinal == 0 || commit->ordinal > marks->head.head) {
		fault_at(marks, commit->ordinal, "a commit has no event");
		return REPRISE_OK;
	}
	if (commit->ordinal <= marks->head.watermark)
		return REPRISE_OK;
	const reprise_status status = marks->log->adapter->rows_after(
		marks->log, marks->head.id, commit->ordinal - 1, 1, meet, &meeting, error);

	if (status == REPRISE_OK && !meeting.is_met)
		fault_at(marks, commit->ordinal, "a commit has no event");
	return status;
}

reprise_status
marks_check_commits(struct marks *marks, uint64_t *revision, bool *ret_more,
		    struct reprise_error *error)
{
	size_t count = 0;
	reprise_status status = lookup_commits_from(marks->log, &marks->head, *revision,
						    marks->commits, MARKS_AT_A_TIME, &count, error);

	for (size_t i = 0; status == REPRISE_OK && i < count; i++) {
		if (i > 0 && marks->commits[i].ordinal >= marks->commits[i - 1].ordinal)
			fault_at(marks, marks->commits[i].ordinal,
				 "a commit has the place of another commit");
		status = check_commit(marks, &marks->commits[i], error);
	}
	*ret_more = count == MARKS_AT_A_TIME && marks->commits[count - 1].revision != UINT64_MAX;
	if (*ret_more)
		*revision = marks->commits[count - 1].revision + 1;
	return status;
}
