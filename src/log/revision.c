/* SPDX-License-Identifier: MIT */

/*
 * Two questions of revisions (adapter.h: rises and commits), and the cursors that follow from the
 * answers. Both indexes are of all events. Where an index names an event of a void life, the rows
 * are looked through instead.
 */

#include <string.h>

#include <reprise/session.h>

#include "base/error.h"
#include "base/numbers.h"
#include "log/handle.h"
#include "log/lookup.h"
#include "log/row.h"
#include "log/write.h"

struct gap_look {
	uint32_t key_checksum;
	uint64_t last;
	uint64_t first;    /* of a gap that ends at last; 0: none does */
	const char *fault; /* of the row that was met, or NULL */
};

static bool
look_at_row(const struct log_row *row, void *context)
{
	struct gap_look *const look = context;

	look->fault = row_fault(look->key_checksum, row);
	if (look->fault == NULL && row->type == REPRISE_LOG_GAP && row->last == look->last)
		look->first = row->first;
	return false;
}

/*
 * Events that are lost in a gap may have had any revision up to that of the next event: a host
 * behind the gap would miss them unsaid. So a position goes back to before the gaps that it is just
 * after. The events of a void life do not count: a gap before such a life is looked for, too.
 */
static reprise_status
go_before_gaps(struct reprise_log *log, const struct log_head *head, uint64_t *position,
	       struct reprise_error *error)
{
	uint64_t at = *position;

	while (at > head->watermark) {
		struct gap_look look = { .key_checksum = head->key_checksum, .last = at };
		struct reprise_life life = { 0 };
		reprise_status status = lookup_life_at(log, head, at, &life, error);

		if (status != REPRISE_OK)
			return status;
		if (life.state == REPRISE_LIFE_INVALIDATED && life.first <= at) {
			at = life.first - 1;
			continue;
		}
		status = log->adapter->rows_after(log, head->id, at - 1, 1, look_at_row, &look,
						  error);
		if (status != REPRISE_OK)
			return status;
		if (look.fault != NULL)
			return corrupt(error, look.fault);
		if (look.first == 0 || look.first > at)
			break;
		*position = at = look.first - 1;
	}
	return REPRISE_OK;
}

/* A search through the rows, one by one, where the indexes name an event of a void life. */
struct search {
	struct reprise_log *log;
	const struct log_head *head;
	uint16_t flags;    /* that the event has, all of them */
	uint64_t revision; /* that the event has at least */
	uint64_t last;     /* not beyond this */
	uint64_t found;    /* 0: none */
};

static bool
look_at_candidate(const struct log_row *row, void *context)
{
	struct search *const search = context;

	if (row->last > search->last)
		return false;
	/* Nobody is given a damaged event. */
	if (row->type == REPRISE_LOG_EVENT && (row->flags & search->flags) == search->flags &&
	    row->revision >= search->revision && row_fault(search->head->key_checksum, row) == NULL)
		search->found = row->last;
	return search->found == 0;
}

/* The first such event in first .. last, which are of lives that are not void. */
static reprise_status
search_rows(struct search *search, uint64_t first, uint64_t last, struct reprise_error *error)
{
	if (first > last)
		return REPRISE_OK;
	search->last = last;
	return search->log->adapter->rows_after(search->log, search->head->id, first - 1,
						LOG_NUMBER_MAX, look_at_candidate, search, error);
}

/* The first such event in first .. last of a life that is not void. Linear in what is between. */
static reprise_status
search_lives(struct search *search, uint64_t first, uint64_t last, struct reprise_error *error)
{
	struct reprise_log *const log = search->log;
	struct reprise_life life = { 0 };
	size_t count = 1;
	reprise_status status = lookup_life_at(log, search->head, first, &life, error);

	while (status == REPRISE_OK && count == 1 && life.first <= last && search->found == 0) {
		if (life.state == REPRISE_LIFE_INVALIDATED) {
			status = search_rows(search, first, least(life.first - 1, last), error);
			first = greatest(first, life.end + 1);
		}
		if (status == REPRISE_OK)
			status = lookup_lives_after(log, search->head, life.number, &life, 1,
						    &count, error);
	}
	if (status == REPRISE_OK && search->found == 0)
		status = search_rows(search, first, last, error);
	return status;
}

/* The life that @ordinal is of, if that is void; number 0 else. */
static reprise_status
void_life_at(struct reprise_log *log, const struct log_head *head, uint64_t ordinal,
	     struct reprise_life *ret_life, struct reprise_error *error)
{
	const reprise_status status = lookup_life_at(log, head, ordinal, ret_life, error);

	if (status != REPRISE_OK || ret_life->state != REPRISE_LIFE_INVALIDATED)
		*ret_life = (struct reprise_life){ 0 };
	else if (ret_life->number == head->life.number)
		*ret_life = head_life(head);
	return status;
}

