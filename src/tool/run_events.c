/* SPDX-License-Identifier: MIT */
#include "tool/run_events.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tool/log_text.h"
#include "tool/pace.h"

enum {
	RECORD_BYTES = 40, /* of the header of an event in the window */
};

#define LOOK_NS  UINT64_C(5000000)
#define FLUSH_NS UINT64_C(100000000)

static reprise_status
open_writer(struct run_events *events, struct reprise_error *error)
{
	return reprise_writer_open(events->store, events->session_id, &events->options,
				   &events->writer, error);
}

bool
run_events_open(struct run_events *events, uint64_t *ret_bytes_max)
{
	struct reprise_error error = REPRISE_ERROR_INIT;
	struct reprise_writer_opened opened = REPRISE_WRITER_OPENED_INIT;
	reprise_status status = open_writer(events, &error);

	if (status == REPRISE_OK)
		status = reprise_writer_opened(events->writer, &opened);
	if (status == REPRISE_OK) {
		*ret_bytes_max = opened.bytes_max - RECORD_BYTES;
		return true;
	}
	fprintf(stderr, "reprise run: the session cannot be opened: %s (%s)",
		reprise_status_text(status), reprise_status_name(status));
	if (error.detail[0] != '\0') {
		fputs(": ", stderr);
		log_text_escaped(stderr, error.detail, strlen(error.detail), SIZE_MAX);
	}
	fputc('\n', stderr);
	return false;
}

/* A status that no later append overcomes. */
static void
note(struct run_events *events, reprise_status status)
{
	if (status != REPRISE_OK && status != REPRISE_E_TIMEOUT && status != REPRISE_E_CLOSED)
		events->fault = status;
}

/* Somebody has dropped the window: the session goes on as another life. */
static bool
reopen(struct run_events *events)
{
	reprise_writer_close(events->writer);
	events->writer = NULL;
	events->fault = open_writer(events, NULL);
	if (events->fault == REPRISE_OK && events->is_overwriting)
		note(events, reprise_writer_set_overwrite(events->writer));
	return events->fault == REPRISE_OK;
}

static void
refuse(struct run_events *events, reprise_status fault)
{
	events->fault = fault;
	fprintf(stderr,
		"reprise run: the session takes no more lines: %s (%s); the command goes on\n",
		reprise_status_text(fault), reprise_status_name(fault));
}

void
run_events_hurry(struct run_events *events)
{
	if (!events->is_overwriting && events->writer != NULL)
		note(events, reprise_writer_set_overwrite(events->writer));
	events->is_overwriting = true;
}

static void
overwrite(struct run_events *events)
{
	run_events_hurry(events);
	fprintf(stderr,
		"reprise run: the log has taken nothing for %" PRIu64
		" ms; the oldest lines without a record may be lost from now on\n",
		events->wait_ns / 1000000);
}

/* The window is full of events without a record. */
static enum run_append
wait_for_log(struct run_events *events)
{
	const uint64_t now = pace_now();

	if (events->waits_since_ns == 0)
		events->waits_since_ns = now;
	if (now - events->waits_since_ns >= events->wait_ns)
		overwrite(events);
	else
		note(events, reprise_writer_wait_room(events->writer, LOOK_NS));
	return RUN_APPEND_WAITS;
}

enum run_append
run_events_append(struct run_events *events, const struct run_line *line)
{
	const struct reprise_bytes payload = { .data = line->bytes, .size = line->count };
	reprise_status status = events->fault;

	if (status == REPRISE_OK)
		status = reprise_append(events->writer, 0, line->kind, 0, payload, NULL);
	if (status == REPRISE_E_CLOSED && events->fault == REPRISE_OK && reopen(events))
		status = reprise_append(events->writer, 0, line->kind, 0, payload, NULL);
	if (status == REPRISE_E_FULL)
		return wait_for_log(events);
	events->waits_since_ns = 0;
	if (status == REPRISE_OK) {
		events->taken++;
		return RUN_APPEND_DONE;
	}
	if (events->refused++ == 0)
		refuse(events, status);
	return RUN_APPEND_DONE;
}

void
run_events_end(struct run_events *events, int32_t end_status)
{
	if (events->writer == NULL)
		return;
	reprise_status status = reprise_writer_end(events->writer, end_status);

	if (status == REPRISE_E_CLOSED && reopen(events))
		status = reprise_writer_end(events->writer, end_status);
	if (status != REPRISE_OK)
		fprintf(stderr, "reprise run: the session has no end: %s (%s)\n",
			reprise_status_text(status), reprise_status_name(status));
	run_events_close(events);
}

bool
run_events_are_recorded(const struct run_events *events)
{
	return events->recorder == NULL ||
	       reprise_recorder_flush(events->recorder, events->session_id, REPRISE_SYNCED,
				      FLUSH_NS) != REPRISE_E_TIMEOUT;
}

void
run_events_close(struct run_events *events)
{
	reprise_writer_close(events->writer);
	events->writer = NULL;
}

void
run_events_say_refused(const struct run_events *events)
{
	if (events->refused > 0)
		fprintf(stderr, "reprise run: the session has not taken %" PRIu64 " events\n",
			events->refused);
}
