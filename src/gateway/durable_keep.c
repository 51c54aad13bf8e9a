/* SPDX-License-Identifier: MIT */
/*
 * A second place for the states of durable streams. Retention may archive the control events of a
 * stream whose data goes on, or the whole of a stream that is silent. So the state of a stream is
 * also a blob of a key of the tenant, which retention leaves alone. A blob is written when the
 * stream has been silent for a while, or has a good many events more, and holds a state that the
 * log has. The control events behind the blob are added to the state.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <reprise/log_blob.h>

#include "base/siphash.h"
#include "gateway/durable_stream.h"
#include "gateway/gateway.h"

static const char keeping_thread[] = "reprise/streams";

enum {
	SILENT_NS = 200000000,
	EVENTS_MAX = 64,       /* behind the blob, or as many as the state has entries */
	RETRY_NS = 1000000000, /* behind a blob that was not written */
	KEEPING_MAX = 64,      /* at once: clients want the workers, too */
	LIVES_AT_ONCE = 64,
	POSITION_BYTES = 8,
	NAME_BYTES = 33,
};

struct keeping {
	struct durable_stream *stream;
	struct job job;
	struct durable_change change; /* the blob: a position, and a control event */
	reprise_position through;
};

bool
durable_is_reserved(const char *session_id)
{
	return strcmp(session_id, keeping_thread) == 0;
}

/* The same name in every process: the keys of the hash are fixed. */
static void
format_name(const char *session_id, char name[NAME_BYTES])
{
	static const struct siphash_key keys[] = { { { 1, 0 } }, { { 2, 0 } } };
	const size_t size = strlen(session_id);

	snprintf(name, NAME_BYTES, "%016llx%016llx",
		 (unsigned long long)siphash(&keys[0], session_id, size),
		 (unsigned long long)siphash(&keys[1], session_id, size));
}

/* On a worker. The first blob of a tenant creates the key. */
static void
run_keep(struct job *job, struct reprise_log *log)
{
	struct keeping *const keeping =
		(struct keeping *)((char *)job - offsetof(struct keeping, job));
	const struct reprise_log_key key = { keeping->stream->gateway->tenant, keeping_thread };
	const struct reprise_log_new_entry entry = { .payload = { "states", 6 } };
	const struct reprise_bytes bytes = { keeping->change.data, keeping->change.size };
	const reprise_ordinal unwritten = 0;
	char name[NAME_BYTES];

	if (job->status != REPRISE_OK)
		return;
	format_name(keeping->stream->session_id, name);
	job->status = reprise_log_blob_put(log, &key, NULL, name, bytes, &job->error);
	if (job->status != REPRISE_E_NOT_FOUND)
		return;
	job->status = reprise_log_append(log, &key, &unwritten, &entry, 1, NULL, &job->error);
	if (job->status == REPRISE_OK || job->status == REPRISE_E_CONFLICT)
		job->status = reprise_log_blob_put(log, &key, NULL, name, bytes, &job->error);
}

static void
finish_keep(struct job *job)
{
	struct keeping *const keeping =
		(struct keeping *)((char *)job - offsetof(struct keeping, job));
	struct durable_stream *const stream = keeping->stream;

	if (job->status == REPRISE_OK)
		stream->kept = keeping->through;
	else
		stream->keep_ns = stream->gateway->now_ns + RETRY_NS;
	stream->references--;
	stream->is_keeping = false;
	stream->gateway->durable.keeping--;
	if (stream->removal != NULL)
		work_submit(&stream->gateway->work, stream->removal);
	stream->removal = NULL;
	durable_change_free(&keeping->change);
	free(keeping);
}

/* The position, in front of the control event. */
static bool
add_position(struct durable_change *change, reprise_position position)
{
	unsigned char *const data = malloc(change->size + POSITION_BYTES);

	if (data == NULL || change->failed) {
		free(data);
		return false;
	}
	for (int i = 0; i < POSITION_BYTES; i++)
		data[i] = (unsigned char)(position >> (8 * i));
	memcpy(data + POSITION_BYTES, change->data, change->size);
	free(change->data);
	change->data = data;
	change->size += POSITION_BYTES;
	return true;
}

static bool
is_due(const struct durable_stream *stream)
{
	const struct durable_state *const state = &stream->state;
	const uint64_t silent_ns = stream->gateway->now_ns - stream->changed_ns;
	const uint64_t entries = state->producers_count + state->forks_count;

	if (!state->is_created || stream->is_keeping || stream->is_removing || stream->was_lost ||
	    state->through == stream->kept)
		return false;
	return silent_ns >= SILENT_NS ||
	       state->through - stream->kept >= (entries > EVENTS_MAX ? entries : EVENTS_MAX);
}

