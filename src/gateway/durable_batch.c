/* SPDX-License-Identifier: MIT */
/*
 * The body of a request becomes the events of one batch: of JSON each value, else the bytes. The
 * control event is in front. Nothing is set if a part is wrong.
 */
#include "gateway/durable_batch.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/gateway.h"

/* The analyzer of gcc 12 loses the array that the append owns. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

enum {
	EVENTS_MAX = 1 << 20 /* a transaction of the log holds no more */
};

bool
durable_field(const struct http_head *head, const char *name, struct http_text *ret_text)
{
	*ret_text = (struct http_text){ NULL, 0 };
	for (unsigned int i = 0; i < head->fields_count; i++) {
		if (!http_is_name(head->fields[i].name, name))
			continue;
		if (ret_text->data != NULL)
			return false;
		*ret_text = head->fields[i].value;
		if (ret_text->data == NULL)
			ret_text->data = "";
	}
	return true;
}

bool
durable_field_is_true(const struct http_head *head, const char *name)
{
	const struct http_field *const field = http_head_field(head, name);

	return field != NULL && http_is_name(field->value, "true");
}

static bool
fail(enum error_code *ret_code, enum error_code code, const char **ret_words, const char *words)
{
	*ret_code = code;
	*ret_words = words;
	return false;
}

/* The values of the body: of an array one level, else the value itself. */
static bool
next_value(struct http_text body, bool is_array, size_t *offset, struct http_text *ret_value)
{
	if (is_array)
		return json_next_element(body, offset, ret_value);
	if (*offset != 0)
		return false;
	*offset = 1;
	*ret_value = body;
	return true;
}

static size_t
count_values(struct http_text body, bool is_array)
{
	struct http_text value;
	size_t offset = 0, values = 0;

	while (next_value(body, is_array, &offset, &value))
		values++;
	return values;
}

static void
put_event(struct append *append, uint16_t kind, const void *bytes, size_t size)
{
	append->events[append->events_count++] = (struct reprise_new_event){
		.kind = kind,
		.payload = { bytes, size },
	};
}

static size_t
count_events(const struct durable_batch *batch, struct http_text body, bool is_array)
{
	size_t events_count = batch->is_json ? count_values(body, is_array) : 1;

	if (body.size == 0)
		events_count = 0;
	return events_count + (batch->change.size != 0) + (batch->prefix.size != 0);
}

bool
durable_batch_cut(struct durable_batch *batch, enum error_code *ret_code, const char **ret_words)
{
	struct append *const append = batch->append;
	struct http_text body = { append->body.data, append->body.size }, value;
	size_t offset = 0, events_count;
	bool is_array;

	if (batch->is_json && body.size != 0) {
		body = json_trim(body);
		if (!json_is_valid(body))
			return fail(ret_code, ERROR_BAD_BODY, ret_words,
				    "the body is no JSON text");
	}
	is_array = batch->is_json && body.size != 0 && body.data[0] == '[';
	if (is_array && !batch->allows_empty && count_values(body, true) == 0)
		return fail(ret_code, ERROR_EMPTY_BODY, ret_words, "an empty array has no data");
	events_count = count_events(batch, body, is_array);
	if (events_count > EVENTS_MAX)
		return fail(ret_code, ERROR_TOO_LARGE, ret_words, "more than 1048576 values");
	free(append->events); /* of a window that is gone */
	append->events_count = 0;
	append->events = calloc(events_count + 1, sizeof(*append->events));
	if (append->events == NULL || batch->change.failed)
		return fail(ret_code, ERROR_NO_MEMORY, ret_words, NULL);
	if (batch->change.size != 0)
		put_event(append, DURABLE_KIND, batch->change.data, batch->change.size);
	if (batch->prefix.size != 0)
		put_event(append, 0, batch->prefix.data, batch->prefix.size);
	if (body.size == 0)
		return true;
	if (!batch->is_json)
		put_event(append, 0, body.data, body.size);
	while (batch->is_json && next_value(body, is_array, &offset, &value))
		put_event(append, 0, value.data, value.size);
	return true;
}

void
durable_batch_apply(struct durable_stream *stream, const struct append *append)
{
	const struct reprise_bytes none = { NULL, 0 };

	if (append->events[0].kind == DURABLE_KIND)
		durable_apply(stream, append->first, DURABLE_KIND, append->events[0].payload);
	if (append->events[append->events_count - 1].kind != DURABLE_KIND)
		durable_apply(stream, append->last, 0, none);
	stream->appended = append->last;
}

void
durable_batch_free(struct durable_batch *batch)
{
	durable_change_free(&batch->change);
	free((char *)batch->prefix.data);
	batch->prefix = (struct http_text){ NULL, 0 };
}
