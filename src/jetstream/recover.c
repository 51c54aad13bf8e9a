/* SPDX-License-Identifier: MIT */
#include <reprise/jetstream_upkeep.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/error.h"
#include "base/sized.h"
#include "base/sizes.h"
#include "jetstream/dead.h"
#include "jetstream/flush.h"
#include "jetstream/request.h"

/*
 * Walks the stream from its beginning. The first message of each document has the document flushed,
 * which removes its other messages. So the walk meets few of them, whatever their number; those
 * that a failed flush leaves are passed over.
 */
struct recovery {
	struct reprise_jetstream *writer;
	struct reprise_jetstream_recovered recovered;
	struct table visited; /* ids */
	uint64_t through;     /* the newest sequence as the recovery began */
	uint64_t at;          /* how far the walk is */
	struct fetched next;  /* what it met there; no message: the walk is over */
	reprise_status first_failure;
	bool is_burying_over; /* as in struct burials */
	struct reprise_error *error;
};

static bool
take_next(struct fetched *fetched, void *context)
{
	struct recovery *const recovery = context;

	recovery->next = *fetched;
	recovery->at = fetched->sequence;
	return false;
}

static reprise_status
meet_next(struct recovery *recovery, struct reprise_error *error)
{
	struct reprise_jetstream *const writer = recovery->writer;
	char pattern[SUBJECT_ROOM];
	const struct fetching fetching = { .stream = writer->settings.stream,
					   .subject = pattern,
					   .after = recovery->at,
					   .through = recovery->through };

	writer_subject(writer, "*", pattern);
	recovery->next = (struct fetched){ 0 };
	return fetch_each(writer, &fetching, take_next, recovery, error);
}

/* The failure of one document, or of a message that belongs to none: then the id is "". */
static void
note_failure(struct recovery *recovery, const char *id, const struct reprise_error *why)
{
	struct reprise_jetstream_recovered *const recovered = &recovery->recovered;

	if (recovered->failed++ > 0)
		return;
	snprintf(recovered->failed_id, sizeof(recovered->failed_id), "%s", id);
	recovery->first_failure = why->status;
	if (id[0] == '\0')
		id = "subject";
	(void)(why->status == REPRISE_E_CONFLICT
		       ? error_conflict_detailed(recovery->error, why->expected, why->actual, id)
		       : error_detailed(recovery->error, why->status, id, why->detail));
}

/* Drops a message whose delta was applied long ago. The newest of the stream stays. */
static void
purge_idle(struct recovery *recovery, const struct flush *flush)
{
	struct reprise_jetstream *const writer = recovery->writer;

	if (flush->kept_sequence == 0 || flush->kept_sequence >= recovery->through ||
	    flush->kept_time_ms + writer->settings.idle_purge_ms >= wall_ms())
		return;
	(void)request_drop(writer, writer->settings.stream, flush->kept_sequence,
			   writer_due(writer), NULL);
}

static reprise_status
flush_id(struct recovery *recovery, const char *id, struct flush *flush,
	 struct reprise_error *error)
{
	struct reprise_jetstream *const writer = recovery->writer;
	const uint64_t due_ns = writer_due(writer);
	struct view *view = NULL;
	reprise_status status = view_hold(writer, id, due_ns, &view, NULL, error);

	if (status != REPRISE_OK)
		return status;
	status = view_drain(writer, view, due_ns, error);
	if (status == REPRISE_OK)
		status = flush_document(writer, view, flush, error);
	view_release(writer, view);
	return status;
}

