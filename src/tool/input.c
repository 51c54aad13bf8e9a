/* SPDX-License-Identifier: MIT */
#include "tool/input.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A command of coreutils with a long output on any machine. */
static const char command[] = "ls -lR /usr 2>/dev/null | head -n 20000";

enum {
	PIECE_BYTES = 1 << 16,
};

static bool
read_all(FILE *from, char **ret_text, size_t *ret_bytes)
{
	char *text = NULL;
	size_t bytes = 0, got;

	do {
		char *const larger = realloc(text, bytes + PIECE_BYTES);

		if (larger == NULL) {
			free(text);
			return false;
		}
		text = larger;
		got = fread(text + bytes, 1, PIECE_BYTES, from);
		bytes += got;
	} while (got > 0);
	*ret_text = text;
	*ret_bytes = bytes;
	return true;
}

static size_t
count_lines(const char *text, size_t bytes)
{
	size_t lines = bytes > 0 && text[bytes - 1] != '\n';

	for (size_t i = 0; i < bytes; i++)
		lines += text[i] == '\n';
	return lines;
}

static bool
split(struct input *input, size_t bytes)
{
	const char *at = input->text;
	const char *const end = input->text + bytes;

	input->lines_count = 0;
	input->line_bytes_max = 0;
	input->lines = calloc(count_lines(input->text, bytes) + 1, sizeof(input->lines[0]));
	if (input->lines == NULL)
		return false;
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		if (newline == NULL)
			newline = end;
		const size_t size = (size_t)(newline - at);

		input->lines[input->lines_count++] = (struct reprise_bytes){ at, size };
		if (size > input->line_bytes_max)
			input->line_bytes_max = size;
		at = newline + 1;
	}
	return true;
}

static int
take(struct input *input, FILE *from)
{
	size_t bytes = 0;

	if (!read_all(from, &input->text, &bytes)) {
		fprintf(stderr, "reprise demo: out of memory while reading %s\n", input->name);
		return false;
	}
	if (ferror(from)) {
		fprintf(stderr, "reprise demo: cannot read %s: %s\n", input->name, strerror(errno));
		free(input->text);
		return false;
	}
	if (!split(input, bytes)) {
		fprintf(stderr, "reprise demo: out of memory while reading %s\n", input->name);
		free(input->text);
		return false;
	}
	if (input->lines_count == 0) {
		fprintf(stderr, "reprise demo: %s is empty\n", input->name);
		input_free(input);
		return false;
	}
	return true;
}

int
input_read_file(struct input *input, const char *path)
{
	const char *const slash = strrchr(path, '/');
	FILE *const from = fopen(path, "r");

	if (from == NULL) {
		fprintf(stderr, "reprise demo: cannot open %s: %s\n", path, strerror(errno));
		return false;
	}
	snprintf(input->name, sizeof(input->name), "%s",
		 slash != NULL && slash[1] != '\0' ? slash + 1 : path);
	const int is_taken = take(input, from);

	fclose(from);
	return is_taken;
}

int
input_read_command(struct input *input)
{
	/* NOLINTNEXTLINE(cert-env33-c): the command is a constant of ours */
	FILE *const from = popen(command, "r");

	if (from == NULL) {
		perror("reprise demo: cannot run ls");
		return false;
	}
	snprintf(input->name, sizeof(input->name), "ls -lR /usr");
	const int is_taken = take(input, from);

	pclose(from);
	return is_taken;
}

void
input_free(struct input *input)
{
	free(input->lines);
	free(input->text);
}
