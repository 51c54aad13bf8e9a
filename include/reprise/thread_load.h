/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_THREAD_LOAD_H
#define REPRISE_THREAD_LOAD_H

/*
 * reprise/thread_load.h - reads thread documents: a whole document, its deltas, its messages, and
 * the list of documents
 *
 * A load writes its result into a page. Data borrowed from the page is valid until the page is
 * loaded again or closed. Each result is one consistent snapshot.
 */

#include <reprise/thread.h>

REPRISE_BEGIN_DECLARATIONS

/*
 * reprise_thread_page_open  - opens a page: memory for loaded data, reused by each load
 * reprise_thread_page_close - frees a page
 *
 * @ret_page  Set on REPRISE_OK: owned.
 * @page      Moves. NULL is allowed. Bytes borrowed from the page become invalid.
 *
 * Threads   Any; one thread at a time for each page.
 * Progress  Allocates.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID    a NULL argument
 *           REPRISE_E_NO_MEMORY  nothing was opened
 */
REPRISE_API reprise_status reprise_thread_page_open(struct reprise_thread_page **ret_page)
	REPRISE_MUST_USE;
REPRISE_API void reprise_thread_page_close(struct reprise_thread_page *page);

/* A document. */
struct reprise_thread_document {
	size_t size; /* sizeof(struct reprise_thread_document), set by the caller */
	uint64_t version;
	char uid[REPRISE_THREAD_UID_BYTES];
	struct reprise_bytes json; /* borrowed until the page is loaded again or closed */
};
#define REPRISE_THREAD_DOCUMENT_INIT REPRISE_INIT(struct reprise_thread_document)

/*
 * reprise_thread_load - loads a document
 *
 * @store         Borrowed.
 * @id            The document's id.
 * @page          Emptied, then filled.
 * @ret_document  The caller sets `size`; the call sets the rest on REPRISE_OK.
 * @error         Optional.
 *
 * Threads   Any.
 * Progress  Blocks.
 * Ordering  The call sees every commit that precedes the call. The result is one consistent
 *           snapshot.
 * Returns   REPRISE_OK
 *           REPRISE_E_NOT_FOUND  no document has this id
 *           REPRISE_E_INVALID    a NULL argument, a bad id or size
 *           REPRISE_E_CORRUPT    a row is missing, or its checksum is wrong
 *           REPRISE_E_IO, REPRISE_E_TIMEOUT, REPRISE_E_NO_MEMORY, REPRISE_E_FORKED
 */
REPRISE_API reprise_status reprise_thread_load(struct reprise_thread_store *store, const char *id,
					       struct reprise_thread_page *page,
					       struct reprise_thread_document *ret_document,
					       struct reprise_error *error) REPRISE_MUST_USE;

/* A stored delta. */
struct reprise_thread_delta {
	uint64_t version;          /* the document's version after the delta */
	struct reprise_bytes json; /* borrowed from the page */
};

/* Stored deltas of a document. */
struct reprise_thread_deltas {
	size_t size; /* sizeof(struct reprise_thread_deltas), set by the caller */
	const struct reprise_thread_delta *deltas; /* ascending, borrowed from the page */
	size_t deltas_count;
	int32_t has_gap;  /* 1: a requested delta is no longer stored; the result has no deltas */
	int32_t has_more; /* 1: more deltas follow the last one */
	uint64_t complete_after; /* the least version after which all deltas are stored */
	uint64_t version;        /* of the document */
	char uid[REPRISE_THREAD_UID_BYTES];
	unsigned char reserved[7]; /* 0 */
};
#define REPRISE_THREAD_DELTAS_INIT REPRISE_INIT(struct reprise_thread_deltas)

/*
 * reprise_thread_load_deltas - loads the deltas after a version
 *
 * @store          Borrowed.
 * @id             The document's id.
 * @after_version  The call loads deltas with greater versions. Below complete_after the result is a
 *                 gap.
 * @limit          The maximum number of deltas; at least 1.
 * @bytes_limit    The page ends once its JSON has reached this size. The page has at least one
 *                 delta if there is one. 0: 1 MiB.
 * @page           Emptied, then filled.
 * @ret_deltas     The caller sets `size`; the call sets the rest on REPRISE_OK.
 * @error          Optional: `expected` and `actual` versions on REPRISE_E_CONFLICT.
 *
 * Threads   Any.
 * Progress  Blocks.
 * Ordering  As reprise_thread_load.
 * Returns   REPRISE_OK          also for a gap
 *           REPRISE_E_CONFLICT  the document's version is lower than @after_version
 *           and the statuses of reprise_thread_load
 */
