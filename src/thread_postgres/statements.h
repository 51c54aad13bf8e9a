/* SPDX-License-Identifier: MIT */
#ifndef THREAD_POSTGRES_STATEMENTS_H
#define THREAD_POSTGRES_STATEMENTS_H

/*
 * The statements that the server is asked, prepared on each connection. Each statement finds its
 * rows by an index.
 */

enum statement {
	BEGIN_WRITING,
	BEGIN_READING,
	COMMIT,
	ROLLBACK,
	WAIT_FOR_LOCKS, /* milliseconds as a text: so long in this transaction */
	LOCK_ID,        /* the lock's name */
	/*
	 * Parameters the lock's name, milliseconds of silence and of a delta's transfer: the number
	 * of ended sessions.
	 */
	END_ABANDONED,
	LOCK_HEAD, /* id */
	FIND_HEAD, /* id: the server's clock in milliseconds, the keeping, HEAD columns or NULLs */
	PUT_HEAD,  /* HEAD columns */
	PUT_TEXT,  /* uid, TEXT columns */
	PUT_DELTA, /* uid, DELTA columns */
	PUT_APPLIED,  /* uid, delta id, APPLIED columns */
	DROP_HEAD,    /* id */
	DROP_TEXT,    /* uid */
	DROP_DELTAS,  /* uid, version */
	DROP_APPLIED, /* milliseconds, count */
	TEXT_OF,      /* uid: TEXT columns */
	DELTAS_AFTER, /* uid, version, count, bytes: DELTA columns */
	APPLIED_OF,   /* uid, array of delta ids: APPLIED columns, place */
	COUNT_HEADS,  /* : how many */
	HEADS_FROM,   /* offset, count: HEAD columns */
	STATEMENTS_COUNT,
};

enum head_column {
	HEAD_ID,
	HEAD_UID,
	HEAD_VERSION,
	HEAD_BASE,
	HEAD_COMPLETE_AFTER,
	HEAD_TEXT_BYTES,
	HEAD_DELTA_BYTES,
	HEAD_GROWTH_BYTES,
	HEAD_CHECKSUM,
};

/* Of FIND_HEAD. */
enum found_column {
	FOUND_NOW,
	FOUND_KEEPING,                  /* three columns: keeping.h */
	FOUND_HEAD = FOUND_KEEPING + 3, /* from here on */
};

enum text_column {
	TEXT_VERSION,
	TEXT_CHECKSUM,
	TEXT_JSON,
};

enum delta_column {
	DELTA_VERSION,
	DELTA_STORED,
	DELTA_CHECKSUM,
	DELTA_JSON,
};

enum applied_column {
	APPLIED_VERSION,
	APPLIED_APPLIED,
	APPLIED_CHECKSUM,
	APPLIED_DIGEST,
	APPLIED_PLACE, /* from 1 on */
};

struct statement_text {
	const char *name;
	const char *sql;
};

extern const struct statement_text statements[STATEMENTS_COUNT];

#endif /* THREAD_POSTGRES_STATEMENTS_H */
