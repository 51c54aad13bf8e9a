/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_LOG_H
#define REPRISE_LOG_H

/*
 * reprise/log.h - the durable log of a session
 *
 * A log keeps entries by key, which is a tenant and a thread. Entries have ordinals, 1, 2, 3, with no
 * holes, which are never given twice: neither after everything was archived nor after a restart. An
 * entry is an event, or a gap that stands for events that were lost before they could be recorded, and
 * occupies the ordinals of all of them.
 *
 * A key is of one kind, fixed by its first write. DIRECT: whoever has the log appends. RING: a
 * recorder (recorder.h) writes what a session's window was given; thread is the session's id, and an
 * entry's ordinal is its event's position. Such a key has lives: ranges of ordinals, one for each
 * incarnation of the window, which tile 1 .. head.
 *
 *    ordinals   1 2 3 .. 40 | 41 42 .. 60 | 61 ..        head = 75
 *    lives      clean       | crashed     | open         watermark = 20: 1 .. 20 are archived
 *
 * A log is opened by its adapter's header: log_sqlite.h, log_postgres.h. Any thread may call; the calls on
 * one handle are served one at a time, and block. A second handle is a second connection.
 *
 * A handle belongs to the process that opened it. In the child of a fork every call on it answers REPRISE_E_FORKED
 * and changes nothing; reprise_log_close frees its memory there, closes its descriptors, and leaves the parent's
 * connection alone. The fork itself takes from the child what would keep the parent's locks alive: a child that
 * outlives its parent holds none. A child may open logs of its own. (contracts P01 to P04)
 *
 * Tenants never see each other's entries: each call names its tenant, and looks at nothing else.
 * Tenant and thread are NUL-terminated, 1 to 128 bytes of valid UTF-8 without control characters.
 */

#include <stdbool.h>

#include <reprise/base.h>
#include <reprise/cursor.h>

REPRISE_BEGIN_DECLARATIONS

struct reprise_log;      /* opaque: a connection; see log_sqlite.h and log_postgres.h */
struct reprise_log_page; /* opaque: what was loaded; see reprise_log_page_open */

/* Whose entries. Both are borrowed for the call. */
struct reprise_log_key {
	const char *tenant;
	const char *thread;
};

/* An entry's place in its key: 1, 2, 3. 0 stands before the first. */
typedef uint64_t reprise_ordinal;

enum {
	REPRISE_LOG_PAYLOAD_BYTES_MAX = 64 << 20, /* of one entry, and of one blob (log_blob.h) */
	REPRISE_LOG_APPEND_BYTES_MAX = 128 << 20, /* of the payloads of one append */
	REPRISE_LOG_BLOB_NAME_BYTES_MAX = 64,     /* of a blob's name, without its NUL */
};

typedef enum reprise_log_kind {
	REPRISE_LOG_DIRECT = 1,
	REPRISE_LOG_RING,
} reprise_log_kind;

typedef enum reprise_log_entry_type {
	REPRISE_LOG_EVENT,
	REPRISE_LOG_GAP,
} reprise_log_entry_type;

/* Why events are missing in the log. */
typedef enum reprise_log_gap_reason {
	REPRISE_LOG_GAP_NONE,      /* no gap */
	REPRISE_LOG_GAP_OVERRUN,   /* newer events took their place before they were recorded */
	REPRISE_LOG_GAP_TOO_LARGE, /* larger than REPRISE_LOG_PAYLOAD_BYTES_MAX */
} reprise_log_gap_reason;

/* How a life ended, or that it has not. */
typedef enum reprise_life_state {
	REPRISE_LIFE_OPEN = 1,
	REPRISE_LIFE_CLEAN,       /* everything that was appended is in the log */
	REPRISE_LIFE_CRASHED,     /* the next life began before that was said */
	REPRISE_LIFE_INVALIDATED, /* declared void: it is never read again */
} reprise_life_state;

