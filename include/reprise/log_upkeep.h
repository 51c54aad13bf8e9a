/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_LOG_UPKEEP_H
#define REPRISE_LOG_UPKEEP_H

/* reprise/log_upkeep.h - archiving, copying, dropping and verification of keys of a log */

#include <reprise/log.h>

REPRISE_BEGIN_DECLARATIONS

enum {
	REPRISE_LOG_MOVE_MAX = 1000, /* rows moved by one transaction */
};

/* Flags of reprise_log_erase. */
enum {
	REPRISE_LOG_ERASE_OPEN = 1 << 0, /* also a key whose last life is open, but not leased */
	REPRISE_LOG_ERASE_NO_VACUUM = 1 << 1, /* a SQLite file is not rebuilt */
};

/* The result of reprise_log_verify. */
struct reprise_log_report {
	size_t size;        /* sizeof(struct reprise_log_report), set by the caller */
	uint64_t events;    /* events read */
	uint64_t gaps;      /* gap entries read */
	uint64_t lost;      /* ordinals occupied by the gap entries */
	uint64_t blobs;     /* undamaged blobs */
	uint64_t faults;    /* inconsistencies and damaged rows */
	reprise_ordinal at; /* ordinal of the first fault; 0: the fault has no ordinal */
	char what[REPRISE_ERROR_WHAT_BYTES]; /* describes the first fault; "": none */
};
#define REPRISE_LOG_REPORT_INIT REPRISE_INIT(struct reprise_log_report)

/*
 * reprise_log_erase - deletes a key, or all keys of a tenant, for good
 *
 * Nothing of the key remains in the log: no entry, no blob, no life, no head and no name. A later
 * write to a key of this name begins at ordinal 1 again. Cursors of the erased lives get a gap
 * UNAVAILABLE. To keep the ordinals, use reprise_log_drop.
 *
 * In a SQLite file deleted data is overwritten, the file is rebuilt (VACUUM), and the -wal is
 * emptied. On return no erased payload and no erased name is in any of the files. The rebuild needs
 * the time and the space for a copy of the file, and writers of every key wait meanwhile. With
 * REPRISE_LOG_ERASE_NO_VACUUM the file is not rebuilt: SQLite's copies of some rows may remain in
 * free space, until a later call without the flag. The blocks of the disk are not overwritten.
 *
 * A PostgreSQL server keeps deleted rows in its files until VACUUM, and in its write-ahead log and
 * in backups for as long as these are kept. The administrator removes them. (rule L55)
 *
 * @log        Borrowed.
 * @key        The key to erase. Without a thread (NULL): every key of the tenant.
 * @flags      REPRISE_LOG_ERASE_OPEN, REPRISE_LOG_ERASE_NO_VACUUM, or 0.
 * @ret_count  Set on REPRISE_OK to the number of erased keys. May be NULL.
 * @error      Optional. On REPRISE_E_BUSY `what` is "lease", "life" or "key".
 *
 * Threads   Any.
 * Progress  Blocks; linear in the stored data of the keys. Transactions of at most
 *           REPRISE_LOG_MOVE_MAX rows.
 * Ordering  On return the data is gone, to the level chosen when the log was opened.
 * Returns   REPRISE_OK           also if nothing was there
 *           REPRISE_E_BUSY       a runtime has leased a key, or a life is open, or a key was
 *                                written to meanwhile. Every other key of the tenant was erased
 *           REPRISE_E_TIMEOUT    also if another connection read a snapshot of the -wal beyond
 *                                the deadline; call again
 *           REPRISE_E_INVALID    a NULL argument, a bad name or flag, or a log opened read-only
 *           and the statuses of reprise_log_append from REPRISE_E_FORKED on
 */
REPRISE_API reprise_status reprise_log_erase(struct reprise_log *log,
					     const struct reprise_log_key *key, uint32_t flags,
					     uint64_t *ret_count,
					     struct reprise_error *error) REPRISE_MUST_USE;

/* Limits for the keys of a tenant. At least one limit is not 0. */
struct reprise_log_retention {
	size_t size;          /* sizeof(struct reprise_log_retention), set by the caller */
	uint64_t age_ns_max;  /* the age of an entry by the entry's time_ns; 0: no limit */
	uint64_t entries_max; /* ordinals of each key, gaps counted in full; 0: no limit */
	uint64_t bytes_max;   /* payload bytes of each key, see reprise_log_prune; 0: no limit */
	uint64_t deadline_ns; /* the call begins no transaction after this time; 0: no deadline */

	/*
	 * 1: DIRECT keys are pruned, too, but no conversation and no key with blobs; 0: RING keys
	 */
	int32_t includes_direct;
	int32_t reserved; /* 0 */

