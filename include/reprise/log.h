/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_LOG_H
#define REPRISE_LOG_H

/*
 * reprise/log.h - the durable log of sessions
 *
 * A log keeps entries by key. A key has two names: a tenant and a thread. The entries of a key have
 * the ordinals 1, 2, 3, without holes. The log never gives an ordinal twice, not even after a
 * restart or after all entries were archived. An entry is an event or a gap. A gap stands for
 * events that were lost before the recorder could write them, and occupies the ordinals of all lost
 * events.
 *
 * The first write to a key fixes the kind of the key:
 *
 *   DIRECT  Any program with access to the log may append entries.
 *   RING    A recorder (recorder.h) writes the events of a session's window. The thread is the
 *           session id, and the ordinal of an entry is the position of the event. A RING key has
 *           lives: ranges of ordinals, one for each incarnation of the window. Together the lives
 *           cover all ordinals.
 *
 *    ordinals   1 2 3 .. 40 | 41 42 .. 60 | 61 ..        head = 75
 *    lives      clean       | crashed     | open         watermark = 20: 1 .. 20 are archived
 *
 * log_sqlite.h and log_postgres.h have the calls that open a log. Any thread may call. Calls block,
 * and calls on one handle run one at a time. A second handle is a second connection.
 *
 * A handle belongs to the process that opened it. In the child of a fork every call on the handle
 * returns REPRISE_E_FORKED and changes nothing. In the child, reprise_log_close frees the handle
 * and closes the inherited descriptors, and does not touch the parent's connection. A fork does not
 * prolong the parent's locks: if the parent dies, its locks end even if the child lives on. A child
 * may open logs of its own. (contracts P01 to P04)
 *
 * Tenants never see the entries of another tenant: each call names a tenant, and reads the keys of
 * that tenant only. Tenant and thread are NUL-terminated, 1 to 128 bytes of valid UTF-8 without
 * control characters.
 */

#include <stdbool.h>

#include <reprise/base.h>
#include <reprise/cursor.h>
#include <reprise/log_entry.h>

REPRISE_BEGIN_DECLARATIONS

struct reprise_log;      /* opaque: a connection; see log_sqlite.h and log_postgres.h */
struct reprise_log_page; /* opaque: loaded entries; see reprise_log_page_open */

/* Identifies the entries of one thread. Both strings are borrowed for the call. */
struct reprise_log_key {
	const char *tenant;
	const char *thread;
};

enum {
	REPRISE_LOG_PAYLOAD_BYTES_MAX = 64 << 20, /* of one entry, and of one blob (log_blob.h) */
	REPRISE_LOG_APPEND_BYTES_MAX = 128 << 20, /* all payloads of one append */
	REPRISE_LOG_BLOB_NAME_BYTES_MAX = 64,     /* without the NUL */
};

typedef enum reprise_log_kind {
	REPRISE_LOG_DIRECT = 1,
	REPRISE_LOG_RING,
} reprise_log_kind;

/* Facts about a key. */
struct reprise_log_stats {
	size_t size; /* sizeof(struct reprise_log_stats), set by the caller */
	reprise_log_kind kind;
	int32_t has_ended; /* 1: the session has ended, at end_ordinal */
	int32_t end_status;
	int32_t reserved;          /* 0 */
	reprise_ordinal head;      /* the highest ordinal given; 0: none */
	reprise_ordinal watermark; /* entries up to this ordinal are archived */
	reprise_ordinal end_ordinal;
	uint64_t revision_max;    /* the greatest revision of an event, or 0 */
	uint64_t lives;           /* the number of lives; 0 in a DIRECT key */
	struct reprise_life life; /* the newest life; number 0: none */
	uint64_t lease_left_ns;   /* until another life may begin; see reprise_recorder_options */
};
#define REPRISE_LOG_STATS_INIT REPRISE_INIT(struct reprise_log_stats)

