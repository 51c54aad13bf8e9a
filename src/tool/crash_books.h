/* SPDX-License-Identifier: MIT */
#ifndef TOOL_CRASH_BOOKS_H
#define TOOL_CRASH_BOOKS_H

/* What a host outside holds, and its books: event by event, to be compared with the log at the end. */

#include "tool/crash_life.h"
#include "tool/crash_wire.h"

struct crash_book {
	reprise_position before; /* its first cursor's */
	reprise_position seen;   /* it holds everything after its first cursor up to here */
	uint64_t digests[CRASH_EVENTS_MAX]; /* of what it holds */
	char cursor_text[REPRISE_CURSOR_TEXT_BYTES_MAX];

	uint64_t delivered, healed; /* healed: of the delivered, those from the log */
	uint64_t dropped;           /* that it held and gave up, having diverged */
	uint64_t lost, diverged, restarts;
	uint64_t wrong; /* out of order, or more than there can be */
	bool is_ended;
};

/* Writes down what came over the pipe for this host. */
void crash_book_take(struct crash_book *book, const struct crash_word *word);

/* How many entries of the log are not what the host holds, or missing on either side. */
uint64_t crash_book_compare(const struct crash_book *book, const char *log);

/* Why its books are not as they should be; or NULL. */
const char *crash_book_fault(const struct crash_book *book, enum crash_host host,
			     uint64_t differences);

#endif /* TOOL_CRASH_BOOKS_H */
