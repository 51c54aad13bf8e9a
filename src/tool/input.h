/* SPDX-License-Identifier: MIT */
#ifndef TOOL_INPUT_H
#define TOOL_INPUT_H

#include <stddef.h>

#include <reprise/base.h>

/* The lines that a runtime appends, without their ends; all in memory, to be compared with. */
struct input {
	char name[96];
	struct reprise_bytes *lines;
	size_t lines_count;
	size_t line_bytes_max;
	char *text;
};

/* False: the input has no line or cannot be read, and stderr has the reason. */
int input_read_file(struct input *input, const char *path);
int input_read_command(struct input *input);
void input_free(struct input *input);

#endif /* TOOL_INPUT_H */
