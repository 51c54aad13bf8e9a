/* SPDX-License-Identifier: MIT */
/*
 * Finds the end of a head, and refuses bytes that no head can have. A head without its end would
 * otherwise be kept until a deadline, and a limit would be found out late.
 */
#include "http/parse.h"

static const struct {
	int status;
	const char *word;
} refusals[] = {
#define HTTP_REFUSAL_ROW(name, status, word) [HTTP_REFUSAL_##name] = { status, word },
	HTTP_REFUSAL_TABLE(HTTP_REFUSAL_ROW)
#undef HTTP_REFUSAL_ROW
};

int
http_refusal_status(enum http_refusal refusal)
{
	return refusals[refusal].status;
}

const char *
http_refusal_word(enum http_refusal refusal)
{
	return refusals[refusal].word;
}

/* Behind a CR: only LF may follow. Whether the head is over. */
static enum http_refusal
take_line_end(struct http_scan *scan, char byte, bool *ret_is_over)
{
	if (byte != '\n')
		return HTTP_REFUSAL_LINE_END;
	scan->has_return = false;
	*ret_is_over = scan->line == 0;
	if (scan->lines == 0 && scan->line == 0)
		return HTTP_REFUSAL_EMPTY_LINE;
	scan->lines++;
	scan->line = 0;
	return HTTP_REFUSAL_NONE;
}

/* A byte of the request line. */
static enum http_refusal
take_first_line(struct http_scan *scan, char byte)
{
	if (scan->method == 0) {
		if (byte == ' ' && scan->line != 0)
			scan->method = (unsigned int)scan->line + 1;
		else if (!http_is(byte, HTTP_CLASS_TOKEN) || scan->line == HTTP_METHOD_BYTES_MAX)
			return HTTP_REFUSAL_METHOD;
	}
	return scan->line == HTTP_LINE_BYTES_MAX ? HTTP_REFUSAL_LINE_TOO_LONG : HTTP_REFUSAL_NONE;
}

static enum http_refusal
take_byte(struct http_scan *scan, char byte, bool *ret_is_over)
{
	enum http_refusal refusal;

	if (scan->has_return)
		return take_line_end(scan, byte, ret_is_over);
	if (byte == '\r') {
		scan->has_return = true;
		return HTTP_REFUSAL_NONE;
	}
	if (byte == '\n')
		return HTTP_REFUSAL_LINE_END;
	if (!http_is(byte, HTTP_CLASS_VALUE))
		return HTTP_REFUSAL_CONTROL;
	refusal = scan->lines == 0 ? take_first_line(scan, byte) : HTTP_REFUSAL_NONE;
	scan->line++;
	return refusal;
}

enum http_progress
http_scan_head(struct http_scan *scan, const char *bytes, size_t bytes_count,
	       enum http_refusal *ret_refusal)
{
	bool is_over = false;

	while (scan->scanned < bytes_count) {
		*ret_refusal = scan->scanned == HTTP_HEAD_BYTES_MAX
				       ? HTTP_REFUSAL_HEAD_TOO_LARGE
				       : take_byte(scan, bytes[scan->scanned], &is_over);
		if (*ret_refusal != HTTP_REFUSAL_NONE)
			return HTTP_REFUSED;
		scan->scanned++;
		if (is_over)
			return HTTP_COMPLETE;
	}
	*ret_refusal = HTTP_REFUSAL_NONE;
	return HTTP_INCOMPLETE;
}
