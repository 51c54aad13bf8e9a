/* SPDX-License-Identifier: MIT */
#ifndef LOG_POSTGRES_POSTGRES_H
#define LOG_POSTGRES_POSTGRES_H

/*
 * The log's port, on PostgreSQL. One handle is one connection, made anew at the beginning of a
 * transaction if it was lost before. Writing, the keys' heads are locked as rows; reading, one
 * snapshot is looked at.
 */

#include <stdbool.h>

#include <reprise/log_postgres.h>

#include "log/adapter.h"
#include "log_postgres/batch.h"
#include "log_postgres/news.h"
#include "log_postgres/statements.h"
#include "log_postgres/wire.h"

enum {
	SCHEMA_BYTES_MAX = 63,
	SNAPSHOT_BYTES_MAX = 255
};

/* As asked for, checked, with copies of the texts. */
struct settings {
	char *connection; /* owned */
	char schema[SCHEMA_BYTES_MAX + 1];
	uint64_t deadline_ns;
	uint64_t transaction_idle_ns;
	reprise_durability durability;
	bool deletes_archived;
	bool is_set_up;
	bool is_isolated;
};

struct postgres {
	struct reprise_log log; /* the first: the port knows no more */
	struct settings settings;
	struct wire wire;
	struct batch batch;      /* put, and not sent yet */
	struct news news;        /* of the transaction, for other connections */
	bool has_asked_for_news; /* the connection, if it is the one that asked */

	/*
	 * The last snapshot that was seen, in which session of the server; and how many others
	 * were before it.
	 */
	uint64_t version;
	int snapshot_process;
	char snapshot[SNAPSHOT_BYTES_MAX + 1];
};

static inline struct postgres *
postgres_of(struct reprise_log *log)
{
	return (struct postgres *)log;
}

/* Whether the log is one of this adapter's. */
bool postgres_is(const struct reprise_log *log);

/*
 * connect_first  A connection that is ready for transactions; creates the schema or brings it up to
 *                date, if that is wanted.
 * connect_again  The same in place of one that was lost, if it was; never creates anything.
 *
 * Either begins a call: its deadline runs from here on (wire.h).
 */
reprise_status connect_first(struct postgres *postgres, struct reprise_error *error);
reprise_status connect_again(struct postgres *postgres, struct reprise_error *error);

/*
 * Sends a statement that is to be waited for, after the rows that were put and not sent yet.
 * @values may be NULL. Fails if something is known to have failed already; else wire_ask tells.
 */
reprise_status send_statement(struct postgres *postgres, enum statement statement,
			      const struct values *values);

/* write.c */
reprise_status write_begin(struct reprise_log *log, enum log_level level, const char *tenant,
			   const char *const *threads, size_t threads_count, uint64_t patience_ns,
			   struct log_head *ret_heads, struct reprise_error *error);
reprise_status write_row(struct reprise_log *log, int64_t id, const struct log_row *row,
			 struct reprise_error *error);
reprise_status write_rise(struct reprise_log *log, int64_t id, const struct log_mark *rise,
			  struct reprise_error *error);
reprise_status write_commit(struct reprise_log *log, int64_t id, const struct log_mark *commit,
			    struct reprise_error *error);
reprise_status write_drop_rises(struct reprise_log *log, int64_t id, uint64_t revision,
				struct reprise_error *error);
reprise_status write_life(struct reprise_log *log, int64_t id, const struct log_life *row,
			  struct reprise_error *error);
reprise_status write_head(struct reprise_log *log, const struct log_head *head,
			  struct reprise_error *error);
reprise_status write_end(struct reprise_log *log, struct reprise_error *error);
void write_undo(struct reprise_log *log);

/* remove.c */
reprise_status write_drop_commits(struct reprise_log *log, int64_t id, uint64_t ordinal,
				  uint64_t max, uint64_t *ret_count, struct reprise_error *error);
