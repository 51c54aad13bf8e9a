/* SPDX-License-Identifier: MIT */

/*
 * `reprise tail` of a log: a store of this program, a recorder that only reads, and a continuous
 * subscription. The recorder looks for commits of other programs, so that the session may still be
 * written, or not any more. (rule V91)
 */

#include "tool/tail_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <reprise/recorder.h>
#include <reprise/store.h>
#include <reprise/subscription.h>
#include <reprise/writer.h>

#include "tool/arguments.h"
#include "tool/tail_place.h"
#include "tool/tail_take.h"

enum {
	EVENTS_AT_ONCE = 256, /* between two looks at the output and the signals */
	RESTS_MAX = 50,       /* of 100 ms, while another program creates the log */
	CODE_ROOM = 64,
};

static const uint64_t wait_ns = UINT64_C(100000000);

struct reading {
	struct tail tail;
	struct reprise_log *log;
	struct reprise_store *store;
	struct reprise_recorder *recorder;
	struct reprise_subscription *subscription;
	bool is_failing; /* the log, at the last look */
};

/* --- opening --------------------------------------------------------------------------------- */

static bool
fail(struct reading *reading, reprise_status status, const struct reprise_error *error)
{
	log_say_failure("tail", NULL, status, error);
	tail_stop(&reading->tail, EXIT_FAILURE);
	return false;
}

/* With --wait a missing file is waited for, and then a short time for the log in the file. */
static bool
open_log(struct reading *reading, const struct tail_request *request)
{
	const char *const file = request->waits ? request->log.file : NULL;
	struct reprise_error error = REPRISE_ERROR_INIT;
	reprise_status status;

	while (file != NULL && access(file, F_OK) != 0)
		if (!tail_rests(&reading->tail))
			return false;
	status = log_place_open(&request->log, LOG_ACCESS_READ, &reading->log, &error);
	for (int i = 0; i < RESTS_MAX && file != NULL && status != REPRISE_OK; i++) {
		if (!tail_rests(&reading->tail))
			return false;
		status = log_place_open(&request->log, LOG_ACCESS_READ, &reading->log, &error);
	}
	return status == REPRISE_OK || fail(reading, status, &error);
}

static reprise_status
subscribe(struct reading *reading, const struct reprise_cursor *cursor, struct reprise_error *error)
{
	struct reprise_subscription_options options = REPRISE_SUBSCRIPTION_OPTIONS_INIT;

	options.spin_ns = 1;
	if (reading->tail.request->is_once)
		return reprise_replay_after(reading->store, cursor, &options,
					    &reading->subscription, error);
	options.is_continuous = 1;
	return reprise_subscribe_after(reading->store, cursor, &options, &reading->subscription,
				       error);
}

static bool
open_reading(struct reading *reading, const struct reprise_cursor *cursor)
{
	struct reprise_recorder_options options = REPRISE_RECORDER_OPTIONS_INIT;
	struct reprise_error error = REPRISE_ERROR_INIT;
	reprise_status status = reprise_store_open(NULL, &reading->store, &error);

	options.tenant = reading->tail.request->tenant;
	options.reads_only = 1;
	if (status == REPRISE_OK)
		status = reprise_recorder_open(reading->store, reading->log, &options,
					       &reading->recorder, &error);
	if (status == REPRISE_OK)
		status = subscribe(reading, cursor, &error);
	return status == REPRISE_OK || fail(reading, status, &error);
}

/* Nothing is recorded, so nothing can fail but a mistake of this file. */
static void
close_reading(struct reading *reading)
{
	reprise_status status = REPRISE_OK;

	reprise_subscription_close(reading->subscription);
	if (reading->recorder != NULL)
		status = reprise_recorder_close(reading->recorder);
	if (status == REPRISE_OK && reading->store != NULL)
		status = reprise_store_close(reading->store);
	if (status != REPRISE_OK)
		tail_stop(&reading->tail, EXIT_FAILURE);
	reprise_log_close(reading->log);
}

/* --- reading --------------------------------------------------------------------------------- */

static void
take_event(struct reading *reading, const struct reprise_event *event)
{
	const struct tail_event taken = {
		.position = event->position,
		.revision = event->revision,
		.payload = event->payload,
		.kind = event->kind,
		.has_kind = true,
		.has_commit = true,
		.is_commit = (event->flags & REPRISE_EVENT_COMMIT) != 0,
	};
	struct reprise_cursor cursor;

	if (reprise_subscription_cursor(reading->subscription, &cursor) == REPRISE_OK)
		tail_take_event(&reading->tail, &cursor, &taken);
}

