/* SPDX-License-Identifier: MIT */
/*
 * The stages of a GET that all answers have in common: the state is looked at, the range of the
 * answer is fixed, the life of the offset is found, and a subscription is opened; or the request
 * is refused.
 */
#include <stddef.h>

#include "gateway/durable_read.h"
#include "gateway/gateway.h"

enum {
	STAGING_BYTES = 64 << 10,
	STAGING_BYTES_LIVE = 4096, /* of each client that waits */
};

struct durable_read *
durable_read_of_look(struct durable_look *look)
{
	return (struct durable_read *)((char *)look - offsetof(struct durable_read, look));
}

struct durable_read *
durable_read_of_from(struct durable_from *from)
{
	return (struct durable_read *)((char *)from - offsetof(struct durable_read, from));
}

struct durable_read *
durable_read_of_watch(struct watch *watch)
{
	return (struct durable_read *)((char *)watch - offsetof(struct durable_read, watch));
}

void
durable_set_deadline(struct durable_read *read, uint64_t ms)
{
	read->until_ns = read->request->gateway->now_ns + ms * 1000000;
}

void
durable_wait_for_log(struct durable_read *read)
{
	durable_set_deadline(read, 2 * (uint64_t)read->request->gateway->options.recorded_wait_ms);
}

void
durable_end_read(struct durable_read *read)
{
	read->is_over = true;
	watch_close(&read->watch);
	buffer_free(&read->body);
	durable_let_go(&read->look);
}

void
durable_cut_read(struct durable_read *read)
{
	durable_end_read(read);
	if (read->request->exchange != NULL)
		http_abort(read->request->exchange);
}

void
durable_break_read(struct durable_read *read)
{
	struct http_exchange *const exchange = read->request->exchange;

	if (read->mode != DURABLE_SSE || http_finish(exchange) != REPRISE_OK)
		http_abort(exchange);
	durable_end_read(read);
}

void
durable_refuse_expired(struct durable_read *read, reprise_position earliest)
{
	struct durable_fields fields = { .count = 0 };
	char offset[DURABLE_OFFSET_BYTES];

	if (read->is_begun) {
		durable_break_read(read);
		return;
	}
	durable_offset_format(earliest, offset);
	durable_add(&fields, "Stream-Earliest-Offset", offset);
	durable_refuse(read->request, ERROR_RETAINED, NULL, &fields);
	durable_end_read(read);
}

/* The place of an offset: false, the request was refused. */
static bool
fix_begin(struct durable_read *read)
{
	const struct durable_state *const state = read->look.state;

	if (read->start == DURABLE_START_OLDEST) {
		read->begin = read->first;
	} else if (read->start == DURABLE_START_NOW) {
		read->begin = read->tail;
	} else if (read->asked < read->first) {
		/* The offset is of a stream that was deleted. */
		durable_refuse_expired(read, read->first);
		return false;
	} else if (read->asked > read->tail && read->asked > state->through) {
		request_refuse(read->request, ERROR_BAD_OFFSET, "behind the end of the stream");
		durable_end_read(read);
		return false;
	} else {
		read->begin = read->asked;
	}
	return true;
}

void
durable_fix_end(struct durable_read *read)
{
	const struct durable_look *const look = &read->look;
	reprise_position newest = look->tail;

	if (newest < read->position)
		newest = read->position;
	read->tail = look->tail;
	read->end = newest - read->begin > DURABLE_POSITIONS_MAX
			    ? read->begin + DURABLE_POSITIONS_MAX
			    : newest;
	read->is_up_to_date = read->end == newest;
	read->is_closed = look->is_closed && read->is_up_to_date;
}

bool
durable_fix_range(struct durable_read *read)
{
	const struct durable_look *const look = &read->look;

	read->first = look->state->first;
	read->tail = look->tail;
	read->is_json = durable_type_is_json(look->state->settings.type);
	read->is_text = durable_type_is_text(look->state->settings.type);
	if (!fix_begin(read))
		return false;
	read->position = read->begin;
	read->was_closed = look->is_closed;
	durable_fix_end(read);
	return true;
}

void
durable_look_first(struct durable_read *read, void (*found)(struct durable_look *look))
{
	read->is_looking = true;
	read->look = (struct durable_look){
		.request = read->request,
		.renews = !read->is_head,
		.found = found,
	};
	durable_look(&read->look, read->request->session_id);
}

void
durable_look_again(struct durable_read *read, void (*found)(struct durable_look *look))
{
	durable_let_go(&read->look);
	durable_look_first(read, found);
}

bool
durable_take_look(struct durable_read *read)
{
	read->is_looking = false;
	if (read->request->exchange == NULL)
		durable_let_go(&read->look);
	return read->request->exchange != NULL;
}

static void
on_found_other(struct durable_look *look)
{
	struct durable_read *const read = durable_read_of_look(look);
	const reprise_position first = look->state->first;

	/* There is a stream: the offset is of what was dropped. */
	if (durable_take_look(read))
		durable_refuse_expired(read, read->earliest > first ? read->earliest : first);
}

void
durable_judge_other(struct durable_read *read)
{
	durable_look_again(read, on_found_other);
}

void
durable_find(struct durable_read *read, void (*found)(struct durable_from *from))
{
	read->is_finding = true;
	read->from.request = read->request;
	read->from.position = read->position;
	read->from.found = found;
	durable_from_find(&read->from);
}

static void
refuse_failed(struct durable_read *read, reprise_status status, const struct reprise_error *error)
{
	if (read->is_begun) {
		durable_break_read(read);
		return;
	}
	if (status == REPRISE_E_NOT_FOUND)
		request_refuse(read->request, ERROR_UNKNOWN_STREAM, NULL);
	else
		request_refuse_status(read->request, status, error);
	durable_end_read(read);
}

bool
durable_watch(struct durable_read *read, void (*ready)(struct watch *watch))
{
	const uint64_t staging_bytes =
		read->mode == DURABLE_CATCH_UP ? STAGING_BYTES : STAGING_BYTES_LIVE;
	struct durable_from *const from = &read->from;
	struct reprise_error error = REPRISE_ERROR_INIT;
	reprise_status status;

	read->is_finding = false;
	if (read->request->exchange == NULL)
		return false;
	if (from->job.status != REPRISE_OK) {
		refuse_failed(read, from->job.status, &from->job.error);
		return false;
	}
	if (from->is_expired) {
		durable_refuse_expired(read, from->earliest);
		return false;
	}
	status = durable_from_open(from, staging_bytes, &read->watch, ready, &error);
	if (status != REPRISE_OK)
		refuse_failed(read, status, &error);
	return status == REPRISE_OK;
}
