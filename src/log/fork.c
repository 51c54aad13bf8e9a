/* SPDX-License-Identifier: MIT */
/*
 * Copying a key's entries to a new key (contract L52). The rows are read page by page and written
 * again inside one transaction: each row has a checksum over its key, so the copy of a row has
 * another one, and a damaged row is found before the copy would make it look whole. A page has a
 * bound, and so has the memory of the copy.
 */
#include <string.h>

#include <reprise/log_upkeep.h>

#include "base/error.h"
#include "base/numbers.h"
#include "log/handle.h"
#include "log/load.h"
#include "log/lookup.h"
#include "log/row.h"
#include "log/target.h"

enum {
	ROWS_AT_A_TIME = 1000,
	RISES_AT_A_TIME = 64,
	LIVES_AT_A_TIME = 64,
};

struct forking {
	struct reprise_log *log;
	struct log_head heads[2]; /* in the order of the threads */
	const struct log_head *from;
	struct target to;
	uint64_t through;
	struct reprise_log_page *page;
};

/* Why nothing is copied, or OK. */
static reprise_status
refusal_of(const struct forking *forking, struct reprise_error *error)
{
	const struct log_head *const from = forking->from;

	if (from->kind == 0)
		return error_detailed(error, REPRISE_E_NOT_FOUND, "from",
				      "nothing was ever written to it");
	if (forking->to.head->kind != 0)
		return error_detailed(error, REPRISE_E_EXISTS, "to", "it was written to before");
	if (forking->through > from->head)
		return error_conflict_detailed(error, forking->through, from->head,
					       "the key has no such ordinal yet");
	if (forking->through < from->watermark)
		return error_detailed(error, REPRISE_E_EXPIRED, "through",
				      "the ordinal is archived, and so are ordinals after it");
	if (from->watermark != 0 && from->blobs != 0)
		return error_detailed(
			error, REPRISE_E_INVALID, "from",
			"its blobs stand for archived entries, and blobs are not copied");
	return REPRISE_OK;
}

/*
 * The last rise among the archived entries. The copy has none of those entries: its head is as if
 * they were moved away.
 */
static reprise_status
find_moved(const struct forking *forking, struct log_mark *ret_moved, struct reprise_error *error)
{
	const struct log_head *const from = forking->from;
	struct log_mark rises[RISES_AT_A_TIME];
	size_t count = RISES_AT_A_TIME, i = count;

	/* Without an ordinal the revision says nothing. */
	*ret_moved = from->moved.ordinal != 0 ? from->moved : (struct log_mark){ 0 };
	while (i == count && count == RISES_AT_A_TIME) {
		const reprise_status status =
			lookup_rises_above(forking->log, from, ret_moved->revision, rises,
					   RISES_AT_A_TIME, &count, error);

		if (status != REPRISE_OK)
			return status;
		for (i = 0; i < count && rises[i].ordinal <= from->watermark; i++)
			*ret_moved = rises[i];
	}
	ret_moved->checksum = 0;
	return REPRISE_OK;
}

/* As a life of the copy, which ends with it at the latest. */
static reprise_status
copy_life(struct forking *forking, const struct reprise_life *life, struct reprise_error *error)
{
	struct log_head *const to = forking->to.head;
	const bool is_newest = life->number == forking->from->life.number;

	to->life = *life;
	to->life.end = least(is_newest ? forking->from->head : life->end, forking->through);
	to->life_checksum = log_life_checksum(to->key_checksum, &to->life);
	return forking->log->adapter->put_life(
		forking->log, to->id, &(struct log_life){ to->life, to->life_checksum }, error);
}

/* Nothing follows in the copy: its last life has everything that it ever had, unless it is void. */
static reprise_status
close_copy(struct forking *forking, struct reprise_error *error)
{
	struct reprise_life life = forking->to.head->life;

	if (life.number == 0)
		return corrupt(error, "a life is missing");
	life.end = forking->through;
	if (life.state != REPRISE_LIFE_INVALIDATED)
		life.state = REPRISE_LIFE_CLEAN;
	return copy_life(forking, &life, error);
}

/*
 * Each life that begins at or before the last ordinal; of the ordinal 0 the first life, without
 * entries.
 */
static reprise_status
copy_lives(struct forking *forking, struct reprise_error *error)
{
	struct reprise_life lives[LIVES_AT_A_TIME];
	const uint64_t bound = greatest(forking->through, 1);
	uint64_t number = 0;
	size_t count = LIVES_AT_A_TIME;

	while (count == LIVES_AT_A_TIME) {
		reprise_status status = lookup_lives_after(forking->log, forking->from, number,
							   lives, LIVES_AT_A_TIME, &count, error);

		for (size_t i = 0; i < count && status == REPRISE_OK; i++) {
			if (lives[i].first > bound)
				return close_copy(forking, error);
			status = copy_life(forking, &lives[i], error);
			number = lives[i].number;
		}
		if (status != REPRISE_OK)
			return status;
	}
	return close_copy(forking, error);
}

