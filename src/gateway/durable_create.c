/* SPDX-License-Identifier: MIT */
/*
 * PUT /v1/stream/{id}: creates a durable stream, or finds that the stream is there as asked for.
 * The first batch is a control event with the settings, and the data of the body behind.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <reprise/session.h>

#include "gateway/durable_put.h"
#include "gateway/gateway.h"

static const char octets[] = "application/octet-stream";

static struct durable_put *
put_of(struct append *append)
{
	return append->owner;
}

static void
let_go(struct durable_put *put)
{
	struct request *const request = put->request;
	const bool was_started = put->is_started;

	put->is_started = false;
	durable_let_go(&put->look);
	durable_let_go(&put->source);
	if (was_started)
		request_release(request);
}

void
durable_put_refuse(struct durable_put *put, enum error_code code, const char *detail)
{
	request_refuse(put->request, code, detail);
	let_go(put);
}

void
durable_put_fail(struct durable_put *put, enum error_code code, reprise_status status,
		 const struct reprise_error *error)
{
	request_refuse_failed(put->request, code, status, error);
	let_go(put);
}

/* A type that is none counts as absent, and bytes are the default. */
static const char *
read_type(struct durable_put *put, const struct http_head *head)
{
	struct durable_settings *const settings = &put->settings;
	struct http_text type;

	if (!durable_field(head, "content-type", &type))
		return "Content-Type comes twice";
	memcpy(settings->type, octets, sizeof(octets));
	memcpy(settings->type_sent, octets, sizeof(octets));
	if (type.data == NULL || type.size > DURABLE_TYPE_BYTES_MAX ||
	    !durable_type_parse(type.data, type.size, settings->type)) {
		memcpy(settings->type, octets, sizeof(octets));
		return NULL;
	}
	memcpy(settings->type_sent, type.data, type.size);
	settings->type_sent[type.size] = '\0';
	put->has_type = true;
	return NULL;
}

static const char *
read_lifetime(struct durable_put *put, const struct http_head *head)
{
	struct durable_settings *const settings = &put->settings;
	struct http_text ttl, expiry;

	if (!durable_field(head, "stream-ttl", &ttl) ||
	    !durable_field(head, "stream-expires-at", &expiry))
		return "a lifetime comes twice";
	if (ttl.data != NULL && expiry.data != NULL)
		return "Stream-TTL and Stream-Expires-At exclude each other";
	settings->has_ttl = ttl.data != NULL;
	settings->has_expiry = expiry.data != NULL;
	if (ttl.data != NULL && !durable_ttl_parse(ttl.data, ttl.size, &settings->ttl_s))
		return "Stream-TTL is a number of seconds";
	if (expiry.data != NULL &&
	    !durable_time_parse(expiry.data, expiry.size, &settings->expires_ns))
		return "Stream-Expires-At is a time of RFC 3339";
	return NULL;
}

/* The stream's address as the client knows it. */
static void
keep_location(struct durable_put *put, const struct http_head *head)
{
	const bool is_tls = put->request->gateway->tls_certificate_file != NULL;
	const int size =
		snprintf(NULL, 0, "http%s://%.*s%.*s", is_tls ? "s" : "", (int)head->host.size,
			 head->host.data, (int)head->path.size, head->path.data);

	put->location = malloc((size_t)size + 1);
	if (put->location != NULL)
		snprintf(put->location, (size_t)size + 1, "http%s://%.*s%.*s", is_tls ? "s" : "",
			 (int)head->host.size, head->host.data, (int)head->path.size,
			 head->path.data);
}

static const char *
read_fields(struct durable_put *put, const struct http_head *head)
{
	const char *words = read_type(put, head);

	if (words == NULL)
		words = read_lifetime(put, head);
	if (words == NULL)
		words = durable_fork_read(put, head);
	put->closes = durable_field_is_true(head, "stream-closed");
	put->settings.is_created_closed = put->closes;
	return words;
}