	/*
	 * Limits for the sum over all keys of the tenant, without the keys that are left to their
	 * owners. See reprise_log_prune for the order in which keys lose entries.
	 */
	uint64_t tenant_entries_max; /* ordinals of all keys, gaps counted in full; 0: no limit */
	uint64_t tenant_bytes_max;   /* payload bytes of all keys; 0: no limit */
};
#define REPRISE_LOG_RETENTION_INIT REPRISE_INIT(struct reprise_log_retention)

/* The result of reprise_log_prune. */
struct reprise_log_pruned {
	size_t size;          /* sizeof(struct reprise_log_pruned), set by the caller */
	uint64_t keys;        /* keys visited */
	uint64_t keys_pruned; /* keys with newly archived ordinals */
	uint64_t keys_kept;  /* keys left to their owners: conversations, keys with blobs, DIRECT */
	uint64_t ordinals;   /* newly archived, gaps counted in full */
	uint64_t rows;       /* deleted rows and, where no row was left, index entries */
	int32_t is_complete; /* 0: the deadline passed, or a key could not be pruned */
	int32_t reserved;    /* 0 */
};
#define REPRISE_LOG_PRUNED_INIT REPRISE_INIT(struct reprise_log_pruned)

/*
 * reprise_log_archive_before - archives old entries: hides them from every load
 *
 * Once the call has returned, no load returns an entry up to @watermark. The rows stay in place
 * until reprise_log_move_archived moves or deletes them. The head stays.
 *
 * The call refuses a key with blobs (log_blob.h): only the owner of the blobs knows which entries a
 * blob replaces. (rule L51)
 *
 * @log        Borrowed.
 * @key        The key to archive. Nothing happens to an unknown key.
 * @watermark  The last ordinal to archive, clamped to the head. Nothing happens at or below the
 *             present watermark.
 * @ret_count  Set on REPRISE_OK to the number of newly archived ordinals, including ordinals inside
 *             gaps. May be NULL.
 * @error      Optional.
 *
 * Threads   Any.
 * Progress  Blocks. The cost does not depend on the number of entries.
 * Ordering  On return the watermark is durable, to the level chosen when the log was opened.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID  as reprise_log_append; also for a key with blobs, with `what` "key":
 *                              nothing changed
 *           and the statuses of reprise_log_append from REPRISE_E_FORKED on
 */
