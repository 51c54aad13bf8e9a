/* SPDX-License-Identifier: MIT */
/*
 * POST /v1/stream/{id}: appends to a durable stream, closes the stream, or both in one batch. The
 * request is judged when the session's writer is open, so that judgement and append are one step;
 * the answer waits until the log has the batch. A repeated request of a producer waits for the
 * record of the first.
 */
#include <stdlib.h>
#include <string.h>

#include "gateway/durable_batch.h"
#include "gateway/gateway.h"

struct durable_post {
	struct durable_look look;
	struct durable_batch batch;
	struct durable_request asked;
	enum durable_verdict verdict;
	uint64_t epoch, number; /* of the producer, as the answer tells */
	uint64_t expected;      /* with REFUSE_GAP */
	char producer[DURABLE_NAME_BYTES_MAX + 1];
	char order[DURABLE_ORDER_BYTES_MAX + 1];
	char type[DURABLE_TYPE_BYTES_MAX + 1];
};

/* Copies a text into room for @max bytes and a NUL. False: too long, or a NUL inside. */
static bool
copy_text(struct http_text text, char *copy, size_t max)
{
	if (text.size > max || memchr(text.data, '\0', text.size) != NULL)
		return false;
	memcpy(copy, text.data, text.size);
	copy[text.size] = '\0';
	return true;
}

/* NULL on success, else words. */
static const char *
read_producer(struct durable_post *post, const struct http_head *head)
{
	struct http_text id, epoch, number;

	if (!durable_field(head, "producer-id", &id) ||
	    !durable_field(head, "producer-epoch", &epoch) ||
	    !durable_field(head, "producer-seq", &number))
		return "a field of the producer comes twice";
	if (id.data == NULL && epoch.data == NULL && number.data == NULL)
		return NULL;
	if (id.data == NULL || epoch.data == NULL || number.data == NULL)
		return "Producer-Id, Producer-Epoch and Producer-Seq come together";
	if (id.size == 0 || !copy_text(id, post->producer, DURABLE_NAME_BYTES_MAX))
		return "Producer-Id has 1 to 128 bytes";
	if (!durable_number_parse(epoch.data, epoch.size, &post->asked.epoch))
		return "Producer-Epoch is a number up to 9007199254740991";
	if (!durable_number_parse(number.data, number.size, &post->asked.number))
		return "Producer-Seq is a number up to 9007199254740991";
	post->asked.has_producer = true;
	post->asked.producer = post->producer;
	return NULL;
}

static const char *
read_fields(struct durable_post *post, const struct http_head *head)
{
	const char *const words = read_producer(post, head);
	struct http_text order, type;

	if (words != NULL)
		return words;
	if (!durable_field(head, "stream-seq", &order))
		return "Stream-Seq comes twice";
	if (order.data != NULL) {
		if (order.size == 0 || !copy_text(order, post->order, DURABLE_ORDER_BYTES_MAX))
			return "Stream-Seq has 1 to 256 bytes";
		post->asked.order = post->order;
	}
	if (!durable_field(head, "content-type", &type))
		return "Content-Type comes twice";
	if (type.data != NULL && durable_type_parse(type.data, type.size, post->type))
		post->asked.type = post->type;
	post->asked.closes = durable_field_is_true(head, "stream-closed");
	return NULL;
}

static struct durable_post *
post_of(struct append *append)
{
	return append->owner;
}

/* The change that the batch brings, in front of the data. */
static void
write_change(struct durable_post *post, const struct durable_state *state, size_t data_count)
{
	struct durable_change *const change = &post->batch.change;
	const struct durable_request *const asked = &post->asked;

	durable_change_free(change);
	if (durable_snapshot_is_due(post->look.stream))
		durable_change_snapshot(change, post->look.stream->session_id, state);
	if (durable_renewal_is_due(post->look.stream))
		durable_change_renew(change, durable_now());
	if (asked->has_producer)
		durable_change_number(change, asked->producer, asked->epoch, asked->number,
				      data_count);
	if (asked->order != NULL)
		durable_change_order(change, asked->order);
	if (asked->closes)
		durable_change_close(change, asked->has_producer ? asked->producer : NULL,
				     asked->epoch, asked->number);
}

static enum append_prepared
refuse(struct append *append, enum error_code code, const char *words)
{
	append_refuse(append, code, words);
	return APPEND_FINISHED;
}