struct reprise_life {
	uint64_t number; /* 1, 2, 3 within its key */
	struct reprise_incarnation incarnation;
	reprise_ordinal first; /* of the life, whether it has entries or not */
	reprise_ordinal end;   /* its last; first - 1 if it has none. Of the last life: the head */
	reprise_life_state state;
};

/* What is to be appended. */
struct reprise_log_new_entry {
	uint64_t revision;
	uint64_t time_ns; /* since 1970, in UTC; 0: now */
	uint16_t kind;    /* the host's */
	uint16_t flags;   /* REPRISE_EVENT_COMMIT, and the host's bits 8-15 */
	struct reprise_bytes payload;
};

struct reprise_log_entry {
	reprise_log_entry_type type;
	reprise_ordinal first; /* an event's own; a gap's first that was asked for */
	reprise_ordinal last;  /* the same, or a gap's last */
	uint64_t revision;     /* 0 for a gap */
	uint64_t time_ns;      /* since 1970, in UTC: when it was appended, by the wall clock as
				* it was when the event was recorded; a gap: when it was recorded */
	uint16_t kind;
	uint16_t flags;
	reprise_log_gap_reason reason;
	struct reprise_incarnation life; /* zero in a DIRECT key */
	struct reprise_bytes payload;    /* borrowed until the page is loaded again or closed */
};

/* What the log knows of a key. */
struct reprise_log_stats {
	size_t size; /* sizeof(struct reprise_log_stats), set by the caller */
	reprise_log_kind kind;
	int32_t has_ended; /* 1: the session's end was recorded, at end_ordinal */
	int32_t end_status;
	int32_t reserved;          /* 0 */
	reprise_ordinal head;      /* the highest ordinal given; 0: none */
	reprise_ordinal watermark; /* ordinals up to this one are archived */
	reprise_ordinal end_ordinal;
	uint64_t revision_max;    /* the greatest revision of an event, or 0 */
	uint64_t lives;           /* how many; 0 in a DIRECT key */
	struct reprise_life life; /* the last; number 0: none */
	uint64_t lease_left_ns; /* how long no other life may begin; see reprise_recorder_options */
};
#define REPRISE_LOG_STATS_INIT REPRISE_INIT(struct reprise_log_stats)

/*
 * reprise_log_close - close a connection
 *
 * @log  Moves. NULL is allowed.
 *
 * Threads   No other call on the handle may be running.
 * Progress  Blocks: system calls.
 * Ordering  None.
 * Returns   Nothing. In the child of a fork: the descriptors are closed, and the parent's data and
 *           connection are as before.
 */
REPRISE_API void reprise_log_close(struct reprise_log *log);

/*
 * reprise_log_append - append entries to a DIRECT key, all or none
 *
 * @log            Borrowed.
 * @key            Whose.
 * @expected_head  The head that it must have, or NULL: whatever it has.
 * @entries        Borrowed for the call.
 * @entries_count  0: nothing is written, and the head is told.
 * @ret_head       Set on REPRISE_OK: the highest ordinal given. May be NULL.
 * @error          Optional: `expected` and `actual` heads on REPRISE_E_CONFLICT.
 *
 * Threads   Any.
 * Progress  Blocks, up to the adapter's deadline.
 * Ordering  Durable as the adapter was opened, when it returns.
 * Returns   REPRISE_OK
 *           REPRISE_E_CONFLICT   another head, or a RING key; nothing changed
 *           REPRISE_E_TOO_LARGE  one payload, or all together; nothing changed
 *           REPRISE_E_INVALID    a NULL argument, a bad key, flags that are the library's, REPRISE_REVISION_UNKNOWN as
 *                                revision (rule L25), a time beyond 2^63 - 1
 *           REPRISE_E_FORKED     another process opened the handle, as in every call that takes one
 *           REPRISE_E_TIMEOUT    others held the log for longer than the deadline; nothing changed
 *           REPRISE_E_IO         the log cannot be written; what became of it is not known
 *           REPRISE_E_CORRUPT    what is stored is damaged
 *           REPRISE_E_NO_MEMORY  nothing changed
 */