/* A gap's name as the code of the gateway: without spaces. */
static void
write_code(const struct reprise_gap *gap, char ret_code[CODE_ROOM])
{
	snprintf(ret_code, CODE_ROOM, "%s", reprise_gap_detail_name(gap->detail));
	for (char *at = ret_code; *at != '\0'; at++)
		if (*at == ' ')
			*at = '_';
}

static void
take_gap(struct reading *reading, const struct reprise_gap *gap)
{
	char code[CODE_ROOM];
	const bool is_restart = gap->detail == REPRISE_GAP_RESTART;
	const struct tail_gap taken = {
		.reason = reprise_gap_reason_name(gap->reason),
		.code = code,
		.text = reprise_gap_detail_text(gap->detail),
		.is_exact = gap->reason == REPRISE_GAP_TRIMMED && !is_restart,
		.is_lost = !is_restart,
		.lost = gap->lost,
		.first = gap->lost_first,
		.last = gap->lost_last,
		.position = gap->cursor.position,
		.newest = gap->newest.position,
	};

	if (gap->detail == REPRISE_GAP_LIFE_ENDED) {
		tail_take_end(&reading->tail, &gap->cursor, gap->end_status);
		return;
	}
	write_code(gap, code);
	tail_take_gap(&reading->tail, &gap->cursor, &taken);
}

/* A replay is over. */
static void
take_replay_end(struct reading *reading, const struct reprise_end *end)
{
	struct tail *const tail = &reading->tail;
	struct reprise_cursor cursor;

	if (reprise_subscription_cursor(reading->subscription, &cursor) != REPRISE_OK)
		cursor = tail->track.last;
	if (end->cause == REPRISE_END_SESSION)
		tail_take_end(tail, &cursor, end->status);
	else
		tail_stop(tail, 0);
}

/* The log may be away for a time. */
static void
look_at_log(struct reading *reading)
{
	struct reprise_recorder_stats stats = REPRISE_RECORDER_STATS_INIT;

	if (reprise_recorder_stats(reading->recorder, &stats) != REPRISE_OK)
		return;
	const bool is_failing = stats.last != REPRISE_OK;

	if (is_failing && !reading->is_failing)
		tail_output_note(&reading->tail.output, "the log fails: %s; the next attempt comes",
				 stats.failure_text[0] != '\0' ? stats.failure_text
							       : reprise_status_text(stats.last));
	else if (!is_failing && reading->is_failing)
		tail_output_note(&reading->tail.output, "the log answers again");
	reading->is_failing = is_failing;
}

/* False: nothing is there at the moment. */
static bool
read_one(struct reading *reading)
{
	struct reprise_event event;
	struct reprise_gap gap;
	struct reprise_end end;

	switch (reprise_next(reading->subscription, &event, &gap, &end)) {
	case REPRISE_NEXT_EVENT:
		take_event(reading, &event);
		return true;
	case REPRISE_NEXT_GAP:
		take_gap(reading, &gap);
		return true;
	case REPRISE_NEXT_ENDED:
		take_replay_end(reading, &end);
		return true;
	case REPRISE_NEXT_EMPTY:
		break;
	}
	return false;
}

static void
read_all(struct reading *reading)
{
	struct tail *const tail = &reading->tail;
	bool is_empty = false;

	while (tail_goes_on(tail)) {
		if (is_empty) {
			if (!tail_looks(tail))
				return;
			look_at_log(reading);
			const reprise_status status = reprise_wait(reading->subscription, wait_ns);

			if (status != REPRISE_OK && status != REPRISE_E_TIMEOUT)
				tail_stop(tail, EXIT_FAILURE);
		}
		is_empty = false;
		for (int i = 0; i < EVENTS_AT_ONCE && !is_empty && !tail->is_over; i++)
			is_empty = !read_one(reading);
	}
}

int
tail_log(struct tail_request *request)
{
	struct reading reading = { .log = NULL };
	struct reprise_cursor cursor = { .revision = 0 };
	int status = 0;

	tail_begin(&reading.tail, request);
	if (request->waits && request->address.session[0] == '\0') {
		fputs("reprise tail: --wait needs --session\n", stderr);
		return EXIT_USAGE;
	}
	if (open_log(&reading, request)) {
		if (request->address.session[0] == '\0')
			status = tail_place_pick(reading.log, request);
		if (status == 0 && tail_place_find(&reading.tail, reading.log, &cursor) &&
		    open_reading(&reading, &cursor)) {
			tail_take_place(&reading.tail, &cursor);
			read_all(&reading);
		}
	}
	close_reading(&reading);
	return status != 0 ? status : tail_end(&reading.tail);
}
