/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_THREAD_LOAD_H
#define REPRISE_THREAD_LOAD_H

/*
 * reprise/thread_load.h - reading thread documents: one as a whole, its deltas, its messages, and which there are
 *
 * A load puts its answer into a page, which the next load uses again. Each answer is of one moment.
 */

#include <reprise/thread.h>

REPRISE_BEGIN_DECLARATIONS

/*
 * reprise_thread_page_open  - room for what is loaded, used again by each load
 * reprise_thread_page_close - give it back
 *
 * @ret_page  Set on REPRISE_OK: owned.
 * @page      Moves. NULL is allowed. Bytes that were borrowed from it are gone.
 *
 * Threads   Any; a page is one thread's at a time.
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
 * reprise_thread_load - a document, as it is now
 *
 * @store         Borrowed.
 * @id            Which.
 * @page          Emptied, then filled.
 * @ret_document  `size` set by the caller; the rest set on REPRISE_OK.
 * @error         Optional.
 *
 * Threads   Any.
 * Progress  Blocks.
 * Ordering  What was committed before the call is seen; all of it is of one moment.
 * Returns   REPRISE_OK
 *           REPRISE_E_NOT_FOUND  no document of that id
 *           REPRISE_E_INVALID    a NULL argument, a bad id or size
 *           REPRISE_E_CORRUPT    a row's checksum is another, or a row is missing
 *           REPRISE_E_IO, REPRISE_E_TIMEOUT, REPRISE_E_NO_MEMORY, REPRISE_E_FORKED
 */
REPRISE_API reprise_status reprise_thread_load(struct reprise_thread_store *store, const char *id,
					       struct reprise_thread_page *page,
					       struct reprise_thread_document *ret_document,
					       struct reprise_error *error) REPRISE_MUST_USE;

/* A kept delta. */
struct reprise_thread_delta {
	uint64_t version;          /* that it brought about */
	struct reprise_bytes json; /* borrowed as the page's */
};

/* Deltas of a document. */
struct reprise_thread_deltas {
	size_t size; /* sizeof(struct reprise_thread_deltas), set by the caller */
	const struct reprise_thread_delta *deltas; /* ascending, borrowed as the page's */
	size_t deltas_count;
	int32_t has_gap;  /* 1: deltas that are asked for are not kept, and none is handed out */
	int32_t has_more; /* 1: after the last one there are others */
	uint64_t complete_after; /* the least version after which all deltas are kept */
	uint64_t version;        /* the document's */
	char uid[REPRISE_THREAD_UID_BYTES];
};
#define REPRISE_THREAD_DELTAS_INIT REPRISE_INIT(struct reprise_thread_deltas)

/*
 * reprise_thread_load_deltas - the deltas that led from a version to the document as it is
 *
 * @store          Borrowed.
 * @id             Which document.
 * @after_version  Deltas of greater versions are loaded. Older than complete_after: a gap.
 * @limit          Deltas at most; at least 1.
 * @bytes_limit    Of their JSON, about; at least one is loaded. 0: 1 MiB.
 * @page           Emptied, then filled.
 * @ret_deltas     `size` set by the caller; the rest set on REPRISE_OK.
 * @error          Optional: `expected` and `actual` versions on REPRISE_E_CONFLICT.
 *
 * Threads   Any.
 * Progress  Blocks.
 * Ordering  As reprise_thread_load.
 * Returns   REPRISE_OK           also with a gap
 *           REPRISE_E_CONFLICT   the document is of a lower version than @after_version
 *           those of reprise_thread_load
 */
REPRISE_API reprise_status reprise_thread_load_deltas(struct reprise_thread_store *store,
						      const char *id, uint64_t after_version,
						      uint64_t limit, uint64_t bytes_limit,
						      struct reprise_thread_page *page,
						      struct reprise_thread_deltas *ret_deltas,
						      struct reprise_error *error) REPRISE_MUST_USE;

/* A document in a list. */
struct reprise_thread_entry {
	const char *id; /* borrowed as the page's */
	char uid[REPRISE_THREAD_UID_BYTES];
	uint64_t version;
};

