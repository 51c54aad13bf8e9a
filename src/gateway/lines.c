/* SPDX-License-Identifier: MIT */
#include "gateway/lines.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "gateway/gateway.h"

enum {
	PATH_BYTES_MAX = 256, /* of a client's path */
	TIME_BYTES = 64,
	NS_PER_MS = 1000000,
	NS_PER_US = 1000,
};

static void
add_member(struct buffer *line, const char *name, const char *text)
{
	buffer_text(line, ",\"");
	buffer_text(line, name);
	buffer_text(line, "\":");
	buffer_string(line, text, strlen(text));
}

/* RFC 3339, UTC, milliseconds. */
static void
begin_line(struct buffer *line, const char *level, const char *event)
{
	char text[TIME_BYTES] = "", second[TIME_BYTES / 2] = "";
	struct timespec now;
	struct tm parts;

	clock_gettime(CLOCK_REALTIME, &now);
	if (gmtime_r(&now.tv_sec, &parts) != NULL)
		strftime(second, sizeof(second), "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(text, sizeof(text), "%s.%03ldZ", second, now.tv_nsec / NS_PER_MS);
	buffer_text(line, "{\"time\":");
	buffer_string(line, text, strlen(text));
	add_member(line, "level", level);
	add_member(line, "event", event);
}

static void
end_line(struct reprise_gateway *gateway, struct buffer *line)
{
	buffer_text(line, "}");
	if (!line->failed)
		gateway->options.write_line(gateway->options.write_line_context, line->data,
					    line->size);
	buffer_free(line);
}

bool
line_tells_requests(const struct reprise_gateway *gateway)
{
	return gateway->options.write_line != NULL && gateway->options.is_quiet == 0;
}

void
line_request(struct reprise_gateway *gateway, const struct line_request *request)
{
	struct buffer line = { 0 };
	char numbers[TIME_BYTES];
	const bool is_cut = request->path.size > PATH_BYTES_MAX;

	if (!line_tells_requests(gateway))
		return;
	begin_line(&line, "info", "request");
	add_member(&line, "method", request->method);
	buffer_text(&line, ",\"path\":");
	buffer_string(&line, request->path.data, is_cut ? PATH_BYTES_MAX : request->path.size);
	if (is_cut)
		buffer_text(&line, ",\"path_is_cut\":true");
	snprintf(numbers, sizeof(numbers), ",\"status\":%d,\"duration_ms\":%llu.%03u",
		 request->status, (unsigned long long)(request->duration_ns / NS_PER_MS),
		 (unsigned int)(request->duration_ns / NS_PER_US % 1000));
	buffer_text(&line, numbers);
	add_member(&line, "peer", request->peer);
	end_line(gateway, &line);
}

void
line_event(struct reprise_gateway *gateway, const char *event, const struct reprise_error *error)
{
	struct buffer line = { 0 };

	if (gateway->options.write_line == NULL ||
	    (gateway->options.is_quiet != 0 && error == NULL))
		return;
	begin_line(&line, error == NULL ? "info" : "error", event);
	if (error != NULL) {
		add_member(&line, "status", reprise_status_name(error->status));
		add_member(&line, "what", error->what);
		add_member(&line, "detail", error->detail);
	}
	end_line(gateway, &line);
}
