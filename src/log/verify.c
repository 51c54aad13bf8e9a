/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <reprise/log_upkeep.h>
#include <reprise/session.h>

#include "base/error.h"
#include "base/numbers.h"
#include "base/sized.h"
#include "base/sizes.h"
#include "log/handle.h"
#include "log/row.h"
#include "log/verify_blobs.h"
#include "log/verify_lives.h"
#include "log/verify_marks.h"

enum {
	ROWS_AT_A_TIME = MARKS_AT_A_TIME,
	RUNS_MAX = 4, /* over a key that changes meanwhile */
};

struct verifying {
	struct reprise_log *log;
	const struct reprise_log_key *key;
	struct log_head first;  /* of the first look */
	struct log_head head;   /* the same; its watermark rises with the key's */
	reprise_ordinal after;  /* the last ordinal of the last row that was read */
	reprise_ordinal next;   /* what no row has covered yet */
	reprise_ordinal newest; /* the head of the present look */
	uint64_t rows;          /* of it; 0: there is no more to look at */
	struct marks marks;
	struct reprise_log_report report;
};

static void
found(struct verifying *verifying, reprise_ordinal at, const char *what)
{
	struct reprise_log_report *const report = &verifying->report;

	if (report->faults++ == 0) {
		report->at = at;
		snprintf(report->what, sizeof(report->what), "%s", what);
	}
}

/* A row that was handed to the marks had a fault. */
static void
found_in_marks(struct verifying *verifying)
{
	struct marks *const marks = &verifying->marks;

	if (marks->fault != NULL)
		found(verifying, marks->fault_at, marks->fault);
	marks->fault = NULL;
}

/* Finds false claims of a row that is whole. */
static void
verify_event(struct verifying *verifying, const struct log_row *row)
{
	if (row->revision > verifying->head.revision_max)
		found(verifying, row->last, "a revision is above the greatest one of the head");
}

/* A row that was archived, and not moved away yet: nobody reads it, but rises of it are there. */
static bool
verify_archived(struct verifying *verifying, const struct log_row *row)
{
	if (row_fault(verifying->head.key_checksum, row) == NULL)
		marks_see(&verifying->marks, row);
	found_in_marks(verifying);
	return true;
}

static void
count_row(struct verifying *verifying, const struct log_row *row)
{
	struct reprise_log_report *const report = &verifying->report;

	if (row->type == REPRISE_LOG_GAP) {
		report->gaps++;
		report->lost += row->last - greatest(row->first, verifying->next) + 1;
	} else {
		report->events++;
		verify_event(verifying, row);
	}
}

static bool
verify_row(const struct log_row *row, void *context)
{
	struct verifying *const verifying = context;
	const char *const fault = row_fault(verifying->head.key_checksum, row);

	verifying->rows++;
	if (verifying->next > verifying->head.head && row->last <= verifying->newest)
		return false; /* appended since */
	verifying->after = row->last;
	if (row->last <= verifying->head.watermark)
		return verify_archived(verifying, row);
	if (fault != NULL)
		found(verifying, row->last, fault);
	if (row->last > verifying->newest) {
		found(verifying, row->last, "a row lies beyond the head");
		verifying->rows = 0;
		return false;
	}
	if (row->first > verifying->next)
		found(verifying, verifying->next, "a row is missing");
	/* Only a gap may begin at or below the watermark. */
	if (row->first < verifying->next && verifying->next != verifying->head.watermark + 1)
		found(verifying, row->last, "two rows have the same ordinal");
	count_row(verifying, row);
	verifying->next = row->last + 1;
	/*
	 * The rises and commits of what is damaged are not known: only a key whose rows are whole
	 * is held against them.
	 */
	if (verifying->report.faults == 0)
		marks_see(&verifying->marks, row);
	found_in_marks(verifying);
	return true;
}

