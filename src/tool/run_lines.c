/* SPDX-License-Identifier: MIT */
#include "tool/run_lines.h"

#include <stdlib.h>
#include <string.h>

#include "tool/kind.h"
#include "tool/kind_field.h"

bool
run_lines_open(struct run_lines *lines, const char *kind_field)
{
	*lines = (struct run_lines){ .kind_field = kind_field,
				     .piece_bytes_max = RUN_LINE_BYTES_MAX,
				     .held = malloc(RUN_LINE_BYTES_MAX) };
	return lines->held != NULL;
}

void
run_lines_close(struct run_lines *lines)
{
	free(lines->held);
	lines->held = NULL;
}

static void
drop_spent(struct run_lines *lines)
{
	if (lines->is_spent)
		lines->held_bytes = 0;
	lines->is_spent = false;
}

/* The held bytes become an event, with the kind of a whole line unless the line was cut. */
static void
return_line(struct run_lines *lines, const char *bytes, size_t count, struct run_line *ret_line)
{
	const bool is_whole = !lines->is_cut;

	lines->is_cut = false;
	lines->is_spent = true;
	*ret_line = (struct run_line){ .bytes = bytes, .count = count, .kind = KIND_PLAIN };
	if (is_whole && lines->kind_field != NULL)
		ret_line->kind = kind_field_of(lines->kind_field, bytes, count);
}

static void
return_piece(struct run_lines *lines, struct run_line *ret_line)
{
	lines->is_cut = true;
	lines->is_spent = true;
	*ret_line = (struct run_line){ .bytes = lines->held,
				       .count = lines->held_bytes,
				       .kind = RUN_KIND_CUT };
}

static void
move_on(const char **bytes, size_t *count, size_t taken)
{
	*bytes += taken;
	*count -= taken;
}

static void
hold(struct run_lines *lines, const char **bytes, size_t *count, size_t taken)
{
	memcpy(lines->held + lines->held_bytes, *bytes, taken);
	lines->held_bytes += taken;
	move_on(bytes, count, taken);
}

/* A line that ends within @room bytes is an event: in place, or behind the held bytes. */
static bool
take_end(struct run_lines *lines, const char **bytes, size_t *count, size_t room,
	 struct run_line *ret_line)
{
	const size_t seen = *count < room + 1 ? *count : room + 1;
	const char *const line = *bytes, *const end = memchr(line, '\n', seen);

	if (end == NULL)
		return false;
	if (lines->held_bytes == 0) {
		move_on(bytes, count, (size_t)(end - line) + 1);
		return_line(lines, line, (size_t)(end - line), ret_line);
		return true;
	}
	hold(lines, bytes, count, (size_t)(end - line));
	move_on(bytes, count, 1);
	return_line(lines, lines->held, lines->held_bytes, ret_line);
	return true;
}

bool
run_lines_next(struct run_lines *lines, const char **bytes, size_t *count,
	       struct run_line *ret_line)
{
	drop_spent(lines);
	if (*count == 0)
		return false;
	const size_t room = lines->piece_bytes_max - lines->held_bytes;

	if (take_end(lines, bytes, count, room, ret_line))
		return true;
	hold(lines, bytes, count, *count < room ? *count : room);
	/* A full piece waits for the next byte: an LF ends the line. */
	if (*count == 0)
		return false;
	return_piece(lines, ret_line);
	return true;
}

bool
run_lines_end(struct run_lines *lines, struct run_line *ret_line)
{
	drop_spent(lines);
	if (lines->held_bytes == 0)
		return false;
	return_line(lines, lines->held, lines->held_bytes, ret_line);
	return true;
}
