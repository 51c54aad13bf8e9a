/* SPDX-License-Identifier: MIT */
#include "log/load.h"
#include "base/error.h"
#include "base/numbers.h"
#include "log/handle.h"
#include "log/lookup.h"
#include "log/row.h"
#include "log/write.h"

#define BYTES_LIMIT_DEFAULT (UINT64_C(1) << 20)

/* Rows that follow on each other, shown as they come. */
struct walk {
	const struct log_head *head;
	reprise_ordinal next; /* the row that follows begins here, or before if it is the first */
	uint64_t rows, limit;
	log_row_visit visit;
	void *context;
	bool is_enough;
	const char *fault; /* or NULL */
	bool wants_damage; /* if the first row is no good: up to where */
	reprise_ordinal damaged;
};

static const char *
fault_of(const struct walk *walk, const struct log_row *row)
{
	const char *const fault = row_fault(walk->head->key_checksum, row);

	if (fault != NULL)
		return fault;
	if (row->first > walk->next)
		return "a row is missing";
	if (row->first < walk->next && (walk->rows != 0 || row->last < walk->next))
		return "two rows have the same ordinal";
	if (row->last > walk->head->head)
		return "a row lies beyond the head";
	return NULL;
}

/* After a fault: whether it is asked how far it reaches, and this row is no good either. */
static bool
is_damage_wider(struct walk *walk, const struct log_row *row)
{
	if (!walk->wants_damage || walk->rows > 0)
		return false;
	walk->damaged = walk->head->head;
	if (row_fault(walk->head->key_checksum, row) != NULL || row->first < walk->next ||
	    row->first > walk->head->head)
		return true;
	walk->damaged = row->first - 1;
	return false;
}

static bool
step(const struct log_row *row, void *context)
{
	struct walk *const walk = context;
	struct log_row clipped;

	if (walk->fault == NULL)
		walk->fault = fault_of(walk, row);
	if (walk->fault != NULL)
		return is_damage_wider(walk, row);
	if (row->first < walk->next) {
		clipped = *row;
		clipped.first = walk->next;
		row = &clipped;
	}
	walk->rows++;
	walk->next = row->last + 1;
	walk->is_enough = !walk->visit(row, walk->context);
	return !walk->is_enough;
}

/* Shows what follows @walk->next - 1, which is before the head. */
static reprise_status
walk_rows(struct reprise_log *log, struct walk *walk, struct reprise_error *error)
{
	const struct log_head *const head = walk->head;

	const reprise_status status = log->adapter->rows_after(log, head->id, walk->next - 1,
							       walk->limit, step, walk, error);

	if (status != REPRISE_OK)
		return status;
	if (walk->fault != NULL)
		return corrupt(error, walk->fault);
	if (walk->next <= head->head && walk->rows < walk->limit && !walk->is_enough) {
		walk->damaged = walk->rows == 0 ? head->head : 0;
		return corrupt(error, "the last row is missing");
	}
	return REPRISE_OK;
}

reprise_status
log_rows_after(struct reprise_log *log, const struct reprise_log_key *key, reprise_ordinal after,
	       log_row_visit visit, void *context, reprise_ordinal *ret_damaged,
	       struct reprise_error *error)
{
	struct log_head head = { 0 };
	struct walk walk = {
		.head = &head,
		.limit = LOG_NUMBER_MAX,
		.visit = visit,
		.context = context,
		.wants_damage = true,
	};
	reprise_status status = look_begin(log, key, &head, error);

	walk.next = greatest(after, head.watermark) + 1;
	if (status == REPRISE_OK && walk.next <= head.head)
		status = walk_rows(log, &walk, error);
	look_end(log);
	*ret_damaged = walk.damaged;
	return status;
}

/* A page that is being filled. */
struct loading {
	struct reprise_log_page *page;
	uint64_t bytes_limit;
	bool has_no_memory;
};

static bool
load_row(const struct log_row *row, void *context)
{
	struct loading *const loading = context;

	loading->has_no_memory = !page_add(loading->page, row);
	return !loading->has_no_memory && loading->page->bytes_count < loading->bytes_limit;
}

/* Says of each entry which life it is of. */
static reprise_status
set_lives(struct reprise_log *log, const struct log_head *head, struct reprise_log_page *page,
	  struct reprise_error *error)
{
	struct reprise_life life = { 0 }, next = { 0 };
	reprise_status status = REPRISE_OK;

	for (size_t i = 0; i < page->entries_count && status == REPRISE_OK; i++) {
		struct reprise_log_entry *const entry = &page->entries[i];
		size_t count = 0;

		if (life.number == 0 || (next.number != 0 && entry->first >= next.first)) {
			next = (struct reprise_life){ 0 };
			status = lookup_life_at(log, head, entry->first, &life, error);
			if (status == REPRISE_OK && life.number == 0)
				status = corrupt(error, "a row lies before the first life");
			if (status == REPRISE_OK)
				status = lookup_lives_after(log, head, life.number, &next, 1,
							    &count, error);
		}
		entry->life = life.incarnation;
	}
	return status;
}

reprise_status
load_rows(struct reprise_log *log, const struct log_head *head, reprise_ordinal after,
	  uint64_t limit, uint64_t bytes_limit, struct reprise_log_page *page,
	  struct reprise_error *error)
{
	struct loading loading = {
		.page = page,
		.bytes_limit = bytes_limit != 0 ? bytes_limit : BYTES_LIMIT_DEFAULT,
	};
	struct walk walk = { .head = head,
			     .next = after + 1,
			     .limit = least(limit, LOG_NUMBER_MAX),
			     .visit = load_row,
			     .context = &loading };
	const reprise_status status = walk_rows(log, &walk, error);

	if (status != REPRISE_OK)
		return status;
	if (loading.has_no_memory)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	page_settle(page);
	return REPRISE_OK;
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
	if (status == REPRISE_OK && after < head.head && limit != 0)
		status = load_rows(log, &head, after, limit, bytes_limit, page, error);
	if (status == REPRISE_OK && head.kind == REPRISE_LOG_RING)
		status = set_lives(log, &head, page, error);
	look_end(log);
	if (status != REPRISE_OK)
		page_empty(page);
	return status;
}
