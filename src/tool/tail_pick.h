/* SPDX-License-Identifier: MIT */
#ifndef TOOL_TAIL_PICK_H
#define TOOL_TAIL_PICK_H

/* The session of a gateway that has a single session. */

#include "tool/client.h"
#include "tool/tail_arguments.h"

/*
 * Puts the id into the request. Returns 0, or the exit status: stderr has the list of sessions or
 * the reason.
 */
int tail_pick(struct client *client, struct tail_request *request);

/* Prints why a request was refused or not answered, with the words of the gateway. */
void tail_say_refusal(const char *doing, const struct client_reply *reply);

#endif /* TOOL_TAIL_PICK_H */
