/* SPDX-License-Identifier: MIT */
#ifndef LOG_VERIFY_LIVES_H
#define LOG_VERIFY_LIVES_H

/* The lives of a key against each other and against the head. */

#include "log/adapter.h"

struct lives_report {
	uint64_t faults;
	reprise_ordinal at; /* of the first fault */
	const char *what;   /* the first fault */
};

/*
 * Reads the key in separate looks. @head is of an earlier look: later lives are left out. The call
 * fails if the log cannot be read.
 */
reprise_status lives_verify(struct reprise_log *log, const struct reprise_log_key *key,
			    const struct log_head *head, struct lives_report *ret_report,
			    struct reprise_error *error);

#endif /* LOG_VERIFY_LIVES_H */
