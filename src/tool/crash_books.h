/* SPDX-License-Identifier: MIT */
#ifndef TOOL_CRASH_BOOKS_H
#define TOOL_CRASH_BOOKS_H

/* The events and counts of a host, for a comparison with the log at the end. */

#include "tool/crash_life.h"
#include "tool/crash_wire.h"

struct crash_book {
	reprise_position before;            /* the position of the first cursor */
	reprise_position seen;              /* the host has every event after `before` up to here */
	uint64_t digests[CRASH_EVENTS_MAX]; /* of these events */
	char cursor_text[REPRISE_CURSOR_TEXT_BYTES_MAX];

	uint64_t delivered, healed; /* healed: the delivered events from the log */
	uint64_t dropped;           /* discarded events, after the gap DIVERGED */
	uint64_t lost, diverged, restarts;
	uint64_t wrong; /* out of order, or too many */
	bool is_ended;
};

/* Counts an event, a gap or the end for this host. */
void crash_book_take(struct crash_book *book, const struct crash_word *word);

/* Compares the host with the log. Returns the number of different or missing events. */
uint64_t crash_book_compare(const struct crash_book *book, const char *log);

/* The fault in the counts, or NULL. */
const char *crash_book_fault(const struct crash_book *book, enum crash_host host,
			     uint64_t differences);

#endif /* TOOL_CRASH_BOOKS_H */
