/* SPDX-License-Identifier: MIT */
#ifndef THREAD_PAGE_H
#define THREAD_PAGE_H

/*
 * A page: bytes, and a table of items in front of them. While a page is filled the bytes may move;
 * so the items are made last, from the places of the bytes.
 */

#include "thread/adapter.h"
#include "thread/buffer.h"

struct place {
	uint64_t number; /* a version, or a message's number */
	size_t at, size;
};

struct reprise_thread_page {
	struct buffer bytes;
	struct place *places;
	size_t places_count, places_room;
	void *items;
	size_t items_bytes; /* that there is room for */
	struct thread_head *heads;
};

void page_empty(struct reprise_thread_page *page);

/* Notes that the bytes from @at to the page's last one belong to @number. False: no memory. */
bool page_note(struct reprise_thread_page *page, uint64_t number, size_t at);

/* Room for the items; NULL: no memory. */
void *page_items(struct reprise_thread_page *page, size_t count, size_t item_bytes);

static inline struct reprise_bytes
page_bytes(const struct reprise_thread_page *page, const struct place *place)
{
	return (struct reprise_bytes){ page->bytes.data + place->at, place->size };
}

#endif /* THREAD_PAGE_H */
