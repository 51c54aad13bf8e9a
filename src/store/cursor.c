/* SPDX-License-Identifier: MIT */
#include <reprise/cursor.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/error.h"
#include "base/utf8.h"

static const char prefix[] = "rp1.";
static const char hex_lower[] = "0123456789abcdef";
static const char hex_upper[] = "0123456789ABCDEF";

enum {
	PREFIX_BYTES = sizeof(prefix) - 1,
	INCARNATION_DIGITS = 32,
	CHECK_DIGITS = 8,
};

static bool
is_plain(unsigned char byte)
{
	return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
	       (byte >= '0' && byte <= '9') || byte == '-';
}

/* The size of a cursor's id, or 0 if it is none. */
static size_t
id_bytes_of(const struct reprise_cursor *cursor)
{
	const size_t bytes = strnlen(cursor->session_id, sizeof(cursor->session_id));

	if (bytes > REPRISE_SESSION_ID_BYTES_MAX)
		return 0;
	return utf8_text_prefix(cursor->session_id, bytes) == bytes ? bytes : 0;
}

/* The check covers the text before the check and the text after the dot that follows it. */
static uint32_t
check_of(const char *head, size_t head_bytes, const char *id, size_t id_bytes)
{
	return crc32c(crc32c(0, head, head_bytes), id, id_bytes);
}

static size_t
write_id(char *to, const char *id, size_t id_bytes)
{
	char *at = to;

	for (size_t i = 0; i < id_bytes; i++) {
		const unsigned char byte = (unsigned char)id[i];

		if (is_plain(byte)) {
			*at++ = (char)byte;
			continue;
		}
		*at++ = '~';
		*at++ = hex_upper[byte >> 4];
		*at++ = hex_upper[byte & 15];
	}
	return (size_t)(at - to);
}

/* Writes the text, which always fits, and a NUL; answers its size. */
static size_t
write_text(char text[REPRISE_CURSOR_TEXT_BYTES_MAX], const struct reprise_cursor *cursor,
	   size_t id_bytes)
{
	char id[3 * REPRISE_SESSION_ID_BYTES_MAX];
	char incarnation[INCARNATION_DIGITS + 1] = { 0 };
	char head[PREFIX_BYTES + INCARNATION_DIGITS + 2 * 21 + 2];
	const size_t id_text_bytes = write_id(id, cursor->session_id, id_bytes);

	for (size_t i = 0; i < sizeof(cursor->incarnation.bytes); i++) {
		incarnation[2 * i] = hex_lower[cursor->incarnation.bytes[i] >> 4];
		incarnation[2 * i + 1] = hex_lower[cursor->incarnation.bytes[i] & 15];
	}
	const int head_bytes = snprintf(head, sizeof(head), "%s%s.%llu.%llu.", prefix, incarnation,
					(unsigned long long)cursor->revision,
					(unsigned long long)cursor->position);
	const uint32_t check = check_of(head, (size_t)head_bytes, id, id_text_bytes);

	return (size_t)snprintf(text, REPRISE_CURSOR_TEXT_BYTES_MAX, "%s%08x.%.*s", head, check,
				(int)id_text_bytes, id);
}

reprise_status
reprise_cursor_format(const struct reprise_cursor *cursor, char *ret_text, size_t text_bytes_max,
		      size_t *ret_text_bytes, struct reprise_error *error)
{
	char text[REPRISE_CURSOR_TEXT_BYTES_MAX];

	if (cursor == NULL)
		return error_invalid(error, "cursor");
	if (ret_text == NULL)
		return error_invalid(error, "ret_text");
	const size_t id_bytes = id_bytes_of(cursor);
	if (id_bytes == 0)
		return error_invalid(error, "cursor: session_id");
	const size_t text_bytes = write_text(text, cursor, id_bytes);
	if (text_bytes >= text_bytes_max)
		return error_plain(error, REPRISE_E_TOO_LARGE);
	memcpy(ret_text, text, text_bytes + 1);
	if (ret_text_bytes != NULL)
		*ret_text_bytes = text_bytes;
	return REPRISE_OK;
}

/* The rest of a text; `at` stops at the first wrong byte. */
struct scan {
	const char *text;
	size_t bytes;
	size_t at;
};

static bool
read_literal(struct scan *scan, const char *literal)
{
	for (; *literal != '\0'; literal++, scan->at++)
		if (scan->at == scan->bytes || scan->text[scan->at] != *literal)
			return false;
	return true;
}

/* The value of one digit of @digits, which moves past it; -1 if it is none. */
static int
read_digit(struct scan *scan, const char *digits)
{
	if (scan->at == scan->bytes || scan->text[scan->at] == '\0')
		return -1;
	const char *const digit = strchr(digits, scan->text[scan->at]);
	if (digit == NULL)
		return -1;
	scan->at++;
	return (int)(digit - digits);
}