REPRISE_API reprise_status reprise_log_append(struct reprise_log *log,
					      const struct reprise_log_key *key,
					      const reprise_ordinal *expected_head,
					      const struct reprise_log_new_entry *entries,
					      size_t entries_count, reprise_ordinal *ret_head,
					      struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_log_page_open  - room for what is loaded, used again by each load
 * reprise_log_page_close - give it back
 *
 * @ret_page  Set on REPRISE_OK: owned.
 * @page      Moves. NULL is allowed. Payloads that were borrowed from it are gone.
 *
 * Threads   Any; a page is one thread's at a time.
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
 * reprise_log_page_entries - what a page holds
 *
 * @page               Borrowed. NULL holds nothing.
 * @ret_entries_count  Set. Not NULL.
 *
 * Threads   Owner of the page.
 * Progress  Wait-free.
 * Ordering  None.
 * Returns   The entries, ascending, borrowed until the page is loaded again or closed.
 */
REPRISE_API const struct reprise_log_entry *reprise_log_page_entries(
	const struct reprise_log_page *page, size_t *ret_entries_count);

/*
 * reprise_log_load_after - entries with greater ordinals, a page at a time
 *
 * @log          Borrowed.
 * @key          Whose. Unknown: nothing is found.
 * @after        Entries up to this ordinal, and those that are archived, are left out. A gap that it is
 *               inside of is handed out from after + 1 on.
 * @limit        Entries at most; 0: none.
 * @bytes_limit  Of payloads, about; at least one entry is loaded. 0: 1 MiB.
 * @page         Emptied, then filled.
 * @error        Optional.
 *
 * Costs what it returns, wherever in the log that is.
 *
 * Threads   Any.
 * Progress  Blocks.
 * Ordering  What was committed before the call is seen; all of it is of one moment.
 * Returns   REPRISE_OK           fewer than @limit, and less than @bytes_limit: there were no more
 *           REPRISE_E_INVALID    a NULL argument, a bad key
 *           REPRISE_E_CORRUPT    a row's checksum is another, or a row is missing; the page is empty
 *           REPRISE_E_IO, REPRISE_E_TIMEOUT, REPRISE_E_NO_MEMORY  the page is empty
 */
REPRISE_API reprise_status reprise_log_load_after(struct reprise_log *log,
						  const struct reprise_log_key *key,
						  reprise_ordinal after, uint64_t limit,
						  uint64_t bytes_limit,
						  struct reprise_log_page *page,
						  struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_log_stats - what is known of a key
 *
 * Costs the same however long the key's log is.
 *
 * @log        Borrowed.
 * @key        Whose.
 * @ret_stats  `size` set by the caller; the rest set on REPRISE_OK.
 * @error      Optional.
 *
 * Threads   Any.
 * Progress  Blocks.
 * Ordering  As reprise_log_load_after.
 * Returns   REPRISE_OK
 *           REPRISE_E_NOT_FOUND  nothing was ever written
 *           REPRISE_E_INVALID    a NULL argument, a bad key or size
 *           REPRISE_E_IO, REPRISE_E_TIMEOUT, REPRISE_E_CORRUPT
 */
REPRISE_API reprise_status reprise_log_stats(struct reprise_log *log,
					     const struct reprise_log_key *key,
					     struct reprise_log_stats *ret_stats,
					     struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_log_lives - the lives of a RING key, ascending
 *
 * @log              Borrowed.
 * @key              Whose. Unknown, or DIRECT: none.
 * @after            The number of a life; those with greater ones are told. 0: from the first on.
 * @ret_lives        Room for @lives_count_max.
 * @ret_lives_count  Set on REPRISE_OK.
 * @error            Optional.
 *
 * Threads   Any.
 * Progress  Blocks.
 * Ordering  As reprise_log_load_after.
 * Returns   REPRISE_OK           fewer than @lives_count_max: there were no more
 *           REPRISE_E_INVALID    a NULL argument, a bad key
 *           REPRISE_E_IO, REPRISE_E_TIMEOUT, REPRISE_E_CORRUPT
 */
REPRISE_API reprise_status reprise_log_lives(struct reprise_log *log,
					     const struct reprise_log_key *key, uint64_t after,
					     struct reprise_life *ret_lives, size_t lives_count_max,
					     size_t *ret_lives_count,
					     struct reprise_error *error) REPRISE_MUST_USE;

/* Called with each key, in the order of its bytes. False: no more. The key is borrowed for the call. */
typedef bool (*reprise_log_visit)(const struct reprise_log_key *key, void *context);

/*
 * reprise_log_each - the threads of a tenant, in the order of their bytes
 *
 * @log      Borrowed. The visitor may call it.
 * @tenant   Whose.
 * @visit    Called with each.
 * @context  Passed to it.
 * @error    Optional.
 *
 * Threads   Any.
 * Progress  Blocks. Pages through: what is written meanwhile may be seen or not.
 * Ordering  None.
 * Returns   REPRISE_OK           also when @visit ended it
 *           REPRISE_E_INVALID    a NULL argument, a bad tenant
 *           REPRISE_E_IO, REPRISE_E_TIMEOUT, REPRISE_E_CORRUPT, REPRISE_E_NO_MEMORY
 */
REPRISE_API reprise_status reprise_log_each(struct reprise_log *log, const char *tenant,
					    reprise_log_visit visit, void *context,
					    struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_log_position_for_revision - just before the first event with a greater revision
 * reprise_log_has_commit            - whether a COMMIT of at least a revision comes after an ordinal
 *
 * What was lost in a gap may have had a greater revision: a position just behind one is moved before it, so
 * that whoever goes on from there is told. Archived events have positions as before, but bring no COMMIT. After
 * reprise_log_move_archived the position for a revision below the greatest of the moved rows is 0: a host that resumes
 * there is told that it lost all that is archived. Events of a life that was invalidated do not count. (rules L23, L42,
 * L43)
 *
 * @log           Borrowed.
 * @key           Whose.
 * @revision      The one that is exceeded; the least that the COMMIT brings.
 * @after         The event is after it, and not archived.
 * @ret_position  Set on REPRISE_OK: the head if there is no such event.
 * @ret_has       Set on REPRISE_OK.
 * @error         Optional.
 *
 * Threads   Any.
 * Progress  Blocks; logarithmic in the log's length. Linear in what surrounds an invalidated life, if the event that
 *           the index finds is of that life.
 * Ordering  As reprise_log_load_after.
 * Returns   REPRISE_OK
 *           REPRISE_E_NOT_FOUND  nothing was ever written
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
 * reprise_log_current_cursor - a cursor from which nothing newer than a revision is missed
 *
 * As reprise_current_cursor, of what is in the log: for a session that has no window. The cursor is never of a life
 * that was invalidated: it stands before the first event of the next life, else at the end of the one before. (rule L44)
 *
 * @log         Borrowed.
 * @key         Whose; a RING key.
 * @revision    Carried by the cursor. REPRISE_REVISION_UNKNOWN: the cursor stands at the end, and carries the greatest
 *              revision of the key (rule L25).
 * @ret_cursor  Set on REPRISE_OK: of the life that the position is in.
 * @error       Optional.
 *
 * Threads   Any.
 * Progress  Blocks; logarithmic in the log's length.
 * Ordering  As reprise_log_load_after.
 * Returns   REPRISE_OK
 *           REPRISE_E_NOT_FOUND  nothing was ever written, or every life was invalidated: ask again when the session
 *                                has been opened
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
