/* SPDX-License-Identifier: MIT */
/*
 * A body, byte by byte: data of a known length, or chunks with extensions and trailers, of which
 * only the data are handed out. Chunk extensions mean nothing here, and trailers are judged and
 * dropped: RFC 9112 allows both.
 */
#include "http/parse.h"

/*
 * Fields of a trailer that would change where the request ends, whose it is, or what it means (RFC
 * 9110, 6.5.1).
 */
static const char *const forbidden[] = {
	"authorization", "cache-control",     "connection",   "content-encoding", "content-length",
	"content-range", "content-type",      "cookie",       "expect",           "host",
	"keep-alive",    "last-event-id",     "max-forwards", "origin",           "te",
	"trailer",       "transfer-encoding", "upgrade",
};

enum http_refusal
http_body_begin(struct http_body *body, const struct http_head *head, uint64_t bytes_max)
{
	*body = (struct http_body){ .is_chunked = head->is_chunked, .room = bytes_max };
	if (head->is_chunked) {
		body->state = HTTP_BODY_SIZE;
		return HTTP_REFUSAL_NONE;
	}
	if (head->length > bytes_max)
		return HTTP_REFUSAL_BODY_TOO_LARGE;
	body->left = head->length;
	body->state = head->length == 0 ? HTTP_BODY_OVER : HTTP_BODY_DATA;
	return HTTP_REFUSAL_NONE;
}

static void
refuse(struct http_body *body, enum http_refusal refusal)
{
	body->state = HTTP_BODY_REFUSED;
	body->refusal = refusal;
}

/* Goes on to a state if the byte is the wanted one. */
static void
want(struct http_body *body, char byte, char wanted, enum http_body_state state,
     enum http_refusal otherwise)
{
	if (byte == wanted)
		body->state = state;
	else
		refuse(body, otherwise);
}

static void
take_size(struct http_body *body, char byte)
{
	if (http_is(byte, HTTP_CLASS_HEX) && body->digits < HTTP_CHUNK_DIGITS_MAX) {
		body->left = body->left * 16 + http_hex(byte);
		body->digits++;
		return;
	}
	if (body->digits == 0 || (byte != ';' && byte != '\r'))
		refuse(body, HTTP_REFUSAL_CHUNK_SIZE);
	else if (body->left > body->room)
		refuse(body, HTTP_REFUSAL_BODY_TOO_LARGE);
	else
		body->state = byte == ';' ? HTTP_BODY_EXTENSION : HTTP_BODY_SIZE_END;
}

/*
 * Behind an extension. Another extension may follow a name. Behind a value RFC 9112 allows another
 * one, too, but other parsers refuse such a chunk.
 */
static void
take_extension_end(struct http_body *body, char byte)
{
	if (byte == ';' && body->state == HTTP_BODY_EXTENSION_NAME)
		body->state = HTTP_BODY_EXTENSION;
	else
		want(body, byte, '\r', HTTP_BODY_SIZE_END, HTTP_REFUSAL_CHUNK_EXTENSION);
}

/*
 * A backslash is refused, though RFC 9110 allows one before any byte: other parsers know none here.
 */
static void
take_quoted(struct http_body *body, char byte)
{
	if (byte == '"')
		body->state = HTTP_BODY_EXTENSION_END;
	else if (!http_is(byte, HTTP_CLASS_QUOTED))
		refuse(body, HTTP_REFUSAL_CHUNK_EXTENSION);
}

/* A byte of a name or of a value without quotation marks. */
static void
take_extension_token(struct http_body *body)
{
	if (body->state == HTTP_BODY_EXTENSION || body->state == HTTP_BODY_EXTENSION_NAME)
		body->state = HTTP_BODY_EXTENSION_NAME;
	else if (body->state == HTTP_BODY_EXTENSION_END)
		refuse(body, HTTP_REFUSAL_CHUNK_EXTENSION);
	else
		body->state = HTTP_BODY_EXTENSION_TOKEN;
}

static void
take_extension(struct http_body *body, char byte)
{
	const enum http_body_state state = body->state;
	const bool is_empty = state == HTTP_BODY_EXTENSION || state == HTTP_BODY_EXTENSION_VALUE;

	if (++body->extension_bytes > HTTP_EXTENSION_BYTES_MAX)
		refuse(body, HTTP_REFUSAL_CHUNK_EXTENSION);
	else if (state == HTTP_BODY_EXTENSION_QUOTED)
		take_quoted(body, byte);
	else if (http_is(byte, HTTP_CLASS_TOKEN))
		take_extension_token(body);
	else if (byte == '=' && state == HTTP_BODY_EXTENSION_NAME)
		body->state = HTTP_BODY_EXTENSION_VALUE;
	else if (byte == '"' && state == HTTP_BODY_EXTENSION_VALUE)
		body->state = HTTP_BODY_EXTENSION_QUOTED;
	else if (is_empty)
		take_extension_end(body, '\0'); /* no name and no value is empty */
	else
		take_extension_end(body, byte);
}

/* Behind the CR and LF of a chunk's size. */
static void
begin_chunk(struct http_body *body)
{
	body->state = body->left == 0 ? HTTP_BODY_TRAILER_LINE : HTTP_BODY_DATA;
	body->room -= body->left;
	body->digits = 0;
}

