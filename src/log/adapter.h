/* SPDX-License-Identifier: MIT */
#ifndef LOG_ADAPTER_H
#define LOG_ADAPTER_H

/*
 * The log's port. The meaning of a log is decided once, in this room; an adapter stores rows and
 * finds them again. One thread at a time asks an adapter, under the handle's lock.
 *
 * An adapter keeps, by key:
 *
 *   heads    one row: kind, head, watermark, end, greatest revision, the number of the last life
 *            and its lease, the last rise among the entries that were moved away, and the number of
 *            the key's blobs
 *   lives    by number and by incarnation
 *   rows     entries by their LAST ordinal, which for an event is its only one
 *   rises    each event whose revision is greater than that of all before: (revision, ordinal)
 *   commits  each COMMIT after which none has a revision as great: (revision, ordinal)
 *   blobs    bytes by name
 *
 * Rises and commits make two questions logarithmic: where a revision is exceeded first, and whether
 * a COMMIT of at least a revision comes after an ordinal. Those of entries that were moved away are
 * dropped with them.
 *
 * Each row of each table has a checksum over its key and all that it says. This room computes every
 * checksum before a put and compares it after a find (lookup.h); an adapter only stores it. An
 * adapter checks that a stored number fits where it goes: a life, a rise, a commit or a blob's name
 * that does not fit is E_CORRUPT; a head, a row or a blob is handed over with `fault` set.
 *
 * A writing transaction: begin, then puts, then commit or rollback. A put may be sent without
 * waiting for its answer; then its failure is commit's. After a failure in between the caller rolls
 * back; a begin that fails has begun nothing, and a commit ends it either way. A reading one: look,
 * then finds, then leave, whatever failed; all of it is of one moment.
 */

#include <pthread.h>
#include <sys/queue.h>
#include <sys/types.h>

#include <reprise/log.h>

#include "base/atomic.h"

/* How durable a commit is when it returns. */
enum log_level {
	LOG_WRITTEN, /* survives this process */
	LOG_SYNCED,  /* survives the machine */
};

/* As patience: waits up to the adapter's deadline. */
#define LOG_PATIENT UINT64_MAX

/* A rise or a commit. */
struct log_mark {
	uint64_t revision;
	uint64_t ordinal;
	uint32_t checksum; /* see log_mark_checksum */
};

/* A life, as stored. */
struct log_life {
	struct reprise_life life;
	uint32_t checksum; /* see log_life_checksum */
};

/* The rows that one transaction moved away. */
struct log_moved {
	uint64_t count;
	uint64_t last; /* the greatest last ordinal among the rows; 0: there was no row */
};

/* A key, as a transaction finds it. */
struct log_head {
	const char *fault; /* why what is stored cannot be a head, or NULL */
	bool is_held;      /* another connection has it locked, and it was not read */
	int64_t id;        /* the adapter's own; 0: nothing was ever written */
	uint32_t kind;     /* enum reprise_log_kind; 0: not fixed yet */
	bool has_ended;
	int32_t end_status;
	uint64_t end_ordinal;
	uint64_t head;
	uint64_t watermark;
	uint64_t revision_max;
	struct log_mark moved; /* the last rise that was dropped; ordinal 0: none was */
	uint64_t lease_ns;     /* for how long the last life was leased (lease.h); 0: it is not */
	uint64_t lease_end_ns; /* until when, on the log's clock */
	uint64_t blobs;        /* how many the key has */
	struct reprise_life life; /* the last, as stored; number 0: none */
	uint32_t life_checksum;   /* as stored */
	uint32_t checksum;        /* see log_head_checksum */
	uint32_t key_checksum;    /* of the tenant and the thread; no adapter sets it */

	/*
	 * The time on the log's clock, since 1970, at which the adapter read the head. The log's
	 * clock is one clock for every runtime that writes to the log: the server's, or the
	 * machine's. Not stored.
	 */
	uint64_t read_ns;
};

struct log_row {
	const char *fault;    /* why what is stored cannot be a row, or NULL */
	uint64_t first, last; /* the same for an event */
	uint64_t revision;
	uint64_t time_ns;
	uint32_t type; /* enum reprise_log_entry_type */
	uint16_t kind;
	uint16_t flags;
	uint32_t reason;   /* enum reprise_log_gap_reason */
	uint32_t checksum; /* see log_row_checksum */
	struct reprise_bytes payload;
};

/* Called with each row that is found, borrowed for the call; false: no more. */
typedef bool (*log_row_visit)(const struct log_row *row, void *context);

