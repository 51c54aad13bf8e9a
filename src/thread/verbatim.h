/* SPDX-License-Identifier: MIT */
#ifndef THREAD_VERBATIM_H
#define THREAD_VERBATIM_H

/*
 * Numbers are kept as they were written. jansson reads a number into 64 bits or a double, and
 * prints another text. So before jansson reads a text, each number that is not an integer of at
 * most 18 digits becomes a string that begins with U+0001 and n:
 *
 *    [1, 1.50, 1e999]   ->   [1, "\u0001n1.50", "\u0001n1e999"]
 *
 * and behind jansson it becomes a number again. A string of the host's that begins with U+0001 has
 * U+0001 and s put before it in between. U+0001 can stand in a JSON text only as \u0001, which
 * jansson writes, too; so such strings are found by these bytes.
 */

#include "thread/buffer.h"

/* Whether a string that jansson has read stands for a number. */
bool verbatim_is_number(const char *text, size_t size);

struct verbatim_sizes {
	size_t depth; /* so many arrays and objects are inside each other at most */
	size_t token; /* no token is longer */
};

/*
 * Writes @text to @to with its numbers wrapped; nothing at all if @text has none to wrap. The text
 * need not be JSON: a text that is no JSON stays no JSON. False: no memory.
 */
bool verbatim_wrap(struct reprise_bytes text, struct buffer *to, struct verbatim_sizes *ret_sizes);

/* The byte of @text that byte @position of the wrapped text comes from. */
size_t verbatim_origin(struct reprise_bytes text, size_t position);

/* Unwraps what jansson has printed into @printed from byte @first on. */
void verbatim_unwrap(struct buffer *printed, size_t first);

#endif /* THREAD_VERBATIM_H */
