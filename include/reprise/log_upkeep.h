/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_LOG_UPKEEP_H
#define REPRISE_LOG_UPKEEP_H

/* reprise/log_upkeep.h - what grows old in a log, and whether it is whole */

#include <reprise/log.h>

REPRISE_BEGIN_DECLARATIONS

enum {
	REPRISE_LOG_MOVE_MAX = 1000, /* entries that one transaction moves away */
};

/* What reprise_log_verify has found. */
struct reprise_log_report {
	size_t size;        /* sizeof(struct reprise_log_report), set by the caller */
	uint64_t events;    /* looked at */
	uint64_t gaps;      /* gap entries */
	uint64_t lost;      /* the ordinals that they occupy */
	uint64_t blobs;     /* looked at, and whole */
	uint64_t faults;    /* whatever is not as it should be */
	reprise_ordinal at; /* where the first fault is; 0 if it is no ordinal's */
	char what[REPRISE_ERROR_WHAT_BYTES]; /* what it is; "" if there is none */
};
#define REPRISE_LOG_REPORT_INIT REPRISE_INIT(struct reprise_log_report)

/*
 * reprise_log_archive_before - hide what is old
 *
 * Ordinals up to @watermark are handed out no more, from the moment it returns. Their rows go to the archive's table,
 * or are deleted, as the adapter was opened, by reprise_log_move_archived. The head stays.
 *
 * A key with blobs (log_blob.h) is refused: only the owner of the blobs knows which entries they cover. (rule L51)
 *
 * @log        Borrowed.
 * @key        Whose. Unknown: nothing to do.
 * @watermark  Clamped to the head. At or below the one before: nothing to do.
 * @ret_count  Set on REPRISE_OK: the ordinals newly archived, those in gaps too. May be NULL.
 * @error      Optional.
 *
 * Threads   Any.
 * Progress  Blocks; costs the same however much it is.
 * Ordering  Durable as the adapter was opened.
 * Returns   As reprise_log_append, without REPRISE_E_TOO_LARGE. REPRISE_E_INVALID also for a key with blobs, with
 *           `what` "key"; nothing changed
 */
REPRISE_API reprise_status reprise_log_archive_before(struct reprise_log *log,
						      const struct reprise_log_key *key,
						      reprise_ordinal watermark,
						      uint64_t *ret_count,
						      struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_log_move_archived - move archived rows away, at most REPRISE_LOG_MOVE_MAX of them
 *
 * The rows' entries in the indexes of revisions go with them, so nothing of a key grows with what was deleted. The head
 * keeps the greatest revision among the moved rows: from then on reprise_log_position_for_revision answers 0 for a
 * revision below it. (rule L23)
 *
 * @log        Borrowed.
 * @key        Whose. Unknown: nothing to do.
 * @ret_count  Set on REPRISE_OK: how many rows, or entries of the indexes if no row was left; 0: none is left. May be
 *             NULL.
 * @error      Optional.
 *
 * Threads   Any.
 * Progress  Blocks; one transaction. May be ended at any moment and called again.
 * Ordering  None: nobody sees those rows any more.
 * Returns   As reprise_log_append, without REPRISE_E_TOO_LARGE.
 */
REPRISE_API reprise_status reprise_log_move_archived(struct reprise_log *log,
						     const struct reprise_log_key *key,
						     uint64_t *ret_count,
						     struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_log_verify - look at everything that is kept of a key
 *
 * Rows and gaps cover watermark + 1 .. head once each, lives tile 1 .. head, and every row of every table has the
 * right checksum (rule L20). The indexes of revisions and of lives are compared with the rows, and the head's
 * greatest revision as well (rule L22). The head's number of blobs is compared with them (rule L51). In a SQLite file, a
 * synced commit that is missing is a fault, too (rule L03).
 *
 * @log         Borrowed.
 * @key         Whose.
 * @ret_report  `size` set by the caller; the rest set on REPRISE_OK.
 * @error       Optional.
 *
 * Threads   Any.
 * Progress  Blocks; linear in what is kept.
 * Ordering  What is appended meanwhile is looked at or not.
 * Returns   REPRISE_OK           also with faults: they are in the report
 *           REPRISE_E_NOT_FOUND  nothing was ever written
 *           REPRISE_E_INVALID    a NULL argument, a bad key or size
 *           REPRISE_E_IO, REPRISE_E_TIMEOUT, REPRISE_E_NO_MEMORY
 */
REPRISE_API reprise_status reprise_log_verify(struct reprise_log *log,
					      const struct reprise_log_key *key,
					      struct reprise_log_report *ret_report,
					      struct reprise_error *error) REPRISE_MUST_USE;

REPRISE_END_DECLARATIONS
#endif /* REPRISE_LOG_UPKEEP_H */
