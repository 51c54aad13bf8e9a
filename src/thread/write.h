/* SPDX-License-Identifier: MIT */
#ifndef THREAD_WRITE_H
#define THREAD_WRITE_H

/* The rows that writes put, and what they prune. */

#include "thread/delta.h"
#include "thread/handle.h"

/* E_CONFLICT unless the head is of the expected version, or none is expected. */
reprise_status write_expect(const struct writing *writing, const uint64_t *expected_version,
			    struct reprise_error *error);

/* The head as it is by now, with its checksum. */
reprise_status write_head(struct writing *writing, struct reprise_error *error);

/* A delta that brings the document to @version, and that it is remembered. */
reprise_status write_delta(struct writing *writing, const struct delta *delta, uint64_t version,
			   struct reprise_error *error);
reprise_status write_applied(struct writing *writing, const char *delta_id,
			     const unsigned char *digest, uint64_t version,
			     struct reprise_error *error);

/* The remembered deltas of several ids, which differ. E_CORRUPT if one is damaged. */
reprise_status find_applied(struct reprise_thread_store *store, const struct thread_uid *uid,
			    const char *const *delta_ids, size_t delta_ids_count,
			    struct thread_applied *ret_applied, struct reprise_error *error);

/*
 * Drops some of what is older than the horizon: ids of all documents, and deltas of this one that
 * its text has. A write that puts so many @rows drops more than it puts.
 */
reprise_status prune_applied(struct writing *writing, uint64_t rows, struct reprise_error *error);
reprise_status prune_deltas(struct writing *writing, uint64_t rows, bool *ret_is_held,
			    struct reprise_error *error);

#endif /* THREAD_WRITE_H */
