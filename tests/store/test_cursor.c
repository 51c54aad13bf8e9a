/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <stdio.h>

#include "base/crc32c.h"

SUITE(cursor);

static struct reprise_cursor
cursor_of(const char *id, uint64_t revision, reprise_position position)
{
	struct reprise_cursor cursor = { .revision = revision, .position = position };

	for (unsigned char i = 0; i < 16; i++)
		cursor.incarnation.bytes[i] = (unsigned char)(0xa0 + i);
	memcpy(cursor.session_id, id, strlen(id) + 1);
	return cursor;
}

/* The text around a right check, so that a test can be wrong in just one thing. */
static size_t
text_of(char *text, const char *head, const char *id)
{
	const uint32_t check = crc32c(crc32c(0, head, strlen(head)), id, strlen(id));

	return (size_t)sprintf(text, "%s%08x.%s", head, check, id);
}

#define HEAD "rp1.a0a1a2a3a4a5a6a7a8a9aaabacadaeaf."

static void
expect_round_trip(const struct reprise_cursor *cursor)
{
	char text[REPRISE_CURSOR_TEXT_BYTES_MAX], again[REPRISE_CURSOR_TEXT_BYTES_MAX];
	struct reprise_cursor parsed;
	size_t bytes = 0;

	cr_assert(eq(int, reprise_cursor_format(cursor, text, sizeof(text), &bytes, NULL),
		     REPRISE_OK));
	cr_assert(eq(sz, strlen(text), bytes));
	cr_assert(eq(int, reprise_cursor_parse(text, bytes, &parsed, NULL), REPRISE_OK));
	cr_assert(eq(int, memcmp(&parsed.incarnation, &cursor->incarnation, 16), 0));
	cr_assert(eq(u64, parsed.revision, cursor->revision));
	cr_assert(eq(u64, parsed.position, cursor->position));
	cr_assert(eq(str, parsed.session_id, (char *)cursor->session_id));
	cr_assert(eq(int, reprise_cursor_format(&parsed, again, sizeof(again), NULL, NULL),
		     REPRISE_OK));
	cr_assert(eq(str, again, text));
}

Test(cursor, A01_holds_every_value)
{
	char id[REPRISE_SESSION_ID_BYTES_MAX + 1] = { 0 };
	struct reprise_cursor cursor = cursor_of("s", 0, 0);

	expect_round_trip(&cursor);
	cursor = cursor_of("s", UINT64_MAX, UINT64_MAX);
	expect_round_trip(&cursor);
	memset(id, '~', REPRISE_SESSION_ID_BYTES_MAX);
	cursor = cursor_of(id, UINT64_MAX, UINT64_MAX);
	expect_round_trip(&cursor);
	cursor = cursor_of("caf\xc3\xa9 / \xf0\x9f\x98\x80 ._~", 1, 2);
	expect_round_trip(&cursor);
}

Test(cursor, A02_has_the_text_of_the_format)
{
	const struct reprise_cursor cursor = cursor_of("agent/7 \xc3\xa9", 12, 345);
	char text[REPRISE_CURSOR_TEXT_BYTES_MAX], expected[REPRISE_CURSOR_TEXT_BYTES_MAX];

	cr_assert(eq(int, reprise_cursor_format(&cursor, text, sizeof(text), NULL, NULL),
		     REPRISE_OK));
	text_of(expected, HEAD "12.345.", "agent~2F7~20~C3~A9");
	cr_assert(eq(str, text, expected));
	/* Fixed for ever: hosts hold texts. */
	cr_assert(eq(str, text, HEAD "12.345.5414b22e.agent~2F7~20~C3~A9"));
}

Test(cursor, A02_uses_only_safe_characters_and_fits)
{
	struct reprise_cursor cursor = cursor_of("", UINT64_MAX, UINT64_MAX);
	char text[REPRISE_CURSOR_TEXT_BYTES_MAX];
	size_t bytes = 0;

	memset(cursor.session_id, '/', REPRISE_SESSION_ID_BYTES_MAX);
	cr_assert(eq(int, reprise_cursor_format(&cursor, text, sizeof(text), &bytes, NULL),
		     REPRISE_OK));
	cr_assert(le(sz, bytes, 511));
	cr_assert(eq(sz,
		     strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				  "0123456789._~-"),
		     bytes));
}

