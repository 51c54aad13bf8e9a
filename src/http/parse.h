/* SPDX-License-Identifier: MIT */
#ifndef HTTP_PARSE_H
#define HTTP_PARSE_H

/*
 * The parser of HTTP/1.1 requests (rules H01 to H09). No call makes a system call, takes memory, or
 * keeps a pointer. The result of a call depends on the bytes alone, and never on how the network
 * cut the bytes.
 *
 * A request is its head, and then its body. The head is parsed at once when the empty line at its
 * end has come; until then http_scan_head looks at new bytes alone, and refuses bytes that no head
 * can have. The body is handed out in pieces, as the bytes come.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/text.h"

enum {
	HTTP_HEAD_BYTES_MAX = 16384,    /* with the empty line */
	HTTP_LINE_BYTES_MAX = 8192,     /* of the request line, without its CR and LF */
	HTTP_METHOD_BYTES_MAX = 32,     /* a longer one is refused as malformed */
	HTTP_FIELDS_MAX = 100,          /* in a head, and in a trailer section */
	HTTP_TRAILER_BYTES_MAX = 4096,  /* the section after the last chunk */
	HTTP_EXTENSION_BYTES_MAX = 256, /* chunk extensions, of all chunks of a body together */
	HTTP_CHUNK_DIGITS_MAX = 16,     /* of one chunk's size */
	HTTP_LENGTH_DIGITS_MAX = 18,    /* of a Content-Length */
};

enum http_method {
	HTTP_METHOD_GET,
	HTTP_METHOD_HEAD,
	HTTP_METHOD_POST,
	HTTP_METHOD_PUT,
	HTTP_METHOD_DELETE,
	HTTP_METHOD_OPTIONS,
};

/*
 * Why a request is refused: X(name, status, word). The words are stable, for logs and error bodies:
 * the code of `two-lengths` is `http_two_lengths`.
 */
#define HTTP_REFUSAL_TABLE(X)                             \
	X(NONE, 0, "")                                    \
	X(LINE_END, 400, "line-end")                      \
	X(CONTROL, 400, "control-character")              \
	X(EMPTY_LINE, 400, "empty-line")                  \
	X(REQUEST_LINE, 400, "request-line")              \
	X(METHOD, 400, "method")                          \
	X(METHOD_NOT_ALLOWED, 405, "method-not-allowed")  \
	X(METHOD_UNKNOWN, 501, "method-unknown")          \
	X(LINE_TOO_LONG, 414, "target-too-long")          \
	X(TARGET, 400, "target")                          \
	X(VERSION, 400, "version")                        \
	X(VERSION_UNKNOWN, 505, "version-unknown")        \
	X(HEAD_TOO_LARGE, 431, "head-too-large")          \
	X(TOO_MANY_FIELDS, 431, "too-many-fields")        \
	X(FOLDED, 400, "folded-line")                     \
	X(FIELD_NAME, 400, "field-name")                  \
	X(FIELD_VALUE, 400, "field-value")                \
	X(FIELD_TWICE, 400, "field-twice")                \
	X(HOST_MISSING, 400, "host-missing")              \
	X(HOST, 400, "host")                              \
	X(CONNECTION, 400, "connection")                  \
	X(LENGTH, 400, "content-length")                  \
	X(CODING, 400, "transfer-encoding")               \
	X(CODING_UNKNOWN, 501, "transfer-coding-unknown") \
	X(TWO_LENGTHS, 400, "two-lengths")                \
	X(BODY_UNEXPECTED, 400, "body-unexpected")        \
	X(EXPECTATION, 417, "expectation")                \
	X(BODY_TOO_LARGE, 413, "body-too-large")          \
	X(CHUNK_SIZE, 400, "chunk-size")                  \
	X(CHUNK_EXTENSION, 400, "chunk-extension")        \
	X(CHUNK_END, 400, "chunk-end")                    \
	X(TRAILER, 400, "trailer")                        \
	X(TRAILER_TOO_LARGE, 431, "trailer-too-large")

enum http_refusal {
#define HTTP_REFUSAL_ENUM(name, status, word) HTTP_REFUSAL_##name,
	HTTP_REFUSAL_TABLE(HTTP_REFUSAL_ENUM)
#undef HTTP_REFUSAL_ENUM
};

/* The status of a response that tells a refusal: 400, 405, 413, 414, 417, 431, 501 or 505. */
int http_refusal_status(enum http_refusal refusal);
const char *http_refusal_word(enum http_refusal refusal);

struct http_field {
	struct http_text name;  /* as sent; compared by http_is_name */
	struct http_text value; /* without the spaces around the value */
};

