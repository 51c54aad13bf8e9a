/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_LOG_BLOB_H
#define REPRISE_LOG_BLOB_H

/*
 * reprise/log_blob.h - blobs: bytes stored with a key, beside its entries
 *
 * A DIRECT key may have blobs, each with a name. A typical blob is a snapshot of the state that the
 * entries of the key add up to. A blob has no ordinal. Storing a blob changes no entry and no
 * ordinal. The log does not interpret the bytes. (rules L50, L51)
 *
 * A name is NUL-terminated, 1 to REPRISE_LOG_BLOB_NAME_BYTES_MAX bytes of valid UTF-8 without
 * control characters.
 */

#include <reprise/log.h>

REPRISE_BEGIN_DECLARATIONS

/*
 * reprise_log_blob_put - stores a blob, and replaces the blob of the same name
 *
 * The call is one transaction: in any case, the key has either the whole old blob or the whole new
 * blob. Once a key has a blob, reprise_log_archive_before refuses the key.
 *
 * @log            Borrowed.
 * @key            A DIRECT key with at least one write.
 * @expected_head  The head that the key must have. NULL: any head.
 * @name           Name of the blob.
 * @bytes          Borrowed for the call. At most REPRISE_LOG_PAYLOAD_BYTES_MAX bytes; may be empty.
 * @error          Optional: `expected` and `actual` heads on REPRISE_E_CONFLICT.
 *
 * Threads   Any.
 * Progress  Blocks, up to the adapter's deadline.
 * Ordering  On return the blob is durable, to the level chosen when the log was opened.
 * Returns   REPRISE_OK
 *           REPRISE_E_NOT_FOUND  the key was never written to; nothing changed
 *           REPRISE_E_CONFLICT   a RING key, or the key has another head; nothing changed
 *           REPRISE_E_TOO_LARGE  @bytes is too large; nothing changed
 *           REPRISE_E_INVALID    a NULL argument, a bad key or name, or a log opened read-only
 *           REPRISE_E_FORKED     another process opened the handle
 *           REPRISE_E_TIMEOUT    other connections held the log beyond the deadline; nothing
 *                                changed
 *           REPRISE_E_IO         the write failed; its outcome is unknown
 *           REPRISE_E_CORRUPT    the stored data of the key is damaged; nothing changed
 *           REPRISE_E_NO_MEMORY  nothing changed
 */
REPRISE_API reprise_status reprise_log_blob_put(struct reprise_log *log,
						const struct reprise_log_key *key,
						const reprise_ordinal *expected_head,
						const char *name, struct reprise_bytes bytes,
						struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_log_blob_get - returns the blob of a name
 *
 * @log        Borrowed.
 * @key        The key of the blob.
 * @name       Name of the blob.
 * @page       Emptied, then used as memory for the bytes (reprise_log_page_open). The page has no
 *             entries afterwards.
 * @ret_bytes  Set on REPRISE_OK: borrowed until the page is loaded again or closed. If the blob is
 *             empty, `data` is NULL.
 * @error      Optional.
 *
 * Threads   Any.
 * Progress  Blocks. If no blob has the name: linear in the number of the key's blobs.
 * Ordering  The call sees every commit that precedes the call.
 * Returns   REPRISE_OK
 *           REPRISE_E_NOT_FOUND  the key has no blob of this name, or was never written to
 *           REPRISE_E_CORRUPT    the checksum of the blob is wrong: `detail` is the name. Or the
 *                                key has no blob of this name, and the number of blobs differs from
 *                                the number in the key's head: a blob is missing
 *           REPRISE_E_INVALID    a NULL argument, a bad key or name
 *           REPRISE_E_IO, REPRISE_E_TIMEOUT, REPRISE_E_NO_MEMORY, REPRISE_E_FORKED
 */
REPRISE_API reprise_status reprise_log_blob_get(struct reprise_log *log,
						const struct reprise_log_key *key, const char *name,
						struct reprise_log_page *page,
						struct reprise_bytes *ret_bytes,
						struct reprise_error *error) REPRISE_MUST_USE;

REPRISE_END_DECLARATIONS
#endif /* REPRISE_LOG_BLOB_H */
