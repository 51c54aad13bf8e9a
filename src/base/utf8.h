/* SPDX-License-Identifier: MIT */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The number of leading bytes that are valid UTF-8 (RFC 3629: no overlong forms, no surrogates)
 * without control characters (below U+0020, U+007F to U+009F); @bytes if all are.
 */
size_t utf8_text_prefix(const void *data, size_t bytes);

/* Whether all bytes are valid UTF-8 (RFC 3629), control characters and NUL included. */
bool utf8_is_valid(const void *data, size_t bytes);

#endif /* BASE_UTF8_H */
