/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_THREAD_H
#define REPRISE_THREAD_H

/*
 * reprise/thread.h - thread documents: the messages, state and patches of an agent's conversation,
 * as JSON
 *
 * A store keeps documents by id. A document is a JSON object:
 *
 *    {"id": "chat-7", "uid": "9f..32 hex digits", "version": 12,
 *     "messages": [..], "state": .., "patches": [..]}
 *
 * The store sets the members id, uid and version. A new document gets a random uid of 128 bits and
 * the version 0. A document deleted and created again gets another uid. Each message is an object;
 * if a message has a member "id", the id is a string. The store keeps members with other names
 * unchanged for the host.
 *
 * A document changes by deltas (reprise_thread_append) or as a whole (reprise_thread_save). A delta
 * is a JSON object:
 *
 *    delta_id, created_at   identify a retry: 1 to 128 bytes without control characters, and
 *                           milliseconds since 1970. A delta has both or neither. If a delta has
 *                           neither, append adds both
 *    run_id                 a string
 *    reason                 "UserMessage", "AssistantTurnCommitted", "ToolResultsCommitted" or
 *                           "RunFinished"
 *    messages, patches      arrays; a missing array counts as empty
 *    snapshot               optional: replaces the document's state and clears its patches, before
 *                           the rest of the delta is applied
 *    parent_run_id          optional: a string
 *    run_meta, actions      optional: any value; an array
 *
 * Members with other names stay in the stored delta. An optional member with the value null counts
 * as missing. The store applies a delta in this order: the snapshot; the delta's patches, behind
 * the document's patches; the delta's messages, behind the document's messages. The store skips a
 * message if the document, or an earlier message of the same delta, already has its id. (rule B04)
 *
 * The store remembers the id of each applied delta for a horizon: the adapter's option horizon_ns,
 * 7 days by default. If a host appends a delta again within the horizon, nothing changes and the
 * call returns the version of the first time. (rule B05)
 *
 * JSON from the store is in canonical form: members sorted by the bytes of their names, no space
 * between tokens, numbers written exactly as given, at any size. JSON from the host must be UTF-8
 * without a byte order mark, without a repeated member in an object, without U+0000 in a member's
 * name, and with at most REPRISE_THREAD_DEPTH_MAX nested arrays and objects.
 *
 * thread_sqlite.h and thread_postgres.h have the calls that open a store. Any thread may call.
 * Calls on one handle run one at a time, and each call waits up to its deadline for the calls
 * before. A second handle is a second connection. In the child of a fork every call returns
 * REPRISE_E_FORKED, and reprise_thread_store_close does not touch the parent's connection.
 *
 * A document's id is 1 to REPRISE_THREAD_ID_BYTES_MAX bytes of UTF-8 without control characters,
 * spaces, and the characters / \ . * > (rule B01).
 */

#include <reprise/base.h>

REPRISE_BEGIN_DECLARATIONS

struct reprise_thread_store; /* opaque: a connection; see the adapter's header */
struct reprise_thread_page;  /* opaque: loaded data; see reprise_thread_page_open */

enum {
	REPRISE_THREAD_ID_BYTES_MAX = 128,
	REPRISE_THREAD_DELTA_ID_BYTES_MAX = 128,
	REPRISE_THREAD_UID_BYTES = 33,    /* 32 lower-case hex digits, and a NUL */
	REPRISE_THREAD_DIGEST_BYTES = 16, /* of a delta in canonical form */

	/* Of one document, and of one delta, both as given and in canonical form. */
	REPRISE_THREAD_JSON_BYTES_MAX = 64 << 20,
	REPRISE_THREAD_DEPTH_MAX = 512,
	REPRISE_THREAD_LIMIT_MAX = 200,     /* entries of one list, messages of one page */
	REPRISE_THREAD_DELTAS_MAX = 100000, /* of one save, one flush, one look-up */
};

