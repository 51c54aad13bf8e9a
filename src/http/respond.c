/* SPDX-License-Identifier: MIT */
/*
 * Responses, whole and streamed. The loop sends what is put here; a lack of memory closes the
 * connection.
 */
#include <stdio.h>
#include <string.h>

#include "http/block.h"
#include "http/server.h"
#include "http/status.h"

enum {
	LINE_BYTES_MAX = 256,
	WORD_BYTES_MAX = 40,
	REFUSAL_FIELDS_MAX = 4,
};

bool
put_bytes(struct http_exchange *exchange, const void *bytes, size_t size)
{
	if (!exchange->is_doomed && bufferevent_write(exchange->socket, bytes, size) == 0) {
		exchange->added_bytes += size;
		return true;
	}
	if (!exchange->is_doomed)
		exchange->server->stats.no_memory++;
	exchange->is_doomed = true;
	exchange_schedule(exchange);
	return false;
}

static bool
put_text(struct http_exchange *exchange, const char *text)
{
	return put_bytes(exchange, text, strlen(text));
}

static bool
are_valid(int status, const struct http_field_out *fields, size_t fields_count)
{
	static const char *const own[] = { "connection", "content-length", "date",
					   "transfer-encoding" };

	if (status < 200 || status > 599)
		return false;
	for (size_t i = 0; i < fields_count; i++) {
		const struct http_text name = { fields[i].name, strlen(fields[i].name) };
		const struct http_text value = { fields[i].value, strlen(fields[i].value) };

		if (!http_are_all(name, HTTP_CLASS_TOKEN) ||
		    (value.size != 0 && !http_are_all(value, HTTP_CLASS_VALUE)))
			return false;
		for (size_t j = 0; j < sizeof(own) / sizeof(*own); j++)
			if (http_is_name(name, own[j]))
				return false;
	}
	return true;
}

/* Up to the empty line; the field that says where the response ends is @framing. */
static bool
put_head(struct http_exchange *exchange, int status, const struct http_field_out *fields,
	 size_t fields_count, const char *framing)
{
	char line[LINE_BYTES_MAX];
	bool is_put;

	/* The body would have to be read to find the next request. */
	if (exchange->input == INPUT_BODY || exchange->server->drain_deadline_ns != 0)
		exchange->keeps_alive = false;
	snprintf(line, sizeof(line), "HTTP/1.1 %d %s\r\nDate: %s\r\n%s%s", status,
		 http_status_text(status), http_date(exchange->server),
		 exchange->keeps_alive ? (exchange->is_http10 ? "Connection: keep-alive\r\n" : "")
				       : "Connection: close\r\n",
		 framing);
	is_put = put_text(exchange, line);
	for (size_t i = 0; is_put && i < fields_count; i++)
		is_put = put_text(exchange, fields[i].name) && put_text(exchange, ": ") &&
			 put_text(exchange, fields[i].value) && put_text(exchange, "\r\n");
	return is_put && put_text(exchange, "\r\n");
}

static reprise_status
judge(const struct http_exchange *exchange, int status, const struct http_field_out *fields,
      size_t fields_count)
{
	if (exchange->is_doomed || exchange->output != OUTPUT_NONE)
		return REPRISE_E_CLOSED;
	return are_valid(status, fields, fields_count) ? REPRISE_OK : REPRISE_E_INVALID;
}

reprise_status
http_respond(struct http_exchange *exchange, int status, const struct http_field_out *fields,
	     size_t fields_count, struct http_text body)
{
	const bool has_length = status != 204 && status != 304;
	const reprise_status judged = judge(exchange, status, fields, fields_count);
	char framing[LINE_BYTES_MAX / 4] = "";

	if (judged != REPRISE_OK)
		return judged;
	if (has_length)
		snprintf(framing, sizeof(framing), "Content-Length: %zu\r\n", body.size);
	exchange->output = OUTPUT_WHOLE;
	if (!put_head(exchange, status, fields, fields_count, framing))
		return REPRISE_E_NO_MEMORY;
	if (has_length && !exchange->is_head && body.size != 0 &&
	    !put_bytes(exchange, body.data, body.size))
		return REPRISE_E_NO_MEMORY;
	timer_watch_output(exchange);
	exchange_schedule(exchange);
	return REPRISE_OK;
}

/* The word as a code: "two-lengths" is http_two_lengths. */
static void
write_refusal(char *text, size_t room, int status, const char *word)
{
	char code[WORD_BYTES_MAX];

	snprintf(code, sizeof(code), "%s", word);
	for (char *dash = strchr(code, '-'); dash != NULL; dash = strchr(dash, '-'))
		*dash = '_';
	snprintf(text, room,
		 "{\"error\":{\"code\":\"http_%s\",\"status\":%d,\"message\":\"%s\","
		 "\"detail\":null}}\n",
		 code, status, http_status_sentence(status));
}

