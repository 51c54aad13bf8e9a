/* SPDX-License-Identifier: MIT */
#include <reprise/jetstream_upkeep.h>

#include <stdio.h>
#include <string.h>

#include "base/cancel.h"
#include "base/error.h"
#include "jetstream/fetch.h"
#include "jetstream/publish.h"
#include "jetstream/request.h"

/* What is shown, and to whom. */
struct showing {
	const struct reprise_jetstream *writer;
	reprise_jetstream_dead_visitor visitor;
	void *context;
};

static bool
show(struct fetched *fetched, void *context)
{
	const struct showing *const showing = context;
	const char *subject = NULL, *reason = NULL;
	char id[THREAD_ID_ROOM];

	(void)natsMsgHeader_Get(fetched->message, HEADER_SUBJECT, &subject);
	(void)natsMsgHeader_Get(fetched->message, HEADER_REASON, &reason);
	if (subject == NULL)
		subject = fetched->subject;
	if (!writer_id_of(showing->writer, subject, id))
		id[0] = '\0';
	const struct reprise_jetstream_dead dead = {
		.sequence = fetched->sequence,
		.time_ms = fetched->time_ms,
		.subject = subject,
		.id = id,
		.reason = reason == NULL ? "" : reason,
		.payload = payload_of(fetched->message),
	};
	const bool goes_on = showing->visitor(&dead, showing->context) != 0;

	natsMsg_Destroy(fetched->message);
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
