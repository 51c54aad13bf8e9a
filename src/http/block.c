/* SPDX-License-Identifier: MIT */
#include "http/block.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	FRAMING_BYTES = 24, /* the size in hexadecimal digits, and two line ends */
};

/* A chunk as it is sent: its size, the bytes, and CR and LF. */
struct http_block {
	uint64_t holds; /* the creator's, and one for each stream that has not sent it */
	size_t size;    /* of the bytes */
	size_t begin;   /* of the bytes within the chunk */
	char chunk[];
};

struct http_block *
http_block_new(struct http_text bytes)
{
	struct http_block *const block = malloc(sizeof(*block) + bytes.size + FRAMING_BYTES);

	if (block == NULL)
		return NULL;
	block->holds = 1;
	block->size = bytes.size;
	block->begin = (size_t)snprintf(block->chunk, FRAMING_BYTES, "%zx\r\n", bytes.size);
	memcpy(block->chunk + block->begin, bytes.size == 0 ? "" : bytes.data, bytes.size);
	block->chunk[block->begin + bytes.size] = '\r';
	block->chunk[block->begin + bytes.size + 1] = '\n';
	return block;
}

void
http_block_release(struct http_block *block)
{
	if (--block->holds == 0)
		free(block);
}

struct http_text
block_bytes(const struct http_block *block, bool is_chunked)
{
	if (is_chunked && block->size != 0)
		return (struct http_text){ block->chunk, block->begin + block->size + 2 };
	return (struct http_text){ block->chunk + block->begin, block->size };
}

static void
release(const void *bytes, size_t size, void *block)
{
	(void)bytes;
	(void)size;
	http_block_release(block);
}

bool
block_add(struct http_block *block, struct http_text bytes, struct evbuffer *output)
{
	if (evbuffer_add_reference(output, bytes.data, bytes.size, release, block) != 0)
		return false;
	block->holds++;
	return true;
}
