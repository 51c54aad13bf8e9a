/* SPDX-License-Identifier: MIT */
#ifndef LOG_WRITE_H
#define LOG_WRITE_H

/*
 * Writing as the recorder does: much in one transaction, each write with an answer of its own, and
 * so that the same batch may be written again when the outcome of the first time is not known
 * (contracts C05, C08-C10). And reading as it does.
 */

#include "log/adapter.h"

/* Exported as those of adapter.h are. */
#define log_write          reprise_private_log_write
#define log_find_life      reprise_private_log_find_life
#define log_next_life      reprise_private_log_next_life
#define log_life_after     reprise_private_log_life_after
#define log_rows_after     reprise_private_log_rows_after
#define log_check_writable reprise_private_log_check_writable
#define log_refusal_text   reprise_private_log_refusal_text
#define log_find_newest    reprise_private_log_find_newest

enum log_write_type {
	LOG_APPEND, /* DIRECT: entries, at the expected head if there is one */
	LOG_RECORD, /* RING: entries at first and following, by the life of that incarnation */
	LOG_GAP,    /* RING: first .. last are lost, for a reason */
	LOG_LIFE,   /* RING: a new life; an open one before it has crashed */
	LOG_REOPEN, /* RING: the last life goes on, after `last` or later */
	LOG_RENEW,  /* RING: nothing but the lease of the last life (lease.h), up to `last` */
	LOG_CLOSE,  /* RING: all of the life is in the log, up to `last` */
	/* RING: nobody may read the life any more; its events may still be recorded. */
	LOG_VOID,
	LOG_END,     /* RING: the session ended after `last`, with end_status */
	LOG_ARCHIVE, /* either kind: up to `last` */
};

/*
 * The writes that are refused, with E_CONFLICT unless said otherwise. A write that is there
 * already, by the same life, is REPRISE_OK, and is made as durable as is asked for now.
 *
 *   RECORD, GAP   not the last life's, or it is CLEAN and lacks some; before its first; a hole
 *                 before it. E_CORRUPT: other rows are there (a gap is not compared, and an event
 *                 is not one of a gap)
 *   LIFE          a name that an earlier life had. E_INVALID: all zero. E_BUSY: the last
 *                 life is leased
 *   REOPEN        not the last life, or it is void
 *   RENEW         not the last life
 *   CLOSE         not the last life. A void one stays so
 *   VOID          E_NOT_FOUND: no such life. Any will do, not only the last
 *   END           not the last life's; `last` is not the head; another end is there
 *   ARCHIVE       E_INVALID: the key has blobs, and the write does not say that they cover what is
 *                 archived. A key that is not there has nothing to archive
 *   any           E_TIMEOUT: another connection holds the key. Writes to other keys go on
 *   any           E_CORRUPT, with `fault`: the stored state of the key is damaged. Writes to
 *                 other keys go on
 */
struct log_write {
	enum log_write_type type;
	const char *thread; /* borrowed */
	struct reprise_incarnation incarnation;
	uint64_t first, last;
	const struct reprise_log_new_entry *entries; /* borrowed */
	size_t entries_count;
	const uint64_t *expected_head;
	reprise_log_gap_reason reason;
	int32_t end_status;
	bool is_covered; /* LOG_ARCHIVE: by the key's blobs, if it has any */
	/* The life's lease, from now on; 0: no lease. APPEND and ARCHIVE ignore the number. */
	uint64_t lease_ns;

	/*
	 * The answer, if the transaction was committed; else is_uncertain alone. A refused write
	 * has changed nothing, and later writes to the same thread are E_ABORTED. On E_CONFLICT
	 * expected and actual are heads.
	 */
	reprise_status status;
	bool is_uncertain;        /* the transaction failed, and may have been committed yet */
	uint64_t head;            /* after it */
	struct reprise_life life; /* the last, after it; of a RING key */
	uint64_t archived;        /* LOG_ARCHIVE: ordinals */
	uint64_t lease_left_ns;   /* E_BUSY: how long the lease lasts yet */
	const char
		*fault; /* E_CORRUPT because of what is kept of the key: what is wrong; else NULL */
	uint64_t expected, actual;
};

/*
 * One transaction for all of @writes, which may name a thread several times, and are done in their
 * order for each thread. REPRISE_OK: it was committed, and each write has its answer. Else nothing
 * is known but that the same may be written again. An empty LOG_APPEND writes nothing.
 *
 * A thread that another connection holds for longer than @patience_ns delays the others no more:
 * writes to it are refused with E_TIMEOUT. LOG_PATIENT: the call waits for all of them, up to
 * the adapter's deadline.
 */
REPRISE_API reprise_status log_write(struct reprise_log *log, enum log_level level,
				     uint64_t patience_ns, const char *tenant,
				     struct log_write *writes, size_t writes_count,
				     struct reprise_error *error);

/* Why a write was refused, in words; "" for one that was not. A static string. */
REPRISE_API const char *log_refusal_text(const struct log_write *write);

/*
 * Whether @tenant can be written to: begins a transaction and rolls it back. Answers what
 * the adapter answers to the beginning, E_INVALID for a log that was opened read-only.
 * Nothing is written.
 */
REPRISE_API reprise_status log_check_writable(struct reprise_log *log, const char *tenant,
					      struct reprise_error *error);

/*
 * The life of that incarnation, with its true end; number 0: none. And what the log knows
 * of the key.
 */
REPRISE_API reprise_status log_find_life(struct reprise_log *log, const struct reprise_log_key *key,
					 const struct reprise_incarnation *incarnation,
					 struct reprise_life *ret_life,
					 struct reprise_log_stats *ret_stats,
					 struct reprise_error *error);

/* The first life with a greater number, with its true end; number 0: none. */
REPRISE_API reprise_status log_next_life(struct reprise_log *log, const struct reprise_log_key *key,
					 uint64_t number, struct reprise_life *ret_life,
					 struct reprise_error *error);

/*
 * The first life that begins after @ordinal, and the last one that begins before it or with
 * it, with their true ends; number 0: none. And what the log knows of the key: all zero if
 * it knows nothing.
 */
REPRISE_API reprise_status log_life_after(struct reprise_log *log,
					  const struct reprise_log_key *key, uint64_t ordinal,
					  struct reprise_life *ret_at,
					  struct reprise_life *ret_life,
					  struct reprise_log_stats *ret_stats,
					  struct reprise_error *error);

/* The newest position of a RING key that a cursor may stand at. Zero: every life is void. */
struct log_newest {
	struct reprise_incarnation incarnation;
	reprise_ordinal position;
	uint64_t revision;
	bool has_revision; /* else it is archived, or in a gap */
};

REPRISE_API reprise_status log_find_newest(struct reprise_log *log,
					   const struct reprise_log_key *key,
					   struct log_newest *ret_newest,
					   struct reprise_error *error);

/*
 * As reprise_log_load_after, without a copy: each row is shown to @visit, checked, and as long as
 * that likes; the first begins after @after even if it is stored as one that began before. Not of
 * which life they are.
 *
 * With E_CORRUPT, *ret_damaged says up to where there is nothing to be read, from the first on that
 * was not shown; 0: that is not known, or some were shown.
 */
REPRISE_API reprise_status log_rows_after(struct reprise_log *log,
					  const struct reprise_log_key *key, reprise_ordinal after,
					  log_row_visit visit, void *context,
					  reprise_ordinal *ret_damaged,
					  struct reprise_error *error);

#endif /* LOG_WRITE_H */
