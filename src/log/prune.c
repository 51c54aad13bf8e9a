/* SPDX-License-Identifier: MIT */
/*
 * Retention (contract L54): for each key of a tenant, entries beyond the limits are archived
 * and deleted. Both are done for at most REPRISE_LOG_MOVE_MAX rows at a time, so that no
 * transaction is long.
 */
#include <string.h>
#include <time.h>

#include <reprise/log_upkeep.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/numbers.h"
#include "base/sized.h"
#include "base/sizes.h"
#include "log/archive.h"
#include "log/handle.h"
#include "log/row.h"

/* The first bytes of every event of a conversation (contract D02). */
static const char conversation_magic[] = { 'L', 'C', 'E', '1' };

struct pruning {
	struct reprise_log *log;
	struct reprise_log_retention retention;
	uint64_t oldest_ns; /* entries of before are too old; 0: none is */
	uint64_t due_ns;    /* of CLOCK_MONOTONIC; UINT64_MAX: never */
	struct reprise_log_pruned pruned;
	reprise_status status;       /* which ended the visit */
	bool is_damaged;             /* a key was left as it is; its words are the first's */
	struct reprise_error *error; /* or NULL */
	struct reprise_error first;
};

/* The walk over the oldest rows of a key. */
struct walk {
	const struct pruning *pruning;
	const struct log_head *head;
	uint64_t weight; /* payload bytes after `through` */
	uint64_t watermark;
	uint64_t through;  /* entries up to here are to go */
	uint64_t rows;     /* which this page has taken */
	bool is_kept;      /* nobody but its owner archives the key */
	const char *fault; /* or NULL */
};

static bool
is_due(const struct pruning *pruning)
{
	return pruning->due_ns != UINT64_MAX && clock_ns() >= pruning->due_ns;
}

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
 * stays, however large.
 */
static bool
is_beyond_bytes(const struct walk *walk, const struct log_row *row)
{
	const uint64_t bytes_max = walk->pruning->retention.bytes_max;

	return bytes_max != 0 && walk->weight > bytes_max && row->last < walk->head->head;
}

static bool
take_row(const struct log_row *row, void *context)
{
	struct walk *const walk = context;
	const struct pruning *const pruning = walk->pruning;

	walk->fault = row_fault(walk->head->key_checksum, row);
	walk->is_kept = walk->is_kept || is_of_conversation(walk, row);
	if (walk->fault != NULL || walk->is_kept)
		return false;
	if (row->time_ns >= pruning->oldest_ns && !is_beyond_bytes(walk, row))
		return false;
	walk->through = row->last;
	walk->weight -= least(walk->weight, row->payload.size);
	walk->rows++;
	return true;
}

/* Whether the key is left to its owner, without a look at its rows. */
static bool
is_kept(const struct pruning *pruning, const struct log_head *head)
{
	return head->blobs != 0 ||
	       (head->kind == REPRISE_LOG_DIRECT && pruning->retention.includes_direct == 0);
}

/*
 * Looks how far the key is to be archived now: walk->through. The weight is still right if the look
 * begins where the look before has ended; another call may have archived entries meanwhile.
 */
static reprise_status
look(const struct reprise_log_key *key, struct walk *walk, struct reprise_error *error)
{
	const struct pruning *const pruning = walk->pruning;
	struct reprise_log *const log = pruning->log;
	const uint64_t entries_max = pruning->retention.entries_max, weighed = walk->through;
	struct log_head head = { 0 };
	reprise_status status = look_begin(log, key, &head, error);

	walk->head = &head;
	walk->rows = 0;
	walk->watermark = walk->through = head.watermark;
	if (entries_max != 0 && head.head > entries_max)
		walk->through = greatest(walk->through, head.head - entries_max);
	walk->is_kept = is_kept(pruning, &head);
	if (status == REPRISE_OK && !walk->is_kept && walk->through != weighed &&
	    pruning->retention.bytes_max != 0)
		status = log->adapter->weigh(log, head.id, walk->through, &walk->weight, error);
	/*
	 * Of a key whose entries all go, one is looked at all the same: it may be of a
	 * conversation.
	 */
	if (status == REPRISE_OK && !walk->is_kept && head.kind != 0)
		status = log->adapter->rows_after(log, head.id, walk->through, REPRISE_LOG_MOVE_MAX,
						  take_row, walk, error);
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

	while (status == REPRISE_OK && count != 0 && !is_due(pruning)) {
		status = log_remove_archived(pruning->log, key, through, &count, error);
		pruning->pruned.rows += count;
	}
	return status;
}