/* Some rows, under a look of their own; false in @ret_more: they are all done. */
static reprise_status
verify_some(struct verifying *verifying, bool *ret_more, struct reprise_error *error)
{
	struct log_head head = { 0 };
	reprise_status status = look_begin(verifying->log, verifying->key, &head, error);

	/* Entries that were archived meanwhile may be away. */
	if (status == REPRISE_OK && verifying->next <= head.watermark) {
		verifying->next = head.watermark + 1;
		verifying->head.watermark = head.watermark;
	}
	verifying->rows = 0;
	verifying->newest = head.head;
	marks_look(&verifying->marks, &head);
	if (status == REPRISE_OK)
		status = verifying->log->adapter->rows_after(verifying->log, head.id,
							     verifying->after, ROWS_AT_A_TIME,
							     verify_row, verifying, error);
	*ret_more = verifying->rows == ROWS_AT_A_TIME;
	if (status == REPRISE_OK && verifying->report.faults == 0)
		status = marks_leave(&verifying->marks, verifying->head.head, !*ret_more, error);
	found_in_marks(verifying);
	look_end(verifying->log);
	return status;
}

static reprise_status
verify_rows(struct verifying *verifying, struct reprise_error *error)
{
	bool more = true;

	while (more) {
		const reprise_status status = verify_some(verifying, &more, error);

		if (status != REPRISE_OK)
			return status;
	}
	if (verifying->next <= verifying->head.head)
		found(verifying, verifying->next, "a row is missing");
	if (verifying->report.faults == 0 &&
	    verifying->marks.revision < verifying->head.revision_max)
		found(verifying, verifying->head.head, "a rise is missing");
	return REPRISE_OK;
}

/* Each commit that is there is that of an event. */
static reprise_status
verify_commits(struct verifying *verifying, struct reprise_error *error)
{
	uint64_t revision = 0;
	bool more = true;

	while (more && verifying->report.faults == 0) {
		struct log_head head = { 0 };
		reprise_status status = look_begin(verifying->log, verifying->key, &head, error);

		if (status == REPRISE_OK) {
			marks_look(&verifying->marks, &head);
			status = marks_check_commits(&verifying->marks, &revision, &more, error);
		}
		look_end(verifying->log);
		if (status != REPRISE_OK)
			return status;
		found_in_marks(verifying);
	}
	return REPRISE_OK;
}

static reprise_status
verify_lives(struct verifying *verifying, struct reprise_error *error)
{
	struct lives_report lives = { 0 };
	const reprise_status status =
		lives_verify(verifying->log, verifying->key, &verifying->head, &lives, error);

	if (lives.faults != 0) {
		found(verifying, lives.at, lives.what);
		verifying->report.faults += lives.faults - 1;
	}
	return status;
}

static void
verify_head(struct verifying *verifying)
{
	const struct log_head *const head = &verifying->head;

	if (head->has_ended && head->end_ordinal > head->head)
		found(verifying, head->end_ordinal, "the end lies beyond the head");
	if (head->kind == REPRISE_LOG_RING && head->life.number == 0)
		found(verifying, 1, "a life is missing");
	if (head->kind == REPRISE_LOG_DIRECT && head->life.number != 0)
		found(verifying, 1, "a DIRECT key has a life");
	if (head->kind == REPRISE_LOG_RING && head->blobs != 0)
		found(verifying, 0, "a RING key has a blob");
}

static reprise_status
verify_blobs(struct verifying *verifying, struct reprise_error *error)
{
	struct blobs_report blobs = { 0 };
	const reprise_status status = blobs_verify(verifying->log, verifying->key, &blobs, error);

	verifying->report.blobs = blobs.blobs;
	if (blobs.faults != 0) {
		found(verifying, 0, blobs.what);
		verifying->report.faults += blobs.faults - 1;
	}
	return status;
}

/*
 * Damage that a look finds, also of the database itself, is a fault as well, behind which nothing
 * can be looked at. The fault's words are @why's, or @what if the database has said something of
 * its own.
 */
static reprise_status
found_if_corrupt(struct verifying *verifying, reprise_status status,
		 const struct reprise_error *why, const char *what, struct reprise_error *error)
{
	if (status == REPRISE_E_CORRUPT) {
		found(verifying, verifying->next,
		      why->what[0] != '\0' && why->detail[0] == '\0' ? why->what : what);
		return REPRISE_OK;
	}
	if (status != REPRISE_OK && error != NULL)
		return error_detailed(error, status, why->what, why->detail);
	return status;
}

