/* SPDX-License-Identifier: MIT */
/*
 * Dropping what a key has, but its head (contract L53). The first transaction is the operation: it
 * archives every ordinal, drops the blobs, and puts one void life in the place of all lives. The
 * hidden rows and their marks are removed by further transactions, each with a bound.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include <reprise/log_upkeep.h>

#include "base/error.h"
#include "base/random.h"
#include "log/archive.h"
#include "log/drop.h"
#include "log/handle.h"
#include "log/lease.h"
#include "log/row.h"

/* A runtime that may be recording the key: why it is not dropped, or OK. */
static reprise_status
refusal_of(const struct log_head *head, bool takes_open, struct reprise_error *error)
{
	const uint64_t left_ns = lease_left(head);
	char detail[64];

	if (head->kind == 0)
		return error_detailed(error, REPRISE_E_NOT_FOUND, "key",
				      "nothing was ever written to it");
	if (left_ns != 0) {
		snprintf(detail, sizeof(detail), "a runtime has leased it for %" PRIu64 " ms yet",
			 left_ns / 1000000);
		return error_detailed(error, REPRISE_E_BUSY, "lease", detail);
	}
	if (head->life.number != 0 && head->life.state == REPRISE_LIFE_OPEN && !takes_open)
		return error_detailed(error, REPRISE_E_BUSY, "life",
				      "its last life is open: a runtime records it, or has died");
	return REPRISE_OK;
}

/*
 * One void life for all ordinals ever given. Its incarnation is new, so a recorder of the last life
 * is refused, and cursors of dropped lives are of no life. Its number is the last one's, so that
 * the next life has a greater one.
 */
static reprise_status
drop_lives(struct reprise_log *log, struct log_head *head, struct reprise_error *error)
{
	struct log_life row = {
		.life = { .number = head->life.number,
			  .first = 1,
			  .end = head->head,
			  .state = REPRISE_LIFE_INVALIDATED },
	};
	reprise_status status = log->adapter->drop_lives(log, head->id, error);

	if (status != REPRISE_OK)
		return status;
	if (!random_bytes(&row.life.incarnation, sizeof(row.life.incarnation)))
		return error_system(error, "getrandom", errno);
	row.checksum = log_life_checksum(head->key_checksum, &row.life);
	head->life = row.life;
	head->life_checksum = row.checksum;
	return log->adapter->put_life(log, head->id, &row, error);
}

static reprise_status
hide_all(struct reprise_log *log, struct log_head *head, struct reprise_error *error)
{
	reprise_status status = REPRISE_OK;

	if (head->blobs != 0)
		status = log->adapter->drop_blobs(log, head->id, error);
	if (status == REPRISE_OK && head->life.number != 0)
		status = drop_lives(log, head, error);
	if (status != REPRISE_OK)
		return status;
	head->watermark = head->head;
	head->blobs = 0;
	head->has_ended = false;
	head->end_status = 0;
	head->end_ordinal = 0;
	head->lease_ns = head->lease_end_ns = 0;
	head->checksum = log_head_checksum(head->key_checksum, head);
	return log->adapter->put_head(log, head, error);
}

static reprise_status
hide(struct reprise_log *log, const struct reprise_log_key *key, bool takes_open,
     uint64_t *ret_head, struct reprise_error *error)
{
	struct log_head head = { 0 };
	reprise_status status = log->adapter->begin(log, log->level, key->tenant, &key->thread, 1,
						    LOG_PATIENT, &head, error);

	if (status != REPRISE_OK)
		return status;
	head.key_checksum = log_key_checksum(key->tenant, key->thread);
	const char *const fault = head_fault(&head);

	status = fault != NULL ? corrupt(error, fault) : refusal_of(&head, takes_open, error);
	if (status == REPRISE_OK)
		status = hide_all(log, &head, error);
	*ret_head = head.head;
	if (status == REPRISE_OK)
		return log->adapter->commit(log, error);
	log->adapter->rollback(log);
	return status;
}

reprise_status
drop_hide(struct reprise_log *log, const struct reprise_log_key *key, bool takes_open,
	  uint64_t *ret_head, struct reprise_error *error)
{
	log_lock(log);
	const reprise_status status = hide(log, key, takes_open, ret_head, error);

	log_unlock(log);
	return status;
}

reprise_status
reprise_log_drop(struct reprise_log *log, const struct reprise_log_key *key, bool takes_open,
		 uint64_t *ret_count, struct reprise_error *error)
{
	uint64_t head = 0, count = 1, total = 0;
	reprise_status status = handle_check(log, key, error);

	if (status != REPRISE_OK)
		return status;
	status = drop_hide(log, key, takes_open, &head, error);
	while (status == REPRISE_OK && count != 0) {
		status = log_remove_archived(log, key, head, &count, error);
		total += count;
	}
	if (status == REPRISE_OK && ret_count != NULL)
		*ret_count = total;
	return status;
}
