/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_JETSTREAM_UPKEEP_H
#define REPRISE_JETSTREAM_UPKEEP_H

/*
 * reprise/jetstream_upkeep.h - recovery, counters and dead letters of a writer of buffered thread
 * documents, and calls passed on to the store
 */

#include <reprise/jetstream.h>
#include <reprise/thread_load.h>

REPRISE_BEGIN_DECLARATIONS

/*
 * reprise_jetstream_create - calls reprise_thread_create on the writer's store
 * reprise_jetstream_load   - calls reprise_thread_load on the writer's store
 * reprise_jetstream_list   - calls reprise_thread_list on the writer's store
 *
 * With these calls a host needs only one handle. The calls do not use the network.
 *
 * @writer  Borrowed. The other arguments are as in thread.h and thread_load.h.
 *
 * Threads   Any; not from a completion.
 * Progress  Blocks, up to the store's deadline.
 * Ordering  As in thread.h and thread_load.h. The calls do not see buffered deltas.
 * Returns   the statuses of thread.h and thread_load.h; REPRISE_E_INVALID also for a NULL writer
 */
REPRISE_API reprise_status reprise_jetstream_create(struct reprise_jetstream *writer,
						    const char *id, struct reprise_bytes document,
						    char *ret_uid,
						    struct reprise_error *error) REPRISE_MUST_USE;
REPRISE_API reprise_status reprise_jetstream_load(struct reprise_jetstream *writer, const char *id,
						  struct reprise_thread_page *page,
						  struct reprise_thread_document *ret_document,
						  struct reprise_error *error) REPRISE_MUST_USE;
REPRISE_API reprise_status reprise_jetstream_list(struct reprise_jetstream *writer, uint64_t offset,
						  uint64_t limit, struct reprise_thread_page *page,
						  struct reprise_thread_list *ret_list,
						  struct reprise_error *error) REPRISE_MUST_USE;

/* The result of a recovery. */
struct reprise_jetstream_recovered {
	size_t size;        /* sizeof(struct reprise_jetstream_recovered), set by the caller */
	uint64_t documents; /* documents with messages in the stream */
	uint64_t applied;   /* applied deltas */
	uint64_t dead;      /* messages that became dead letters */
	uint64_t discarded; /* deltas missing in the stream (max_age_ns) */

	/*
	 * Documents that could not be flushed; documents with a message that found no room among
	 * the dead letters; and such messages without a document.
	 */
	uint64_t failed;
	char failed_id[REPRISE_THREAD_ID_BYTES_MAX + 1]; /* the first failed document, or "" */
	unsigned char reserved[7];                       /* 0 */
};
#define REPRISE_JETSTREAM_RECOVERED_INIT REPRISE_INIT(struct reprise_jetstream_recovered)

/*
 * reprise_jetstream_recover - flushes every document with buffered deltas
 *
 * A host calls this function when a process starts, and after a failed flush. A second call applies
 * nothing. Writers may append and flush meanwhile. Messages on subjects without a document, and
 * messages that are not deltas, become dead letters. The call removes flushed deltas older than
 * idle_purge_ns, except the newest message of the stream.
 *
 * @writer         Borrowed.
 * @ret_recovered  The caller sets `size`; the call sets the rest on REPRISE_OK, and if only single
 *                 documents failed (`failed` is not 0). May be NULL.
 * @error          Optional: the first failure; `what` names the document.
 *
 * Threads   Any; not from a completion.
 * Progress  Blocks: the network, up to the deadline for each thousand messages; the store.
 * Ordering  As reprise_jetstream_flush.
 * Returns   REPRISE_OK
 *           the first failure of a document, or of a message that could not become a dead letter
 *           (REPRISE_E_FULL, or another refusal of the server) and stays in the stream; all other
 *           documents were flushed
 *           REPRISE_E_IO, REPRISE_E_TIMEOUT, REPRISE_E_NO_MEMORY, REPRISE_E_INVALID,
 *           REPRISE_E_FORKED
 */
