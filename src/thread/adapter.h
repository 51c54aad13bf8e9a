/* SPDX-License-Identifier: MIT */
#ifndef THREAD_ADAPTER_H
#define THREAD_ADAPTER_H

/*
 * The port of thread documents. This room alone decides the meaning of documents, deltas, versions
 * and remembered ids; an adapter stores rows and finds them again. It is asked by one thread at a
 * time, under the handle's lock.
 *
 * An adapter keeps:
 *
 *   heads    one row for each document, by its id
 *   texts    one row for each document, by its uid: the document's text as it was at
 *            the version `base`
 *   deltas   by uid and version: canonical JSON
 *   applied  by uid and delta id, also of documents that were deleted; with an index by the time
 *   keeping  one row; an adapter raises it when a handle is opened, while nobody writes
 *
 *        complete_after        base            version
 *   ..........|-----------------|-----------------|
 *              kept, in the text    not in the text yet
 *
 * The document is its text with the deltas after `base` applied. An append puts a delta and a head;
 * once the deltas after `base` are as large as the text, the text is put anew, behind the append.
 * So a head is small, and an append costs what the delta is large.
 *
 * Each row of each table has a checksum over its key and all that it says. This room computes every
 * checksum before a put and compares it after a find (row.h); an adapter only stores it, all 32
 * bits. An adapter checks that a stored number fits where it goes: a number that does not fit is
 * handed over with `fault` set. Numbers are at most THREAD_NUMBER_MAX, since databases' integers
 * have a sign.
 *
 * A writing transaction: begin, then finds, puts and drops, then commit or rollback. A put may be
 * sent without waiting for its answer; then its failure is commit's. After a failure in between the
 * caller rolls back; a begin that fails has begun nothing, and a commit ends it either way. A
 * reading one: look, then finds, then leave, whatever failed; all of it is of one moment.
 *
 * A call's deadline begins when the call is made: the time spent waiting for other calls on the
 * handle (`waited_ns`) is gone.
 *
 * In a transaction this room does nothing that takes long: documents are read before it or
 * after it, and printed before. A call may make several transactions, one after the other: from
 * the second on, `is_continued` of the handle is set, and the transaction has what is left of
 * the call's deadline.
 *
 * Statuses of every function: REPRISE_E_TIMEOUT after the adapter's deadline, REPRISE_E_IO,
 * REPRISE_E_CORRUPT for a table that is not as it should be, REPRISE_E_NO_MEMORY; each with the
 * database's words in the error.
 */

#include <pthread.h>
#include <stdbool.h>
#include <sys/queue.h>
#include <sys/types.h>

#include <reprise/thread_load.h>

#define THREAD_NUMBER_MAX ((uint64_t)INT64_MAX)

enum {
	THREAD_UID_BYTES = 16,
	THREAD_ID_ROOM = REPRISE_THREAD_ID_BYTES_MAX + 1,
	THREAD_DELTA_ID_ROOM = REPRISE_THREAD_DELTA_ID_BYTES_MAX + 1,
};

/* 128 random bits. An adapter stores these bytes, or their 32 hexadecimal digits. */
struct thread_uid {
	unsigned char bytes[THREAD_UID_BYTES];
};

/* A document as it is stored, but for its text. */
struct thread_head {
	const char *fault;       /* why what is stored cannot be a head, or NULL */
	bool exists;             /* not stored; without it nothing else is set */
	char id[THREAD_ID_ROOM]; /* the key */
	struct thread_uid uid;   /* no two heads have the same */
	uint64_t version;
	uint64_t base;           /* the version of the text */
	uint64_t complete_after; /* each delta of a greater version is kept; at most `base` */
	uint64_t text_bytes;     /* of the text */
	uint64_t delta_bytes;    /* of the deltas after `base` */
	/* Of these bytes, the bytes added to the text; the deltas keep the rest to themselves. */
	uint64_t growth_bytes;
	uint32_t checksum; /* see thread_head_checksum */
};

struct thread_text {
	const char *fault;
	uint64_t version; /* as the head's `base` */
	uint32_t checksum;
	struct reprise_bytes json; /* to find: borrowed for the call of the visitor */
};

struct thread_delta {
	const char *fault;
	uint64_t version;
	uint64_t stored_ms; /* since 1970, when the row was put */
	uint32_t checksum;
	struct reprise_bytes json;
};

