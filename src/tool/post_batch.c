/* SPDX-License-Identifier: MIT */
#include "tool/post_batch.h"

#include <stdlib.h>
#include <string.h>

static bool
grow(struct post_batch *batch, size_t needed)
{
	size_t room = batch->room == 0 ? POST_BATCH_BYTES_MAX : batch->room;

	if (needed <= batch->room)
		return true;
	while (room < needed)
		room *= 2;
	char *const grown = realloc(batch->body, room);

	if (grown == NULL)
		return false;
	batch->body = grown;
	batch->room = room;
	return true;
}

static bool
fits(const struct post_batch *batch, size_t line_bytes, uint16_t kind, bool is_json)
{
	return batch->count == 0 || (batch->count < POST_LINES_MAX && batch->is_json && is_json &&
				     batch->kind == kind && batch->bytes < POST_BATCH_BYTES_MAX &&
				     line_bytes < POST_BATCH_BYTES_MAX - batch->bytes);
}

enum post_added
post_batch_add(struct post_batch *batch, const char *line, size_t line_bytes, uint64_t number,
	       uint16_t kind, bool is_json)
{
	if (!fits(batch, line_bytes, kind, is_json))
		return POST_DOES_NOT_FIT;
	if (!grow(batch, batch->bytes + line_bytes + 1))
		return POST_NO_MEMORY;
	if (batch->count == 0) {
		batch->kind = kind;
		batch->is_json = is_json;
	} else {
		batch->body[batch->bytes++] = '\n';
	}
	batch->pieces[batch->count++] = (struct post_piece){ batch->bytes, line_bytes, number };
	memcpy(batch->body + batch->bytes, line, line_bytes);
	batch->bytes += line_bytes;
	return POST_ADDED;
}

void
post_batch_keep(struct post_batch *batch, size_t count)
{
	const size_t dropped = batch->count - count;
	const size_t from = count > 0 ? batch->pieces[dropped].offset : batch->bytes;

	memmove(batch->pieces, batch->pieces + dropped, count * sizeof(batch->pieces[0]));
	for (size_t i = 0; i < count; i++)
		batch->pieces[i].offset -= from;
	if (count > 0)
		memmove(batch->body, batch->body + from, batch->bytes - from);
	batch->bytes -= from;
	batch->count = count;
}

void
post_batch_close(struct post_batch *batch)
{
	free(batch->body);
	batch->body = NULL;
}
