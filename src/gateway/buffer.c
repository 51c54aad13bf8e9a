/* SPDX-License-Identifier: MIT */
/*
 * The buffer of json.h. A buffer that has failed takes nothing more, so that its writer asks once,
 * at the end. Strings are written with the escapes of JSON; control characters of Unicode are
 * escaped, too, and bytes that are not UTF-8 become U+FFFD: what the gateway writes is safe on a
 * terminal.
 */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "gateway/json.h"

enum {
	ROOM_MIN = 256,
	ROOM_KEPT = 256 << 10, /* of a buffer that is used again */
	PADDING = 64,          /* among the digits of base64 */
};

void
buffer_free(struct buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct buffer){ 0 };
}

void
buffer_reset(struct buffer *buffer)
{
	if (buffer->room > ROOM_KEPT)
		buffer_free(buffer);
	buffer->size = 0;
	buffer->failed = false;
}

bool
buffer_reserve(struct buffer *buffer, size_t bytes)
{
	size_t room = buffer->room < ROOM_MIN ? ROOM_MIN : buffer->room;
	char *data = NULL;

	if (buffer->failed)
		return false;
	if (bytes <= buffer->room - buffer->size)
		return true;
	if (bytes <= SIZE_MAX / 4 - buffer->size) {
		while (room - buffer->size < bytes)
			room *= 2;
		data = realloc(buffer->data, room);
	}
	if (data == NULL) {
		buffer->failed = true;
		return false;
	}
	buffer->data = data;
	buffer->room = room;
	return true;
}

void
buffer_add(struct buffer *buffer, const void *bytes, size_t size)
{
	if (size == 0 || !buffer_reserve(buffer, size))
		return;
	memcpy(buffer->data + buffer->size, bytes, size);
	buffer->size += size;
}

void
buffer_text(struct buffer *buffer, const char *text)
{
	buffer_add(buffer, text, strlen(text));
}

void
buffer_number(struct buffer *buffer, uint64_t number)
{
	char digits[20];
	size_t first = sizeof(digits);

	do {
		digits[--first] = (char)('0' + number % 10);
		number /= 10;
	} while (number != 0);
	buffer_add(buffer, digits + first, sizeof(digits) - first);
}

/* A control character as an escape. */
static void
add_escape(struct buffer *buffer, unsigned char code)
{
	static const char hex[] = "0123456789abcdef";
	const char escape[] = { '\\', 'u', '0', '0', hex[code >> 4], hex[code & 15] };

	switch (code) {
	case '\n':
		buffer_add(buffer, "\\n", 2);
		break;
	case '\r':
		buffer_add(buffer, "\\r", 2);
		break;
	case '\t':
		buffer_add(buffer, "\\t", 2);
		break;
	default:
		buffer_add(buffer, escape, sizeof(escape));
	}
}

/* Characters that are no control characters. */
static void
add_characters(struct buffer *buffer, const char *bytes, size_t size)
{
	size_t begin = 0;

	for (size_t i = 0; i < size; i++) {
		if (bytes[i] != '"' && bytes[i] != '\\')
			continue;
		buffer_add(buffer, bytes + begin, i - begin);
		buffer_add(buffer, "\\", 1);
		begin = i;
	}
	buffer_add(buffer, bytes + begin, size - begin);
}

/* The bytes begin with a control character, or are not UTF-8. Returns the bytes that were taken. */
static size_t
add_other(struct buffer *buffer, const char *bytes, size_t size)
{
	const unsigned char first = (unsigned char)bytes[0];
	const unsigned char second = size > 1 ? (unsigned char)bytes[1] : 0;

	if (first < 0x20 || first == 0x7f) {
		add_escape(buffer, first);
		return 1;
	}
	/* A terminal acts on U+0080 to U+009F, too. */
	if (first == 0xc2 && second >= 0x80 && second <= 0x9f) {
		add_escape(buffer, second);
		return 2;
	}
	buffer_add(buffer, "\xef\xbf\xbd", 3);
	return 1;
}

void
buffer_string(struct buffer *buffer, const char *bytes, size_t size)
{
	buffer_add(buffer, "\"", 1);
	for (size_t i = 0; i < size;) {
		const size_t run = utf8_text_prefix(bytes + i, size - i);

		add_characters(buffer, bytes + i, run);
		i += run;
		if (i < size)
			i += add_other(buffer, bytes + i, size - i);
	}
	buffer_add(buffer, "\"", 1);
}

void
buffer_base64(struct buffer *buffer, const void *bytes, size_t size)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
	const unsigned char *const from = bytes;
	char *to;

	if (size > SIZE_MAX / 8) {
		buffer->failed = true;
		return;
	}
	if (!buffer_reserve(buffer, (size + 2) / 3 * 4))
		return;
	to = buffer->data + buffer->size;
	for (size_t i = 0; i < size; i += 3) {
		const unsigned int second = i + 1 < size ? from[i + 1] : 0;
		const unsigned int third = i + 2 < size ? from[i + 2] : 0;
		const unsigned int word = (unsigned int)from[i] << 16 | second << 8 | third;

		*to++ = digits[word >> 18];
		*to++ = digits[word >> 12 & 63];
		*to++ = digits[i + 1 < size ? (word >> 6 & 63) : PADDING];
		*to++ = digits[i + 2 < size ? (word & 63) : PADDING];
	}
	buffer->size = (size_t)(to - buffer->data);
}
