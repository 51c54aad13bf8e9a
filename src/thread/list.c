/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/error.h"
#include "base/sized.h"
#include "base/sizes.h"
#include "thread/handle.h"
#include "thread/load.h"
#include "thread/page.h"
#include "thread/row.h"
#include "thread/uid.h"

static reprise_status
find(struct reprise_thread_store *store, uint64_t offset, uint64_t limit, struct thread_head *heads,
     struct reprise_thread_list *list, struct reprise_error *error)
{
	struct thread_head none;
	reprise_status status = look_begin(store, NULL, &none, error);

	if (status != REPRISE_OK)
		return status;
	status = store->adapter->heads(store, offset, limit, heads, &list->entries_count,
				       &list->total, error);
	look_end(store);
	for (size_t i = 0; i < list->entries_count && status == REPRISE_OK; i++) {
		const char *const fault = head_fault(&heads[i]);

		if (fault != NULL)
			status = error_detailed(error, REPRISE_E_CORRUPT, fault, heads[i].id);
	}
	return status;
}

reprise_status
reprise_thread_list(struct reprise_thread_store *store, uint64_t offset, uint64_t limit,
		    struct reprise_thread_page *page, struct reprise_thread_list *ret_list,
		    struct reprise_error *error)
{
	struct reprise_thread_list list = { 0 };
	reprise_status status = handle_check_alone(store, error);

	if (status == REPRISE_OK)
		status = load_check(page, ret_list, SIZE_MIN(reprise_thread_list), "ret_list",
				    "ret_list: size", error);
	if (status == REPRISE_OK && (limit == 0 || limit > REPRISE_THREAD_LIMIT_MAX))
		status = error_invalid(error, "limit");
	if (status == REPRISE_OK && offset > THREAD_NUMBER_MAX)
		status = error_invalid(error, "offset");
	if (status != REPRISE_OK)
		return status;
	page_empty(page);
	if (page->heads == NULL)
		page->heads = calloc(REPRISE_THREAD_LIMIT_MAX, sizeof(*page->heads));
	struct reprise_thread_entry *const entries = page_items(page, limit, sizeof(*entries));

	if (page->heads == NULL || entries == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	status = find(store, offset, limit, page->heads, &list, error);
	if (status != REPRISE_OK)
		return status;
	for (size_t i = 0; i < list.entries_count; i++) {
		entries[i].id = page->heads[i].id;
		entries[i].version = page->heads[i].version;
		uid_format(&page->heads[i].uid, entries[i].uid);
	}
	list.entries = entries;
	list.has_more = offset < list.total && list.total - offset > list.entries_count;
	(void)sized_write(ret_list, &list, sizeof(list), SIZE_MIN(reprise_thread_list));
	return REPRISE_OK;
}