/* Around each of the ranges that stand for themselves. */
Test(cursor, A02_every_ASCII_byte_is_itself_or_escaped)
{
	for (unsigned int byte = ' '; byte < 0x7f; byte++) {
		const char id[2] = { (char)byte, '\0' };
		const struct reprise_cursor cursor = cursor_of(id, 1, 2);
		const bool is_plain = (byte >= '0' && byte <= '9') ||
				      (byte >= 'A' && byte <= 'Z') ||
				      (byte >= 'a' && byte <= 'z') || byte == '-';
		char text[REPRISE_CURSOR_TEXT_BYTES_MAX], escaped[4];

		snprintf(escaped, sizeof(escaped), "~%02X", byte);
		expect_round_trip(&cursor);
		cr_assert(eq(int, reprise_cursor_format(&cursor, text, sizeof(text), NULL, NULL),
			     REPRISE_OK));
		cr_assert(eq(str, strrchr(text, '.') + 1, is_plain ? (char *)id : escaped),
			  "byte %u", byte);
	}
}

Test(cursor, A02_a_room_that_is_too_small_stays_as_it_is)
{
	const struct reprise_cursor cursor = cursor_of("s", 1, 2);
	char text[REPRISE_CURSOR_TEXT_BYTES_MAX];
	char small[REPRISE_CURSOR_TEXT_BYTES_MAX] = "untouched";
	size_t bytes = 0, unset = 77;

	cr_assert(eq(int, reprise_cursor_format(&cursor, text, sizeof(text), &bytes, NULL),
		     REPRISE_OK));
	cr_assert(eq(int, reprise_cursor_format(&cursor, small, bytes, &unset, NULL),
		     REPRISE_E_TOO_LARGE));
	cr_assert(eq(str, small, "untouched"));
	cr_assert(eq(sz, unset, 77));
	cr_assert(eq(int, reprise_cursor_format(&cursor, small, bytes + 1, &unset, NULL),
		     REPRISE_OK));
	cr_assert(eq(str, small, text));
}

struct malformed {
	const char *why;
	const char *head, *id;
};

/* Their checks are right: each is wrong in the one thing that it says. */
static const struct malformed malformed[] = {
	{ "prefix", "rp2.a0a1a2a3a4a5a6a7a8a9aaabacadaeaf.1.2.", "s" },
	{ "prefix in capitals", "RP1.a0a1a2a3a4a5a6a7a8a9aaabacadaeaf.1.2.", "s" },
	{ "short incarnation", "rp1.a0a1a2a3a4a5a6a7a8a9aaabacadae.1.2.", "s" },
	{ "long incarnation", "rp1.a0a1a2a3a4a5a6a7a8a9aaabacadaeaf00.1.2.", "s" },
	{ "capital incarnation", "rp1.A0a1a2a3a4a5a6a7a8a9aaabacadaeaf.1.2.", "s" },
	{ "missing part", HEAD "2.", "s" },
	{ "extra part", HEAD "1.2.3.", "s" },
	{ "extra part behind", HEAD "1.2.", "s.s" },
	{ "empty number", HEAD ".2.", "s" },
	{ "leading zero", HEAD "01.2.", "s" },
	{ "leading zeros", HEAD "00.2.", "s" },
	{ "plus", HEAD "+1.2.", "s" },
	{ "minus", HEAD "-1.2.", "s" },
	{ "overflow", HEAD "18446744073709551616.2.", "s" },
	{ "overflow in position", HEAD "1.99999999999999999999.", "s" },
	{ "overflow by length", HEAD "1.184467440737095516150.", "s" },
	{ "hex number", HEAD "0x1.2.", "s" },
	{ "space", HEAD "1. 2.", "s" },
	{ "empty id", HEAD "1.2.", "" },
	{ "space in id", HEAD "1.2.", "a b" },
	{ "non-ASCII id", HEAD "1.2.", "caf\xc3\xa9" },
	{ "lower-case escape", HEAD "1.2.", "a~2fb" },
	{ "needless escape", HEAD "1.2.", "~41" },
	{ "cut escape", HEAD "1.2.", "a~2" },
	{ "bare escape", HEAD "1.2.", "a~" },
	{ "no escape", HEAD "1.2.", "a~GG" },
	{ "NUL escaped", HEAD "1.2.", "a~00" },
	{ "control escaped", HEAD "1.2.", "a~0A" },
	{ "UTF-8 cut off", HEAD "1.2.", "a~C3" },
	{ "UTF-8 overlong", HEAD "1.2.", "~C0~AF" },
};

