/* SPDX-License-Identifier: MIT */
#ifndef HTTP_TEXT_H
#define HTTP_TEXT_H

/* Pieces of a request, and the classes of RFC 9110 and RFC 3986 that their bytes belong to. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes without a NUL at their end. */
struct http_text {
	const char *data;
	size_t size;
};

enum http_class {
	HTTP_CLASS_TOKEN = 1 << 0,  /* of a method, a field's name, a chunk extension */
	HTTP_CLASS_VALUE = 1 << 1,  /* of a field's value: visible, a space, a tab, or above 0x7f */
	HTTP_CLASS_PATH = 1 << 2,   /* of a path, without the percent sign */
	HTTP_CLASS_QUERY = 1 << 3,  /* of a query, without the percent sign */
	HTTP_CLASS_HOST = 1 << 4,   /* of a host's name or IPv4 address */
	HTTP_CLASS_DIGIT = 1 << 5,  /* 0 to 9 */
	HTTP_CLASS_HEX = 1 << 6,    /* a hexadecimal digit of either case */
	HTTP_CLASS_QUOTED = 1 << 7, /* inside of a quoted string, without the backslash */
};

bool http_is(char byte, enum http_class class);
/* At least one byte, and all of one class. */
bool http_are_all(struct http_text text, enum http_class class);
/* @name in lower case; the letters of @text in either case. */
bool http_is_name(struct http_text text, const char *name);
/* Without the spaces and tabs around the text. */
struct http_text http_trim(struct http_text text);
/* The value of a hexadecimal digit. */
unsigned int http_hex(char digit);

/*
 * Cuts the first element off a list with commas, without the spaces around the element. False at
 * the list's end. An empty element is an element of 0 bytes.
 */
bool http_list_next(struct http_text *list, struct http_text *ret_element);

#endif /* HTTP_TEXT_H */
