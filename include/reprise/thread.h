/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_THREAD_H
#define REPRISE_THREAD_H

/*
 * reprise/thread.h - thread documents: the messages, state and patches of an agent's conversation, as JSON
 *
 * A store keeps documents by id. A document is a JSON object:
 *
 *    {"id": "chat-7", "uid": "9f..32 hex digits", "version": 12, "messages": [..], "state": .., "patches": [..]}
 *
 * Members with other names are the host's, and are kept as they are. Each message is an object, whose member "id", if
 * there is one, is a string. The members id, uid and version are the store's: a document gets its uid, 128 random bits,
 * when it is created, and its version counts up from 0. A document that is deleted and created again has another uid.
 *
 * A document changes by deltas (reprise_thread_append) or as a whole (reprise_thread_save). A delta is a JSON object:
 *
 *    delta_id, created_at   what a retry is known by: 1 to 128 bytes without control characters, and milliseconds
 *                           since 1970. A delta has both or neither; append gives both to a delta that has neither
 *    run_id                 a string
 *    reason                 "UserMessage", "AssistantTurnCommitted", "ToolResultsCommitted" or "RunFinished"
 *    messages, patches      arrays; one that is missing is empty
 *    snapshot               optional: replaces the document's state, and clears its patches, before the rest is applied
 *    parent_run_id          optional: a string
 *    run_meta, actions      optional: any value; an array
 *
 * Members with other names stay in the kept delta. In an optional member, null is the same as none. A delta is applied
 * in this order: the snapshot, the delta's patches behind those that the document has, the messages behind those
 * that the document has. A message whose id the document has already, or an earlier message of the same delta, is
 * skipped. (rule B04)
 *
 * The store remembers the id of each applied delta for a horizon: a delta that is appended a second time changes
 * nothing, and is answered with the version of the first time. (rule B05)
 *
 * JSON that is handed out is in canonical form: members sorted by the bytes of their names, no space between tokens,
 * numbers written as they were given, whatever their size. JSON that is handed in is UTF-8 without a byte order mark,
 * with no member twice in one object, no U+0000 in a member's name, and at most REPRISE_THREAD_DEPTH_MAX arrays and
 * objects inside each other.
 *
 * A store is opened by its adapter's header: thread_sqlite.h, thread_postgres.h. Any thread may call; the calls on one
 * handle are served one at a time: each waits for the others, up to its deadline. A second handle is a second
 * connection. In the child of a fork every call answers REPRISE_E_FORKED, and reprise_thread_store_close leaves the
 * parent's connection alone.
 *
 * An id is 1 to REPRISE_THREAD_ID_BYTES_MAX bytes of UTF-8 without control characters, spaces, and the characters
 * / \ . * > (rule B01).
 */

#include <reprise/base.h>

REPRISE_BEGIN_DECLARATIONS

struct reprise_thread_store; /* opaque: a connection; see its adapter's header */
struct reprise_thread_page;  /* opaque: what was loaded; see reprise_thread_page_open */

enum {
	REPRISE_THREAD_ID_BYTES_MAX = 128,
	REPRISE_THREAD_DELTA_ID_BYTES_MAX = 128,
	REPRISE_THREAD_UID_BYTES = 33,    /* 32 hexadecimal digits in lower case, and a NUL */
	REPRISE_THREAD_DIGEST_BYTES = 16, /* of a delta in canonical form */
	REPRISE_THREAD_JSON_BYTES_MAX =
		64 << 20, /* of one document, and of one delta, given or in canonical form */
	REPRISE_THREAD_DEPTH_MAX = 512,
	REPRISE_THREAD_LIMIT_MAX = 200,     /* entries of one list, messages of one page */
	REPRISE_THREAD_DELTAS_MAX = 100000, /* of one save, one flush, one look-up */
};

/*
 * reprise_thread_store_close - close a connection
 *
 * @store  Moves. NULL is allowed.
 *
 * Threads   No other call on the handle may be running.
 * Progress  Blocks: system calls.
 * Ordering  None.
 * Returns   Nothing. In the child of a fork: memory is freed, and the parent's connection is as before.
 */
REPRISE_API void reprise_thread_store_close(struct reprise_thread_store *store);

/*
 * reprise_thread_create - create a document of version 0
 *
 * @store     Borrowed.
 * @id        Which: an id that no document has.
 * @document  Borrowed for the call. A member id must be equal to @id; a member version is replaced; a member uid is
 *            refused. Without messages or patches these are empty, and without a state that is {}. No bytes at all: {}.
 * @ret_uid   Room for REPRISE_THREAD_UID_BYTES, or NULL. Set on REPRISE_OK.
 * @error     Optional.
 *
 * Threads   Any.
 * Progress  Blocks, up to the adapter's deadline.
 * Ordering  Durable as the adapter was opened, when it returns.
 * Returns   REPRISE_OK
 *           REPRISE_E_EXISTS     a document of that id is there; nothing changed
 *           REPRISE_E_INVALID    a NULL argument, a bad id or document; `what` names the argument, `detail` the member
 *                                ("messages[3].id: must be a string") or the place ("line 2, column 7: ..")
 *           REPRISE_E_TOO_LARGE  the document, given or in canonical form
 *           REPRISE_E_FORKED     another process opened the handle, as in every call that takes one
 *           REPRISE_E_TIMEOUT    others held the handle or the store for longer than the deadline; nothing changed
 *           REPRISE_E_IO         the store cannot be written; what became of the write is not known
 *           REPRISE_E_CORRUPT    what is stored is damaged
 *           REPRISE_E_NO_MEMORY  nothing changed
 *           REPRISE_E_SYSTEM     no random bits could be had; nothing changed
 */
