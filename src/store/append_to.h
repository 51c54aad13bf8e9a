/* SPDX-License-Identifier: MIT */
#ifndef STORE_APPEND_TO_H
#define STORE_APPEND_TO_H

#include "store/session.h"

/* An append by id. */
struct append {
	uint64_t revision;
	uint16_t kind, flags;
	struct reprise_bytes payload;
	reprise_position *ret_position;
};

/* The state of an append by id after a try. */
enum progress {
	PROGRESS_DONE,
	PROGRESS_RETRY, /* somebody opens the session, closes it, or has declared its window void */
	PROGRESS_ALONE, /* the session has no writer */
};

/*
 * Appends to a session that was found, if it has shared writers. *ret_status is set if
 * that is done.
 */
enum progress append_to_found(struct reprise_session *session, const struct append *append,
			      reprise_status *ret_status);

#endif /* STORE_APPEND_TO_H */
