/* SPDX-License-Identifier: MIT */
#ifndef TOOL_SERVE_LOG_H
#define TOOL_SERVE_LOG_H

/*
 * The own log of `reprise serve` on stderr: a JSON object per line. The thread that serves all
 * clients writes the lines, so no line waits for the other end of a pipe: a line without room is
 * dropped, and the next line with room says how many were dropped. (rule V31)
 */

#include <stddef.h>
#include <stdint.h>

#include <reprise/recorder.h>

struct serve_log {
	uint64_t dropped; /* lines, since the last line with room */
};

/* For reprise_gateway_write_line; @context is a struct serve_log. */
void serve_log_write(void *context, const char *line, size_t line_bytes);

/* Events are missing in the log. @status is the answer of the recorder's closing. */
void serve_log_unrecorded(struct serve_log *log, reprise_status status,
			  const struct reprise_recorder_stats *stats);

#endif /* TOOL_SERVE_LOG_H */
