/* SPDX-License-Identifier: MIT */
#ifndef LOG_ARCHIVE_H
#define LOG_ARCHIVE_H

#include "log/adapter.h"

/* Exported as those of adapter.h are. */
#define log_archive_covered reprise_private_log_archive_covered

/*
 * As reprise_log_archive_before, also of a key that has blobs: for the owner of the blobs, which
 * knows that they cover what is archived.
 */
REPRISE_API reprise_status log_archive_covered(struct reprise_log *log,
					       const struct reprise_log_key *key,
					       reprise_ordinal watermark, uint64_t *ret_count,
					       struct reprise_error *error);

/*
 * Deletes archived rows up to @bound, of the archive's table, too, and what indexed them: one
 * transaction, and at most REPRISE_LOG_MOVE_MAX rows. *ret_count is 0 if nothing was left. The
 * handle and the key are good.
 */
reprise_status log_remove_archived(struct reprise_log *log, const struct reprise_log_key *key,
				   reprise_ordinal bound, uint64_t *ret_count,
				   struct reprise_error *error);

#endif /* LOG_ARCHIVE_H */
