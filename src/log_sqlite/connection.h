/* SPDX-License-Identifier: MIT */
#ifndef LOG_SQLITE_CONNECTION_H
#define LOG_SQLITE_CONNECTION_H

/* One connection to a log in a SQLite file, and what its parts ask of each other. */

#include <sqlite3.h>

#include <reprise/log_sqlite.h>

#include "log/adapter.h"
#include "log_sqlite/statements.h"
#include "log_sqlite/turn.h"

enum {
	LOG_SQLITE_APPLICATION = 0x72657072, /* "repr": what SQLite calls application_id */
};

struct connection {
	struct reprise_log log;                    /* first: the handle is this */
	struct reprise_log_sqlite_options options; /* without the path */
	char *path;
	sqlite3 *db;
	struct turn turn;
	sqlite3_stmt *statements[STATEMENTS];
	uint64_t give_up_ns; /* when who waits for others is to give up */

	enum log_level level; /* that `synchronous` stands for */
	bool has_level;
	bool has_written;
	uint64_t wal_pages;     /* after the last commit */
	uint64_t checkpoint_at; /* the number of pages at which the next one is due */
};

static inline struct connection *
connection_of(struct reprise_log *log)
{
	return (struct connection *)log;
}

/* Starts the deadline of a call. */
void connection_start(struct connection *connection);

/* The status of what SQLite answered, with its own words in @error. SQLITE_OK, ROW and DONE: REPRISE_OK. */
reprise_status connection_status(struct connection *connection, int answer,
				 struct reprise_error *error);

/* One or more statements without results. */
reprise_status connection_run(struct connection *connection, const char *sql,
			      struct reprise_error *error);

/* What one statement answers in the first column of its first row. */
reprise_status connection_ask(struct connection *connection, const char *sql, int64_t *ret_answer,
			      struct reprise_error *error);

/* Takes the turn to write; gives it back. */
reprise_status connection_take_turn(struct connection *connection, struct reprise_error *error);
void connection_give_turn(struct connection *connection);

/* Whether the file may be a log's, by its first bytes and its size (contracts C07). Under the turn it is exact. */
reprise_status file_judge(struct connection *connection, bool has_turn,
			  struct reprise_error *error);

/* E_NOT_FOUND or E_IO, as an errno is, with the system's words. */
reprise_status file_refused(const char *what, int os_error, struct reprise_error *error);

/* Makes the schema, brings it up to date, or refuses it. Under the turn. */
reprise_status schema_settle(struct connection *connection, struct reprise_error *error);

/* A checkpoint if one is due; and the last one. Under the turn; nobody is waited for. */
void checkpoint_if_due(struct connection *connection);
void checkpoint_all(struct connection *connection);
int checkpoint_note(void *context, sqlite3 *db, const char *name, int pages);

/* The adapter's functions (log/adapter.h). */
reprise_status sqlite_begin(struct reprise_log *log, enum log_level level, const char *tenant,
			    const char *const *threads, size_t threads_count,
			    struct log_head *ret_heads, struct reprise_error *error);
reprise_status sqlite_put_row(struct reprise_log *log, int64_t id, const struct log_row *row,
			      struct reprise_error *error);
reprise_status sqlite_put_rise(struct reprise_log *log, int64_t id, uint64_t revision,
			       uint64_t ordinal, struct reprise_error *error);
reprise_status sqlite_put_commit(struct reprise_log *log, int64_t id, uint64_t revision,
				 uint64_t ordinal, struct reprise_error *error);
reprise_status sqlite_put_life(struct reprise_log *log, int64_t id, const struct reprise_life *life,
			       struct reprise_error *error);
reprise_status sqlite_put_head(struct reprise_log *log, const struct log_head *head,
			       struct reprise_error *error);
reprise_status sqlite_move_rows(struct reprise_log *log, int64_t id, uint64_t watermark,
				uint64_t max, uint64_t *ret_count, struct reprise_error *error);
reprise_status sqlite_commit(struct reprise_log *log, struct reprise_error *error);
void sqlite_rollback(struct reprise_log *log);
reprise_status sqlite_look(struct reprise_log *log, const char *tenant, const char *thread,
			   struct log_head *ret_head, struct reprise_error *error);
void sqlite_leave(struct reprise_log *log);
reprise_status sqlite_rows_after(struct reprise_log *log, int64_t id, uint64_t after,
				 uint64_t limit, log_row_visit visit, void *context,
				 struct reprise_error *error);
reprise_status sqlite_life_at(struct reprise_log *log, int64_t id, uint64_t ordinal,
			      struct reprise_life *ret_life, struct reprise_error *error);
reprise_status sqlite_life_of(struct reprise_log *log, int64_t id,
			      const struct reprise_incarnation *incarnation,
			      struct reprise_life *ret_life, struct reprise_error *error);
reprise_status sqlite_lives_after(struct reprise_log *log, int64_t id, uint64_t number,
				  struct reprise_life *ret_lives, size_t lives_max,
				  size_t *ret_count, struct reprise_error *error);
reprise_status sqlite_rise_above(struct reprise_log *log, int64_t id, uint64_t revision,
				 uint64_t *ret_ordinal, struct reprise_error *error);
reprise_status sqlite_commit_from(struct reprise_log *log, int64_t id, uint64_t revision,
				  uint64_t *ret_ordinal, struct reprise_error *error);
reprise_status sqlite_threads_after(struct reprise_log *log, const char *tenant, const char *after,
				    char (*ret_threads)[LOG_NAME_BYTES], size_t *ret_count,
				    struct reprise_error *error);

/* The head of a key, in whatever transaction there is; id 0: none. */
reprise_status read_head(struct connection *connection, const char *tenant, const char *thread,
			 struct log_head *ret_head, struct reprise_error *error);

#endif /* LOG_SQLITE_CONNECTION_H */
