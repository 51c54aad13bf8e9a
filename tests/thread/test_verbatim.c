/* SPDX-License-Identifier: MIT */
/* B04 numbers are kept as they were written, and JSON has one canonical form. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <reprise/thread.h>

#include "chance.h"
#include "support.h"
#include "thread/json.h"
#include "thread/verbatim.h"

SUITE(verbatim);

static struct reprise_bytes
bytes_of(const char *text)
{
	return (struct reprise_bytes){ text, strlen(text) };
}

/* The object of that text in canonical form. */
static void
expect_canonical(const char *text, const char *canonical)
{
	struct reprise_error error = { .size = sizeof(error) };
	struct buffer printed = { 0 };
	json_t *tree = NULL;

	cr_assert(eq(int, json_read(bytes_of(text), "text", &tree, &error), REPRISE_OK), "%s: %s",
		  text, error.detail);
	cr_assert(eq(int, json_write(tree, "text", &printed, &error), REPRISE_OK));
	cr_assert(eq(sz, printed.size, strlen(canonical)), "%.*s", (int)printed.size, printed.data);
	cr_assert(eq(int, memcmp(printed.data, canonical, printed.size), 0), "%.*s is not %s",
		  (int)printed.size, printed.data, canonical);
	buffer_free(&printed);
	json_decref(tree);
}

static void
expect_refused(const char *text, const char *detail)
{
	struct reprise_error error = { .size = sizeof(error) };
	json_t *tree = NULL;

	cr_assert(eq(int, json_read(bytes_of(text), "text", &tree, &error), REPRISE_E_INVALID),
		  "%s", text);
	cr_assert(eq(str, error.what, (char *)"text"));
	cr_assert(eq(str, error.detail, (char *)detail), "of %s", text);
}

Test(verbatim, B04_numbers_are_kept_as_they_were_written)
{
	static const char *const numbers[] = {
		"0",
		"-0",
		"1",
		"-1",
		"999999999999999999",
		"-999999999999999999",
		"1.0",
		"1.50",
		"1e5",
		"1E+05",
		"1e-400",
		"1e999",
		"0.1",
		"-0.0",
		"0e0",
		"1000000000000000000",
		"9223372036854775807",
		"9223372036854775808",
		"-9223372036854775809",
		"18446744073709551616",
		"123456789012345678901234567890.12345678901234567890e-123456789",
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		char text[256], canonical[256];

		snprintf(text, sizeof(text), " { \"a\" : [ %s, %s ] }", numbers[i], numbers[i]);
		snprintf(canonical, sizeof(canonical), "{\"a\":[%s,%s]}", numbers[i], numbers[i]);
		expect_canonical(text, canonical);
	}
	expect_no_leaks();
}

Test(verbatim, B04_strings_that_look_like_a_wrapped_number_stay_strings)
{
	expect_canonical("{\"\\u0001n1.5\": \"\\u0001n1.5\", \"a\": \"\\u0001\", \"b\": 1.5}",
			 "{\"\\u0001n1.5\":\"\\u0001n1.5\",\"a\":\"\\u0001\",\"b\":1.5}");
	expect_canonical("{\"a\":\"\\u0001s\\u0001n2\",\"b\":\"x\\\"\\u0001n3\"}",
			 "{\"a\":\"\\u0001s\\u0001n2\",\"b\":\"x\\\"\\u0001n3\"}");
	expect_canonical("{\"a\":\"\\\\\",\"b\":\"\\\"\\u0001s\",\"c\":\"\\\"\"}",
			 "{\"a\":\"\\\\\",\"b\":\"\\\"\\u0001s\",\"c\":\"\\\"\"}");
	expect_canonical("{\"a\":\"1.50\",\"b\":\"\\u0000\"}",
			 "{\"a\":\"1.50\",\"b\":\"\\u0000\"}");
	expect_no_leaks();
}

