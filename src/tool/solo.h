/* SPDX-License-Identifier: MIT */
#ifndef TOOL_SOLO_H
#define TOOL_SOLO_H

/* A host with a thread of its own. */

#include <pthread.h>

#include "tool/host.h"

struct solo {
	struct host host;
	pthread_t thread;
};

/* Starts the thread of an open host. False: no thread was created. */
bool solo_start(struct solo *solo);
void solo_join(struct solo *solo);

#endif /* TOOL_SOLO_H */