REPRISE_API reprise_status reprise_log_archive_before(struct reprise_log *log,
						      const struct reprise_log_key *key,
						      reprise_ordinal watermark,
						      uint64_t *ret_count,
						      struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_log_move_archived - removes archived rows, at most REPRISE_LOG_MOVE_MAX of them
 *
 * The call moves the rows to the archive's table, or deletes the rows, depending on the adapter's
 * option deletes_archived. The call also drops the index entries of these rows, so a key keeps
 * nothing per deleted row. The head keeps the greatest revision among the removed rows: for any
 * lower revision reprise_log_position_for_revision then returns 0. (rule L23)
 *
 * @log        Borrowed.
 * @key        The key to work on. Nothing happens to an unknown key.
 * @ret_count  Set on REPRISE_OK to the number of removed rows, or, if no row was left, of dropped
 *             index entries. 0: nothing is left to remove. May be NULL.
 * @error      Optional.
 *
 * Threads   Any.
 * Progress  Blocks; one transaction. A program may stop between two calls and continue later.
 * Ordering  None: no load returns these rows any more.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID  as reprise_log_append
 *           and the statuses of reprise_log_append from REPRISE_E_FORKED on
 */
REPRISE_API reprise_status reprise_log_move_archived(struct reprise_log *log,
						     const struct reprise_log_key *key,
						     uint64_t *ret_count,
						     struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_log_fork - copies the entries of a key to a new key, up to an ordinal
 *
 * Every copied entry keeps the ordinal, time, revision, kind, flags and payload. The copy has the
 * watermark of the source, and no archived entries. A gap entry over @through ends there in the
 * copy.
 *
 * The copy of a RING key has the lives of the source with their incarnations, up to @through. The
 * last life of the copy is clean, unless the life is void. So a cursor of the source, with the
 * session id of the copy, means the same place in the copy. The end of the session, leases and
 * blobs are not copied: the copy can be opened and written to. A source with both archived entries
 * and blobs is refused, since the blobs stand for these entries. (rule L52)
 *
 * The call reads and writes every copied row in one transaction. The source is locked against
 * writers for as long; in a SQLite file every key is. The call needs memory for 1 MiB of payloads
 * and one entry.
 *
 * @log      Borrowed.
 * @from     The key to copy, also with an open life.
 * @to       The new key, of the same tenant. Nothing must ever have been written to it.
 * @through  The last ordinal to copy, from the watermark to the head. 0: no entries.
 * @error    Optional. On REPRISE_E_CONFLICT `expected` is @through, and `actual` is the head.
 *
 * Threads   Any.
 * Progress  Blocks; linear in the copied entries. The deadline of a PostgreSQL log begins anew
 *           after each MiB.
 * Ordering  On return the copy is durable, to the level chosen when the log was opened.
 * Returns   REPRISE_OK
 *           REPRISE_E_NOT_FOUND  nothing was ever written to @from
 *           REPRISE_E_EXISTS     @to was written to before, or was dropped
 *           REPRISE_E_CONFLICT   @through is above the head of @from
 *           REPRISE_E_EXPIRED    @through is below the watermark of @from
 *           REPRISE_E_INVALID    a NULL argument, a bad key, two tenants, one key twice, a source
 *                                with blobs and archived entries, or a log opened read-only
 *           REPRISE_E_CORRUPT    an entry, a life or a head is damaged
 *           and the statuses of reprise_log_append from REPRISE_E_FORKED on. Nothing is there
 *           after an error, but after REPRISE_E_IO the whole copy may be
 */
REPRISE_API reprise_status reprise_log_fork(struct reprise_log *log,
					    const struct reprise_log_key *from,
					    const struct reprise_log_key *to,
					    reprise_ordinal through,
					    struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_log_drop - removes everything of a key but the head
 *
 * The first transaction archives every entry, drops the blobs, and puts one void life in the place
 * of all lives. From then on no call on the log returns an entry, a blob or a life of before; a
 * subscription may still hand out the page in its memory. Further transactions delete the hidden
 * rows, of the archive's table too, and their index entries, at most REPRISE_LOG_MOVE_MAX rows
 * each. After an error the call may be made again, and continues.
 *
 * The head stays: ordinals go on above it, and are never given twice. The kind, the greatest
 * revision and the names of the key stay with it. reprise_log_each visits the key.
 *
 * A cursor of a dropped life gets a gap UNAVAILABLE, also in a healing subscription. The log
 * refuses the next write of a recorder with such a life, and the session's appends return
 * REPRISE_E_CLOSED. (rule L53)
 *
 * @log         Borrowed.
 * @key         The key to drop.
 * @takes_open  false: a key whose last life is open is refused. A life is open while a runtime
 *              records it, and after a runtime has crashed. true: such a key is dropped, too,
 *              unless the life is leased.
 * @ret_count   Set on REPRISE_OK to the number of deleted rows. May be NULL.
 * @error       Optional. On REPRISE_E_BUSY `what` is "lease" or "life".
 *
 * Threads   Any.
 * Progress  Blocks; linear in the stored data of the key.
 * Ordering  On return the drop is durable, to the level chosen when the log was opened. A power
 *           loss may bring hidden rows back into the file, still hidden.
 * Returns   REPRISE_OK           also for a key that was dropped before
 *           REPRISE_E_NOT_FOUND  nothing was ever written to the key
 *           REPRISE_E_BUSY       a runtime has leased the key, or the last life is open; nothing
 *                                changed
 *           REPRISE_E_INVALID    as reprise_log_append
 *           and the statuses of reprise_log_append from REPRISE_E_FORKED on
 */
REPRISE_API reprise_status reprise_log_drop(struct reprise_log *log,
					    const struct reprise_log_key *key, bool takes_open,
					    uint64_t *ret_count,
					    struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_log_prune - archives and deletes the entries of a tenant beyond limits
 *
 * First each key of the tenant is judged alone. From the oldest entry on, every entry of too great
 * an age, or beyond the newest @entries_max ordinals, or beyond @bytes_max, is archived and
 * deleted, up to the first entry within all limits. An entry is beyond @bytes_max if the payloads
 * from this entry to the newest have more than @bytes_max bytes. The newest entry never is.
 * Archived rows up to the first entry within all limits are deleted, in the archive's table too,
 * with the index entries. Hosts get a gap ARCHIVED, as after reprise_log_archive_before. The head
 * stays.
 *
 * Then the limits for the sum are kept. While the sum over all keys is beyond @tenant_entries_max
 * or @tenant_bytes_max, the key of the longest silence loses entries, from the oldest entry on and
 * as many as the sum needs. At most all entries of the key go; then the key of the second longest
 * silence follows. A key is silent since the time_ns of the newest entry. Keys of equal times lose
 * entries in the byte order of the threads. With @tenant_bytes_max the newest entry of the last key
 * stays. Entries appended during the call are not removed for the sum.
 *
 * One transaction archives or deletes at most REPRISE_LOG_MOVE_MAX rows of one key. The call may be
 * interrupted at any time, and made again. (rule L54)
 *
 * @log         Borrowed.
 * @tenant      The tenant to prune.
 * @retention   Borrowed for the call.
 * @ret_pruned  The caller sets `size`. Set on REPRISE_OK, and if a key or a transaction failed.
 *              May be NULL.
 * @error       Optional. If a key failed, `detail` is the thread.
 *
 * Threads   Any.
 * Progress  Blocks; linear in the deleted rows and the number of keys. With a limit of bytes also
 *           linear in the retained rows, whose sizes are added up. With a limit for the sum the
 *           call needs memory for the name and the sizes of each key.
 * Ordering  On return the watermarks are durable, to the level chosen when the log was opened.
 * Returns   REPRISE_OK           also if the deadline passed; see `is_complete`
 *           REPRISE_E_INVALID    a NULL argument, a bad tenant, size or option, no limit, or a log
 *                                opened read-only
 *           REPRISE_E_CORRUPT    a key is damaged and was left as found; every other key was pruned
 *           and the statuses of reprise_log_append from REPRISE_E_FORKED on
 */
REPRISE_API reprise_status reprise_log_prune(struct reprise_log *log, const char *tenant,
					     const struct reprise_log_retention *retention,
					     struct reprise_log_pruned *ret_pruned,
					     struct reprise_error *error) REPRISE_MUST_USE;

/* A visitor of tenants. The name is borrowed for the call. false ends the visit. */
typedef bool (*reprise_log_visit_tenant)(const char *tenant, void *context);

/*
 * reprise_log_tenants - visits the tenants of a log, in byte order
 *
 * A tenant is visited if a key of the tenant was ever written to, and not erased. In a PostgreSQL
 * log row-level security hides the tenants from most roles: the call needs a superuser, or a role
 * with BYPASSRLS. (rule L56)
 *
 * @log      Borrowed. The visitor may call functions of the log.
 * @visit    Called once for each tenant.
 * @context  Passed to @visit.
 * @error    Optional.
 *
 * Threads   Any.
 * Progress  Blocks; one look-up for each tenant. A concurrent write may or may not be seen.
 * Ordering  None.
 * Returns   REPRISE_OK         also if @visit ended the visit
 *           REPRISE_E_INVALID  a NULL argument, or (with `what` "role") the role may see only one
 *                              tenant
 *           REPRISE_E_IO, REPRISE_E_TIMEOUT, REPRISE_E_CORRUPT
 */
REPRISE_API reprise_status reprise_log_tenants(struct reprise_log *log,
					       reprise_log_visit_tenant visit, void *context,
					       struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_log_verify - checks the stored data of a key
 *
 * The checks:
 *  - The head, the lives, the blobs and every row above the watermark have correct checksums
 *    (rule L20).
 *  - Events and gaps cover watermark + 1 .. head exactly once. The lives tile 1 .. head.
 *  - The indexes of revisions and COMMITs, and the head's greatest revision, agree with the rows
 *    (rule L22). The comparison of the indexes ends at the first fault.
 *  - A search finds each life by number, by incarnation and by first ordinal (rule L22).
 *  - The number of blobs agrees with the head (rule L51).
 *  - In a SQLite file, no synced commit is missing (rule L03).
 *
 * A damaged or missing archived row is not a fault by itself. If a fault is found, and the key was
 * written to, dropped or erased during the checks, the checks begin again, up to three times.
 *
 * @log         Borrowed.
 * @key         The key to check.
 * @ret_report  The caller sets `size`; the call sets the rest on REPRISE_OK.
 * @error       Optional.
 *
 * Threads   Any.
 * Progress  Blocks; linear in the stored data of the key.
 * Ordering  A concurrent append may or may not be checked.
 * Returns   REPRISE_OK           the report has the faults, if any
 *           REPRISE_E_NOT_FOUND  the key was never written to
 *           REPRISE_E_INVALID    a NULL argument, a bad key or size
 *           REPRISE_E_IO, REPRISE_E_TIMEOUT, REPRISE_E_NO_MEMORY
 */
REPRISE_API reprise_status reprise_log_verify(struct reprise_log *log,
					      const struct reprise_log_key *key,
					      struct reprise_log_report *ret_report,
					      struct reprise_error *error) REPRISE_MUST_USE;

REPRISE_END_DECLARATIONS
#endif /* REPRISE_LOG_UPKEEP_H */
