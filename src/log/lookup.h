/* SPDX-License-Identifier: MIT */
#ifndef LOG_LOOKUP_H
#define LOG_LOOKUP_H

/*
 * The adapter's finds, each with the check of what it found: whatever does not match its checksum,
 * or cannot be, is E_CORRUPT. The head comes from look_begin or from a target, so that its
 * key_checksum is set.
 */

#include "log/adapter.h"

/* The last life whose first ordinal is at most @ordinal; number 0: none. */
reprise_status lookup_life_at(struct reprise_log *log, const struct log_head *head,
			      uint64_t ordinal, struct reprise_life *ret_life,
			      struct reprise_error *error);

/* The life of that incarnation; number 0: none. */
reprise_status lookup_life_of(struct reprise_log *log, const struct log_head *head,
			      const struct reprise_incarnation *incarnation,
			      struct reprise_life *ret_life, struct reprise_error *error);

/* The lives with a greater number, ascending. */
reprise_status lookup_lives_after(struct reprise_log *log, const struct log_head *head,
				  uint64_t number, struct reprise_life *ret_lives, size_t lives_max,
				  size_t *ret_count, struct reprise_error *error);

/* The rises with a revision greater than @revision, ascending. */
reprise_status lookup_rises_above(struct reprise_log *log, const struct log_head *head,
				  uint64_t revision, struct log_mark *ret_rises, size_t rises_max,
				  size_t *ret_count, struct reprise_error *error);

/* The commits with a revision of at least @revision, ascending by it. */
reprise_status lookup_commits_from(struct reprise_log *log, const struct log_head *head,
				   uint64_t revision, struct log_mark *ret_commits,
				   size_t commits_max, size_t *ret_count,
				   struct reprise_error *error);

/* The blob of that name, shown to @visit if there is one. E_CORRUPT has the name in `detail`. */
reprise_status lookup_blob(struct reprise_log *log, const struct log_head *head, const char *name,
			   log_blob_visit visit, void *context, bool *ret_is_there,
			   struct reprise_error *error);

/*
 * Names after @after in the order of their bytes; fewer than LOG_BLOB_NAMES_MAX: there are no more.
 */
reprise_status lookup_blob_names(struct reprise_log *log, const struct log_head *head,
				 const char *after, struct log_blob_name *ret_names,
				 size_t *ret_count, struct reprise_error *error);

/* E_CORRUPT, with both numbers, unless there are as many blobs as the head counts. */
reprise_status lookup_blobs_counted(struct reprise_log *log, const struct log_head *head,
				    struct reprise_error *error);

#endif /* LOG_LOOKUP_H */
