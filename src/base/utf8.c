/* SPDX-License-Identifier: MIT */
#include "base/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline bool
is_within(unsigned char byte, unsigned char first, unsigned char last)
{
	return byte >= first && byte <= last;
}

/* The size of the well-formed character at @at (table 3-7 of the Unicode standard), or 0. */
static size_t
character_bytes(const unsigned char *at, size_t left)
{
	const unsigned char lead = at[0];
	unsigned char second_first = 0x80, second_last = 0xbf;
	size_t bytes = 0;

	if (lead < 0x80)
		return 1;
	if (is_within(lead, 0xc2, 0xdf))
		bytes = 2;
	else if (is_within(lead, 0xe0, 0xef))
		bytes = 3;
	else if (is_within(lead, 0xf0, 0xf4))
		bytes = 4;
	if (bytes == 0 || bytes > left)
		return 0;
	if (lead == 0xe0)
		second_first = 0xa0; /* overlong below */
	else if (lead == 0xed)
		second_last = 0x9f; /* surrogates above */
	else if (lead == 0xf0)
		second_first = 0x90; /* overlong below */
	else if (lead == 0xf4)
		second_last = 0x8f; /* beyond U+10FFFF */
	if (!is_within(at[1], second_first, second_last))
		return 0;
	for (size_t i = 2; i < bytes; i++)
		if (!is_within(at[i], 0x80, 0xbf))
			return 0;
	return bytes;
}

/* Whether eight bytes are plain ASCII without control characters, as most of most ids is. */
static bool
are_plain(const unsigned char *bytes)
{
	const uint64_t each = UINT64_C(0x0101010101010101), high = each << 7;
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	/*
	 * With the high bits clear, a byte plus 0x60 sets its own from 0x20 on, and plus 1 from
	 * 0x7f on, and never carries into the next.
	 */
	if ((word & high) != 0)
		return false;
	return ((word + each * 0x60) & high) == high && ((word + each) & high) == 0;
}

size_t
utf8_text_prefix(const void *data, size_t bytes)
{
	const unsigned char *const text = data;
	size_t at = 0;

	while (at < bytes) {
		if (bytes - at >= 8 && are_plain(text + at)) {
			at += 8;
			continue;
		}
		const size_t size = character_bytes(text + at, bytes - at);

		if (size == 0)
			break;
		if (size == 1 && (text[at] < 0x20 || text[at] == 0x7f))
			break;
		if (size == 2 && text[at] == 0xc2 && text[at + 1] <= 0x9f)
			break;
		at += size;
	}
	return at;
}

/* Of the control character that @text begins with; 0: it begins with none. */
static size_t
control_bytes(const unsigned char *text, size_t bytes)
{
	if (text[0] < 0x20 || text[0] == 0x7f)
		return 1;
	return bytes >= 2 && text[0] == 0xc2 && text[1] >= 0x80 && text[1] <= 0x9f ? 2 : 0;
}

/*
 * Text, control characters, text: a second caller of the functions above would have the compiler
 * keep them out of utf8_text_prefix, which each look-up of a session calls.
 */
bool
utf8_is_valid(const void *data, size_t bytes)
{
	const unsigned char *const text = data;
	size_t at = 0;

	while (at < bytes) {
		at += utf8_text_prefix(text + at, bytes - at);
		if (at == bytes)
			break;
		const size_t size = control_bytes(text + at, bytes - at);

		if (size == 0)
			return false;
		at += size;
	}
	return true;
}
