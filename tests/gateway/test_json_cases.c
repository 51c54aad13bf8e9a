/* SPDX-License-Identifier: MIT */
/*
 * V10: the gateway judges the 318 cases of JSONTestSuite as json_cases.txt says, and cuts arrays
 * and NDJSON of these texts without a change. The head of json_cases.txt describes the lines.
 */
#include <stdlib.h>

#include "gateway/json.h"
#include "support.h"

TestSuite(json_cases, .timeout = 60);

enum {
	CASES_COUNT = 318,
	ACCEPTED_COUNT = 95,
	REFUSED_COUNT = 188,
	FREE_ACCEPTED_COUNT = 21,
	FREE_REFUSED_COUNT = 14,
};

struct text_case {
	const char *kind, *name;
	struct buffer text;
};

static struct text_case cases[CASES_COUNT];
static char *file;

static bool
is_kind(const struct text_case *one, const char *kind)
{
	return strcmp(one->kind, kind) == 0;
}

static bool
is_accepted(const struct text_case *one)
{
	return is_kind(one, "accepted") || is_kind(one, "free_accepted");
}

static struct http_text
text_of(const struct text_case *one)
{
	return (struct http_text){ one->text.data, one->text.size };
}

static const char *add_escape(struct buffer *text, const char *at);

/* Until @end or the line's end. */
static const char *
add_text(struct buffer *text, const char *at, char end) /* NOLINT(misc-no-recursion): two levels */
{
	while (*at != '\0' && *at != end) {
		if (*at == '\\') {
			at = add_escape(text, at + 1);
		} else {
			buffer_add(text, at, 1);
			at++;
		}
	}
	return at;
}

static const char *
add_escape(struct buffer *text, const char *at) /* NOLINT(misc-no-recursion): two levels */
{
	static const char from[] = "nrt\\", to[] = "\n\r\t\\";
	const char *const plain = strchr(from, *at);
	char digits[3] = "";
	char *rest;
	long times;

	if (plain != NULL && *at != '\0') {
		buffer_add(text, &to[plain - from], 1);
		return at + 1;
	}
	if (*at == 'x') {
		memcpy(digits, at + 1, 2);
		digits[0] = (char)strtol(digits, NULL, 16);
		buffer_add(text, digits, 1);
		return at + 3;
	}
	cr_assert(eq(chr, *at, '{'), "an escape is unknown: %s", at);
	times = strtol(at + 1, &rest, 10);
	for (long i = 0; i < times; i++)
		at = add_text(text, rest + 1, '}');
	return at + 1;
}

static void
read_cases(void)
{
	char *rest, *line;
	int count = 0;

	file = fixture_text("gateway/json_cases.txt");
	rest = file;
	while ((line = strsep(&rest, "\n")) != NULL) {
		struct text_case *const one = &cases[count];

		if (line[0] == '\0' || line[0] == '#')
			continue;
		cr_assert(lt(int, count, CASES_COUNT), "%s", line);
		one->kind = strsep(&line, " ");
		one->name = strsep(&line, " ");
		cr_assert(ne(ptr, (void *)one->name, NULL), "%s", one->kind);
		buffer_reserve(&one->text, 1);
		if (line != NULL)
			add_text(&one->text, line, '\0');
		count++;
	}
	cr_assert(eq(int, count, CASES_COUNT));
}

static void
free_cases(void)
{
	for (int i = 0; i < CASES_COUNT; i++)
		buffer_free(&cases[i].text);
	free(file);
	file = NULL;
}

static int
count_kind(const char *kind)
{
	int count = 0;

	for (int i = 0; i < CASES_COUNT; i++)
		count += is_kind(&cases[i], kind);
	return count;
}

