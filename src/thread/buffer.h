/* SPDX-License-Identifier: MIT */
#ifndef THREAD_BUFFER_H
#define THREAD_BUFFER_H

/* Bytes that grow. All zero: empty. */

#include <stdbool.h>
#include <stddef.h>

#include <reprise/base.h>

struct buffer {
	char *data;
	size_t size, room;
};

/* Makes room for @more bytes behind those that are there. False: no memory, and nothing changed. */
bool buffer_reserve(struct buffer *buffer, size_t more);
bool buffer_add(struct buffer *buffer, const void *data, size_t size);
void buffer_free(struct buffer *buffer);

static inline struct reprise_bytes
buffer_bytes(const struct buffer *buffer)
{
	return (struct reprise_bytes){ buffer->data, buffer->size };
}

#endif /* THREAD_BUFFER_H */