Test(verbatim, B04_what_is_no_JSON_is_refused_with_its_place_in_the_callers_text)
{
	expect_refused("{\"a\": 1.50, \"b\": 1.5.0}", "line 1, column 22: '}' expected");
	expect_refused("{\n\"a\": [1.50, 2.50,\n  x]}", "line 3, column 4: invalid token");
	expect_refused("{\"\\u0001\": \"\\u0001\",\n\"a\": 01}", "line 2, column 7: invalid token");
	expect_refused("{1.5: 2}", "line 1, column 5: string or '}' expected");
	expect_refused("{\"a\": 1.5, \"a\": 2}", "line 1, column 15: duplicate object key");
	expect_refused("{\"a\": \"\xff\"}", "line 1, column 8: unable to decode byte 0xff");
	expect_refused("{\"a\\u0000\": 1}",
		       "line 1, column 11: NUL byte in object key not supported");
	expect_refused("{\"a\": -}", "line 1, column 8: invalid token");
	expect_refused("[1.5]", "must be an object");
	expect_refused("{} 1.5", "line 1, column 7: end of file expected");
	expect_refused("", "line 1, column 1: '[' or '{' expected");
	expect_refused("{\"a\": 1.50", "line 1, column 11: '}' expected");
	expect_refused("\"", "line 1, column 2: premature end of input");
	expect_refused("{\"a\": \"\\", "line 1, column 9: invalid escape");
	expect_no_leaks();
}

/* Arrays inside the object's member, @depth of them. */
static char *
nested(size_t depth)
{
	char *const text = malloc(2 * depth + 16);
	size_t at = (size_t)sprintf(text, "{\"a\":");

	memset(text + at, '[', depth);
	memset(text + at + depth, ']', depth);
	memcpy(text + at + 2 * depth, "}", 2);
	return text;
}

Test(verbatim, B04_arrays_and_objects_inside_each_other_have_a_limit)
{
	char *const most = nested(REPRISE_THREAD_DEPTH_MAX - 1);
	char *const more = nested(REPRISE_THREAD_DEPTH_MAX);
	char *const far_more = nested(1000000);

	expect_canonical(most, most);
	expect_refused(more, "arrays and objects are nested too deep");
	expect_refused(far_more, "arrays and objects are nested too deep");
	free(most);
	free(more);
	free(far_more);
	expect_no_leaks();
}

/* A random value: as it is given, with spaces and members in any order, and in canonical form. */
struct texts {
	struct buffer given, canonical;
};

static void
add(struct buffer *buffer, const char *text)
{
	cr_assert(buffer_add(buffer, text, strlen(text)));
}

static void
add_both(struct texts *texts, const char *text)
{
	add(&texts->given, text);
	add(&texts->canonical, text);
}

static void
add_space(struct texts *texts)
{
	static const char *const spaces[] = { "", "", "", " ", "\n", "\t", "\r\n  " };

	add(&texts->given, spaces[chance(7)]);
}

static void
add_number(struct texts *texts)
{
	char number[64];
	size_t at = 0;
	const unsigned int digits = chance(4) == 0 ? 1 + chance(25) : 1 + chance(3);

	if (chance(3) == 0)
		number[at++] = '-';
	if (chance(5) == 0)
		number[at++] = '0';
	else
		for (unsigned int i = 0; i < digits; i++)
			number[at++] = (char)((i == 0 ? '1' : '0') + chance(9));
	if (chance(3) == 0)
		at += (size_t)sprintf(number + at, ".%0*d", 1 + chance(9), chance(10));
	if (chance(3) == 0)
		at += (size_t)sprintf(
			number + at, "%c%s%d", "eE" [chance(2)],
			(const char *[]) { "", "+", "-" }[chance(3)], chance(1000));
	number[at] = '\0';
	add_both(texts, number);
}

/*
 * Each in two spellings: one that a host may use, and the canonical one; in the order
 * of their bytes.
 */
static const char *const strings[][2] = {
	{ "", "" },
	{ "\\u0001", "\\u0001" },
	{ "\\u0001n1.5", "\\u0001n1.5" },
	{ "\\u0001\\u006e2", "\\u0001n2" },
	{ "\\u0001s", "\\u0001s" },
	{ "\\u0001s\\u0001n3", "\\u0001s\\u0001n3" },
	{ "\\n\\t", "\\n\\t" },
	{ "\\\"\\u0001n4", "\\\"\\u0001n4" },
	{ "1.50", "1.50" },
	{ "\\u0031\\/5", "1/5" },
	{ "\\\\", "\\\\" },
	{ "a\\\"", "a\\\"" },
	{ "id", "id" },
	{ "z,:[]{}", "z,:[]{}" },
	{ "\\u00e9", "\xc3\xa9" },
	{ "\\ud83d\\ude00", "\xf0\x9f\x98\x80" },
};
enum {
	STRINGS = sizeof(strings) / sizeof(strings[0]),
};

