/* SPDX-License-Identifier: MIT */
#ifndef TOOL_RUN_EVENTS_H
#define TOOL_RUN_EVENTS_H

/*
 * The session of `reprise run`: appends lines, and ends the session with the command. With a log an
 * append waits for the log rather than displace a line without a record, but not for ever.
 * (rules V86, V87)
 */

#include <stdbool.h>
#include <stdint.h>

#include <reprise/recorder.h>
#include <reprise/store.h>
#include <reprise/writer.h>

#include "tool/run_lines.h"

struct run_events {
	struct reprise_store *store;       /* borrowed */
	struct reprise_recorder *recorder; /* borrowed; NULL: no log */
	const char *session_id;            /* borrowed */
	struct reprise_session_options options;
	struct reprise_writer *writer; /* NULL: closed */
	uint64_t wait_ns;              /* for the log, at most */
	uint64_t waits_since_ns;       /* of the event that waits; 0: none */
	bool is_overwriting;           /* the log has kept an event waiting for too long */
	reprise_status fault;          /* since then no event is taken */
	uint64_t refused;              /* events since then */
	uint64_t taken;                /* events that the session has taken */
};

enum run_append {
	RUN_APPEND_DONE, /* or counted as refused */
	RUN_APPEND_WAITS,
};

/* Opens the session, and says which bytes an event may have. False: stderr has the reason. */
bool run_events_open(struct run_events *events, uint64_t *ret_bytes_max);

/* Waits for room in the log for a few milliseconds. */
enum run_append run_events_append(struct run_events *events, const struct run_line *line);

/* From here on no append waits: the oldest lines without a record give way. */
void run_events_hurry(struct run_events *events);

/* The session has ended; no append may follow. */
void run_events_end(struct run_events *events, int32_t end_status);

/* Whether the log has all events. Waits for a few milliseconds. */
bool run_events_are_recorded(const struct run_events *events);

void run_events_close(struct run_events *events);

/* Says on stderr how many events the session has not taken. */
void run_events_say_refused(const struct run_events *events);

#endif /* TOOL_RUN_EVENTS_H */