struct http_head {
	enum http_method method;
	unsigned int minor;     /* of the version: 1, or 0 of HTTP/1.0 */
	struct http_text path;  /* begins with a slash; "*" of OPTIONS alone. Escapes stay */
	struct http_text query; /* behind the question mark; NULL without one */
	struct http_text host;  /* the field Host */
	uint64_t length;        /* the body's bytes, if it is not chunked; 0 without a body */
	bool is_chunked;        /* the body comes in chunks */
	bool keeps_alive;       /* the client may send another request */
	bool expects_continue;  /* the client waits for 100 before it sends the body */
	unsigned int fields_count;
	struct http_field fields[HTTP_FIELDS_MAX];
};

/* The field of that name, in lower case; NULL if there is none. The first, if there are several. */
const struct http_field *http_head_field(const struct http_head *head, const char *name);
/* As sent: "GET". */
const char *http_method_name(enum http_method method);

/* How far a head has come; all 0 at its beginning. */
struct http_scan {
	size_t scanned; /* bytes that were looked at */
	size_t line;    /* bytes of the present line so far */
	unsigned int lines;
	unsigned int method; /* 1 + bytes of the method, once the space behind it has come */
	bool has_return;     /* the last byte was a CR */
};

enum http_progress {
	HTTP_INCOMPLETE, /* more bytes are needed */
	HTTP_COMPLETE,
	HTTP_REFUSED,
};

/*
 * Looks at the bytes of a head, from its first byte on, of which the call before has seen the first
 * scan->scanned. HTTP_COMPLETE: the head ends at scan->scanned. HTTP_REFUSED: *ret_refusal says
 * why.
 */
enum http_progress http_scan_head(struct http_scan *scan, const char *bytes, size_t bytes_count,
				  enum http_refusal *ret_refusal);

/*
 * Parses a whole head, of the length that http_scan_head has found. The texts of *ret_head are
 * pieces of @bytes. HTTP_REFUSAL_NONE if it is as it should be.
 */
enum http_refusal http_parse_head(const char *bytes, size_t bytes_count,
				  struct http_head *ret_head);

enum http_body_state {
	HTTP_BODY_DATA, /* of a Content-Length, or of a chunk */
	HTTP_BODY_SIZE,
	HTTP_BODY_EXTENSION, /* the first byte of its name */
	HTTP_BODY_EXTENSION_NAME,
	HTTP_BODY_EXTENSION_VALUE, /* the first byte behind its equals sign */
	HTTP_BODY_EXTENSION_TOKEN,
	HTTP_BODY_EXTENSION_QUOTED,
	HTTP_BODY_EXTENSION_END,
	HTTP_BODY_SIZE_END,
	HTTP_BODY_DATA_RETURN,
	HTTP_BODY_DATA_END,
	HTTP_BODY_TRAILER_LINE,
	HTTP_BODY_TRAILER_NAME,
	HTTP_BODY_TRAILER_VALUE,
	HTTP_BODY_TRAILER_LINE_END,
	HTTP_BODY_TRAILER_END,
	HTTP_BODY_OVER,
	HTTP_BODY_REFUSED,
};

enum {
	HTTP_TRAILER_NAME_BYTES = 24, /* as long as the longest name that a trailer may not have */
};

/* A body, as far as it has come. */
struct http_body {
	enum http_body_state state;
	enum http_refusal refusal;
	bool is_chunked;
	uint8_t digits;           /* of the chunk's size so far */
	uint16_t extension_bytes; /* of all chunks */
	uint16_t trailer_bytes;
	uint16_t trailers;
	uint8_t name_bytes; /* of the trailer's name; counted no further than the array */
	char name[HTTP_TRAILER_NAME_BYTES]; /* in lower case */
	uint64_t left;                      /* bytes of the chunk or the body that are to come */
	uint64_t room;                      /* bytes that the limit leaves */
};

/* Begins the body of a head. HTTP_REFUSAL_BODY_TOO_LARGE if its length is above the limit. */
enum http_refusal http_body_begin(struct http_body *body, const struct http_head *head,
				  uint64_t bytes_max);

/*
 * Takes bytes, and answers how many of them. *ret_piece is the piece of @bytes that belongs to the
 * body, or has 0 bytes. The call ends behind a piece, behind the body, at a refusal, or when all
 * bytes are taken: call again for the rest.
 */
size_t http_body_take(struct http_body *body, const char *bytes, size_t bytes_count,
		      struct http_text *ret_piece);

static inline bool
http_body_is_over(const struct http_body *body)
{
	return body->state == HTTP_BODY_OVER;
}

#endif /* HTTP_PARSE_H */