struct thread_applied {
	const char *fault;
	bool exists; /* not stored; without it nothing else is set */
	uint64_t version;
	uint64_t applied_ms; /* since 1970 */
	uint32_t checksum;
	unsigned char digest[REPRISE_THREAD_DIGEST_BYTES];
};

/* How long a store remembers: one row, which is put when the store is created. */
struct thread_keeping {
	const char *fault;
	uint64_t horizon_ms; /* the longest that a handle was opened with */
	/* Since 1970: a shorter horizon may have dropped the ids of deltas created before. */
	uint64_t floor_ms;
	uint32_t checksum;
};

/* Called with what is found, borrowed for the call. Of deltas, false: no more. */
typedef void (*thread_text_visit)(const struct thread_text *text, void *context);
typedef bool (*thread_delta_visit)(const struct thread_delta *delta, void *context);

struct thread_adapter {
	/* Frees the handle. */
	void (*close)(struct reprise_thread_store *store);

	/*
	 * In the child of a fork, both.
	 * disinherit  Gives up every lock and every connection that the child shares with its
	 *             parent, without a word to anybody. From the fork's handler: it makes system
	 *             calls alone. NULL: there is nothing to give up.
	 * discard     Closes what descriptors are left, and frees the handle. With @was_busy
	 *             another thread was in a call on it at the fork: memory which that call may
	 *             have been changing stays.
	 */
	void (*disinherit)(struct reprise_thread_store *store);
	void (*discard)(struct reprise_thread_store *store, bool was_busy);

	/*
	 * Begins to write to the document of @id; locks the id against every other writer, whether
	 * or not there is a head, and reads the head (`exists`) and the store's keeping (into the
	 * handle's). *ret_now_ms is the time since 1970 on the store's clock, which is one clock
	 * for all who write: the server's, or the machine's.
	 */
	reprise_status (*begin)(struct reprise_thread_store *store, const char *id,
				struct thread_head *ret_head, uint64_t *ret_now_ms,
				struct reprise_error *error);
	/*
	 * A new one, or another for the same id: all but `fault` and `exists`. The uid may
	 * be another one.
	 */
	reprise_status (*put_head)(struct reprise_thread_store *store,
				   const struct thread_head *head, struct reprise_error *error);
	/* A new one, or another for the same uid. */
	reprise_status (*put_text)(struct reprise_thread_store *store, const struct thread_uid *uid,
				   const struct thread_text *text, struct reprise_error *error);
	/* A delta whose version the uid does not have. */
	reprise_status (*put_delta)(struct reprise_thread_store *store,
				    const struct thread_uid *uid, const struct thread_delta *delta,
				    struct reprise_error *error);
	/* An entry whose delta id the uid does not have. */
	reprise_status (*put_applied)(struct reprise_thread_store *store,
				      const struct thread_uid *uid, const char *delta_id,
				      const struct thread_applied *applied,
				      struct reprise_error *error);

	/* Drops the head, the text and all deltas of the document. Its remembered ids stay. */
	reprise_status (*drop_document)(struct reprise_thread_store *store, const char *id,
					const struct thread_uid *uid, struct reprise_error *error);
	/* Drops the deltas of versions up to @version. */
	reprise_status (*drop_deltas)(struct reprise_thread_store *store,
				      const struct thread_uid *uid, uint64_t version,
				      struct reprise_error *error);
	/*
	 * Drops up to @max of the remembered ids of all documents that were applied before
	 * @before_ms, the oldest first. An adapter tells a time that is damaged, and keeps that
	 * row. Rows that another writer is about to drop are passed over: nobody waits for them.
	 */
	reprise_status (*drop_applied)(struct reprise_thread_store *store, uint64_t before_ms,
				       uint64_t max, struct reprise_error *error);

	/*
	 * Ends the transaction either way. A success is durable as the adapter was opened. A
	 * failure that is not REPRISE_E_IO has changed nothing.
	 */
	reprise_status (*commit)(struct reprise_thread_store *store, struct reprise_error *error);
	void (*rollback)(struct reprise_thread_store *store);

	/*
	 * Begins to read; leave ends it, also after failures. @id may be NULL: no head
	 * is read then.
	 */
	reprise_status (*look)(struct reprise_thread_store *store, const char *id,
			       struct thread_head *ret_head, struct reprise_error *error);
	void (*leave)(struct reprise_thread_store *store);

