/* SPDX-License-Identifier: MIT */

/*
 * The gateway's JSON (rule V10). The bytes are judged once more by a parser that is written from
 * the grammar of RFC 8259, rule by rule, with recursion. Each element of an accepted array is
 * accepted, and the elements joined again are the array but for white space outside of strings.
 */

#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"
#include "fuzz.h"
#include "gateway/json.h"

enum {
	DEPTH_MAX = 512,
};

struct text {
	const char *at, *end;
};

static bool is_value(struct text *text, int depth);

static void
skip(struct text *text)
{
	while (text->at < text->end && strchr(" \t\r\n", *text->at) != NULL && *text->at != '\0')
		text->at++;
}

static bool
is_one_of(struct text *text, const char *bytes)
{
	if (text->at == text->end || *text->at == '\0' || strchr(bytes, *text->at) == NULL)
		return false;
	text->at++;
	return true;
}

/* At least one. */
static bool
are_digits(struct text *text)
{
	if (!is_one_of(text, "0123456789"))
		return false;
	while (is_one_of(text, "0123456789"))
		;
	return true;
}

static bool
is_number(struct text *text)
{
	(void)is_one_of(text, "-");
	if (!is_one_of(text, "0") && !are_digits(text))
		return false;
	if (is_one_of(text, ".") && !are_digits(text))
		return false;
	if (!is_one_of(text, "eE"))
		return true;
	(void)is_one_of(text, "+-");
	return are_digits(text);
}

static bool
is_string(struct text *text)
{
	if (!is_one_of(text, "\""))
		return false;
	while (text->at < text->end && *text->at != '"') {
		if ((unsigned char)*text->at < 0x20)
			return false;
		if (*text->at++ != '\\')
			continue;
		if (is_one_of(text, "u")) {
			for (int i = 0; i < 4; i++)
				if (!is_one_of(text, "0123456789abcdefABCDEF"))
					return false;
		} else if (!is_one_of(text, "\"\\/bfnrt")) {
			return false;
		}
	}
	return is_one_of(text, "\"");
}

static bool
is_word(struct text *text, const char *word)
{
	const size_t size = strlen(word);

	if ((size_t)(text->end - text->at) < size || memcmp(text->at, word, size) != 0)
		return false;
	text->at += size;
	return true;
}

static bool
is_member(struct text *text, int depth)
{
	skip(text);
	if (!is_string(text))
		return false;
	skip(text);
	return is_one_of(text, ":") && is_value(text, depth);
}

static bool
is_group(struct text *text, int depth, const char *close, bool (*is_part)(struct text *, int))
{
	if (depth == DEPTH_MAX)
		return false;
	skip(text);
	if (is_one_of(text, close))
		return true;
	do {
		if (!is_part(text, depth + 1))
			return false;
		skip(text);
	} while (is_one_of(text, ","));
	return is_one_of(text, close);
}

/* With the white space before the value. */
static bool
is_value(struct text *text, int depth)
{
	skip(text);
	if (is_one_of(text, "["))
		return is_group(text, depth, "]", is_value);
	if (is_one_of(text, "{"))
		return is_group(text, depth, "}", is_member);
	if (text->at < text->end && *text->at == '"')
		return is_string(text);
	return is_word(text, "true") || is_word(text, "false") || is_word(text, "null") ||
	       is_number(text);
}

static bool
is_text(const char *bytes, size_t size)
{
	struct text text = { bytes, bytes + size };

	if (!utf8_is_valid(bytes, size) || !is_value(&text, 0))
		return false;
	skip(&text);
	return text.at == text.end;
}

/* Copies the bytes without the white space outside of strings; answers how many are left. */
static size_t
squeeze(const char *bytes, size_t size, char *ret_bytes)
{
	bool is_quoted = false;
	size_t used = 0;

	for (size_t i = 0; i < size; i++) {
		if (is_quoted && bytes[i] == '\\') {
			ret_bytes[used++] = bytes[i++];
		} else if (bytes[i] == '"') {
			is_quoted = !is_quoted;
		} else if (!is_quoted && bytes[i] != '\0' && strchr(" \t\r\n", bytes[i]) != NULL) {
			continue;
		}
		ret_bytes[used++] = bytes[i];
	}
	return used;
}

static void
cut_and_join(const char *bytes, size_t size)
{
	const struct http_text text = { bytes, size };
	struct buffer joined = { 0 };
	struct http_text element;
	size_t offset = 0;
	char *const one = malloc(size), *const other = malloc(size);
	size_t one_size, other_size;

	MUST(one != NULL && other != NULL);
	buffer_text(&joined, "[");
	while (json_next_element(text, &offset, &element)) {
		MUST(json_is_valid(element));
		MUST(offset <= size);
		if (joined.size > 1)
			buffer_text(&joined, ",");
		buffer_add(&joined, element.data, element.size);
	}
	buffer_text(&joined, "]");
	MUST(!joined.failed && joined.size <= size);
	one_size = squeeze(bytes, size, one);
	other_size = squeeze(joined.data, joined.size, other);
	MUST(one_size == other_size && memcmp(one, other, one_size) == 0);
	buffer_free(&joined);
	free(one);
	free(other);
}

/* Any bytes become a string that is accepted. */
static void
write_string(const char *bytes, size_t size)
{
	struct buffer buffer = { 0 };

	buffer_string(&buffer, bytes, size);
	MUST(json_is_valid((struct http_text){ buffer.data, buffer.size }));
	buffer_free(&buffer);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_count)
{
	const char *const text = (const char *)bytes;
	const bool valid = json_is_valid((struct http_text){ text, bytes_count });
	const struct http_text trimmed = json_trim((struct http_text){ text, bytes_count });

	MUST(valid == is_text(text, bytes_count));
	if (valid && trimmed.data[0] == '[')
		cut_and_join(text, bytes_count);
	write_string(text, bytes_count);
	return 0;
}
