/* SPDX-License-Identifier: MIT */
#ifndef JETSTREAM_FAILURE_H
#define JETSTREAM_FAILURE_H

/*
 * The status of a failure of the client library or of a refusal of the server, with their own words
 * in `detail`.
 */

#include <nats/nats.h>

#include "jetstream/answer.h"

/* Codes of refusals (nats/status.h). */
enum {
	CODE_WRONG_LAST_SEQUENCE = 10071,
};

/* Of a call of the client library that did not answer NATS_OK. */
reprise_status failure_tell(natsStatus status, struct reprise_error *error);

/* Of a server's answer with a code that is not 0. */
reprise_status failure_tell_refusal(const struct answer *answer, struct reprise_error *error);

/* The server's answer is not as it should be. */
reprise_status failure_tell_garbled(const char *words, struct reprise_error *error);

/* libnats' words for the last failure of this thread, without the place in its sources. */
const char *failure_words(natsStatus status);

/* Without a connection nothing is sent. */
reprise_status failure_tell_away(struct reprise_error *error);

#endif /* JETSTREAM_FAILURE_H */
