/* SPDX-License-Identifier: MIT */
#ifndef TOOL_JSON_TEXT_H
#define TOOL_JSON_TEXT_H

/* JSON that others have written, over jansson: answers of a gateway, and lines of a program. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_text; /* a value, or a part of one */

/* NULL: the text is not JSON. The value needs json_text_release. */
struct json_text *json_text_parse(const char *text, size_t text_bytes);
void json_text_release(struct json_text *value); /* NULL is allowed */

/* Whether the text is one JSON value, of any type. */
bool json_text_is_valid(const char *text, size_t text_bytes);

/* The member of an object, borrowed; NULL: there is none. @value may be NULL in each call below. */
const struct json_text *json_text_member(const struct json_text *value, const char *name);

/* A string member, borrowed, with a NUL behind; NULL: no such string. @ret_bytes may be NULL. */
const char *json_text_string(const struct json_text *value, const char *name, size_t *ret_bytes);

/* A member that is a whole number. False: no such number. */
bool json_text_number(const struct json_text *value, const char *name, int64_t *ret_number);

/* Whether the member is `true`. */
bool json_text_is_true(const struct json_text *value, const char *name);

/* The elements of an array; 0 and NULL if the value is none. */
size_t json_text_count(const struct json_text *array);
const struct json_text *json_text_at(const struct json_text *array, size_t index);

bool json_text_is_object(const struct json_text *value);

#endif /* TOOL_JSON_TEXT_H */