bool
durable_keep(struct durable_stream *stream)
{
	struct keeping *keeping;

	if (!is_due(stream) || !durable_is_recorded(stream))
		return false;
	if (stream->gateway->durable.keeping == KEEPING_MAX ||
	    stream->gateway->now_ns < stream->keep_ns)
		return true; /* later */
	keeping = calloc(1, sizeof(*keeping));
	if (keeping == NULL)
		return false;
	durable_change_snapshot(&keeping->change, stream->session_id, &stream->state);
	if (!add_position(&keeping->change, stream->state.through)) {
		durable_change_free(&keeping->change);
		free(keeping);
		return false;
	}
	keeping->stream = stream;
	keeping->through = stream->state.through;
	keeping->job.run = run_keep;
	keeping->job.done = finish_keep;
	stream->references++;
	stream->is_keeping = true;
	stream->gateway->durable.keeping++;
	work_submit(&stream->gateway->work, &keeping->job);
	return true;
}

/* The blob without its position. False: there is none. */
static bool
read_blob(struct reprise_gateway *gateway, const char *session_id, struct reprise_log *log,
	  struct reprise_log_page *page, struct reprise_bytes *ret_bytes,
	  reprise_position *ret_through)
{
	const struct reprise_log_key key = { gateway->tenant, keeping_thread };
	const unsigned char *data;
	char name[NAME_BYTES];

	format_name(session_id, name);
	if (reprise_log_blob_get(log, &key, name, page, ret_bytes, NULL) != REPRISE_OK ||
	    ret_bytes->size <= POSITION_BYTES)
		return false;
	data = ret_bytes->data;
	*ret_through = 0;
	for (int i = 0; i < POSITION_BYTES; i++)
		*ret_through |= (reprise_position)data[i] << (8 * i);
	*ret_bytes =
		(struct reprise_bytes){ data + POSITION_BYTES, ret_bytes->size - POSITION_BYTES };
	return true;
}

reprise_position
durable_kept_through(struct reprise_gateway *gateway, const char *session_id,
		     struct reprise_log *log, struct reprise_log_page *page)
{
	reprise_position through;
	struct reprise_bytes bytes;

	return read_blob(gateway, session_id, log, page, &bytes, &through) ? through : 0;
}

reprise_status
durable_forget_kept(struct reprise_gateway *gateway, const char *session_id,
		    struct reprise_log *log, struct reprise_error *error)
{
	const struct reprise_log_key key = { gateway->tenant, keeping_thread };
	const struct reprise_bytes none = { NULL, 0 };
	struct reprise_log_page *page;
	reprise_position through;
	struct reprise_bytes bytes;
	char name[NAME_BYTES];
	reprise_status status = reprise_log_page_open(&page);

	if (status != REPRISE_OK)
		return status;
	format_name(session_id, name);
	if (read_blob(gateway, session_id, log, page, &bytes, &through))
		status = reprise_log_blob_put(log, &key, NULL, name, none, error);
	reprise_log_page_close(page);
	return status;
}

/* The last position that was deleted with a session of the name; 0: none. */
static reprise_status
find_void(struct reprise_log *log, const struct reprise_log_key *key, reprise_position *ret_end)
{
	struct reprise_life lives[LIVES_AT_ONCE];
	size_t lives_count = LIVES_AT_ONCE;
	uint64_t after = 0;

	*ret_end = 0;
	while (lives_count == LIVES_AT_ONCE) {
		const reprise_status status = reprise_log_lives(log, key, after, lives,
								LIVES_AT_ONCE, &lives_count, NULL);

		if (status != REPRISE_OK)
			return status;
		for (size_t i = 0; i < lives_count; i++) {
			after = lives[i].number;
			if (lives[i].state == REPRISE_LIFE_INVALIDATED && lives[i].end > *ret_end)
				*ret_end = lives[i].end;
		}
	}
	return REPRISE_OK;
}

/* The blob may be of a stream of the name that was deleted. */
enum durable_applied
durable_read_kept(struct reprise_gateway *gateway, const char *session_id, struct reprise_log *log,
		  struct reprise_log_page *page, reprise_position head, struct durable_state *state)
{
	const struct reprise_log_key key = { gateway->tenant, session_id };
	reprise_position through, deleted;
	struct reprise_bytes bytes;

	if (!read_blob(gateway, session_id, log, page, &bytes, &through) || through > head ||
	    find_void(log, &key, &deleted) != REPRISE_OK || through <= deleted)
		return DURABLE_MALFORMED;
	return durable_state_apply(state, session_id, through, DURABLE_KIND, bytes.data,
				   bytes.size);
}