static void
add_string(struct texts *texts, size_t which)
{
	add_both(texts, "\"");
	add(&texts->given, strings[which][chance(2)]);
	add(&texts->canonical, strings[which][1]);
	add_both(texts, "\"");
}

/* NOLINTBEGIN(misc-no-recursion): a value may be inside another one, up to a depth */
static void add_value(struct texts *texts, int depth);

static void
append(struct texts *texts, struct texts *part, bool is_given)
{
	struct buffer *const to = is_given ? &texts->given : &texts->canonical;
	struct buffer *const from = is_given ? &part->given : &part->canonical;

	if (to->size == 0 || to->data[to->size - 1] != '{')
		add(to, ",");
	cr_assert(buffer_add(to, from->data, from->size));
}

static void
add_object(struct texts *texts, int depth)
{
	struct texts parts[STRINGS] = { 0 };
	size_t order[STRINGS], count = 0;

	for (size_t i = 0; i < STRINGS; i++) {
		if (chance(5) != 0)
			continue;
		add_space(&parts[count]);
		add_string(&parts[count], i);
		add_space(&parts[count]);
		add_both(&parts[count], ":");
		add_value(&parts[count], depth + 1);
		order[count] = count;
		count++;
	}
	for (size_t i = 1; i < count; i++) {
		const size_t other = chance((unsigned int)i + 1), kept = order[i];

		order[i] = order[other];
		order[other] = kept;
	}
	add_both(texts, "{");
	for (size_t i = 0; i < count; i++) {
		append(texts, &parts[order[i]], true);
		append(texts, &parts[i], false);
	}
	for (size_t i = 0; i < count; i++) {
		buffer_free(&parts[i].given);
		buffer_free(&parts[i].canonical);
	}
	add_both(texts, "}");
}

static void
add_array(struct texts *texts, int depth)
{
	const unsigned int count = chance(5);

	add_both(texts, "[");
	for (unsigned int i = 0; i < count; i++) {
		if (i != 0)
			add_both(texts, ",");
		add_value(texts, depth + 1);
	}
	add_both(texts, "]");
}

static void
add_value(struct texts *texts, int depth)
{
	add_space(texts);
	switch (depth > 5 ? chance(6) : chance(10)) {
	case 0:
		add_both(texts, (const char *[]){ "true", "false", "null" }[chance(3)]);
		break;
	case 1:
	case 2:
		add_string(texts, chance(STRINGS));
		break;
	case 6:
	case 7:
		add_object(texts, depth);
		break;
	case 8:
	case 9:
		add_array(texts, depth);
		break;
	default:
		add_number(texts);
		break;
	}
	add_space(texts);
}

/* NOLINTEND(misc-no-recursion) */

Test(verbatim, B04_any_text_comes_out_in_its_canonical_form)
{
	for (unsigned int seed = 1; seed <= 20000; seed++) {
		struct texts texts = { 0 };

		chance_begin(seed);
		add_object(&texts, 0);
		cr_assert(buffer_add(&texts.given, "", 1) && buffer_add(&texts.canonical, "", 1));
		expect_canonical(texts.given.data, texts.canonical.data);
		expect_canonical(texts.canonical.data, texts.canonical.data);
		buffer_free(&texts.given);
		buffer_free(&texts.canonical);
	}
	expect_no_leaks();
}

/* A fault at any byte is told at that byte, whatever was wrapped before. */
Test(verbatim, B04_the_place_of_a_fault_is_the_callers)
{
	for (unsigned int seed = 1; seed <= 2000; seed++) {
		struct texts texts = { 0 };
		struct reprise_error error = { .size = sizeof(error) };
		json_t *tree = NULL;
		unsigned long line = 0, column = 0;

		chance_begin(seed);
		add_object(&texts, 0);
		const size_t end = texts.canonical.size;

		add(&texts.canonical, " 1.5");
		cr_assert(eq(int,
			     json_read((struct reprise_bytes){ texts.canonical.data,
							       texts.canonical.size },
				       "text", &tree, &error),
			     REPRISE_E_INVALID));
		cr_assert(eq(int, sscanf(error.detail, "line %lu, column %lu", &line, &column), 2));
		cr_assert(eq(u64, line, 1));
		cr_assert(le(u64, end + 1, column), "%s", error.detail);
		cr_assert(le(u64, column, end + 5), "%s", error.detail);
		buffer_free(&texts.given);
		buffer_free(&texts.canonical);
	}
	expect_no_leaks();
}
