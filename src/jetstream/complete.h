/* SPDX-License-Identifier: MIT */
#ifndef JETSTREAM_COMPLETE_H
#define JETSTREAM_COMPLETE_H

/* The thread reprise-done: calls the completions of appends that are decided. */

#include "jetstream/flights.h"

/* Of the writer @argument, until it is being closed and every append is completed. */
void *complete_run(void *argument);

#endif /* JETSTREAM_COMPLETE_H */
