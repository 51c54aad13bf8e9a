/* SPDX-License-Identifier: MIT */
#include "tool/kind_field.h"

#include "tool/json_text.h"
#include "tool/kind.h"

#ifdef TOOL_HAS_JSON
uint16_t
kind_field_of(const char *name, const char *line, size_t line_bytes)
{
	struct json_text *const value = json_text_parse(line, line_bytes);
	size_t text_bytes;
	const char *const text = json_text_string(value, name, &text_bytes);
	uint16_t kind = KIND_PLAIN;
	int64_t number;

	if (text != NULL)
		kind = kind_of_name(text, text_bytes);
	else if (json_text_number(value, name, &number) && number >= 0 && number <= KIND_NUMBER_MAX)
		kind = (uint16_t)number;
	json_text_release(value);
	return kind;
}
#else
/* The option is refused. */
uint16_t
kind_field_of(const char *name, const char *line, size_t line_bytes)
{
	(void)name;
	(void)line;
	(void)line_bytes;
	return KIND_PLAIN;
}
#endif
