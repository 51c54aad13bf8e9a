/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_JETSTREAM_H
#define REPRISE_JETSTREAM_H

/*
 * reprise/jetstream.h - buffers the deltas of thread documents in NATS JetStream until a run ends
 *
 * A writer decorates a store of thread documents (thread.h). An append publishes the delta to a
 * stream and waits for the server's ack; the store stays unchanged. A flush reads the buffered
 * deltas of one document, applies them, saves the document once, and then removes the deltas from
 * the stream. A delta with the reason RunFinished triggers a flush. After a crash,
 * reprise_jetstream_recover (jetstream_upkeep.h) flushes every document with unsaved deltas.
 *
 *    append ──► stream THREAD_DELTAS ──► flush: one save ──► the store
 *                        └──► stream THREAD_DELTAS_DEAD: deltas without a document
 *
 * During a run reprise_thread_load returns the last flushed document. Any number of writers, in
 * threads, processes and machines, may share a stream and a store. Each buffered delta is applied
 * exactly once, because the store remembers the ids of applied deltas (rule B05).
 *
 * An ack means: the server has the delta. The server writes the delta to a file without a sync. An
 * acknowledged delta survives the end of processes, including the server, but not a loss of power.
 * With three replicas at least two servers have the delta in memory, and the delta survives the
 * loss of one machine.
 *
 * A call has the writer's deadline for its work with the NATS server, and the store's deadline for
 * each request to the store. No call waits for a server to come back: without a connection the call
 * fails, at the latest at its deadline. The library reconnects in the background while the writer
 * is open.
 *
 * Any thread may call. Calls on one document wait for each other. Calls on different documents wait
 * only for the store's own lock. In the child of a fork every call returns REPRISE_E_FORKED.
 * reprise_jetstream_close does not touch the parent's connection there, and does not free the
 * writer's memory.
 *
 * Limits of the NATS library (libnats): Its socket is not close-on-exec, so a program started with
 * exec inherits the socket unless the host closes it. After a server has refused the credentials
 * twice in a row, libnats stops reconnecting, and calls return E_IO until the writer is opened
 * again. A TLS handshake has no deadline: if a server stops in the middle of a handshake, open and
 * close wait for the server.
 */

#include <reprise/thread.h>

REPRISE_BEGIN_DECLARATIONS

struct reprise_jetstream; /* opaque: a writer */

enum {
	REPRISE_JETSTREAM_WINDOW_MAX = 65536, /* appends in flight */
	REPRISE_JETSTREAM_NAME_BYTES_MAX = 32,
	REPRISE_JETSTREAM_REPLICAS_MAX = 5,
};

struct reprise_jetstream_options {
	size_t size; /* sizeof(struct reprise_jetstream_options) */

	/*
	 * URLs separated by commas, such as "nats://a:4222,nats://b:4222". NULL:
	 * "nats://127.0.0.1:4222".
	 */
	const char *servers;

	/*
	 * Optional credentials, of at most one kind: a credentials file (JWT and seed), a user and
	 * a password, or a token. The NATS library cannot send control bytes, '"' and backslashes
	 * in credentials; such credentials are REPRISE_E_INVALID.
	 */
	const char *credentials_file;
	const char *user;
	const char *password;
	const char *token;

	/*
	 * TLS, as PEM files: the authorities that sign server certificates, and the writer's own
	 * certificate and key (both or neither). If a file is given, or a URL begins with tls://,
	 * connections are encrypted, and the writer checks the server's name.
	 */
	const char *tls_ca_file;
	const char *tls_certificate_file;
	const char *tls_key_file;

	/*
	 * The name of the stream, and the first token of its subjects: 1 to
	 * REPRISE_JETSTREAM_NAME_BYTES_MAX letters, digits, '_' and '-' each. NULL: "THREAD_DELTAS"
	 * and "thread". The subject of a document's deltas is <subject>.<id>.deltas. The stream
	 * <stream>_DEAD has the dead letters, with the subjects <subject>-dead.<id>. Two stores on
	 * one account need different names for both.
	 */
	const char *stream;
	const char *subject;

	/*
	 * Number of servers that keep each delta: 1, 3 or 5 in a cluster. 0: 1. The first writer
	 * creates the two streams. Open refuses an existing stream with other settings.
	 */
	uint32_t replicas;

	/*
	 * Maximum number of asynchronous appends in flight, up to REPRISE_JETSTREAM_WINDOW_MAX. 0:
	 * 256.
	 */
	uint32_t window;

	/*
	 * Size limit of each of the two streams. An append to a full stream is REPRISE_E_FULL. 0:
	 * 1 GiB; at least 64 KiB.
	 */
	uint64_t max_bytes;