/* The first event with a revision greater than @revision, of a life that is not void. */
static reprise_status
find_newer(struct reprise_log *log, const struct log_head *head, uint64_t revision,
	   uint64_t *ret_ordinal, struct reprise_error *error)
{
	struct search search = { .log = log, .head = head, .revision = revision + 1 };
	struct reprise_life life = { 0 };
	struct log_mark rise = { 0 };
	size_t count = 0;
	reprise_status status = lookup_rises_above(log, head, revision, &rise, 1, &count, error);

	*ret_ordinal = rise.ordinal;
	if (status != REPRISE_OK || count == 0)
		return status;
	if (rise.ordinal == 0 || rise.ordinal > head->head)
		return corrupt(error, "a revision lies beyond the head");
	status = void_life_at(log, head, *ret_ordinal, &life, error);
	if (status != REPRISE_OK || life.number == 0)
		return status;
	/*
	 * Rises are of all events; an event after the void life may be newer without being a rise.
	 */
	status = search_lives(&search, greatest(life.end, head->watermark) + 1, head->head, error);
	*ret_ordinal = search.found;
	return status;
}

static reprise_status
position_for(struct reprise_log *log, const struct log_head *head, uint64_t revision,
	     uint64_t *ret_position, struct reprise_error *error)
{
	uint64_t ordinal = 0;

	/*
	 * The first event with a greater revision was moved away, and its rise with it: it may have
	 * been any of the archived ones, so a host that resumes there is told that all of them are
	 * lost to it.
	 */
	if (head->moved.ordinal != 0 && revision < head->moved.revision) {
		*ret_position = 0;
		return REPRISE_OK;
	}
	const reprise_status status = find_newer(log, head, revision, &ordinal, error);

	if (status != REPRISE_OK)
		return status;
	*ret_position = ordinal != 0 ? ordinal - 1 : head->head;
	return go_before_gaps(log, head, ret_position, error);
}

/* A key that was written to. */
static reprise_status
look_known(struct reprise_log *log, const struct reprise_log_key *key, struct log_head *ret_head,
	   struct reprise_error *error)
{
	const reprise_status status = look_begin(log, key, ret_head, error);

	if (status == REPRISE_OK && ret_head->kind == 0)
		return error_plain(error, REPRISE_E_NOT_FOUND);
	return status;
}

reprise_status
reprise_log_position_for_revision(struct reprise_log *log, const struct reprise_log_key *key,
				  uint64_t revision, reprise_ordinal *ret_position,
				  struct reprise_error *error)
{
	struct log_head head = { 0 };
	uint64_t position = 0;
	reprise_status status = handle_check(log, key, error);

	if (status != REPRISE_OK)
		return status;
	if (ret_position == NULL)
		return error_invalid(error, "ret_position");
	status = look_known(log, key, &head, error);
	if (status == REPRISE_OK)
		status = position_for(log, &head, revision, &position, error);
	look_end(log);
	if (status == REPRISE_OK)
		*ret_position = position;
	return status;
}

/* A COMMIT after @after with at least that revision, of a life that is not void. */
static reprise_status
find_commit(struct reprise_log *log, const struct log_head *head, uint64_t after, uint64_t revision,
	    uint64_t *ret_ordinal, struct reprise_error *error)
{
	struct search search = {
		.log = log, .head = head, .flags = REPRISE_EVENT_COMMIT, .revision = revision
	};
	struct reprise_life life = { 0 };
	struct log_mark commit = { 0 };
	size_t count = 0;
	reprise_status status = lookup_commits_from(log, head, revision, &commit, 1, &count, error);

	*ret_ordinal = 0;
	if (status == REPRISE_OK && commit.ordinal > head->head)
		return corrupt(error, "a commit lies beyond the head");
	if (status != REPRISE_OK || commit.ordinal <= after)
		return status;
	status = void_life_at(log, head, commit.ordinal, &life, error);
	if (status == REPRISE_OK && life.number == 0)
		*ret_ordinal = commit.ordinal;
	if (status != REPRISE_OK || life.number == 0 || life.first <= after + 1)
		return status;
	/* The last of these events: the others, gone from the index, are before the void life. */
	status = search_lives(&search, after + 1, life.first - 1, error);
	*ret_ordinal = search.found;
	return status;
}

reprise_status
reprise_log_has_commit(struct reprise_log *log, const struct reprise_log_key *key,
		       reprise_ordinal after, uint64_t revision, bool *ret_has,
		       struct reprise_error *error)
{
	struct log_head head = { 0 };
	uint64_t ordinal = 0;
	reprise_status status = handle_check(log, key, error);

