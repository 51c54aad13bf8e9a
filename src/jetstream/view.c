/* SPDX-License-Identifier: MIT */
#include "jetstream/view.h"

#include <string.h>

#include "base/error.h"
#include "base/numbers.h"
#include "jetstream/gather.h"
#include "jetstream/head.h"
#include "jetstream/request.h"

/* Counts the deltas that a flush would apply, as a flush counts them. */
static bool
count_buffered(const struct reprise_jetstream *writer, struct view *view,
	       const struct gathering *gathering)
{
	for (size_t i = 0; i < gathering->count; i++) {
		const struct gathered *const item = &gathering->items[i];

		if (item->fate == FATE_APPLY &&
		    !table_add(&view->buffered, &writer->views.key, item->id, item->digest,
			       ++view->version, item->fetched.sequence))
			return false;
	}
	return true;
}

static reprise_status
read_stream(struct reprise_jetstream *writer, struct view *view, const struct head *head,
	    const char *subject, uint64_t through, struct reprise_error *error)
{
	struct gathering gathering = { 0 };
	struct gather_what what = {
		.subject = subject,
		.uid = head->uid,
		.stored = head->version,
		.through = through,
		.is_counted = true,
	};
	reprise_status status = gather(writer, &what, &gathering, error);

	memcpy(view->uid, head->uid, sizeof(view->uid));
	view->stored = view->version = head->version;
	view->last_sequence = through;
	if (status == REPRISE_OK && !count_buffered(writer, view, &gathering))
		status = error_plain(error, REPRISE_E_NO_MEMORY);
	gathering_free(&gathering);
	if (status == REPRISE_OK)
		view->is_known = true;
	else
		view_forget(view);
	return status;
}

static reprise_status
view_read(struct reprise_jetstream *writer, struct view *view, uint64_t due_ns,
	  struct reprise_error *error)
{
	char subject[SUBJECT_ROOM];
	uint64_t last = 0;
	struct head head;
	reprise_status status = view_drain(writer, view, due_ns, error);

	view_forget(view);
	if (status != REPRISE_OK)
		return status;
	pthread_mutex_lock(&writer->lock);
	view->is_stale = false;
	view->acked_last = 0;
	pthread_mutex_unlock(&writer->lock);
	/* Nothing is asked of the server for a document that is not there. */
	status = head_read(writer->store, view->id, 0, &head, error);
	if (status != REPRISE_OK)
		return status;
	writer_subject(writer, view->id, subject);
	status = request_last_sequence(writer, subject, due_ns, &last, error);
	/* Once more: what was published up to there is of this document, or of one that is gone. */
	if (status == REPRISE_OK && last != 0)
		status = head_read(writer->store, view->id, head.version, &head, error);
	return status == REPRISE_OK ? read_stream(writer, view, &head, subject, last, error)
				    : status;
}

reprise_status
view_know(struct reprise_jetstream *writer, struct view *view, uint64_t due_ns,
	  struct reprise_error *error)
{
	pthread_mutex_lock(&writer->lock);
	const bool is_stale = view->is_stale;

	if (!is_stale)
		view->last_sequence = greatest(view->last_sequence, view->acked_last);
	pthread_mutex_unlock(&writer->lock);
	return view->is_known && !is_stale ? REPRISE_OK : view_read(writer, view, due_ns, error);
}

reprise_status
view_know_now(struct reprise_jetstream *writer, struct view *view, uint64_t due_ns,
	      struct reprise_error *error)
{
	struct head head;

	if (view->is_known) {
		const reprise_status status =
			head_read(writer->store, view->id, view->stored, &head, error);

		if (status != REPRISE_OK)
			return status;
		if (head.version != view->stored || strcmp(head.uid, view->uid) != 0)
			view_forget(view);
	}
	return view_know(writer, view, due_ns, error);
}
