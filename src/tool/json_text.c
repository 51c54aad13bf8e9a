/* SPDX-License-Identifier: MIT */
#include "tool/json_text.h"

#include <jansson.h>

/* A value of jansson, under a name of the program. */
static const json_t *
inner(const struct json_text *value)
{
	return (const json_t *)value;
}

static const struct json_text *
outer(const json_t *value)
{
	return (const struct json_text *)value;
}

struct json_text *
json_text_parse(const char *text, size_t text_bytes)
{
	return (struct json_text *)json_loadb(text, text_bytes, JSON_DECODE_ANY | JSON_ALLOW_NUL,
					      NULL);
}

void
json_text_release(struct json_text *value)
{
	json_decref((json_t *)value);
}

bool
json_text_is_valid(const char *text, size_t text_bytes)
{
	struct json_text *const value = json_text_parse(text, text_bytes);

	json_text_release(value);
	return value != NULL;
}

const struct json_text *
json_text_member(const struct json_text *value, const char *name)
{
	return outer(json_object_get(inner(value), name));
}

const char *
json_text_string(const struct json_text *value, const char *name, size_t *ret_bytes)
{
	const json_t *const member = json_object_get(inner(value), name);

	if (ret_bytes != NULL)
		*ret_bytes = json_string_length(member);
	return json_string_value(member);
}

bool
json_text_number(const struct json_text *value, const char *name, int64_t *ret_number)
{
	const json_t *const member = json_object_get(inner(value), name);

	*ret_number = json_integer_value(member);
	return json_is_integer(member);
}

bool
json_text_is_true(const struct json_text *value, const char *name)
{
	return json_is_true(json_object_get(inner(value), name));
}

size_t
json_text_count(const struct json_text *array)
{
	return json_array_size(inner(array));
}

const struct json_text *
json_text_at(const struct json_text *array, size_t index)
{
	return outer(json_array_get(inner(array), index));
}

bool
json_text_is_object(const struct json_text *value)
{
	return json_is_object(inner(value));
}