REPRISE_API reprise_status reprise_thread_load_deltas(struct reprise_thread_store *store,
						      const char *id, uint64_t after_version,
						      uint64_t limit, uint64_t bytes_limit,
						      struct reprise_thread_page *page,
						      struct reprise_thread_deltas *ret_deltas,
						      struct reprise_error *error) REPRISE_MUST_USE;

/* A document in a list. */
struct reprise_thread_entry {
	const char *id; /* borrowed from the page */
	char uid[REPRISE_THREAD_UID_BYTES];
	uint64_t version;
};

/* A part of the list of all documents. */
struct reprise_thread_list {
	size_t size; /* sizeof(struct reprise_thread_list), set by the caller */

	/* Sorted by the bytes of the ids, borrowed from the page. */
	const struct reprise_thread_entry *entries;
	size_t entries_count;
	uint64_t total; /* number of documents in the store */
	int32_t has_more;
	int32_t reserved; /* 0 */
};
#define REPRISE_THREAD_LIST_INIT REPRISE_INIT(struct reprise_thread_list)

/*
 * reprise_thread_list - lists the documents of a store
 *
 * @store     Borrowed.
 * @offset    Number of documents to skip.
 * @limit     The maximum number of entries: 1 to REPRISE_THREAD_LIMIT_MAX.
 * @page      Emptied, then filled.
 * @ret_list  The caller sets `size`; the call sets the rest on REPRISE_OK.
 * @error     Optional.
 *
 * Threads   Any.
 * Progress  Blocks; linear in the number of documents, without their contents.
 * Ordering  As reprise_thread_load.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID  a NULL argument, a bad size, offset or limit
 *           REPRISE_E_CORRUPT  a document in this part of the list is damaged; its id is in
 *                              `detail`. reprise_thread_delete removes the document
 *           REPRISE_E_IO, REPRISE_E_TIMEOUT, REPRISE_E_NO_MEMORY, REPRISE_E_FORKED
 */
REPRISE_API reprise_status reprise_thread_list(struct reprise_thread_store *store, uint64_t offset,
					       uint64_t limit, struct reprise_thread_page *page,
					       struct reprise_thread_list *ret_list,
					       struct reprise_error *error) REPRISE_MUST_USE;

/* Selects messages of a document. Messages have the numbers 1, 2, 3, in the document's order. */
struct reprise_thread_range {
	size_t size;           /* sizeof(struct reprise_thread_range) */
	uint64_t after;        /* selects messages with greater numbers */
	uint64_t before;       /* selects messages with lower numbers; 0: up to the last message */
	uint64_t limit;        /* maximum number of messages: 1 to REPRISE_THREAD_LIMIT_MAX */
	int32_t is_descending; /* 1: from the last selected message backwards */
	int32_t reserved;      /* 0 */
};
#define REPRISE_THREAD_RANGE_INIT REPRISE_INIT(struct reprise_thread_range)

struct reprise_thread_message {
	uint64_t number;
	struct reprise_bytes json; /* borrowed from the page */
};

struct reprise_thread_messages {
	size_t size; /* sizeof(struct reprise_thread_messages), set by the caller */
	const struct reprise_thread_message *messages; /* borrowed from the page */
	size_t messages_count;
	uint64_t total;   /* number of messages in the document */
	uint64_t version; /* of the document */
	int32_t has_more; /* 1: the range has more messages than the limit */
	int32_t reserved; /* 0 */
	char uid[REPRISE_THREAD_UID_BYTES];
	unsigned char reserved_end[7]; /* 0 */
};
#define REPRISE_THREAD_MESSAGES_INIT REPRISE_INIT(struct reprise_thread_messages)

/*
 * reprise_thread_messages - loads messages of a document
 *
 * @store         Borrowed.
 * @id            The document's id.
 * @range         Borrowed: the messages to load.
 * @page          Emptied, then filled.
 * @ret_messages  The caller sets `size`; the call sets the rest on REPRISE_OK.
 * @error         Optional.
 *
 * Threads   Any.
 * Progress  Blocks; linear in the size of the document.
 * Ordering  As reprise_thread_load.
 * Returns   REPRISE_OK
 *           the statuses of reprise_thread_load; REPRISE_E_INVALID also for a bad range
 */
REPRISE_API reprise_status reprise_thread_messages(struct reprise_thread_store *store,
						   const char *id,
						   const struct reprise_thread_range *range,
						   struct reprise_thread_page *page,
						   struct reprise_thread_messages *ret_messages,
						   struct reprise_error *error) REPRISE_MUST_USE;

REPRISE_END_DECLARATIONS
#endif /* REPRISE_THREAD_LOAD_H */
