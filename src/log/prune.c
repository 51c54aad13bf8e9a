/* SPDX-License-Identifier: MIT */
/*
 * Retention (contract L54): for each key of a tenant, entries beyond the limits are archived
 * and deleted; then keys lose entries until the tenant is within the limits over the sum.
 */
#include "log/prune.h"

#include <time.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/numbers.h"
#include "base/sized.h"
#include "base/sizes.h"

bool
prune_is_due(const struct pruning *pruning)
{
	return (pruning->is_stopped != NULL && load_relaxed(pruning->is_stopped) != 0) ||
	       (pruning->due_ns != UINT64_MAX && clock_ns() >= pruning->due_ns);
}

bool
prune_note(struct pruning *pruning, const char *thread, reprise_status status,
	   const struct reprise_error *error)
{
	const bool is_damage = status == REPRISE_E_CORRUPT;

	if (!is_damage || !pruning->is_damaged) {
		/* A failure of the log has words of its own: a full disk, for example. */
		(void)error_detailed(&pruning->first, status, error->what,
				     is_damage ? thread : error->detail);
		pruning->status = status;
	}
	/* Damage to one key is no reason to keep the entries of other keys. */
	pruning->is_damaged = pruning->is_damaged || is_damage;
	return is_damage;
}

static uint64_t
given_or_none(uint64_t limit)
{
	return limit != 0 ? limit : PRUNE_NO_LIMIT;
}

static bool
prune_one(const struct reprise_log_key *key, void *context)
{
	struct pruning *const pruning = context;
	const struct prune_limits limits = {
		.entries_max = given_or_none(pruning->retention.entries_max),
		.bytes_max = given_or_none(pruning->retention.bytes_max),
		.through_most = UINT64_MAX,
	};
	struct reprise_error error = { .size = sizeof(error) };
	struct prune_left left;

	if (prune_is_due(pruning))
		return false;
	pruning->pruned.keys++;
	reprise_status status = prune_key(pruning, key, &limits, &left, &error);

	pruning->pruned.keys_pruned += left.was_pruned;
	pruning->pruned.keys_kept += left.is_kept;
	if (status == REPRISE_OK && !prune_sum_add(&pruning->sum, key->thread, &left))
		status = error_plain(&error, REPRISE_E_NO_MEMORY);
	return status == REPRISE_OK || prune_note(pruning, key->thread, status, &error);
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
log_retention_read(const struct reprise_log_retention *given,
		   struct reprise_log_retention *ret_retention, struct reprise_error *error)
{
	struct reprise_log_retention asked = { 0 };

	if (!sized_read(&asked, sizeof(asked), SIZE_MIN(reprise_log_retention), given))
		return error_size(error, "retention: size", given, sizeof(*given));
	if (asked.age_ns_max == 0 && asked.entries_max == 0 && asked.bytes_max == 0 &&
	    !prune_has_sum(&asked))
		return error_detailed(error, REPRISE_E_INVALID, "retention", "it has no limit");
	if (asked.includes_direct != 0 && asked.includes_direct != 1)
		return error_invalid(error, "retention: includes_direct");
	if (asked.reserved != 0)
		return error_invalid(error, "retention: reserved");
	*ret_retention = asked;
	return REPRISE_OK;
}

reprise_status
log_prune(struct reprise_log *log, const char *tenant,
	  const struct reprise_log_retention *retention, const atomic_u32 *is_stopped,
	  struct reprise_log_pruned *ret_pruned, struct reprise_error *error)
{
	struct pruning pruning = {
		.log = log,
		.tenant = tenant,
		.retention = *retention,
		.oldest_ns = oldest_of(retention->age_ns_max),
		.due_ns = retention->deadline_ns != 0
				  ? deadline_after(clock_ns(), retention->deadline_ns)
				  : UINT64_MAX,
		.is_stopped = is_stopped,
		.first = { .size = sizeof(pruning.first) },
	};
	const reprise_status status = reprise_log_each(log, tenant, prune_one, &pruning, error);

	if (status == REPRISE_OK &&
	    (pruning.status == REPRISE_OK || pruning.status == REPRISE_E_CORRUPT))
		prune_sum_within(&pruning);
	prune_sum_free(&pruning.sum);
	pruning.pruned.size = status == REPRISE_OK ? sizeof(pruning.pruned) : 0;
	pruning.pruned.is_complete =
		status == REPRISE_OK && pruning.status == REPRISE_OK && !prune_is_due(&pruning);
	*ret_pruned = pruning.pruned;
	if (status == REPRISE_OK && pruning.status != REPRISE_OK)
		return error_copy(error, &pruning.first);
	return status;
}

reprise_status
reprise_log_prune(struct reprise_log *log, const char *tenant,
		  const struct reprise_log_retention *retention,
		  struct reprise_log_pruned *ret_pruned, struct reprise_error *error)
{
	struct reprise_log_retention asked = REPRISE_LOG_RETENTION_INIT;
	struct reprise_log_pruned pruned;

	if (log == NULL)
		return error_invalid(error, "log");
	if (retention == NULL)
		return error_invalid(error, "retention");
	reprise_status status = log_retention_read(retention, &asked, error);

	if (status != REPRISE_OK)
		return status;
	if (ret_pruned != NULL && !sized_has_room(ret_pruned, SIZE_MIN(reprise_log_pruned)))
		return error_size(error, "ret_pruned: size", ret_pruned, sizeof(*ret_pruned));
	if (log->is_read_only) /* also if no entry is beyond the limits */
		return error_detailed(error, REPRISE_E_INVALID, "is_read_only",
				      "the log was opened to be read only");
	UNCANCELLABLE;
	status = log_prune(log, tenant, &asked, NULL, &pruned, error);
	if (ret_pruned != NULL && pruned.size != 0)
		(void)sized_write(ret_pruned, &pruned, sizeof(pruned),
				  SIZE_MIN(reprise_log_pruned));
	return status;
}
