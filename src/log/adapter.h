/* SPDX-License-Identifier: MIT */
#ifndef LOG_ADAPTER_H
#define LOG_ADAPTER_H

/*
 * The log's port. What a log means is decided once, in this room; an adapter stores rows and finds
 * them again. It is asked by one thread at a time, under the handle's lock.
 *
 * What it keeps, by key:
 *
 *   heads    one row: kind, head, watermark, end, greatest revision, and the number of the last life
 *   lives    by number and by incarnation
 *   rows     entries by their LAST ordinal, which for an event is its only one
 *   rises    each event whose revision is greater than that of all before: (revision, ordinal)
 *   commits  each COMMIT after which none has a revision as great: (revision, ordinal)
 *
 * Rises and commits are what makes two questions logarithmic: where a revision is exceeded first, and
 * whether a COMMIT of at least a revision comes after an ordinal.
 *
 * A writing transaction: begin, then puts, then commit or rollback. A put may be sent without waiting for
 * its answer; then its failure is commit's. After a failure in between the caller rolls back; a begin that
 * fails has begun nothing, and a commit ends it either way.
 * A reading one: look, then finds, then leave, whatever failed; all of it is of one moment.
 */

#include <pthread.h>

#include <reprise/log.h>

/* How durable a commit is when it returns. */
enum log_level {
	LOG_WRITTEN, /* survives this process */
	LOG_SYNCED,  /* survives the machine */
};

/* A key, as a transaction finds it. */
struct log_head {
	int64_t id;    /* the adapter's own; 0: nothing was ever written */
	uint32_t kind; /* enum reprise_log_kind; 0: not fixed yet */
	bool has_ended;
	int32_t end_status;
	uint64_t end_ordinal;
	uint64_t head;
	uint64_t watermark;
	uint64_t revision_max;
	struct reprise_life life; /* the last, as stored; number 0: none */
};

struct log_row {
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

/* Ordinals and times end here, for databases' integers have a sign. Revisions have all 64 bits. */
#define LOG_NUMBER_MAX ((uint64_t)INT64_MAX)

enum {
	LOG_THREADS_MAX = 256, /* that one page of threads_after has */
	LOG_NAME_BYTES = REPRISE_SESSION_ID_BYTES_MAX + 1,
};

struct log_adapter {
	/* Frees the handle. */
	void (*close)(struct reprise_log *log);

	/* Another connection to the same, opened as this one was. */
	reprise_status (*another)(struct reprise_log *log, struct reprise_log **ret_log,
				  struct reprise_error *error);

	/*
	 * Begins to write to @threads of @tenant, which are sorted and distinct; locks their heads, which it
	 * creates if they are not there (then of kind 0), against every other writer, and reads them.
	 * E_TIMEOUT if others hold them for longer than the deadline: then nothing has begun.
	 */
	reprise_status (*begin)(struct reprise_log *log, enum log_level level, const char *tenant,
				const char *const *threads, size_t threads_count,
				struct log_head *ret_heads, struct reprise_error *error);
	reprise_status (*put_row)(struct reprise_log *log, int64_t id, const struct log_row *row,
				  struct reprise_error *error);
	reprise_status (*put_rise)(struct reprise_log *log, int64_t id, uint64_t revision,
				   uint64_t ordinal, struct reprise_error *error);
	/* Takes all commits with a revision of at most @revision away, and puts this one. */
	reprise_status (*put_commit)(struct reprise_log *log, int64_t id, uint64_t revision,
				     uint64_t ordinal, struct reprise_error *error);
	/* A new one, or another state and end for the one of that number. */
	reprise_status (*put_life)(struct reprise_log *log, int64_t id,
				   const struct reprise_life *life, struct reprise_error *error);
	/*
	 * All of it but the id; of the life its number alone. It is written also if nothing is different, so that
	 * the commit makes what others had written with less durability as durable as itself.
	 */
	reprise_status (*put_head)(struct reprise_log *log, const struct log_head *head,
				   struct reprise_error *error);
	/* Moves at most @max rows with a last ordinal of at most @watermark away, the lowest first. */
	reprise_status (*move_rows)(struct reprise_log *log, int64_t id, uint64_t watermark,
				    uint64_t max, uint64_t *ret_count, struct reprise_error *error);
	/* Ends the transaction either way. E_IO: what became of it is not known. */
	reprise_status (*commit)(struct reprise_log *log, struct reprise_error *error);
	void (*rollback)(struct reprise_log *log);

	/* Begins to read one key; its id is 0 if nothing was ever written. leave ends it, also after failures. */
	reprise_status (*look)(struct reprise_log *log, const char *tenant, const char *thread,
			       struct log_head *ret_head, struct reprise_error *error);
	void (*leave)(struct reprise_log *log);

	/* In either transaction. Rows with a last ordinal greater than @after, ascending, at most @limit. */
	reprise_status (*rows_after)(struct reprise_log *log, int64_t id, uint64_t after,
				     uint64_t limit, log_row_visit visit, void *context,
				     struct reprise_error *error);
	/* The last life whose first ordinal is at most @ordinal; number 0: none. */
	reprise_status (*life_at)(struct reprise_log *log, int64_t id, uint64_t ordinal,
				  struct reprise_life *ret_life, struct reprise_error *error);
	/* Number 0: none. */
	reprise_status (*life_of)(struct reprise_log *log, int64_t id,
				  const struct reprise_incarnation *incarnation,
				  struct reprise_life *ret_life, struct reprise_error *error);
	/* Those with a greater number, ascending. */
	reprise_status (*lives_after)(struct reprise_log *log, int64_t id, uint64_t number,
				      struct reprise_life *ret_lives, size_t lives_max,
				      size_t *ret_count, struct reprise_error *error);
	/* The ordinal of the least rise with a revision greater than @revision; 0: none. */
	reprise_status (*rise_above)(struct reprise_log *log, int64_t id, uint64_t revision,
				     uint64_t *ret_ordinal, struct reprise_error *error);
	/* The ordinal of the commit with the least revision of at least @revision; 0: none. */
	reprise_status (*commit_from)(struct reprise_log *log, int64_t id, uint64_t revision,
				      uint64_t *ret_ordinal, struct reprise_error *error);

	/* By itself: threads of @tenant after @after in the order of their bytes, at most LOG_THREADS_MAX. */
	reprise_status (*threads_after)(struct reprise_log *log, const char *tenant,
					const char *after, char (*ret_threads)[LOG_NAME_BYTES],
					size_t *ret_count, struct reprise_error *error);
};

/* What every handle begins with; adapters embed it. */
struct reprise_log {
	const struct log_adapter *adapter;
	pthread_mutex_t lock; /* a call */
	enum log_level level; /* of the calls that do not say one */
};

/* Exported, since the durable libraries have them of each other; nobody else's. */
#define log_init         reprise_private_log_init
#define log_done         reprise_private_log_done
#define log_row_checksum reprise_private_log_row_checksum

/* For adapters: fills @log in; and undoes that. */
REPRISE_API void log_init(struct reprise_log *log, const struct log_adapter *adapter,
			  enum log_level level);
REPRISE_API void log_done(struct reprise_log *log);

/* CRC-32C over the key and all of @row but its checksum, in a fixed byte order. */
REPRISE_API uint32_t log_row_checksum(const char *tenant, const char *thread,
				      const struct log_row *row);

#endif /* LOG_ADAPTER_H */