/*
 * reprise_thread_store_close - closes a connection
 *
 * @store  Moves. NULL is allowed.
 *
 * Threads   No other call on the handle may be running.
 * Progress  Blocks: system calls.
 * Ordering  None.
 * Returns   Nothing. In the child of a fork the call frees the handle; the parent's connection
 *           stays as it was.
 */
REPRISE_API void reprise_thread_store_close(struct reprise_thread_store *store);

/*
 * reprise_thread_create - creates a document with version 0
 *
 * @store     Borrowed.
 * @id        An id that no document has.
 * @document  Borrowed for the call. The member id, if present, must equal @id. The store replaces a
 *            member version, and refuses a member uid. Missing messages and patches become [], a
 *            missing state becomes {}. An empty @document counts as {}.
 * @ret_uid   Array of REPRISE_THREAD_UID_BYTES, or NULL. Set on REPRISE_OK.
 * @error     Optional.
 *
 * Threads   Any.
 * Progress  Blocks, up to the adapter's deadline.
 * Ordering  On return the document is durable, to the level chosen when the store was opened.
 * Returns   REPRISE_OK
 *           REPRISE_E_EXISTS     a document has this id; nothing changed
 *           REPRISE_E_INVALID    a NULL argument, a bad id or document. `what` names the argument,
 *                                `detail` the member ("messages[3].id: must be a string") or the
 *                                place ("line 2, column 7: ..")
 *           REPRISE_E_TOO_LARGE  the document is too large, as given or in canonical form
 *           REPRISE_E_FORKED     another process opened the handle. Every call with a handle may
 *                                return this status
 *           REPRISE_E_TIMEOUT    other calls held the handle or the store beyond the deadline;
 *                                nothing changed
 *           REPRISE_E_IO         the write failed; its outcome is unknown
 *           REPRISE_E_CORRUPT    the stored data is damaged
 *           REPRISE_E_NO_MEMORY  nothing changed
 *           REPRISE_E_SYSTEM     the system gave no random bytes; nothing changed
 */
REPRISE_API reprise_status reprise_thread_create(struct reprise_thread_store *store, const char *id,
						 struct reprise_bytes document, char *ret_uid,
						 struct reprise_error *error) REPRISE_MUST_USE;

/* The result of an append. */
struct reprise_thread_appended {
	size_t size;         /* sizeof(struct reprise_thread_appended), set by the caller */
	uint64_t version;    /* the document's version after the delta was first applied */
	int32_t is_repeated; /* 1: the delta was applied before; nothing changed */
	int32_t reserved;    /* 0 */

	/* The delta's own id, or the id added by the store. */
	char delta_id[REPRISE_THREAD_DELTA_ID_BYTES_MAX + 1];

	/* Digest of the delta with its id, in canonical form. */
	unsigned char digest[REPRISE_THREAD_DIGEST_BYTES];
	unsigned char reserved_end[7]; /* 0 */
};
#define REPRISE_THREAD_APPENDED_INIT REPRISE_INIT(struct reprise_thread_appended)

/*
 * reprise_thread_append - applies a delta to a document, and stores the delta
 *
 * @store             Borrowed.
 * @id                The document's id.
 * @expected_version  The version that the document must have. NULL: any version.
 * @delta             Borrowed for the call.
 * @ret_appended      The caller sets `size`; the call sets the rest on REPRISE_OK. May be NULL.
 * @error             Optional: `expected` and `actual` versions on REPRISE_E_CONFLICT.
 *
 * If the store remembers the delta, the call returns the earlier result, before any comparison of
 * the version or the delta's age. Otherwise the document's version rises by one. Amortized over
 * many appends, the cost depends on the size of the delta and not of the document. From time to
 * time an append also rewrites the document's text, after the commit of the delta. If the rewrite
 * fails, the append still succeeds.
 *
 * Threads   Any.
 * Progress  Blocks, up to the adapter's deadline.
 * Ordering  On return the delta is durable, to the level chosen when the store was opened.
 * Returns   REPRISE_OK
 *           REPRISE_E_NOT_FOUND  no document has this id
 *           REPRISE_E_CONFLICT   the document has another version; nothing changed
 *           REPRISE_E_EXISTS     another delta with this delta id was applied; nothing changed
 *           REPRISE_E_EXPIRED    created_at is older than the retry limit, or so old that the store
 *                                may have forgotten the delta before its horizon was made longer;
 *                                nothing changed
 *           REPRISE_E_INVALID    a NULL argument, a bad id or delta, as in reprise_thread_create;
 *                                or created_at is further ahead than the retry limit
 *           REPRISE_E_TOO_LARGE  the delta, or the document with the delta, is too large; nothing
 *                                changed
 *           and the statuses of reprise_thread_create from REPRISE_E_FORKED on
 */
