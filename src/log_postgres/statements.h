/* SPDX-License-Identifier: MIT */
#ifndef LOG_POSTGRES_STATEMENTS_H
#define LOG_POSTGRES_STATEMENTS_H

/*
 * What is asked of the server, prepared on each connection. Each statement finds its rows by a key's index, and
 * costs what it returns.
 */

#include <stddef.h>

enum statement {
	BEGIN_WRITING,
	BEGIN_READING,
	SET_TENANT,            /* tenant */
	SET_TENANT_AND_COMMIT, /* tenant, synchronous_commit */
	COMMIT,
	ROLLBACK,
	CREATE_HEADS, /* tenant, threads */
	LOCK_HEADS,   /* tenant, threads */
	FIND_HEADS,   /* tenant, threads: HEAD columns, in the order of the threads */
	PUT_ROW, /* key, last, first, revision, time_ns, type, kind, flags, reason, checksum, payload */
	PUT_ROWS,       /* the same; arrays, but for the key */
	PUT_RISE,       /* key, revision, ordinal */
	DELETE_COMMITS, /* key, revision */
	PUT_COMMIT,     /* key, revision, ordinal */
	PUT_LIFE,       /* key, number, incarnation, first, last, state */
	PUT_HEAD, /* id, kind, head, watermark, revision_max, has_ended, end_status, end_ordinal, life */
	MOVE_ROWS,     /* key, watermark, count */
	DELETE_ROWS,   /* key, watermark, count */
	ROWS_AFTER,    /* key, last, count, bytes: ROW columns */
	LIFE_AT,       /* key, ordinal: LIFE columns */
	LIFE_OF,       /* key, incarnation: LIFE columns */
	LIVES_AFTER,   /* key, number, count: LIFE columns */
	RISE_ABOVE,    /* key, revision: ordinal */
	COMMIT_FROM,   /* key, revision: ordinal */
	THREADS_AFTER, /* tenant, thread, count: thread */
	STATEMENTS_COUNT,
};

enum head_column {
	HEAD_ID,
	HEAD_KIND,
	HEAD_HEAD,
	HEAD_WATERMARK,
	HEAD_REVISION_MAX,
	HEAD_HAS_ENDED,
	HEAD_END_STATUS,
	HEAD_END_ORDINAL,
	HEAD_LIFE,
	HEAD_LIFE_FIRST_COLUMN, /* from here on LIFE columns, of the last life */
};

enum life_column {
	LIFE_NUMBER,
	LIFE_INCARNATION,
	LIFE_FIRST,
	LIFE_LAST,
	LIFE_STATE,
};

enum row_column {
	ROW_LAST,
	ROW_FIRST,
	ROW_REVISION,
	ROW_TIME_NS,
	ROW_TYPE,
	ROW_KIND,
	ROW_FLAGS,
	ROW_REASON,
	ROW_CHECKSUM,
	ROW_PAYLOAD,
};

struct statement_text {
	const char *name;
	const char *sql;
};

extern const struct statement_text statements[STATEMENTS_COUNT];

#endif /* LOG_POSTGRES_STATEMENTS_H */