reprise_status write_moves(struct reprise_log *log, int64_t id, uint64_t watermark, uint64_t max,
			   struct log_moved *ret_moved, struct reprise_error *error);
reprise_status write_removes(struct reprise_log *log, int64_t id, uint64_t watermark, uint64_t max,
			     struct log_moved *ret_removed, struct reprise_error *error);
reprise_status write_drop_lives(struct reprise_log *log, int64_t id, struct reprise_error *error);
reprise_status write_drop_blobs(struct reprise_log *log, int64_t id, struct reprise_error *error);
reprise_status write_forget(struct reprise_log *log, int64_t id, struct reprise_error *error);

/* find.c */
reprise_status find_begin(struct reprise_log *log, const char *tenant, const char *thread,
			  struct log_head *ret_head, struct reprise_error *error);
void find_end(struct reprise_log *log);
reprise_status find_rows(struct reprise_log *log, int64_t id, uint64_t after, uint64_t limit,
			 log_row_visit visit, void *context, struct reprise_error *error);
reprise_status find_weight(struct reprise_log *log, int64_t id, uint64_t after, uint64_t *ret_bytes,
			   struct reprise_error *error);
reprise_status find_life_at(struct reprise_log *log, int64_t id, uint64_t ordinal,
			    struct log_life *ret_life, struct reprise_error *error);
reprise_status find_life_of(struct reprise_log *log, int64_t id,
			    const struct reprise_incarnation *incarnation,
			    struct log_life *ret_life, struct reprise_error *error);
reprise_status find_lives(struct reprise_log *log, int64_t id, uint64_t number,
			  struct log_life *ret_lives, size_t lives_max, size_t *ret_count,
			  struct reprise_error *error);
reprise_status find_rises(struct reprise_log *log, int64_t id, uint64_t revision,
			  struct log_mark *ret_rises, size_t rises_max, size_t *ret_count,
			  struct reprise_error *error);
reprise_status find_commits(struct reprise_log *log, int64_t id, uint64_t revision,
			    struct log_mark *ret_commits, size_t commits_max, size_t *ret_count,
			    struct reprise_error *error);
reprise_status find_version(struct reprise_log *log, uint64_t *ret_version,
			    struct reprise_error *error);
reprise_status find_threads(struct reprise_log *log, const char *tenant, const char *after,
			    struct log_thread *ret_threads, size_t *ret_count,
			    struct reprise_error *error);

/* tenants.c */
reprise_status tenants_find(struct reprise_log *log, const char *after,
			    char ret_tenant[LOG_NAME_BYTES], bool *ret_is_there,
			    struct reprise_error *error);

/* blobs.c */
reprise_status blobs_put(struct reprise_log *log, int64_t id, const struct log_blob *blob,
			 struct reprise_error *error);
reprise_status blobs_drop(struct reprise_log *log, int64_t id, const char *name,
			  uint64_t *ret_count, struct reprise_error *error);
reprise_status blobs_find(struct reprise_log *log, int64_t id, const char *name,
			  log_blob_visit visit, void *context, struct reprise_error *error);
reprise_status blobs_find_names(struct reprise_log *log, int64_t id, const char *after,
				struct log_blob_name *ret_names, size_t *ret_count,
				struct reprise_error *error);

/* heads.c: asks for the heads of threads, and waits; @ret_count is how many there are. */
reprise_status heads_find(struct postgres *postgres, const struct values *tenant_and_threads,
			  size_t threads_count, struct log_head *ret_heads, size_t *ret_count,
			  struct reprise_error *error);
/* Tenant and threads as values; the bytes to free, or NULL without memory. */
char *heads_values(struct values *ret_values, const char *tenant, const char *const *threads,
		   size_t threads_count);
/* HEAD columns, without the last life. And LIFE columns; false: they cannot be a life. */
struct log_head head_at_row(const PGresult *answer, int row);
bool life_at_row(const PGresult *answer, int row, int first_column, struct log_life *ret_life);

#endif /* LOG_POSTGRES_POSTGRES_H */
