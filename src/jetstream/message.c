/* SPDX-License-Identifier: MIT */
#include "jetstream/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/error.h"
#include "base/numbers.h"
#include "jetstream/answer.h"
#include "jetstream/failure.h"

static const char begin_of_headers[] = "NATS/1.0";

/* Such as "2026-11-29T18:08:47.247523923Z". 0: it is another. */
static uint64_t
parse_time(struct reprise_bytes time)
{
	struct tm tm = { 0 };
	unsigned ms = 0, scale = 100;
	char text[40];

	snprintf(text, sizeof(text), "%.*s", (int)(time.size < sizeof(text) ? time.size : 0),
		 time.size == 0 ? "" : (const char *)time.data);
	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		   &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6)
		return 0;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	const time_t seconds = timegm(&tm);
	const char *at = strchr(text, '.');

	for (; at != NULL && at[1] >= '0' && at[1] <= '9' && scale > 0; at++, scale /= 10)
		ms += (unsigned)(at[1] - '0') * scale;
	return seconds < 0 ? 0 : (uint64_t)seconds * 1000 + ms;
}

static int
digit_of(char digit)
{
	if (digit >= 'A' && digit <= 'Z')
		return digit - 'A';
	if (digit >= 'a' && digit <= 'z')
		return digit - 'a' + 26;
	if (digit >= '0' && digit <= '9')
		return digit - '0' + 52;
	if (digit == '+')
		return 62;
	return digit == '/' ? 63 : -1;
}

/* Writes at most 3 bytes for 4 digits. False: it is no base64. */
static bool
decode64(struct reprise_bytes text, char *to, size_t *ret_bytes)
{
	const char *const digits = text.data;
	size_t count = text.size, bytes = 0;
	uint32_t bits = 0;

	if (count % 4 != 0)
		return false;
	while (count > 0 && text.size - count < 2 && digits[count - 1] == '=')
		count--;
	for (size_t i = 0; i < count; i++) {
		const int digit = digit_of(digits[i]);

		if (digit < 0)
			return false;
		bits = bits << 6 | (uint32_t)digit;
		if (i % 4 != 0)
			to[bytes++] = (char)(bits >> (6 - 2 * (i % 4)) & 0xff);
	}
	*ret_bytes = bytes;
	return true;
}