	/* In either transaction. The text is shown to @visit, if there is one. */
	reprise_status (*text_of)(struct reprise_thread_store *store, const struct thread_uid *uid,
				  thread_text_visit visit, void *context,
				  struct reprise_error *error);
	/* Deltas of versions greater than @version, ascending, at most @limit. */
	reprise_status (*deltas_after)(struct reprise_thread_store *store,
				       const struct thread_uid *uid, uint64_t version,
				       uint64_t limit, thread_delta_visit visit, void *context,
				       struct reprise_error *error);
	/*
	 * The remembered deltas of @delta_ids_count different delta ids, in their order; `exists`
	 * false: nothing. Puts of the same transaction are seen.
	 */
	reprise_status (*applied_of)(struct reprise_thread_store *store,
				     const struct thread_uid *uid, const char *const *delta_ids,
				     size_t delta_ids_count, struct thread_applied *ret_applied,
				     struct reprise_error *error);

	/*
	 * While reading, after a look without an id. How many heads there are; and of them, in the
	 * order of the bytes of their ids, at most @limit after the first @offset.
	 */
	reprise_status (*heads)(struct reprise_thread_store *store, uint64_t offset, uint64_t limit,
				struct thread_head *ret_heads, size_t *ret_count,
				uint64_t *ret_total, struct reprise_error *error);
};

/* The options of an adapter that this room takes. */
struct thread_limits {
	uint64_t horizon_ms;     /* deltas and remembered ids are kept for so long */
	uint64_t retry_limit_ms; /* a delta may be so old, or so far ahead */
};

/* The begin of every handle; adapters embed it. */
struct reprise_thread_store {
	const struct thread_adapter *adapter;
	struct thread_limits limits;
	struct thread_keeping keeping; /* under the lock: as `begin` has found it */
	uint64_t deadline_ns;          /* of a call; an adapter sets it. 0: none */
	pthread_mutex_t lock;          /* a call */
	/* Under the lock: the wait for other calls on the handle, at most 9/10 of the deadline. */
	uint64_t waited_ns;
	bool is_busy;        /* under the lock: a call is running */
	bool is_continued;   /* under the lock: that call has ended a transaction already */
	int cancel_state;    /* under the lock: of the thread whose call is running */
	pid_t process;       /* which opened it */
	uint64_t generation; /* how many forks that process is away from the first (process.h) */
	LIST_ENTRY(reprise_thread_store) open;
};

/* Exported, since the durable libraries have them of each other; nobody else's. */
#define thread_store_init    reprise_private_thread_store_init
#define thread_store_done    reprise_private_thread_store_done
#define thread_limits_choose reprise_private_thread_limits_choose
#define thread_keeping_raise reprise_private_thread_keeping_raise
#define thread_keeping_fault reprise_private_thread_keeping_fault
#define thread_block_forks   reprise_private_thread_block_forks
#define thread_allow_forks   reprise_private_thread_allow_forks

/* For adapters: fills @store in, false without memory; and undoes that. */
REPRISE_API bool thread_store_init(struct reprise_thread_store *store,
				   const struct thread_adapter *adapter,
				   const struct thread_limits *limits);
REPRISE_API void thread_store_done(struct reprise_thread_store *store);

/*
 * The limits that the options horizon_ns and retry_limit_ns stand for; 0: the default. NULL, or the
 * name of the option that is out of its range.
 */
REPRISE_API const char *thread_limits_choose(uint64_t horizon_ns, uint64_t retry_limit_ns,
					     struct thread_limits *ret_limits);

/*
 * For adapters that open a handle: has the store remember for @horizon_ms from @now_ms on; false if
 * it does so already. All zero: a store that is just created. And NULL, or the name of the damaged
 * part.
 */
REPRISE_API bool thread_keeping_raise(struct thread_keeping *keeping, uint64_t horizon_ms,
				      uint64_t now_ms);
REPRISE_API const char *thread_keeping_fault(const struct thread_keeping *keeping);

/*
 * No fork of this process happens between these two, so that a child finds every descriptor in its
 * handle. Short: fork() waits.
 */
REPRISE_API void thread_block_forks(void);
REPRISE_API void thread_allow_forks(void);

#endif /* THREAD_ADAPTER_H */
