/* SPDX-License-Identifier: MIT */
#ifndef LOG_TARGET_H
#define LOG_TARGET_H

/* Writing to one key, within a transaction (see write.h). */

#include "log/write.h"

struct target {
	struct reprise_log *log;
	struct reprise_log_key key;
	struct log_head *head; /* as it is to be */
	uint64_t now_ns;       /* since 1970 */
	const char *fault;     /* why the head is no good, or NULL: every write is refused */
	bool is_refused;       /* a write was: later ones are given up */
	bool is_touched;       /* the head is to be put */
};

/*
 * Each does one write. Anything but REPRISE_OK is the adapter's, and ends the transaction; the
 * write's own answer is its status: a refused write has changed nothing.
 */
reprise_status target_append(struct target *target, struct log_write *write,
			     struct reprise_error *error);
reprise_status target_record(struct target *target, struct log_write *write,
			     struct reprise_error *error);
reprise_status target_gap(struct target *target, struct log_write *write,
			  struct reprise_error *error);
reprise_status target_life(struct target *target, struct log_write *write,
			   struct reprise_error *error);
reprise_status target_reopen(struct target *target, struct log_write *write,
			     struct reprise_error *error);
reprise_status target_renew(struct target *target, struct log_write *write,
			    struct reprise_error *error);
reprise_status target_close(struct target *target, struct log_write *write,
			    struct reprise_error *error);
reprise_status target_void(struct target *target, struct log_write *write,
			   struct reprise_error *error);
reprise_status target_end(struct target *target, struct log_write *write,
			  struct reprise_error *error);
reprise_status target_archive(struct target *target, struct log_write *write,
			      struct reprise_error *error);

/* The write is refused. Answer REPRISE_OK: the transaction goes on. */
reprise_status refuse(struct log_write *write, reprise_status status);
reprise_status refuse_conflict(struct log_write *write, uint64_t expected, uint64_t actual);

/* Whether it is a RING key whose last life is of the write's incarnation. */
bool target_is_of_life(const struct target *target, const struct log_write *write);

/* The row of an event; @time_ns is its time if it brings none. */
struct log_row target_row(const struct target *target, uint64_t ordinal,
			  const struct reprise_log_new_entry *entry, uint64_t time_ns);

/*
 * Puts the row of the next ordinals, and of an event the marks by which its revision is found
 * again.
 */
reprise_status target_put_row(struct target *target, const struct log_row *row,
			      struct reprise_error *error);

/* Puts events at the next ordinals, and what finds their revisions again. */
reprise_status target_put_events(struct target *target, const struct reprise_log_new_entry *entries,
				 size_t entries_count, struct reprise_error *error);

/* Why entries cannot be appended, with the argument in @ret_what; or OK. */
reprise_status entries_refusal(const struct reprise_log_new_entry *entries, size_t entries_count,
			       const char **ret_what);

#endif /* LOG_TARGET_H */
