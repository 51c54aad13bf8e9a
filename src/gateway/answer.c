/* SPDX-License-Identifier: MIT */
/*
 * Answers to appends. An answer has a fixed size: behind an append nothing may fail for want of
 * memory.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "gateway/append.h"

enum {
	ANSWER_BYTES_MAX = REPRISE_CURSOR_TEXT_BYTES_MAX + 256,
	DETAIL_BYTES_MAX = 80,
};

void
append_refuse(struct append *append, enum error_code code, const char *detail)
{
	append_take_out(append);
	if (append->calls != NULL)
		append->calls->finish(append, false, code, detail);
	else
		request_refuse(append->request, code, detail);
}

void
append_refuse_failed(struct append *append, enum error_code code, reprise_status status,
		     const struct reprise_error *error)
{
	append_take_out(append);
	if (append->calls != NULL)
		append->calls->finish(append, false, code, NULL);
	else
		request_refuse_failed(append->request, code, status, error);
}

void
append_refuse_appended(struct append *append, enum error_code code)
{
	char detail[DETAIL_BYTES_MAX];

	snprintf(detail, sizeof(detail), "first %" PRIu64 ", last %" PRIu64, append->first,
		 append->last);
	append_refuse(append, code, append->events_count == 0 ? "the end" : detail);
}

void
append_answer(struct append *append)
{
	struct request *const request = append->request;
	const char *const recorded = append->is_recorded ? "true" : "false";
	char body[ANSWER_BYTES_MAX];
	int size;

	append_take_out(append);
	if (append->is_recorded)
		count(&request->gateway->counters.appends_recorded, (int64_t)append->events_count);
	if (append->calls != NULL) {
		append->calls->finish(append, true, ERROR_INTERNAL, NULL);
		return;
	}
	if (append->events_count == 0)
		size = snprintf(body, sizeof(body),
				"{\"status\":%" PRId32 ",\"position\":%" PRIu64
				",\"cursor\":\"%s\",\"recorded\":%s}",
				append->end_status, append->last, append->cursor, recorded);
	else
		size = snprintf(body, sizeof(body),
				"{\"first\":%" PRIu64 ",\"last\":%" PRIu64
				",\"count\":%zu,\"cursor\":\"%s\",\"recorded\":%s}",
				append->first, append->last, append->events_count, append->cursor,
				recorded);
	request_answer(request, 200, "application/json", (struct http_text){ body, (size_t)size });
}

static void
format_cursor(struct append *append, const struct reprise_cursor *cursor)
{
	const reprise_status status =
		reprise_cursor_format(cursor, append->cursor, sizeof(append->cursor), NULL, NULL);

	REPRISE_ASSERT(status == REPRISE_OK);
}

/* A host may trim the event at once: then the revision is the client's. */
void
append_find_cursor(struct append *append)
{
	struct open_writer *const writer = append->writer;
	struct reprise_session_stats stats = REPRISE_SESSION_STATS_INIT;
	struct reprise_cursor cursor = { .position = append->last, .revision = append->revision };

	if (writer->writer == NULL ||
	    reprise_writer_cursor(writer->writer, append->last, &cursor) != REPRISE_OK) {
		memcpy(cursor.session_id, writer->session_id, sizeof(cursor.session_id));
		if (reprise_session_stats(writer->gateway->store, writer->session_id, &stats) ==
		    REPRISE_OK)
			cursor.incarnation = stats.incarnation;
	}
	format_cursor(append, &cursor);
}
