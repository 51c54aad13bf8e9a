/* SPDX-License-Identifier: MIT */
#ifndef TOOL_CRASH_WIRE_H
#define TOOL_CRASH_WIRE_H

/* What goes over the pipes between the runtime's process and its hosts, who are outside. */

#include <stdbool.h>

#include <reprise/reprise.h>

enum crash_host {
	CRASH_STAYS,    /* is given everything at once */
	CRASH_DROPS,    /* has dropped its connection before the crash */
	CRASH_RECORDED, /* wants but what is recorded */
	CRASH_HOSTS,
};

enum crash_word_type {
	CRASH_BEGINS,  /* the runtime: position is the session's newest */
	CRASH_RECORDS, /* the runtime: recorded up to position */
	CRASH_EVENT,   /* to a host */
	CRASH_GAP,     /* to a host: position is the last that is lost, or where to go back to */
	CRASH_END,     /* to a host: the session has ended */
};

/* One write of it is whole: it is smaller than what a pipe takes at once. */
struct crash_word {
	enum crash_word_type type;
	enum crash_host host;
	reprise_position position;
	uint64_t digest; /* of the payload */
	uint64_t lost;
	reprise_source source;
	reprise_gap_detail detail;
	char cursor_text[REPRISE_CURSOR_TEXT_BYTES_MAX]; /* to come back with */
};

/* The cursors that the hosts come back with. */
struct crash_cursors {
	char texts[CRASH_HOSTS][REPRISE_CURSOR_TEXT_BYTES_MAX];
};

uint64_t crash_digest(struct reprise_bytes payload);

bool crash_send(int to, const void *data, size_t bytes);

/* False: nothing more comes. */
bool crash_receive(int from, void *data, size_t bytes);

#endif /* TOOL_CRASH_WIRE_H */