/* A code point below 65536, as the server escapes few others. */
static size_t
write_utf8(unsigned long code, char *to)
{
	/*
	 * The server writes this escape for a byte that is no UTF-8, and the character itself
	 * as it is.
	 */
	if (code == 0xfffd) {
		to[0] = (char)0xff;
		return 1;
	}
	if (code < 0x80) {
		to[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		to[0] = (char)(0xc0 | code >> 6);
		to[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	to[0] = (char)(0xe0 | code >> 12);
	to[1] = (char)(0x80 | (code >> 6 & 0x3f));
	to[2] = (char)(0x80 | (code & 0x3f));
	return 3;
}

/* Of the letter behind a backslash. */
static char
meaning_of(char letter)
{
	switch (letter) {
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	default:
		return letter;
	}
}

/* Not longer than the string. A zero byte becomes another that no id has. */
static size_t
unescape(struct reprise_bytes string, char *to)
{
	const char *at = string.data;
	const char *const end = at + string.size;
	size_t bytes = 0;

	while (at < end) {
		if (*at != '\\' || end - at < 2) {
			to[bytes++] = *at++;
			continue;
		}
		if (at[1] == 'u' && end - at >= 6) {
			const char hex[5] = { at[2], at[3], at[4], at[5], '\0' };
			const unsigned long code = strtoul(hex, NULL, 16);

			bytes += write_utf8(code == 0 ? 1 : code, to + bytes);
			at += 6;
			continue;
		}
		to[bytes++] = meaning_of(at[1]);
		at += 2;
	}
	to[bytes] = '\0';
	return bytes;
}

reprise_status
fetched_look(struct reprise_bytes answer, uint64_t *ret_sequence, struct reprise_error *error)
{
	struct answer refusal;
	struct answer_message message;

	*ret_sequence = 0;
	if (answer_message(answer, &message)) {
		*ret_sequence = message.sequence;
		return REPRISE_OK;
	}
	answer_read(answer, &refusal);
	if (refusal.code == JSNoMessageFoundErr)
		return REPRISE_OK;
	return refusal.code != 0 ? failure_tell_refusal(&refusal, error)
				 : failure_tell_garbled("the answer has no message", error);
}

reprise_status
fetched_read(struct reprise_bytes answer, struct fetched *ret_fetched, struct reprise_error *error)
{
	struct answer_message message;

	*ret_fetched = (struct fetched){ 0 };
	if (!answer_message(answer, &message))
		return failure_tell_garbled("the answer has no message", error);
	char *const memory = malloc(message.subject.size + message.headers.size / 4 * 3 +
				    message.payload.size / 4 * 3 + 3);

	if (memory == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	char *const headers = memory + unescape(message.subject, memory) + 1;

	ret_fetched->memory = memory;
	ret_fetched->sequence = message.sequence;
	ret_fetched->time_ms = parse_time(message.time);
	ret_fetched->subject = memory;
	ret_fetched->headers.data = headers;
	if (decode64(message.headers, headers, &ret_fetched->headers.size)) {
		char *const payload = headers + ret_fetched->headers.size + 1;

		payload[-1] = '\0';
		ret_fetched->payload.data = payload;
		if (decode64(message.payload, payload, &ret_fetched->payload.size))
			return REPRISE_OK;
	}
	fetched_free(ret_fetched);
	return failure_tell_garbled("the message is not valid base64", error);
}

void
fetched_free(struct fetched *fetched)
{
	free(fetched->memory);
	*fetched = (struct fetched){ 0 };
}

/* Takes a line without its end, which is missing from the last one perhaps. */
static bool
take_line(struct reprise_bytes *rest, struct reprise_bytes *ret_line)
{
	const char *const begin = rest->data;
	const char *const end = rest->size == 0 ? NULL : memmem(begin, rest->size, "\r\n", 2);
	const size_t bytes = end == NULL ? rest->size : (size_t)(end - begin);
	const size_t taken = end == NULL ? bytes : bytes + 2;

	*ret_line = (struct reprise_bytes){ begin, bytes };
	*rest = (struct reprise_bytes){ begin + taken, rest->size - taken };
	return taken > 0;
}

static bool
is_space(char byte)
{
	return byte == ' ' || byte == '\t';
}

static bool
split_line(struct reprise_bytes line, struct reprise_bytes *ret_name,
	   struct reprise_bytes *ret_value)
{
	const char *const begin = line.data;
	const char *const colon = line.size == 0 ? NULL : memchr(begin, ':', line.size);
	const char *end = begin + line.size;

	if (colon == NULL || colon == begin || memchr(begin, '\0', line.size) != NULL)
		return false;
	for (const char *at = begin; at < colon; at++)
		if (*at <= ' ' || *at > '~')
			return false;
	const char *value = colon + 1;

	while (value < end && is_space(*value))
		value++;
	while (end > value && is_space(end[-1]))
		end--;
	if (memchr(value, '\n', (size_t)(end - value)) != NULL ||
	    memchr(value, '\r', (size_t)(end - value)) != NULL)
		return false;
	*ret_name = (struct reprise_bytes){ begin, (size_t)(colon - begin) };
	*ret_value = (struct reprise_bytes){ value, (size_t)(end - value) };
	return true;
}

bool
headers_next(struct reprise_bytes *rest, struct reprise_bytes *ret_name,
	     struct reprise_bytes *ret_value)
{
	struct reprise_bytes line;

	while (take_line(rest, &line))
		if (split_line(line, ret_name, ret_value))
			return true;
	return false;
}

bool
headers_are_whole(struct reprise_bytes block)
{
	struct reprise_bytes rest = block, line, name, value;

	if (!take_line(&rest, &line) || !bytes_are(line, begin_of_headers))
		return false;
	while (take_line(&rest, &line) && line.size > 0)
		if (!split_line(line, &name, &value))
			return false;
	return line.size == 0 && rest.size == 0;
}

void
headers_encode(struct reprise_bytes block, char *ret_text)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *const bytes = block.data;
	size_t at = 0;

	for (size_t i = 0; i < block.size; i += 3) {
		const size_t count = least(3, block.size - i);
		const uint32_t bits = (uint32_t)bytes[i] << 16 |
				      (count > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
				      (count > 2 ? bytes[i + 2] : 0);

		for (size_t j = 0; j < 4; j++)
			ret_text[at++] =
				(char)(j <= count ? digits[bits >> (18 - 6 * j) & 63] : '=');
	}
	ret_text[at] = '\0';
}

bool
fetched_header(const struct fetched *fetched, const char *name, struct reprise_bytes *ret_value)
{
	const size_t begin = sizeof(begin_of_headers) - 1;
	struct reprise_bytes rest = fetched->headers, found;

	if (rest.size < begin || memcmp(rest.data, begin_of_headers, begin) != 0)
		return false;
	while (headers_next(&rest, &found, ret_value))
		if (bytes_are(found, name))
			return true;
	return false;
}

uint64_t
fetched_number(const struct fetched *fetched, const char *name)
{
	struct reprise_bytes value;
	uint64_t number = 0;

	if (!fetched_header(fetched, name, &value) || value.size == 0)
		return 0;
	for (size_t i = 0; i < value.size; i++) {
		const char digit = ((const char *)value.data)[i];

		if (digit < '0' || digit > '9' || number > (UINT64_MAX - 9) / 10)
			return 0;
		number = number * 10 + (uint64_t)(digit - '0');
	}
	return number;
}

const char *
fetched_end(struct fetched *fetched, struct reprise_bytes value)
{
	char *const begin = fetched->memory + ((const char *)value.data - fetched->memory);

	begin[value.size] = '\0';
	return begin;
}