/* A blob of a key, as stored. */
struct log_blob {
	const char *fault; /* why what is stored cannot be a blob, or NULL */
	const char *name;
	uint32_t checksum; /* see log_blob_checksum */
	struct reprise_bytes bytes;
};

/* Called with the blob that is found, borrowed for the call. */
typedef void (*log_blob_visit)(const struct log_blob *blob, void *context);

/* Ordinals and times end here, for databases' integers have a sign. Revisions have all 64 bits. */
#define LOG_NUMBER_MAX ((uint64_t)INT64_MAX)

enum {
	LOG_THREADS_MAX = 256, /* that one page of threads_after has */
	LOG_NAME_BYTES = REPRISE_SESSION_ID_BYTES_MAX + 1,
	LOG_BLOB_NAMES_MAX = 64, /* that one page of blob_names_after has */
	LOG_BLOB_NAME_BYTES = REPRISE_LOG_BLOB_NAME_BYTES_MAX + 1,
};

struct log_blob_name {
	char text[LOG_BLOB_NAME_BYTES];
};

struct log_thread {
	char name[LOG_NAME_BYTES];
	struct log_head head; /* without its last life */
};

enum {
	LOG_NEWS_MAX = 1024,
};

/* Which keys other connections have committed to. */
struct log_news {
	bool is_all;  /* any key */
	size_t count; /* otherwise the keys with these checksums (log_key_checksum) */
	uint32_t keys[LOG_NEWS_MAX];
};

struct log_adapter {
	/* Frees the handle. */
	void (*close)(struct reprise_log *log);

	/*
	 * In the child of a fork, both.
	 * disinherit  Gives up every lock and every connection that the child shares with its
	 *             parent, without a word to anybody. From the fork's handler: it makes
	 *             system calls alone.
	 * discard     Closes what descriptors are left, and frees the handle. With @was_busy
	 *             another thread was in a call on it at the fork: memory which that call may
	 *             have been changing stays.
	 */
	void (*disinherit)(struct reprise_log *log);
	void (*discard)(struct reprise_log *log, bool was_busy);

	/* Another connection to the same, opened as this one was. */
	reprise_status (*another)(struct reprise_log *log, struct reprise_log **ret_log,
				  struct reprise_error *error);

	/*
	 * Begins to write to @threads of @tenant, which are sorted and distinct; locks their
	 * heads, which it creates if they are not there (then of kind 0), against every other
	 * writer, and reads them.
	 *
	 * The call waits for heads that others hold. After @patience_ns the transaction begins
	 * without the heads that others still hold one by one: those have `is_held` set, and
	 * nothing else. E_TIMEOUT if the deadline passes sooner, or if others hold the whole log:
	 * then nothing has begun.
	 */
	reprise_status (*begin)(struct reprise_log *log, enum log_level level, const char *tenant,
				const char *const *threads, size_t threads_count,
				uint64_t patience_ns, struct log_head *ret_heads,
				struct reprise_error *error);
	reprise_status (*put_row)(struct reprise_log *log, int64_t id, const struct log_row *row,
				  struct reprise_error *error);
	reprise_status (*put_rise)(struct reprise_log *log, int64_t id, const struct log_mark *rise,
				   struct reprise_error *error);
	/* Takes all commits with a revision of at most the commit's away, and puts this one. */
	reprise_status (*put_commit)(struct reprise_log *log, int64_t id,
				     const struct log_mark *commit, struct reprise_error *error);
	/* A new one, or another state and end for the one of that number. */
	reprise_status (*put_life)(struct reprise_log *log, int64_t id, const struct log_life *life,
				   struct reprise_error *error);
	/*
	 * All of it but the id; of the life its number alone. It is written also if nothing is
	 * different, so that the commit makes what others had written with less durability as
	 * durable as itself.
	 */
	reprise_status (*put_head)(struct reprise_log *log, const struct log_head *head,
				   struct reprise_error *error);
	/*
	 * Moves at most @max rows with a last ordinal of at most @watermark away, the lowest first.
	 */
	reprise_status (*move_rows)(struct reprise_log *log, int64_t id, uint64_t watermark,
				    uint64_t max, struct log_moved *ret_moved,
				    struct reprise_error *error);
	/*
	 * Deletes at most @max rows, the lowest first: rows that move_rows has kept, then rows with
	 * a last ordinal of at most @watermark.
	 */
	reprise_status (*remove_rows)(struct reprise_log *log, int64_t id, uint64_t watermark,
				      uint64_t max, struct log_moved *ret_removed,
				      struct reprise_error *error);
	/* Drops every life of the key. */
	reprise_status (*drop_lives)(struct reprise_log *log, int64_t id,
				     struct reprise_error *error);
	/* Drops the rises with a revision of at most @revision. */
	reprise_status (*drop_rises)(struct reprise_log *log, int64_t id, uint64_t revision,
				     struct reprise_error *error);
	/*
	 * Drops commits with an ordinal of at most @ordinal among the @max of the greatest
	 * revisions.
	 */
	reprise_status (*drop_commits)(struct reprise_log *log, int64_t id, uint64_t ordinal,
				       uint64_t max, uint64_t *ret_count,
				       struct reprise_error *error);
	/* A blob whose name no blob of the key has. */
	reprise_status (*put_blob)(struct reprise_log *log, int64_t id, const struct log_blob *blob,
				   struct reprise_error *error);
	/* Drops the blob of that name; *ret_count is 0 if there is none. */
	reprise_status (*drop_blob)(struct reprise_log *log, int64_t id, const char *name,
				    uint64_t *ret_count, struct reprise_error *error);
	/* Drops every blob of the key. */
	reprise_status (*drop_blobs)(struct reprise_log *log, int64_t id,
				     struct reprise_error *error);
	/*
	 * Deletes the head, and whatever the key has besides. The id may be given to another key.
	 */
	reprise_status (*forget)(struct reprise_log *log, int64_t id, struct reprise_error *error);
	/*
	 * Ends the transaction either way. A failure sets is_uncertain if the transaction may
	 * have been committed.
	 */
	reprise_status (*commit)(struct reprise_log *log, struct reprise_error *error);
	void (*rollback)(struct reprise_log *log);

