/* SPDX-License-Identifier: MIT */
#ifndef LOG_VERIFY_MARKS_H
#define LOG_VERIFY_MARKS_H

/*
 * Rises and commits, derived from the rows once more and compared with what is stored: each that
 * should be there is, and each that is there is an event's. Rises of rows that were moved away are
 * taken as they are; together with the head's last one they only have to rise.
 */

#include <stdbool.h>
#include <stddef.h>

#include "log/adapter.h"

enum {
	MARKS_AT_A_TIME = 1000, /* rows, rises or commits that one look takes */
};

struct marks {
	struct reprise_log *log;
	struct log_head head;   /* of the present look */
	uint64_t revision;      /* the greatest so far */
	uint64_t covered;       /* the last ordinal that a row has covered */
	struct log_mark *rises; /* those that follow, as far as they were read */
	size_t rises_count, rises_at;
	uint64_t rises_above; /* the revision that they were read from */
	bool has_all_rises;
	struct log_mark
		*commits; /* of this look's rows: each after which none has a revision as great */
	size_t commits_count;
	reprise_status status; /* of reading them */
	struct reprise_error error;
	const char *fault; /* what marks_see has found last, or NULL */
	uint64_t fault_at;
};

reprise_status marks_open(struct marks *marks, struct reprise_log *log,
			  struct reprise_error *error);
void marks_close(struct marks *marks);

/* A look begins; of at most MARKS_AT_A_TIME rows, which marks_see is told in their order. */
void marks_look(struct marks *marks, const struct log_head *head);
void marks_see(struct marks *marks, const struct log_row *row);

/*
 * The look ends; @is_last: all rows up to @head were seen. Fails if a rise or a commit could
 * not be read.
 */
reprise_status marks_leave(struct marks *marks, uint64_t head, bool is_last,
			   struct reprise_error *error);

/* Within a look: commits from @revision on, which is set to where the next look goes on. */
reprise_status marks_check_commits(struct marks *marks, uint64_t *revision, bool *ret_more,
				   struct reprise_error *error);

#endif /* LOG_VERIFY_MARKS_H */
