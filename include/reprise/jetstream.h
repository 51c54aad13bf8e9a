/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_JETSTREAM_H
#define REPRISE_JETSTREAM_H

/*
 * reprise/jetstream.h - thread documents whose deltas are buffered in NATS JetStream until a run ends
 *
 * A writer decorates a store of thread documents (thread.h). An append publishes the delta to a stream and waits for
 * the server's ack; the store is not touched. A flush reads the buffered deltas of one document, applies them, saves the
 * document once, and then removes the deltas from the stream. A delta whose reason is RunFinished flushes. After a
 * crash, reprise_jetstream_recover (jetstream_upkeep.h) flushes every document with deltas that the store lacks.
 *
 *    append ──► stream THREAD_DELTAS ──► flush: one save ──► the store
 *                        └──► stream THREAD_DELTAS_DEAD: deltas that belong to no document
 *
 * During a run reprise_thread_load shows the document as it was flushed last. Any number of writers, in threads,
 * processes and machines, may share a stream and a store. A buffered delta is applied exactly once, because the store
 * remembers the ids of applied deltas (rule B05).
 *
 * An ack says that the server has the delta. The server writes a delta to its file and does not sync the file: an
 * acknowledged delta survives the death of processes, the server's included, and not a loss of power. With three
 * replicas an acknowledged delta is in the memory of at least two servers: it survives the loss of one machine.
 *
 * Each call has the writer's deadline for what it does with the NATS server, and the store's deadline for each thing
 * it asks of the store. A call does not wait for a server to come back: without a connection it fails, at the latest
 * at its deadline, and the connection is made anew in the background, for as long as the writer is open.
 *
 * Any thread may call. Calls on one document wait for each other; calls on different documents do not, but for
 * the store's own lock. In the child of a fork every call answers REPRISE_E_FORKED; reprise_jetstream_close
 * leaves the parent's connection alone, and the writer's memory stays allocated.
 *
 * What the NATS library (libnats) decides. Its socket is not close-on-exec: a program that the host starts with exec
 * inherits it, unless the host closes it. A connection is not made anew after a server has refused the credentials twice in
 * a row; the calls then answer E_IO until the writer is opened again. A TLS handshake has no deadline: with a server
 * that stops in the middle of one, the open and the close wait for it.
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

	/* URLs with commas between them, such as "nats://a:4222,nats://b:4222". NULL: "nats://127.0.0.1:4222". */
	const char *servers;

	/*
	 * How the writer proves who it is; all optional. A credentials file (JWT and seed), or a user and a password, or a
	 * token: at most one of the three. The NATS library cannot send control bytes, '"' and backslashes in them:
	 * REPRISE_E_INVALID.
	 */
	const char *credentials_file;
	const char *user;
	const char *password;
	const char *token;

	/*
	 * TLS: authorities that sign servers' certificates, and the writer's own certificate with its key (both or
	 * neither), as PEM files. With any of them, or with a URL tls://.., connections are encrypted, and the server's name
	 * is checked.
	 */
	const char *tls_ca_file;
	const char *tls_certificate_file;
	const char *tls_key_file;

	/*
	 * The stream's name, 1 to REPRISE_JETSTREAM_NAME_BYTES_MAX letters, digits, '_' and '-', and the first token of its
	 * subjects, likewise. NULL: "THREAD_DELTAS" and "thread". Deltas of a document are published to
	 * <subject>.<id>.deltas. Dead letters are in the stream <stream>_DEAD under <subject>-dead.<id>. Two stores on
	 * one account need different names for both.
	 */
	const char *stream;
	const char *subject;

	/*
	 * How many servers keep each delta: 1, 3 or 5 in a cluster. 0: 1. The two streams are created by the first writer;
	 * a stream that is there with other settings is refused.
	 */
	uint32_t replicas;

	/* How many appends of reprise_jetstream_append_async are in flight; at most REPRISE_JETSTREAM_WINDOW_MAX. 0: 256. */
	uint32_t window;

	/* Of each of the two streams. A full stream refuses an append: REPRISE_E_FULL. 0: 1 GiB; at least 64 KiB. */
	uint64_t max_bytes;

	/*
	 * 0: a delta stays until it is flushed. Otherwise the server throws away deltas that are older; a flush reports
	 * the versions that are missing. If all deltas of a document are thrown away nobody can tell. At least 100 ms.
	 */
	uint64_t max_age_ns;

	/* Of each call, see above. 0: 5 s; at least 10 ms, at most 1 h. */
	uint64_t deadline_ns;

	/*
	 * A flush leaves the document's last delta in the stream, so that the stream's sequences go on after a crash of
	 * the server. reprise_jetstream_recover removes such deltas once they are older than this. 0: 7 days, or
	 * half the store's horizon if that is less; at most half the store's horizon.
	 */
	uint64_t idle_purge_ns;
};
#define REPRISE_JETSTREAM_OPTIONS_INIT REPRISE_INIT(struct reprise_jetstream_options)