	/*
	 * Both NULL: deleted rows are the database's matter.
	 * set_secure  By itself: from now on, deleted rows are overwritten in the files,
	 *             or no more.
	 * clean       By itself: rows deleted while that was so stand in no file any more.
	 *             @vacuums: rows deleted before, too.
	 */
	reprise_status (*set_secure)(struct reprise_log *log, bool is_secure,
				     struct reprise_error *error);
	reprise_status (*clean)(struct reprise_log *log, bool vacuums, struct reprise_error *error);

	/*
	 * Begins to read one key; its id is 0 if nothing was ever written. leave ends it,
	 * also after failures.
	 */
	reprise_status (*look)(struct reprise_log *log, const char *tenant, const char *thread,
			       struct log_head *ret_head, struct reprise_error *error);
	void (*leave)(struct reprise_log *log);

	/*
	 * In either transaction. Rows with a last ordinal greater than @after, ascending,
	 * at most @limit.
	 */
	reprise_status (*rows_after)(struct reprise_log *log, int64_t id, uint64_t after,
				     uint64_t limit, log_row_visit visit, void *context,
				     struct reprise_error *error);
	/* The bytes of the payloads of all rows with a last ordinal greater than @after. */
	reprise_status (*weigh)(struct reprise_log *log, int64_t id, uint64_t after,
				uint64_t *ret_bytes, struct reprise_error *error);
	/* The last life whose first ordinal is at most @ordinal; number 0: none. */
	reprise_status (*life_at)(struct reprise_log *log, int64_t id, uint64_t ordinal,
				  struct log_life *ret_life, struct reprise_error *error);
	/* Number 0: none. */
	reprise_status (*life_of)(struct reprise_log *log, int64_t id,
				  const struct reprise_incarnation *incarnation,
				  struct log_life *ret_life, struct reprise_error *error);
	/* Those with a greater number, ascending. */
	reprise_status (*lives_after)(struct reprise_log *log, int64_t id, uint64_t number,
				      struct log_life *ret_lives, size_t lives_max,
				      size_t *ret_count, struct reprise_error *error);
	/* The rises with a revision greater than @revision, ascending. */
	reprise_status (*rises_above)(struct reprise_log *log, int64_t id, uint64_t revision,
				      struct log_mark *ret_rises, size_t rises_max,
				      size_t *ret_count, struct reprise_error *error);
	/* The commits with a revision of at least @revision, ascending by it. */
	reprise_status (*commits_from)(struct reprise_log *log, int64_t id, uint64_t revision,
				       struct log_mark *ret_commits, size_t commits_max,
				       size_t *ret_count, struct reprise_error *error);

	/* The blob of that name is shown to @visit, if there is one. */
	reprise_status (*blob_of)(struct reprise_log *log, int64_t id, const char *name,
				  log_blob_visit visit, void *context, struct reprise_error *error);
	/* The names after @after in the order of their bytes, at most LOG_BLOB_NAMES_MAX. */
	reprise_status (*blob_names_after)(struct reprise_log *log, int64_t id, const char *after,
					   struct log_blob_name *ret_names, size_t *ret_count,
					   struct reprise_error *error);

