/* SPDX-License-Identifier: MIT */
#ifndef TOOL_KIND_FIELD_H
#define TOOL_KIND_FIELD_H

#include <stddef.h>
#include <stdint.h>

/*
 * The kind of a line that is a JSON object with the member @name: a whole number from 0 to 65533,
 * or a string as kind_of_name says. Any other line has the kind KIND_PLAIN.
 */
uint16_t kind_field_of(const char *name, const char *line, size_t line_bytes);

#endif /* TOOL_KIND_FIELD_H */
