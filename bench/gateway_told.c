/* SPDX-License-Identifier: MIT */
/*
 * gateway: what a client that comes back with its last id is told. The figure is the number of
 * events that were lost or doubled without a word: each event has a number, so the client itself
 * counts. The client knows 10 events. Then
 *
 *    trimmed   so many events follow that the first of them are not kept any more
 *    garbage   the id is no id
 *    restart   five events follow, the server is killed and started again, five more follow
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "durable.h"
#include "gateway_rows.h"
#include "rows.h"

enum {
	KNOWN = 10,
	KEPT = 2048, /* by reprise without a log, and by nchan as configured */
	BEYOND = 100,
	AROUND_RESTART = 5,
	ID_BYTES = 256,
	TEXT_BYTES = 4 << 20,
	POSTS_AT_ONCE = 16,     /* on their way on one connection */
	POSTS_UNRECORDED = 500, /* fewer than the window refuses */
	QUIET_MS = 300,
};

enum told_case {
	CASE_TRIMMED,
	CASE_GARBAGE,
	CASE_RESTART,
	CASES,
};

static const char *const case_names[] = { "trimmed", "garbage", "restart" };

struct told {
	struct harness *harness;
	struct place place;
	const char *side;
	char read_target[TARGET_BYTES], write_target[TARGET_BYTES];
	uint64_t posted;
	char *text; /* what the client got last */
	char id[ID_BYTES];
};

static void
post_to(struct told *told, const char *target, size_t count)
{
	struct publisher publisher;

	publisher_open(&publisher, told->place.port, target);
	for (size_t i = 0; i < count; i++) {
		publisher_send(&publisher, told->posted++);
		if (publisher.sent % POSTS_AT_ONCE == 0)
			publisher_await(&publisher);
	}
	publisher_await(&publisher);
	told->harness->is_broken |= publisher.refused != 0;
	publisher_close(&publisher);
}

/* With a log each part ends with an event that waits until all of the part are recorded. */
static void
post(struct told *told, size_t count)
{
	char quick_target[TARGET_BYTES + 16];

	snprintf(quick_target, sizeof(quick_target), "%s%s", told->write_target,
		 told->place.log == NULL ? "" : "?wait=none");
	while (count > 0) {
		const size_t part = count < POSTS_UNRECORDED ? count : POSTS_UNRECORDED;

		post_to(told, quick_target, part - 1);
		post_to(told, told->write_target, 1);
		count -= part;
	}
}

/* The id of the last event that came. */
static void
keep_id(struct told *told)
{
	const char *last = "";

	for (const char *id = told->text; (id = strstr(id, "\nid: ")) != NULL; id++)
		last = id + 5;
	if (*last == '\0')
		harness_die("an event without an id");
	snprintf(told->id, sizeof(told->id), "%.*s", (int)strcspn(last, "\r\n"), last);
}

struct found {
	uint64_t fresh, doubled, told_lost;
	int status;
	bool has_gap, is_lost_unknown;
};

static void
find_gaps(const char *text, struct found *found)
{
	for (; (text = strstr(text, "event: gap\n")) != NULL; text++) {
		const char *const lost = strstr(text, "\"lost\":");

		found->has_gap = true;
		if (lost == NULL || strncmp(lost + 7, "null", 4) == 0)
			found->is_lost_unknown = true;
		else
			found->told_lost += strtoull(lost + 7, NULL, 10);
	}
}

static struct found
come_back(struct told *told)
{
	struct found found = { 0 };
	const char *mark = told->text;

	(void)client_fetch(told->place.port, told->read_target, told->id, told->text, TEXT_BYTES,
			   QUIET_MS);
	found.status = strlen(told->text) > 12 ? atoi(told->text + 9) : 0;
	for (; (mark = strchr(mark, EVENT_MARK)) != NULL; mark++)
		if (strtoull(mark + 1, NULL, 10) >= KNOWN)
			found.fresh++;
		else
			found.doubled++;
	find_gaps(told->text, &found);
	return found;
}

/* The client has the first events, and goes. */
static void
come_first(struct told *told)
{
	post(told, KNOWN);
	(void)client_fetch(told->place.port, told->read_target, NULL, told->text, TEXT_BYTES,
			   QUIET_MS);
	keep_id(told);
}

static void
happen(struct told *told, enum told_case which)
{
	switch (which) {
	case CASE_TRIMMED:
		post(told, KEPT + BEYOND);
		break;
	case CASE_GARBAGE:
		snprintf(told->id, sizeof(told->id), "garbage");
		break;
	case CASE_RESTART:
		post(told, AROUND_RESTART);
		place_stop(&told->place);
		if (!place_start(told->harness, &told->place))
			harness_die("a server does not start again");
		post(told, AROUND_RESTART);
		break;
	case CASES:
		break;
	}
}

static void
print_told(struct told *told, enum told_case which, const struct found *found)
{
	const bool is_refused = found->status >= 400;
	const uint64_t due = told->posted - KNOWN;
	const uint64_t lost = due - found->fresh;
	double untold = 0;
	struct result result = { .name = "gateway-told",
				 .unit = "untold",
				 .values = &untold,
				 .runs = 1,
				 .delivered = found->fresh,
				 .lost = lost,
				 .goal_is = told->place.kind == PLACE_REPRISE ? GOAL_AT_MOST
									      : GOAL_NONE };

	/* A refusal says all; so does a gap of unknown size. */
	if (!is_refused && !found->is_lost_unknown)
		untold = (double)found->doubled + (double)(lost > found->told_lost
								   ? lost - found->told_lost
								   : found->told_lost - lost);
	snprintf(result.parameters, sizeof(result.parameters),
		 "\"side\":\"%s\",\"cursor\":\"%s\",\"status\":%d,\"says\":\"%s\",\"doubled\":"
		 "%" PRIu64,
		 told->side, case_names[which], found->status,
		 is_refused       ? "an error"
		 : found->has_gap ? "a gap"
				  : "nothing",
		 found->doubled);
	result_print(told->harness, &result);
}

static void
measure_side(struct harness *harness, enum place_kind kind, const char *side, bool has_log)
{
	static char log[PATH_BYTES];
	struct told told = { .harness = harness, .side = side };

	told.text = harness_allocate(1, TEXT_BYTES);
	for (int which = 0; which < CASES && !harness_is_interrupted(); which++) {
		snprintf(log, sizeof(log), "%s", scratch_path("told"));
		told.place = (struct place){ .kind = kind, .log = has_log ? log : NULL };
		told.posted = 0;
		if (!place_start(harness, &told.place)) {
			result_skip(harness, "gateway-told", side, told.place.absence);
			break;
		}
		place_targets(&told.place, "bench", told.read_target, told.write_target);
		come_first(&told);
		happen(&told, which);
		const struct found found = come_back(&told);

		print_told(&told, which, &found);
		place_stop(&told.place);
		scratch_remove("told");
	}
	free(told.text);
}

void
measure_gateway_told(struct harness *harness)
{
	measure_side(harness, PLACE_REPRISE, "reprise", false);
	measure_side(harness, PLACE_REPRISE, "reprise with a log", true);
	measure_side(harness, PLACE_NCHAN, "nchan", false);
}
