/* SPDX-License-Identifier: MIT */
#include "thread/page.h"

#include <stdlib.h>

#include "base/error.h"

reprise_status
reprise_thread_page_open(struct reprise_thread_page **ret_page)
{
	if (ret_page == NULL)
		return REPRISE_E_INVALID;
	struct reprise_thread_page *const page = calloc(1, sizeof(*page));

	if (page == NULL)
		return REPRISE_E_NO_MEMORY;
	*ret_page = page;
	return REPRISE_OK;
}

void
reprise_thread_page_close(struct reprise_thread_page *page)
{
	if (page == NULL)
		return;
	buffer_free(&page->bytes);
	free(page->places);
	free(page->items);
	free(page->heads);
	free(page);
}

void
page_empty(struct reprise_thread_page *page)
{
	page->bytes.size = 0;
	page->places_count = 0;
}

bool
page_note(struct reprise_thread_page *page, uint64_t number, size_t at)
{
	if (page->places_count == page->places_room) {
		const size_t room = page->places_room != 0 ? 2 * page->places_room : 64;
		struct place *const places = realloc(page->places, room * sizeof(*places));

		if (places == NULL)
			return false;
		page->places = places;
		page->places_room = room;
	}
	page->places[page->places_count++] = (struct place){ number, at, page->bytes.size - at };
	return true;
}

void *
page_items(struct reprise_thread_page *page, size_t count, size_t item_bytes)
{
	const size_t bytes = (count != 0 ? count : 1) * item_bytes;

	if (bytes > page->items_bytes) {
		void *const items = realloc(page->items, bytes);

		if (items == NULL)
			return NULL;
		page->items = items;
		page->items_bytes = bytes;
	}
	return page->items;
}
