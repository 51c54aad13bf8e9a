/* SPDX-License-Identifier: MIT */

/* Random histories, and how they are written to a log. */

#include "history.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <reprise/session.h>

#include "log/write.h"

enum {
	LIVES_MADE_MAX = 8,
	ROWS_OF_LIFE_MAX = 6,
	WRITES_MAX = 8192,
};

uint64_t
random_next(uint64_t *random)
{
	uint64_t mixed = *random += UINT64_C(0x9e3779b97f4a7c15);

	mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
	return mixed ^ (mixed >> 31);
}

uint64_t
random_below(uint64_t *random, uint64_t bound)
{
	return random_next(random) % bound;
}

static bool
is_chosen(uint64_t *random, unsigned int percent)
{
	return random_below(random, 100) < percent;
}

void
history_begin_life(struct history *history, const struct reprise_incarnation *incarnation)
{
	if (history->lives_count > 0) {
		struct history_life *const last = &history->lives[history->lives_count - 1];

		if (last->state == REPRISE_LIFE_OPEN)
			last->state = REPRISE_LIFE_CRASHED;
	}
	history->has_ended = false;
	history->lives[history->lives_count++] = (struct history_life){
		.incarnation = *incarnation,
		.first = history->head + 1,
		.end = history->head,
		.state = REPRISE_LIFE_OPEN,
	};
}

static struct history_row *
add_row(struct history *history, uint64_t positions)
{
	struct history_row *const row = &history->rows[history->rows_count++];

	*row = (struct history_row){ .first = history->head + 1,
				     .last = history->head + positions };
	history->head = row->last;
	history->lives[history->lives_count - 1].end = row->last;
	return row;
}

void
history_add_event(struct history *history, uint64_t revision, bool is_commit)
{
	struct history_row *const row = add_row(history, 1);

	row->revision = revision;
	row->is_commit = is_commit;
}

static void
add_random_row(struct history *history, uint64_t *random)
{
	if (is_chosen(random, 15)) {
		struct history_row *const row = add_row(history, 1 + random_below(random, 4));

		row->is_gap = true;
		row->reason =
			is_chosen(random, 50) ? REPRISE_LOG_GAP_OVERRUN : REPRISE_LOG_GAP_TOO_LARGE;
		return;
	}
	if (is_chosen(random, 30))
		history->revision += random_below(random, 4);
	/* Revisions need not grow. */
	const uint64_t below = random_below(random, 3);
	const uint64_t revision = is_chosen(random, 20) && below < history->revision
					  ? history->revision - below
					  : history->revision;

	history_add_event(history, revision, is_chosen(random, 25));
}

/* How the life that was begun last goes on, and ends. */
static void
make_life(struct history *history, uint64_t *random)
{
	static const reprise_life_state states[] = { REPRISE_LIFE_OPEN, REPRISE_LIFE_OPEN,
						     REPRISE_LIFE_CLEAN, REPRISE_LIFE_CLEAN,
						     REPRISE_LIFE_INVALIDATED };
	const uint64_t rows =
		is_chosen(random, 30) ? 0 : 1 + random_below(random, ROWS_OF_LIFE_MAX);

	for (uint64_t i = 0; i < rows; i++)
		add_random_row(history, random);
	history->lives[history->lives_count - 1].state = states[random_below(random, 5)];
	if (is_chosen(random, 30)) {
		history->has_ended = true;
		history->end_status = 1 + (int32_t)random_below(random, 9);
	}
}

void
history_make(struct history *history, unsigned int number, uint64_t *random)
{
	const uint64_t lives = 1 + random_below(random, LIVES_MADE_MAX);

	*history = (struct history){ .revision = 1 };
	snprintf(history->thread, sizeof(history->thread), HISTORY_THREAD, number);
	for (uint64_t i = 0; i < lives; i++) {
		struct reprise_incarnation incarnation;

		for (size_t byte = 0; byte < sizeof(incarnation.bytes); byte++)
			incarnation.bytes[byte] = (unsigned char)random_next(random);
		history_begin_life(history, &incarnation);
		make_life(history, random);
	}
	if (is_chosen(random, 40) && history->head > 0)
		history->watermark = 1 + random_below(random, history->head);
}

/* The writes of many histories, and the entries that they borrow. */
struct writing {
	struct log_write writes[WRITES_MAX];
	struct reprise_log_new_entry entries[WRITES_MAX];
	char payloads[WRITES_MAX][24];
	size_t count;
};

static struct log_write *
put(struct writing *writing, const struct history *history, const struct history_life *life,
    enum log_write_type type)
{
	if (writing->count == WRITES_MAX)
		abort();
	struct log_write *const write = &writing->writes[writing->count++];

	*write = (struct log_write){ .type = type,
				     .thread = history->thread,
				     .incarnation = life->incarnation };
	return write;
}

static void
put_row(struct writing *writing, const struct history *history, const struct history_life *life,
	const struct history_row *row)
{
	const size_t at = writing->count;
	struct log_write *const write =
		put(writing, history, life, row->is_gap ? LOG_GAP : LOG_RECORD);

	write->first = row->first;
	write->last = row->last;
	write->reason = row->reason;
	if (row->is_gap)
		return;
	const int bytes = snprintf(writing->payloads[at], sizeof(writing->payloads[at]), "%" PRIu64,
				   row->first);

	writing->entries[at] = (struct reprise_log_new_entry){
		.revision = row->revision,
		.time_ns = 1 + row->first,
		.flags = row->is_commit ? REPRISE_EVENT_COMMIT : 0,
		.payload = { writing->payloads[at], (size_t)bytes },
	};
	write->entries = &writing->entries[at];
	write->entries_count = 1;
}

static void
put_history(struct writing *writing, const struct history *history)
{
	size_t row = 0;

	for (size_t i = 0; i < history->lives_count; i++) {
		const struct history_life *const life = &history->lives[i];
		const bool is_last = i + 1 == history->lives_count;

		(void)put(writing, history, life, LOG_LIFE);
		while (row < history->rows_count && history->rows[row].last <= life->end)
			put_row(writing, history, life, &history->rows[row++]);
		if (is_last && history->has_ended) {
			struct log_write *const write = put(writing, history, life, LOG_END);

			write->last = history->head;
			write->end_status = history->end_status;
		}
		if (life->state == REPRISE_LIFE_CLEAN)
			(void)put(writing, history, life, LOG_CLOSE);
		if (life->state == REPRISE_LIFE_INVALIDATED)
			(void)put(writing, history, life, LOG_VOID);
	}
	put(writing, history, &history->lives[0], LOG_ARCHIVE)->last = history->watermark;
}

void
history_write(struct reprise_log *log, const struct history *histories, size_t count)
{
	struct writing *const writing = calloc(1, sizeof(*writing));
	struct reprise_error error = { .size = sizeof(error) };

	if (writing == NULL)
		abort();
	for (size_t i = 0; i < count; i++)
		put_history(writing, &histories[i]);
	reprise_status status = log_write(log, LOG_WRITTEN, LOG_PATIENT, "default", writing->writes,
					  writing->count, &error);

	for (size_t i = 0; i < writing->count && status == REPRISE_OK; i++)
		status = writing->writes[i].status;
	free(writing);
	if (status != REPRISE_OK) {
		fprintf(stderr, "histories: not written: %s %s\n", reprise_status_name(status),
			error.what);
		abort();
	}
}