/*
 * reprise_log_close - closes a connection
 *
 * @log  Moves. NULL is allowed.
 *
 * Threads   No other call on the handle may be running.
 * Progress  Blocks: system calls.
 * Ordering  None.
 * Returns   Nothing. In the child of a fork the call closes the inherited descriptors; the parent's
 *           data and connection stay as they were.
 */
REPRISE_API void reprise_log_close(struct reprise_log *log);

/*
 * reprise_log_append - appends entries to a DIRECT key: all entries or none
 *
 * @log            Borrowed.
 * @key            The key to append to.
 * @expected_head  The head that the key must have. NULL: any head.
 * @entries        Borrowed for the call.
 * @entries_count  0: the call writes nothing and sets @ret_head.
 * @ret_head       Set on REPRISE_OK: the highest ordinal given. May be NULL.
 * @error          Optional: `expected` and `actual` heads on REPRISE_E_CONFLICT.
 *
 * Threads   Any.
 * Progress  Blocks, up to the adapter's deadline.
 * Ordering  On return the entries are durable, to the level chosen when the log was opened.
 * Returns   REPRISE_OK
 *           REPRISE_E_CONFLICT   the key has another head, or is a RING key; nothing changed
 *           REPRISE_E_TOO_LARGE  one payload, or all payloads together, are too large; nothing
 *                                changed
 *           REPRISE_E_INVALID    a NULL argument, a bad key, flags reserved for the library, the
 *                                revision REPRISE_REVISION_UNKNOWN (rule L25), a time beyond
 *                                2^63 - 1, or a log opened read-only
 *           REPRISE_E_FORKED     another process opened the handle. Every call with a handle may
 *                                return this status
 *           REPRISE_E_TIMEOUT    other connections held the log beyond the deadline; nothing
 *                                changed
 *           REPRISE_E_IO         the write failed; its outcome is unknown
 *           REPRISE_E_CORRUPT    the stored data of the key is damaged
 *           REPRISE_E_NO_MEMORY  nothing changed
 */
