/* SPDX-License-Identifier: MIT */
/*
 * A long-poll: the events behind the offset if there are any; else the client waits for the next
 * one, for the close of the stream, or for the time to be up. With the first event the state is
 * looked at again, and the answer goes on as a catch-up.
 */
#include "gateway/durable_read.h"
#include "gateway/gateway.h"

/* 204: nothing has come. */
static void
answer_nothing(struct durable_read *read, bool is_closed)
{
	struct durable_fields fields = { .count = 0 };

	durable_add_offset(&fields, read->begin);
	durable_add_number(&fields, "Stream-Cursor", durable_new_cursor(read));
	durable_add(&fields, "Stream-Up-To-Date", "true");
	if (is_closed)
		durable_add(&fields, "Stream-Closed", "true");
	read->is_waiting = false;
	durable_answer(read->request, 204, &fields, (struct http_text){ "", 0 });
	durable_end_read(read);
}

static void
on_found_again(struct durable_look *look)
{
	struct durable_read *const read = durable_read_of_look(look);

	if (!durable_take_look(read))
		return;
	if (look->state->first != read->first) {
		durable_refuse_expired(read, look->state->first);
		return;
	}
	durable_fix_end(read);
	durable_catch_up_begin(read);
}

static void
judge_nothing(struct durable_read *read)
{
	if (durable_is_at_close(read))
		answer_nothing(read, true);
}

static void
wait_on(struct durable_read *read)
{
	struct http_text payload;

	for (int i = 0; i < DURABLE_TAKES_PER_TURN; i++) {
		switch (durable_take(read, &payload)) {
		case DURABLE_TAKEN_CONTROL:
			continue;
		case DURABLE_TAKEN_NOTHING:
			judge_nothing(read);
			return;
		case DURABLE_TAKEN_DATA:
			read->is_waiting = false;
			durable_catch_up_take(read, payload);
			durable_look_again(read, on_found_again);
			return;
		case DURABLE_TAKEN_LOSS:
			durable_refuse_expired(read, read->earliest);
			return;
		case DURABLE_TAKEN_OTHER:
			read->is_waiting = false;
			durable_judge_other(read);
			return;
		}
	}
	watch_again(&read->watch);
}

static void
on_ready(struct watch *watch)
{
	struct durable_read *const read = durable_read_of_watch(watch);

	if (read->is_over || read->is_looking)
		return;
	if (read->is_waiting)
		wait_on(read);
	else
		durable_catch_up_go(read);
}

static void
on_found(struct durable_from *from)
{
	struct durable_read *const read = durable_read_of_from(from);

	if (!durable_watch(read, on_ready))
		return;
	read->is_waiting = true;
	if (read->request->gateway->is_draining)
		answer_nothing(read, false);
	else
		wait_on(read);
}

void
durable_long_poll(struct durable_read *read)
{
	const struct reprise_gateway *const gateway = read->request->gateway;

	if (read->begin != read->end) {
		durable_catch_up(read);
	} else if (read->is_closed || gateway->is_draining) {
		answer_nothing(read, read->is_closed);
	} else {
		durable_set_deadline(read, gateway->options.durable_poll_ms);
		durable_find(read, on_found);
	}
}

void
durable_long_poll_tick(struct durable_read *read)
{
	if (read->request->gateway->now_ns >= read->until_ns)
		answer_nothing(read, false);
}

void
durable_long_poll_shutdown(struct durable_read *read)
{
	answer_nothing(read, false);
}
