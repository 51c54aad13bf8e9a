/* SPDX-License-Identifier: MIT */
#ifndef ORACLE_HISTORY_H
#define ORACLE_HISTORY_H

/*
 * A random history of one session in a log, kept as plain arrays: its lives, its rows, its archive.
 * history.c makes histories and writes them; history_rules.c says what each cursor of a history
 * must be told (contracts A13 to A24, C08, C10, C22, L40 to L47).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/log.h>
#include <reprise/subscription.h>

#define HISTORY_THREAD "history-%08u"

enum {
	HISTORY_LIVES_MAX = 12,
	HISTORY_ROWS_MAX = 128,
	HISTORY_TEXT_BYTES = 4096,
};

struct history_life {
	struct reprise_incarnation incarnation;
	uint64_t first, end;
	reprise_life_state state;
	bool is_window; /* the store has its window */
};

/* An event, or a gap entry. */
struct history_row {
	uint64_t first, last;
	uint64_t revision;
	bool is_gap;
	bool is_commit;
	reprise_log_gap_reason reason;
};

struct history {
	char thread[32];
	struct history_life lives[HISTORY_LIVES_MAX];
	size_t lives_count;
	struct history_row rows[HISTORY_ROWS_MAX];
	size_t rows_count;
	uint64_t head;
	uint64_t watermark;
	uint64_t revision;
	bool has_ended; /* after the head; no life has begun since */
	int32_t end_status;
};

/* A small generator of numbers: the same seed gives the same histories. */
uint64_t random_next(uint64_t *random);
uint64_t random_below(uint64_t *random, uint64_t bound);

/* A history of one to eight lives. The number names its thread. */
void history_make(struct history *history, unsigned int number, uint64_t *random);

/* Appends to the model what a life does that the host's own window lives. */
void history_begin_life(struct history *history, const struct reprise_incarnation *incarnation);
void history_add_event(struct history *history, uint64_t revision, bool is_commit);

/* Writes all of them to the log, in one transaction. */
void history_write(struct reprise_log *log, const struct history *histories, size_t count);

/* How a cursor is used. */
enum history_use {
	USE_SUBSCRIBE,
	USE_REPLAY,
	USE_RESUME,
};

struct history_cursor {
	struct reprise_cursor cursor;
	enum history_use use;
	uint64_t durable_revision; /* of USE_RESUME */
};

/* The outcomes as text, each a line. */
struct telling_text {
	char bytes[HISTORY_TEXT_BYTES];
	size_t used;
};

void text_event(struct telling_text *text, uint64_t position, uint64_t revision);
void text_gap(struct telling_text *text, const struct history *history,
	      const struct reprise_gap *gap);
void text_end(struct telling_text *text, reprise_end_cause cause, int32_t status);

/* The rules: the outcomes for the cursor, until there are no more. */
void history_expect(const struct history *history, const struct history_cursor *asked,
		    struct telling_text *text);

/* Whether nothing more is said since the subscription waits, rather than since it is over. */
bool text_waits(const struct telling_text *text);

/* The text after as many lines; and how many lines it has. */
const char *text_after(const char *text, size_t lines);
size_t text_lines(const char *text);

#endif /* ORACLE_HISTORY_H */
