/* SPDX-License-Identifier: MIT */
/*
 * Offsets, lifetimes, numbers, content types and cursors. Times are in time.c.
 */
#include "durable/fields.h"

#include <string.h>

#include "base/numbers.h"
#include "durable/digits.h"

enum {
	OFFSET_DIGITS = 16,
	CURSOR_BEGIN_S = 1728432000, /* 2024-10-09 */
	CURSOR_INTERVAL_S = 20,
	CURSOR_STEP_MAX = 180, /* an hour of intervals */
};

void
durable_offset_format(reprise_position position, char text[DURABLE_OFFSET_BYTES])
{
	digits_write(0, text, OFFSET_DIGITS);
	text[OFFSET_DIGITS] = '_';
	digits_write(least(position, DURABLE_POSITION_MAX), text + OFFSET_DIGITS + 1,
		     OFFSET_DIGITS);
	text[DURABLE_OFFSET_BYTES - 1] = '\0';
}

static bool
is_word(const char *text, size_t size, const char *word)
{
	return size == strlen(word) && memcmp(text, word, size) == 0;
}

bool
durable_offset_parse(const char *text, size_t size, enum durable_start *ret_start,
		     reprise_position *ret_position)
{
	enum durable_start start = DURABLE_START_OLDEST;
	uint64_t file = 0, position = 0;

	if (is_word(text, size, "now")) {
		start = DURABLE_START_NOW;
	} else if (!is_word(text, size, "-1")) {
		if (size != DURABLE_OFFSET_BYTES - 1 || text[OFFSET_DIGITS] != '_' ||
		    !digits_read(text, OFFSET_DIGITS, 0, &file) ||
		    !digits_read(text + OFFSET_DIGITS + 1, OFFSET_DIGITS, DURABLE_POSITION_MAX,
				 &position))
			return false;
		if (position != 0)
			start = DURABLE_START_AFTER;
	}
	*ret_start = start;
	*ret_position = position;
	return true;
}

bool
durable_ttl_parse(const char *text, size_t size, uint64_t *ret_seconds)
{
	if (size > 1 && text[0] == '0')
		return false;
	return digits_read(text, size, UINT64_MAX, ret_seconds);
}

bool
durable_number_parse(const char *text, size_t size, uint64_t *ret_number)
{
	return digits_read(text, size, DURABLE_NUMBER_MAX, ret_number);
}

/* The rest of a content type. */
struct rest {
	const char *at, *end;
};

static char
lower(char byte)
{
	if (byte >= 'A' && byte <= 'Z')
		byte |= 0x20;
	return byte;
}

/* tchar of RFC 9110. */
static bool
is_token_byte(char byte)
{
	const char small = lower(byte);

	return (small >= 'a' && small <= 'z') || (byte >= '0' && byte <= '9') ||
	       (byte != '\0' && strchr("!#$%&'*+-.^_`|~", byte) != NULL);
}

static bool
skip_byte(struct rest *rest, char byte)
{
	if (rest->at == rest->end || *rest->at != byte)
		return false;
	rest->at++;
	return true;
}

static void
skip_blanks(struct rest *rest)
{
	while (skip_byte(rest, ' ') || skip_byte(rest, '\t'))
		;
}

static bool
skip_token(struct rest *rest)
{
	const char *const begin = rest->at;

	while (rest->at < rest->end && is_token_byte(*rest->at))
		rest->at++;
	return rest->at > begin;
}

/* ASCII alone: the type goes into the head of an answer as the client has sent it. */
static bool
is_quotable(char byte)
{
	return byte == '\t' || (byte >= ' ' && byte <= '~');
}

static bool
skip_quoted(struct rest *rest)
{
	if (!skip_byte(rest, '"'))
		return false;
	while (!skip_byte(rest, '"')) {
		(void)skip_byte(rest, '\\');
		if (rest->at == rest->end || !is_quotable(*rest->at))
			return false;
		rest->at++;
	}
	return true;
}

/* RFC 9110 permits a parameter to be absent behind its semicolon. */
static bool
skip_parameters(struct rest *rest)
{
	for (;;) {
		skip_blanks(rest);
		if (rest->at == rest->end)
			return true;
		if (!skip_byte(rest, ';'))
			return false;
		skip_blanks(rest);
		if (skip_token(rest) &&
		    (!skip_byte(rest, '=') || (!skip_token(rest) && !skip_quoted(rest))))
			return false;
	}
}

bool
durable_type_parse(const char *text, size_t size, char ret_type[DURABLE_TYPE_BYTES_MAX + 1])
{
	struct rest rest = { text, text + size };
	size_t bytes;

	if (size > DURABLE_TYPE_BYTES_MAX || !skip_token(&rest) || !skip_byte(&rest, '/') ||
	    !skip_token(&rest))
		return false;
	bytes = (size_t)(rest.at - text);
	if (!skip_parameters(&rest))
		return false;
	for (size_t i = 0; i < bytes; i++)
		ret_type[i] = lower(text[i]);
	ret_type[bytes] = '\0';
	return true;
}

/* Clients decode application/json alone as JSON, and types such as application/ld+json as bytes. */
bool
durable_type_is_json(const char *type)
{
	return strcmp(type, "application/json") == 0;
}

bool
durable_type_is_text(const char *type)
{
	return strncmp(type, "text/", strlen("text/")) == 0 || durable_type_is_json(type);
}

uint64_t
durable_cursor(uint64_t unix_s, const char *sent, uint64_t random)
{
	const uint64_t now =
		unix_s < CURSOR_BEGIN_S ? 0 : (unix_s - CURSOR_BEGIN_S) / CURSOR_INTERVAL_S;
	uint64_t number;

	if (sent == NULL ||
	    !digits_read(sent, strlen(sent), UINT64_MAX - CURSOR_STEP_MAX, &number) || number < now)
		return now;
	return number + 1 + random % CURSOR_STEP_MAX;
}
