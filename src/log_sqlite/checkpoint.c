/* SPDX-License-Identifier: MIT */
#include "log_sqlite/connection.h"

enum {
	PAGES_DUE = 1000,       /* 4 MiB: then what is new is brought into the file */
	PAGES_LARGE = 16 << 10, /* 64 MiB: then the write-ahead log is to be cut, too */
};

int
checkpoint_note(void *context, sqlite3 *db, const char *name, int pages)
{
	struct connection *const connection = context;

	(void)db;
	(void)name;
	if ((uint64_t)pages < connection->wal_pages)
		connection->checkpoint_at = PAGES_DUE; /* it was begun anew */
	connection->wal_pages = (uint64_t)pages;
	return SQLITE_OK;
}

static void
checkpoint(struct connection *connection, int mode)
{
	int log_pages = 0, done_pages = 0;

	/* What fails is tried again by a later one; what was committed is in the write-ahead log. */
	connection->give_up_ns = 0;
	(void)sqlite3_wal_checkpoint_v2(connection->db, "main", mode, &log_pages, &done_pages);
}

void
checkpoint_if_due(struct connection *connection)
{
	if (connection->checkpoint_at == 0)
		connection->checkpoint_at = PAGES_DUE;
	if (connection->wal_pages < connection->checkpoint_at)
		return;
	checkpoint(connection, connection->wal_pages >= PAGES_LARGE ? SQLITE_CHECKPOINT_TRUNCATE
								    : SQLITE_CHECKPOINT_PASSIVE);
	/* If somebody still looks at what is old, it is not begun anew, and grows. */
	connection->checkpoint_at = connection->wal_pages + PAGES_DUE;
}

void
checkpoint_all(struct connection *connection)
{
	checkpoint(connection, SQLITE_CHECKPOINT_TRUNCATE);
}
