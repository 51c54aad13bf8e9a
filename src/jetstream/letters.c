/* SPDX-License-Identifier: MIT */
#include <reprise/jetstream_upkeep.h>

#include <stdio.h>
#include <string.h>

#include "base/cancel.h"
#include "base/error.h"
#include "jetstream/fetch.h"
#include "jetstream/publish.h"
#include "jetstream/request.h"

/* The visitor of the letters, with its context. */
struct showing {
	const struct reprise_jetstream *writer;
	reprise_jetstream_dead_visitor visitor;
	void *context;
};

static bool
show(struct fetched *fetched, void *context)
{
	const struct showing *const showing = context;
	struct reprise_bytes subject_bytes, reason_bytes;
	const bool has_subject = fetched_header(fetched, HEADER_SUBJECT, &subject_bytes);
	const bool has_reason = fetched_header(fetched, HEADER_REASON, &reason_bytes);
	const char *const subject =
		has_subject ? fetched_end(fetched, subject_bytes) : fetched->subject;
	const char *const reason = has_reason ? fetched_end(fetched, reason_bytes) : "";
	char id[THREAD_ID_ROOM];

	if (!writer_id_of(showing->writer, subject, id))
		id[0] = '\0';
	const struct reprise_jetstream_dead dead = {
		.sequence = fetched->sequence,
		.time_ms = fetched->time_ms,
		.subject = subject,
		.id = id,
		.reason = reason,
		.payload = fetched->payload,
	};
	const bool goes_on = showing->visitor(&dead, showing->context) != 0;

	fetched_free(fetched);
	return goes_on;
}

reprise_status
reprise_jetstream_each_dead(struct reprise_jetstream *writer, uint64_t after,
			    reprise_jetstream_dead_visitor visitor, void *context,
			    struct reprise_error *error)
{
	struct showing showing = { .writer = writer, .visitor = visitor, .context = context };
	char pattern[SUBJECT_ROOM];
	UNCANCELLABLE;
	const reprise_status status = writer_check(writer, error);

	if (status != REPRISE_OK)
		return status;
	if (visitor == NULL)
		return error_invalid(error, "visitor");
	const struct fetching fetching = { .stream = writer->settings.dead_stream,
					   .subject = pattern,
					   .after = after,
					   .through = UINT64_MAX };

	snprintf(pattern, sizeof(pattern), "%s-dead.*", writer->settings.subject);
	return fetch_each(writer, &fetching, show, &showing, error);
}

reprise_status
reprise_jetstream_drop_dead(struct reprise_jetstream *writer, uint64_t sequence,
			    struct reprise_error *error)
{
	UNCANCELLABLE;
	const reprise_status status = writer_check(writer, error);

	if (status != REPRISE_OK)
		return status;
	if (sequence == 0)
		return error_invalid(error, "sequence");
	return request_drop(writer, writer->settings.dead_stream, sequence, writer_due(writer),
			    error);
}
