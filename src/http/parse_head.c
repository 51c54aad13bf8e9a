/* SPDX-License-Identifier: MIT */
/*
 * A whole head: the request line, then the fields one by one, then what the fields together mean.
 */
#include "http/parse.h"

#include <string.h>

#include "http/parse_line.h"

/*
 * The fields that say where a request ends, whose it is, and what its body is: a second one would
 * contradict.
 */
static const char *const once[] = {
	"authorization", "content-length", "content-type", "expect",
	"host",          "last-event-id",  "origin",       "transfer-encoding",
};

const struct http_field *
http_head_field(const struct http_head *head, const char *name)
{
	for (unsigned int i = 0; i < head->fields_count; i++)
		if (http_is_name(head->fields[i].name, name))
			return &head->fields[i];
	return NULL;
}

/* Whether an earlier field forbids another one of that name. */
static bool
is_repeated(const struct http_head *head, struct http_text name)
{
	for (size_t i = 0; i < sizeof(once) / sizeof(*once); i++)
		if (http_is_name(name, once[i]))
			return http_head_field(head, once[i]) != NULL;
	return false;
}

static enum http_refusal
add_field(struct http_head *head, struct http_text line)
{
	const char *const colon = memchr(line.data, ':', line.size);
	struct http_field *field;

	if (line.data[0] == ' ' || line.data[0] == '\t')
		return HTTP_REFUSAL_FOLDED;
	if (colon == NULL)
		return HTTP_REFUSAL_FIELD_NAME;
	if (head->fields_count == HTTP_FIELDS_MAX)
		return HTTP_REFUSAL_TOO_MANY_FIELDS;
	field = &head->fields[head->fields_count];
	field->name = (struct http_text){ line.data, (size_t)(colon - line.data) };
	field->value = http_trim((struct http_text){ colon + 1, line.size - field->name.size - 1 });
	if (!http_are_all(field->name, HTTP_CLASS_TOKEN))
		return HTTP_REFUSAL_FIELD_NAME;
	if (field->value.size != 0 && !http_are_all(field->value, HTTP_CLASS_VALUE))
		return HTTP_REFUSAL_FIELD_VALUE;
	if (is_repeated(head, field->name))
		return HTTP_REFUSAL_FIELD_TWICE;
	head->fields_count++;
	return HTTP_REFUSAL_NONE;
}

/* Cuts off a line that ends with CR and LF. */
static struct http_text
next_line(struct http_text *rest)
{
	const char *const end = memchr(rest->data, '\n', rest->size);
	const size_t size = end == NULL ? rest->size : (size_t)(end - rest->data) + 1;
	const struct http_text line = { rest->data, size < 2 ? 0 : size - 2 };

	*rest = (struct http_text){ rest->data + size, rest->size - size };
	return line;
}

static enum http_refusal
judge_host(struct http_head *head)
{
	const struct http_field *const host = http_head_field(head, "host");

	if (host == NULL)
		return HTTP_REFUSAL_HOST_MISSING;
	if (!http_is_authority(host->value))
		return HTTP_REFUSAL_HOST;
	if (head->host.data != NULL && !http_are_same_hosts(head->host, host->value))
		return HTTP_REFUSAL_HOST; /* the target names another one */
	head->host = host->value;
	return HTTP_REFUSAL_NONE;
}

static enum http_refusal
judge_connection(struct http_head *head)
{
	bool has_close = false, has_keep = false;

	for (unsigned int i = 0; i < head->fields_count; i++) {
		struct http_text list = head->fields[i].value, option;

		if (!http_is_name(head->fields[i].name, "connection"))
			continue;
		while (http_list_next(&list, &option)) {
			if (!http_are_all(option, HTTP_CLASS_TOKEN))
				return HTTP_REFUSAL_CONNECTION;
			has_close = has_close || http_is_name(option, "close");
			has_keep = has_keep || http_is_name(option, "keep-alive");
		}
	}
	head->keeps_alive = !has_close && (head->minor == 1 || has_keep);
	return HTTP_REFUSAL_NONE;
}

