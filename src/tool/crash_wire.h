/* SPDX-License-Identifier: MIT */
#ifndef TOOL_CRASH_WIRE_H
#define TOOL_CRASH_WIRE_H

/* The data on the pipes between the runtime's process and the process of the hosts. */

#include <stdbool.h>

#include <reprise/reprise.h>

enum crash_host {
	CRASH_STAYS,    /* stays connected */
	CRASH_DROPS,    /* has dropped its connection before the kill */
	CRASH_RECORDED, /* subscribes to recorded events only */
	CRASH_HOSTS,
};

enum crash_word_type {
	CRASH_BEGINS,  /* the runtime: position is the newest position */
	CRASH_RECORDS, /* the runtime: the log has the events up to position */
	CRASH_EVENT,   /* to a host */
	CRASH_GAP,     /* to a host: position is the last lost event, or the way back */
	CRASH_END,     /* to a host: the session has ended */
};

/* Smaller than PIPE_BUF, so that each write is atomic. */
struct crash_word {
	enum crash_word_type type;
	enum crash_host host;
	reprise_position position;
	uint64_t digest; /* of the payload */
	uint64_t lost;
	reprise_source source;
	reprise_gap_detail detail;
	char cursor_text[REPRISE_CURSOR_TEXT_BYTES_MAX]; /* for the next connection */
};

/* The cursors of the hosts that come back. */
struct crash_cursors {
	char texts[CRASH_HOSTS][REPRISE_CURSOR_TEXT_BYTES_MAX];
};

uint64_t crash_digest(struct reprise_bytes payload);

bool crash_send(int to, const void *data, size_t bytes);

/* False: the pipe is closed. */
bool crash_receive(int from, void *data, size_t bytes);

#endif /* TOOL_CRASH_WIRE_H */
