/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_JETSTREAM_UPKEEP_H
#define REPRISE_JETSTREAM_UPKEEP_H

/*
 * reprise/jetstream_upkeep.h - a writer of buffered thread documents: recovery, counters, dead letters, and the calls
 * that go straight to the store
 */

#include <reprise/jetstream.h>
#include <reprise/thread_load.h>

REPRISE_BEGIN_DECLARATIONS

/*
 * reprise_jetstream_create - reprise_thread_create of the store that the writer decorates
 * reprise_jetstream_load   - reprise_thread_load, likewise
 * reprise_jetstream_list   - reprise_thread_list, likewise
 *
 * They are there so that a host needs one handle only. The network is not asked.
 *
 * @writer  Borrowed. The other arguments are as in thread.h and thread_load.h.
 *
 * Threads   Any; not from a completion.
 * Progress  Blocks, up to the store's deadline.
 * Ordering  As in thread.h and thread_load.h. Buffered deltas are not seen.
 * Returns   those of thread.h and thread_load.h; REPRISE_E_INVALID also for a NULL writer
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

/* What a recovery did. */
struct reprise_jetstream_recovered {
	size_t size;        /* sizeof(struct reprise_jetstream_recovered), set by the caller */
	uint64_t documents; /* that had messages in the stream */
	uint64_t applied;   /* deltas that the store did not have */
	uint64_t dead;      /* messages that are dead letters now */
	uint64_t discarded; /* deltas that the stream has lost (max_age_ns) */
	uint64_t
		failed; /* documents that could not be flushed, or have messages that found no room among the dead letters;
			    and such messages that belong to no document */
	char failed_id[REPRISE_THREAD_ID_BYTES_MAX + 1]; /* the first document of them, or "" */
};
#define REPRISE_JETSTREAM_RECOVERED_INIT REPRISE_INIT(struct reprise_jetstream_recovered)

/*
 * reprise_jetstream_recover - flush every document that has buffered deltas
 *
 * For the start of a process, and after a failed flush. A second call applies nothing. Writers may append and flush
 * meanwhile. Messages on subjects that no document has, and messages that are no delta, are dead letters. A flushed delta that is
 * older than idle_purge_ns is removed, but for the newest message of the stream.
 *
 * @writer         Borrowed.
 * @ret_recovered  `size` set by the caller; the rest set on REPRISE_OK, and on a failure that came from one or several
 *                 documents alone (`failed` is not 0). May be NULL.
 * @error          Optional: the first failure; its `what` names the document.
 *
 * Threads   Any; not from a completion.
 * Progress  Blocks: the network, up to the deadline for each thousand messages; the store.
 * Ordering  As reprise_jetstream_flush.
 * Returns   REPRISE_OK
 *           the first failure of a document, or of a message that became no dead letter (REPRISE_E_FULL, or another
 *           refusal of the server) and stays in the stream; all the others were flushed
 *           REPRISE_E_IO, REPRISE_E_TIMEOUT, REPRISE_E_NO_MEMORY, REPRISE_E_INVALID, REPRISE_E_FORKED
 */
REPRISE_API reprise_status reprise_jetstream_recover(
	struct reprise_jetstream *writer, struct reprise_jetstream_recovered *ret_recovered,
	struct reprise_error *error) REPRISE_MUST_USE;

/* Counters of a writer since it was opened. */
struct reprise_jetstream_stats {
	size_t size;          /* sizeof(struct reprise_jetstream_stats), set by the caller */
	uint64_t published;   /* deltas that the server acknowledged as new */
	uint64_t repeated;    /* appends of deltas that were there before */
	uint64_t flushes;     /* that saved a document */
	uint64_t applied;     /* deltas that flushes and recoveries applied */
	uint64_t conflicts;   /* saves that met another version, and were done again */
	uint64_t dead;        /* messages that became dead letters */
	uint64_t discarded;   /* deltas that the stream has lost */
	uint64_t in_flight;   /* appends without an ack, now */
	uint64_t reconnects;  /* connections that were made anew */
	int32_t is_connected; /* 1: now */
	int32_t reserved;     /* 0 */
};
#define REPRISE_JETSTREAM_STATS_INIT REPRISE_INIT(struct reprise_jetstream_stats)

/*
 * reprise_jetstream_stats - what a writer has done
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

/* A dead letter. Everything is borrowed for the call of the visitor. */
struct reprise_jetstream_dead {
	uint64_t sequence;            /* in the stream of dead letters */
	uint64_t time_ms;             /* since 1970, on the server's clock, when it was put there */
	const char *subject;          /* on which it was published */
	const char *id;               /* of the document; "" if the subject names none */
	const char *reason;           /* in words */
	struct reprise_bytes payload; /* as it was published */
};

/* Returns false: no more. Calls nothing of the writer. */
typedef int32_t (*reprise_jetstream_dead_visitor)(const struct reprise_jetstream_dead *dead,
						  void *context);

/*
 * reprise_jetstream_each_dead - look at the dead letters
 *
 * @writer   Borrowed.
 * @after    Sequences greater than this one. 0: all.
 * @visitor  Called in the order of the sequences, until it returns 0.
 * @context  Handed to it.
 * @error    Optional.
 *
 * Threads   Any; not from a completion.
 * Progress  Blocks: the network, up to the deadline for each thousand letters.
 * Ordering  Letters that are put there meanwhile are seen or not.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID    a NULL argument
 *           REPRISE_E_IO, REPRISE_E_TIMEOUT, REPRISE_E_NO_MEMORY, REPRISE_E_FORKED
 */
REPRISE_API reprise_status reprise_jetstream_each_dead(
	struct reprise_jetstream *writer, uint64_t after, reprise_jetstream_dead_visitor visitor,
	void *context, struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_jetstream_drop_dead - remove one dead letter for ever
 *
 * @writer    Borrowed.
 * @sequence  Of reprise_jetstream_dead.
 * @error     Optional.
 *
 * Threads   Any; not from a completion.
 * Progress  Blocks: the network, up to the deadline.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_NOT_FOUND  no letter of that sequence
 *           REPRISE_E_IO, REPRISE_E_TIMEOUT, REPRISE_E_NO_MEMORY, REPRISE_E_INVALID, REPRISE_E_FORKED
 */
REPRISE_API reprise_status
reprise_jetstream_drop_dead(struct reprise_jetstream *writer, uint64_t sequence,
			    struct reprise_error *error) REPRISE_MUST_USE;

REPRISE_END_DECLARATIONS
#endif /* REPRISE_JETSTREAM_UPKEEP_H */