REPRISE_API reprise_status reprise_thread_append(struct reprise_thread_store *store, const char *id,
						 const uint64_t *expected_version,
						 struct reprise_bytes delta,
						 struct reprise_thread_appended *ret_appended,
						 struct reprise_error *error) REPRISE_MUST_USE;

/* Identifies a delta by id and digest, as in struct reprise_thread_appended. */
struct reprise_thread_settled {
	const char *delta_id; /* NUL-terminated, borrowed for the call */
	unsigned char digest[REPRISE_THREAD_DIGEST_BYTES];
};

/*
 * reprise_thread_save - replaces a whole document
 *
 * If @document has a member uid, the call replaces only the document with this uid, so a save never
 * recreates a deleted document. Without a member uid, the call replaces the document with this id,
 * or creates a document of version 0 if there is none. The store drops the stored deltas, because
 * they do not lead to the new document. The store still remembers their ids.
 *
 * @store             Borrowed.
 * @id                The document's id.
 * @expected_version  The version that the document must have. NULL: any version, or no document.
 * @document          Borrowed for the call; as in reprise_thread_create, except for the uid.
 * @settled           Borrowed. Deltas already contained in @document: the store remembers them as
 *                    applied, and gives them the next versions, in order. A delta remembered before
 *                    does not count. NULL if there are none.
 * @settled_count     Number of settled deltas.
 * @ret_version       Set on REPRISE_OK: the version before, plus one for each settled delta that
 *                    counts, plus one. 0 for a new document. May be NULL.
 * @error             Optional: `expected` and `actual` versions on REPRISE_E_CONFLICT.
 *
 * Threads   Any.
 * Progress  Blocks, up to the adapter's deadline.
 * Ordering  On return the document is durable, to the level chosen when the store was opened.
 * Returns   REPRISE_OK
 *           REPRISE_E_NOT_FOUND  no document has this id, and the call has a uid, an expected
 *                                version or settled deltas
 *           REPRISE_E_CONFLICT   the document has another version; or the document has another uid,
 *                                with equal versions in @error and a text in `detail`
 *           REPRISE_E_EXISTS     another delta with the id of a settled delta was applied; nothing
 *                                changed
 *           REPRISE_E_INVALID, REPRISE_E_TOO_LARGE, and the statuses of reprise_thread_create from
 *           REPRISE_E_FORKED on
 */
REPRISE_API reprise_status reprise_thread_save(struct reprise_thread_store *store, const char *id,
					       const uint64_t *expected_version,
					       struct reprise_bytes document,
					       const struct reprise_thread_settled *settled,
					       size_t settled_count, uint64_t *ret_version,
					       struct reprise_error *error) REPRISE_MUST_USE;

/* A document, and the deltas that led to it. All pointers are borrowed for the call. */
struct reprise_thread_flush {
	size_t size;    /* sizeof(struct reprise_thread_flush) */
	const char *id; /* the document's id */
	const char *uid;
	uint64_t expected_version;
	struct reprise_bytes document; /* with the deltas applied; as in reprise_thread_save */

	/* In the order of application. Each delta has delta_id and created_at. */
	const struct reprise_bytes *deltas;
	size_t deltas_count; /* 1 .. REPRISE_THREAD_DELTAS_MAX */
};
#define REPRISE_THREAD_FLUSH_INIT REPRISE_INIT(struct reprise_thread_flush)

