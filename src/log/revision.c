/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/error.h"
#include "base/numbers.h"
#include "log/handle.h"

struct gap_look {
	uint64_t last;
	uint64_t first; /* of a gap that ends at last; 0: none does */
};

static bool
look_at_row(const struct log_row *row, void *context)
{
	struct gap_look *const look = context;

	if (row->type == REPRISE_LOG_GAP && row->last == look->last)
		look->first = row->first;
	return false;
}

/*
 * What is lost in a gap may have had any revision up to that of the event after it: who stands behind one
 * would miss it unsaid. So a position goes back to before the gaps that it is just after.
 */
static reprise_status
go_before_gaps(struct reprise_log *log, const struct log_head *head, uint64_t *position,
	       struct reprise_error *error)
{
	while (*position > head->watermark) {
		struct gap_look look = { .last = *position };
		const reprise_status status = log->adapter->rows_after(
			log, head->id, *position - 1, 1, look_at_row, &look, error);

		if (status != REPRISE_OK)
			return status;
		if (look.first == 0 || look.first > *position)
			break;
		*position = look.first - 1;
	}
	return REPRISE_OK;
}

static reprise_status
position_for(struct reprise_log *log, const struct log_head *head, uint64_t revision,
	     uint64_t *ret_position, struct reprise_error *error)
{
	uint64_t ordinal = 0;
	const reprise_status status =
		log->adapter->rise_above(log, head->id, revision, &ordinal, error);

	if (status != REPRISE_OK)
		return status;
	if (ordinal > head->head)
		return corrupt(error, "a revision beyond the head");
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
		status = log->adapter->commit_from(log, head.id, revision, &ordinal, error);
	look_end(log);
	if (status == REPRISE_OK)
		*ret_has = ordinal > greatest(after, head.watermark);
	return status;
}

/*
 * The life that @position is in. Cursors of one that was invalidated are worth nothing, so that what follows it is
 * taken instead, from its beginning, if there is something.
 */
static reprise_status
life_for(struct reprise_log *log, const struct log_head *head, uint64_t *position,
	 struct reprise_life *ret_life, struct reprise_error *error)
{
	struct reprise_life life = { 0 }, next = { 0 };
	reprise_status status =
		log->adapter->life_at(log, head->id, greatest(*position, 1), &life, error);

	if (status == REPRISE_OK && life.number == 0)
		return corrupt(error, "a position before the first life");
	*ret_life = life;
	while (status == REPRISE_OK && life.state == REPRISE_LIFE_INVALIDATED) {
		size_t count = 0;

		status = log->adapter->lives_after(log, head->id, life.number, &next, 1, &count,
						   error);
		if (status != REPRISE_OK || count == 0)
			break;
		life = next;
		if (life.state != REPRISE_LIFE_INVALIDATED) {
			*ret_life = life;
			*position = greatest(*position, life.first - 1);
		}
	}
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
	look_end(log);
	if (status != REPRISE_OK)
		return status;
	*ret_cursor = (struct reprise_cursor){
		.incarnation = life.incarnation,
		.revision = revision,
		.position = position,
	};
	memcpy(ret_cursor->session_id, key->thread, strlen(key->thread) + 1);
	return REPRISE_OK;
}
