/* SPDX-License-Identifier: MIT */
#ifndef LOG_SQLITE_STATEMENTS_H
#define LOG_SQLITE_STATEMENTS_H

/*
 * Every statement, prepared once for a connection. Each finds its rows by an index, so that it
 * costs what it answers (tests/log_sqlite asks SQLite how it would).
 */

#include <sqlite3.h>

#include "log/adapter.h"

#define HEAD_COLUMNS                                                                    \
	"id, kind, has_ended, end_status, end_ordinal, head, watermark, revision_max, " \
	"life, moved_revision, moved_ordinal, checksum, lease, lease_end, blobs"
enum {
	HEAD_COLUMNS_COUNT = 15
};

#define LIFE_COLUMNS "number, incarnation, first, end, state, checksum"
#define MARK_COLUMNS "revision, ordinal, checksum"
#define ROW_COLUMNS  "last, first, type, kind, flags, reason, revision, time, checksum, payload"
enum {
	ROW_COLUMNS_COUNT = 10
};

#define STATEMENT_TABLE(X)                                                                        \
	X(BEGIN, "BEGIN IMMEDIATE")                                                               \
	X(COMMIT, "COMMIT")                                                                       \
	X(ROLLBACK, "ROLLBACK")                                                                   \
	X(LOOK, "BEGIN")                                                                          \
	X(HEAD, "SELECT " HEAD_COLUMNS " FROM heads WHERE tenant = ? AND thread = ?")             \
	X(WRITES, "SELECT writes FROM heads WHERE id = ?")                                        \
	X(NEW_HEAD, "INSERT INTO heads (tenant, thread) VALUES (?, ?)")                           \
	X(PUT_HEAD, "UPDATE heads SET kind = ?2, has_ended = ?3, end_status = ?4,"                \
		    " end_ordinal = ?5, head = ?6, watermark = ?7, revision_max = ?8, life = ?9," \
		    " moved_revision = ?10, moved_ordinal = ?11, checksum = ?12, lease = ?13,"    \
		    " lease_end = ?14, blobs = ?15,"                                              \
		    " writes = writes + 1 WHERE id = ?1")                                         \
	X(PUT_ROW, "INSERT INTO rows (key, " ROW_COLUMNS ")"                                      \
		   " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")                                   \
	X(PUT_RISE, "INSERT INTO rises (key, " MARK_COLUMNS ") VALUES (?, ?, ?, ?)")              \
	X(DROP_RISES, "DELETE FROM rises WHERE key = ? AND revision <= ?")                        \
	X(DROP_COMMITS, "DELETE FROM commits WHERE key = ? AND revision <= ?")                    \
	X(GREATEST_COMMITS, "SELECT revision, ordinal FROM commits WHERE key = ?"                 \
			    " ORDER BY revision DESC LIMIT ?")                                    \
	X(DROP_COMMITS_FROM, "DELETE FROM commits WHERE key = ? AND revision >= ?")               \
	X(PUT_COMMIT, "INSERT INTO commits (key, " MARK_COLUMNS ") VALUES (?, ?, ?, ?)")          \
	X(PUT_LIFE, "INSERT INTO lives (key, " LIFE_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?)"      \
		    " ON CONFLICT (key, number) DO UPDATE SET end = excluded.end,"                \
		    " state = excluded.state, checksum = excluded.checksum")                      \
	X(MOVE_BOUND, "SELECT last FROM rows WHERE key = ? AND last <= ? ORDER BY last"           \
		      " LIMIT 1 OFFSET ?")                                                        \
	X(MOVE_COPY, "INSERT OR REPLACE INTO archive (key, " ROW_COLUMNS ")"                      \
		     " SELECT key, " ROW_COLUMNS " FROM rows WHERE key = ? AND last <= ?")        \
	X(MOVE_DROP, "DELETE FROM rows WHERE key = ? AND last <= ?")                              \
	X(KEPT_BOUND, "SELECT last FROM archive WHERE key = ? AND last <= ? ORDER BY last"        \
		      " LIMIT 1 OFFSET ?")                                                        \
	X(KEPT_DROP, "DELETE FROM archive WHERE key = ? AND last <= ?")                           \
	X(DROP_LIVES, "DELETE FROM lives WHERE key = ?")                                          \
	X(DROP_BLOBS, "DELETE FROM blobs WHERE key = ?")                                          \
	X(FORGET_ROWS, "DELETE FROM rows WHERE key = ?")                                          \
	X(FORGET_KEPT, "DELETE FROM archive WHERE key = ?")                                       \
	X(FORGET_RISES, "DELETE FROM rises WHERE key = ?")                                        \
	X(FORGET_COMMITS, "DELETE FROM commits WHERE key = ?")                                    \
	X(FORGET_HEAD, "DELETE FROM heads WHERE id = ?")                                          \
	X(ROWS_AFTER, "SELECT reprise_row(" ROW_COLUMNS ") FROM rows WHERE key = ? AND last > ?"  \
		      " ORDER BY last LIMIT ?")                                                   \
	X(WEIGH, "SELECT total(length(payload)) FROM rows WHERE key = ? AND last > ?")            \
	X(LIFE_AT, "SELECT " LIFE_COLUMNS " FROM lives WHERE key = ? AND first <= ?"              \
		   " ORDER BY first DESC, number DESC LIMIT 1")                                   \
	X(LIFE_OF, "SELECT " LIFE_COLUMNS " FROM lives WHERE key = ? AND incarnation = ?")        \
	X(LIVES_AFTER, "SELECT " LIFE_COLUMNS " FROM lives WHERE key = ? AND number > ?"          \
		       " ORDER BY number LIMIT ?")                                                \
	X(RISES_ABOVE, "SELECT " MARK_COLUMNS " FROM rises WHERE key = ? AND revision > ?"        \
		       " ORDER BY revision LIMIT ?")                                              \
	X(COMMITS_FROM, "SELECT " MARK_COLUMNS " FROM commits WHERE key = ? AND revision >= ?"    \
			" ORDER BY revision LIMIT ?")                                             \
	X(PUT_BLOB, "INSERT INTO blobs (key, name, checksum, bytes) VALUES (?, ?, ?, ?)")         \
	X(DROP_BLOB, "DELETE FROM blobs WHERE key = ? AND name = ?")                              \
	X(BLOB_OF, "SELECT checksum, bytes FROM blobs WHERE key = ? AND name = ?")                \
	X(BLOB_NAMES_AFTER, "SELECT name FROM blobs WHERE key = ? AND name > ?"                   \
			    " ORDER BY name LIMIT ?")                                             \
	X(VERSION, "PRAGMA data_version")                                                         \
	X(TENANT_AFTER, "SELECT tenant FROM heads WHERE tenant > ? AND kind <> 0"                 \
			" ORDER BY tenant LIMIT 1")                                               \
	X(THREADS_AFTER, "SELECT " HEAD_COLUMNS ", thread FROM heads"                             \
			 " WHERE tenant = ? AND thread > ? ORDER BY thread LIMIT ?")

