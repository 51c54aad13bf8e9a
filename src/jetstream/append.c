/* SPDX-License-Identifier: MIT */
#include <reprise/jetstream.h>

#include "base/cancel.h"
#include "base/error.h"
#include "base/sized.h"
#include "base/sizes.h"
#include "jetstream/failure.h"
#include "jetstream/flush.h"
#include "jetstream/prepare.h"
#include "jetstream/publish.h"

/* An append, with the view held. */
struct append {
	struct reprise_jetstream *writer;
	struct view *view;
	const char *subject;
	const struct thread_delta_facts *facts;
	const uint64_t *expected_version;
	uint64_t due_ns;
	bool is_fresh;          /* this call has read the view */
	bool was_overtaken;     /* the server has refused the sequence */
	bool has_met_duplicate; /* the server knows the id */
	struct reprise_jetstream_appended appended;
};

/* The delta is in the stream: the view goes on with it, if there is memory. */
static void
note_published(struct append *append, uint64_t sequence)
{
	struct view *const view = append->view;
	const struct thread_delta_facts *const facts = append->facts;

	view_note_sent(view);
	append->appended.version = ++view->version;
	append->appended.sequence = sequence;
	view->last_sequence = sequence;
	fetch_add_relaxed(&append->writer->counters.published, 1);
	if (!table_add(&view->buffered, &append->writer->views.key, facts->id, facts->digest,
		       view->version, sequence))
		view_forget(view);
}

/* REPRISE_OK, and *ret_is_over false: the view is out of date, and is to be read again. */
static reprise_status
publish_delta(struct append *append, bool *ret_is_over, struct reprise_error *error)
{
	struct view *const view = append->view;
	struct publication publication = {
		.subject = append->subject,
		.uid = view->uid,
		.facts = append->facts,
		.version = view->version + 1,
		.expects = true,
		.last_sequence = view->last_sequence,
	};
	struct ack ack = { 0 };
	natsMsg *message = NULL;
	reprise_status status = publication_make(append->writer, &publication, &message, error);

	if (status != REPRISE_OK)
		return status;
	status = publish(append->writer, message, append->due_ns, &ack, error);
	natsMsg_Destroy(message);
	*ret_is_over = status == REPRISE_OK && !ack.is_duplicate;
	if (*ret_is_over) {
		note_published(append, ack.sequence);
		return REPRISE_OK;
	}
	view_forget(view);
	if (ack.code == CODE_WRONG_LAST_SEQUENCE) {
		append->was_overtaken = true;
		return REPRISE_OK;
	}
	if (status != REPRISE_OK)
		return status;
	if (append->has_met_duplicate)
		return failure_tell_garbled(
			"the server remembers the delta's id, and has lost the delta", error);
	append->has_met_duplicate = true;
	return REPRISE_OK;
}

static reprise_status
tell_overtaken(const struct append *append, struct reprise_error *error)
{
	const uint64_t version = append->expected_version != NULL ? *append->expected_version
								  : append->view->version;

	return error_conflict_detailed(
		error, version, append->view->version,
		"other writers appended first, until the deadline; try again");
}

/* Looks the delta up, and publishes it if it is new. *ret_is_over false: again. */
static reprise_status
try_append(struct append *append, bool *ret_is_over, struct reprise_error *error)
{
	struct view *const view = append->view;

	append->is_fresh |= !view->is_known;
	reprise_status status = view_know_now(append->writer, view, append->due_ns, error);

	if (status == REPRISE_OK)
		status = prepare_find(append->writer, view, append->facts, append->due_ns,
				      ret_is_over, &append->appended, error);
	if (status != REPRISE_OK)
		return status;
	if (*ret_is_over) {
		fetch_add_relaxed(&append->writer->counters.repeated, 1);
		return REPRISE_OK;
	}
	if (append->expected_version != NULL && *append->expected_version != view->version)
		status = error_conflict(error, *append->expected_version, view->version);
	else
		status = prepare_age(append->writer, append->facts, error);
	if (status == REPRISE_OK)
		return publish_delta(append, ret_is_over, error);
	/* Another writer may have appended since the view was read, this delta even. */
	view_forget(view);
	return append->is_fresh ? status : REPRISE_OK;
}

