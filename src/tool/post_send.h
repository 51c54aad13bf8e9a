/* SPDX-License-Identifier: MIT */
#ifndef TOOL_POST_SEND_H
#define TOOL_POST_SEND_H

/*
 * Sends batches, and knows of each line whether it is appended. A request is sent again only if the
 * gateway certainly did not append. (rule V92)
 */

#include <stdbool.h>
#include <stdint.h>

#include "tool/client.h"
#include "tool/post_arguments.h"
#include "tool/post_batch.h"

struct post_sender {
	const struct post_request *request;
	struct client *client;
	uint64_t events; /* appended */
	uint64_t first_position, last_position;
	uint64_t appended_line;               /* the last appended line; 0: none */
	uint64_t unknown_first, unknown_last; /* lines whose answer was lost; 0: none */
	bool is_stopped;
	int exit_status;
};

/*
 * Sends the first @count lines of the batch. @is_last: no line follows, so that the last event gets
 * what belongs to it: the flag COMMIT, and the end. False: the run is over, and stderr has the
 * reason.
 */
bool post_send(struct post_sender *sender, const struct post_batch *batch, size_t count,
	       bool is_last);

/* Ends the session, behind the last line. False as above. */
bool post_send_end(struct post_sender *sender);

/* The run is over, for a reason of the caller. */
void post_stop(struct post_sender *sender, int exit_status);

/* Says which lines are appended, if the run was stopped, and counts. Returns the exit status. */
int post_report(const struct post_sender *sender);

#endif /* TOOL_POST_SEND_H */