/* A part of the list of all documents. */
struct reprise_thread_list {
	size_t size; /* sizeof(struct reprise_thread_list), set by the caller */
	const struct reprise_thread_entry
		*entries; /* by the bytes of their ids, borrowed as the page's */
	size_t entries_count;
	uint64_t total; /* how many documents there are */
	int32_t has_more;
	int32_t reserved; /* 0 */
};
#define REPRISE_THREAD_LIST_INIT REPRISE_INIT(struct reprise_thread_list)

/*
 * reprise_thread_list - which documents there are
 *
 * @store     Borrowed.
 * @offset    So many are left out at the beginning.
 * @limit     At most so many: 1 to REPRISE_THREAD_LIMIT_MAX.
 * @page      Emptied, then filled.
 * @ret_list  `size` set by the caller; the rest set on REPRISE_OK.
 * @error     Optional.
 *
 * Threads   Any.
 * Progress  Blocks; linear in the number of documents, without their contents.
 * Ordering  As reprise_thread_load.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID    a NULL argument, a bad size or limit
 *           REPRISE_E_CORRUPT    a document of that part is damaged, whose id is in `detail`; reprise_thread_delete
 *                                takes it away
 *           REPRISE_E_IO, REPRISE_E_TIMEOUT, REPRISE_E_NO_MEMORY, REPRISE_E_FORKED
 */
REPRISE_API reprise_status reprise_thread_list(struct reprise_thread_store *store, uint64_t offset,
					       uint64_t limit, struct reprise_thread_page *page,
					       struct reprise_thread_list *ret_list,
					       struct reprise_error *error) REPRISE_MUST_USE;

/* Which messages of a document. Their numbers are 1, 2, 3, as the document has them. */
struct reprise_thread_range {
	size_t size;           /* sizeof(struct reprise_thread_range) */
	uint64_t after;        /* messages with greater numbers */
	uint64_t before;       /* messages with lower numbers; 0: to the end */
	uint64_t limit;        /* at most so many: 1 to REPRISE_THREAD_LIMIT_MAX */
	int32_t is_descending; /* 1: the last ones, the last of them first */
	int32_t reserved;      /* 0 */
};
#define REPRISE_THREAD_RANGE_INIT REPRISE_INIT(struct reprise_thread_range)

struct reprise_thread_message {
	uint64_t number;
	struct reprise_bytes json; /* borrowed as the page's */
};

struct reprise_thread_messages {
	size_t size; /* sizeof(struct reprise_thread_messages), set by the caller */
	const struct reprise_thread_message *messages; /* borrowed as the page's */
	size_t messages_count;
	uint64_t total;   /* how many messages the document has */
	uint64_t version; /* the document's */
	int32_t has_more; /* 1: the range has more of them than the limit */
	int32_t reserved; /* 0 */
	char uid[REPRISE_THREAD_UID_BYTES];
};
#define REPRISE_THREAD_MESSAGES_INIT REPRISE_INIT(struct reprise_thread_messages)

/*
 * reprise_thread_messages - some of the messages of a document
 *
 * @store         Borrowed.
 * @id            Which document.
 * @range         Borrowed: which messages.
 * @page          Emptied, then filled.
 * @ret_messages  `size` set by the caller; the rest set on REPRISE_OK.
 * @error         Optional.
 *
 * Threads   Any.
 * Progress  Blocks; linear in the document.
 * Ordering  As reprise_thread_load.
 * Returns   REPRISE_OK
 *           those of reprise_thread_load; REPRISE_E_INVALID also for a bad range
 */
REPRISE_API reprise_status reprise_thread_messages(struct reprise_thread_store *store,
						   const char *id,
						   const struct reprise_thread_range *range,
						   struct reprise_thread_page *page,
						   struct reprise_thread_messages *ret_messages,
						   struct reprise_error *error) REPRISE_MUST_USE;

REPRISE_END_DECLARATIONS
#endif /* REPRISE_THREAD_LOAD_H */
