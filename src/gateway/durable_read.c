/* SPDX-License-Identifier: MIT */
/*
 * GET and HEAD of a durable stream: the query, the state of the stream, and the choice of the
 * answer. The answers are in durable_catch_up.c, durable_long_poll.c and durable_sse.c.
 */
#include "gateway/durable_read.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/gateway.h"

static void
answer_head(struct durable_read *read)
{
	struct durable_fields fields;
	char etag[DURABLE_ETAG_BYTES];

	/* A length would be that of a GET. */
	durable_head_of_stream(read, &fields, etag);
	(void)durable_stream(read->request, 200, &fields);
	durable_end_read(read);
}

static void
on_found(struct durable_look *look)
{
	struct durable_read *const read = durable_read_of_look(look);

	if (!durable_take_look(read) || !durable_fix_range(read))
		return;
	if (read->is_head)
		answer_head(read);
	else if (read->mode == DURABLE_SSE)
		durable_sse(read);
	else if (read->mode == DURABLE_LONG_POLL)
		durable_long_poll(read);
	else
		durable_catch_up(read);
}

/* NULL, or what is wrong with the query. */
static const char *
parse_live(struct durable_read *read, const char *live)
{
	if (live == NULL)
		read->mode = DURABLE_CATCH_UP;
	else if (strcmp(live, "long-poll") == 0)
		read->mode = DURABLE_LONG_POLL;
	else if (strcmp(live, "sse") == 0)
		read->mode = DURABLE_SSE;
	else
		return "live is long-poll or sse";
	return NULL;
}

/* False: the request was refused. */
static bool
parse_query(struct durable_read *read, const struct query *query)
{
	const char *const offset = query_value(query, QUERY_OFFSET);
	const char *const live = query_value(query, QUERY_LIVE);
	const char *const wrong = parse_live(read, live);

	read->start = DURABLE_START_OLDEST;
	if (wrong != NULL) {
		request_refuse(read->request, ERROR_BAD_QUERY, wrong);
		return false;
	}
	if (offset == NULL && live != NULL) {
		request_refuse(read->request, ERROR_BAD_OFFSET, "live needs an offset");
		return false;
	}
	if (offset != NULL &&
	    !durable_offset_parse(offset, strlen(offset), &read->start, &read->asked)) {
		request_refuse(read->request, ERROR_BAD_OFFSET, NULL);
		return false;
	}
	return true;
}

/* Without memory for the condition the client gets the whole answer, which is right as well. */
static void
keep_condition(struct durable_read *read, const struct http_head *head)
{
	const struct http_field *const field = http_head_field(head, "if-none-match");

	if (field != NULL)
		read->none_match = strndup(field->value.data, field->value.size);
}

static void
link_read(struct durable_read *read)
{
	struct durable_read **const first = &read->request->gateway->durable_reads;

	read->is_linked = true;
	read->next = *first;
	if (*first != NULL)
		(*first)->previous = read;
	*first = read;
}

static void
unlink_read(struct durable_read *read)
{
	if (!read->is_linked)
		return;
	read->is_linked = false;
	if (read->previous == NULL)
		read->request->gateway->durable_reads = read->next;
	else
		read->previous->next = read->next;
	if (read->next != NULL)
		read->next->previous = read->previous;
}

static void
read_begin(struct request *request, const struct http_head *head)
{
	struct durable_read *const read = calloc(1, sizeof(*read));

	if (read == NULL) {
		request_refuse(request, ERROR_NO_MEMORY, NULL);
		return;
	}
	request->state = read;
	read->request = request;
	read->is_head = head->method == HTTP_METHOD_HEAD;
	if (read->is_head || parse_query(read, &request->query))
		keep_condition(read, head);
	link_read(read);
}

/* The answer begins behind the body, so that the connection can be kept. */
static void
read_body_end(struct request *request)
{
	durable_look_first(request->state, on_found);
}

static void
read_drain(struct request *request)
{
	struct durable_read *const read = request->state;

	if (read == NULL || read->is_over || !read->is_begun || read->is_finding)
		return;
	read->moved_ns = request->gateway->now_ns;
	durable_wait_for_log(read);
	if (read->mode == DURABLE_SSE)
		durable_sse_go(read);
	else
		durable_catch_up_go(read);
}

static void
read_shutdown(struct request *request)
{
	struct durable_read *const read = request->state;

	if (read == NULL || read->is_over || read->is_looking || read->is_finding)
		return;
	if (read->mode == DURABLE_SSE)
		durable_sse_shutdown(read);
	else if (read->is_waiting)
		durable_long_poll_shutdown(read);
}

static void
read_close(struct request *request)
{
	struct durable_read *const read = request->state;

	if (read == NULL)
		return;
	if (read->mode == DURABLE_SSE && read->is_begun)
		count(&request->gateway->counters.streams, -1);
	unlink_read(read);
	read->is_over = true;
	watch_close(&read->watch);
	clients_remove(request->gateway, &read->clients, &read->link);
	if (!read->is_looking)
		durable_let_go(&read->look);
}

static void
read_release(struct request *request)
{
	struct durable_read *const read = request->state;

	if (read == NULL)
		return;
	buffer_free(&read->body);
	free(read->kept);
	free(read->none_match);
	free(read);
}

static void
tick(struct durable_read *read)
{
	if (read->is_over || read->is_looking || read->is_finding || read->look.stream == NULL)
		return;
	if (read->is_begun)
		durable_suspend(read);
	if (read->mode != DURABLE_CATCH_UP)
		durable_renew(&read->look);
	if (read->mode == DURABLE_SSE)
		durable_sse_tick(read);
	else if (read->is_waiting)
		durable_long_poll_tick(read);
	else
		durable_catch_up_tick(read);
}

void
durable_reads_tick(struct reprise_gateway *gateway)
{
	/* An answer calls nothing back: the list is the same behind each step. */
	for (struct durable_read *read = gateway->durable_reads; read != NULL; read = read->next)
		tick(read);
}

const struct route_calls durable_read_calls = {
	.begin = read_begin,
	.body_end = read_body_end,
	.drain = read_drain,
	.shutdown = read_shutdown,
	.close = read_close,
	.release = read_release,
};
