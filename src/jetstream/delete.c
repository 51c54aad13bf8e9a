/* SPDX-License-Identifier: MIT */
#include <reprise/jetstream.h>

#include "base/cancel.h"
#include "jetstream/prepare.h"
#include "jetstream/request.h"

/*
 * The document is gone once the store has deleted it. Its messages are removed then, up to the last
 * one that was there before: later ones may be a new document's. The newest message of the stream
 * stays, so that the stream is not emptied, and becomes a dead letter in time.
 */
static reprise_status
delete_held(struct reprise_jetstream *writer, const char *id, uint64_t due_ns,
	    struct reprise_error *error)
{
	char subject[SUBJECT_ROOM];
	uint64_t last = 0, newest = 0;

	writer_subject(writer, id, subject);
	if (request_last_sequence(writer, subject, due_ns, &last, NULL) != REPRISE_OK)
		last = 0;
	const reprise_status status = reprise_thread_delete(writer->store, id, error);

	if (status != REPRISE_OK || last == 0)
		return status;
	if (request_newest(writer, due_ns, &newest, NULL) == REPRISE_OK)
		(void)request_purge(writer, subject, newest > last ? last + 1 : last, due_ns, NULL);
	return REPRISE_OK;
}

reprise_status
reprise_jetstream_delete(struct reprise_jetstream *writer, const char *id,
			 struct reprise_error *error)
{
	struct view *view = NULL;
	UNCANCELLABLE;
	reprise_status status = writer_check(writer, error);

	if (status == REPRISE_OK)
		status = prepare_id(writer, id, error);
	if (status != REPRISE_OK)
		return status;
	const uint64_t due_ns = writer_due(writer);

	status = view_hold(writer, id, due_ns, &view, NULL, error);
	if (status != REPRISE_OK)
		return status;
	status = view_drain(writer, view, due_ns, error);
	if (status == REPRISE_OK)
		status = delete_held(writer, id, due_ns, error);
	view_forget(view);
	if (status == REPRISE_OK)
		view->sent_uid[0] = '\0';
	view_release(writer, view);
	return status;
}
