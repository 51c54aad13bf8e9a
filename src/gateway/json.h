/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_JSON_H
#define GATEWAY_JSON_H

/*
 * JSON without a library: texts are checked and cut as they are, so that every number and every
 * escape of a client comes out as it went in; and a buffer that writes JSON.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/text.h"

/* Bytes that grow. After a refused allocation `failed` is set and further writes are dropped. */
struct buffer {
	char *data;
	size_t size, room;
	bool failed;
};

void buffer_free(struct buffer *buffer);
/* Empties the buffer; memory of an uncommonly large text goes back. */
void buffer_reset(struct buffer *buffer);
bool buffer_reserve(struct buffer *buffer, size_t bytes);
void buffer_add(struct buffer *buffer, const void *bytes, size_t size);
void buffer_text(struct buffer *buffer, const char *text);
void buffer_number(struct buffer *buffer, uint64_t number);
/* As a JSON string, with quotes. Bytes that are not UTF-8 become U+FFFD. */
void buffer_string(struct buffer *buffer, const char *bytes, size_t size);
void buffer_base64(struct buffer *buffer, const void *bytes, size_t size);

/* Whether the bytes are exactly one JSON text (RFC 8259), UTF-8, nested at most 512 deep. */
bool json_is_valid(struct http_text text);
/* The same; if the text is not valid, *ret_offset is the byte where it ceases to be. */
bool json_check(struct http_text text, size_t *ret_offset);
/* The text without the white space around it. */
struct http_text json_trim(struct http_text text);
/*
 * The element behind *offset of an array that json_is_valid has accepted: *ret_element is the
 * element without white space around it, *offset moves behind it. False: there is none.
 * Begin with *offset 0.
 */
bool json_next_element(struct http_text array, size_t *offset, struct http_text *ret_element);
/*
 * The same of an object: the next member's name, with its quotes, and the member's value. The order
 * is the text's, and a name may come twice.
 */
bool json_next_member(struct http_text object, size_t *offset, struct http_text *ret_name,
		      struct http_text *ret_value);
/*
 * Decodes a valid string: @decoded ends with a NUL. False: the value is no string, or has a NUL or
 * half of a surrogate, or more than @room - 1 bytes.
 */
bool json_read_string(struct http_text value, char *decoded, size_t room);
/*
 * Takes the next line off @rest: *ret_line is the line without white space around it. Empty lines
 * are left out. False: there is no further line.
 */
bool json_next_line(struct http_text *rest, struct http_text *ret_line);

#endif /* GATEWAY_JSON_H */