static reprise_status
prune_key(struct pruning *pruning, const struct reprise_log_key *key, struct reprise_error *error)
{
	struct walk walk = { .pruning = pruning,
			     .through = UINT64_MAX, /* nothing is weighed yet */
			     .rows = REPRISE_LOG_MOVE_MAX };
	uint64_t ordinals = 0;
	reprise_status status = REPRISE_OK;

	while (status == REPRISE_OK && walk.rows == REPRISE_LOG_MOVE_MAX && !is_due(pruning)) {
		uint64_t count = 0;

		status = look(key, &walk, error);
		if (status == REPRISE_OK && walk.is_kept) {
			pruning->pruned.keys_kept++;
			return REPRISE_OK;
		}
		if (status == REPRISE_OK && walk.through > walk.watermark)
			status = reprise_log_archive_before(pruning->log, key, walk.through, &count,
							    error);
		ordinals += status == REPRISE_OK ? count : 0;
		if (status == REPRISE_OK && walk.through != 0)
			status = remove_all(pruning, key, walk.through, error);
	}
	pruning->pruned.ordinals += ordinals;
	pruning->pruned.keys_pruned += ordinals != 0;
	return status;
}

static bool
prune_one(const struct reprise_log_key *key, void *context)
{
	struct pruning *const pruning = context;
	struct reprise_error error = { .size = sizeof(error) };

	if (is_due(pruning))
		return false;
	pruning->pruned.keys++;
	const reprise_status status = prune_key(pruning, key, &error);

	if (status == REPRISE_OK)
		return true;
	if (!pruning->is_damaged || status != REPRISE_E_CORRUPT) {
		(void)error_detailed(&pruning->first, status, error.what, key->thread);
		pruning->status = status;
	}
	/* Damage to one key is no reason to keep what others have. */
	pruning->is_damaged = pruning->is_damaged || status == REPRISE_E_CORRUPT;
	return status == REPRISE_E_CORRUPT;
}

static uint64_t
oldest_of(uint64_t age_ns_max)
{
	struct timespec now;

	if (age_ns_max == 0)
		return 0;
	clock_gettime(CLOCK_REALTIME, &now);
	return timespec_ns(&now) - least(timespec_ns(&now), age_ns_max);
}

reprise_status
reprise_log_prune(struct reprise_log *log, const char *tenant,
		  const struct reprise_log_retention *retention,
		  struct reprise_log_pruned *ret_pruned, struct reprise_error *error)
{
	struct pruning pruning = { .log = log, .first = { .size = sizeof(pruning.first) } };

	if (log == NULL)
		return error_invalid(error, "log");
	if (retention == NULL)
		return error_invalid(error, "retention");
	if (!sized_read(&pruning.retention, sizeof(pruning.retention),
			SIZE_MIN(reprise_log_retention), retention))
		return error_size(error, "retention: size", retention, sizeof(*retention));
	if (ret_pruned != NULL && !sized_has_room(ret_pruned, SIZE_MIN(reprise_log_pruned)))
		return error_size(error, "ret_pruned: size", ret_pruned, sizeof(*ret_pruned));
	const struct reprise_log_retention *const asked = &pruning.retention;

	if (asked->age_ns_max == 0 && asked->entries_max == 0 && asked->bytes_max == 0)
		return error_detailed(error, REPRISE_E_INVALID, "retention", "it has no limit");
	if (asked->includes_direct != 0 && asked->includes_direct != 1)
		return error_invalid(error, "retention: includes_direct");
	if (asked->reserved != 0)
		return error_invalid(error, "retention: reserved");
	if (log->is_read_only) /* also if no entry is beyond the limits */
		return error_detailed(error, REPRISE_E_INVALID, "is_read_only",
				      "the log was opened to be read only");
	UNCANCELLABLE;
	pruning.oldest_ns = oldest_of(asked->age_ns_max);
	pruning.due_ns = asked->deadline_ns != 0 ? deadline_after(clock_ns(), asked->deadline_ns)
						 : UINT64_MAX;
	reprise_status status = reprise_log_each(log, tenant, prune_one, &pruning, error);

	if (status != REPRISE_OK)
		return status;
	pruning.pruned.size = sizeof(pruning.pruned);
	pruning.pruned.is_complete = !is_due(&pruning) && pruning.status == REPRISE_OK;
	if (ret_pruned != NULL)
		(void)sized_write(ret_pruned, &pruning.pruned, sizeof(pruning.pruned),
				  SIZE_MIN(reprise_log_pruned));
	if (pruning.status != REPRISE_OK)
		return error_copy(error, &pruning.first);
	return REPRISE_OK;
}
