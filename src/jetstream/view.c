/* SPDX-License-Identifier: MIT */
#include "jetstream/view.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/numbers.h"
#include "jetstream/gather.h"
#include "jetstream/head.h"
#include "jetstream/request.h"

static const uint64_t compare_ns = NS_PER_S;

/* E_NOT_FOUND: the caller is told that what was sent is gone. */
static reprise_status
read_head(struct reprise_jetstream *writer, struct view *view, uint64_t version, struct head *head,
	  struct reprise_error *error)
{
	const reprise_status status = head_read(writer->store, view->id, version, head, error);

	if (status == REPRISE_E_NOT_FOUND)
		view->sent_uid[0] = '\0';
	view->compared_ns = clock_ns();
	return status;
}

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
	return status;
}

/*
 * Reads the stream, and the document before and behind it: a flush in between would leave its
 * deltas counted nowhere. *head is the first document, then the second.
 */
static reprise_status
read_both(struct reprise_jetstream *writer, struct view *view, uint64_t due_ns, struct head *head,
	  bool *ret_is_over, struct reprise_error *error)
{
	const struct head before = *head;
	char subject[SUBJECT_ROOM];
	uint64_t last = 0;

	view_forget(view);
	writer_subject(writer, view->id, subject);
	reprise_status status = request_last_sequence(writer, subject, due_ns, &last, error);

	if (status == REPRISE_OK)
		status = read_stream(writer, view, head, subject, last, error);
	if (status == REPRISE_OK)
		status = read_head(writer, view, before.version, head, error);
	*ret_is_over = head->version == before.version &&
		       memcmp(head->uid, before.uid, sizeof(head->uid)) == 0;
	if (status == REPRISE_OK && !*ret_is_over && ms_until(due_ns) == 0)
		return error_detailed(error, REPRISE_E_TIMEOUT, "id",
				      "other writers save the document all the time; try again");
	return status;
}

static reprise_status
view_read(struct reprise_jetstream *writer, struct view *view, uint64_t due_ns,
	  struct reprise_error *error)
{
	struct head head = { 0 };
	bool is_over = false;
	reprise_status status = view_drain(writer, view, due_ns, error);

	view_forget(view);
	if (status != REPRISE_OK)
		return status;
	pthread_mutex_lock(&writer->lock);
	view->is_stale = false;
	view->acked_last = 0;
	pthread_mutex_unlock(&writer->lock);
	/* Nothing is asked of the server for a document that is not there. */
	status = read_head(writer, view, 0, &head, error);
	while (status == REPRISE_OK && !is_over)
		status = read_both(writer, view, due_ns, &head, &is_over, error);
	if (status == REPRISE_OK)
		view->is_known = true;
	else
		view_forget(view);
	return status;
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
		const reprise_status status = read_head(writer, view, view->stored, &head, error);

		if (status != REPRISE_OK)
			return status;
		if (head.version != view->stored || strcmp(head.uid, view->uid) != 0)
			view_forget(view);
	}
	return view_know(writer, view, due_ns, error);
}

reprise_status
view_know_lately(struct reprise_jetstream *writer, struct view *view, uint64_t due_ns,
		 struct reprise_error *error)
{
	return clock_ns() - view->compared_ns < compare_ns
		       ? view_know(writer, view, due_ns, error)
		       : view_know_now(writer, view, due_ns, error);
}

void
view_note_sent(struct view *view)
{
	if (view->sent_uid[0] == '\0')
		memcpy(view->sent_uid, view->uid, sizeof(view->sent_uid));
}

reprise_status
view_refuse_replaced(struct reprise_jetstream *writer, struct view *view,
		     struct reprise_error *error)
{
	struct head head;

	if (view->sent_uid[0] == '\0')
		return REPRISE_OK;
	const reprise_status status =
		head_read(writer->store, view->id, view->stored, &head, error);

	/* That there is no document is told by what follows. */
	if (status != REPRISE_OK || strcmp(head.uid, view->sent_uid) == 0)
		return status == REPRISE_E_NOT_FOUND ? REPRISE_OK : status;
	view->sent_uid[0] = '\0';
	view_forget(view);
	return error_detailed(error, REPRISE_E_ABORTED, "id",
			      "the document was deleted during the call");
}