static void
begin_put(struct request *request, const struct http_head *head)
{
	struct append *const append = append_new(request);
	struct durable_put *put;
	enum body_type type;
	const char *words;

	if (append == NULL || !append_read_type(append, head, &type))
		return;
	put = calloc(1, sizeof(*put));
	if (put == NULL) {
		append_refuse(append, ERROR_NO_MEMORY, NULL);
		return;
	}
	append->owner = put;
	append->waits = true;
	append->creates = true;
	put->request = put->look.request = put->source.request = request;
	put->batch.append = append;
	put->batch.allows_empty = true;
	words = read_fields(put, head);
	keep_location(put, head);
	if (words != NULL)
		append_refuse(append, ERROR_BAD_FIELD, words);
	else if (put->location == NULL)
		append_refuse(append, ERROR_NO_MEMORY, NULL);
}

static void
answer(struct durable_put *put, int status)
{
	const struct durable_stream *const stream = put->look.stream;
	struct durable_fields fields = { .count = 0 };

	durable_add(&fields, "Content-Type", stream->state.settings.type_sent);
	durable_add_offset(&fields, durable_end(stream));
	if (status == 201)
		durable_add(&fields, "Location", put->location);
	if (stream->state.is_closed)
		durable_add(&fields, "Stream-Closed", "true");
	durable_answer(put->request, status, &fields, (struct http_text){ "", 0 });
	let_go(put);
}

/* Of a fork, what the request leaves out is the source's, and so equal. */
static bool
is_as_asked(const struct durable_put *put)
{
	const struct durable_state *const state = put->look.state;
	struct durable_settings found = state->settings, asked = put->settings;

	found.is_created_closed = state->is_closed;
	if (put->is_fork && !put->has_type)
		memcpy(asked.type, found.type, sizeof(found.type));
	if (put->is_fork && !asked.has_ttl && !asked.has_expiry) {
		asked.has_ttl = found.has_ttl;
		asked.ttl_s = found.ttl_s;
		asked.has_expiry = found.has_expiry;
		asked.expires_ns = found.expires_ns;
	}
	return durable_settings_are_equal(&found, &asked);
}

static void
finish_removal(struct durable_removal *removal)
{
	struct durable_put *const put =
		(struct durable_put *)((char *)removal - offsetof(struct durable_put, removal));

	if (removal->is_done)
		durable_put_look(put);
	else
		durable_put_fail(put, removal->code, removal->status, &removal->error);
	request_release(put->request);
}

/* A stream whose time is over makes room for the new one. */
static void
remove_expired(struct durable_put *put)
{
	request_hold(put->request);
	put->removal = (struct durable_removal){ .look = put->look, .done = finish_removal };
	put->look.stream = NULL;
	put->look.is_locking = false;
	durable_remove(&put->removal);
}

/* The stream exists. Its creation may not be recorded yet, if a client has not waited. */
static void
find(struct durable_put *put)
{
	put->is_found = true;
	if (!is_as_asked(put))
		durable_put_refuse(put, ERROR_CONFLICT, "the stream exists with other settings");
	else if (durable_is_recorded(put->look.stream))
		answer(put, 200);
	else
		durable_put_append(put);
}

static void
on_found(struct durable_look *look)
{
	struct durable_put *const put =
		(struct durable_put *)((char *)look - offsetof(struct durable_put, look));
	const struct durable_state *const state = look->state;

	if (put->request->exchange == NULL) {
		let_go(put);
	} else if (state->is_gone) {
		durable_put_refuse(put, ERROR_CONFLICT, "the stream is kept for its forks");
	} else if (state->is_created && durable_has_expired(look->stream)) {
		remove_expired(put);
	} else if (state->is_created) {
		find(put);
	} else if (state->last_data != 0 && !state->is_copy) {
		durable_put_refuse(put, ERROR_CONFLICT, "the session is no stream");
	} else if (put->is_fork || state->is_copy) {
		durable_fork_make(put);
	} else {
		durable_put_append(put);
	}
}

void
durable_put_look(struct durable_put *put)
{
	put->look.is_exclusive = put->look.takes_any = true;
	put->look.found = on_found;
	durable_look(&put->look, put->request->session_id);
}