Test(json_cases, V10_each_case_is_accepted_or_refused_as_expected)
{
	read_cases();
	cr_assert(eq(int, count_kind("accepted"), ACCEPTED_COUNT));
	cr_assert(eq(int, count_kind("refused"), REFUSED_COUNT));
	cr_assert(eq(int, count_kind("free_accepted"), FREE_ACCEPTED_COUNT));
	cr_assert(eq(int, count_kind("free_refused"), FREE_REFUSED_COUNT));
	for (int i = 0; i < CASES_COUNT; i++)
		cr_expect(eq(int, json_is_valid(text_of(&cases[i])), is_accepted(&cases[i])),
			  "%s %s", cases[i].kind, cases[i].name);
	free_cases();
}

/* A text of one line, which may end with the line's end. */
static bool
is_one_line(const struct text_case *one)
{
	const struct http_text text = json_trim(text_of(one));

	return text.size != 0 && memchr(text.data, '\n', text.size) == NULL;
}

static void
expect_same(struct http_text text, const struct text_case *one)
{
	const struct http_text wanted = json_trim(text_of(one));

	cr_expect(eq(sz, text.size, wanted.size), "%s", one->name);
	cr_expect(eq(int, memcmp(text.data, wanted.data, wanted.size), 0), "%s", one->name);
}

/* All accepted texts of one line, between @separator and @separator. */
static void
cut_again(const char *separator)
{
	struct buffer body = { 0 };
	struct http_text rest, line = { NULL, 0 };

	for (int i = 0; i < CASES_COUNT; i++) {
		if (!is_accepted(&cases[i]) || !is_one_line(&cases[i]))
			continue;
		buffer_add(&body, cases[i].text.data, cases[i].text.size);
		buffer_text(&body, separator);
	}
	rest = (struct http_text){ body.data, body.size };
	for (int i = 0; i < CASES_COUNT; i++) {
		if (!is_accepted(&cases[i]) || !is_one_line(&cases[i]))
			continue;
		cr_assert(json_next_line(&rest, &line), "%s", cases[i].name);
		cr_expect(json_is_valid(line), "%s", cases[i].name);
		expect_same(line, &cases[i]);
	}
	cr_assert(not(json_next_line(&rest, &line)));
	buffer_free(&body);
}

Test(json_cases, V10_lines_are_cut_without_a_split_or_a_join)
{
	read_cases();
	cut_again("\n");
	cut_again("\r\n");
	cut_again("\n\n \t\r\n\n");
	free_cases();
}

/* Whether each line is a value, and there is a line. */
static bool
are_values(struct http_text text)
{
	struct http_text line;
	int count = 0;

	while (json_next_line(&text, &line)) {
		if (!json_is_valid(line))
			return false;
		count++;
	}
	return count != 0;
}

/*
 * A value of several lines is refused, and never cut: inside of an array or object, where alone a
 * value has white space, a line's end leaves an open bracket before itself.
 */
Test(json_cases, V10_what_is_no_value_of_one_line_is_refused_as_lines)
{
	read_cases();
	for (int i = 0; i < CASES_COUNT; i++) {
		const bool is_line = is_accepted(&cases[i]) && is_one_line(&cases[i]);

		cr_expect(eq(int, are_values(text_of(&cases[i])), is_line), "%s", cases[i].name);
	}
	free_cases();
}

/* All accepted texts, as the elements of an array. */
Test(json_cases, V10_elements_of_an_array_are_cut_without_a_split_or_a_join)
{
	struct buffer body = { 0 };
	struct http_text array, element = { NULL, 0 };
	size_t offset = 0;

	read_cases();
	buffer_text(&body, "[");
	for (int i = 0; i < CASES_COUNT; i++) {
		if (!is_accepted(&cases[i]))
			continue;
		buffer_text(&body, body.size == 1 ? "" : ",");
		buffer_add(&body, cases[i].text.data, cases[i].text.size);
	}
	buffer_text(&body, "]");
	array = (struct http_text){ body.data, body.size };
	cr_assert(json_is_valid(array));
	for (int i = 0; i < CASES_COUNT; i++) {
		if (!is_accepted(&cases[i]))
			continue;
		cr_assert(json_next_element(array, &offset, &element), "%s", cases[i].name);
		expect_same(element, &cases[i]);
	}
	cr_assert(not(json_next_element(array, &offset, &element)));
	buffer_free(&body);
	free_cases();
}
