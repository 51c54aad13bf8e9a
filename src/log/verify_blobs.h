/* SPDX-License-Identifier: MIT */
#ifndef LOG_VERIFY_BLOBS_H
#define LOG_VERIFY_BLOBS_H

/* The blobs of a key against their checksums, and their number against the head's. */

#include "log/adapter.h"

struct blobs_report {
	uint64_t blobs; /* looked at */
	uint64_t faults;
	char what[REPRISE_ERROR_WHAT_BYTES]; /* the first of them */
};

/*
 * Reads the key in looks of its own. A damaged blob is a fault; the call fails if the log
 * cannot be read.
 */
reprise_status blobs_verify(struct reprise_log *log, const struct reprise_log_key *key,
			    struct blobs_report *ret_report, struct reprise_error *error);

#endif /* LOG_VERIFY_BLOBS_H */