/* The request is not the handler's, or the handler was not in time. */
void
refuse_request(struct http_exchange *exchange, int status, const char *word)
{
	struct http_field_out fields[REFUSAL_FIELDS_MAX] = {
		{ "Content-Type", "application/json" },
		{ "X-Content-Type-Options", "nosniff" },
		{ "Cache-Control", "no-store" },
	};
	char text[LINE_BYTES_MAX], seconds[16];
	size_t count = 3;

	if (status == 405)
		fields[count++] =
			(struct http_field_out){ "Allow", "GET, HEAD, POST, PUT, DELETE, OPTIONS" };
	if (status == 503 || status == 429) {
		snprintf(seconds, sizeof(seconds), "%u", exchange->server->options.retry_after_s);
		fields[count++] = (struct http_field_out){ "Retry-After", seconds };
	}
	write_refusal(text, sizeof(text), status, word);
	exchange->keeps_alive = false;
	if (http_respond(exchange, status, fields, count,
			 (struct http_text){ text, strlen(text) }) != REPRISE_OK)
		exchange->is_doomed = true;
}

reprise_status
http_stream(struct http_exchange *exchange, int status, const struct http_field_out *fields,
	    size_t fields_count)
{
	const reprise_status judged = judge(exchange, status, fields, fields_count);

	if (judged != REPRISE_OK)
		return judged;
	if (status == 204 || status == 304)
		return REPRISE_E_INVALID; /* they have no body */
	exchange->is_chunked = !exchange->is_http10;
	if (exchange->is_http10)
		exchange->keeps_alive = false;
	/* The response of a HEAD is whole with its head. */
	exchange->output = exchange->is_head ? OUTPUT_WHOLE : OUTPUT_STREAM;
	if (!put_head(exchange, status, fields, fields_count,
		      exchange->is_chunked ? "Transfer-Encoding: chunked\r\n" : ""))
		return REPRISE_E_NO_MEMORY;
	timer_watch_output(exchange);
	if (exchange->is_head)
		exchange_schedule(exchange);
	return REPRISE_OK;
}

/* Whether so many bytes, framing included, may be added to a stream. */
static reprise_status
judge_stream(const struct http_exchange *exchange, size_t size)
{
	const uint64_t most = exchange->server->options.pending_bytes_max;

	if (exchange->is_doomed || exchange->output != OUTPUT_STREAM)
		return REPRISE_E_CLOSED;
	if (size > most)
		return REPRISE_E_TOO_LARGE;
	return http_pending(exchange) + size > most ? REPRISE_E_FULL : REPRISE_OK;
}

reprise_status
http_write(struct http_exchange *exchange, struct http_text bytes)
{
	const bool is_framed = exchange->is_chunked && bytes.size != 0;
	char size[24];
	const size_t digits = (size_t)snprintf(size, sizeof(size), "%zx\r\n", bytes.size);
	const reprise_status judged =
		judge_stream(exchange, bytes.size + (is_framed ? digits + 2 : 0));

	if (judged != REPRISE_OK || bytes.size == 0)
		return judged;
	if ((exchange->is_chunked && !put_text(exchange, size)) ||
	    !put_bytes(exchange, bytes.data, bytes.size) ||
	    (exchange->is_chunked && !put_text(exchange, "\r\n")))
		return REPRISE_E_NO_MEMORY;
	timer_watch_output(exchange);
	return REPRISE_OK;
}

reprise_status
http_write_block(struct http_exchange *exchange, struct http_block *block)
{
	const struct http_text bytes = block_bytes(block, exchange->is_chunked);
	const reprise_status judged = judge_stream(exchange, bytes.size);

	if (judged != REPRISE_OK || bytes.size == 0)
		return judged;
	if (!block_add(block, bytes, bufferevent_get_output(exchange->socket))) {
		exchange->server->stats.no_memory++;
		exchange->is_doomed = true;
		exchange_schedule(exchange);
		return REPRISE_E_NO_MEMORY;
	}
	exchange->added_bytes += bytes.size;
	timer_watch_output(exchange);
	return REPRISE_OK;
}

reprise_status
http_finish(struct http_exchange *exchange)
{
	if (exchange->is_doomed || exchange->output != OUTPUT_STREAM)
		return REPRISE_E_CLOSED;
	exchange->output = OUTPUT_WHOLE;
	if (exchange->is_chunked && !put_text(exchange, "0\r\n\r\n"))
		return REPRISE_E_NO_MEMORY;
	if (exchange->input == INPUT_BODY)
		exchange->keeps_alive = false;
	timer_watch_output(exchange);
	exchange_schedule(exchange);
	return REPRISE_OK;
}
