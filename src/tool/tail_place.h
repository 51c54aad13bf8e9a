/* SPDX-License-Identifier: MIT */
#ifndef TOOL_TAIL_PLACE_H
#define TOOL_TAIL_PLACE_H

/* Where `reprise tail` begins in a log: the session, and the cursor. */

#include <stdbool.h>

#include "tool/tail_take.h"

/*
 * Puts the id of the log's single session into the request. Returns 0, or the exit status: stderr
 * has the list of sessions or the reason.
 */
int tail_place_pick(struct reprise_log *log, struct tail_request *request);

/*
 * Finds the place to begin, and with --wait waits until the session is there. False: the run is
 * over, and stderr has the reason.
 */
bool tail_place_find(struct tail *tail, struct reprise_log *log, struct reprise_cursor *ret_cursor);

#endif /* TOOL_TAIL_PLACE_H */