/*
 * reprise_jetstream_open  - connect, and create the streams if they are missing
 * reprise_jetstream_close - disconnect
 *
 * @store       Borrowed until the writer is closed: where documents are kept. Other calls may use it meanwhile.
 * @options     Borrowed for the call. NULL: the defaults.
 * @ret_writer  Set on REPRISE_OK: owned.
 * @error       Optional: `what`, and the server's own words in `detail`.
 * @writer      Moves. NULL is allowed. Appends in flight are completed with REPRISE_E_ABORTED, unless their acks come first,
 *              before reprise_jetstream_close returns.
 *
 * Threads   Any; no other call on the writer may be running at its close. Not from a completion.
 * Progress  Blocks: the network, up to the deadline.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID    a NULL argument, a bad option (`what` names it)
 *           REPRISE_E_EXISTS     one of the streams is there with other settings; `detail` names the setting. Nothing
 *                                was changed
 *           REPRISE_E_TIMEOUT    no answer within the deadline
 *           REPRISE_E_IO         no connection, no JetStream on the server, or a refusal: wrong credentials, no
 *                                permission, too few servers for the replicas
 *           REPRISE_E_NO_MEMORY  nothing was opened
 *           REPRISE_E_FORKED     another process opened the store
 *           REPRISE_E_SYSTEM     a thread could not be made
 */
REPRISE_API reprise_status reprise_jetstream_open(struct reprise_thread_store *store,
						  const struct reprise_jetstream_options *options,
						  struct reprise_jetstream **ret_writer,
						  struct reprise_error *error) REPRISE_MUST_USE;
REPRISE_API void reprise_jetstream_close(struct reprise_jetstream *writer);

/* The outcome of an append. */
struct reprise_jetstream_appended {
	size_t size;      /* sizeof(struct reprise_jetstream_appended), set by the caller */
	uint64_t version; /* that the document has with the delta, once it is flushed */
	uint64_t
		sequence; /* of the delta in the stream, for reprise_jetstream_save; 0: it is not there any more */
	int32_t is_repeated; /* 1: the delta was applied or buffered before, and nothing changed */
	int32_t is_flushed;  /* 1: the store has the delta */
	char delta_id[REPRISE_THREAD_DELTA_ID_BYTES_MAX + 1];
	unsigned char digest[REPRISE_THREAD_DIGEST_BYTES];
};
#define REPRISE_JETSTREAM_APPENDED_INIT REPRISE_INIT(struct reprise_jetstream_appended)

