/* SPDX-License-Identifier: MIT */
#ifndef TOOL_SERVE_DEMO_SESSION_H
#define TOOL_SERVE_DEMO_SESSION_H

/* A session of the runtime of `reprise demo --serve`, over any number of lives. */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <reprise/reprise.h>

/* A wait looks at the end of the demo at least so often. */
#define DEMO_LOOK_NS UINT64_C(100000000)

/* When the demo ends. */
struct demo_end {
	atomic_bool is_over;
	uint64_t at_ns; /* on pace_now's clock; UINT64_MAX: until stopped */
};

bool demo_is_over(const struct demo_end *end);

struct demo_session {
	struct reprise_store *store;
	const char *id;
	uint64_t events_max; /* 0: the default */
	const struct demo_end *end;
	struct reprise_writer *writer; /* NULL: not open */
};

/* An ended session gets a new life, and so does a session with an invalidated window. */
reprise_status demo_session_open(struct demo_session *session, struct reprise_error *error);

/*
 * Opens the session if needed. If the window is full of events without a record, the call waits for
 * room; an event without room at the end of the demo is dropped.
 */
reprise_status demo_session_append(struct demo_session *session, uint64_t revision, uint16_t kind,
				   uint16_t flags, const char *text);

/* The writer is closed, too. */
reprise_status demo_session_end(struct demo_session *session, int32_t status);

void demo_session_close(struct demo_session *session);

#endif /* TOOL_SERVE_DEMO_SESSION_H */
