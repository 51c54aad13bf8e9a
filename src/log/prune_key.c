/* SPDX-License-Identifier: MIT */
/*
 * The pruning of one key (contract L54): entries beyond limits are archived and deleted, for at
 * most REPRISE_LOG_MOVE_MAX rows at a time, so that no transaction is long.
 */
#include <string.h>

#include "base/numbers.h"
#include "log/archive.h"
#include "log/handle.h"
#include "log/prune.h"
#include "log/row.h"

/* The first bytes of every event of a conversation (contract D02). */
static const char conversation_magic[] = { 'L', 'C', 'E', '1' };

/* The walk over the oldest rows of a key. */
struct walk {
	const struct pruning *pruning;
	const struct prune_limits *limits;
	const struct log_head *head;
	uint64_t weight; /* payload bytes after `through` */
	uint64_t watermark;
	uint64_t through;  /* entries up to here are to go */
	uint64_t rows;     /* which this page has taken */
	bool is_kept;      /* nobody but its owner archives the key */
	const char *fault; /* or NULL */
	struct prune_left *left;
};

/* A conversation needs every event that no snapshot covers. Its blobs are its snapshots. */
static bool
is_of_conversation(const struct walk *walk, const struct log_row *row)
{
	return walk->head->kind == REPRISE_LOG_DIRECT &&
	       row->payload.size >= sizeof(conversation_magic) &&
	       memcmp(row->payload.data, conversation_magic, sizeof(conversation_magic)) == 0;
}

/*
 * Whether the row and the rows above have more payload bytes than the limit. The newest entry
 * stays, however large, unless the limit is of the sum.
 */
static bool
is_beyond_bytes(const struct walk *walk, const struct log_row *row)
{
	const struct prune_limits *const limits = walk->limits;

	return limits->bytes_max != PRUNE_NO_LIMIT && walk->weight > limits->bytes_max &&
	       (limits->takes_newest || row->last < walk->head->head);
}

/* Whether the key was erased, and began anew, since its limits were set. */
static bool
is_another(const struct walk *walk)
{
	return walk->limits->through_most != PRUNE_NO_LIMIT &&
	       walk->head->head < walk->limits->through_most;
}

static bool
take_row(const struct log_row *row, void *context)
{
	struct walk *const walk = context;

	walk->fault = row_fault(walk->head->key_checksum, row);
	walk->is_kept = walk->is_kept || is_of_conversation(walk, row);
	if (walk->fault != NULL || walk->is_kept || is_another(walk) ||
	    row->last > walk->limits->through_most)
		return false;
	if (row->time_ns >= walk->pruning->oldest_ns && !is_beyond_bytes(walk, row))
		return false;
	walk->through = row->last;
	walk->weight -= least(walk->weight, row->payload.size);
	walk->rows++;
	return true;
}

static bool
take_newest(const struct log_row *row, void *context)
{
	struct walk *const walk = context;

	walk->fault = row_fault(walk->head->key_checksum, row);
	walk->left->newest_ns = row->time_ns;
	walk->left->is_weighed = walk->fault == NULL;
	return false;
}

/* Whether the key is left to its owner, without a look at its rows. */
static bool
is_kept(const struct pruning *pruning, const struct log_head *head)
{
	return head->blobs != 0 ||
	       (head->kind == REPRISE_LOG_DIRECT && pruning->retention.includes_direct == 0);
}

/* The last ordinal that goes whatever the rows say. */
static uint64_t
through_without_rows(const struct walk *walk)
{
	const struct prune_limits *const limits = walk->limits;
	const uint64_t head = walk->head->head;
	const uint64_t beyond = head > limits->entries_max ? head - limits->entries_max : 0;

	if (is_another(walk))
		return walk->watermark;
	return greatest(walk->watermark,
			least(greatest(beyond, limits->through_least), limits->through_most));
}

/* The part of the sum that the key has, once no row is left to take. In the same transaction. */
static reprise_status
weigh_rest(struct walk *walk, struct reprise_error *error)
{
	struct reprise_log *const log = walk->pruning->log;
	const struct log_head *const head = walk->head;
	struct prune_left *const left = walk->left;
	const bool is_weight_known = walk->limits->bytes_max != PRUNE_NO_LIMIT;
	reprise_status status = REPRISE_OK;

	left->head = head->head;
	left->through = walk->through;
	left->bytes = walk->weight;
	if (walk->through >= head->head)
		return REPRISE_OK;
	if (!is_weight_known && walk->pruning->retention.tenant_bytes_max != 0)
		status = log->adapter->weigh(log, head->id, walk->through, &left->bytes, error);
	if (status == REPRISE_OK)
		status = log->adapter->rows_after(log, head->id, head->head - 1, 1, take_newest,
						  walk, error);
	return status;
}