/* The colon of a trailer. */
static void
end_trailer_name(struct http_body *body)
{
	const struct http_text name = { body->name, body->name_bytes };

	body->state = HTTP_BODY_TRAILER_VALUE;
	if (body->name_bytes == 0)
		refuse(body, HTTP_REFUSAL_FIELD_NAME);
	else if (++body->trailers > HTTP_FIELDS_MAX)
		refuse(body, HTTP_REFUSAL_TRAILER_TOO_LARGE);
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(*forbidden); i++)
		if (http_is_name(name, forbidden[i]))
			refuse(body, HTTP_REFUSAL_TRAILER);
}

static void
take_trailer_name(struct http_body *body, char byte)
{
	if (byte == ':') {
		end_trailer_name(body);
		return;
	}
	if (!http_is(byte, HTTP_CLASS_TOKEN)) {
		refuse(body, body->name_bytes == 0 && (byte == ' ' || byte == '\t')
				     ? HTTP_REFUSAL_FOLDED
				     : HTTP_REFUSAL_FIELD_NAME);
		return;
	}
	body->state = HTTP_BODY_TRAILER_NAME;
	/*
	 * A name that does not fit is none of the forbidden ones: the array is longer than those.
	 */
	if (body->name_bytes < sizeof(body->name))
		body->name[body->name_bytes++] = byte;
}

static void
take_trailer(struct http_body *body, char byte)
{
	if (++body->trailer_bytes > HTTP_TRAILER_BYTES_MAX) {
		refuse(body, HTTP_REFUSAL_TRAILER_TOO_LARGE);
		return;
	}
	if (body->state == HTTP_BODY_TRAILER_VALUE) {
		if (byte == '\r')
			body->state = HTTP_BODY_TRAILER_LINE_END;
		else if (!http_is(byte, HTTP_CLASS_VALUE))
			refuse(body, HTTP_REFUSAL_FIELD_VALUE);
		return;
	}
	if (body->state == HTTP_BODY_TRAILER_LINE) {
		body->name_bytes = 0;
		if (byte == '\r') {
			body->state = HTTP_BODY_TRAILER_END;
			return;
		}
	}
	take_trailer_name(body, byte);
}

/* A byte of the framing. */
static void
take_byte(struct http_body *body, char byte)
{
	switch (body->state) {
	case HTTP_BODY_SIZE:
		take_size(body, byte);
		break;
	case HTTP_BODY_EXTENSION:
	case HTTP_BODY_EXTENSION_NAME:
	case HTTP_BODY_EXTENSION_VALUE:
	case HTTP_BODY_EXTENSION_TOKEN:
	case HTTP_BODY_EXTENSION_QUOTED:
	case HTTP_BODY_EXTENSION_END:
		take_extension(body, byte);
		break;
	case HTTP_BODY_SIZE_END:
		want(body, byte, '\n', HTTP_BODY_DATA, HTTP_REFUSAL_LINE_END);
		if (body->state == HTTP_BODY_DATA)
			begin_chunk(body);
		break;
	case HTTP_BODY_DATA_RETURN:
		want(body, byte, '\r', HTTP_BODY_DATA_END, HTTP_REFUSAL_CHUNK_END);
		break;
	case HTTP_BODY_DATA_END:
		want(body, byte, '\n', HTTP_BODY_SIZE, HTTP_REFUSAL_CHUNK_END);
		break;
	case HTTP_BODY_TRAILER_LINE:
	case HTTP_BODY_TRAILER_NAME:
	case HTTP_BODY_TRAILER_VALUE:
		take_trailer(body, byte);
		break;
	case HTTP_BODY_TRAILER_LINE_END:
		want(body, byte, '\n', HTTP_BODY_TRAILER_LINE, HTTP_REFUSAL_LINE_END);
		break;
	case HTTP_BODY_TRAILER_END:
		want(body, byte, '\n', HTTP_BODY_OVER, HTTP_REFUSAL_LINE_END);
		break;
	case HTTP_BODY_DATA:
	case HTTP_BODY_OVER:
	case HTTP_BODY_REFUSED:
		break;
	}
}

/* As much of the data as there is. */
static struct http_text
take_data(struct http_body *body, const char *bytes, size_t bytes_count)
{
	const size_t size = body->left < bytes_count ? (size_t)body->left : bytes_count;

	body->left -= size;
	if (body->left == 0)
		body->state = body->is_chunked ? HTTP_BODY_DATA_RETURN : HTTP_BODY_OVER;
	return (struct http_text){ bytes, size };
}

size_t
http_body_take(struct http_body *body, const char *bytes, size_t bytes_count,
	       struct http_text *ret_piece)
{
	size_t taken = 0;

	*ret_piece = (struct http_text){ NULL, 0 };
	while (taken < bytes_count && body->state != HTTP_BODY_OVER &&
	       body->state != HTTP_BODY_REFUSED) {
		if (body->state == HTTP_BODY_DATA) {
			*ret_piece = take_data(body, bytes + taken, bytes_count - taken);
			return taken + ret_piece->size;
		}
		take_byte(body, bytes[taken]);
		taken++;
	}
	return taken;
}
