/* SPDX-License-Identifier: MIT */
#include "thread/buffer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	ROOM_MIN = 256,
};

bool
buffer_reserve(struct buffer *buffer, size_t more)
{
	size_t room = buffer->room < ROOM_MIN ? ROOM_MIN : buffer->room;

	if (more > SIZE_MAX / 4 - buffer->size)
		return false;
	while (room < buffer->size + more)
		room *= 2;
	if (room == buffer->room)
		return true;
	char *const data = realloc(buffer->data, room);

	if (data == NULL)
		return false;
	buffer->data = data;
	buffer->room = room;
	return true;
}

bool
buffer_add(struct buffer *buffer, const void *data, size_t size)
{
	if (size > buffer->room - buffer->size && !buffer_reserve(buffer, size))
		return false;
	if (size != 0)
		memcpy(buffer->data + buffer->size, data, size);
	buffer->size += size;
	return true;
}

void
buffer_free(struct buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct buffer){ 0 };
}
