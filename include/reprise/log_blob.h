/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_LOG_BLOB_H
#define REPRISE_LOG_BLOB_H

/*
 * reprise/log_blob.h - bytes that a key keeps beside its entries
 *
 * A DIRECT key has blobs, each under a name of its own, such as snapshots of what its entries add up to. A blob has no
 * ordinal, and a put changes no entry and no ordinal. The log does not know what the bytes say. (rules L50, L51)
 *
 * A name is NUL-terminated, 1 to REPRISE_LOG_BLOB_NAME_BYTES_MAX bytes of valid UTF-8 without control characters.
 */

#include <reprise/log.h>

REPRISE_BEGIN_DECLARATIONS

/*
 * reprise_log_blob_put - keep bytes under a name, in the place of those that were there
 *
 * One transaction: whatever happens, the blob is whole as it was before or whole as it is put. From then on
 * reprise_log_archive_before refuses the key.
 *
 * @log            Borrowed.
 * @key            Whose; a DIRECT key that has been written to.
 * @expected_head  The head that the key must have, or NULL: any.
 * @name           Which of its blobs.
 * @bytes          Borrowed for the call. At most REPRISE_LOG_PAYLOAD_BYTES_MAX; may be empty.
 * @error          Optional: `expected` and `actual` heads on REPRISE_E_CONFLICT.
 *
 * Threads   Any.
 * Progress  Blocks, up to the adapter's deadline.
 * Ordering  Durable as the adapter was opened, when it returns.
 * Returns   REPRISE_OK
 *           REPRISE_E_NOT_FOUND  nothing was ever written to the key; nothing changed
 *           REPRISE_E_CONFLICT   a RING key, or another head; nothing changed
 *           REPRISE_E_TOO_LARGE  the bytes; nothing changed
 *           REPRISE_E_INVALID    a NULL argument, a bad key or name
 *           REPRISE_E_FORKED     another process opened the handle
 *           REPRISE_E_TIMEOUT    others held the log for longer than the deadline; nothing changed
 *           REPRISE_E_IO         the log cannot be written; what became of it is not known
 *           REPRISE_E_CORRUPT    what is kept of the key is damaged; nothing changed
 *           REPRISE_E_NO_MEMORY  nothing changed
 */
REPRISE_API reprise_status reprise_log_blob_put(struct reprise_log *log,
						const struct reprise_log_key *key,
						const reprise_ordinal *expected_head,
						const char *name, struct reprise_bytes bytes,
						struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_log_blob_get - the bytes that were put last under a name
 *
 * @log        Borrowed.
 * @key        Whose.
 * @name       Which of its blobs.
 * @page       Emptied, then room for the bytes (reprise_log_page_open). It holds no entries.
 * @ret_bytes  Set on REPRISE_OK: borrowed until the page is loaded again or closed. Of an empty blob, `data` is NULL.
 * @error      Optional.
 *
 * Threads   Any.
 * Progress  Blocks; linear in the number of the key's blobs if none has the name.
 * Ordering  What was committed before the call is seen.
 * Returns   REPRISE_OK
 *           REPRISE_E_NOT_FOUND  the key has no blob of that name, or nothing was ever written to it
 *           REPRISE_E_CORRUPT    the blob's checksum is another, with its name in `detail`; or the key has no blob of
 *                                that name, and its head counts another number of blobs
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