	/*
	 * 0: a delta stays until a flush. Otherwise the server discards older deltas, and a flush
	 * reports the missing versions. If the server has discarded all deltas of a document, the
	 * loss goes unnoticed. At least 100 ms.
	 */
	uint64_t max_age_ns;

	/* Deadline of each call, see above. 0: 5 s; at least 10 ms, at most 1 h. */
	uint64_t deadline_ns;

	/*
	 * A flush keeps the document's last delta in the stream, so the stream's sequences continue
	 * after a crash of the server. reprise_jetstream_recover removes such deltas once they are
	 * older than this time. 0: 7 days, or half the store's horizon if shorter; at most half the
	 * store's horizon.
	 */
	uint64_t idle_purge_ns;
};
#define REPRISE_JETSTREAM_OPTIONS_INIT REPRISE_INIT(struct reprise_jetstream_options)

/*
 * reprise_jetstream_open  - connects, and creates missing streams
 * reprise_jetstream_close - disconnects
 *
 * @store       Keeps the documents. Borrowed until the writer is closed; the host may use the store
 *              meanwhile.
 * @options     Borrowed for the call. NULL: the defaults.
 * @ret_writer  Set on REPRISE_OK: owned.
 * @error       Optional: `what`, and the server's own words in `detail`.
 * @writer      Moves. NULL is allowed. The close waits for acks for half of the deadline, and
 *              completes the other appends in flight with REPRISE_E_ABORTED before returning.
 *
 * Threads   Any; not from a completion. No other call on the writer may be running at the close.
 * Progress  Blocks: the network, up to the deadline; the close up to 1 s longer.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID    a NULL argument, or a bad option (named in `what`)
 *           REPRISE_E_EXISTS     a stream exists with other settings; `detail` names the setting.
 *                                Nothing changed
 *           REPRISE_E_TIMEOUT    no answer within the deadline
 *           REPRISE_E_IO         no connection, no JetStream on the server, or a refusal: wrong
 *                                credentials, no permission, too few servers for the replicas
 *           REPRISE_E_NO_MEMORY  nothing was opened
 *           REPRISE_E_FORKED     another process opened the store
 *           REPRISE_E_SYSTEM     a thread could not be started
 */
REPRISE_API reprise_status reprise_jetstream_open(struct reprise_thread_store *store,
						  const struct reprise_jetstream_options *options,
						  struct reprise_jetstream **ret_writer,
						  struct reprise_error *error) REPRISE_MUST_USE;
REPRISE_API void reprise_jetstream_close(struct reprise_jetstream *writer);

/* The result of an append. */
struct reprise_jetstream_appended {
	size_t size;      /* sizeof(struct reprise_jetstream_appended), set by the caller */
	uint64_t version; /* of the document with the delta, once flushed */

	/* Of the delta in the stream, for reprise_jetstream_save. 0: no longer in the stream. */
	uint64_t sequence;
	int32_t is_repeated; /* 1: the delta was applied or buffered before */
	int32_t is_flushed;  /* 1: the store has the delta */
	char delta_id[REPRISE_THREAD_DELTA_ID_BYTES_MAX + 1];
	unsigned char digest[REPRISE_THREAD_DIGEST_BYTES];
	unsigned char reserved[7]; /* 0 */
};
#define REPRISE_JETSTREAM_APPENDED_INIT REPRISE_INIT(struct reprise_jetstream_appended)

