/* SPDX-License-Identifier: MIT */
#include "tool/crash_books.h"

#include <string.h>

#include "tool/log_place.h"

enum {
	ENTRIES_A_PAGE = 512,
};

static void
take_event(struct crash_book *book, const struct crash_word *word)
{
	if (word->position != book->seen + 1 || book->seen - book->before == CRASH_EVENTS_MAX) {
		book->wrong++;
		return;
	}
	book->digests[book->seen - book->before] = word->digest;
	book->seen = word->position;
	book->delivered++;
	book->healed += word->source == REPRISE_SOURCE_LOG;
}

static void
take_gap(struct crash_book *book, const struct crash_word *word)
{
	book->lost += word->lost;
	switch (word->detail) {
	case REPRISE_GAP_DIVERGED:
		/* The log does not have the events after this position. */
		if (word->position > book->seen || word->position < book->before) {
			book->wrong++;
			return;
		}
		book->diverged++;
		book->dropped += book->seen - word->position;
		book->seen = word->position;
		return;
	case REPRISE_GAP_RESTART:
		book->restarts++;
		return;
	case REPRISE_GAP_CAPACITY:
	case REPRISE_GAP_AGE:
	case REPRISE_GAP_REQUEST:
	case REPRISE_GAP_AHEAD:
	case REPRISE_GAP_BEFORE_WINDOW:
	case REPRISE_GAP_OTHER_INCARNATION:
	case REPRISE_GAP_INVALIDATED:
	case REPRISE_GAP_UNKNOWN_SESSION:
	case REPRISE_GAP_BEHIND_DURABLE:
	case REPRISE_GAP_OVERRUN:
	case REPRISE_GAP_TOO_LARGE:
	case REPRISE_GAP_NOT_RECORDED:
	case REPRISE_GAP_ARCHIVED:
	case REPRISE_GAP_DAMAGED:
	case REPRISE_GAP_LIFE_ENDED:
		book->wrong++;
	}
}

void
crash_book_take(struct crash_book *book, const struct crash_word *word)
{
	if (word->type == CRASH_EVENT)
		take_event(book, word);
	else if (word->type == CRASH_GAP)
		take_gap(book, word);
	else
		book->is_ended = true;
	if (word->cursor_text[0] != '\0')
		memcpy(book->cursor_text, word->cursor_text, sizeof(book->cursor_text));
}

/* Compares the entries of one page. Returns the number of differences. */
static uint64_t
compare_page(const struct crash_book *book, const struct reprise_log_entry *entries,
	     size_t entries_count)
{
	uint64_t differences = 0;

	for (size_t i = 0; i < entries_count; i++) {
		const reprise_ordinal ordinal = entries[i].first;

		if (entries[i].type != REPRISE_LOG_EVENT || ordinal <= book->before ||
		    ordinal > book->seen ||
		    book->digests[ordinal - book->before - 1] != crash_digest(entries[i].payload))
			differences++;
	}
	return differences;
}

uint64_t
crash_book_compare(const struct crash_book *book, const char *log_file)
{
	const struct log_place place = { .file = log_file };
	const struct reprise_log_key key = { "default", CRASH_SESSION };
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_log *log = NULL;
	struct reprise_log_page *page = NULL;
	reprise_ordinal after = book->before;
	uint64_t differences = 0;
	size_t count = 1;
	reprise_status status = log_place_open(&place, LOG_ACCESS_READ, &log, &error);

	if (status == REPRISE_OK)
		status = reprise_log_page_open(&page);
	while (status == REPRISE_OK && count > 0) {
		status = reprise_log_load_after(log, &key, after, ENTRIES_A_PAGE, 0, page, &error);
		const struct reprise_log_entry *const entries =
			reprise_log_page_entries(page, &count);

		if (status != REPRISE_OK || count == 0)
			break;
		differences += compare_page(book, entries, count);
		after = entries[count - 1].last;
	}
	reprise_log_page_close(page);
	reprise_log_close(log);
	if (status != REPRISE_OK)
		log_say_failure("demo", CRASH_SESSION, status, &error);
	return status == REPRISE_OK && after == book->seen ? differences : differences + 1;
}

const char *
crash_book_fault(const struct crash_book *book, enum crash_host host, uint64_t differences)
{
	if (book->wrong > 0)
		return "got an event out of order, or an unexpected gap";
	if (book->delivered - book->dropped + book->lost != book->seen - book->before)
		return "the counts do not add up";
	if (differences > 0)
		return "does not have the events of the log";
	if (book->lost > 0)
		return "lost events that the log should have";
	if (book->restarts != 1)
		return "did not get exactly one gap RESTART";
	if (book->diverged != (host == CRASH_STAYS))
		return host == CRASH_STAYS ? "did not get the gap DIVERGED" : "got a gap DIVERGED";
	if (host == CRASH_STAYS && book->dropped == 0)
		return "discarded no event";
	if (host == CRASH_DROPS && book->healed == 0)
		return "read nothing from the log";
	return book->is_ended ? NULL : "did not get the end of the session";
}