static bool
read_byte(struct scan *scan, const char *digits, unsigned char *ret_byte)
{
	const int high = read_digit(scan, digits);
	const int low = high < 0 ? -1 : read_digit(scan, digits);

	if (low < 0)
		return false;
	*ret_byte = (unsigned char)(high << 4 | low);
	return true;
}

static bool
read_number(struct scan *scan, uint64_t *ret_number)
{
	const size_t first = scan->at;
	uint64_t number = 0;

	while (scan->at < scan->bytes && scan->at - first < 20) {
		const char byte = scan->text[scan->at];

		if (byte < '0' || byte > '9')
			break;
		if (scan->at == first + 1 && scan->text[first] == '0')
			return false; /* a leading zero */
		if (__builtin_mul_overflow(number, UINT64_C(10), &number) ||
		    __builtin_add_overflow(number, (uint64_t)(byte - '0'), &number))
			return false;
		scan->at++;
	}
	*ret_number = number;
	return scan->at > first;
}

static bool
read_id(struct scan *scan, struct reprise_cursor *cursor)
{
	const size_t first = scan->at;
	size_t bytes = 0;

	while (scan->at < scan->bytes) {
		unsigned char byte = (unsigned char)scan->text[scan->at];

		if (bytes == REPRISE_SESSION_ID_BYTES_MAX)
			return false;
		if (is_plain(byte)) {
			scan->at++;
		} else {
			if (!read_literal(scan, "~") || !read_byte(scan, hex_upper, &byte))
				return false;
			if (is_plain(byte) || byte == '\0') {
				scan->at -= 2; /* no text of ours escapes it */
				return false;
			}
		}
		cursor->session_id[bytes++] = (char)byte;
	}
	cursor->session_id[bytes] = '\0';
	if (bytes == 0 || utf8_text_prefix(cursor->session_id, bytes) != bytes) {
		scan->at = first;
		return false;
	}
	return true;
}

static bool
read_text(struct scan *scan, struct reprise_cursor *cursor)
{
	unsigned char check_bytes[CHECK_DIGITS / 2];
	uint32_t check = 0;

	if (!read_literal(scan, prefix))
		return false;
	for (size_t i = 0; i < sizeof(cursor->incarnation.bytes); i++)
		if (!read_byte(scan, hex_lower, &cursor->incarnation.bytes[i]))
			return false;
	if (!read_literal(scan, ".") || !read_number(scan, &cursor->revision))
		return false;
	if (!read_literal(scan, ".") || !read_number(scan, &cursor->position))
		return false;
	if (!read_literal(scan, "."))
		return false;
	const size_t head_bytes = scan->at;

	for (size_t i = 0; i < sizeof(check_bytes); i++) {
		if (!read_byte(scan, hex_lower, &check_bytes[i]))
			return false;
		check = check << 8 | check_bytes[i];
	}
	if (!read_literal(scan, "."))
		return false;
	const size_t id_at = scan->at;

	if (!read_id(scan, cursor))
		return false;
	if (check_of(scan->text, head_bytes, scan->text + id_at, scan->bytes - id_at) != check) {
		scan->at = head_bytes;
		return false;
	}
	return true;
}

reprise_status
reprise_cursor_parse(const char *text, size_t text_bytes, struct reprise_cursor *ret_cursor,
		     struct reprise_error *error)
{
	struct scan scan = { .text = text, .bytes = text_bytes };
	struct reprise_cursor cursor = { 0 };

	if (text == NULL)
		return error_invalid(error, "text");
	if (ret_cursor == NULL)
		return error_invalid(error, "ret_cursor");
	if (text_bytes >= REPRISE_CURSOR_TEXT_BYTES_MAX)
		return error_malformed(error, REPRISE_CURSOR_TEXT_BYTES_MAX - 1);
	if (!read_text(&scan, &cursor))
		return error_malformed(error, scan.at);
	*ret_cursor = cursor;
	return REPRISE_OK;
}

reprise_status
reprise_cursor_check_session(const struct reprise_cursor *cursor, const char *session_id,
			     struct reprise_error *error)
{
	if (cursor == NULL)
		return error_invalid(error, "cursor");
	if (session_id == NULL)
		return error_invalid(error, "session_id");
	const size_t bytes = strnlen(session_id, REPRISE_SESSION_ID_BYTES_MAX + 1);

	if (bytes == 0 || bytes > REPRISE_SESSION_ID_BYTES_MAX ||
	    utf8_text_prefix(session_id, bytes) != bytes)
		return error_invalid(error, "session_id");
	if (id_bytes_of(cursor) == 0)
		return error_invalid(error, "cursor: session_id");
	if (strcmp(cursor->session_id, session_id) != 0)
		return error_wrong_session(error, session_id, cursor->session_id);
	return REPRISE_OK;
}
