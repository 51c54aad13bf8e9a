/* SPDX-License-Identifier: MIT */
#include "jetstream/flush.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cancel.h"
#include "base/error.h"
#include "base/random.h"
#include "base/sized.h"
#include "base/sizes.h"
#include "jetstream/gather.h"
#include "jetstream/head.h"
#include "jetstream/prepare.h"
#include "jetstream/request.h"

enum {
	PAUSE_US_MOST = 4000, /* after a conflict, at random */
};

/* One pass of a flush: as many messages as one save takes. */
struct pass {
	struct reprise_jetstream *writer;
	struct flush *flush;
	char subject[SUBJECT_ROOM];
	struct head head;
	struct gathering gathering;
	struct reprise_bytes *deltas; /* those to apply */
	size_t deltas_count;
	bool is_again; /* others were faster: once more */
};

static void
pass_free(struct pass *pass)
{
	gathering_free(&pass->gathering);
	free(pass->deltas);
}

static reprise_status
select_deltas(struct pass *pass, struct reprise_error *error)
{
	const struct gathering *const gathering = &pass->gathering;

	if (gathering->count == 0)
		return REPRISE_OK;
	pass->deltas = calloc(gathering->count, sizeof(pass->deltas[0]));
	if (pass->deltas == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	for (size_t i = 0; i < gathering->count; i++)
		if (gathering->items[i].fate == FATE_APPLY)
			pass->deltas[pass->deltas_count++] = gathering->items[i].fetched.payload;
	return REPRISE_OK;
}

/* Saves @document, which is of the head's version, with the deltas applied. */
static reprise_status
apply_and_save(struct pass *pass, struct reprise_bytes document, struct reprise_error *error)
{
	struct reprise_thread_page *page = NULL;
	struct reprise_thread_flush saved = {
		.size = sizeof(saved),
		.id = pass->flush->id,
		.uid = pass->head.uid,
		.expected_version = pass->head.version,
		.deltas = pass->deltas,
		.deltas_count = pass->deltas_count,
	};

	if (reprise_thread_page_open(&page) != REPRISE_OK)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	reprise_status status = thread_apply_deltas(document, pass->deltas, pass->deltas_count,
						    page, &saved.document, error);

	if (status == REPRISE_OK)
		status = reprise_thread_save_flush(pass->writer->store, &saved,
						   &pass->flush->flushed.version, error);
	reprise_thread_page_close(page);
	return status;
}

/* REPRISE_E_CONFLICT: the document has changed since its head was read. */
static reprise_status
save(struct pass *pass, struct reprise_error *error)
{
	struct reprise_thread_document document = { .size = sizeof(document) };
	struct reprise_thread_page *page = NULL;

	if (reprise_thread_page_open(&page) != REPRISE_OK)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	reprise_status status =
		reprise_thread_load(pass->writer->store, pass->flush->id, page, &document, error);

	if (status == REPRISE_OK &&
	    (document.version != pass->head.version || strcmp(document.uid, pass->head.uid) != 0))
		status = error_conflict(error, pass->head.version, document.version);
	if (status == REPRISE_OK)
		status = apply_and_save(pass, document.json, error);
	reprise_thread_page_close(page);
	return status;
}

static void
count_applied(struct pass *pass)
{
	struct counters *const counters = &pass->writer->counters;
	struct reprise_jetstream_flushed *const flushed = &pass->flush->flushed;
	const struct thread_delta_facts *const sought = pass->flush->sought;
	uint64_t version = pass->head.version;
	struct missing missing;

	flushed->applied += pass->deltas_count;
	fetch_add_relaxed(&counters->flushes, 1);
	fetch_add_relaxed(&counters->applied, pass->deltas_count);
	settle_missing(&pass->gathering, pass->head.version, &missing);
	if (missing.count > 0) {
		if (flushed->discarded == 0)
			flushed->discarded_from = missing.from;
		flushed->discarded_to = missing.to;
		flushed->discarded += missing.count;
		fetch_add_relaxed(&counters->discarded, missing.count);
	}
	for (size_t i = 0; i < pass->gathering.count; i++) {
		const struct gathered *const item = &pass->gathering.items[i];

		if (item->fate != FATE_APPLY)
			continue;
		version++;
		if (sought != NULL && strcmp(item->id, sought->id) == 0)
			pass->flush->sought_version = version;
	}
}

static void
note_kept(struct pass *pass)
{
	const struct gathering *const gathering = &pass->gathering;

	if (gathering->count == 0)
		return;
	const struct gathered *const last = &gathering->items[gathering->count - 1];

	pass->flush->kept_sequence =
		last->fate == FATE_APPLY || last->fate == FATE_SKIP ? last->fetched.sequence : 0;
	pass->flush->kept_time_ms = last->fetched.time_ms;
}

static reprise_status
save_pass(struct pass *pass, struct reprise_error *error)
{
	struct reprise_error why = { .size = sizeof(why) };
	reprise_status status = select_deltas(pass, error);

	pass->flush->flushed.version = pass->head.version;
	if (status != REPRISE_OK)
		return status;
	if (pass->deltas_count > 0)
		status = save(pass, &why);
	switch ((int)status) {
	case REPRISE_OK:
		break;
	case REPRISE_E_CONFLICT:
	case REPRISE_E_EXISTS:
	case REPRISE_E_NOT_FOUND:
		/*
		 * Another flush or a save has come first, or the document is gone: it is
		 * looked at anew.
		 */
		fetch_add_relaxed(&pass->writer->counters.conflicts, 1);
		pass->is_again = true;
		return error_conflict(error, pass->head.version, why.actual);
	default:
		return error_copy(error, &why);
	}
	if (pass->deltas_count > 0)
		count_applied(pass);
	settle_applied(pass->writer, pass->subject, &pass->gathering);
	note_kept(pass);
	return REPRISE_OK;
}

static reprise_status
run_pass(struct pass *pass, struct reprise_error *error)
{
	struct reprise_jetstream *const writer = pass->writer;
	struct gather_what what = { .subject = pass->subject, .after = pass->flush->after };
	reprise_status status = request_last_sequence(writer, pass->subject, writer_due(writer),
						      &what.through, error);

	if (status != REPRISE_OK)
		return status;
	/* Behind the sequence: see gather.h. */
	const reprise_status found =
		head_read(writer->store, pass->flush->id, 0, &pass->head, error);

	if (found != REPRISE_OK && found != REPRISE_E_NOT_FOUND)
		return found;
	if (found == REPRISE_OK)
		what.uid = pass->head.uid;
	status = gather(writer, &what, &pass->gathering, error);
	if (status == REPRISE_OK)
		status = settle_dead(writer, &pass->gathering, &pass->flush->burials, error);
	pass->flush->flushed.dead = pass->flush->burials.dead;
	if (status != REPRISE_OK)
		return status;
	if (found == REPRISE_OK)
		status = save_pass(pass, error);
	else
		pass->is_again = pass->gathering.is_cut;
	/* Even if nothing could be removed, the next pass goes on behind this one. */
	if (status == REPRISE_OK && pass->gathering.is_cut)
		pass->flush->after =
			pass->gathering.items[pass->gathering.count - 1].fetched.sequence;
	return found == REPRISE_OK ? status : error_plain(error, REPRISE_E_NOT_FOUND);
}

static void
pause_at_random(void)
{
	uint32_t bits = 0;

	(void)random_bytes(&bits, sizeof(bits));
	const struct timespec time = { .tv_nsec = (long)(bits % PAUSE_US_MOST + 100) * 1000 };

	(void)nanosleep(&time, NULL);
}

/* Another flush has saved it. */
static reprise_status
find_sought(struct reprise_jetstream *writer, struct flush *flush, const char *uid,
	    struct reprise_error *error)
{
	struct reprise_thread_applied applied = { 0 };

	if (flush->sought == NULL || flush->sought_version != 0)
		return REPRISE_OK;
	const char *const id = flush->sought->id;
	const reprise_status status =
		reprise_thread_find_applied(writer->store, uid, &id, 1, &applied, error);

	flush->sought_version = applied.version;
	if (status != REPRISE_OK || applied.version != 0)
		return status;
	return error_detailed(error, REPRISE_E_IO, "server", "the server has lost the delta");
}

static reprise_status
tell_burials(struct flush *flush, reprise_status status, struct reprise_error *error)
{
	if (flush->burials.failure == REPRISE_OK ||
	    (status != REPRISE_OK && status != REPRISE_E_NOT_FOUND))
		return status;
	flush->is_saved = status == REPRISE_OK;
	return error_copy(error, &flush->burials.why);
}

reprise_status
flush_document(struct reprise_jetstream *writer, struct view *view, struct flush *flush,
	       struct reprise_error *error)
{
	uint64_t due_ns = writer_due(writer);
	bool goes_on = true;
	reprise_status status = REPRISE_OK;

	view_forget(view);
	while (goes_on) {
		struct pass *const pass = calloc(1, sizeof(*pass));

		if (pass == NULL)
			return error_plain(error, REPRISE_E_NO_MEMORY);
		pass->writer = writer;
		pass->flush = flush;
		writer_subject(writer, flush->id, pass->subject);
		status = run_pass(pass, error);
		goes_on = pass->is_again ? ms_until(due_ns) > 0
					 : status == REPRISE_OK && pass->gathering.is_cut;
		if (status == REPRISE_OK)
			due_ns = writer_due(writer);
		if (status == REPRISE_OK && !goes_on)
			status = find_sought(writer, flush, pass->head.uid, error);
		if (status == REPRISE_OK && strcmp(view->sent_uid, pass->head.uid) == 0)
			view->sent_uid[0] = '\0';
		const bool is_conflict = pass->is_again && status == REPRISE_E_CONFLICT;

		pass_free(pass);
		free(pass);
		if (goes_on && is_conflict)
			pause_at_random();
	}
	return tell_burials(flush, status, error);
}

/* A failure that no completion has told. */
static reprise_status
tell_untold(struct reprise_jetstream *writer, struct view *view, struct reprise_error *error)
{
	pthread_mutex_lock(&writer->lock);
	const bool has_untold = view->has_untold;
	const struct reprise_error untold = view->untold;

	view->has_untold = false;
	pthread_mutex_unlock(&writer->lock);
	return has_untold ? error_detailed(error, REPRISE_E_ABORTED,
					   reprise_status_name(untold.status), untold.detail)
			  : REPRISE_OK;
}

reprise_status
reprise_jetstream_flush(struct reprise_jetstream *writer, const char *id,
			struct reprise_jetstream_flushed *ret_flushed, struct reprise_error *error)
{
	struct flush flush = { .id = id };
	struct view *view = NULL;

	if (ret_flushed != NULL &&
	    !sized_has_room(ret_flushed, SIZE_MIN(reprise_jetstream_flushed)))
		return error_size(error, "ret_flushed: size", ret_flushed, sizeof(*ret_flushed));
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
		status = tell_untold(writer, view, error);
	if (status == REPRISE_OK)
		status = view_refuse_replaced(writer, view, error);
	if (status == REPRISE_OK)
		status = flush_document(writer, view, &flush, error);
	if (status == REPRISE_E_NOT_FOUND)
		view->sent_uid[0] = '\0';
	view_release(writer, view);
	if ((status == REPRISE_OK || flush.is_saved) && ret_flushed != NULL)
		(void)sized_write(ret_flushed, &flush.flushed, sizeof(flush.flushed),
				  SIZE_MIN(reprise_jetstream_flushed));
	return status;
}
