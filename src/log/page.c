/* SPDX-License-Identifier: MIT */
#include "log/page.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* Room for at least @needed, each of @size bytes; NULL: none, and what was there stays. */
static void *
grown(void *array, size_t *room, size_t needed, size_t size)
{
	const size_t least = *room == 0 ? 64 : 2 * *room;
	const size_t count = needed > least ? needed : least;
	void *const grown_array = realloc(array, count * size);

	if (grown_array != NULL)
		*room = count;
	return grown_array;
}

reprise_status
reprise_log_page_open(struct reprise_log_page **ret_page)
{
	if (ret_page == NULL)
		return REPRISE_E_INVALID;
	struct reprise_log_page *const page = calloc(1, sizeof(*page));

	if (page == NULL)
		return REPRISE_E_NO_MEMORY;
	*ret_page = page;
	return REPRISE_OK;
}

void
reprise_log_page_close(struct reprise_log_page *page)
{
	if (page == NULL)
		return;
	free(page->entries);
	free(page->bytes);
	free(page);
}

const struct reprise_log_entry *
reprise_log_page_entries(const struct reprise_log_page *page, size_t *ret_entries_count)
{
	*ret_entries_count = page != NULL ? page->entries_count : 0;
	return page != NULL ? page->entries : NULL;
}

void
page_empty(struct reprise_log_page *page)
{
	page->entries_count = 0;
	page->bytes_count = 0;
}

/* Appends bytes to those that are there; false: no memory. */
static bool
add_bytes(struct reprise_log_page *page, struct reprise_bytes bytes)
{
	const size_t needed = page->bytes_count + bytes.size;

	if (needed > page->bytes_room) {
		void *const room = grown(page->bytes, &page->bytes_room, needed, 1);

		if (room == NULL)
			return false;
		page->bytes = room;
	}
	if (bytes.size != 0)
		memcpy(page->bytes + page->bytes_count, bytes.data, bytes.size);
	page->bytes_count = needed;
	return true;
}

bool
page_add(struct reprise_log_page *page, const struct log_row *row)
{
	if (page->entries_count == page->entries_room) {
		void *const entries = grown(page->entries, &page->entries_room,
					    page->entries_count + 1, sizeof(*page->entries));

		if (entries == NULL)
			return false;
		page->entries = entries;
	}
	if (!add_bytes(page, row->payload))
		return false;
	page->entries[page->entries_count++] = (struct reprise_log_entry){
		.type = (reprise_log_entry_type)row->type,
		.first = row->first,
		.last = row->last,
		.revision = row->revision,
		.time_ns = row->time_ns,
		.kind = row->kind,
		.flags = row->flags,
		.reason = (reprise_log_gap_reason)row->reason,
		.payload.size = row->payload.size,
	};
	return true;
}

const void *
page_keep(struct reprise_log_page *page, struct reprise_bytes bytes)
{
	return add_bytes(page, bytes) ? page->bytes : NULL;
}

void
page_settle(struct reprise_log_page *page)
{
	const unsigned char *at = page->bytes;

	for (size_t i = 0; i < page->entries_count; i++) {
		struct reprise_bytes *const payload = &page->entries[i].payload;

		payload->data = payload->size != 0 ? at : NULL;
		if (payload->size != 0)
			at += payload->size;
	}
}
