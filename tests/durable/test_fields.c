/* SPDX-License-Identifier: MIT */
/* V60: the texts of the Durable Streams protocol, each exactly of its form or refused. */
#include <stdio.h>

#include "durable/fields.h"
#include "support.h"

SUITE(durable_fields);

/* The function reads as far as the size says: the byte behind is a digit. */
static char *
exact(const char *text)
{
	static char bytes[512];

	snprintf(bytes, sizeof(bytes), "%s7", text);
	return bytes;
}

static bool
is_offset(const char *text, enum durable_start *ret_start, reprise_position *ret_position)
{
	return durable_offset_parse(exact(text), strlen(text), ret_start, ret_position);
}

static void
expect_offset(const char *text, enum durable_start start, reprise_position position)
{
	enum durable_start got_start = DURABLE_START_NOW;
	reprise_position got_position = 99;

	cr_assert(is_offset(text, &got_start, &got_position), "%s", text);
	cr_assert(eq(int, (int)got_start, (int)start), "%s", text);
	cr_assert(eq(u64, got_position, position), "%s", text);
}

Test(durable_fields, V60_an_offset_is_a_position_in_sixteen_digits)
{
	char text[DURABLE_OFFSET_BYTES];

	durable_offset_format(0, text);
	cr_assert(eq(str, text, "0000000000000000_0000000000000000"));
	expect_offset(text, DURABLE_START_OLDEST, 0);
	for (reprise_position position = 1; position <= DURABLE_POSITION_MAX; position *= 7) {
		durable_offset_format(position, text);
		expect_offset(text, DURABLE_START_AFTER, position);
	}
	durable_offset_format(1234567890, text);
	cr_assert(eq(str, text, "0000000000000000_0000001234567890"));
	durable_offset_format(DURABLE_POSITION_MAX, text);
	cr_assert(eq(str, text, "0000000000000000_9999999999999998"));
	expect_offset(text, DURABLE_START_AFTER, DURABLE_POSITION_MAX);
	durable_offset_format(UINT64_MAX, text);
	cr_assert(eq(str, text, "0000000000000000_9999999999999998"));
	expect_offset("-1", DURABLE_START_OLDEST, 0);
	expect_offset("now", DURABLE_START_NOW, 0);
}

Test(durable_fields, V60_what_is_no_offset_is_refused)
{
	static const char *const bad[] = {
		"",
		"-",
		"-2",
		"-1 ",
		" -1",
		"-11",
		"--1",
		"0",
		"1",
		"n",
		"no",
		"Now",
		"NOW",
		"now ",
		"now\n",
		"0,1",
		"0 1",
		"0_0",
		"00000000000000000000000000000001",
		"0000000000000000_000000000000001",
		"0000000000000000_00000000000000001",
		"000000000000000_0000000000000001",
		"00000000000000000_0000000000000001",
		"00000000000000000_000000000000001",
		"000000000000000_00000000000000001",
		"0000000000000001_0000000000000001",
		"9999999999999999_0000000000000001",
		"0000000000000000_9999999999999999",
		"9999999999999999_9999999999999999",
		"0000000000000000-0000000000000001",
		"0000000000000000,0000000000000001",
		"0000000000000000_000000000000000a",
		"0000000000000000_ 000000000000001",
		"0000000000000000_+000000000000001",
		"0000000000000000_-000000000000001",
		"-000000000000000_0000000000000001",
		"0000000000000000_0000000000000001\n",
		"0000000000000000_0000000000000001,0",
		"../0000000000000000_000000000000001",
		"0000000000000000_000000000000000/",
		"0000000000000000_00000000000000\xef\xbc",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		enum durable_start start = DURABLE_START_NOW;
		reprise_position position = 99;

		cr_assert(not(is_offset(bad[i], &start, &position)), "%s", bad[i]);
		cr_assert(eq(int, (int)start, DURABLE_START_NOW), "%s", bad[i]);
		cr_assert(eq(u64, position, 99), "%s", bad[i]);
	}
	/* A NUL is a byte of the text. */
	cr_assert(not(durable_offset_parse("now", 4, &(enum durable_start){ 0 },
					   &(reprise_position){ 0 })));
	cr_assert(not(durable_offset_parse("0000000000000000_000000000000001", 33,
					   &(enum durable_start){ 0 }, &(reprise_position){ 0 })));
}

/* A number, or UINT64_MAX - 1: refused. */
static const uint64_t refused = UINT64_MAX - 1;

static uint64_t
ttl_of(const char *text)
{
	uint64_t seconds = refused;

	if (!durable_ttl_parse(exact(text), strlen(text), &seconds))
		cr_assert(eq(u64, seconds, refused));
	return seconds;
}