/*
 * reprise_jetstream_append - buffer one delta, and flush the document if the run is finished
 *
 * The version is the one of the writer's view: the flushed document and the buffered deltas. Another writer's appends
 * in between are noticed by the server; with an expected version that is E_CONFLICT, without one the append is
 * repeated on top of them. Appends of reprise_jetstream_append_async that are in flight on the document come first; if
 * one of them failed, a RunFinished delta is not published. A RunFinished delta that was buffered before is not
 * published again, and flushes.
 *
 * @writer            Borrowed.
 * @id                Which document.
 * @expected_version  The version that the view must have, or NULL: any.
 * @delta             Borrowed for the call; as in reprise_thread_append. A delta without an id is given one and a time; a
 *                    retry of it needs that id, so a host that retries gives ids.
 * @ret_appended      `size` set by the caller; the rest set on REPRISE_OK. May be NULL.
 * @error             Optional: `expected` and `actual` versions on REPRISE_E_CONFLICT.
 *
 * Threads   Any; not from a completion.
 * Progress  Blocks: the network, up to the deadline; RunFinished: the store as well.
 * Ordering  An acknowledged delta is in the stream, or in the store, when the call returns.
 * Returns   REPRISE_OK
 *           REPRISE_E_NOT_FOUND  no document of that id; nothing was sent
 *           REPRISE_E_TOO_LARGE  the delta with its headers is more than the server's max_payload; nothing was sent
 *           REPRISE_E_INVALID    a NULL argument, a bad id or delta, as in reprise_thread_append; nothing was sent
 *           REPRISE_E_EXPIRED    created_at is longer ago than the store's retry limit; nothing was sent
 *           REPRISE_E_CONFLICT   the view has another version; or other writers were faster until the deadline
 *           REPRISE_E_EXISTS     another delta of that id is applied or buffered; nothing changed
 *           REPRISE_E_FULL       the stream is full; nothing changed
 *           REPRISE_E_ABORTED    RunFinished, and an earlier append in flight failed; or, once, the document was deleted and
 *                                made anew since the writer appended to it; nothing was sent
 *           REPRISE_E_IO         no connection, or no ack within the deadline: the delta may still arrive. The same delta,
 *                                with its id, is appended again safely
 *           of a RunFinished delta, those of reprise_jetstream_flush: the delta is buffered then, and stays. What finds no
 *           room among the dead letters is told by flush and recover alone
 *           REPRISE_E_NO_MEMORY, REPRISE_E_SYSTEM, REPRISE_E_FORKED; and, of the store, REPRISE_E_TIMEOUT,
 *           REPRISE_E_CORRUPT
 */
REPRISE_API reprise_status reprise_jetstream_append(struct reprise_jetstream *writer,
						    const char *id,
						    const uint64_t *expected_version,
						    struct reprise_bytes delta,
						    struct reprise_jetstream_appended *ret_appended,
						    struct reprise_error *error) REPRISE_MUST_USE;

/*
 * Called once for each append that reprise_jetstream_append_async took.
 *
 * @status    REPRISE_OK; a failure of reprise_jetstream_append; or REPRISE_E_ABORTED: an earlier append in flight on the
 *            document failed, or the writer is being closed. An aborted delta may have arrived.
 * @appended  Borrowed for the call; NULL on failure.
 * @error     Borrowed for the call; NULL on success.
 */
typedef void (*reprise_jetstream_completion)(void *context, reprise_status status,
					     const struct reprise_jetstream_appended *appended,
					     const struct reprise_error *error);

/*
 * reprise_jetstream_append_async - buffer one delta without waiting for its ack
 *
 * Completions come in the order of the calls on the document, from a thread of the library, one at a time. After the first failure
 * on a document all appends of it that are in flight then complete with REPRISE_E_ABORTED; later calls begin
 * anew. The version that a completion tells does not know of other writers' appends in flight. The document is looked up once
 * a second: a delta for one that was deleted since is acknowledged, and becomes a dead letter; if a new document has its
 * id, the next RunFinished or flush of the writer tells.
 *
 * @writer      Borrowed.
 * @id          Which document.
 * @delta       Borrowed for the call; as in reprise_jetstream_append, but RunFinished is refused: that delta goes to
 *              reprise_jetstream_append, which waits for what is in flight.
 * @completion  Called once if the call returned REPRISE_OK, perhaps before it returns; else not at all. NULL: nothing is
 *              called; a failure is then told by the next reprise_jetstream_append of RunFinished, or flush.
 * @context     Handed to it.
 * @error       Optional.
 *
 * Threads   Any; not from a completion.
 * Progress  Blocks while the window is full, up to the deadline. The first call on a document looks it up.
 * Ordering  An acknowledged delta is in the stream when its completion is called.
 * Returns   REPRISE_OK           the delta is on its way
 *           REPRISE_E_TIMEOUT    the window stayed full until the deadline; nothing was sent
 *           REPRISE_E_INVALID    also for RunFinished
 *           those of reprise_jetstream_append that say that nothing was sent
 */
REPRISE_API reprise_status
reprise_jetstream_append_async(struct reprise_jetstream *writer, const char *id,
			       struct reprise_bytes delta, reprise_jetstream_completion completion,
			       void *context, struct reprise_error *error) REPRISE_MUST_USE;

