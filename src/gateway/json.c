/* SPDX-License-Identifier: MIT */
#include "gateway/json.h"

/*
 * A JSON text is checked in one pass, without recursion: for each open array and object one bit
 * says which of both is open. A string's escapes are checked for their form. A surrogate without
 * its other half is let through, as RFC 8259 permits: the text is handed on as it is.
 */

#include <string.h>

#include "base/utf8.h"

enum {
	DEPTH_MAX = 512,
	WORD_BITS = 64,
};

/* The tokens that may come next, white space aside. */
enum expect {
	EXPECT_VALUE,
	EXPECT_ELEMENT, /* a value, or the end of an empty array */
	EXPECT_MEMBER,  /* a name, or the end of an empty object */
	EXPECT_NAME,
	EXPECT_MORE, /* a comma, or the end of the array or object */
	EXPECT_FAILED,
};

struct scan {
	const char *at, *end;
	unsigned int depth;
	uint64_t objects[DEPTH_MAX / WORD_BITS]; /* bit n: the level n is an object */
};

static bool
is_space(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static bool
is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

static void
skip_space(struct scan *scan)
{
	while (scan->at < scan->end && is_space(*scan->at))
		scan->at++;
}

/* True if the next byte is the one wanted; then the byte is taken. */
static bool
take(struct scan *scan, char wanted)
{
	if (scan->at == scan->end || *scan->at != wanted)
		return false;
	scan->at++;
	return true;
}

static bool
take_word(struct scan *scan, const char *word)
{
	const size_t size = strlen(word);

	if ((size_t)(scan->end - scan->at) < size || memcmp(scan->at, word, size) != 0)
		return false;
	scan->at += size;
	return true;
}

static bool
take_digits(struct scan *scan)
{
	const char *const begin = scan->at;

	while (scan->at < scan->end && is_digit(*scan->at))
		scan->at++;
	return scan->at != begin;
}

static bool
take_number(struct scan *scan)
{
	take(scan, '-');
	if (!take(scan, '0') && !take_digits(scan))
		return false;
	if (take(scan, '.') && !take_digits(scan))
		return false;
	if (take(scan, 'e') || take(scan, 'E')) {
		if (!take(scan, '+'))
			take(scan, '-');
		return take_digits(scan);
	}
	return true;
}

/* The rest of an escape, behind the backslash. */
static bool
take_escape(struct scan *scan)
{
	if (scan->at == scan->end)
		return false;
	if (*scan->at != 'u') {
		const bool is_known = *scan->at != '\0' && strchr("\"\\/bfnrt", *scan->at) != NULL;

		scan->at++;
		return is_known;
	}
	scan->at++;
	for (int i = 0; i < 4; i++) {
		if (scan->at == scan->end || !http_is(*scan->at, HTTP_CLASS_HEX))
			return false;
		scan->at++;
	}
	return true;
}

static bool
take_string(struct scan *scan)
{
	if (!take(scan, '"'))
		return false;
	while (scan->at < scan->end) {
		const unsigned char byte = (unsigned char)*scan->at++;

		if (byte == '"')
			return true;
		if (byte < 0x20 || (byte == '\\' && !take_escape(scan)))
			return false;
	}
	return false;
}

static enum expect
open_level(struct scan *scan, bool is_object)
{
	const unsigned int level = scan->depth;
	const uint64_t bit = UINT64_C(1) << level % WORD_BITS;

	if (level == DEPTH_MAX)
		return EXPECT_FAILED;
	scan->at++;
	scan->depth++;
	if (is_object)
		scan->objects[level / WORD_BITS] |= bit;
	else
		scan->objects[level / WORD_BITS] &= ~bit;
	return is_object ? EXPECT_MEMBER : EXPECT_ELEMENT;
}

static bool
is_in_object(const struct scan *scan)
{
	const unsigned int level = scan->depth - 1;

	return (scan->objects[level / WORD_BITS] >> level % WORD_BITS & 1) != 0;
}

static enum expect
close_level(struct scan *scan)
{
	scan->at++;
	scan->depth--;
	return EXPECT_MORE;
}

static enum expect
after(bool is_taken)
{
	return is_taken ? EXPECT_MORE : EXPECT_FAILED;
}

static enum expect
take_value(struct scan *scan)
{
	switch (*scan->at) {
	case '{':
		return open_level(scan, true);
	case '[':
		return open_level(scan, false);
	case '"':
		return after(take_string(scan));
	case 't':
		return after(take_word(scan, "true"));
	case 'f':
		return after(take_word(scan, "false"));
	case 'n':
		return after(take_word(scan, "null"));
	default:
		return after(take_number(scan));
	}
}

static enum expect
take_name(struct scan *scan)
{
	if (!take_string(scan))
		return EXPECT_FAILED;
	skip_space(scan);
	return take(scan, ':') ? EXPECT_VALUE : EXPECT_FAILED;
}

static enum expect
take_more(struct scan *scan)
{
	const bool is_object = is_in_object(scan);

	if (*scan->at == (is_object ? '}' : ']'))
		return close_level(scan);
	if (!take(scan, ','))
		return EXPECT_FAILED;
	return is_object ? EXPECT_NAME : EXPECT_VALUE;
}

/* The next byte is no white space, and there is one. */
static enum expect
take_expected(struct scan *scan, enum expect expect)
{
	switch (expect) {
	case EXPECT_VALUE:
		return take_value(scan);
	case EXPECT_ELEMENT:
		return *scan->at == ']' ? close_level(scan) : take_value(scan);
	case EXPECT_MEMBER:
		return *scan->at == '}' ? close_level(scan) : take_name(scan);
	case EXPECT_NAME:
		return take_name(scan);
	case EXPECT_MORE:
		return take_more(scan);
	case EXPECT_FAILED:
		break;
	}
	return EXPECT_FAILED;
}

bool
json_check(struct http_text text, size_t *ret_offset)
{
	struct scan scan = { .at = text.data, .end = text.data + text.size };
	enum expect expect = EXPECT_VALUE;

	*ret_offset = 0;
	if (text.size == 0 || !utf8_is_valid(text.data, text.size))
		return false;
	do {
		skip_space(&scan);
		*ret_offset = (size_t)(scan.at - text.data);
		if (scan.at == scan.end)
			return false;
		expect = take_expected(&scan, expect);
		if (expect == EXPECT_FAILED)
			return false;
	} while (expect != EXPECT_MORE || scan.depth != 0);
	skip_space(&scan);
	*ret_offset = (size_t)(scan.at - text.data);
	return scan.at == scan.end;
}

bool
json_is_valid(struct http_text text)
{
	size_t offset;

	return json_check(text, &offset);
}
