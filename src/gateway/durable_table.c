/* SPDX-License-Identifier: MIT */
/*
 * The table of durable streams. A look finds the state of a stream: in memory, or read by a worker
 * from the stream's last events. Looks of one stream are found in their order.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "gateway/durable_stream.h"
#include "gateway/gateway.h"

enum {
	STREAMS_KEPT_MAX = 4096,
	MORTALS_KEPT_MAX = 65536, /* with a lifetime */
	LOOK_NS = 250000000,      /* between two searches for streams that have expired */
};

void
durable_open(struct durable_table *table)
{
	TAILQ_INIT(&table->used);
	TAILQ_INIT(&table->unlocked);
}

static struct durable_stream **
find_row(struct reprise_gateway *gateway, const char *session_id)
{
	const uint64_t hash = siphash(&gateway->hash_key, session_id, strlen(session_id));

	return &gateway->durable.rows[hash % DURABLE_ROWS];
}

struct durable_stream *
durable_find_stream(struct reprise_gateway *gateway, const char *session_id)
{
	struct durable_stream *stream = *find_row(gateway, session_id);

	while (stream != NULL && strcmp(stream->session_id, session_id) != 0)
		stream = stream->next;
	return stream;
}

static struct durable_stream *
get_stream(struct reprise_gateway *gateway, const char *session_id)
{
	struct durable_stream **const row = find_row(gateway, session_id);
	struct durable_stream *stream = durable_find_stream(gateway, session_id);

	if (stream != NULL) {
		TAILQ_REMOVE(&gateway->durable.used, stream, used);
		TAILQ_INSERT_TAIL(&gateway->durable.used, stream, used);
		return stream;
	}
	stream = calloc(1, sizeof(*stream));
	if (stream == NULL)
		return NULL;
	stream->gateway = gateway;
	memcpy(stream->session_id, session_id, strlen(session_id) + 1);
	TAILQ_INIT(&stream->waiting);
	durable_state_init(&stream->state);
	durable_state_init(&stream->loaded.state);
	stream->next = *row;
	*row = stream;
	TAILQ_INSERT_TAIL(&gateway->durable.used, stream, used);
	gateway->durable.count++;
	return stream;
}

static void
free_stream(struct durable_stream *stream)
{
	struct durable_table *const table = &stream->gateway->durable;
	struct durable_stream **place = find_row(stream->gateway, stream->session_id);

	while (*place != stream)
		place = &(*place)->next;
	*place = stream->next;
	TAILQ_REMOVE(&table->used, stream, used);
	table->count--;
	durable_state_free(&stream->state);
	durable_state_free(&stream->loaded.state);
	free(stream);
}

void
durable_close(struct reprise_gateway *gateway)
{
	struct durable_stream *stream;

	durable_serve(gateway);
	while ((stream = TAILQ_FIRST(&gateway->durable.used)) != NULL)
		free_stream(stream);
}

void
durable_forget(struct durable_stream *stream)
{
	durable_state_free(&stream->state);
	durable_state_init(&stream->state);
	if (!random_bytes(&stream->version, sizeof(stream->version)))
		stream->version = clock_ns();
	stream->is_loaded = stream->was_lost = stream->has_checked_forks = false;
	stream->life = (struct reprise_incarnation){ 0 };
	stream->closed_at = stream->appended = stream->kept = 0;
	stream->deadline_ns = 0;
}

/* On a worker. */
static void
run_load(struct job *job, struct reprise_log *log)
{
	struct durable_stream *const stream =
		(struct durable_stream *)((char *)job - offsetof(struct durable_stream, job));

	if (job->status == REPRISE_OK)
		job->status = durable_load(stream->gateway, stream->session_id, log,
					   &stream->loaded, &job->error);
}

static void serve_looks(struct durable_stream *stream, bool is_fresh);

static void refuse_look(struct durable_look *look, enum error_code code, reprise_status status,
			const struct reprise_error *error);

static void
finish_load(struct job *job)
{
	struct durable_stream *const stream =
		(struct durable_stream *)((char *)job - offsetof(struct durable_stream, job));
	struct durable_look *look;

	stream->is_loading = false;
	stream->references++;
	if (job->status == REPRISE_OK) {
		durable_take_loaded(stream);
		serve_looks(stream, true);
	} else {
		while (!stream->is_loading && (look = TAILQ_FIRST(&stream->waiting)) != NULL) {
			TAILQ_REMOVE(&stream->waiting, look, entry);
			refuse_look(look, error_of_status(job->status), job->status, &job->error);
		}
	}
	stream->references--;
}

static void
load(struct durable_stream *stream)
{
	stream->is_loading = true;
	stream->loaded.known = stream->is_loaded && !stream->was_lost ? stream->state.through : 0;
	stream->job.run = run_load;
	stream->job.done = finish_load;
	work_submit(&stream->gateway->work, &stream->job);
}

