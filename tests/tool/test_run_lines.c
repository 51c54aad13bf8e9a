/* SPDX-License-Identifier: MIT */
/* V85: lines are the same wherever the output of the command is cut; kinds have names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "tool/kind.h"
#include "tool/kind_field.h"
#include "tool/run_lines.h"

SUITE(tool_run_lines);

enum {
	PIECE = 5, /* the greatest event of these tests */
	ROOM = 4096,
	KIND_OF_LINE = 77,
};

/* The kind of a whole line. */
uint16_t
kind_field_of(const char *name, const char *line, size_t line_bytes)
{
	(void)line;
	return name[0] == 'k' && line_bytes <= PIECE ? KIND_OF_LINE : 0;
}

/* The events as a text: "kind:bytes;" for each. */
static void
note(char *text, const struct run_line *line)
{
	const size_t at = strlen(text);

	cr_assert(lt(sz, at + line->count + 16, ROOM));
	snprintf(text + at, ROOM - at, "%u:%.*s;", (unsigned int)line->kind, (int)line->count,
		 line->bytes);
}

/* Gives the output in blocks of @block bytes. */
static void
cut(const char *output, size_t block, char ret_text[ROOM])
{
	struct run_lines lines;
	struct run_line line;
	size_t left = strlen(output);

	ret_text[0] = '\0';
	cr_assert(run_lines_open(&lines, "k"));
	lines.piece_bytes_max = PIECE;
	while (left > 0) {
		size_t count = left < block ? left : block;
		char *const copy = malloc(count); /* so that a sanitizer sees a byte too many */
		const char *at = copy;

		cr_assert(copy != NULL);
		memcpy(copy, output, count);
		output += count;
		left -= count;
		while (run_lines_next(&lines, &at, &count, &line))
			note(ret_text, &line);
		cr_assert(eq(sz, count, 0));
		free(copy);
	}
	if (run_lines_end(&lines, &line))
		note(ret_text, &line);
	cr_assert(not(run_lines_end(&lines, &line)));
	run_lines_close(&lines);
}

static void
cuts_to(const char *output, const char *events)
{
	for (size_t block = 1; block <= strlen(output) + 1; block++) {
		char text[ROOM];

		cut(output, block, text);
		cr_assert(eq(str, text, (char *)events), "blocks of %zu bytes", block);
	}
}

Test(tool_run_lines, V85_a_line_is_an_event_without_its_end)
{
	cuts_to("", "");
	cuts_to("a\n", "77:a;");
	cuts_to("a\nbc\n", "77:a;77:bc;");
	cuts_to("\n\na\n\n", "77:;77:;77:a;77:;");
	cuts_to("a\r\n", "77:a\r;");
}

Test(tool_run_lines, V85_a_last_line_without_an_end_is_an_event)
{
	cuts_to("a", "77:a;");
	cuts_to("a\nb", "77:a;77:b;");
	cuts_to("12345", "77:12345;");
	cuts_to("123456", "65534:12345;0:6;");
}

Test(tool_run_lines, V85_all_pieces_of_a_long_line_but_the_last_have_the_kind_of_a_cut)
{
	cuts_to("12345\n6\n", "77:12345;77:6;");
	cuts_to("123456\nb\n", "65534:12345;0:6;77:b;");
	cuts_to("1234567890\nb\n", "65534:12345;0:67890;77:b;");
	cuts_to("12345678901\n", "65534:12345;65534:67890;0:1;");
	cuts_to("a\n1234567890", "77:a;65534:12345;0:67890;");
	cuts_to("123456789012345\n12345\n", "65534:12345;65534:67890;0:12345;77:12345;");
}

Test(tool_run_lines, V85_any_output_is_the_sum_of_its_events)
{
	unsigned int state = 1;

	for (int round = 0; round < 2000; round++) {
		char output[64], text[ROOM], first[ROOM];
		const size_t count = 1 + (size_t)(state >> 8) % (sizeof(output) - 1);

		for (size_t i = 0; i < count; i++) {
			state = state * 1103515245u + 12345u;
			output[i] = (state >> 16) % 7 == 0 ? '\n' : 'x';
		}
		output[count] = '\0';
		cut(output, count, first);
		state = state * 1103515245u + 12345u;
		cut(output, 1 + (state >> 16) % count, text);
		cr_assert(eq(str, text, first), "%s", output);
	}
}

static uint16_t
kind_of(const char *name)
{
	return kind_of_name(name, strlen(name));
}

Test(tool_run_lines, V85_the_kind_of_a_name_is_a_number_or_a_hash)
{
	cr_assert(eq(u16, kind_of("tool_call"), 41441));
	cr_assert(eq(u16, kind_of(""), 11262));
	cr_assert(eq(u16, kind_of("0"), 0));
	cr_assert(eq(u16, kind_of("7"), 7));
	cr_assert(eq(u16, kind_of("65533"), 65533));
	cr_assert(eq(u16, kind_of("65534"), 30469)); /* kinds of the program are no name */
	cr_assert(eq(u16, kind_of("07"), 16089));
	cr_assert(eq(u16, kind_of_name("tool_call_more", 9), 41441));
}

Test(tool_run_lines, V85_an_argument_is_any_kind_or_a_name)
{
	uint16_t kind = 1;

	cr_assert(kind_from_argument("65535", 5, &kind));
	cr_assert(eq(u16, kind, 65535));
	cr_assert(kind_from_argument("0", 1, &kind));
	cr_assert(eq(u16, kind, 0));
	cr_assert(kind_from_argument("tool_call", 9, &kind));
	cr_assert(eq(u16, kind, 41441));
	cr_assert(kind_from_argument("07", 2, &kind));
	cr_assert(eq(u16, kind, 16089));
	cr_assert(not(kind_from_argument("", 0, &kind)));
	cr_assert(not(kind_from_argument("65536", 5, &kind)));
	cr_assert(not(kind_from_argument("99999999999999999999", 20, &kind)));
}
