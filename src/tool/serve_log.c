/* SPDX-License-Identifier: MIT */
/*
 * The own log of `reprise serve`, as serve_log.h describes it. The output is asked for room first,
 * and a line is written whole by one call, or dropped.
 */
#include "tool/serve_log.h"

#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "tool/log_text.h"

enum {
	TIME_ROOM = 32,
	NOTE_ROOM = 128,
};

static void
print_time(char text[TIME_ROOM])
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	log_text_time(text, TIME_ROOM - 1,
		      (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec, 'T', 3);
	const size_t length = strlen(text);

	text[length] = 'Z';
	text[length + 1] = '\0';
}

/* A pipe that takes something takes PIPE_BUF bytes at once, and a file takes all. */
static bool
write_line(const char *line, size_t line_bytes)
{
	struct pollfd output = { .fd = STDERR_FILENO, .events = POLLOUT };
	struct iovec parts[] = { { .iov_len = line_bytes }, { .iov_len = 1 } };
	char end[] = "\n";

	/* struct iovec has no const. */
	memcpy(&parts[0].iov_base, &line, sizeof(line));
	parts[1].iov_base = end;
	return line_bytes < PIPE_BUF && poll(&output, 1, 0) == 1 &&
	       (output.revents & POLLOUT) != 0 &&
	       writev(STDERR_FILENO, parts, 2) == (ssize_t)(line_bytes + 1);
}

/* Says how many lines were dropped. False: there is no room yet. */
static bool
write_note(uint64_t dropped)
{
	char time[TIME_ROOM], note[NOTE_ROOM];

	print_time(time);
	snprintf(note, sizeof(note),
		 "{\"time\":\"%s\",\"level\":\"error\",\"event\":\"dropped\",\"lines\":%" PRIu64
		 "}",
		 time, dropped);
	return write_line(note, strlen(note));
}

void
serve_log_write(void *context, const char *line, size_t line_bytes)
{
	struct serve_log *const log = context;

	if (log->dropped > 0 && write_note(log->dropped))
		log->dropped = 0;
	if (log->dropped > 0 || !write_line(line, line_bytes))
		log->dropped++;
}

static void
print_text(FILE *to, const char *name, const char *text)
{
	fprintf(to, ",\"%s\":", name);
	if (log_text_is_utf8(text, strlen(text)))
		log_text_json(to, text, strlen(text));
	else
		fputs("null", to);
}

static void
print_unrecorded(FILE *to, reprise_status status, const struct reprise_recorder_stats *stats)
{
	char time[TIME_ROOM];

	print_time(time);
	fprintf(to, "{\"time\":\"%s\",\"level\":\"error\",\"event\":\"not_recorded\"", time);
	print_text(to, "status", reprise_status_name(status));
	log_text_member(to, "waiting", stats->lag);
	log_text_member(to, "lost", stats->lost);
	log_text_member(to, "stuck", stats->stuck);
	if (stats->failure != REPRISE_OK) {
		print_text(to, "failure", reprise_status_name(stats->failure));
		print_text(to, "text", stats->failure_text);
	}
	if (stats->stuck > 0)
		print_text(to, "session", stats->stuck_session_id);
	fputc('}', to);
}

void
serve_log_unrecorded(struct serve_log *log, reprise_status status,
		     const struct reprise_recorder_stats *stats)
{
	char *line = NULL;
	size_t line_bytes = 0;
	FILE *const to = open_memstream(&line, &line_bytes);

	if (to == NULL)
		return;
	print_unrecorded(to, status, stats);
	if (fclose(to) == 0)
		serve_log_write(log, line, line_bytes);
	free(line);
}