/*
 * reprise_jetstream_append - buffers a delta, and flushes the document if the run is finished
 *
 * The version comes from the writer's view: the flushed document plus the buffered deltas. The
 * server detects appends of other writers in between: with an expected version the call then
 * returns REPRISE_E_CONFLICT, otherwise the call repeats the append on top of the newer deltas. The
 * call waits for asynchronous appends in flight on the document. If one of them fails, the call
 * does not publish a RunFinished delta. If a RunFinished delta is already buffered, the call only
 * flushes.
 *
 * @writer            Borrowed.
 * @id                The document's id.
 * @expected_version  The version that the view must have. NULL: any version.
 * @delta             Borrowed for the call; as in reprise_thread_append. A delta without an id gets
 *                    an id and a time. A retry needs the same id, so a host that retries sets the
 *                    ids.
 * @ret_appended      The caller sets `size`; the call sets the rest on REPRISE_OK. May be NULL.
 * @error             Optional: `expected` and `actual` versions on REPRISE_E_CONFLICT.
 *
 * Threads   Any; not from a completion.
 * Progress  Blocks: the network, up to the deadline. RunFinished: also the store.
 * Ordering  An acknowledged delta is in the stream, or in the store, when the call returns.
 * Returns   REPRISE_OK
 *           REPRISE_E_NOT_FOUND  no document has this id; nothing was sent
 *           REPRISE_E_TOO_LARGE  the delta with its headers exceeds the server's max_payload;
 *                                nothing was sent
 *           REPRISE_E_INVALID    a NULL argument, a bad id or delta, as in reprise_thread_append;
 *                                nothing was sent
 *           REPRISE_E_EXPIRED    created_at is older than the store's retry limit; nothing was sent
 *           REPRISE_E_CONFLICT   the view has another version; or other writers were faster until
 *                                the deadline
 *           REPRISE_E_EXISTS     another delta with this delta id is applied or buffered; nothing
 *                                changed
 *           REPRISE_E_FULL       the stream is full; nothing changed
 *           REPRISE_E_ABORTED    RunFinished: an earlier append in flight failed; or, once, the
 *                                document was deleted and created again after the writer's last
 *                                append. Nothing was sent
 *           REPRISE_E_IO         no connection, or no ack within the deadline: the delta may still
 *                                arrive. The host may safely append the same delta, with its id,
 *                                again
 *           for RunFinished also the statuses of reprise_jetstream_flush; the delta then stays
 *           buffered. Only flush and recover report a lack of room for dead letters
 *           REPRISE_E_NO_MEMORY, REPRISE_E_SYSTEM, REPRISE_E_FORKED; from the store:
 *           REPRISE_E_TIMEOUT, REPRISE_E_CORRUPT
 */
REPRISE_API reprise_status reprise_jetstream_append(struct reprise_jetstream *writer,
						    const char *id,
						    const uint64_t *expected_version,
						    struct reprise_bytes delta,
						    struct reprise_jetstream_appended *ret_appended,
						    struct reprise_error *error) REPRISE_MUST_USE;

/*
 * A completion. The library calls @completion once for each accepted asynchronous append.
 *
 * @status    REPRISE_OK; a failure of reprise_jetstream_append; or REPRISE_E_ABORTED: an earlier
 *            append in flight on the document failed, or the writer is closing. An aborted delta
 *            may have arrived.
 * @appended  Borrowed for the call; NULL on failure.
 * @error     Borrowed for the call; NULL on success.
 */
typedef void (*reprise_jetstream_completion)(void *context, reprise_status status,
					     const struct reprise_jetstream_appended *appended,
					     const struct reprise_error *error);

/*
 * reprise_jetstream_append_async - buffers a delta without waiting for the ack
 *
 * A thread of the library calls the completions one at a time, in the order of the calls on the
 * document. After the first failure on a document, its other appends in flight complete with
 * REPRISE_E_ABORTED. Later calls start afresh. The version in a completion does not include other
 * writers' appends in flight. The writer looks for the document once a second. If the document was
 * deleted meanwhile, the delta is acknowledged and becomes a dead letter. If a new document has the
 * id, the writer's next RunFinished or flush returns REPRISE_E_ABORTED.
 *
 * @writer      Borrowed.
 * @id          The document's id.
 * @delta       Borrowed for the call; as in reprise_jetstream_append, but not RunFinished: a host
 *              appends RunFinished with reprise_jetstream_append, after the appends in flight.
 * @completion  Called once if the call returns REPRISE_OK, perhaps before the return. NULL: the
 *              next RunFinished or flush reports a failure.
 * @context     Passed to @completion.
 * @error       Optional.
 *
 * Threads   Any; not from a completion.
 * Progress  Blocks while the window is full, up to the deadline. The first call on a document loads
 *           the view.
 * Ordering  An acknowledged delta is in the stream when the completion is called.
 * Returns   REPRISE_OK         the delta is on its way
 *           REPRISE_E_TIMEOUT  the window stayed full until the deadline; nothing was sent
 *           REPRISE_E_INVALID  also for RunFinished
 *           and the statuses of reprise_jetstream_append with "nothing was sent"
 */
REPRISE_API reprise_status
reprise_jetstream_append_async(struct reprise_jetstream *writer, const char *id,
			       struct reprise_bytes delta, reprise_jetstream_completion completion,
			       void *context, struct reprise_error *error) REPRISE_MUST_USE;

/* The result of a flush. */
struct reprise_jetstream_flushed {
	size_t size;      /* sizeof(struct reprise_jetstream_flushed), set by the caller */
	uint64_t version; /* of the document after the flush */
	uint64_t applied; /* number of applied deltas */
	uint64_t dead;    /* number of messages that became dead letters */

