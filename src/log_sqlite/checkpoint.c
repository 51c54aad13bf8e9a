/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/error.h"
#include "base/numbers.h"
#include "log_sqlite/connection.h"

enum {
	PAGES_DUE = 1000, /* 4 MiB: then what is new is brought into the file */
	PAGES_WAIT =
		2000, /* 8 MiB: then snapshots are waited for, so that the -wal is begun anew */
	PAGES_LARGE = 16 << 10, /* 64 MiB: then the -wal is to be cut, too */
	WAIT_NS = 100000000,    /* of each of two: our own snapshots end after a page */
};

int
checkpoint_note(void *context, sqlite3 *db, const char *name, int pages)
{
	struct connection *const connection = context;

	(void)db;
	(void)name;
	if ((uint64_t)pages < connection->wal_pages) { /* it was begun anew */
		connection->checkpoint_at = PAGES_DUE;
		connection->wait_at = PAGES_WAIT;
	}
	connection->wal_pages = (uint64_t)pages;
	return SQLITE_OK;
}

/* SQLite's answer: SQLITE_OK if it has done all that its mode asks for. */
static int
checkpoint(struct connection *connection, int mode, uint64_t give_up_ns)
{
	int log_pages = 0, done_pages = 0;

	/* A later checkpoint repeats a failed one; committed rows stay in the write-ahead log. */
	connection->give_up_ns = give_up_ns;
	return sqlite3_wal_checkpoint_v2(connection->db, "main", mode, &log_pages, &done_pages);
}

static int
mode_of(const struct connection *connection)
{
	if (connection->wal_pages >= PAGES_LARGE)
		return SQLITE_CHECKPOINT_TRUNCATE;
	return connection->wal_pages >= PAGES_WAIT ? SQLITE_CHECKPOINT_RESTART
						   : SQLITE_CHECKPOINT_PASSIVE;
}

/*
 * The -wal can be begun anew only when nobody reads from it. With many snapshots, each of which is
 * gone soon, there is no such moment by itself: so the gate is closed to those who are about to
 * begin, while the others leave.
 */
static bool
begin_anew(struct connection *connection)
{
	const uint64_t last_ns = connection->give_up_ns;

	turn_close_gate(&connection->turn);
	const bool is_done =
		checkpoint(connection, SQLITE_CHECKPOINT_FULL,
			   least(last_ns, deadline_after(clock_ns(), WAIT_NS))) == SQLITE_OK &&
		checkpoint(connection, mode_of(connection),
			   least(last_ns, deadline_after(clock_ns(), WAIT_NS))) == SQLITE_OK;

	turn_open_gate(&connection->turn);
	return is_done;
}

static void
checkpoint_and_wait(struct connection *connection)
{
	if (begin_anew(connection)) {
		connection->wal_pages = 0;
		connection->checkpoint_at = PAGES_DUE;
		connection->wait_at = PAGES_WAIT;
	} else {
		/*
		 * A snapshot that stays costs a wait each time that the -wal has grown
		 * by a quarter.
		 */
		connection->wait_at = connection->wal_pages + connection->wal_pages / 4;
		connection->checkpoint_at = connection->wal_pages + PAGES_DUE;
	}
}

void
checkpoint_if_due(struct connection *connection)
{
	if (connection->checkpoint_at == 0) {
		connection->checkpoint_at = PAGES_DUE;
		connection->wait_at = PAGES_WAIT;
	}
	if (connection->wal_pages >= connection->wait_at) {
		checkpoint_and_wait(connection);
	} else if (connection->wal_pages >= connection->checkpoint_at) {
		(void)checkpoint(connection, mode_of(connection), 0);
		connection->checkpoint_at = connection->wal_pages + PAGES_DUE;
	}
}

void
checkpoint_all(struct connection *connection)
{
	(void)checkpoint(connection, SQLITE_CHECKPOINT_TRUNCATE, 0);
}

reprise_status
checkpoint_cut(struct connection *connection, uint64_t give_up_ns, struct reprise_error *error)
{
	turn_close_gate(&connection->turn);
	const int answer = checkpoint(connection, SQLITE_CHECKPOINT_TRUNCATE, give_up_ns);
	const reprise_status status = connection_status(connection, answer, error);

	turn_open_gate(&connection->turn);
	if (status == REPRISE_E_TIMEOUT)
		return error_detailed(error, status, "-wal",
				      "what was erased stands in it while a snapshot is read");
	return status;
}
