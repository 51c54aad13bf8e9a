/* SPDX-License-Identifier: MIT */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>

/*
 * The number of leading bytes that are valid UTF-8 (RFC 3629: no overlong forms, no surrogates)
 * without control characters (below U+0020, U+007F to U+009F); @bytes if all are.
 */
size_t utf8_text_prefix(const void *data, size_t bytes);

#endif /* BASE_UTF8_H */