	/* The first version missing in the stream (max_age_ns); 0: none. */
	uint64_t discarded_from;
	uint64_t discarded_to; /* the last missing version; versions in between may exist */
	uint64_t discarded;    /* number of missing versions */
};
#define REPRISE_JETSTREAM_FLUSHED_INIT REPRISE_INIT(struct reprise_jetstream_flushed)

/*
 * reprise_jetstream_flush - applies the buffered deltas of a document, and saves the document
 *
 * The flush covers all deltas in the stream at the beginning of the call, including appends in
 * flight. One save applies them in the order of the stream, without the deltas that the store
 * remembers. More than REPRISE_THREAD_DELTAS_MAX messages, or 64 MiB of them, take several saves.
 * The flush then removes the deltas from the stream, except the last one. These messages become
 * dead letters: messages that are not deltas; deltas of a deleted document; deltas as old as the
 * store's horizon and not remembered, because the store may have forgotten them. Concurrent flushes
 * are safe.
 *
 * @writer       Borrowed.
 * @id           The document's id.
 * @ret_flushed  The caller sets `size`; the call sets the rest on REPRISE_OK, and if only a dead
 *               letter failed. May be NULL.
 * @error        Optional.
 *
 * Threads   Any; not from a completion.
 * Progress  Blocks: the network, up to the deadline for each thousand deltas; the store.
 * Ordering  On return the deltas are in the store, durable to the level chosen at its open.
 * Returns   REPRISE_OK
 *           REPRISE_E_NOT_FOUND  no document has this id; the deltas became dead letters
 *           REPRISE_E_CONFLICT   other writers saved the document each time, until the deadline;
 *                                all deltas are still buffered
 *           REPRISE_E_TOO_LARGE  the document would be too large; all deltas are still buffered
 *           REPRISE_E_ABORTED    an append without a completion failed; or, once, the document was
 *                                deleted and created again after the writer's last append. Nothing
 *                                was flushed
 *           REPRISE_E_FULL       the deltas are applied, but the stream of dead letters had no room
 *                                for a message, and the message stays in the stream. Another
 *                                refusal of the server is reported in the same way
 *           REPRISE_E_IO         no connection, or no answer within the deadline; the outcome of
 *                                the save is unknown
 *           and the statuses of reprise_thread_save_flush; all deltas are still buffered
 */
REPRISE_API reprise_status reprise_jetstream_flush(struct reprise_jetstream *writer, const char *id,
						   struct reprise_jetstream_flushed *ret_flushed,
						   struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_jetstream_save - replaces a document, and settles buffered deltas
 *
 * @writer            Borrowed.
 * @id                The document's id.
 * @expected_version  The version that the stored document must have. NULL: any version.
 * @document          Borrowed for the call; as in reprise_thread_save.
 * @through           A sequence of struct reprise_jetstream_appended: @document contains the
 *                    buffered deltas up to it. The store remembers these deltas as applied, and the
 *                    call removes them. Later deltas stay buffered. 0: none.
 * @ret_version       Set on REPRISE_OK. May be NULL.
 * @error             Optional.
 *
 * Threads   Any; not from a completion.
 * Progress  Blocks: the network, up to the deadline for each thousand deltas; the store.
 * Ordering  As reprise_thread_save.
 * Returns   the statuses of reprise_thread_save
 *           REPRISE_E_TOO_LARGE  also for more deltas than one save takes; flush first
 *           REPRISE_E_IO         also without a connection; nothing was saved
 */
REPRISE_API reprise_status reprise_jetstream_save(struct reprise_jetstream *writer, const char *id,
						  const uint64_t *expected_version,
						  struct reprise_bytes document, uint64_t through,
						  uint64_t *ret_version,
						  struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_jetstream_delete - deletes a document, then its buffered deltas
 *
 * If the call cannot remove the deltas, they become dead letters at the next flush or recover: no
 * later document gets them.
 *
 * @writer  Borrowed.
 * @id      The document's id.
 * @error   Optional.
 *
 * Threads   Any; not from a completion.
 * Progress  Blocks: the store; the network, up to the deadline.
 * Ordering  As reprise_thread_delete.
 * Returns   the statuses of reprise_thread_delete; REPRISE_OK also if the deltas could not be
 *           removed
 */
REPRISE_API reprise_status reprise_jetstream_delete(struct reprise_jetstream *writer,
						    const char *id,
						    struct reprise_error *error) REPRISE_MUST_USE;

REPRISE_END_DECLARATIONS
#endif /* REPRISE_JETSTREAM_H */