/*
 * The key's head, rows, lives and blobs, in the order in which each check builds on the one before.
 */
static reprise_status
verify_all(struct verifying *verifying, struct reprise_error *error)
{
	struct reprise_error why = { .size = sizeof(why) };
	reprise_status status;

	verifying->next = verifying->head.watermark + 1;
	verify_head(verifying);
	status = verify_rows(verifying, &why);
	if (status == REPRISE_OK)
		status = verify_commits(verifying, &why);
	status = found_if_corrupt(verifying, status, &why, "the rows cannot be read", error);
	if (status != REPRISE_OK)
		return status;
	status = found_if_corrupt(verifying, verify_lives(verifying, &why), &why,
				  "the lives cannot be read", error);
	return status == REPRISE_OK ? verify_blobs(verifying, error) : status;
}

/* The checks that concern no key in particular. */
static reprise_status
check_log(struct reprise_log *log, struct reprise_error *error)
{
	reprise_status status = REPRISE_OK;

	log_lock(log);
	if (log->adapter->check != NULL)
		status = log->adapter->check(log, error);
	log_unlock(log);
	return status;
}

/* The whole key, in looks of their own. */
static reprise_status
run(struct verifying *verifying, struct reprise_error *error)
{
	struct reprise_error why = { .size = sizeof(why) };
	reprise_status status = look_begin(verifying->log, verifying->key, &verifying->first, &why);

	look_end(verifying->log);
	verifying->head = verifying->first;
	if (status == REPRISE_OK && verifying->head.kind == 0)
		return error_plain(error, REPRISE_E_NOT_FOUND);
	if (status == REPRISE_OK)
		status = marks_open(&verifying->marks, verifying->log, error);
	else
		status = found_if_corrupt(verifying, status, &why, "a head has impossible numbers",
					  error);
	if (status == REPRISE_OK && verifying->report.faults == 0)
		status = verify_all(verifying, error);
	marks_close(&verifying->marks);
	return status;
}

/*
 * Whether the head is another one than at the first look. Between two looks the key may have been
 * dropped or erased, and written to again: then the faults are none of the key.
 */
static bool
has_changed(struct verifying *verifying)
{
	const struct log_head *const first = &verifying->first;
	struct log_head head = { 0 };
	const reprise_status status = look_begin(verifying->log, verifying->key, &head, NULL);

	look_end(verifying->log);
	return status == REPRISE_OK && (head.id != first->id || head.checksum != first->checksum ||
					head.life_checksum != first->life_checksum);
}

/* A fault of a key that changed meanwhile is believed if each run over the key finds a fault. */
static reprise_status
run_until_believed(struct verifying *verifying, struct reprise_error *error)
{
	reprise_status status = run(verifying, error);

	for (int runs = 1; status == REPRISE_OK && verifying->report.faults != 0 &&
			   runs < RUNS_MAX && has_changed(verifying);
	     runs++) {
		*verifying = (struct verifying){ .log = verifying->log, .key = verifying->key };
		status = run(verifying, error);
	}
	return status;
}

reprise_status
reprise_log_verify(struct reprise_log *log, const struct reprise_log_key *key,
		   struct reprise_log_report *ret_report, struct reprise_error *error)
{
	struct verifying verifying = { .log = log, .key = key };
	struct reprise_error why = { .size = sizeof(why) };
	reprise_status status = handle_check(log, key, error);

	if (status != REPRISE_OK)
		return status;
	if (ret_report == NULL)
		return error_invalid(error, "ret_report");
	status = found_if_corrupt(&verifying, check_log(log, &why), &why,
				  "synced commits are missing", error);
	if (status != REPRISE_OK)
		return status;
	if (verifying.report.faults == 0)
		status = run_until_believed(&verifying, error);
	if (status != REPRISE_OK)
		return status;
	if (!sized_write(ret_report, &verifying.report, sizeof(verifying.report),
			 SIZE_MIN(reprise_log_report)))
		return error_size(error, "ret_report: size", ret_report, sizeof(verifying.report));
	return REPRISE_OK;
}
