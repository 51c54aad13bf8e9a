/* SPDX-License-Identifier: MIT */
#include "tool/log_text.h"

#include <inttypes.h>
#include <time.h>

/* No bytes may be at NULL, to which nothing may be added. */
static const unsigned char *
begin_of(const void *text)
{
	return text != NULL ? text : (const void *)"";
}

/* The size of the character that begins with @lead; 0: no character does. */
static size_t
character_bytes(unsigned char lead)
{
	if (lead < 0x80)
		return 1;
	if (lead < 0xc0)
		return 0;
	if (lead < 0xe0)
		return 2;
	if (lead < 0xf0)
		return 3;
	return lead < 0xf8 ? 4 : 0;
}

/*
 * Decodes the first character of @text, and returns its size, or 0 if the bytes are not UTF-8.
 * Shortest forms alone, and no surrogates.
 */
static size_t
character(const unsigned char *text, size_t bytes, uint32_t *ret_character)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char lead = text[0];
	const size_t size = character_bytes(lead);

	if (size == 0 || size > bytes)
		return 0;
	uint32_t found = size == 1 ? lead : lead & (0x7fU >> size);

	for (size_t i = 1; i < size; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		found = found << 6 | (text[i] & 0x3fU);
	}
	if (found < least[size] || found > 0x10ffff || (found >= 0xd800 && found < 0xe000))
		return 0;
	*ret_character = found;
	return size;
}

/*
 * Control characters, and characters that change the direction of writing or end a line (T01).
 */
static bool
is_control(uint32_t found)
{
	return found < 0x20 || (found >= 0x7f && found < 0xa0) || found == 0x2028 ||
	       found == 0x2029 || (found >= 0x202a && found <= 0x202e) ||
	       (found >= 0x2066 && found <= 0x2069);
}

void
log_text_escaped(FILE *to, const void *text, size_t bytes, size_t characters_max)
{
	const unsigned char *at = begin_of(text);
	const unsigned char *const end = at + bytes;

	for (size_t count = 0; at < end; count++) {
		uint32_t found = 0;
		const size_t size = character(at, (size_t)(end - at), &found);

		if (count == characters_max) {
			fputs("...", to);
			return;
		}
		if (size == 0)
			fprintf(to, "\\x%02x", at[0]);
		else if (found == '\n')
			fputs("\\n", to);
		else if (found == '\t')
			fputs("\\t", to);
		else if (found == '\\')
			fputs("\\\\", to);
		else if (is_control(found))
			fprintf(to, "\\u%04" PRIx32, found);
		else
			fwrite(at, 1, size, to);
		at += size != 0 ? size : 1;
	}
}

bool
log_text_is_utf8(const void *text, size_t bytes)
{
	const unsigned char *at = begin_of(text);
	const unsigned char *const end = at + bytes;

	while (at < end) {
		uint32_t found;
		const size_t size = character(at, (size_t)(end - at), &found);

		if (size == 0)
			return false;
		at += size;
	}
	return true;
}

void
log_text_json_as_is(FILE *to, const void *json, size_t bytes)
{
	const unsigned char *at = begin_of(json);
	const unsigned char *const end = at + bytes;

	while (at < end) {
		uint32_t found = 0;
		const size_t size = character(at, (size_t)(end - at), &found);

		if (size != 0 && is_control(found))
			fprintf(to, "\\u%04" PRIx32, found);
		else
			fwrite(at, 1, size != 0 ? size : 1, to);
		at += size != 0 ? size : 1;
	}
}

void
log_text_json(FILE *to, const void *text, size_t bytes)
{
	const unsigned char *at = begin_of(text);
	const unsigned char *const end = at + bytes;

	fputc('"', to);
	while (at < end) {
		uint32_t found = 0;
		const size_t size = character(at, (size_t)(end - at), &found);

		if (found == '"' || found == '\\')
			fprintf(to, "\\%c", (int)found);
		else if (is_control(found))
			fprintf(to, "\\u%04" PRIx32, found);
		else
			fwrite(at, 1, size, to);
		at += size != 0 ? size : 1;
	}
	fputc('"', to);
}

void
log_text_member(FILE *to, const char *name, uint64_t number)
{
	/* Up to 2^53 - 1 each whole number has a double of its own: T03 in CONTRACT.md. */
	const char *const quote = number < UINT64_C(1) << 53 ? "" : "\"";

	fprintf(to, ",\"%s\":%s%" PRIu64 "%s", name, quote, number, quote);
}

void
log_text_base64(FILE *to, const void *data, size_t bytes)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *const from = data;

	for (size_t i = 0; i < bytes; i += 3) {
		const size_t left = bytes - i;
		const uint32_t group = (uint32_t)from[i] << 16 |
				       (left > 1 ? (uint32_t)from[i + 1] << 8 : 0) |
				       (left > 2 ? from[i + 2] : 0);

		fputc(digits[group >> 18], to);
		fputc(digits[group >> 12 & 63], to);
		fputc(left > 1 ? digits[group >> 6 & 63] : '=', to);
		fputc(left > 2 ? digits[group & 63] : '=', to);
	}
}

void
log_text_incarnation(FILE *to, const struct reprise_incarnation *incarnation)
{
	for (size_t i = 0; i < sizeof(incarnation->bytes); i++)
		fprintf(to, "%02x", incarnation->bytes[i]);
}

void
log_text_time(char *ret_text, size_t room, uint64_t time_ns, char between, unsigned int digits)
{
	const time_t seconds = (time_t)(time_ns / 1000000000u);
	uint64_t fraction = time_ns % 1000000000u;
	struct tm parts = { 0 };

	for (unsigned int i = digits; i < 9; i++)
		fraction /= 10;
	gmtime_r(&seconds, &parts);
	snprintf(ret_text, room, "%04d-%02d-%02d%c%02d:%02d:%02d.%0*" PRIu64, parts.tm_year + 1900,
		 parts.tm_mon + 1, parts.tm_mday, between, parts.tm_hour, parts.tm_min,
		 parts.tm_sec, (int)digits, fraction);
}