static reprise_status
append_view(struct append *append, struct reprise_error *error)
{
	for (;;) {
		bool is_over = false;
		const reprise_status status = try_append(append, &is_over, error);

		if (status == REPRISE_OK && is_over)
			return REPRISE_OK;
		if (append->was_overtaken && ms_until(append->due_ns) == 0 &&
		    (status == REPRISE_OK || status == REPRISE_E_IO))
			return tell_overtaken(append, error);
		if (status != REPRISE_OK)
			return status;
	}
}

/* A run is finished only if all of it has arrived. */
static reprise_status
refuse_failed(struct append *append, uint64_t failures, struct reprise_error *error)
{
	struct view *const view = append->view;

	pthread_mutex_lock(&append->writer->lock);
	const bool has_failed = view->failures != failures || view->failed > 0 || view->has_untold;

	view->has_untold = false;
	pthread_mutex_unlock(&append->writer->lock);
	return has_failed ? error_detailed(error, REPRISE_E_ABORTED, "delta",
					   "an earlier append in flight failed")
			  : REPRISE_OK;
}

static reprise_status
finish_run(struct append *append, const char *id, struct reprise_error *error)
{
	struct flush flush = { .id = id, .sought = append->facts };

	if (append->appended.is_flushed != 0)
		return REPRISE_OK;
	const reprise_status status = flush_document(append->writer, append->view, &flush, error);

	if (status != REPRISE_OK && !flush.is_saved)
		return status;
	append->appended.version = flush.sought_version;
	append->appended.is_flushed = 1;
	return REPRISE_OK;
}

static reprise_status
append_held(struct append *append, const char *id, uint64_t failures, struct reprise_error *error)
{
	reprise_status status = view_drain(append->writer, append->view, append->due_ns, error);

	if (status == REPRISE_OK && append->facts->is_run_finished)
		status = refuse_failed(append, failures, error);
	if (status == REPRISE_OK && append->facts->is_run_finished)
		status = view_refuse_replaced(append->writer, append->view, error);
	if (status == REPRISE_OK)
		status = append_view(append, error);
	if (status == REPRISE_OK && append->facts->is_run_finished)
		status = finish_run(append, id, error);
	return status;
}

reprise_status
reprise_jetstream_append(struct reprise_jetstream *writer, const char *id,
			 const uint64_t *expected_version, struct reprise_bytes delta,
			 struct reprise_jetstream_appended *ret_appended,
			 struct reprise_error *error)
{
	char subject[SUBJECT_ROOM];
	struct prepared prepared;
	uint64_t failures = 0;
	struct append append = { .writer = writer,
				 .subject = subject,
				 .facts = &prepared.facts,
				 .expected_version = expected_version };

	if (ret_appended != NULL &&
	    !sized_has_room(ret_appended, SIZE_MIN(reprise_jetstream_appended)))
		return error_size(error, "ret_appended: size", ret_appended, sizeof(*ret_appended));
	UNCANCELLABLE;
	reprise_status status = prepare(writer, id, delta, &prepared, error);

	if (status == REPRISE_OK) {
		append.due_ns = writer_due(writer);
		writer_subject(writer, id, subject);
		prepare_appended(&prepared.facts, &append.appended);
		status = view_hold(writer, id, append.due_ns, &append.view, &failures, error);
	}
	if (status == REPRISE_OK) {
		status = append_held(&append, id, failures, error);
		view_release(writer, append.view);
	}
	prepared_free(&prepared);
	if (status == REPRISE_OK && ret_appended != NULL)
		(void)sized_write(ret_appended, &append.appended, sizeof(append.appended),
				  SIZE_MIN(reprise_jetstream_appended));
	return status;
}