REPRISE_API reprise_status reprise_thread_create(struct reprise_thread_store *store, const char *id,
						 struct reprise_bytes document, char *ret_uid,
						 struct reprise_error *error) REPRISE_MUST_USE;

/* The outcome of an append. */
struct reprise_thread_appended {
	size_t size;         /* sizeof(struct reprise_thread_appended), set by the caller */
	uint64_t version;    /* that the delta has brought about, now or the first time */
	int32_t is_repeated; /* 1: the delta was applied before, and nothing changed */
	int32_t reserved;    /* 0 */
	char delta_id[REPRISE_THREAD_DELTA_ID_BYTES_MAX +
		      1]; /* the delta's own, or the one it was given */
	unsigned char digest
		[REPRISE_THREAD_DIGEST_BYTES]; /* of the delta, with its id, in canonical form */
};
#define REPRISE_THREAD_APPENDED_INIT REPRISE_INIT(struct reprise_thread_appended)

/*
 * reprise_thread_append - apply one delta to a document, and keep it
 *
 * @store             Borrowed.
 * @id                Which document.
 * @expected_version  The version that the document must have, or NULL: any.
 * @delta             Borrowed for the call.
 * @ret_appended      `size` set by the caller; the rest set on REPRISE_OK. May be NULL.
 * @error             Optional: `expected` and `actual` versions on REPRISE_E_CONFLICT.
 *
 * A delta that the store remembers is answered first, whatever the version and the delta's age. The version counts up
 * by one. Costs what the delta is large, whatever the document is, taken over many appends: now and then an append also
 * puts the document's text anew, behind its own commit, and is not undone if that fails.
 *
 * Threads   Any.
 * Progress  Blocks, up to the adapter's deadline.
 * Ordering  Durable as the adapter was opened, when it returns.
 * Returns   REPRISE_OK
 *           REPRISE_E_NOT_FOUND  no document of that id
 *           REPRISE_E_CONFLICT   another version; nothing changed
 *           REPRISE_E_EXISTS     another delta of that id was applied; nothing changed
 *           REPRISE_E_EXPIRED    created_at is longer ago than the retry limit, or the id may have been dropped before
 *                                the store's horizon was made longer; nothing changed
 *           REPRISE_E_INVALID    a NULL argument, a bad id or delta, as in reprise_thread_create; created_at lies
 *                                further ahead than the retry limit
 *           REPRISE_E_TOO_LARGE  the delta, or the document with it; nothing changed
 *           and those of reprise_thread_create from REPRISE_E_FORKED on
 */
REPRISE_API reprise_status reprise_thread_append(struct reprise_thread_store *store, const char *id,
						 const uint64_t *expected_version,
						 struct reprise_bytes delta,
						 struct reprise_thread_appended *ret_appended,
						 struct reprise_error *error) REPRISE_MUST_USE;

/* A delta by its id, and by the digest that reprise_thread_appended tells. */
struct reprise_thread_settled {
	const char *delta_id; /* NUL-terminated, borrowed for the call */
	unsigned char digest[REPRISE_THREAD_DIGEST_BYTES];
};

/*
 * reprise_thread_save - put a whole document in the place of the one that is stored
 *
 * Without a member uid, @document is stored as a new one of version 0 if there is no document of that id. With a member
 * uid it is stored only over the document of that uid, so that a deleted document is not created again. The kept
 * deltas are dropped, since they do not lead to the new document; remembered ids stay.
 *
 * @store             Borrowed.
 * @id                Which document.
 * @expected_version  The version that the document must have, or NULL: any, or no document.
 * @document          Borrowed for the call; as in reprise_thread_create, but for the uid.
 * @settled           Borrowed. Deltas that are in @document already: they are remembered as applied, and get the next
 *                    versions in their order. A delta that is remembered already does not count. NULL if there are none.
 * @settled_count     How many.
 * @ret_version       Set on REPRISE_OK: one more than before, and one more for each settled delta that counts;
 *                    0 for a new document. May be NULL.
 * @error             Optional: `expected` and `actual` versions on REPRISE_E_CONFLICT.
 *
 * Threads   Any.
 * Progress  Blocks, up to the adapter's deadline.
 * Ordering  Durable as the adapter was opened, when it returns.
 * Returns   REPRISE_OK
 *           REPRISE_E_NOT_FOUND  no document of that id, and a uid, a version or settled deltas are given
 *           REPRISE_E_CONFLICT   another version, or (with both versions equal, and words in `detail`) another uid
 *           REPRISE_E_EXISTS     another delta of a settled delta's id was applied; nothing changed
 *           REPRISE_E_INVALID, REPRISE_E_TOO_LARGE, and the rest of reprise_thread_create
 */