enum statement {
#define STATEMENT_ENUM(name, sql) STATEMENT_##name,
	STATEMENT_TABLE(STATEMENT_ENUM)
#undef STATEMENT_ENUM
	STATEMENTS
};

struct connection;

/*
 * Prepares them all. A statement that cannot be prepared stands on a table that is not there:
 * E_CORRUPT.
 */
reprise_status statements_prepare(struct connection *connection, struct reprise_error *error);
void statements_finish(struct connection *connection);

/*
 * The values of a statement, in the order of its parameters. Bytes are borrowed until
 * statement_end. A revision has all 64 bits, and SQLite's integers have a sign: the revision's
 * highest bit is flipped, so that the order stays.
 */
struct binding {
	sqlite3_stmt *statement;
	int count; /* of parameters so far */
	int answer;
};

struct binding statement_start(struct connection *connection, enum statement statement);
void bind_number(struct binding *binding, uint64_t number);
void bind_signed(struct binding *binding, int64_t number);
void bind_revision(struct binding *binding, uint64_t revision);
void bind_text(struct binding *binding, const char *text);
void bind_bytes(struct binding *binding, const void *data, size_t size);

/* A statement without results, from the first to the last; its status. */
reprise_status statement_run(struct connection *connection, struct binding *binding,
			     struct reprise_error *error);

/* The next row: SQLITE_ROW, SQLITE_DONE, or an error. */
int statement_step(struct binding *binding);

/* Ends it; the status of the last step. */
reprise_status statement_end(struct connection *connection, struct binding *binding,
			     struct reprise_error *error);

/*
 * A number of 0 to @max. A value of another type, or one that does not fit, leaves words in @fault,
 * and is 0: so no damaged number is cut to a good one.
 */
static inline uint64_t
value_within(sqlite3_value *value, uint64_t max, const char **fault)
{
	const uint64_t number = (uint64_t)sqlite3_value_int64(value);

	if (sqlite3_value_type(value) == SQLITE_INTEGER && number <= max)
		return number;
	*fault = "a number is out of range";
	return 0;
}

static inline uint64_t
value_ordinal(sqlite3_value *value, const char **fault)
{
	return value_within(value, LOG_NUMBER_MAX, fault);
}

static inline uint64_t
value_revision(sqlite3_value *value, const char **fault)
{
	if (sqlite3_value_type(value) != SQLITE_INTEGER)
		*fault = "a number is out of range";
	return (uint64_t)sqlite3_value_int64(value) ^ (UINT64_C(1) << 63);
}

/* The same of a column of a result. */
static inline uint64_t
column_within(sqlite3_stmt *statement, int column, uint64_t max, const char **fault)
{
	return value_within(sqlite3_column_value(statement, column), max, fault);
}

static inline uint64_t
column_ordinal(sqlite3_stmt *statement, int column, const char **fault)
{
	return value_ordinal(sqlite3_column_value(statement, column), fault);
}

static inline uint64_t
column_revision(sqlite3_stmt *statement, int column, const char **fault)
{
	return value_revision(sqlite3_column_value(statement, column), fault);
}

#endif /* LOG_SQLITE_STATEMENTS_H */
