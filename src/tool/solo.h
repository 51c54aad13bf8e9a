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

/* Starts a host that is open. False if it cannot. */
bool solo_start(struct solo *solo);
void solo_join(struct solo *solo);

#endif /* TOOL_SOLO_H */