Test(cursor, A03_anything_else_is_malformed)
{
	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
		struct reprise_cursor cursor = cursor_of("untouched", 1, 2);
		struct reprise_error error = { .size = sizeof(error) };
		char text[1024];
		const size_t bytes = text_of(text, malformed[i].head, malformed[i].id);

		cr_assert(eq(int, reprise_cursor_parse(text, bytes, &cursor, &error),
			     REPRISE_E_MALFORMED_CURSOR),
			  "%s: %s", malformed[i].why, text);
		cr_assert(eq(str, cursor.session_id, "untouched"));
		cr_assert(eq(int, error.status, REPRISE_E_MALFORMED_CURSOR));
		cr_assert(le(u64, error.byte, bytes), "%s", malformed[i].why);
	}
}

Test(cursor, A03_says_the_first_byte_that_is_wrong)
{
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_cursor cursor;

	cr_assert(eq(int, reprise_cursor_parse("rx1.", 4, &cursor, &error),
		     REPRISE_E_MALFORMED_CURSOR));
	cr_assert(eq(u64, error.byte, 1));
	cr_assert(
		eq(int, reprise_cursor_parse("", 0, &cursor, &error), REPRISE_E_MALFORMED_CURSOR));
	cr_assert(eq(u64, error.byte, 0));
}

Test(cursor, A03_a_wrong_check_is_malformed)
{
	char text[1024];
	struct reprise_cursor cursor;
	const size_t bytes = text_of(text, HEAD "1.2.", "session");

	for (size_t i = 0; i < bytes; i++) {
		const char was = text[i];

		text[i] = was == '1' ? '2' : '1';
		cr_assert(eq(int, reprise_cursor_parse(text, bytes, &cursor, NULL),
			     REPRISE_E_MALFORMED_CURSOR),
			  "%s", text);
		text[i] = was;
	}
}

Test(cursor, A03_every_cut_is_malformed_and_never_read_beyond)
{
	char whole[1024];
	struct reprise_cursor cursor;
	const size_t bytes = text_of(whole, HEAD "1.2.", "a~2Fb");

	/* Room of just that size, so that AddressSanitizer sees a byte too many. */
	for (size_t cut = 0; cut < bytes; cut++) {
		char *const text = malloc(cut + (cut == 0));

		memcpy(text, whole, cut);
		cr_assert(eq(int, reprise_cursor_parse(text, cut, &cursor, NULL),
			     REPRISE_E_MALFORMED_CURSOR));
		free(text);
	}
}

Test(cursor, A03_an_over_long_text_is_malformed)
{
	char *const text = malloc(1 << 20);
	char id[REPRISE_CURSOR_TEXT_BYTES_MAX];
	struct reprise_cursor cursor;

	memset(text, 'a', 1 << 20);
	cr_assert(eq(int, reprise_cursor_parse(text, 1 << 20, &cursor, NULL),
		     REPRISE_E_MALFORMED_CURSOR));
	memset(id, 'a', sizeof(id));
	id[REPRISE_SESSION_ID_BYTES_MAX + 1] = '\0';
	cr_assert(eq(int, reprise_cursor_parse(text, text_of(text, HEAD "1.2.", id), &cursor, NULL),
		     REPRISE_E_MALFORMED_CURSOR));
	id[REPRISE_SESSION_ID_BYTES_MAX] = '\0';
	cr_assert(eq(int, reprise_cursor_parse(text, text_of(text, HEAD "1.2.", id), &cursor, NULL),
		     REPRISE_OK));
	free(text);
}

