/* SPDX-License-Identifier: MIT */
#ifndef TOOL_LOG_TEXT_H
#define TOOL_LOG_TEXT_H

/* What others have written, as it may be printed: for people, and as JSON. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <reprise/cursor.h>

/*
 * At most so many characters, then "..."; control characters and what is no UTF-8 as escapes, so that nothing
 * of it reaches a terminal as a command.
 */
void log_text_escaped(FILE *to, const void *text, size_t bytes, size_t characters_max);

bool log_text_is_utf8(const void *text, size_t bytes);

/* With its quotes; must be UTF-8. */
void log_text_json(FILE *to, const void *text, size_t bytes);

/* JSON, as it is but for what log_text_json escapes: in good JSON that stands in strings alone. */
void log_text_json_as_is(FILE *to, const void *json, size_t bytes);

/* A comma and a member of an object: a number up to 2^53 - 1, a string of its digits beyond that. */
void log_text_member(FILE *to, const char *name, uint64_t number);

void log_text_base64(FILE *to, const void *data, size_t bytes);
void log_text_incarnation(FILE *to, const struct reprise_incarnation *incarnation);

/* "2026-01-31 23:59:59.123456789", with so many digits of the second, and @between for the space. */
void log_text_time(char *ret_text, size_t room, uint64_t time_ns, char between,
		   unsigned int digits);

#endif /* TOOL_LOG_TEXT_H */