static enum append_prepared
cut(struct durable_post *post, const struct durable_state *state)
{
	struct append *const append = post->batch.append;
	enum error_code code;
	const char *words;

	/* The change has the number of values, so the body is cut twice. */
	post->batch.is_json = durable_type_is_json(state->settings.type);
	durable_change_free(&post->batch.change);
	if (!durable_batch_cut(&post->batch, &code, &words))
		return refuse(append, code, words);
	write_change(post, state, append->events_count);
	if ((post->batch.change.size != 0 || post->batch.change.failed) &&
	    !durable_batch_cut(&post->batch, &code, &words))
		return refuse(append, code, words);
	append->has_end = post->asked.closes;
	return APPEND_GO;
}

static enum append_prepared
prepare(struct append *append)
{
	struct durable_post *const post = post_of(append);
	struct durable_stream *const stream = post->look.stream;
	const struct durable_state *const state = &stream->state;
	const struct durable_producer *producer = NULL;

	if (!durable_meet_window(stream))
		return refuse(append, ERROR_LOG_UNAVAILABLE, NULL);
	if (stream->is_removing || !state->is_created || durable_has_expired(stream))
		return refuse(append, ERROR_UNKNOWN_STREAM, NULL);
	if (state->is_gone)
		return refuse(append, ERROR_STREAM_GONE, NULL);
	post->verdict = durable_state_judge(state, &post->asked, &producer);
	post->epoch = producer != NULL ? producer->epoch : post->asked.epoch;
	post->number = producer != NULL ? producer->number : post->asked.number;
	post->expected = producer != NULL ? producer->number + 1 : 0;
	if (post->verdict == DURABLE_REFUSE_BEGINNING && producer == NULL)
		post->verdict = DURABLE_REFUSE_GAP; /* the batch 0 is missing */
	switch (post->verdict) {
	case DURABLE_ACCEPT:
		return cut(post, state);
	case DURABLE_DUPLICATE:
		append->events_count = 0;
		append->last = producer != NULL ? producer->last : 0;
		return APPEND_WAIT;
	case DURABLE_CLOSED_ALREADY:
		append->events_count = 0;
		append->last = stream->closed_at;
		return APPEND_WAIT;
	case DURABLE_REFUSE_CLOSED:
	case DURABLE_REFUSE_TYPE:
	case DURABLE_REFUSE_ORDER:
	case DURABLE_REFUSE_EPOCH:
	case DURABLE_REFUSE_BEGINNING:
	case DURABLE_REFUSE_GAP:
	case DURABLE_REFUSE_PRODUCERS:
		break;
	}
	return refuse(append, ERROR_CONFLICT, NULL);
}

static void
add_to_state(struct append *append)
{
	struct durable_post *const post = post_of(append);

	durable_batch_apply(post->look.stream, append);
	durable_begin_lifetime(post->look.stream);
}

static void
add_producer(struct durable_fields *fields, const struct durable_post *post)
{
	durable_add_number(fields, "Producer-Epoch", post->epoch);
	durable_add_number(fields, "Producer-Seq", post->number);
}

static void
answer(struct durable_post *post, struct append *append)
{
	const struct durable_stream *const stream = post->look.stream;
	const bool is_accepted = post->verdict == DURABLE_ACCEPT;
	const bool has_data = is_accepted && post->asked.has_data;
	struct durable_fields fields = { .count = 0 };

	durable_add_offset(&fields, has_data ? append->last : durable_end(stream));
	if (is_accepted) {
		post->epoch = post->asked.epoch;
		post->number = post->asked.number;
	}
	if (post->asked.has_producer)
		add_producer(&fields, post);
	if (is_accepted ? post->asked.closes : stream->state.is_closed)
		durable_add(&fields, "Stream-Closed", "true");
	durable_answer(append->request, has_data && post->asked.has_producer ? 200 : 204, &fields,
		       (struct http_text){ "", 0 });
}