/*
 * reprise_thread_save_flush - replaces a document, and stores the deltas that led to it
 *
 * One transaction. The call compares the version, and never creates a document. The store keeps the
 * deltas, and gives them the versions after the expected version, in order. The library does not
 * check that the deltas lead to the document.
 *
 * @store        Borrowed.
 * @flush        Borrowed.
 * @ret_version  Set on REPRISE_OK: the expected version plus the number of deltas. May be NULL.
 * @error        Optional: `expected` and `actual` versions on REPRISE_E_CONFLICT.
 *
 * Threads   Any.
 * Progress  Blocks, up to the adapter's deadline.
 * Ordering  On return the document is durable, to the level chosen when the store was opened.
 * Returns   REPRISE_OK
 *           REPRISE_E_NOT_FOUND  no document has this id, or the document has another uid
 *           REPRISE_E_CONFLICT   the document has another version; nothing changed
 *           REPRISE_E_EXISTS     a delta was applied before, or is in @flush twice; its id is in
 *                                `detail`
 *           REPRISE_E_INVALID, REPRISE_E_TOO_LARGE, and the statuses of reprise_thread_create from
 *           REPRISE_E_FORKED on
 */
REPRISE_API reprise_status reprise_thread_save_flush(struct reprise_thread_store *store,
						     const struct reprise_thread_flush *flush,
						     uint64_t *ret_version,
						     struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_thread_delete - deletes a document and its deltas
 *
 * The store remembers the ids of the deltas until the horizon. If the head row of a document is
 * damaged, every other call on the document returns REPRISE_E_CORRUPT. The delete removes every row
 * of the document that the store can still find.
 *
 * @store  Borrowed.
 * @id     The document's id.
 * @error  Optional.
 *
 * Threads   Any.
 * Progress  Blocks, up to the adapter's deadline.
 * Ordering  On return the deletion is durable, to the level chosen when the store was opened.
 * Returns   REPRISE_OK         also if no document has this id
 *           REPRISE_E_INVALID  a NULL argument, a bad id
 *           and the statuses of reprise_thread_create from REPRISE_E_FORKED on, except
 *           REPRISE_E_SYSTEM
 */
REPRISE_API reprise_status reprise_thread_delete(struct reprise_thread_store *store, const char *id,
						 struct reprise_error *error) REPRISE_MUST_USE;

/* A remembered delta. */
struct reprise_thread_applied {
	/*
	 * The document's version after the delta was applied. 0: the store does not remember the
	 * delta.
	 */
	uint64_t version;
	unsigned char digest[REPRISE_THREAD_DIGEST_BYTES];
};

/*
 * reprise_thread_find_applied - checks which deltas were applied to a document
 *
 * @store            Borrowed.
 * @uid              The document's uid. The document may have been deleted. The store remembers no
 *                   delta of an unknown uid.
 * @delta_ids        Borrowed: the ids to look up.
 * @delta_ids_count  Number of ids, at most REPRISE_THREAD_DELTAS_MAX.
 * @ret_applied      Array of @delta_ids_count elements. Set on REPRISE_OK, in the order of the ids.
 * @error            Optional.
 *
 * Threads   Any.
 * Progress  Blocks.
 * Ordering  The call sees every commit that precedes the call. The result is one consistent
 *           snapshot.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID  a NULL argument, a bad uid or id
 *           REPRISE_E_CORRUPT  the checksum of a row is wrong
 *           REPRISE_E_IO, REPRISE_E_TIMEOUT, REPRISE_E_NO_MEMORY, REPRISE_E_FORKED
 */
REPRISE_API reprise_status reprise_thread_find_applied(
	struct reprise_thread_store *store, const char *uid, const char *const *delta_ids,
	size_t delta_ids_count, struct reprise_thread_applied *ret_applied,
	struct reprise_error *error) REPRISE_MUST_USE;

REPRISE_END_DECLARATIONS
#endif /* REPRISE_THREAD_H */
