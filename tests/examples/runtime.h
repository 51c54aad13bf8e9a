/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_RUNTIME_H
#define EXAMPLES_RUNTIME_H

/* The source for the examples: a session, and a thread that appends events to it and ends it. */

#include <pthread.h>
#include <stdio.h>

#include <reprise/reprise.h>

#include "must.h"

struct runtime {
	struct reprise_store *store;
	struct reprise_writer *writer;
	struct reprise_subscription *host; /* after the session's beginning */
	pthread_t thread;
};

enum {
	RUNTIME_EVENTS = 20000,
};

static inline void *
runtime_main(void *argument)
{
	struct runtime *const runtime = argument;

	for (int i = 0; i < RUNTIME_EVENTS; i++)
		MUST(reprise_append(runtime->writer, 0, 0, 0, (struct reprise_bytes){ "token ", 6 },
				    NULL));
	MUST(reprise_writer_end(runtime->writer, 0));
	return NULL;
}

static inline void
runtime_open(struct runtime *runtime)
{
	struct reprise_cursor cursor;

	MUST(reprise_store_open(NULL, &runtime->store, NULL));
	MUST(reprise_writer_open(runtime->store, "chat-7", NULL, &runtime->writer, NULL));
	MUST(reprise_session_earliest_cursor(runtime->store, "chat-7", 0, &cursor));
	MUST(reprise_subscribe_after(runtime->store, &cursor, NULL, &runtime->host, NULL));
}

static inline void
runtime_start(struct runtime *runtime)
{
	if (pthread_create(&runtime->thread, NULL, runtime_main, runtime) != 0)
		must_failed("pthread_create");
}

/* 0 if every event was delivered, or told to be lost. */
static inline int
runtime_close(struct runtime *runtime, unsigned long delivered, unsigned long lost)
{
	pthread_join(runtime->thread, NULL);
	reprise_writer_close(runtime->writer);
	MUST(reprise_store_close(runtime->store));
	printf("%d appended: %lu delivered, %lu lost\n", RUNTIME_EVENTS, delivered, lost);
	return delivered + lost == RUNTIME_EVENTS ? 0 : 1;
}

#endif /* EXAMPLES_RUNTIME_H */