/* The fields that tell a client what would be right. */
static void
refuse_verdict(struct durable_post *post, struct request *request)
{
	struct durable_stream *const stream = post->look.stream;
	struct durable_fields fields = { .count = 0 };

	switch (post->verdict) {
	case DURABLE_REFUSE_CLOSED:
		durable_add(&fields, "Stream-Closed", "true");
		durable_add_offset(&fields, durable_end(stream));
		durable_refuse(request, ERROR_STREAM_CLOSED, NULL, &fields);
		break;
	case DURABLE_REFUSE_EPOCH:
		durable_add_number(&fields, "Producer-Epoch", post->epoch);
		durable_refuse(request, ERROR_STALE_PRODUCER, NULL, &fields);
		break;
	case DURABLE_REFUSE_BEGINNING:
		durable_refuse(request, ERROR_BAD_FIELD, "a new epoch begins with Producer-Seq 0",
			       &fields);
		break;
	case DURABLE_REFUSE_GAP:
		durable_add_number(&fields, "Producer-Expected-Seq", post->expected);
		durable_add_number(&fields, "Producer-Received-Seq", post->asked.number);
		durable_refuse(request, ERROR_CONFLICT, "a batch of the producer is missing",
			       &fields);
		break;
	case DURABLE_REFUSE_PRODUCERS:
		durable_refuse(request, ERROR_TOO_MANY_REQUESTS, "too many producers", &fields);
		break;
	case DURABLE_REFUSE_TYPE:
		durable_refuse(request, ERROR_CONFLICT, "the content type is not the stream's",
			       &fields);
		break;
	case DURABLE_REFUSE_ORDER:
	case DURABLE_ACCEPT:
	case DURABLE_DUPLICATE:
	case DURABLE_CLOSED_ALREADY:
		durable_refuse(request, ERROR_CONFLICT,
			       "Stream-Seq is not greater than the last one", &fields);
		break;
	}
}

static void
finish(struct append *append, bool is_done, enum error_code code, const char *detail)
{
	struct durable_post *const post = post_of(append);
	struct request *const request = append->request;

	/* A runtime has ended the session: the stream is closed. */
	if (!is_done && code == ERROR_SESSION_ENDED) {
		post->verdict = DURABLE_REFUSE_CLOSED;
		code = ERROR_CONFLICT;
	}
	if (is_done)
		answer(post, append);
	else if (code == ERROR_CONFLICT)
		refuse_verdict(post, request);
	else
		request_refuse(request, code, detail);
	durable_let_go(&post->look);
}

static const struct append_calls calls = { prepare, add_to_state, finish };

static void
begin_post(struct request *request, const struct http_head *head)
{
	struct append *const append = append_new(request);
	struct durable_post *post;
	enum body_type type;
	const char *words;

	if (append == NULL || !append_read_type(append, head, &type))
		return;
	post = calloc(1, sizeof(*post));
	if (post == NULL) {
		append_refuse(append, ERROR_NO_MEMORY, NULL);
		return;
	}
	append->owner = post;
	append->waits = true;
	post->batch.append = append;
	post->look.request = request;
	words = read_fields(post, head);
	if (words != NULL)
		append_refuse(append, ERROR_BAD_FIELD, words);
}

static void
begin_append(struct durable_look *look)
{
	struct durable_post *const post =
		(struct durable_post *)((char *)look - offsetof(struct durable_post, look));
	struct append *const append = post->batch.append;

	if (look->request->exchange == NULL) {
		durable_let_go(look);
		return;
	}
	append->calls = &calls;
	append_start(append);
}

static void
post_body(struct request *request)
{
	struct append *const append = request->state;
	struct durable_post *post;

	if (append == NULL || append->stage != APPEND_BODY)
		return;
	post = post_of(append);
	post->asked.has_data = append->body.size != 0;
	if (!post->asked.has_data && !post->asked.closes) {
		append_refuse(append, ERROR_EMPTY_BODY, NULL);
		return;
	}
	if (post->asked.has_data && post->asked.type == NULL) {
		append_refuse(append, ERROR_BAD_FIELD, "Content-Type is missing");
		return;
	}
	if (!post->asked.has_data)
		post->asked.type = NULL; /* a close takes any type */
	post->look.found = begin_append;
	durable_look(&post->look, request->session_id);
}

static void
release_post(struct request *request)
{
	struct append *const append = request->state;

	if (append != NULL && append->owner != NULL) {
		struct durable_post *const post = post_of(append);

		durable_let_go(&post->look);
		durable_batch_free(&post->batch);
		free(post);
		append->owner = NULL;
	}
	append_release(request);
}

const struct route_calls durable_append_calls = {
	.begin = begin_post,
	.body = append_body,
	.body_end = post_body,
	.close = append_close,
	.release = release_post,
};