	if (status != REPRISE_OK)
		return status;
	if (ret_has == NULL)
		return error_invalid(error, "ret_has");
	status = look_known(log, key, &head, error);
	if (status == REPRISE_OK)
		status = find_commit(log, &head, greatest(after, head.watermark), revision,
				     &ordinal, error);
	look_end(log);
	if (status == REPRISE_OK)
		*ret_has = ordinal != 0;
	return status;
}

/* The nearest life before @number that is not void, with its true end; number 0: none. */
static reprise_status
life_before(struct reprise_log *log, const struct log_head *head, uint64_t number,
	    struct reprise_life *ret_life, struct reprise_error *error)
{
	reprise_status status = REPRISE_OK;

	*ret_life = (struct reprise_life){ 0 };
	for (; number > 1; number--) {
		size_t count = 0;

		status = lookup_lives_after(log, head, number - 2, ret_life, 1, &count, error);
		if (status != REPRISE_OK || count == 0 || ret_life->number >= number)
			break;
		if (ret_life->state != REPRISE_LIFE_INVALIDATED)
			return REPRISE_OK;
	}
	*ret_life = (struct reprise_life){ 0 };
	return status;
}

/*
 * The life that @position is in. A cursor of a void life is refused, so the beginning of the next
 * life that is not void is taken instead; else the end of the one before. Number 0: every life is
 * void (rule L44).
 */
static reprise_status
life_for(struct reprise_log *log, const struct log_head *head, uint64_t *position,
	 struct reprise_life *ret_life, struct reprise_error *error)
{
	struct reprise_life life = { 0 };
	size_t count = 1;
	reprise_status status = lookup_life_at(log, head, greatest(*position, 1), &life, error);

	if (status == REPRISE_OK && life.number == 0)
		return corrupt(error, "a position lies before the first life");
	*ret_life = life;
	while (status == REPRISE_OK && count == 1 && life.state == REPRISE_LIFE_INVALIDATED)
		status = lookup_lives_after(log, head, life.number, &life, 1, &count, error);
	if (status != REPRISE_OK)
		return status;
	if (count == 0) {
		status = life_before(log, head, ret_life->number, ret_life, error);
		*position = least(*position, ret_life->end);
	} else if (life.number != ret_life->number) {
		*ret_life = life;
		*position = greatest(*position, life.first - 1);
	}
	return status;
}

static bool
take_revision(const struct log_row *row, void *context)
{
	struct log_newest *const newest = context;

	if (row->type == REPRISE_LOG_EVENT && row->last == newest->position) {
		newest->revision = row->revision;
		newest->has_revision = true;
	}
	return false;
}

reprise_status
log_find_newest(struct reprise_log *log, const struct reprise_log_key *key,
		struct log_newest *ret_newest, struct reprise_error *error)
{
	struct log_newest newest = { 0 };
	struct log_head head = { 0 };
	struct reprise_life life = { 0 };
	reprise_status status = look_known(log, key, &head, error);

	life = head_life(&head);
	if (status == REPRISE_OK && life.state == REPRISE_LIFE_INVALIDATED)
		status = life_before(log, &head, life.number, &life, error);
	newest.incarnation = life.incarnation;
	newest.position = life.end;
	if (status == REPRISE_OK && newest.position > head.watermark)
		status = log->adapter->rows_after(log, head.id, newest.position - 1, 1,
						  take_revision, &newest, error);
	look_end(log);
	if (status == REPRISE_OK)
		*ret_newest = newest;
	return status;
}

reprise_status
reprise_log_current_cursor(struct reprise_log *log, const struct reprise_log_key *key,
			   uint64_t revision, struct reprise_cursor *ret_cursor,
			   struct reprise_error *error)
{
	struct log_head head = { 0 };
	struct reprise_life life = { 0 };
	uint64_t position = 0;
	reprise_status status = handle_check(log, key, error);

	if (status != REPRISE_OK)
		return status;
	if (ret_cursor == NULL)
		return error_invalid(error, "ret_cursor");
	status = look_known(log, key, &head, error);
	if (status == REPRISE_OK && head.kind != REPRISE_LOG_RING)
		status = error_conflict(error, head.head, head.head);
	if (status == REPRISE_OK)
		status = position_for(log, &head, revision, &position, error);
	if (status == REPRISE_OK)
		status = life_for(log, &head, &position, &life, error);
	if (status == REPRISE_OK && life.number == 0)
		status = error_plain(error, REPRISE_E_NOT_FOUND);
	look_end(log);
	if (status != REPRISE_OK)
		return status;
	*ret_cursor = (struct reprise_cursor){
		.incarnation = life.incarnation,
		.revision = revision != REPRISE_REVISION_UNKNOWN ? revision : head.revision_max,
		.position = position,
	};
	memcpy(ret_cursor->session_id, key->thread, strlen(key->thread) + 1);
	return REPRISE_OK;
}
