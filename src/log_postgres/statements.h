/* SPDX-License-Identifier: MIT */
#ifndef LOG_POSTGRES_STATEMENTS_H
#define LOG_POSTGRES_STATEMENTS_H

/*
 * The statements for the server, prepared on each connection. Each statement finds its rows by a
 * key's index, and costs what it returns.
 */

#include <stddef.h>

enum statement {
	BEGIN_WRITING,
	BEGIN_READING,
	SET_TENANT,            /* tenant */
	SET_TENANT_AND_COMMIT, /* tenant, synchronous_commit */
	SET_PATIENCE,          /* lock_timeout of the transaction, in milliseconds */
	COMMIT,
	ROLLBACK,
	CREATE_HEADS,    /* tenant, threads */
	LOCK_HEADS,      /* tenant, threads */
	LOCK_FREE_HEADS, /* tenant, threads: the places of those that nobody else has locked */
	/*
	 * Parameters tenant, threads: HEAD columns, the clock, the last life; in the
	 * order of threads.
	 */
	FIND_HEADS,
	/*
	 * Parameters key, last, first, revision, time_ns, type, kind, flags, reason, checksum,
	 * payload.
	 */
	PUT_ROW,
	PUT_ROWS,         /* the same; arrays, but for the key */
	PUT_RISE,         /* key, MARK columns */
	DROP_RISES,       /* key, revision */
	DELETE_COMMITS,   /* key, revision */
	DROP_OLD_COMMITS, /* key, ordinal, count */
	PUT_COMMIT,       /* key, MARK columns */
	PUT_LIFE,         /* key, LIFE columns */
	PUT_HEAD,         /* HEAD columns */
	PUT_BLOB,         /* key, name, BLOB columns */
	DROP_BLOB,        /* key, name */
	MOVE_ROWS,        /* key, watermark, count: how many, the greatest last */
	DELETE_ROWS,      /* the same */
	DELETE_KEPT_ROWS, /* the same, of the archive */
	DELETE_LIVES,     /* key */
	DELETE_BLOBS,     /* key */
	FORGET,           /* key */
	ROWS_AFTER,       /* key, last, count, bytes: ROW columns */
	WEIGH,            /* key, last: bytes */
	LIFE_AT,          /* key, ordinal: LIFE columns */
	LIFE_OF,          /* key, incarnation: LIFE columns */
	LIVES_AFTER,      /* key, number, count: LIFE columns */
	RISES_ABOVE,      /* key, revision, count: MARK columns */
	COMMITS_FROM,     /* key, revision, count: MARK columns */
	BLOB_OF,          /* key, name: BLOB columns */
	BLOB_NAMES_AFTER, /* key, name, count: names */
	THREADS_AFTER,    /* tenant, thread, count: HEAD columns, thread */
	TELL_NEWS,        /* channel, text */
	TENANT_AFTER,     /* tenant: whether the role is bound to one, the next tenant or NULL */
	SNAPSHOT,         /* : which transactions are over, as text */
	END_ABANDONED,    /* milliseconds: the number of sessions that were ended */
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
	HEAD_MOVED_REVISION,
	HEAD_MOVED_ORDINAL,
	HEAD_CHECKSUM,
	HEAD_LEASE,
	HEAD_LEASE_END,
	HEAD_BLOBS,
	HEAD_COLUMNS_COUNT,
	HEAD_READ = HEAD_COLUMNS_COUNT, /* the server's clock, in microseconds */
	HEAD_LIFE_FIRST_COLUMN,         /* from here on LIFE columns, of the last life */
};

enum life_column {
	LIFE_NUMBER,
	LIFE_INCARNATION,
	LIFE_FIRST,
	LIFE_LAST,
	LIFE_STATE,
	LIFE_CHECKSUM,
};

enum mark_column {
	MARK_REVISION,
	MARK_ORDINAL,
	MARK_CHECKSUM,
};

enum blob_column {
	BLOB_CHECKSUM,
	BLOB_BYTES,
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
