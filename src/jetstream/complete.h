/* SPDX-License-Identifier: MIT */
#ifndef JETSTREAM_COMPLETE_H
#define JETSTREAM_COMPLETE_H

/* What an append in flight was, if the server has acknowledged it as a duplicate. */

#include "jetstream/flights.h"

/*
 * The server has acknowledged an earlier publication of the flight's id: compares the two, and fills `appended` in.
 * A failure is in flight->error.
 */
reprise_status complete_compare(struct reprise_jetstream *writer, struct flight *flight);

#endif /* JETSTREAM_COMPLETE_H */
