/* SPDX-License-Identifier: MIT */
#include <reprise/jetstream.h>

#include "base/cancel.h"
#include "base/error.h"
#include "jetstream/flights.h"
#include "jetstream/prepare.h"

/* Makes the message, and counts the delta in the view. */
static reprise_status
fill_flight(struct reprise_jetstream *writer, struct view *view, const struct prepared *prepared,
	    struct flight *flight, struct reprise_error *error)
{
	const struct thread_delta_facts *const facts = &prepared->facts;
	char subject[SUBJECT_ROOM], reply[INBOX_ROOM];
	struct publication publication = { .subject = subject,
					   .reply = reply,
					   .uid = view->uid,
					   .facts = facts,
					   .version = view->version + 1 };

	writer_subject(writer, view->id, subject);
	flight_reply(writer, flight, reply);
	const reprise_status status =
		publication_make(writer, &publication, &flight->message, error);

	if (status != REPRISE_OK)
		return status;
	if (!table_add(&view->buffered, &writer->views.key, facts->id, facts->digest,
		       publication.version, 0))
		return error_plain(error, REPRISE_E_NO_MEMORY);
	view_note_sent(view);
	view->version++;
	flight->appended.version = publication.version;
	return REPRISE_OK;
}

/* Whether the delta was appended before; if not, it is young enough. */
static reprise_status
look_up(struct reprise_jetstream *writer, struct view *view, const struct prepared *prepared,
	uint64_t due_ns, bool *ret_is_found, struct reprise_jetstream_appended *ret_appended,
	struct reprise_error *error)
{
	const struct thread_delta_facts *const facts = &prepared->facts;
	reprise_status status =
		prepare_find(writer, view, facts, due_ns, ret_is_found, ret_appended, error);

	if (status != REPRISE_OK || *ret_is_found || prepare_age(writer, facts, NULL) == REPRISE_OK)
		return status;
	/* Another writer may have appended it since the view was read. */
	view_forget(view);
	status = view_know(writer, view, due_ns, error);
	if (status == REPRISE_OK)
		status = prepare_find(writer, view, facts, due_ns, ret_is_found, ret_appended,
				      error);
	return status != REPRISE_OK || *ret_is_found ? status : prepare_age(writer, facts, error);
}

static reprise_status
append_held(struct reprise_jetstream *writer, struct view *view, const struct prepared *prepared,
	    uint64_t due_ns, reprise_jetstream_completion completion, void *context,
	    struct reprise_error *error)
{
	struct reprise_jetstream_appended appended = { .size = sizeof(appended) };
	struct flight *flight = NULL;
	bool is_found = false;
	reprise_status status = view_know_lately(writer, view, due_ns, error);

	prepare_appended(&prepared->facts, &appended);
	if (status == REPRISE_OK)
		status = look_up(writer, view, prepared, due_ns, &is_found, &appended, error);
	if (status == REPRISE_OK)
		status = flight_take(writer, view, due_ns, &flight, error);
	if (status != REPRISE_OK)
		return status;
	flight->appended = appended;
	flight->completion = completion;
	flight->context = context;
	if (is_found) {
		flight_repeat(writer, flight);
		return REPRISE_OK;
	}
	status = fill_flight(writer, view, prepared, flight, error);
	if (status != REPRISE_OK) {
		flight_drop(writer, flight);
		return status;
	}
	return flight_send(writer, flight, error);
}

reprise_status
reprise_jetstream_append_async(struct reprise_jetstream *writer, const char *id,
			       struct reprise_bytes delta, reprise_jetstream_completion completion,
			       void *context, struct reprise_error *error)
{
	struct prepared prepared;
	struct view *view = NULL;
	UNCANCELLABLE;
	reprise_status status = prepare(writer, id, delta, &prepared, error);

	if (status == REPRISE_OK && prepared.facts.is_run_finished)
		status = error_detailed(error, REPRISE_E_INVALID, "delta",
					"reason: append RunFinished by reprise_jetstream_append");
	if (status == REPRISE_OK) {
		const uint64_t due_ns = writer_due(writer);

		status = view_hold(writer, id, due_ns, &view, NULL, error);
		if (status == REPRISE_OK) {
			status = append_held(writer, view, &prepared, due_ns, completion, context,
					     error);
			view_release(writer, view);
		}
	}
	prepared_free(&prepared);
	return status;
}
