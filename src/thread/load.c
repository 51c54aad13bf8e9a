/* SPDX-License-Identifier: MIT */
#include "thread/load.h"
#include "base/error.h"
#include "base/numbers.h"
#include "base/sized.h"
#include "base/sizes.h"
#include "thread/fold.h"
#include "thread/handle.h"
#include "thread/page.h"
#include "thread/row.h"
#include "thread/uid.h"

#include <string.h>

#define BYTES_LIMIT_DEFAULT UINT64_C(1048576)

reprise_status
load_check(const struct reprise_thread_page *page, const void *ret, size_t size, const char *what,
	   const char *what_size, struct reprise_error *error)
{
	if (page == NULL)
		return error_invalid(error, "page");
	if (ret == NULL)
		return error_invalid(error, what);
	return sized_has_room(ret, size) ? REPRISE_OK : error_size(error, what_size, ret, size);
}

/* The page's bytes are the text's room. */
static reprise_status
load_text(struct reprise_thread_store *store, const char *id, struct thread_head *head,
	  struct buffer *bytes, struct reprise_error *error)
{
	struct gathered gathered = { .text = *bytes };
	reprise_status status = look_begin(store, id, head, error);

	if (status == REPRISE_OK) {
		status = fold_gather(store, head, &gathered, error);
		look_end(store);
	}
	if (status == REPRISE_OK)
		status = fold_text(&gathered, error);
	*bytes = gathered.text;
	gathered.text = (struct buffer){ 0 };
	gathered_free(&gathered);
	return status;
}

reprise_status
reprise_thread_load(struct reprise_thread_store *store, const char *id,
		    struct reprise_thread_page *page, struct reprise_thread_document *ret_document,
		    struct reprise_error *error)
{
	struct reprise_thread_document document = { 0 };
	struct thread_head head;
	reprise_status status = handle_check(store, id, error);

	if (status == REPRISE_OK)
		status = load_check(page, ret_document, SIZE_MIN(reprise_thread_document),
				    "ret_document", "ret_document: size", error);
	if (status != REPRISE_OK)
		return status;
	page_empty(page);
	status = load_text(store, id, &head, &page->bytes, error);
	if (status != REPRISE_OK)
		return status;
	document.version = head.version;
	uid_format(&head.uid, document.uid);
	document.json = buffer_bytes(&page->bytes);
	(void)sized_write(ret_document, &document, sizeof(document),
			  SIZE_MIN(reprise_thread_document));
	return REPRISE_OK;
}

struct loading {
	const struct thread_uid *uid;
	struct reprise_thread_page *page;
	uint64_t version; /* so far */
	uint64_t bytes_limit;
	reprise_status status;
	struct reprise_error *error;
};

static bool
take_delta(const struct thread_delta *row, void *context)
{
	struct loading *const loading = context;
	struct reprise_thread_page *const page = loading->page;
	const char *const fault = delta_fault(loading->uid, row);
	const size_t at = page->bytes.size;

	if (fault != NULL)
		loading->status = corrupt(loading->error, fault);
	else if (row->version != loading->version + 1)
		loading->status = corrupt(loading->error, "a delta is missing");
	else if (!buffer_add(&page->bytes, row->json.data, row->json.size) ||
		 !page_note(page, row->version, at))
		loading->status = error_plain(loading->error, REPRISE_E_NO_MEMORY);
	loading->version = row->version;
	return loading->status == REPRISE_OK && page->bytes.size < loading->bytes_limit;
}

static reprise_status
find_deltas(struct reprise_thread_store *store, const struct thread_head *head,
	    struct loading *loading, uint64_t limit)
{
	const uint64_t most = least(limit, head->version - loading->version);
	const uint64_t end = loading->version + most;

	if (most == 0)
		return REPRISE_OK;
	const reprise_status status = store->adapter->deltas_after(
		store, &head->uid, loading->version, most, take_delta, loading, loading->error);

	if (status != REPRISE_OK || loading->status != REPRISE_OK)
		return status != REPRISE_OK ? status : loading->status;
	if (loading->version != end && loading->page->bytes.size < loading->bytes_limit)
		return corrupt(loading->error, "a delta is missing");
	return REPRISE_OK;
}

static reprise_status
tell_deltas(struct reprise_thread_page *page, struct reprise_thread_deltas *deltas,
	    struct reprise_thread_deltas *ret_deltas, struct reprise_error *error)
{
	struct reprise_thread_delta *const items =
		page_items(page, page->places_count, sizeof(*items));

	if (items == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	for (size_t i = 0; i < page->places_count; i++)
		items[i] = (struct reprise_thread_delta){ page->places[i].number,
							  page_bytes(page, &page->places[i]) };
	deltas->deltas = items;
	deltas->deltas_count = page->places_count;
	(void)sized_write(ret_deltas, deltas, sizeof(*deltas), SIZE_MIN(reprise_thread_deltas));
	return REPRISE_OK;
}

reprise_status
reprise_thread_load_deltas(struct reprise_thread_store *store, const char *id,
			   uint64_t after_version, uint64_t limit, uint64_t bytes_limit,
			   struct reprise_thread_page *page,
			   struct reprise_thread_deltas *ret_deltas, struct reprise_error *error)
{
	struct reprise_thread_deltas deltas = { 0 };
	struct loading loading = { .page = page, .version = after_version, .error = error };
	struct thread_head head;
	reprise_status status = handle_check(store, id, error);

	if (status == REPRISE_OK)
		status = load_check(page, ret_deltas, SIZE_MIN(reprise_thread_deltas), "ret_deltas",
				    "ret_deltas: size", error);
	if (status == REPRISE_OK && limit == 0)
		status = error_invalid(error, "limit");
	if (status != REPRISE_OK)
		return status;
	page_empty(page);
	loading.bytes_limit = bytes_limit != 0 ? bytes_limit : BYTES_LIMIT_DEFAULT;
	status = look_begin(store, id, &head, error);
	if (status != REPRISE_OK)
		return status;
	loading.uid = &head.uid;
	if (after_version > head.version)
		status = error_conflict(error, after_version, head.version);
	deltas.has_gap = status == REPRISE_OK && after_version < head.complete_after;
	if (status == REPRISE_OK && !deltas.has_gap)
		status = find_deltas(store, &head, &loading, limit);
	look_end(store);
	if (status != REPRISE_OK) {
		page_empty(page);
		return status;
	}
	deltas.has_more = !deltas.has_gap && loading.version < head.version;
	deltas.complete_after = head.complete_after;
	deltas.version = head.version;
	uid_format(&head.uid, deltas.uid);
	return tell_deltas(page, &deltas, ret_deltas, error);
}
