/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "base/numbers.h"
#include "log/handle.h"
#include "log/page.h"
#include "log/row.h"

#define BYTES_LIMIT_DEFAULT (UINT64_C(1) << 20)

/* A page that is being filled. */
struct loading {
	uint32_t key_checksum;
	const struct log_head *head;
	struct reprise_log_page *page;
	reprise_ordinal next; /* the row that follows begins here, or before if it is the first */
	uint64_t bytes_limit;
	bool has_no_memory;
	const char *fault; /* or NULL */
};

static const char *
fault_of(const struct loading *loading, const struct log_row *row)
{
	const char *const fault = row_fault(loading->key_checksum, row);

	if (fault != NULL)
		return fault;
	if (row->first > loading->next)
		return "a row is missing";
	if (row->first < loading->next &&
	    (loading->page->entries_count != 0 || row->last < loading->next))
		return "two rows of one ordinal";
	if (row->last > loading->head->head)
		return "a row beyond the head";
	return NULL;
}

static bool
load_row(const struct log_row *row, void *context)
{
	struct loading *const loading = context;

	loading->fault = fault_of(loading, row);
	if (loading->fault != NULL)
		return false;
	if (!page_add(loading->page, row, loading->next)) {
		loading->has_no_memory = true;
		return false;
	}
	loading->next = row->last + 1;
	return loading->page->bytes_count < loading->bytes_limit;
}

/* Says of each entry which life it is of. */
static reprise_status
set_lives(struct reprise_log *log, int64_t id, struct reprise_log_page *page,
	  struct reprise_error *error)
{
	struct reprise_life life = { 0 }, next = { 0 };
	reprise_status status = REPRISE_OK;

	for (size_t i = 0; i < page->entries_count && status == REPRISE_OK; i++) {
		struct reprise_log_entry *const entry = &page->entries[i];
		size_t count = 0;

		if (life.number == 0 || (next.number != 0 && entry->first >= next.first)) {
			next = (struct reprise_life){ 0 };
			status = log->adapter->life_at(log, id, entry->first, &life, error);
			if (status == REPRISE_OK && life.number == 0)
				status = corrupt(error, "a row before the first life");
			if (status == REPRISE_OK)
				status = log->adapter->lives_after(log, id, life.number, &next, 1,
								   &count, error);
		}
		entry->life = life.incarnation;
	}
	return status;
}

static reprise_status
load(struct reprise_log *log, struct loading *loading, uint64_t limit, struct reprise_error *error)
{
	struct reprise_log_page *const page = loading->page;
	const struct log_head *const head = loading->head;
	reprise_status status = log->adapter->rows_after(log, head->id, loading->next - 1, limit,
							 load_row, loading, error);

	if (status != REPRISE_OK)
		return status;
	if (loading->fault != NULL)
		return corrupt(error, loading->fault);
	if (loading->has_no_memory)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	if (loading->next <= head->head && page->entries_count < limit &&
	    page->bytes_count < loading->bytes_limit)
		return corrupt(error, "the last row is missing");
	if (head->kind == REPRISE_LOG_RING)
		status = set_lives(log, head->id, page, error);
	page_settle(page);
	return status;
}

reprise_status
reprise_log_load_after(struct reprise_log *log, const struct reprise_log_key *key,
		       reprise_ordinal after, uint64_t limit, uint64_t bytes_limit,
		       struct reprise_log_page *page, struct reprise_error *error)
{
	struct log_head head = { 0 };
	reprise_status status = handle_check(log, key, error);

	if (status != REPRISE_OK)
		return status;
	if (page == NULL)
		return error_invalid(error, "page");
	page_empty(page);
	status = look_begin(log, key, &head, error);
	after = greatest(after, head.watermark);
	if (status == REPRISE_OK && after < head.head && limit != 0) {
		struct loading loading = {
			.key_checksum = row_key_checksum(key->tenant, key->thread),
			.head = &head,
			.page = page,
			.next = after + 1,
			.bytes_limit = bytes_limit != 0 ? bytes_limit : BYTES_LIMIT_DEFAULT,
		};

		status = load(log, &loading, least(limit, LOG_NUMBER_MAX), error);
	}
	look_end(log);
	if (status != REPRISE_OK)
		page_empty(page);
	return status;
}