REPRISE_API reprise_status reprise_jetstream_recover(
	struct reprise_jetstream *writer, struct reprise_jetstream_recovered *ret_recovered,
	struct reprise_error *error) REPRISE_MUST_USE;

/* Counters of a writer, from open on. */
struct reprise_jetstream_stats {
	size_t size;          /* sizeof(struct reprise_jetstream_stats), set by the caller */
	uint64_t published;   /* deltas acknowledged by the server as new */
	uint64_t repeated;    /* appends of deltas applied or buffered before */
	uint64_t flushes;     /* flushes that saved a document */
	uint64_t applied;     /* deltas applied by flushes and recoveries */
	uint64_t conflicts;   /* saves repeated because of another version */
	uint64_t dead;        /* messages that became dead letters */
	uint64_t discarded;   /* deltas missing in the stream */
	uint64_t in_flight;   /* appends without an ack at present */
	uint64_t reconnects;  /* new connections after a lost one */
	int32_t is_connected; /* 1: connected at present */
	int32_t reserved;     /* 0 */
};
#define REPRISE_JETSTREAM_STATS_INIT REPRISE_INIT(struct reprise_jetstream_stats)

/*
 * reprise_jetstream_stats - returns the counters of a writer
 *
 * @writer     Borrowed.
 * @ret_stats  The caller sets `size`; the call sets the rest on REPRISE_OK.
 *
 * Threads   Any, also from a completion.
 * Progress  Does not wait for the network.
 * Ordering  None: each counter is of some moment during the call.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID  a NULL argument, a bad size
 *           REPRISE_E_FORKED
 */
REPRISE_API reprise_status reprise_jetstream_stats(struct reprise_jetstream *writer,
						   struct reprise_jetstream_stats *ret_stats)
	REPRISE_MUST_USE;

/* A dead letter. All pointers are borrowed until the visitor returns. */
struct reprise_jetstream_dead {
	uint64_t sequence;   /* in the stream of dead letters */
	uint64_t time_ms;    /* since 1970, by the server's clock: time of the dead letter */
	const char *subject; /* the subject of the original message */
	const char *id;      /* the document's id; "" if the subject has none */
	const char *reason;  /* in words */
	struct reprise_bytes payload; /* of the original message */
};

/* A visitor of dead letters. Returning 0 ends the visit. The visitor must not call the writer. */
typedef int32_t (*reprise_jetstream_dead_visitor)(const struct reprise_jetstream_dead *dead,
						  void *context);

/*
 * reprise_jetstream_each_dead - visits the dead letters
 *
 * @writer   Borrowed.
 * @after    The visit covers greater sequences. 0: all.
 * @visitor  Called in the order of the sequences, until the visitor returns 0.
 * @context  Passed to @visitor.
 * @error    Optional.
 *
 * Threads   Any; not from a completion.
 * Progress  Blocks: the network, up to the deadline for each thousand letters.
 * Ordering  A concurrent dead letter may or may not be visited.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID  a NULL argument
 *           REPRISE_E_IO, REPRISE_E_TIMEOUT, REPRISE_E_NO_MEMORY, REPRISE_E_FORKED
 */
REPRISE_API reprise_status reprise_jetstream_each_dead(
	struct reprise_jetstream *writer, uint64_t after, reprise_jetstream_dead_visitor visitor,
	void *context, struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_jetstream_drop_dead - removes one dead letter for ever
 *
 * @writer    Borrowed.
 * @sequence  The sequence of struct reprise_jetstream_dead.
 * @error     Optional.
 *
 * Threads   Any; not from a completion.
 * Progress  Blocks: the network, up to the deadline.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_NOT_FOUND  no dead letter has this sequence
 *           REPRISE_E_IO, REPRISE_E_TIMEOUT, REPRISE_E_NO_MEMORY, REPRISE_E_INVALID,
 *           REPRISE_E_FORKED
 */
REPRISE_API reprise_status
reprise_jetstream_drop_dead(struct reprise_jetstream *writer, uint64_t sequence,
			    struct reprise_error *error) REPRISE_MUST_USE;

REPRISE_END_DECLARATIONS
#endif /* REPRISE_JETSTREAM_UPKEEP_H */