/* What a flush did. */
struct reprise_jetstream_flushed {
	size_t size;      /* sizeof(struct reprise_jetstream_flushed), set by the caller */
	uint64_t version; /* the document's, after the flush */
	uint64_t applied; /* how many deltas it has applied */
	uint64_t dead;    /* how many messages it has put among the dead letters */
	uint64_t
		discarded_from; /* versions of deltas that the stream has lost (max_age_ns); 0: none */
	uint64_t discarded_to; /* the last of them; there may be others that are kept in between */
	uint64_t discarded;    /* how many */
};
#define REPRISE_JETSTREAM_FLUSHED_INIT REPRISE_INIT(struct reprise_jetstream_flushed)

/*
 * reprise_jetstream_flush - apply the buffered deltas of a document, and save it
 *
 * All deltas that are in the stream when the call begins, those in flight included, are applied in the order of the
 * stream, in one save; those that the store remembers are left out. Then the deltas are removed from the stream, but for
 * the last one. Messages that are no delta, and deltas of a document that was deleted, are dead letters. So are deltas that
 * are as old as the store's horizon and that the store does not remember: it may have forgotten them. Two flushes at
 * once are safe.
 *
 * @writer       Borrowed.
 * @id           Which document.
 * @ret_flushed  `size` set by the caller; the rest set on REPRISE_OK, and if dead letters alone failed. May be NULL.
 * @error        Optional.
 *
 * Threads   Any; not from a completion.
 * Progress  Blocks: the network, up to the deadline for each thousand deltas; the store.
 * Ordering  The deltas are in the store, as durable as it was opened, when the call returns.
 * Returns   REPRISE_OK
 *           REPRISE_E_NOT_FOUND  no document of that id; its deltas are dead letters now
 *           REPRISE_E_CONFLICT   others saved the document each time, until the deadline; all deltas are still buffered
 *           REPRISE_E_TOO_LARGE  the document would be; all deltas are still buffered
 *           REPRISE_E_ABORTED    an append in flight failed and nobody was told; or, once, the document was deleted and made
 *                                anew since the writer appended to it; nothing was flushed
 *           REPRISE_E_FULL       a message found no room among the dead letters, and stays in the stream; the deltas are
 *                                applied. Likewise another refusal of the server
 *           REPRISE_E_IO         no connection, or no answer within the deadline; the save may have been done
 *           those of reprise_thread_save_flush; all deltas are still buffered
 */
REPRISE_API reprise_status reprise_jetstream_flush(struct reprise_jetstream *writer, const char *id,
						   struct reprise_jetstream_flushed *ret_flushed,
						   struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_jetstream_save - put a whole document in the place of the stored one and of some buffered deltas
 *
 * @writer            Borrowed.
 * @id                Which document.
 * @expected_version  The version that the stored document must have, or NULL: any.
 * @document          Borrowed for the call; as in reprise_thread_save.
 * @through           Buffered deltas up to this sequence (of reprise_jetstream_appended) are in @document: they are
 *                    remembered as applied, and removed. 0: none. Later ones stay buffered.
 * @ret_version       Set on REPRISE_OK. May be NULL.
 * @error             Optional.
 *
 * Threads   Any; not from a completion.
 * Progress  Blocks: the network, up to the deadline for each thousand deltas; the store.
 * Ordering  As reprise_thread_save.
 * Returns   those of reprise_thread_save, and REPRISE_E_IO without a connection: nothing was saved
 */
REPRISE_API reprise_status reprise_jetstream_save(struct reprise_jetstream *writer, const char *id,
						  const uint64_t *expected_version,
						  struct reprise_bytes document, uint64_t through,
						  uint64_t *ret_version,
						  struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_jetstream_delete - delete a document, then its buffered deltas
 *
 * Deltas that could not be removed are dead letters at the next flush or recover: no later document meets them.
 *
 * @writer  Borrowed.
 * @id      Which document.
 * @error   Optional.
 *
 * Threads   Any; not from a completion.
 * Progress  Blocks: the store; the network, up to the deadline.
 * Ordering  As reprise_thread_delete.
 * Returns   those of reprise_thread_delete; REPRISE_OK also if the deltas could not be removed
 */
REPRISE_API reprise_status reprise_jetstream_delete(struct reprise_jetstream *writer,
						    const char *id,
						    struct reprise_error *error) REPRISE_MUST_USE;

REPRISE_END_DECLARATIONS
#endif /* REPRISE_JETSTREAM_H */