REPRISE_API reprise_status reprise_thread_save(struct reprise_thread_store *store, const char *id,
					       const uint64_t *expected_version,
					       struct reprise_bytes document,
					       const struct reprise_thread_settled *settled,
					       size_t settled_count, uint64_t *ret_version,
					       struct reprise_error *error) REPRISE_MUST_USE;

/* A flush: a document, and the deltas that led to it. All is borrowed for the call. */
struct reprise_thread_flush {
	size_t size;    /* sizeof(struct reprise_thread_flush) */
	const char *id; /* which document */
	const char *uid;
	uint64_t expected_version;
	struct reprise_bytes document; /* with the deltas applied; as in reprise_thread_save */
	const struct reprise_bytes
		*deltas; /* each with delta_id and created_at, in the order of their application */
	size_t deltas_count; /* 1 .. REPRISE_THREAD_DELTAS_MAX */
};
#define REPRISE_THREAD_FLUSH_INIT REPRISE_INIT(struct reprise_thread_flush)

/*
 * reprise_thread_save_flush - store a document together with the deltas that led to it
 *
 * One transaction that compares the version, and never creates a document. The deltas are kept, and get the versions
 * after the expected one, in their order. The library does not compare the document with the deltas.
 *
 * @store        Borrowed.
 * @flush        Borrowed.
 * @ret_version  Set on REPRISE_OK: the expected one and the number of the deltas. May be NULL.
 * @error        Optional: `expected` and `actual` versions on REPRISE_E_CONFLICT.
 *
 * Threads   Any.
 * Progress  Blocks, up to the adapter's deadline.
 * Ordering  Durable as the adapter was opened, when it returns.
 * Returns   REPRISE_OK
 *           REPRISE_E_NOT_FOUND  no document of that id, or one with another uid
 *           REPRISE_E_CONFLICT   another version; nothing changed
 *           REPRISE_E_EXISTS     one of the deltas was applied before, or is among them twice; its id is in `detail`
 *           REPRISE_E_INVALID, REPRISE_E_TOO_LARGE, and the rest of reprise_thread_create
 */
REPRISE_API reprise_status reprise_thread_save_flush(struct reprise_thread_store *store,
						     const struct reprise_thread_flush *flush,
						     uint64_t *ret_version,
						     struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_thread_delete - delete a document and its deltas
 *
 * The ids of its deltas are remembered until their horizon. A document whose head is damaged, which every other call
 * answers with REPRISE_E_CORRUPT, is deleted as far as its rows are found.
 *
 * @store  Borrowed.
 * @id     Which document.
 * @error  Optional.
 *
 * Threads   Any.
 * Progress  Blocks, up to the adapter's deadline.
 * Ordering  Durable as the adapter was opened, when it returns.
 * Returns   REPRISE_OK           also if there was none
 *           REPRISE_E_INVALID    a NULL argument, a bad id
 *           and those of reprise_thread_create from REPRISE_E_FORKED on, but for REPRISE_E_SYSTEM
 */
REPRISE_API reprise_status reprise_thread_delete(struct reprise_thread_store *store, const char *id,
						 struct reprise_error *error) REPRISE_MUST_USE;

/* A remembered delta. */
struct reprise_thread_applied {
	uint64_t version; /* that it brought about; 0: the delta is not remembered */
	unsigned char digest[REPRISE_THREAD_DIGEST_BYTES];
};

/*
 * reprise_thread_find_applied - which of some deltas were applied to a document
 *
 * @store            Borrowed.
 * @uid              Which document. It may be deleted by now; of an unknown uid no delta is remembered.
 * @delta_ids        Borrowed: the ids.
 * @delta_ids_count  How many, at most REPRISE_THREAD_DELTAS_MAX.
 * @ret_applied      Room for as many. Set on REPRISE_OK, in the order of the ids.
 * @error            Optional.
 *
 * Threads   Any.
 * Progress  Blocks.
 * Ordering  What was committed before the call is seen; all of it is of one moment.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID    a NULL argument, a bad uid or id
 *           REPRISE_E_CORRUPT    a row's checksum is another
 *           REPRISE_E_IO, REPRISE_E_TIMEOUT, REPRISE_E_NO_MEMORY, REPRISE_E_FORKED
 */
REPRISE_API reprise_status reprise_thread_find_applied(
	struct reprise_thread_store *store, const char *uid, const char *const *delta_ids,
	size_t delta_ids_count, struct reprise_thread_applied *ret_applied,
	struct reprise_error *error) REPRISE_MUST_USE;

REPRISE_END_DECLARATIONS
#endif /* REPRISE_THREAD_H */
