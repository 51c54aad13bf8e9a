/* SPDX-License-Identifier: MIT */
#ifndef LOG_PAGE_H
#define LOG_PAGE_H

#include "log/adapter.h"

struct reprise_log_page {
	struct reprise_log_entry *entries;
	size_t entries_count, entries_room;
	unsigned char *bytes; /* the payloads, one after the other */
	size_t bytes_count, bytes_room;
};

void page_empty(struct reprise_log_page *page);

/* Copies a row; false: no memory. Its payload has no address yet. */
bool page_add(struct reprise_log_page *page, const struct log_row *row);

/* Copies bytes that are no row's, and answers where; NULL: no memory. The page is empty. */
const void *page_keep(struct reprise_log_page *page, struct reprise_bytes bytes);

/* Nothing is added any more: payloads have their addresses. */
void page_settle(struct reprise_log_page *page);

#endif /* LOG_PAGE_H */
