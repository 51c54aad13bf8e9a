/* SPDX-License-Identifier: MIT */
#include "log/verify_lives.h"

#include "log/handle.h"
#include "log/lookup.h"

enum {
	LIVES_AT_A_TIME = 64,
};

struct lives {
	struct reprise_log *log;
	const struct reprise_log_key *key;
	const struct log_head *head; /* of the first look */
	struct lives_report report;
};

static void
found(struct lives *lives, reprise_ordinal at, const char *what)
{
	if (lives->report.faults++ == 0) {
		lives->report.at = at;
		lives->report.what = what;
	}
}

static void
verify_life(struct lives *lives, const struct reprise_life *life, uint64_t number,
	    reprise_ordinal first)
{
	const uint64_t last = lives->head->life.number;

	if (life->number != number)
		found(lives, life->first, "a life is missing");
	if (life->first != first)
		found(lives, life->first, "a life begins where the one before did not end");
	if (life->state == REPRISE_LIFE_OPEN && life->number < last)
		found(lives, life->first, "a life has an impossible state");
	if (life->number < last && life->end + 1 < life->first)
		found(lives, life->first, "a life has an impossible end");
	if (life->number == last && life->first > lives->head->head + 1)
		found(lives, life->first, "a life lies beyond the head");
}

/* A life that was found by its number is found by its name and by its first ordinal as well. */
static reprise_status
find_otherwise(struct lives *lives, const struct reprise_life *life, struct reprise_error *error)
{
	struct reprise_log *const log = lives->log;
	struct log_head head = { 0 };
	struct reprise_life named = { 0 }, placed = { 0 };
	reprise_status status = look_begin(log, lives->key, &head, error);

	if (status == REPRISE_OK)
		status = lookup_life_of(log, &head, &life->incarnation, &named, error);
	if (status == REPRISE_OK)
		status = lookup_life_at(log, &head, life->first, &placed, error);
	look_end(log);
	if (status != REPRISE_OK)
		return status;
	/* One without events begins where the next one does. */
	if (named.number != life->number || placed.first != life->first ||
	    placed.number < life->number)
		found(lives, life->first, "a life cannot be found");
	return REPRISE_OK;
}

/*
 * The number of the first life, which is 1. A key that was dropped has one void life in the place
 * of the lives before: it covers all ordinals that were given, none of which is left, and has the
 * number of the last one.
 */
static uint64_t
first_number(const struct lives *lives, const struct reprise_life *first)
{
	const bool was_dropped = first->state == REPRISE_LIFE_INVALIDATED && first->first == 1 &&
				 first->end <= lives->head->watermark;

	return was_dropped ? first->number : 1;
}

/* Lives tile the ordinals that there are; lives that begin meanwhile are not looked at. */
static reprise_status
verify_pages(struct lives *lives, struct reprise_error *error)
{
	struct reprise_life page[LIVES_AT_A_TIME];
	uint64_t number = 0;
	reprise_ordinal first = 1;
	size_t count = LIVES_AT_A_TIME;

	while (count == LIVES_AT_A_TIME) {
		reprise_status status = reprise_log_lives(lives->log, lives->key, number, page,
							  LIVES_AT_A_TIME, &count, error);

		for (size_t i = 0; status == REPRISE_OK && i < count &&
				   page[i].number <= lives->head->life.number;
		     i++) {
			if (number == 0)
				number = first_number(lives, &page[i]) - 1;
			verify_life(lives, &page[i], number + 1, first);
			status = find_otherwise(lives, &page[i], error);
			number = page[i].number;
			first = page[i].end + 1;
		}
		if (status != REPRISE_OK)
			return status;
	}
	if (number < lives->head->life.number)
		found(lives, first, "a life is missing");
	return REPRISE_OK;
}

reprise_status
lives_verify(struct reprise_log *log, const struct reprise_log_key *key,
	     const struct log_head *head, struct lives_report *ret_report,
	     struct reprise_error *error)
{
	struct lives lives = { .log = log, .key = key, .head = head };
	const reprise_status status = verify_pages(&lives, error);

	*ret_report = lives.report;
	return status;
}