/*
 * Walks over the rows from walk->through on. @weighed is the ordinal after which the weight counts.
 * Of a key whose entries all go, one row is looked at all the same: the row may be of a
 * conversation.
 */
static reprise_status
walk_rows(struct walk *walk, uint64_t weighed, struct reprise_error *error)
{
	struct reprise_log *const log = walk->pruning->log;
	const int64_t id = walk->head->id;
	reprise_status status = REPRISE_OK;

	if (walk->limits->bytes_max != PRUNE_NO_LIMIT && walk->through != weighed)
		status = log->adapter->weigh(log, id, walk->through, &walk->weight, error);
	if (status == REPRISE_OK && walk->head->kind != 0)
		status = log->adapter->rows_after(log, id, walk->through, REPRISE_LOG_MOVE_MAX,
						  take_row, walk, error);
	if (status != REPRISE_OK || walk->fault != NULL || walk->is_kept ||
	    walk->rows == REPRISE_LOG_MOVE_MAX || !prune_has_sum(&walk->pruning->retention))
		return status;
	return weigh_rest(walk, error);
}

/*
 * Looks how far the key is to be archived now: walk->through. The weight is still right if the look
 * begins where the look before has ended; another call may have archived entries meanwhile.
 */
static reprise_status
look(const struct reprise_log_key *key, struct walk *walk, struct reprise_error *error)
{
	struct reprise_log *const log = walk->pruning->log;
	const uint64_t weighed = walk->through;
	struct log_head head = { 0 };
	reprise_status status = look_begin(log, key, &head, error);

	walk->head = &head;
	walk->rows = 0;
	walk->watermark = head.watermark;
	walk->through = through_without_rows(walk);
	walk->is_kept = is_kept(walk->pruning, &head);
	if (status == REPRISE_OK && !walk->is_kept)
		status = walk_rows(walk, weighed, error);
	look_end(log);
	walk->head = NULL;
	if (status == REPRISE_OK && walk->fault != NULL)
		return corrupt(error, walk->fault);
	return status;
}

/* Deletes what is archived up to @through, until nothing is left or the call is due. */
static reprise_status
remove_all(struct pruning *pruning, const struct reprise_log_key *key, uint64_t through,
	   struct reprise_error *error)
{
	uint64_t count = 1;
	reprise_status status = REPRISE_OK;

	while (status == REPRISE_OK && count != 0 && !prune_is_due(pruning)) {
		status = log_remove_archived(pruning->log, key, through, &count, error);
		pruning->pruned.rows += count;
	}
	return status;
}

reprise_status
prune_key(struct pruning *pruning, const struct reprise_log_key *key,
	  const struct prune_limits *limits, struct prune_left *ret_left,
	  struct reprise_error *error)
{
	struct walk walk = { .pruning = pruning,
			     .limits = limits,
			     .through = UINT64_MAX, /* nothing is weighed yet */
			     .rows = REPRISE_LOG_MOVE_MAX,
			     .left = ret_left };
	uint64_t ordinals = 0;
	reprise_status status = REPRISE_OK;

	*ret_left = (struct prune_left){ 0 };
	while (status == REPRISE_OK && walk.rows == REPRISE_LOG_MOVE_MAX &&
	       !prune_is_due(pruning)) {
		uint64_t count = 0;

		status = look(key, &walk, error);
		ret_left->is_kept = walk.is_kept;
		if (status == REPRISE_OK && walk.is_kept)
			return REPRISE_OK;
		if (status == REPRISE_OK && walk.through > walk.watermark)
			status = reprise_log_archive_before(pruning->log, key, walk.through, &count,
							    error);
		ordinals += status == REPRISE_OK ? count : 0;
		if (status == REPRISE_OK && walk.through != 0)
			status = remove_all(pruning, key, walk.through, error);
	}
	pruning->pruned.ordinals += ordinals;
	ret_left->was_pruned = ordinals != 0;
	return status;
}
