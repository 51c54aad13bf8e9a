/* SPDX-License-Identifier: MIT */
#ifndef LOG_SQLITE_CONNECTION_H
#define LOG_SQLITE_CONNECTION_H

/* One connection to a log in a SQLite file, and what its parts ask of each other. */

#include <sqlite3.h>

#include <reprise/log_sqlite.h>

#include "log/adapter.h"
#include "log_sqlite/bound.h"
#include "log_sqlite/mark.h"
#include "log_sqlite/statements.h"
#include "log_sqlite/turn.h"

enum {
	LOG_SQLITE_APPLICATION = 0x72657072, /* "repr": what SQLite calls application_id */
};

/* How SQLite opens the database (contract L04). */
enum view {
	VIEW_SHARED,    /* with -wal, -shm and locks, beside other programs */
	VIEW_IMMUTABLE, /* the database alone: it has no -wal */
	VIEW_ALONE,     /* with its -wal, whose index is kept in memory: it has no -shm */
};

/* The answers of `PRAGMA secure_delete`. */
enum secure {
	SECURE_OFF,
	SECURE_ON,
	SECURE_FAST,
};

/* A function to call with each row that STATEMENT_ROWS_AFTER finds. */
struct row_visit {
	log_row_visit function;
	void *context;
};

struct connection {
	struct reprise_log log;                    /* first: the handle is this */
	struct reprise_log_sqlite_options options; /* without the path */
	struct bound bound;
	sqlite3 *db; /* NULL: it could not be opened again */
	enum view view;
	struct stat seen
		[2]; /* the database and its -wal, as a view that is not shared has found them */
	struct turn turn;
	sqlite3_stmt *statements[STATEMENTS];
	struct row_visit row_visit; /* while sqlite_rows_after runs */
	uint64_t give_up_ns;        /* when who waits for others is to give up */

	enum log_level level; /* that `synchronous` stands for */
	bool has_level;
	bool has_written;
	enum secure secure_before; /* while a key is erased: the setting before */
	int64_t written_id; /* the key whose head this transaction has written last; 0: none */

	uint64_t wal_pages;     /* after the last commit */
	uint64_t checkpoint_at; /* the number of pages at which the next one is due */
	uint64_t wait_at;       /* ... at which it waits for snapshots to end again */
};

static inline struct connection *
connection_of(struct reprise_log *log)
{
	return (struct connection *)log;
}

/* Starts the deadline of a call. */
void connection_start(struct connection *connection);

/*
 * The status of what SQLite answered, with its own words in @error. SQLITE_OK, ROW and DONE:
 * REPRISE_OK.
 */
reprise_status connection_status(struct connection *connection, int answer,
				 struct reprise_error *error);

/* One or more statements without results. */
reprise_status connection_run(struct connection *connection, const char *sql,
			      struct reprise_error *error);

/* Runs one statement. The answer is the first column of the first row. */
reprise_status connection_ask(struct connection *connection, const char *sql, int64_t *ret_answer,
			      struct reprise_error *error);

/* Takes the turn to write; gives it back. */
reprise_status connection_take_turn(struct connection *connection, struct reprise_error *error);
void connection_give_turn(struct connection *connection);

/*
 * Before each transaction, and before a commit is acknowledged: whether the files are still those
 * that were opened (contract L01), and none was cut off under the connection (L02).
 */
reprise_status connection_check(struct connection *connection, struct reprise_error *error);

/* Opens the database of connection->bound, and what belongs to it; undoes that. */
reprise_status connection_connect(struct connection *connection, struct reprise_error *error);
void connection_disconnect(struct connection *connection);

/* Opens the database again if a view that is not shared is out of date. */
reprise_status connection_refresh(struct connection *connection, struct reprise_error *error);

/*
 * Whether the file may be a log's, by its first bytes and its size (contract C07). Under the turn
 * it is exact.
 */
reprise_status file_judge(struct connection *connection, bool has_turn,
			  struct reprise_error *error);

/* How a read-only connection may see the file without creating anything beside it. */
enum view file_choose_view(struct connection *connection);

/*
 * The high-water mark of synced commits (mark.h). E_CORRUPT if the database lacks one; @mark was
 * read before the transaction that looks for it.
 */
reprise_status highwater_check(struct connection *connection, const struct mark *mark,
			       struct reprise_error *error);

/*
 * Inside the transaction: the mark to be; id 0: this transaction needs none. After its commit:
 * writes it.
 */
reprise_status highwater_prepare(struct connection *connection, struct mark *ret_mark,
				 struct reprise_error *error);
void highwater_raise(struct connection *connection, const struct mark *mark);

/* Makes the schema, brings it up to date, or refuses it. Under the turn. */
reprise_status schema_settle(struct connection *connection, struct reprise_error *error);

/*
 * Under the turn. A checkpoint if one is due, which waits a moment for snapshots to end if the -wal
 * has grown (contract L05); and the last one, which waits for nobody.
 */
void checkpoint_if_due(struct connection *connection);
void checkpoint_all(struct connection *connection);
/*
 * Brings everything into the database and cuts the -wal to nothing. REPRISE_E_TIMEOUT: a snapshot
 * lasted until @give_up_ns.
 */
reprise_status checkpoint_cut(struct connection *connection, uint64_t give_up_ns,
			      struct reprise_error *error);
int checkpoint_note(void *context, sqlite3 *db, const char *name, int pages);