Test(durable_fields, V60_a_ttl_is_a_plain_decimal_number)
{
	static const char *const bad[] = { "",    "00",  "01",  "007",  "+1",    "-1",
					   "-0",  "1.0", "1.5", "1e3",  "3.6e3", "0x10",
					   " 1",  "1 ",  "1\t", "1,",   "1_000", "abc",
					   "one", "1a",  "\n1", "1\r\n" };

	cr_assert(eq(u64, ttl_of("0"), 0));
	cr_assert(eq(u64, ttl_of("1"), 1));
	cr_assert(eq(u64, ttl_of("3600"), 3600));
	cr_assert(eq(u64, ttl_of("18446744073709551613"), UINT64_MAX - 2));
	cr_assert(eq(u64, ttl_of("18446744073709551615"), UINT64_MAX));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert(eq(u64, ttl_of(bad[i]), refused), "%s", bad[i]);
	cr_assert(not(durable_ttl_parse("1", 2, &(uint64_t){ 0 })));
}

Test(durable_fields, V60_a_ttl_beyond_64_bits_is_refused)
{
	cr_assert(eq(u64, ttl_of("18446744073709551616"), refused));
	cr_assert(eq(u64, ttl_of("18446744073709551620"), refused));
	cr_assert(eq(u64, ttl_of("36893488147419103232"), refused), "twice 2^64 is no 0");
	cr_assert(eq(u64, ttl_of("99999999999999999999"), refused));
	cr_assert(eq(u64, ttl_of("184467440737095516150"), refused));
}

static uint64_t
number_of(const char *text)
{
	uint64_t number = refused;

	if (!durable_number_parse(exact(text), strlen(text), &number))
		cr_assert(eq(u64, number, refused));
	return number;
}

Test(durable_fields, V60_a_number_is_at_most_2_to_the_53_less_1)
{
	static const char *const bad[] = { "",   "-1", "+1",  "1abc", "0xyz", "1e3",
					   "1 ", " 1", "1.0", "0x1",  "abc",  "\xd9\xa1" };

	cr_assert(eq(u64, number_of("0"), 0));
	cr_assert(eq(u64, number_of("1"), 1));
	cr_assert(eq(u64, number_of("007"), 7), "digits alone, as in the reference");
	cr_assert(eq(u64, number_of("9007199254740991"), DURABLE_NUMBER_MAX));
	cr_assert(eq(u64, number_of("9007199254740992"), refused));
	cr_assert(eq(u64, number_of("18446744073709551617"), refused));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert(eq(u64, number_of(bad[i]), refused), "%s", bad[i]);
}

static void
expect_type(const char *text, const char *type)
{
	char got[DURABLE_TYPE_BYTES_MAX + 1] = "?";

	cr_assert(durable_type_parse(exact(text), strlen(text), got), "%s", text);
	cr_assert(eq(str, got, (char *)type), "%s", text);
}

Test(durable_fields, V60_types_are_compared_without_case_and_parameters)
{
	expect_type("text/plain", "text/plain");
	expect_type("TEXT/Plain", "text/plain");
	expect_type("text/plain;charset=utf-8", "text/plain");
	expect_type("text/plain; charset=UTF-8", "text/plain");
	expect_type("text/plain \t;\tcharset=\"a;b\\\"\tc\"  ", "text/plain");
	expect_type("text/plain;", "text/plain");
	expect_type("text/plain; ;a=b;", "text/plain");
	expect_type("text/plain ", "text/plain");
	expect_type("application/vnd.api+json; a=1; b=2", "application/vnd.api+json");
	expect_type("a/b", "a/b");
	expect_type("!#$%&'*+-.^_`|~09azAZ/x;!#$%&'*+-.^_`|~=!#$%&'*+-.^_`|~",
		    "!#$%&'*+-.^_`|~09azaz/x");
}