static reprise_status
copy_row(struct forking *forking, const struct reprise_log_entry *entry,
	 struct reprise_error *error)
{
	struct log_row row = {
		.first = entry->first,
		.last = least(entry->last, forking->through),
		.revision = entry->revision,
		.time_ns = entry->time_ns,
		.type = (uint32_t)entry->type,
		.kind = entry->kind,
		.flags = entry->flags,
		.reason = (uint32_t)entry->reason,
		.payload = entry->payload,
	};

	row.checksum = row_checksum(forking->to.head->key_checksum, &row);
	return target_put_row(&forking->to, &row, error);
}

static reprise_status
copy_rows(struct forking *forking, struct reprise_error *error)
{
	reprise_status status = REPRISE_OK;

	while (status == REPRISE_OK && forking->to.head->head < forking->through) {
		const struct reprise_log_entry *entries;
		size_t count = 0;
		const uint64_t after = forking->to.head->head;

		page_empty(forking->page);
		status = load_rows(forking->log, forking->from, after,
				   least(forking->through - after, ROWS_AT_A_TIME), 0,
				   forking->page, error);
		entries = reprise_log_page_entries(forking->page, &count);
		for (size_t i = 0; i < count && status == REPRISE_OK; i++)
			if (entries[i].first <= forking->through)
				status = copy_row(forking, &entries[i], error);
	}
	return status;
}

static reprise_status
copy(struct forking *forking, struct reprise_error *error)
{
	struct reprise_log *const log = forking->log;
	struct log_head *const to = forking->to.head;
	reprise_status status = find_moved(forking, &to->moved, error);

	if (status != REPRISE_OK)
		return status;
	to->kind = forking->from->kind;
	to->head = to->watermark = forking->from->watermark;
	to->revision_max = to->moved.revision;
	if (to->kind == REPRISE_LOG_RING)
		status = copy_lives(forking, error);
	if (status == REPRISE_OK)
		status = copy_rows(forking, error);
	if (status != REPRISE_OK)
		return status;
	to->checksum = log_head_checksum(to->key_checksum, to);
	return log->adapter->put_head(log, to, error);
}

static reprise_status
fork_in(struct forking *forking, const struct reprise_log_key *from,
	const struct reprise_log_key *to, struct reprise_error *error)
{
	struct reprise_log *const log = forking->log;
	const bool is_from_first = strcmp(from->thread, to->thread) < 0;
	const char *const threads[] = { is_from_first ? from->thread : to->thread,
					is_from_first ? to->thread : from->thread };
	struct log_head *const heads = forking->heads;
	struct log_head *const head_from = &heads[is_from_first ? 0 : 1];
	struct log_head *const head_to = &heads[is_from_first ? 1 : 0];
	reprise_status status = log->adapter->begin(log, log->level, from->tenant, threads, 2,
						    LOG_PATIENT, heads, error);

	if (status != REPRISE_OK)
		return status;
	head_from->key_checksum = log_key_checksum(from->tenant, from->thread);
	head_to->key_checksum = log_key_checksum(to->tenant, to->thread);
	forking->from = head_from;
	forking->to = (struct target){ .log = log, .key = *to, .head = head_to };
	const char *const fault =
		head_fault(head_from) != NULL ? head_fault(head_from) : head_fault(head_to);

	status = fault != NULL ? corrupt(error, fault) : refusal_of(forking, error);
	if (status == REPRISE_OK)
		status = copy(forking, error);
	if (status == REPRISE_OK)
		return log->adapter->commit(log, error);
	log->adapter->rollback(log);
	return status;
}

reprise_status
reprise_log_fork(struct reprise_log *log, const struct reprise_log_key *from,
		 const struct reprise_log_key *to, reprise_ordinal through,
		 struct reprise_error *error)
{
	struct forking forking = { .log = log, .through = through };
	reprise_status status = handle_check(log, from, error);

	if (status != REPRISE_OK)
		return status;
	if (to == NULL || !name_is_good(to->thread) || !name_is_good(to->tenant) ||
	    strcmp(from->tenant, to->tenant) != 0 || strcmp(from->thread, to->thread) == 0)
		return error_invalid(error, "to");
	status = reprise_log_page_open(&forking.page);
	if (status != REPRISE_OK)
		return error_plain(error, status);
	log_lock(log);
	status = fork_in(&forking, from, to, error);
	log_unlock(log);
	reprise_log_page_close(forking.page);
	return status;
}
