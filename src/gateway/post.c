/* SPDX-License-Identifier: MIT */
/*
 * POST /v1/sessions/{id}/events: the body of a request is one batch. A JSON text is one event, each
 * line of NDJSON is one event, and any other content is one event of the bytes. The body is checked
 * once, when all of the body is there.
 */
#include <stdlib.h>
#include <string.h>

#include "gateway/append.h"
#include "gateway/routes.h"

/* The analyzer of gcc 12 loses the array that the append owns. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

enum {
	EVENTS_MAX = 1 << 20, /* a transaction of the log holds no more */
	FIELD_BYTES_MAX = 24,
};

bool
append_read_wait(struct append *append)
{
	struct request *const request = append->request;
	const char *const wait = query_value(&request->query, QUERY_WAIT);

	if (wait == NULL)
		return true;
	append->waits = strcmp(wait, "recorded") == 0;
	if (!append->waits && strcmp(wait, "none") != 0) {
		append_refuse(append, ERROR_BAD_QUERY, "wait is recorded or none");
		return false;
	}
	if (append->waits && !gateway_has_log(request->gateway)) {
		append_refuse(append, ERROR_NO_LOG, "wait=recorded needs a log");
		return false;
	}
	return true;
}

bool
append_parse_status(struct http_text text, int32_t *ret_status)
{
	const bool is_negative = text.size != 0 && text.data[0] == '-';
	const uint64_t most = is_negative ? (uint64_t)INT32_MAX + 1 : INT32_MAX;
	char digits[12];
	uint64_t number;

	if (is_negative) {
		text.data++;
		text.size--;
	}
	if (text.size == 0 || text.size >= sizeof(digits))
		return false;
	memcpy(digits, text.data, text.size);
	digits[text.size] = '\0';
	if (!query_number(digits, most, &number) || (is_negative && number == 0))
		return false;
	*ret_status = (int32_t)(is_negative ? -(int64_t)number : (int64_t)number);
	return true;
}

/* A content type without its parameters, in lower case. */
static const struct {
	const char *name;
	enum body_type type;
} types[] = {
	{ "application/json", BODY_JSON },
	{ "application/x-ndjson", BODY_NDJSON },
	{ "application/ndjson", BODY_NDJSON },
	{ "application/jsonl", BODY_NDJSON },
	{ "application/x-www-form-urlencoded", BODY_FORM },
	{ "multipart/form-data", BODY_FORM },
};

static enum body_type
find_type(const struct http_field *field)
{
	struct http_text name;
	const char *semicolon;

	if (field == NULL)
		return BODY_BYTES;
	name = field->value;
	semicolon = name.size == 0 ? NULL : memchr(name.data, ';', name.size);
	if (semicolon != NULL)
		name.size = (size_t)(semicolon - name.data);
	name = http_trim(name);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (http_is_name(name, types[i].name))
			return types[i].type;
	return BODY_BYTES;
}

/* *ret_field is NULL without the field. False: the field comes twice. */
static bool
find_once(const struct http_head *head, const char *name, const struct http_field **ret_field)
{
	*ret_field = NULL;
	for (unsigned int i = 0; i < head->fields_count; i++) {
		if (!http_is_name(head->fields[i].name, name))
			continue;
		if (*ret_field != NULL)
			return false;
		*ret_field = &head->fields[i];
	}
	return true;
}

bool
append_read_type(struct append *append, const struct http_head *head, enum body_type *ret_type)
{
	const struct http_field *coding;

	if (!find_once(head, "content-encoding", &coding)) {
		append_refuse(append, ERROR_BAD_FIELD, "Content-Encoding comes once");
		return false;
	}
	if (coding != NULL && !http_is_name(coding->value, "identity")) {
		append_refuse(append, ERROR_BODY_TYPE, "Content-Encoding");
		return false;
	}
	*ret_type = find_type(http_head_field(head, "content-type"));
	return true;
}

/* A field that is a number: *ret_number stays without the field. False: twice, or no number. */
static bool
read_number(const struct http_head *head, const char *name, uint64_t max, uint64_t *ret_number)
{
	char digits[FIELD_BYTES_MAX];
	const struct http_field *found;

	if (!find_once(head, name, &found))
		return false;
	if (found == NULL)
		return true;
	if (found->value.size == 0 || found->value.size >= sizeof(digits))
		return false;
	memcpy(digits, found->value.data, found->value.size);
	digits[found->value.size] = '\0';
	return query_number(digits, max, ret_number);
}