	/*
	 * By itself: E_CORRUPT if the log lacks what was committed to it. NULL: nothing of the
	 * kind is known.
	 */
	reprise_status (*check)(struct reprise_log *log, struct reprise_error *error);

	/*
	 * By itself, cheaply: a number that is another one after each commit of another connection.
	 */
	reprise_status (*version)(struct reprise_log *log, uint64_t *ret_version,
				  struct reprise_error *error);

	/*
	 * By itself, on a handle that makes no other call: waits until another connection commits,
	 * or until @stop is readable; then the news are empty. The first call answers is_all at
	 * once, and so does the first call after a failure: commits before may have been missed.
	 * News are a hint: a commit may come without news, and news without a commit. NULL: the
	 * database announces no commits.
	 */
	reprise_status (*await_news)(struct reprise_log *log, int stop, struct log_news *ret_news,
				     struct reprise_error *error);

	/*
	 * By itself: threads of @tenant after @after in the order of their bytes, at most
	 * LOG_THREADS_MAX; those of kind 0 too.
	 */
	reprise_status (*threads_after)(struct reprise_log *log, const char *tenant,
					const char *after, struct log_thread *ret_threads,
					size_t *ret_count, struct reprise_error *error);

	/*
	 * By itself: the first tenant after @after, in the order of their bytes, that anything
	 * was written for.
	 */
	reprise_status (*tenant_after)(struct reprise_log *log, const char *after,
				       char ret_tenant[LOG_NAME_BYTES], bool *ret_is_there,
				       struct reprise_error *error);
};

/* The beginning of every handle; adapters embed it. */
struct reprise_log {
	const struct log_adapter *adapter;
	pthread_mutex_t lock; /* a call */
	bool is_busy;         /* under the lock: a call is running */
	int cancel_state;     /* under the lock: of the thread whose call is running */
	pid_t process;        /* which opened it */
	uint64_t generation;  /* how many forks that process is away from the first (process.h) */
	LIST_ENTRY(reprise_log) open;
	enum log_level level; /* of the calls that do not say one */
	bool is_read_only;    /* by the options: begin refuses every write. Set by the adapter */
	/* Under the lock: the transaction of this call may or may not have been committed. */
	bool is_uncertain;

	/*
	 * 1: whatever waits for others, or for a server, gives up soon, now and later
	 * (log_interrupt). The adapter looks at it at least every LOG_INTERRUPT_NS while it waits.
	 */
	atomic_u32 is_interrupted;
};

#define LOG_INTERRUPT_NS UINT64_C(10000000)

/* Exported, since the durable libraries have them of each other; nobody else's. */
#define log_init          reprise_private_log_init
#define log_done          reprise_private_log_done
#define log_interrupt     reprise_private_log_interrupt
#define log_key_checksum  reprise_private_log_key_checksum
#define log_row_checksum  reprise_private_log_row_checksum
#define log_head_checksum reprise_private_log_head_checksum
#define log_life_checksum reprise_private_log_life_checksum
#define log_mark_checksum reprise_private_log_mark_checksum
#define log_blob_checksum reprise_private_log_blob_checksum

/* For adapters: fills @log in, false without memory; and undoes that. */
REPRISE_API bool log_init(struct reprise_log *log, const struct log_adapter *adapter,
			  enum log_level level);
REPRISE_API void log_done(struct reprise_log *log);

/*
 * Has the call that runs on @log, and each later one, answer REPRISE_E_TIMEOUT instead of waiting
 * for others. Any thread; the handle is good for nothing then but to be closed.
 */
REPRISE_API void log_interrupt(struct reprise_log *log);

/*
 * CRC-32C over the key and all that a stored row says but its checksum, in a fixed byte order.
 * @key_checksum is that of the key; a head's covers `id`, and of the last life the number.
 */
REPRISE_API uint32_t log_key_checksum(const char *tenant, const char *thread);
REPRISE_API uint32_t log_row_checksum(const char *tenant, const char *thread,
				      const struct log_row *row);
REPRISE_API uint32_t log_head_checksum(uint32_t key_checksum, const struct log_head *head);
REPRISE_API uint32_t log_life_checksum(uint32_t key_checksum, const struct reprise_life *life);

/* Of a rise and a commit of one revision and ordinal they differ. */
enum log_mark_type {
	LOG_MARK_RISE = 1,
	LOG_MARK_COMMIT = 2,
};

REPRISE_API uint32_t log_mark_checksum(uint32_t key_checksum, enum log_mark_type type,
				       const struct log_mark *mark);
REPRISE_API uint32_t log_blob_checksum(uint32_t key_checksum, const struct log_blob *blob);

#endif /* LOG_ADAPTER_H */