/* The adapter's functions (log/adapter.h). */
reprise_status sqlite_begin(struct reprise_log *log, enum log_level level, const char *tenant,
			    const char *const *threads, size_t threads_count, uint64_t patience_ns,
			    struct log_head *ret_heads, struct reprise_error *error);
reprise_status sqlite_put_row(struct reprise_log *log, int64_t id, const struct log_row *row,
			      struct reprise_error *error);
reprise_status sqlite_put_rise(struct reprise_log *log, int64_t id, const struct log_mark *rise,
			       struct reprise_error *error);
reprise_status sqlite_put_commit(struct reprise_log *log, int64_t id, const struct log_mark *commit,
				 struct reprise_error *error);
reprise_status sqlite_put_life(struct reprise_log *log, int64_t id, const struct log_life *row,
			       struct reprise_error *error);
reprise_status sqlite_put_head(struct reprise_log *log, const struct log_head *head,
			       struct reprise_error *error);
reprise_status sqlite_move_rows(struct reprise_log *log, int64_t id, uint64_t watermark,
				uint64_t max, struct log_moved *ret_moved,
				struct reprise_error *error);
reprise_status sqlite_remove_rows(struct reprise_log *log, int64_t id, uint64_t watermark,
				  uint64_t max, struct log_moved *ret_removed,
				  struct reprise_error *error);
reprise_status sqlite_drop_lives(struct reprise_log *log, int64_t id, struct reprise_error *error);
reprise_status sqlite_drop_blobs(struct reprise_log *log, int64_t id, struct reprise_error *error);
reprise_status sqlite_forget(struct reprise_log *log, int64_t id, struct reprise_error *error);
reprise_status sqlite_set_secure(struct reprise_log *log, bool is_secure,
				 struct reprise_error *error);
reprise_status sqlite_clean(struct reprise_log *log, bool vacuums, struct reprise_error *error);
reprise_status sqlite_drop_rises(struct reprise_log *log, int64_t id, uint64_t revision,
				 struct reprise_error *error);
reprise_status sqlite_drop_commits(struct reprise_log *log, int64_t id, uint64_t ordinal,
				   uint64_t max, uint64_t *ret_count, struct reprise_error *error);
reprise_status sqlite_commit(struct reprise_log *log, struct reprise_error *error);
void sqlite_rollback(struct reprise_log *log);
reprise_status sqlite_look(struct reprise_log *log, const char *tenant, const char *thread,
			   struct log_head *ret_head, struct reprise_error *error);
void sqlite_leave(struct reprise_log *log);
reprise_status sqlite_rows_after(struct reprise_log *log, int64_t id, uint64_t after,
				 uint64_t limit, log_row_visit visit, void *context,
				 struct reprise_error *error);
reprise_status sqlite_weigh(struct reprise_log *log, int64_t id, uint64_t after,
			    uint64_t *ret_bytes, struct reprise_error *error);
reprise_status sqlite_life_at(struct reprise_log *log, int64_t id, uint64_t ordinal,
			      struct log_life *ret_life, struct reprise_error *error);
reprise_status sqlite_life_of(struct reprise_log *log, int64_t id,
			      const struct reprise_incarnation *incarnation,
			      struct log_life *ret_life, struct reprise_error *error);
reprise_status sqlite_lives_after(struct reprise_log *log, int64_t id, uint64_t number,
				  struct log_life *ret_lives, size_t lives_max, size_t *ret_count,
				  struct reprise_error *error);
reprise_status sqlite_rises_above(struct reprise_log *log, int64_t id, uint64_t revision,
				  struct log_mark *ret_rises, size_t rises_max, size_t *ret_count,
				  struct reprise_error *error);
reprise_status sqlite_commits_from(struct reprise_log *log, int64_t id, uint64_t revision,
				   struct log_mark *ret_commits, size_t commits_max,
				   size_t *ret_count, struct reprise_error *error);
reprise_status sqlite_put_blob(struct reprise_log *log, int64_t id, const struct log_blob *blob,
			       struct reprise_error *error);
reprise_status sqlite_drop_blob(struct reprise_log *log, int64_t id, const char *name,
				uint64_t *ret_count, struct reprise_error *error);
reprise_status sqlite_blob_of(struct reprise_log *log, int64_t id, const char *name,
			      log_blob_visit visit, void *context, struct reprise_error *error);
reprise_status sqlite_blob_names_after(struct reprise_log *log, int64_t id, const char *after,
				       struct log_blob_name *ret_names, size_t *ret_count,
				       struct reprise_error *error);
reprise_status sqlite_check(struct reprise_log *log, struct reprise_error *error);
reprise_status sqlite_version(struct reprise_log *log, uint64_t *ret_version,
			      struct reprise_error *error);
reprise_status sqlite_threads_after(struct reprise_log *log, const char *tenant, const char *after,
				    struct log_thread *ret_threads, size_t *ret_count,
				    struct reprise_error *error);
reprise_status sqlite_tenant_after(struct reprise_log *log, const char *after,
				   char ret_tenant[LOG_NAME_BYTES], bool *ret_is_there,
				   struct reprise_error *error);

/* Creates the SQL function that STATEMENT_ROWS_AFTER calls; what SQLite answered. */
int read_create_function(struct connection *connection);

/* The head of a key, in whatever transaction there is; id 0: none. */
reprise_status read_head(struct connection *connection, const char *tenant, const char *thread,
			 struct log_head *ret_head, struct reprise_error *error);

#endif /* LOG_SQLITE_CONNECTION_H */
