/* SPDX-License-Identifier: MIT */
#ifndef JETSTREAM_ACKS_H
#define JETSTREAM_ACKS_H

/* The thread reprise-acks: takes the acks of appends in flight, and gives up those that are due. */

#include "jetstream/flights.h"

/* Of the writer @argument, until it is being closed and nothing is in flight. */
void *acks_run(void *argument);

#endif /* JETSTREAM_ACKS_H */