REPRISE_API reprise_status reprise_log_append(struct reprise_log *log,
					      const struct reprise_log_key *key,
					      const reprise_ordinal *expected_head,
					      const struct reprise_log_new_entry *entries,
					      size_t entries_count, reprise_ordinal *ret_head,
					      struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_log_page_open  - opens a page: memory for loaded entries, reused by each load
 * reprise_log_page_close - frees a page
 *
 * @ret_page  Set on REPRISE_OK: owned.
 * @page      Moves. NULL is allowed. Payloads borrowed from the page become invalid.
 *
 * Threads   Any; one thread at a time for each page.
 * Progress  Allocates.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID    a NULL argument
 *           REPRISE_E_NO_MEMORY  nothing was opened
 */
REPRISE_API reprise_status reprise_log_page_open(struct reprise_log_page **ret_page)
	REPRISE_MUST_USE;
REPRISE_API void reprise_log_page_close(struct reprise_log_page *page);

/*
 * reprise_log_page_entries - returns the entries of a page
 *
 * @page               Borrowed. NULL counts as an empty page.
 * @ret_entries_count  Always set. Must not be NULL.
 *
 * Threads   Owner of the page.
 * Progress  Wait-free.
 * Ordering  None.
 * Returns   The entries, ascending, borrowed until the page is loaded again or closed.
 */
REPRISE_API const struct reprise_log_entry *reprise_log_page_entries(
	const struct reprise_log_page *page, size_t *ret_entries_count);

/*
 * reprise_log_load_after - loads the entries after an ordinal, one page at a time
 *
 * The cost depends on the size of the page, not on the length of the log or the place in the log.
 *
 * @log          Borrowed.
 * @key          The key to read. An unknown key has no entries.
 * @after        The call skips archived entries, and entries with ordinals up to @after. If @after
 *               is inside a gap, the gap is returned from @after + 1 on.
 * @limit        The maximum number of entries. 0: none.
 * @bytes_limit  The page ends once its payloads have reached this size. The page has at least one
 *               entry if there is one. 0: 1 MiB.
 * @page         Emptied, then filled.
 * @error        Optional.
 *
 * Threads   Any.
 * Progress  Blocks.
 * Ordering  The call sees every commit that precedes the call. The entries form one consistent
 *           snapshot.
 * Returns   REPRISE_OK         with fewer than @limit entries and less than @bytes_limit bytes, the
 *                              page reaches the head
 *           REPRISE_E_INVALID  a NULL argument, a bad key
 *           REPRISE_E_CORRUPT  a row is missing, or its checksum is wrong; the page is empty
 *           REPRISE_E_IO, REPRISE_E_TIMEOUT, REPRISE_E_NO_MEMORY  the page is empty
 */
REPRISE_API reprise_status reprise_log_load_after(struct reprise_log *log,
						  const struct reprise_log_key *key,
						  reprise_ordinal after, uint64_t limit,
						  uint64_t bytes_limit,
						  struct reprise_log_page *page,
						  struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_log_stats - returns facts about a key
 *
 * The cost does not depend on the length of the key's log.
 *
 * @log        Borrowed.
 * @key        The key to look up.
 * @ret_stats  The caller sets `size`; the call sets the rest on REPRISE_OK.
 * @error      Optional.
 *
 * Threads   Any.
 * Progress  Blocks.
 * Ordering  As reprise_log_load_after.
 * Returns   REPRISE_OK
 *           REPRISE_E_NOT_FOUND  the key was never written to
 *           REPRISE_E_INVALID    a NULL argument, a bad key or size
 *           REPRISE_E_IO, REPRISE_E_TIMEOUT, REPRISE_E_CORRUPT
 */
REPRISE_API reprise_status reprise_log_stats(struct reprise_log *log,
					     const struct reprise_log_key *key,
					     struct reprise_log_stats *ret_stats,
					     struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_log_lives - returns the lives of a RING key, ascending
 *
 * @log              Borrowed.
 * @key              The key to read. An unknown key and a DIRECT key have no lives.
 * @after            The call returns lives with greater numbers. 0: all.
 * @ret_lives        Array with room for @lives_count_max lives.
 * @ret_lives_count  Set on REPRISE_OK.
 * @error            Optional.
 *
 * Threads   Any.
 * Progress  Blocks.
 * Ordering  As reprise_log_load_after.
 * Returns   REPRISE_OK         with fewer than @lives_count_max lives, the newest life was reached
 *           REPRISE_E_INVALID  a NULL argument, a bad key
 *           REPRISE_E_IO, REPRISE_E_TIMEOUT, REPRISE_E_CORRUPT
 */
REPRISE_API reprise_status reprise_log_lives(struct reprise_log *log,
					     const struct reprise_log_key *key, uint64_t after,
					     struct reprise_life *ret_lives, size_t lives_count_max,
					     size_t *ret_lives_count,
					     struct reprise_error *error) REPRISE_MUST_USE;

/* A visitor of keys. The key is borrowed for the call. false ends the visit. */
typedef bool (*reprise_log_visit)(const struct reprise_log_key *key, void *context);

/*
 * reprise_log_each - visits the keys of a tenant, in the byte order of their threads
 *
 * @log      Borrowed. The visitor may call functions of the log.
 * @tenant   The tenant to visit.
 * @visit    Called once for each key.
 * @context  Passed to @visit.
 * @error    Optional.
 *
 * Threads   Any.
 * Progress  Blocks. Reads the keys in pages. A concurrent write may or may not be seen.
 * Ordering  None.
 * Returns   REPRISE_OK         also if @visit ended the visit
 *           REPRISE_E_INVALID  a NULL argument, a bad tenant
 *           REPRISE_E_IO, REPRISE_E_TIMEOUT, REPRISE_E_CORRUPT, REPRISE_E_NO_MEMORY
 */
REPRISE_API reprise_status reprise_log_each(struct reprise_log *log, const char *tenant,
					    reprise_log_visit visit, void *context,
					    struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_log_position_for_revision - finds the position before a greater revision
 * reprise_log_has_commit            - checks for a COMMIT after an ordinal
 *
 * The position is just before the first event with a greater revision. Events lost in a gap may
 * have had a greater revision. If the position would be right after a gap, the call returns the
 * position before the gap: a host that starts there learns of the loss. Events of invalidated lives
 * do not count. An archived event still has a position, but an archived COMMIT does not count.
 * After reprise_log_move_archived, the position for a revision below the greatest revision of the
 * moved rows is 0: a host that resumes there learns that all archived events are lost to it.
 * (rules L23, L42, L43)
 *
 * @log           Borrowed.
 * @key           The key to search.
 * @revision      For the position: the revision to exceed. For the COMMIT: the least revision.
 * @after         The COMMIT must be after this ordinal, and not archived.
 * @ret_position  Set on REPRISE_OK: the head if no event has a greater revision.
 * @ret_has       Set on REPRISE_OK.
 * @error         Optional.
 *
 * Threads   Any.
 * Progress  Blocks; logarithmic in the length of the log. If the event found in the index belongs
 *           to an invalidated life, also linear in the entries searched instead: after this life
 *           for a position, between @after and this life for a COMMIT.
 * Ordering  As reprise_log_load_after.
 * Returns   REPRISE_OK
 *           REPRISE_E_NOT_FOUND  the key was never written to
 *           REPRISE_E_INVALID    a NULL argument, a bad key
 *           REPRISE_E_IO, REPRISE_E_TIMEOUT, REPRISE_E_CORRUPT
 */
REPRISE_API reprise_status reprise_log_position_for_revision(
	struct reprise_log *log, const struct reprise_log_key *key, uint64_t revision,
	reprise_ordinal *ret_position, struct reprise_error *error) REPRISE_MUST_USE;
REPRISE_API reprise_status reprise_log_has_commit(struct reprise_log *log,
						  const struct reprise_log_key *key,
						  reprise_ordinal after, uint64_t revision,
						  bool *ret_has,
						  struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_log_current_cursor - returns a cursor that misses no event newer than a revision
 *
 * The counterpart of reprise_session_current_cursor for a session without a window: the call reads
 * the log. The cursor never belongs to an invalidated life. If the position is in an invalidated
 * life, the cursor is before the first event of the next valid life, or, without a next one, at the
 * end of the valid life before. (rule L44)
 *
 * @log         Borrowed.
 * @key         A RING key.
 * @revision    The cursor carries this revision. REPRISE_REVISION_UNKNOWN: the cursor is at the end
 *              and carries the greatest revision of the key (rule L25).
 * @ret_cursor  Set on REPRISE_OK, with the incarnation of the life at the position.
 * @error       Optional.
 *
 * Threads   Any.
 * Progress  Blocks; logarithmic in the length of the log.
 * Ordering  As reprise_log_load_after.
 * Returns   REPRISE_OK
 *           REPRISE_E_NOT_FOUND  the key was never written to, or every life was invalidated; a
 *                                cursor exists once the session is opened again
 *           REPRISE_E_CONFLICT   a DIRECT key
 *           REPRISE_E_INVALID    a NULL argument, a bad key
 *           REPRISE_E_IO, REPRISE_E_TIMEOUT, REPRISE_E_CORRUPT
 */
REPRISE_API reprise_status reprise_log_current_cursor(struct reprise_log *log,
						      const struct reprise_log_key *key,
						      uint64_t revision,
						      struct reprise_cursor *ret_cursor,
						      struct reprise_error *error) REPRISE_MUST_USE;

REPRISE_END_DECLARATIONS
#endif /* REPRISE_LOG_H */
