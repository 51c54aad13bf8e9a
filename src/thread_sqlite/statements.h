/* SPDX-License-Identifier: MIT */
#ifndef THREAD_SQLITE_STATEMENTS_H
#define THREAD_SQLITE_STATEMENTS_H

/* Every statement, prepared once for a connection. Each finds its rows by an index. */

#include <sqlite3.h>

#include "thread/adapter.h"

#define HEAD_COLUMNS \
	"id, uid, version, base, complete_after, text_bytes, delta_bytes, growth_bytes, checksum"
#define DELTA_COLUMNS "version, stored, checksum, json"

#define STATEMENT_TABLE(X)                                                                       \
	X(BEGIN, "BEGIN IMMEDIATE")                                                              \
	X(COMMIT, "COMMIT")                                                                      \
	X(ROLLBACK, "ROLLBACK")                                                                  \
	X(LOOK, "BEGIN")                                                                         \
	X(KEEPING, "SELECT horizon, floor, checksum FROM about WHERE is_here = 1")               \
	X(HEAD, "SELECT " HEAD_COLUMNS " FROM heads WHERE id = ?")                               \
	X(PUT_HEAD,                                                                              \
	  "INSERT INTO heads (" HEAD_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"              \
	  " ON CONFLICT (id) DO UPDATE SET uid = excluded.uid, version = excluded.version,"      \
	  " base = excluded.base, complete_after = excluded.complete_after,"                     \
	  " text_bytes = excluded.text_bytes, delta_bytes = excluded.delta_bytes,"               \
	  " growth_bytes = excluded.growth_bytes,"                                               \
	  " checksum = excluded.checksum")                                                       \
	X(DROP_HEAD, "DELETE FROM heads WHERE id = ?")                                           \
	X(PUT_TEXT, "INSERT INTO texts (uid, version, checksum, json) VALUES (?, ?, ?, ?)"       \
		    " ON CONFLICT (uid) DO UPDATE SET version = excluded.version,"               \
		    " checksum = excluded.checksum, json = excluded.json")                       \
	X(TEXT, "SELECT version, checksum, json FROM texts WHERE uid = ?")                       \
	X(DROP_TEXT, "DELETE FROM texts WHERE uid = ?")                                          \
	X(PUT_DELTA, "INSERT INTO deltas (uid, " DELTA_COLUMNS ") VALUES (?, ?, ?, ?, ?)")       \
	X(DELTAS_AFTER, "SELECT " DELTA_COLUMNS " FROM deltas WHERE uid = ? AND version > ?"     \
			" ORDER BY version LIMIT ?")                                             \
	X(DROP_DELTAS, "DELETE FROM deltas WHERE uid = ? AND version <= ?")                      \
	X(PUT_APPLIED, "INSERT INTO applied (uid, delta_id, version, applied, checksum, digest," \
		       " applied_inverse) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ~?4)")                 \
	X(APPLIED, "SELECT version, applied, checksum, digest FROM applied"                      \
		   " WHERE uid = ? AND delta_id = ?")                                            \
	X(OLD_APPLIED, "SELECT 1 FROM applied WHERE applied < ? AND applied_inverse = ~applied"  \
		       " LIMIT 1")                                                               \
	X(DROP_APPLIED, "DELETE FROM applied WHERE (uid, delta_id) IN"                           \
			" (SELECT uid, delta_id FROM applied WHERE applied < ?"                  \
			" AND applied_inverse = ~applied"                                        \
			" ORDER BY applied LIMIT ?)")                                            \
	X(COUNT, "SELECT count(*) FROM heads")                                                   \
	X(HEADS, "SELECT " HEAD_COLUMNS " FROM heads ORDER BY id LIMIT ?2 OFFSET ?1")

enum statement {
#define STATEMENT_ENUM(name, sql) STATEMENT_##name,
	STATEMENT_TABLE(STATEMENT_ENUM)
#undef STATEMENT_ENUM
	STATEMENTS
};

struct connection;

/*
 * Prepares them all. A statement that cannot be prepared needs a table that is not there:
 * E_CORRUPT.
 */
reprise_status statements_prepare(struct connection *connection, struct reprise_error *error);
void statements_finish(struct connection *connection);

/*
 * The arguments of a statement, in the order of its parameters. Bytes are borrowed until
 * statement_end.
 */
struct binding {
	sqlite3_stmt *statement;
	int count; /* of parameters so far */
	int answer;
};

struct binding statement_start(struct connection *connection, enum statement statement);
void bind_number(struct binding *binding, uint64_t number);
void bind_text(struct binding *binding, const char *text);
void bind_uid(struct binding *binding, const struct thread_uid *uid);
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
column_within(sqlite3_stmt *statement, int column, uint64_t max, const char **fault)
{
	sqlite3_value *const value = sqlite3_column_value(statement, column);
	const uint64_t number = (uint64_t)sqlite3_value_int64(value);

	if (sqlite3_value_type(value) == SQLITE_INTEGER && number <= max)
		return number;
	*fault = "a number is out of range";
	return 0;
}

static inline uint64_t
column_number(sqlite3_stmt *statement, int column, const char **fault)
{
	return column_within(statement, column, THREAD_NUMBER_MAX, fault);
}

static inline uint32_t
column_checksum(sqlite3_stmt *statement, int column, const char **fault)
{
	return (uint32_t)column_within(statement, column, UINT32_MAX, fault);
}

#endif /* THREAD_SQLITE_STATEMENTS_H */
