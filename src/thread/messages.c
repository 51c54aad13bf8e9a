/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "base/numbers.h"
#include "base/sized.h"
#include "base/sizes.h"
#include "thread/fold.h"
#include "thread/handle.h"
#include "thread/load.h"
#include "thread/page.h"
#include "thread/uid.h"

static const char *
refusal(const struct reprise_thread_range *range)
{
	if (range->limit == 0 || range->limit > REPRISE_THREAD_LIMIT_MAX)
		return "range: limit";
	if (range->is_descending != 0 && range->is_descending != 1)
		return "range: is_descending";
	return range->reserved != 0 ? "range: reserved" : NULL;
}

/* Writes the messages of the range into the page, at most as many as it may have. */
static reprise_status
pick(const json_t *messages, const struct reprise_thread_range *range,
     struct reprise_thread_page *page, bool *ret_has_more, struct reprise_error *error)
{
	const uint64_t total = json_array_size(messages);
	const uint64_t first = least(range->after, total) + 1;
	const uint64_t end = range->before != 0 ? least(range->before, total + 1) : total + 1;
	const uint64_t in_range = end > first ? end - first : 0;
	const uint64_t count = least(in_range, range->limit);
	reprise_status status = REPRISE_OK;

	*ret_has_more = in_range > count;
	for (uint64_t i = 0; i < count && status == REPRISE_OK; i++) {
		const uint64_t number = range->is_descending ? end - 1 - i : first + i;
		const size_t at = page->bytes.size;

		status = json_write(json_array_get(messages, number - 1), "message", &page->bytes,
				    error);
		if (status == REPRISE_OK && !page_note(page, number, at))
			status = error_plain(error, REPRISE_E_NO_MEMORY);
	}
	return status;
}

static reprise_status
tell(struct reprise_thread_page *page, struct reprise_thread_messages *messages,
     struct reprise_thread_messages *ret_messages, struct reprise_error *error)
{
	struct reprise_thread_message *const items =
		page_items(page, page->places_count, sizeof(*items));

	if (items == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	for (size_t i = 0; i < page->places_count; i++)
		items[i] = (struct reprise_thread_message){ page->places[i].number,
							    page_bytes(page, &page->places[i]) };
	messages->messages = items;
	messages->messages_count = page->places_count;
	(void)sized_write(ret_messages, messages, sizeof(*messages),
			  SIZE_MIN(reprise_thread_messages));
	return REPRISE_OK;
}

static reprise_status
read_document(struct reprise_thread_store *store, const char *id, struct thread_head *head,
	      struct document *document, struct reprise_error *error)
{
	struct gathered gathered = { 0 };
	reprise_status status = look_begin(store, id, head, error);

	if (status == REPRISE_OK) {
		status = fold_gather(store, head, &gathered, error);
		look_end(store);
	}
	if (status == REPRISE_OK)
		status = fold_read(&gathered, document, error);
	gathered_free(&gathered);
	return status;
}

reprise_status
reprise_thread_messages(struct reprise_thread_store *store, const char *id,
			const struct reprise_thread_range *range, struct reprise_thread_page *page,
			struct reprise_thread_messages *ret_messages, struct reprise_error *error)
{
	struct reprise_thread_messages messages = { 0 };
	struct reprise_thread_range known;
	struct document document = { 0 };
	struct thread_head head;
	bool has_more = false;
	reprise_status status = handle_check(store, id, error);

	if (status != REPRISE_OK)
		return status;
	if (range == NULL)
		return error_invalid(error, "range");
	if (!sized_read(&known, sizeof(known), SIZE_MIN(reprise_thread_range), range))
		return error_size(error, "range: size", range, sizeof(known));
	if (refusal(&known) != NULL)
		return error_invalid(error, refusal(&known));
	status = load_check(page, ret_messages, SIZE_MIN(reprise_thread_messages), "ret_messages",
			    "ret_messages: size", error);
	if (status != REPRISE_OK)
		return status;
	page_empty(page);
	status = read_document(store, id, &head, &document, error);
	if (status == REPRISE_OK)
		status = pick(document.messages, &known, page, &has_more, error);
	messages.total = json_array_size(document.messages);
	document_free(&document);
	if (status != REPRISE_OK)
		return status;
	messages.version = head.version;
	messages.has_more = has_more;
	uid_format(&head.uid, messages.uid);
	return tell(page, &messages, ret_messages, error);
}
