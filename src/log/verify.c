/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <reprise/log_upkeep.h>
#include <reprise/session.h>

#include "base/error.h"
#include "base/numbers.h"
#include "base/sized.h"
#include "log/handle.h"
#include "log/row.h"

enum {
	ROWS_AT_A_TIME = 1000,
	LIVES_AT_A_TIME = 64,
};

struct verifying {
	struct reprise_log *log;
	const struct reprise_log_key *key;
	uint32_t key_checksum;
	struct log_head head;   /* of the first look */
	reprise_ordinal next;   /* what no row has covered yet */
	reprise_ordinal newest; /* the head of the present look */
	uint64_t rows;          /* of it; 0: there is no more to look at */
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

/* What a row says that is not so, although it is whole. */
static void
verify_event(struct verifying *verifying, const struct log_row *row)
{
	if (row->revision > verifying->head.revision_max)
		found(verifying, row->last, "a revision above the greatest");
}

static bool
verify_row(const struct log_row *row, void *context)
{
	struct verifying *const verifying = context;
	struct reprise_log_report *const report = &verifying->report;
	const char *const fault = row_fault(verifying->key_checksum, row);

	verifying->rows++;
	if (verifying->next > verifying->head.head && row->last <= verifying->newest)
		return false; /* appended since */
	if (fault != NULL)
		found(verifying, row->last, fault);
	if (row->last > verifying->newest) {
		found(verifying, row->last, "a row beyond the head");
		verifying->rows = 0;
		return false;
	}
	if (row->first > verifying->next)
		found(verifying, verifying->next, "a row is missing");
	/* Only a gap may begin at or below the watermark. */
	if (row->first < verifying->next && verifying->next != verifying->head.watermark + 1)
		found(verifying, row->last, "two rows of one ordinal");
	if (row->type == REPRISE_LOG_GAP) {
		report->gaps++;
		report->lost += row->last - greatest(row->first, verifying->next) + 1;
	} else {
		report->events++;
		verify_event(verifying, row);
	}
	verifying->next = row->last + 1;
	return true;
}

/* Some rows, under a look of their own; false in @ret_more: they are all done. */
static reprise_status
verify_some(struct verifying *verifying, bool *ret_more, struct reprise_error *error)
{
	struct log_head head = { 0 };
	reprise_status status = look_begin(verifying->log, verifying->key, &head, error);

	/* What was archived meanwhile may be away. */
	if (status == REPRISE_OK && verifying->next <= head.watermark) {
		verifying->next = head.watermark + 1;
		verifying->head.watermark = head.watermark;
	}
	verifying->rows = 0;
	verifying->newest = head.head;
	if (status == REPRISE_OK)
		status = verifying->log->adapter->rows_after(verifying->log, head.id,
							     verifying->next - 1, ROWS_AT_A_TIME,
							     verify_row, verifying, error);
	look_end(verifying->log);
	*ret_more = verifying->rows == ROWS_AT_A_TIME;
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
	return REPRISE_OK;
}

static void
verify_life(struct verifying *verifying, const struct reprise_life *life, uint64_t number,
	    reprise_ordinal first)
{
	const uint64_t last = verifying->head.life.number;

	if (life->number != number)
		found(verifying, life->first, "a life is missing");
	if (life->first != first)
		found(verifying, life->first, "a life begins where the one before did not end");
	if (life->state < REPRISE_LIFE_OPEN || life->state > REPRISE_LIFE_INVALIDATED ||
	    (life->state == REPRISE_LIFE_OPEN && life->number < last))
		found(verifying, life->first, "a life's state");
	if (life->number < last && life->end + 1 < life->first)
		found(verifying, life->first, "a life's end");
	if (life->number == last && life->first > verifying->head.head + 1)
		found(verifying, life->first, "a life beyond the head");
}

/* They tile what there is; those that begin meanwhile are not looked at. */
static reprise_status
verify_lives(struct verifying *verifying, struct reprise_error *error)
{
	struct reprise_life lives[LIVES_AT_A_TIME];
	uint64_t number = 0;
	reprise_ordinal first = 1;
	size_t count = LIVES_AT_A_TIME;

	while (count == LIVES_AT_A_TIME) {
		const reprise_status status =
			reprise_log_lives(verifying->log, verifying->key, number, lives,
					  LIVES_AT_A_TIME, &count, error);

		if (status != REPRISE_OK)
			return status;
		for (size_t i = 0; i < count && lives[i].number <= verifying->head.life.number;
		     i++) {
			verify_life(verifying, &lives[i], number + 1, first);
			number = lives[i].number;
			first = lives[i].end + 1;
		}
	}
	if (number < verifying->head.life.number)
		found(verifying, first, "a life is missing");
	return REPRISE_OK;
}

static void
verify_head(struct verifying *verifying)
{
	const struct log_head *const head = &verifying->head;

	if (head->has_ended && head->end_ordinal > head->head)
		found(verifying, head->end_ordinal, "an end beyond the head");
	if (head->kind == REPRISE_LOG_RING && head->life.number == 0)
		found(verifying, 1, "a life is missing");
	if (head->kind == REPRISE_LOG_DIRECT && head->life.number != 0)
		found(verifying, 1, "a life of a DIRECT key");
}

/* What the database itself finds damaged is a fault as well, behind which nothing can be looked at. */
static reprise_status
found_if_corrupt(struct verifying *verifying, reprise_status status, const char *what)
{
	if (status != REPRISE_E_CORRUPT)
		return status;
	found(verifying, verifying->next, what);
	return REPRISE_OK;
}

reprise_status
reprise_log_verify(struct reprise_log *log, const struct reprise_log_key *key,
		   struct reprise_log_report *ret_report, struct reprise_error *error)
{
	struct verifying verifying = { .log = log, .key = key };
	reprise_status status = handle_check(log, key, error);

	if (status != REPRISE_OK)
		return status;
	if (ret_report == NULL)
		return error_invalid(error, "ret_report");
	verifying.key_checksum = row_key_checksum(key->tenant, key->thread);
	status = look_begin(log, key, &verifying.head, error);
	look_end(log);
	if (status == REPRISE_OK && verifying.head.kind == 0)
		return error_plain(error, REPRISE_E_NOT_FOUND);
	if (status == REPRISE_OK) {
		verifying.next = verifying.head.watermark + 1;
		verify_head(&verifying);
		status = found_if_corrupt(&verifying, verify_rows(&verifying, error),
					  "the rows cannot be read");
		if (status == REPRISE_OK)
			status = found_if_corrupt(&verifying, verify_lives(&verifying, error),
						  "the lives cannot be read");
	} else {
		status = found_if_corrupt(&verifying, status, "what is kept of the key");
	}
	if (status != REPRISE_OK)
		return status;
	if (!sized_write(ret_report, &verifying.report, sizeof(verifying.report),
			 sizeof(verifying.report)))
		return error_invalid(error, "ret_report: size");
	return REPRISE_OK;
}
