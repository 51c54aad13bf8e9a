/* SPDX-License-Identifier: MIT */
#ifndef STORE_RELAY_H
#define STORE_RELAY_H

/*
 * The store's thread. It gives back the memory of sessions that are gone, and it keeps the stamp
 * word: every 10 ms while anything is appended; once a second it leaves the word stale for a tick to
 * learn whether anything still is; if not, it looks at ever longer intervals, up to a second.
 */

#include <pthread.h>
#include <stdbool.h>

#include "store/stamp.h"

struct relay {
	struct stamp *stamp;           /* borrowed */
	void (*chores)(void *context); /* done at every tick, without the lock */
	void *context;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	bool started, stopping;
	bool stamp_by_host; /* the word is the host's; hands off */
};

/* False if the system has no more mutexes or condition variables. */
bool relay_open(struct relay *relay, struct stamp *stamp, void (*chores)(void *context),
		void *context);
void relay_close(struct relay *relay);

/* Starts the thread if it is not running; answers 0 or an errno. Callers exclude each other. */
int relay_start(struct relay *relay);

/* The word is the host's from now on. */
void relay_stamp_by_host(struct relay *relay, uint64_t stamp_ns);

#endif /* STORE_RELAY_H */
