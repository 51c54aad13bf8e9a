/* SPDX-License-Identifier: MIT */
#include "tool/post_input.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tool/interrupt.h"

enum {
	READ_BYTES = 64 << 10,
	LOOK_MS = 100, /* between two looks for a signal: one may come just before a wait */
};

uint64_t
post_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void
post_input_close(struct post_input *input)
{
	free(input->bytes);
	input->bytes = NULL;
}

/* Room for one more read. False: no memory. */
static bool
make_room(struct post_input *input)
{
	const size_t kept = input->end - input->begin;

	if (input->begin > 0 && kept > 0)
		memmove(input->bytes, input->bytes + input->begin, kept);
	input->scanned -= input->begin;
	input->begin = 0;
	input->end = kept;
	if (input->room - kept >= READ_BYTES)
		return true;
	const size_t room = 2 * (input->room < READ_BYTES ? READ_BYTES : input->room);
	char *const grown = realloc(input->bytes, room);

	if (grown == NULL)
		return false;
	input->bytes = grown;
	input->room = room;
	return true;
}

static enum post_found
read_more(struct post_input *input)
{
	if (!make_room(input)) {
		errno = ENOMEM;
		return POST_FAILED;
	}
	const ssize_t got = read(STDIN_FILENO, input->bytes + input->end, input->room - input->end);

	if (got < 0)
		return errno == EINTR || errno == EAGAIN ? POST_NOTHING : POST_FAILED;
	input->end += (size_t)got;
	input->is_over = got == 0;
	return POST_LINE;
}

static void
hand_out(struct post_input *input, size_t line_bytes, size_t with_end, struct post_line *ret_line)
{
	input->line++;
	*ret_line = (struct post_line){ .bytes = input->bytes + input->begin,
					.bytes_count = line_bytes,
					.number = input->line };
	input->begin += with_end;
	input->scanned = input->begin;
}

/* A line of the bytes so far. */
static bool
take_line(struct post_input *input, struct post_line *ret_line)
{
	const char *const from = input->bytes + input->scanned;
	const char *const lf = input->end > input->scanned
				       ? memchr(from, '\n', input->end - input->scanned)
				       : NULL;

	if (lf != NULL) {
		const size_t bytes = (size_t)(lf - input->bytes) - input->begin;

		hand_out(input, bytes, bytes + 1, ret_line);
		return true;
	}
	input->scanned = input->end;
	if (!input->is_over || input->end == input->begin)
		return false;
	hand_out(input, input->end - input->begin, input->end - input->begin, ret_line);
	return true;
}

/* False: the wait is over, or a signal came. */
static bool
wait_for_bytes(uint64_t until_ms)
{
	struct pollfd polled = { .fd = STDIN_FILENO, .events = POLLIN };
	int ready = 0;

	while (ready == 0 && !interrupt_happened()) {
		const uint64_t now_ms = post_now_ms();

		if (now_ms >= until_ms)
			return poll(&polled, 1, 0) > 0;
		const uint64_t left_ms = until_ms - now_ms;

		ready = poll(&polled, 1, left_ms < LOOK_MS ? (int)left_ms : LOOK_MS);
		if (ready < 0 && errno == EINTR)
			ready = 0;
	}
	return !interrupt_happened();
}

enum post_found
post_input_next(struct post_input *input, uint64_t until_ms, struct post_line *ret_line)
{
	while (!take_line(input, ret_line)) {
		if (input->is_over)
			return POST_END;
		if (input->end - input->begin > POST_LINE_BYTES_MAX)
			return POST_TOO_LONG;
		if (!wait_for_bytes(until_ms))
			return interrupt_happened() ? POST_INTERRUPTED : POST_NOTHING;
		if (read_more(input) == POST_FAILED)
			return POST_FAILED;
	}
	if (interrupt_happened()) {
		input->line--; /* the line is not taken */
		return POST_INTERRUPTED;
	}
	return ret_line->bytes_count > POST_LINE_BYTES_MAX ? POST_TOO_LONG : POST_LINE;
}