Test(cursor, A03_a_NUL_anywhere_is_malformed)
{
	char text[1024];
	struct reprise_cursor cursor;
	const size_t bytes = text_of(text, HEAD "1.2.", "session");

	cr_assert(eq(int, reprise_cursor_parse(text, bytes + 1, &cursor, NULL),
		     REPRISE_E_MALFORMED_CURSOR));
	for (size_t i = 0; i < bytes; i++) {
		const char was = text[i];

		text[i] = '\0';
		cr_assert(eq(int, reprise_cursor_parse(text, bytes, &cursor, NULL),
			     REPRISE_E_MALFORMED_CURSOR));
		text[i] = was;
	}
}

Test(cursor, A04_belongs_to_one_session_and_says_both)
{
	const struct reprise_cursor cursor = cursor_of("mine", 1, 2);
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int, reprise_cursor_check_session(&cursor, "mine", &error), REPRISE_OK));
	cr_assert(eq(int, reprise_cursor_check_session(&cursor, "yours", &error),
		     REPRISE_E_WRONG_SESSION));
	cr_assert(eq(int, error.status, REPRISE_E_WRONG_SESSION));
	cr_assert(eq(str, error.expected_id, "yours"));
	cr_assert(eq(str, error.actual_id, "mine"));
}

Test(cursor, a_cursor_whose_id_never_ends_is_refused)
{
	struct reprise_cursor cursor = cursor_of("s", 1, 2);
	char text[REPRISE_CURSOR_TEXT_BYTES_MAX];

	memset(cursor.session_id, 'a', sizeof(cursor.session_id));
	cr_assert(eq(int, reprise_cursor_format(&cursor, text, sizeof(text), NULL, NULL),
		     REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_cursor_check_session(&cursor, "s", NULL), REPRISE_E_INVALID));
}

Test(cursor, an_id_that_is_none_is_refused)
{
	struct reprise_cursor cursor = cursor_of("s", 1, 2);
	struct reprise_error error = { .size = sizeof(error) };
	char text[REPRISE_CURSOR_TEXT_BYTES_MAX], id[REPRISE_SESSION_ID_BYTES_MAX + 2] = { 0 };

	memset(id, 'a', REPRISE_SESSION_ID_BYTES_MAX + 1);
	cr_assert(eq(int, reprise_cursor_check_session(&cursor, id, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "session_id"));
	id[REPRISE_SESSION_ID_BYTES_MAX] = '\0';
	cr_assert(eq(int, reprise_cursor_check_session(&cursor, id, &error),
		     REPRISE_E_WRONG_SESSION));
	cr_assert(
		eq(int, reprise_cursor_check_session(&cursor, "a\xff", &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "session_id"));
	cursor = cursor_of("a\xff", 1, 2);
	cr_assert(eq(int, reprise_cursor_format(&cursor, text, sizeof(text), NULL, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_cursor_check_session(&cursor, "a", &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "cursor: session_id"));
}

Test(cursor, refuses_what_is_NULL)
{
	struct reprise_cursor cursor = cursor_of("s", 1, 2);
	struct reprise_error error = { .size = sizeof(error) };
	char text[REPRISE_CURSOR_TEXT_BYTES_MAX];

	cr_assert(eq(int, reprise_cursor_parse(NULL, 3, &cursor, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "text"));
	cr_assert(eq(int, reprise_cursor_parse("x", 1, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_cursor_format(NULL, text, 512, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_cursor_format(&cursor, NULL, 512, NULL, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_cursor_check_session(NULL, "s", &error), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_cursor_check_session(&cursor, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_cursor_check_session(&cursor, "", &error), REPRISE_E_INVALID));
}