static bool
read_fields(struct append *append, const struct http_head *head)
{
	uint64_t kind = 0, commit = 0;

	/* The state of a durable stream is the gateway's alone to write. */
	if (!read_number(head, "reprise-kind", DURABLE_KIND - 1, &kind)) {
		append_refuse(append, ERROR_BAD_KIND, NULL);
		return false;
	}
	if (!read_number(head, "reprise-revision", REPRISE_REVISION_UNKNOWN - 1,
			 &append->revision)) {
		append_refuse(append, ERROR_BAD_FIELD,
			      "Reprise-Revision is a number below 18446744073709551615");
		return false;
	}
	if (!read_number(head, "reprise-commit", 1, &commit)) {
		append_refuse(append, ERROR_BAD_FIELD, "Reprise-Commit is 0 or 1");
		return false;
	}
	append->kind = (uint16_t)kind;
	append->is_commit = commit != 0;
	return true;
}

static bool
read_type(struct append *append, const struct http_head *head)
{
	enum body_type type;

	if (!append_read_type(append, head, &type))
		return false;
	append->is_json = type == BODY_JSON;
	append->is_lines = type == BODY_NDJSON;
	if (type == BODY_FORM) {
		append_refuse(append, ERROR_BODY_TYPE, "a form is no event");
		return false;
	}
	return true;
}

static bool
read_end(struct append *append)
{
	const char *const end = query_value(&append->request->query, QUERY_END);

	append->has_end = end != NULL;
	if (end == NULL ||
	    append_parse_status((struct http_text){ end, strlen(end) }, &append->end_status))
		return true;
	append_refuse(append, ERROR_BAD_QUERY, "end is a number of 32 bits");
	return false;
}

static void
begin_post(struct request *request, const struct http_head *head)
{
	struct append *const append = append_new(request);

	if (append != NULL && append_read_wait(append) && read_end(append) &&
	    read_type(append, head))
		(void)read_fields(append, head);
}

static size_t
count_lines(struct http_text rest)
{
	struct http_text line;
	size_t lines = 0;

	while (json_next_line(&rest, &line))
		lines++;
	return lines;
}

/* Room for the events. False: the request is refused. */
static bool
take_events(struct append *append, size_t events_count)
{
	if (events_count == 0) {
		append_refuse(append, ERROR_EMPTY_BODY, NULL);
		return false;
	}
	if (events_count > EVENTS_MAX) {
		append_refuse(append, ERROR_TOO_LARGE, "more than 1048576 events");
		return false;
	}
	append->events = calloc(events_count, sizeof(*append->events));
	if (append->events == NULL) {
		append_refuse(append, ERROR_NO_MEMORY, NULL);
		return false;
	}
	append->events_count = events_count;
	return true;
}

static void
put_event(struct append *append, size_t index, struct http_text payload)
{
	append->events[index] = (struct reprise_new_event){
		.revision = append->revision,
		.kind = append->kind,
		.payload = { payload.data, payload.size },
	};
}

static bool
cut_lines(struct append *append, struct http_text body)
{
	struct http_text line;
	size_t events_count = 0;

	if (!take_events(append, count_lines(body)))
		return false;
	while (json_next_line(&body, &line)) {
		if (!json_is_valid(line)) {
			append_refuse(append, ERROR_BAD_BODY, "a line is no JSON text");
			return false;
		}
		put_event(append, events_count++, line);
	}
	return true;
}

/* The payload of JSON has no white space around it: a line of NDJSON cannot have any either. */
static bool
cut_body(struct append *append)
{
	struct http_text body = { append->body.data, append->body.size };

	if (append->is_lines)
		return cut_lines(append, body);
	if (append->is_json)
		body = json_trim(body);
	if (!take_events(append, body.size != 0))
		return false;
	if (append->is_json && !json_is_valid(body)) {
		append_refuse(append, ERROR_BAD_BODY, "the body is no JSON text");
		return false;
	}
	put_event(append, 0, body);
	return true;
}

static void
post_body(struct request *request)
{
	struct append *const append = request->state;

	if (append->stage != APPEND_BODY || !cut_body(append))
		return;
	if (append->is_commit)
		append->events[append->events_count - 1].flags = REPRISE_EVENT_COMMIT;
	append_start(append);
}

const struct route_calls append_calls = {
	.begin = begin_post,
	.body = append_body,
	.body_end = post_body,
	.close = append_close,
	.release = append_release,
};