/* RFC 9110 allows a tab behind a value; other parsers refuse a tab behind a length or a coding. */
static bool
has_tab_behind(struct http_text value)
{
	for (const char *at = value.data + value.size; *at != '\r'; at++)
		if (*at == '\t')
			return true;
	return false;
}

static enum http_refusal
judge_length(struct http_head *head, struct http_text value)
{
	if (!http_are_all(value, HTTP_CLASS_DIGIT) || value.size > HTTP_LENGTH_DIGITS_MAX ||
	    has_tab_behind(value))
		return HTTP_REFUSAL_LENGTH;
	if (value.size > 1 && value.data[0] == '0')
		return HTTP_REFUSAL_LENGTH; /* some would take it for octal */
	for (size_t i = 0; i < value.size; i++)
		head->length = head->length * 10 + (uint64_t)(value.data[i] - '0');
	return HTTP_REFUSAL_NONE;
}

/*
 * Chunked alone is known; and only the last coding may be chunked, or nobody knows where the body
 * ends.
 */
static enum http_refusal
judge_coding(struct http_head *head, struct http_text value)
{
	const bool has_tab = has_tab_behind(value);
	struct http_text coding = { NULL, 0 };
	size_t codings = 0;

	while (http_list_next(&value, &coding)) {
		if (head->is_chunked || !http_are_all(coding, HTTP_CLASS_TOKEN))
			return HTTP_REFUSAL_CODING;
		head->is_chunked = http_is_name(coding, "chunked");
		codings++;
	}
	if (head->minor == 0 || has_tab)
		return HTTP_REFUSAL_CODING; /* HTTP/1.0 has none */
	return head->is_chunked && codings == 1 ? HTTP_REFUSAL_NONE : HTTP_REFUSAL_CODING_UNKNOWN;
}

static enum http_refusal
judge_body(struct http_head *head)
{
	const struct http_field *const length = http_head_field(head, "content-length");
	const struct http_field *const coding = http_head_field(head, "transfer-encoding");
	enum http_refusal refusal = HTTP_REFUSAL_NONE;

	if (length != NULL && coding != NULL)
		return HTTP_REFUSAL_TWO_LENGTHS;
	if (length != NULL)
		refusal = judge_length(head, length->value);
	if (coding != NULL)
		refusal = judge_coding(head, coding->value);
	if (refusal != HTTP_REFUSAL_NONE)
		return refusal;
	if ((head->is_chunked || head->length != 0) &&
	    (head->method == HTTP_METHOD_GET || head->method == HTTP_METHOD_HEAD))
		return HTTP_REFUSAL_BODY_UNEXPECTED;
	return HTTP_REFUSAL_NONE;
}

static enum http_refusal
judge_expectation(struct http_head *head)
{
	const struct http_field *const expect = http_head_field(head, "expect");

	if (expect == NULL)
		return HTTP_REFUSAL_NONE;
	if (!http_is_name(expect->value, "100-continue"))
		return HTTP_REFUSAL_EXPECTATION;
	/* HTTP/1.0 knows no interim response. */
	head->expects_continue = head->minor == 1 && (head->is_chunked || head->length != 0);
	return HTTP_REFUSAL_NONE;
}

enum http_refusal
http_parse_head(const char *bytes, size_t bytes_count, struct http_head *ret_head)
{
	static enum http_refusal (*const judges[])(struct http_head *) = {
		judge_host,
		judge_connection,
		judge_body,
		judge_expectation,
	};
	struct http_text rest = { bytes, bytes_count };
	enum http_refusal refusal;

	*ret_head = (struct http_head){ .fields_count = 0 };
	refusal = http_parse_line(next_line(&rest), ret_head);
	for (struct http_text line = { NULL, 0 }; refusal == HTTP_REFUSAL_NONE && rest.size != 0;) {
		line = next_line(&rest);
		if (line.size == 0)
			break;
		refusal = add_field(ret_head, line);
	}
	for (size_t i = 0; refusal == HTTP_REFUSAL_NONE && i < sizeof(judges) / sizeof(*judges);
	     i++)
		refusal = judges[i](ret_head);
	return refusal;
}
