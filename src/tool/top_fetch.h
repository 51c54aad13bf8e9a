/* SPDX-License-Identifier: MIT */
#ifndef TOOL_TOP_FETCH_H
#define TOOL_TOP_FETCH_H

/* A thread that takes samples, so that a slow gateway does not delay a key. */

#include <pthread.h>
#include <stdatomic.h>

#include "tool/top_take.h"

struct top_news {
	bool is_new;
	enum top_result result;
	struct top_sample *sample; /* owned, on TOP_TAKEN */
	char fault[TOP_FAULT_ROOM];
};

struct top_fetch {
	struct top_source source;
	uint64_t interval_ms;
	pthread_t thread;
	pthread_mutex_t lock; /* of news */
	struct top_news news; /* the latest; an older sample that nobody took is freed */
	int wake_fd;          /* readable: there are news */
	atomic_bool is_ending, is_paused;
};

/* Borrows the source's client until the end. False: no thread or no descriptor. */
bool top_fetch_begin(struct top_fetch *fetch, const struct top_source *source,
		     uint64_t interval_ms);

/* Takes what is new. The sample moves to the caller. */
struct top_news top_fetch_take(struct top_fetch *fetch);

void top_fetch_pause(struct top_fetch *fetch, bool is_paused);

/* Ends the thread within some 100 ms, also where the gateway does not answer. */
void top_fetch_end(struct top_fetch *fetch);

#endif /* TOOL_TOP_FETCH_H */
