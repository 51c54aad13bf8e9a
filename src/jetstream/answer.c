/* SPDX-License-Identifier: MIT */
#include "jetstream/answer.h"

#include <stdint.h>
#include <string.h>

#include "base/numbers.h"

/*
 * Finds values without building a tree. jansson is the room thread's alone, and an ack is decoded
 * for each delta. A text that is no JSON is found out as far as the search goes; nothing is read
 * beyond its end.
 */
struct scan {
	const char *at, *end;
};

static void
skip_space(struct scan *scan)
{
	while (scan->at < scan->end && strchr(" \t\r\n", *scan->at) != NULL && *scan->at != '\0')
		scan->at++;
}

static bool
take(struct scan *scan, char byte)
{
	skip_space(scan);
	if (scan->at == scan->end || *scan->at != byte)
		return false;
	scan->at++;
	return true;
}

/* The bytes between the quotes, escapes as they are. */
static bool
take_string(struct scan *scan, struct reprise_bytes *ret_string)
{
	if (!take(scan, '"'))
		return false;
	const char *const begin = scan->at;
	const size_t left = (size_t)(scan->end - begin);
	const char *const quote = left == 0 ? NULL : memchr(begin, '"', left);

	/* Long strings have no escapes: a payload in base64. */
	if (quote != NULL && memchr(begin, '\\', (size_t)(quote - begin)) == NULL)
		scan->at = quote;
	for (; scan->at < scan->end; scan->at++) {
		if (*scan->at == '"') {
			*ret_string = (struct reprise_bytes){ begin, (size_t)(scan->at - begin) };
			scan->at++;
			return true;
		}
		if (*scan->at == '\\' && ++scan->at == scan->end)
			return false;
	}
	return false;
}

/* An object, an array, or anything else up to its end. */
static bool
take_value(struct scan *scan, struct reprise_bytes *ret_value)
{
	struct reprise_bytes string;
	size_t depth = 0;

	skip_space(scan);
	const char *const begin = scan->at;

	do {
		skip_space(scan);
		if (scan->at == scan->end)
			return false;
		if (*scan->at == '"') {
			if (!take_string(scan, &string))
				return false;
		} else if (*scan->at == '{' || *scan->at == '[') {
			depth++;
			scan->at++;
		} else if (*scan->at == '}' || *scan->at == ']') {
			if (depth == 0)
				return false;
			depth--;
			scan->at++;
		} else if (*scan->at == ',' || *scan->at == ':') {
			if (depth == 0)
				return false;
			scan->at++;
		} else {
			while (scan->at < scan->end && strchr(",:{}[]\" \t\r\n", *scan->at) == NULL)
				scan->at++;
			if (scan->at < scan->end && *scan->at == '\0')
				return false;
		}
	} while (depth > 0);
	*ret_value = (struct reprise_bytes){ begin, (size_t)(scan->at - begin) };
	return true;
}

/* The value of the member of that name of the object @json. */
static bool
find_member(struct reprise_bytes json, const char *name, size_t name_bytes,
	    struct reprise_bytes *ret_value)
{
	struct scan scan = { json.data, (const char *)json.data + json.size };
	struct reprise_bytes found, value;

	if (json.size == 0 || !take(&scan, '{'))
		return false;
	do {
		if (!take_string(&scan, &found) || !take(&scan, ':') || !take_value(&scan, &value))
			return false;
		if (found.size == name_bytes && memcmp(found.data, name, name_bytes) == 0) {
			*ret_value = value;
			return true;
		}
	} while (take(&scan, ','));
	return false;
}

static bool
find(struct reprise_bytes json, const char *path, struct reprise_bytes *ret_value)
{
	for (;;) {
		const size_t bytes = strcspn(path, ".");

		if (!find_member(json, path, bytes, &json))
			return false;
		if (path[bytes] == '\0')
			break;
		path += bytes + 1;
	}
	*ret_value = json;
	return true;
}

static bool
read_number(struct reprise_bytes value, uint64_t *ret_number)
{
	uint64_t number = 0;

	if (value.size == 0)
		return false;
	for (size_t i = 0; i < value.size; i++) {
		const char digit = ((const char *)value.data)[i];

		if (digit < '0' || digit > '9' || number > (UINT64_MAX - 9) / 10)
			return false;
		number = number * 10 + (uint64_t)(digit - '0');
	}
	*ret_number = number;
	return true;
}

bool
answer_number(struct reprise_bytes json, const char *path, uint64_t *ret_number)
{
	struct reprise_bytes value;

	return find(json, path, &value) && read_number(value, ret_number);
}

bool
answer_is_true(struct reprise_bytes json, const char *path)
{
	struct reprise_bytes value;

	return find(json, path, &value) && value.size == 4 && memcmp(value.data, "true", 4) == 0;
}

void
answer_read(struct reprise_bytes json, struct answer *ret_answer)
{
	struct scan scan = { json.data, (const char *)json.data + json.size };
	struct reprise_bytes words;
	uint64_t code = 0;

	*ret_answer = (struct answer){ 0 };
	if (json.size == 0 || !take_value(&scan, &words) || *(const char *)words.data != '{')
		return;
	ret_answer->is_whole = true;
	if (!find(json, "error", &words))
		return;
	if (!answer_number(json, "error.err_code", &code) || code == 0 || code > UINT32_MAX)
		(void)(answer_number(json, "error.code", &code) || (code = 1));
	ret_answer->code = (uint32_t)least(greatest(code, 1), UINT32_MAX);
	if (!find(json, "error.description", &words) || words.size < 2)
		return;
	const size_t bytes = least(words.size - 2, sizeof(ret_answer->words) - 1);

	memcpy(ret_answer->words, (const char *)words.data + 1, bytes);
}

static bool
is_name(struct reprise_bytes name, const char *text)
{
	return name.size == strlen(text) && memcmp(name.data, text, name.size) == 0;
}

/* Where the text of the member goes, or NULL: the member is not wanted. */
static struct reprise_bytes *
find_text(struct answer_message *message, struct reprise_bytes name)
{
	if (is_name(name, "subject"))
		return &message->subject;
	if (is_name(name, "hdrs"))
		return &message->headers;
	if (is_name(name, "data"))
		return &message->payload;
	if (is_name(name, "time"))
		return &message->time;
	return NULL;
}

static bool
read_member(struct reprise_bytes name, struct reprise_bytes value, struct answer_message *message)
{
	if (is_name(name, "seq"))
		return read_number(value, &message->sequence);
	struct reprise_bytes *const string = find_text(message, name);

	if (string == NULL)
		return true;
	if (value.size < 2 || *(const char *)value.data != '"')
		return false;
	*string = (struct reprise_bytes){ (const char *)value.data + 1, value.size - 2 };
	return true;
}

bool
answer_message(struct reprise_bytes json, struct answer_message *ret_message)
{
	struct reprise_bytes name, value;

	*ret_message = (struct answer_message){ 0 };
	if (!find(json, "message", &json) || json.size == 0)
		return false;
	struct scan scan = { json.data, (const char *)json.data + json.size };

	if (!take(&scan, '{'))
		return false;
	do {
		if (!take_string(&scan, &name) || !take(&scan, ':') || !take_value(&scan, &value) ||
		    !read_member(name, value, ret_message))
			return false;
	} while (take(&scan, ','));
	return ret_message->sequence != 0 && ret_message->subject.size > 0;
}
