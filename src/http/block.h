/* SPDX-License-Identifier: MIT */
#ifndef HTTP_BLOCK_H
#define HTTP_BLOCK_H

/* Blocks, as the streams see them. */

#include <event2/buffer.h>

#include "http/http.h"

/*
 * The bytes to send: with the framing of a chunk, or without. 0 bytes of an empty block, which no
 * chunk can be.
 */
struct http_text block_bytes(const struct http_block *block, bool is_chunked);
/* Adds a reference; false if there is no memory. */
bool block_add(struct http_block *block, struct http_text bytes, struct evbuffer *output);

#endif /* HTTP_BLOCK_H */
