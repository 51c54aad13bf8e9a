/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_BARE_CLIENT_H
#define GATEWAY_BARE_CLIENT_H

/* A client that takes no memory, so that all memory that is refused is the gateway's. */

#include "place.h"

struct bare_reply {
	int status;       /* 0: the connection was closed instead */
	const char *text; /* with the head; valid until the next such call */
};

/*
 * Sends a request, and reads until the text @until has come, or with NULL until the connection's
 * end.
 */
struct bare_reply bare_ask(struct place *place, const char *request, const char *until);
/* Expects an error 503 in full, or a closed connection. */
void expect_refusal(const struct bare_reply *reply, int n);

#endif /* GATEWAY_BARE_CLIENT_H */