/* The whole state of a fork: nothing of the source's state but the data is the fork's. */
static void
write_fork(struct durable_put *put)
{
	const struct durable_stream *const stream = put->look.stream;
	struct reprise_session_stats stats = REPRISE_SESSION_STATS_INIT;
	struct durable_state state;

	durable_state_init(&state);
	state.settings = put->settings;
	state.is_created = true;
	state.renewed_ns = durable_now();
	state.last_data = stream->state.last_data;
	state.first = put->first;
	/* Without copied events the stream begins with this event, whatever was here before. */
	if (put->is_from_beginning &&
	    reprise_session_stats(stream->gateway->store, stream->session_id, &stats) == REPRISE_OK)
		state.first = stats.newest + 1;
	durable_change_snapshot(&put->batch.change, stream->session_id, &state);
}

static enum append_prepared
prepare(struct append *append)
{
	struct durable_put *const put = put_of(append);
	enum error_code code;
	const char *words;

	if (put->is_found) {
		append->events_count = 0;
		append->last = put->look.stream->appended;
		return APPEND_WAIT;
	}
	durable_adopt_window(put->look.stream);
	durable_change_free(&put->batch.change);
	put->settings.is_created_closed = false; /* closed by the change behind */
	if (put->is_fork)
		write_fork(put);
	else
		durable_change_create(&put->batch.change, put->request->session_id, &put->settings,
				      durable_now());
	if (put->closes)
		durable_change_close(&put->batch.change, NULL, 0, 0);
	if (!durable_batch_cut(&put->batch, &code, &words)) {
		append_refuse(append, code, words);
		return APPEND_FINISHED;
	}
	append->has_end = put->closes;
	return APPEND_GO;
}

static void
add_to_state(struct append *append)
{
	struct durable_put *const put = put_of(append);

	durable_batch_apply(put->look.stream, append);
	durable_begin_lifetime(put->look.stream);
}

static void
finish(struct append *append, bool is_done, enum error_code code, const char *detail)
{
	struct durable_put *const put = put_of(append);

	if (is_done)
		answer(put, put->is_found ? 200 : 201);
	else
		durable_put_refuse(put, code, detail);
}

static const struct append_calls calls = { prepare, add_to_state, finish };

void
durable_put_append(struct durable_put *put)
{
	struct append *const append = put->batch.append;

	request_hold(put->request);
	put->is_started = true;
	put->batch.is_json = durable_type_is_json(put->settings.type);
	append->calls = &calls;
	append_start(append);
}

static void
put_body(struct request *request)
{
	struct append *const append = request->state;
	struct durable_put *put;
	struct http_text body;

	if (append == NULL || append->stage != APPEND_BODY)
		return;
	put = put_of(append);
	body = json_trim((struct http_text){ append->body.data, append->body.size });
	if (append->body.size != 0 && put->has_type && durable_type_is_json(put->settings.type) &&
	    !json_is_valid(body)) {
		append_refuse(append, ERROR_BAD_BODY, "the body is no JSON text");
		return;
	}
	if (put->is_fork)
		durable_fork_begin(put);
	else
		durable_put_look(put);
}

/* A stream that is being created is created whole, with a client or without. */
static void
close_put(struct request *request)
{
	const struct append *const append = request->state;

	if (append == NULL || append->calls == NULL)
		append_close(request);
}

static void
release_put(struct request *request)
{
	struct append *const append = request->state;

	if (append != NULL && append->owner != NULL) {
		struct durable_put *const put = put_of(append);

		durable_let_go(&put->look);
		durable_let_go(&put->source);
		durable_batch_free(&put->batch);
		durable_change_free(&put->control.change);
		free(put->location);
		free(put);
		append->owner = NULL;
	}
	append_release(request);
}

const struct route_calls durable_create_calls = {
	.begin = begin_put,
	.body = append_body,
	.body_end = put_body,
	.close = close_put,
	.release = release_put,
};
