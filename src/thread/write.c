/* SPDX-License-Identifier: MIT */
#include "thread/write.h"

#include <string.h>

#include "base/error.h"
#include "thread/row.h"

enum {
	/* One write drops at most so many rows of a table, and two more for each row written. */
	PRUNE_MIN = 16,
};

reprise_status
write_expect(const struct writing *writing, const uint64_t *expected_version,
	     struct reprise_error *error)
{
	if (expected_version == NULL || *expected_version == writing->head.version)
		return REPRISE_OK;
	return error_conflict(error, *expected_version, writing->head.version);
}

reprise_status
write_head(struct writing *writing, struct reprise_error *error)
{
	writing->head.checksum = head_checksum(&writing->head);
	return writing->store->adapter->put_head(writing->store, &writing->head, error);
}

reprise_status
write_applied(struct writing *writing, const char *delta_id, const unsigned char *digest,
	      uint64_t version, struct reprise_error *error)
{
	struct thread_applied applied = { .exists = true,
					  .version = version,
					  .applied_ms = writing->now_ms };
	const struct thread_uid *const uid = &writing->head.uid;

	memcpy(applied.digest, digest, sizeof(applied.digest));
	applied.checksum = applied_checksum(uid, delta_id, &applied);
	return writing->store->adapter->put_applied(writing->store, uid, delta_id, &applied, error);
}

reprise_status
write_delta(struct writing *writing, const struct delta *delta, uint64_t version,
	    struct reprise_error *error)
{
	const struct thread_uid *const uid = &writing->head.uid;
	struct thread_delta row = { .version = version,
				    .stored_ms = writing->now_ms,
				    .json = buffer_bytes(&delta->json) };

	row.checksum = delta_checksum(uid, &row);
	const reprise_status status =
		writing->store->adapter->put_delta(writing->store, uid, &row, error);

	return status == REPRISE_OK
		       ? write_applied(writing, delta->id, delta->digest, version, error)
		       : status;
}

reprise_status
find_applied(struct reprise_thread_store *store, const struct thread_uid *uid,
	     const char *const *delta_ids, size_t delta_ids_count,
	     struct thread_applied *ret_applied, struct reprise_error *error)
{
	if (delta_ids_count == 0)
		return REPRISE_OK;
	const reprise_status status = store->adapter->applied_of(
		store, uid, delta_ids, delta_ids_count, ret_applied, error);

	for (size_t i = 0; i < delta_ids_count && status == REPRISE_OK; i++) {
		const char *const fault = applied_fault(uid, delta_ids[i], &ret_applied[i]);

		if (fault != NULL)
			return corrupt(error, fault);
	}
	return status;
}

static uint64_t
horizon_of(const struct writing *writing)
{
	/* The longest that a handle was opened with, this one too. */
	const uint64_t horizon_ms = writing->store->keeping.horizon_ms;

	return writing->now_ms > horizon_ms ? writing->now_ms - horizon_ms : 0;
}

reprise_status
prune_applied(struct writing *writing, uint64_t rows, struct reprise_error *error)
{
	return writing->store->adapter->drop_applied(writing->store, horizon_of(writing),
						     PRUNE_MIN + 2 * rows, error);
}

struct pruning {
	const struct thread_head *head;
	uint64_t horizon_ms;
	uint64_t through; /* the last version that is to be dropped */
	bool is_held;     /* the next one is old enough, and the text does not have it yet */
};

/*
 * A damaged row that the text has already goes with the next one that is old enough; others are
 * left for load_deltas to tell.
 */
static bool
judge_age(const struct thread_delta *row, void *context)
{
	struct pruning *const pruning = context;

	if (delta_fault(&pruning->head->uid, row) != NULL)
		return row->version <= pruning->head->base;
	if (row->stored_ms >= pruning->horizon_ms)
		return false;
	if (row->version > pruning->head->base) {
		pruning->is_held = true;
		return false;
	}
	pruning->through = row->version;
	return true;
}

reprise_status
prune_deltas(struct writing *writing, uint64_t rows, bool *ret_is_held, struct reprise_error *error)
{
	struct reprise_thread_store *const store = writing->store;
	struct thread_head *const head = &writing->head;
	struct pruning pruning = { .head = head,
				   .horizon_ms = horizon_of(writing),
				   .through = head->complete_after };
	reprise_status status =
		store->adapter->deltas_after(store, &head->uid, head->complete_after,
					     PRUNE_MIN + 2 * rows, judge_age, &pruning, error);

	if (status == REPRISE_OK && pruning.through != head->complete_after) {
		status = store->adapter->drop_deltas(store, &head->uid, pruning.through, error);
		head->complete_after = pruning.through;
	}
	*ret_is_held = pruning.is_held;
	return status;
}
