/* SPDX-License-Identifier: MIT */
/* The writes that begin lives, and end them. */
#include <string.h>

#include "log/handle.h"
#include "log/lease.h"
#include "log/lookup.h"
#include "log/target.h"

static bool
is_zero(const struct reprise_incarnation *incarnation)
{
	static const struct reprise_incarnation zero;

	return memcmp(incarnation, &zero, sizeof(zero)) == 0;
}

static reprise_status
refuse_here(const struct target *target, struct log_write *write)
{
	return refuse_conflict(write, target->head->head, target->head->head);
}

static reprise_status
put_life_row(struct target *target, const struct reprise_life *life, struct reprise_error *error)
{
	const struct log_life row = {
		*life,
		log_life_checksum(target->head->key_checksum, life),
	};

	target->is_touched = true;
	return target->log->adapter->put_life(target->log, target->head->id, &row, error);
}

static reprise_status
put_life(struct target *target, struct reprise_error *error)
{
	return put_life_row(target, &target->head->life, error);
}

/* The last life is over: from now on its end is no longer the head. */
static reprise_status
end_last_life(struct target *target, struct reprise_error *error)
{
	struct reprise_life *const life = &target->head->life;

	if (life->number == 0)
		return REPRISE_OK;
	if (life->state == REPRISE_LIFE_OPEN)
		life->state = REPRISE_LIFE_CRASHED;
	life->end = target->head->head;
	return put_life(target, error);
}

reprise_status
target_life(struct target *target, struct log_write *write, struct reprise_error *error)
{
	struct log_head *const head = target->head;
	struct reprise_life earlier = { 0 };
	reprise_status status;

	if (is_zero(&write->incarnation))
		return refuse(write, REPRISE_E_INVALID);
	if (target_is_of_life(target, write)) {
		target->is_touched = true;
		return REPRISE_OK;
	}
	if (head->kind == REPRISE_LOG_DIRECT)
		return refuse_here(target, write);
	status = lookup_life_of(target->log, head, &write->incarnation, &earlier, error);
	if (status != REPRISE_OK)
		return status;
	if (earlier.number != 0)
		return refuse_here(target, write);
	write->lease_left_ns = lease_left(head);
	if (write->lease_left_ns != 0)
		return refuse(write, REPRISE_E_BUSY);
	status = end_last_life(target, error);
	if (status != REPRISE_OK)
		return status;
	head->kind = REPRISE_LOG_RING;
	head->has_ended = false;
	head->end_status = 0;
	head->end_ordinal = 0;
	head->life = (struct reprise_life){
		.number = head->life.number + 1,
		.incarnation = write->incarnation,
		.first = head->head + 1,
		.end = head->head,
		.state = REPRISE_LIFE_OPEN,
	};
	return put_life(target, error);
}

/*
 * Whether @write goes on with the last life, up to at most the head. A log that has gone back has
 * less: the life is not closed, so that the next one begins behind a crash (rule L57).
 */
static bool
is_whole(const struct target *target, const struct log_write *write)
{
	return target_is_of_life(target, write) && write->last <= target->head->head;
}

reprise_status
target_reopen(struct target *target, struct log_write *write, struct reprise_error *error)
{
	struct reprise_life *const life = &target->head->life;

	if (!is_whole(target, write) ||
	    (life->state != REPRISE_LIFE_OPEN && life->state != REPRISE_LIFE_CLEAN))
		return refuse_here(target, write);
	life->state = REPRISE_LIFE_OPEN;
	return put_life(target, error);
}

reprise_status
target_renew(struct target *target, struct log_write *write, struct reprise_error *error)
{
	(void)error;
	if (!is_whole(target, write))
		return refuse_here(target, write);
	target->is_touched = true;
	return REPRISE_OK;
}

reprise_status
target_close(struct target *target, struct log_write *write, struct reprise_error *error)
{
	struct reprise_life *const life = &target->head->life;

	if (!is_whole(target, write))
		return refuse_here(target, write);
	if (life->state == REPRISE_LIFE_OPEN) {
		life->state = REPRISE_LIFE_CLEAN;
		life->end = target->head->head;
	}
	return put_life(target, error);
}

reprise_status
target_void(struct target *target, struct log_write *write, struct reprise_error *error)
{
	struct log_head *const head = target->head;
	struct reprise_life life = { 0 };
	reprise_status status;

	if (target_is_of_life(target, write)) {
		head->life.state = REPRISE_LIFE_INVALIDATED;
		return put_life(target, error);
	}
	if (head->kind == 0)
		return refuse(write, REPRISE_E_NOT_FOUND);
	if (head->kind == REPRISE_LOG_DIRECT)
		return refuse_here(target, write);
	status = lookup_life_of(target->log, head, &write->incarnation, &life, error);
	if (status != REPRISE_OK)
		return status;
	if (life.number == 0)
		return refuse(write, REPRISE_E_NOT_FOUND);
	life.state = REPRISE_LIFE_INVALIDATED;
	return put_life_row(target, &life, error);
}

reprise_status
target_end(struct target *target, struct log_write *write, struct reprise_error *error)
{
	struct log_head *const head = target->head;

	(void)error;
	if (!target_is_of_life(target, write) || write->last != head->head)
		return refuse_conflict(write, write->last, head->head);
	if (head->has_ended &&
	    (head->end_ordinal != write->last || head->end_status != write->end_status))
		return refuse_conflict(write, write->last, head->end_ordinal);
	head->has_ended = true;
	head->end_status = write->end_status;
	head->end_ordinal = write->last;
	target->is_touched = true;
	return REPRISE_OK;
}