static reprise_status
recover_id(struct recovery *recovery, const char *id, struct reprise_error *error)
{
	static const unsigned char none[REPRISE_THREAD_DIGEST_BYTES];
	struct reprise_jetstream_recovered *const recovered = &recovery->recovered;
	const struct siphash_key *const key = &recovery->writer->views.key;
	struct reprise_error why = { .size = sizeof(why) };
	struct flush flush = { .id = id, .burials.is_over = recovery->is_burying_over };

	if (table_find(&recovery->visited, key, id) != NULL)
		return REPRISE_OK;
	if (!table_add(&recovery->visited, key, id, none, 0, 0))
		return error_plain(error, REPRISE_E_NO_MEMORY);
	const reprise_status status = flush_id(recovery, id, &flush, &why);

	recovered->documents++;
	recovered->applied += flush.flushed.applied;
	recovered->dead += flush.flushed.dead;
	recovered->discarded += flush.flushed.discarded;
	recovery->is_burying_over |= flush.burials.is_over;
	/* Its messages are dead letters. */
	if (status == REPRISE_E_NOT_FOUND)
		return REPRISE_OK;
	if (status == REPRISE_E_NO_MEMORY)
		return error_plain(error, status);
	if (status != REPRISE_OK)
		note_failure(recovery, id, &why);
	else
		purge_idle(recovery, &flush);
	/* Without a connection the others would fail as well, each after a deadline. */
	return status == REPRISE_E_IO && load_acquire(&recovery->writer->is_connected) == 0
		       ? error_copy(error, &why)
		       : REPRISE_OK;
}

/* A message that was met is a document's, or its subject is one that no document can have. */
static reprise_status
recover_next(struct recovery *recovery, struct reprise_error *error)
{
	char id[THREAD_ID_ROOM];
	bool is_new = false;

	if (writer_id_of(recovery->writer, recovery->next.subject, id))
		return recover_id(recovery, id, error);
	if (recovery->is_burying_over) {
		recovery->recovered.failed++;
		return REPRISE_OK;
	}
	struct reprise_error why = { .size = sizeof(why) };
	const uint64_t due_ns = writer_due(recovery->writer);
	const reprise_status status =
		dead_bury(recovery->writer, &recovery->next, "no document has this subject", due_ns,
			  &is_new, &why);

	recovery->recovered.dead += is_new;
	if (status == REPRISE_OK)
		return REPRISE_OK;
	if (!settle_goes_on(recovery->writer, status, due_ns))
		return error_copy(error, &why);
	recovery->is_burying_over = ms_until(due_ns) == 0;
	note_failure(recovery, "", &why);
	return REPRISE_OK;
}

static reprise_status
walk(struct recovery *recovery, struct reprise_error *error)
{
	reprise_status status = request_newest(recovery->writer, writer_due(recovery->writer),
					       &recovery->through, error);
	bool goes_on = status == REPRISE_OK && recovery->through > 0;

	while (goes_on) {
		status = meet_next(recovery, error);
		goes_on = status == REPRISE_OK && recovery->next.memory != NULL;
		if (goes_on) {
			status = recover_next(recovery, error);
			fetched_free(&recovery->next);
			goes_on = status == REPRISE_OK;
		}
	}
	return status;
}

reprise_status
reprise_jetstream_recover(struct reprise_jetstream *writer,
			  struct reprise_jetstream_recovered *ret_recovered,
			  struct reprise_error *error)
{
	struct recovery recovery = { .writer = writer, .error = error };

	if (ret_recovered != NULL &&
	    !sized_has_room(ret_recovered, SIZE_MIN(reprise_jetstream_recovered)))
		return error_size(error, "ret_recovered: size", ret_recovered,
				  sizeof(*ret_recovered));
	UNCANCELLABLE;
	reprise_status status = writer_check(writer, error);

	if (status != REPRISE_OK)
		return status;
	status = walk(&recovery, error);
	table_free(&recovery.visited);
	if (status == REPRISE_OK)
		status = recovery.first_failure;
	if (ret_recovered != NULL && (status == REPRISE_OK || recovery.first_failure != REPRISE_OK))
		(void)sized_write(ret_recovered, &recovery.recovered, sizeof(recovery.recovered),
				  SIZE_MIN(reprise_jetstream_recovered));
	return status;
}
