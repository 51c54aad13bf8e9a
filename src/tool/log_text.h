/* SPDX-License-Identifier: MIT */
#ifndef TOOL_LOG_TEXT_H
#define TOOL_LOG_TEXT_H

/* Prints text of unknown origin in a safe form: for people, and as JSON. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <reprise/cursor.h>

/*
 * Prints at most @characters_max characters, then "...". Control characters and bytes that are not
 * UTF-8 become escapes, so that the text cannot command the terminal.
 */
void log_text_escaped(FILE *to, const void *text, size_t bytes, size_t characters_max);

bool log_text_is_utf8(const void *text, size_t bytes);

/* Prints a JSON string with its quotes. The text must be UTF-8. */
void log_text_json(FILE *to, const void *text, size_t bytes);

/* Prints JSON. The characters that log_text_json escapes become escapes. */
void log_text_json_as_is(FILE *to, const void *json, size_t bytes);

/* Prints a comma and a member of an object. A number above 2^53 - 1 becomes a string of digits. */
void log_text_member(FILE *to, const char *name, uint64_t number);

void log_text_base64(FILE *to, const void *data, size_t bytes);
void log_text_incarnation(FILE *to, const struct reprise_incarnation *incarnation);

/*
 * "2026-01-31 23:59:59.123456789", with @digits digits after the point, and @between for the space.
 */
void log_text_time(char *ret_text, size_t room, uint64_t time_ns, char between,
		   unsigned int digits);

#endif /* TOOL_LOG_TEXT_H */