static void
refuse_look(struct durable_look *look, enum error_code code, reprise_status status,
	    const struct reprise_error *error)
{
	struct request *const request = look->request;

	if (look->failed != NULL) {
		look->failed(look, code, status, error);
	} else {
		durable_let_go(look);
		request_refuse_failed(request, code, status, error);
	}
	request_release(request);
}

static void
settle_look(struct durable_look *look)
{
	struct durable_stream *const stream = look->stream;
	struct request *const request = look->request;
	const struct durable_state *const state = &stream->state;
	const bool is_void = !state->is_created || durable_has_expired(stream);

	if (stream->was_lost) {
		refuse_look(look, ERROR_LOG_UNAVAILABLE, REPRISE_E_BUSY, NULL);
		return;
	}
	if (!look->takes_any && (is_void || state->is_gone)) {
		refuse_look(look,
			    is_void && state->forks_count == 0 ? ERROR_UNKNOWN_STREAM
							       : ERROR_STREAM_GONE,
			    REPRISE_OK, NULL);
		return;
	}
	durable_judge_tail(look);
	look->version = state->settings.source[0] != '\0' ? stream->version : 0;
	look->is_locking = stream->is_locked = look->is_exclusive;
	if (look->renews)
		durable_renew(look);
	look->found(look);
	request_release(request);
}

/* @is_fresh: the state was read from the log in this turn. */
static void
serve_looks(struct durable_stream *stream, bool is_fresh)
{
	struct durable_look *look;

	stream->references++;
	while (!stream->is_loading && !stream->is_locked &&
	       (look = TAILQ_FIRST(&stream->waiting)) != NULL) {
		if (!is_fresh && !durable_is_current(stream)) {
			load(stream);
			break;
		}
		if (is_fresh)
			durable_adopt_window(stream);
		TAILQ_REMOVE(&stream->waiting, look, entry);
		settle_look(look);
	}
	stream->references--;
}

void
durable_look(struct durable_look *look, const char *session_id)
{
	struct reprise_gateway *const gateway = look->request->gateway;
	struct durable_stream *stream = NULL;

	request_hold(look->request);
	look->is_locking = false;
	if (gateway_has_log(gateway))
		stream = get_stream(gateway, session_id);
	look->stream = stream;
	if (stream == NULL) {
		refuse_look(look, gateway_has_log(gateway) ? ERROR_NO_MEMORY : ERROR_NO_LOG,
			    REPRISE_OK, NULL);
		return;
	}
	stream->references++;
	TAILQ_INSERT_TAIL(&stream->waiting, look, entry);
	if (TAILQ_FIRST(&stream->waiting) == look)
		serve_looks(stream, false);
}

/*
 * The looks that wait for the lock are found by the loop, from one frame: thousands of looks that
 * let go at once would be as many levels of the stack.
 */
static void
unlock(struct durable_stream *stream)
{
	stream->is_locked = false;
	if (stream->is_unlocked || TAILQ_EMPTY(&stream->waiting))
		return;
	stream->is_unlocked = true;
	stream->references++;
	TAILQ_INSERT_TAIL(&stream->gateway->durable.unlocked, stream, unlocked);
	if (!work_is_closing(&stream->gateway->work))
		(void)http_server_notify(stream->gateway->server);
}

void
durable_let_go(struct durable_look *look)
{
	struct durable_stream *const stream = look->stream;

	if (stream == NULL)
		return;
	look->stream = NULL;
	look->state = NULL;
	if (look->is_locking)
		unlock(stream);
	look->is_locking = false;
	stream->references--;
}

void
durable_serve(struct reprise_gateway *gateway)
{
	struct durable_table *const table = &gateway->durable;
	struct durable_stream *stream;

	while ((stream = TAILQ_FIRST(&table->unlocked)) != NULL) {
		TAILQ_REMOVE(&table->unlocked, stream, unlocked);
		stream->is_unlocked = false;
		serve_looks(stream, false);
		stream->references--;
	}
}

static bool
may_drop(const struct durable_stream *stream)
{
	/* A stream that leaves the table is removed behind its lifetime once a client asks. */
	if (stream->deadline_ns != 0 && stream->gateway->durable.count <= MORTALS_KEPT_MAX)
		return false;
	return stream->references == 0 && !stream->is_loading && !stream->is_locked &&
	       durable_is_recorded(stream);
}

void
durable_tick(struct reprise_gateway *gateway)
{
	struct durable_table *const table = &gateway->durable;
	struct durable_stream *stream, *next;

	if (gateway->now_ns - table->looked_ns < LOOK_NS)
		return;
	table->looked_ns = gateway->now_ns;
	for (stream = TAILQ_FIRST(&table->used); stream != NULL; stream = next) {
		next = TAILQ_NEXT(stream, used);
		if (!durable_begin_errand(stream) && table->count > STREAMS_KEPT_MAX &&
		    may_drop(stream))
			free_stream(stream);
	}
}