Test(durable_fields, V60_what_is_no_media_type_is_refused)
{
	static const char *const bad[] = {
		"",
		" ",
		"text",
		"text/",
		"/plain",
		"/",
		" text/plain",
		"text /plain",
		"text/ plain",
		"text/plain/x",
		"text/plain x",
		"text/plain,text/html",
		"text/plain;a=",
		"text/plain;a= b",
		"text/plain;a =b",
		"text/plain;=b",
		"text/plain;a=\"b",
		"text/plain;a=\"b\\",
		"text/plain;a=\"b\\\"",
		"text/plain;a=\"b\"c",
		"text/plain;a=\"\x01\"",
		"text/plain;a=\"\x7f\"",
		"text/plain;a=\"\xc3\xa9\"",
		"text/pl\xc3\xa9in",
		"text/plain\r\nSet-Cookie: a=b",
		"text/plain;a=b\n",
		"te(xt/plain",
		"text/pl[ain",
		"text/pl@ain",
	};
	char type[DURABLE_TYPE_BYTES_MAX + 1] = "?";

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_assert(not(durable_type_parse(exact(bad[i]), strlen(bad[i]), type)), "%s",
			  bad[i]);
		cr_assert(eq(str, type, "?"), "%s", bad[i]);
	}
	cr_assert(not(durable_type_parse("a/b", 4, type)), "NUL");
	cr_assert(not(durable_type_parse("a/b;c=\"\0\"", 9, type)), "NUL in quotes");
}

Test(durable_fields, V60_a_type_has_at_most_127_bytes)
{
	char text[DURABLE_TYPE_BYTES_MAX + 2], type[DURABLE_TYPE_BYTES_MAX + 1];

	memset(text, 'x', sizeof(text));
	text[3] = '/';
	cr_assert(durable_type_parse(text, DURABLE_TYPE_BYTES_MAX, type));
	cr_assert(eq(sz, strlen(type), DURABLE_TYPE_BYTES_MAX));
	cr_assert(not(durable_type_parse(text, DURABLE_TYPE_BYTES_MAX + 1, type)));
	text[10] = ';';
	cr_assert(durable_type_parse(text, DURABLE_TYPE_BYTES_MAX, type) == false, "no value");
	text[12] = '=';
	cr_assert(durable_type_parse(text, DURABLE_TYPE_BYTES_MAX, type));
	cr_assert(not(durable_type_parse(text, DURABLE_TYPE_BYTES_MAX + 1, type)));
}

Test(durable_fields, V60_JSON_is_application_json_alone)
{
	cr_assert(durable_type_is_json("application/json"));
	cr_assert(not(durable_type_is_json("application/json-seq")));
	cr_assert(not(durable_type_is_json("application/jso")));
	cr_assert(not(durable_type_is_json("application/ld+json")));
	cr_assert(not(durable_type_is_json("text/json")));
}

Test(durable_fields, V60_text_and_JSON_go_into_SSE_as_they_are)
{
	cr_assert(durable_type_is_text("text/plain"));
	cr_assert(durable_type_is_text("text/x"));
	cr_assert(durable_type_is_text("application/json"));
	cr_assert(not(durable_type_is_text("application/octet-stream")));
	cr_assert(not(durable_type_is_text("application/ndjson")));
	cr_assert(not(durable_type_is_text("image/png")));
	cr_assert(not(durable_type_is_text("texts/plain")));
	cr_assert(not(durable_type_is_text("text")));
}

enum {
	BEGIN_S = 1728432000, /* 2024-10-09 */
};

Test(durable_fields, V60_a_cursor_is_the_number_of_20_seconds)
{
	cr_assert(eq(u64, durable_cursor(0, NULL, 0), 0));
	cr_assert(eq(u64, durable_cursor(BEGIN_S - 1, NULL, 0), 0));
	cr_assert(eq(u64, durable_cursor(BEGIN_S + 19, NULL, 7), 0));
	cr_assert(eq(u64, durable_cursor(BEGIN_S + 20, NULL, 7), 1));
	cr_assert(eq(u64, durable_cursor(BEGIN_S + 2000, NULL, 7), 100));
	cr_assert(eq(u64, durable_cursor(BEGIN_S + 2019, "99", 7), 100), "the client is behind");
}

Test(durable_fields, V60_a_client_never_gets_its_cursor_again)
{
	static const char *const malformed[] = { "",
						 "abc",
						 "100x",
						 "+100",
						 "-1",
						 " 100",
						 "1e9",
						 "18446744073709551615",
						 "99999999999999999999" };
	const uint64_t now = BEGIN_S + 2000;

	for (uint64_t random = 0; random < 1000; random++) {
		const uint64_t same = durable_cursor(now, "100", random);
		const uint64_t ahead = durable_cursor(now, "5000", random * 0x9e3779b97f4a7c15);

		cr_assert(lt(u64, 100, same));
		cr_assert(le(u64, same, 100 + 180));
		cr_assert(lt(u64, 5000, ahead));
		cr_assert(le(u64, ahead, 5000 + 180));
	}
	cr_assert(ne(u64, durable_cursor(now, "100", 0), durable_cursor(now, "100", 1)));
	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
		cr_assert(eq(u64, durable_cursor(now, malformed[i], 3), 100), "%s", malformed[i]);
}
