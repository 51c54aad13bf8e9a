/* SPDX-License-Identifier: MIT */
/*
 * Control events that no client's batch carries: renewals of a lifetime, forks, and streams that
 * are kept for their forks. Each is an append of the gateway itself, behind a request without a
 * client. A stream that was closed is opened for the event, and ended again with it.
 */
#include <stdlib.h>
#include <string.h>

#include "gateway/durable_stream.h"
#include "gateway/gateway.h"
#include "gateway/route.h"

struct control_append {
	struct request request; /* without an exchange */
	struct durable_stream *stream;
	struct durable_control *control;
	struct reprise_new_event event;
};

static void
release_request(struct request *request)
{
	append_release(request);
}

static const struct route_calls control_calls = { .release = release_request };
static const struct route control_route = { .calls = &control_calls };

/* The event's purpose may be over when the session's writer is open. */
static bool
is_wanted(const struct control_append *own)
{
	const struct durable_state *const state = &own->stream->state;

	return durable_meet_window(own->stream) && state->is_created && !own->stream->is_removing &&
	       !(own->control->keeps_alive && state->is_gone);
}

static enum append_prepared
prepare(struct append *append)
{
	const struct control_append *const own = append->owner;

	if (!is_wanted(own)) {
		append_refuse(append, ERROR_LOG_UNAVAILABLE, NULL);
		return APPEND_FINISHED;
	}
	append->end_status = own->stream->end_status;
	free(append->events); /* of a window that is gone */
	append->events = malloc(sizeof(*append->events));
	if (append->events == NULL) {
		append_refuse(append, ERROR_NO_MEMORY, NULL);
		return APPEND_FINISHED;
	}
	append->events[0] = own->event;
	append->events_count = 1;
	return APPEND_GO;
}

static void
add_to_state(struct append *append)
{
	struct control_append *const own = append->owner;

	durable_apply(own->stream, append->first, DURABLE_KIND, own->event.payload);
	own->stream->appended = append->last;
}

static void
finish(struct append *append, bool is_done, enum error_code code, const char *detail)
{
	struct control_append *const own = append->owner;
	struct durable_control *const control = own->control;

	(void)code;
	(void)detail;
	durable_change_free(&control->change);
	own->stream->references--;
	control->is_done = is_done;
	control->done(control);
	request_release(&own->request);
}

static const struct append_calls calls = { prepare, add_to_state, finish };

static void
fail(struct durable_control *control)
{
	durable_change_free(&control->change);
	control->is_done = false;
	control->done(control);
}

void
durable_write(struct durable_stream *stream, struct durable_control *control)
{
	struct control_append *const own = calloc(1, sizeof(*own));
	struct append *append;

	if (own == NULL || control->change.failed) {
		free(own);
		fail(control);
		return;
	}
	own->request.gateway = stream->gateway;
	own->request.route = &control_route;
	own->request.references = 1;
	memcpy(own->request.session_id, stream->session_id, sizeof(own->request.session_id));
	append = append_new(&own->request);
	if (append == NULL) {
		free(own);
		fail(control);
		return;
	}
	own->stream = stream;
	own->control = control;
	own->event = (struct reprise_new_event){
		.kind = DURABLE_KIND,
		.payload = { control->change.data, control->change.size },
	};
	append->calls = &calls;
	append->owner = own;
	append->waits = true;
	append->has_end = append->reopens = control->is_ended;
	stream->references++;
	append_start(append);
}
