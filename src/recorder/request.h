/* SPDX-License-Identifier: MIT */
#ifndef RECORDER_REQUEST_H
#define RECORDER_REQUEST_H

/* Requests of hosts' threads to the writing thread: to begin a life, or to reopen one. */

#include "log/write.h"

struct recording;
struct reprise_recorder;

/* The question of a host's thread, and the answer. */
struct asked {
	enum log_write_type type;    /* LOG_LIFE or LOG_REOPEN */
	struct recording *recording; /* NULL: nothing is asked for */
	uint64_t arena_bytes; /* of the window that is to be created; 0: the window is there */
	struct reprise_error *error;

	struct request *request; /* while it waits */
	reprise_status status;
	reprise_position head; /* on REPRISE_OK */
};

/*
 * Has the writing thread do all that is asked for, and waits at most for the recorder's deadline.
 * The recording of a LOG_LIFE moves: on REPRISE_OK it is the caller's again, otherwise it is freed,
 * or is closed later if the life begins after all.
 */
void requests_await(struct reprise_recorder *recorder, struct asked *asked, size_t count);

/* Does the requests that wait, in one transaction. The writing thread's. */
void requests_do(struct reprise_recorder *recorder);

#endif /* RECORDER_REQUEST_H */
