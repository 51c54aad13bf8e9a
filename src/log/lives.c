/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "log/handle.h"
#include "log/lookup.h"
#include "log/write.h"

/* The last life ends at the head, whatever is stored. */
static void
set_true_end(struct reprise_life *life, const struct log_head *head)
{
	if (life->number == head->life.number && life->number != 0)
		*life = head_life(head);
}

static reprise_status
lives_after(struct reprise_log *log, const struct reprise_log_key *key, uint64_t after,
	    struct reprise_life *ret_lives, size_t lives_max, size_t *ret_count,
	    struct reprise_error *error)
{
	struct log_head head = { 0 };
	size_t count = 0;
	reprise_status status = look_begin(log, key, &head, error);

	if (status == REPRISE_OK && head.kind == REPRISE_LOG_RING && lives_max != 0)
		status = lookup_lives_after(log, &head, after, ret_lives, lives_max, &count, error);
	look_end(log);
	if (status != REPRISE_OK)
		return status;
	if (count != 0)
		set_true_end(&ret_lives[count - 1], &head);
	*ret_count = count;
	return REPRISE_OK;
}

reprise_status
reprise_log_lives(struct reprise_log *log, const struct reprise_log_key *key, uint64_t after,
		  struct reprise_life *ret_lives, size_t lives_count_max, size_t *ret_lives_count,
		  struct reprise_error *error)
{
	const reprise_status status = handle_check(log, key, error);

	if (status != REPRISE_OK)
		return status;
	if (ret_lives == NULL && lives_count_max != 0)
		return error_invalid(error, "ret_lives");
	if (ret_lives_count == NULL)
		return error_invalid(error, "ret_lives_count");
	return lives_after(log, key, after, ret_lives, lives_count_max, ret_lives_count, error);
}

reprise_status
log_find_life(struct reprise_log *log, const struct reprise_log_key *key,
	      const struct reprise_incarnation *incarnation, struct reprise_life *ret_life,
	      struct reprise_log_stats *ret_stats, struct reprise_error *error)
{
	struct log_head head = { 0 };
	struct reprise_life life = { 0 };
	reprise_status status = handle_check(log, key, error);

	if (status != REPRISE_OK)
		return status;
	status = look_begin(log, key, &head, error);
	if (status == REPRISE_OK && head.kind == REPRISE_LOG_RING)
		status = lookup_life_of(log, &head, incarnation, &life, error);
	look_end(log);
	if (status != REPRISE_OK)
		return status;
	set_true_end(&life, &head);
	*ret_life = life;
	stats_fill(ret_stats, &head);
	return REPRISE_OK;
}

reprise_status
log_next_life(struct reprise_log *log, const struct reprise_log_key *key, uint64_t number,
	      struct reprise_life *ret_life, struct reprise_error *error)
{
	struct reprise_life life = { 0 };
	size_t count = 0;
	reprise_status status = handle_check(log, key, error);

	if (status == REPRISE_OK)
		status = lives_after(log, key, number, &life, 1, &count, error);
	if (status == REPRISE_OK)
		*ret_life = life;
	return status;
}

reprise_status
log_life_after(struct reprise_log *log, const struct reprise_log_key *key, uint64_t ordinal,
	       struct reprise_life *ret_at, struct reprise_life *ret_life,
	       struct reprise_log_stats *ret_stats, struct reprise_error *error)
{
	struct log_head head = { 0 };
	struct reprise_life at = { 0 }, life = { 0 };
	size_t count = 0;
	reprise_status status = handle_check(log, key, error);

	if (status != REPRISE_OK)
		return status;
	status = look_begin(log, key, &head, error);
	if (status == REPRISE_OK && head.kind == REPRISE_LOG_RING)
		status = lookup_life_at(log, &head, ordinal, &at, error);
	if (status == REPRISE_OK && head.kind == REPRISE_LOG_RING)
		status = lookup_lives_after(log, &head, at.number, &life, 1, &count, error);
	look_end(log);
	if (status != REPRISE_OK)
		return status;
	set_true_end(&at, &head);
	set_true_end(&life, &head);
	*ret_at = at;
	*ret_life = life;
	stats_fill(ret_stats, &head);
	return REPRISE_OK;
}
