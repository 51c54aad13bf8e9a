/* SPDX-License-Identifier: MIT */
/*
 * The limits over the sum of a tenant's keys (contract L54). The key that has been silent for the
 * longest time loses its entries first.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/numbers.h"
#include "log/prune.h"

bool
prune_has_sum(const struct reprise_log_retention *retention)
{
	return retention->tenant_entries_max != 0 || retention->tenant_bytes_max != 0;
}

static bool
make_room(struct prune_sum *sum)
{
	const size_t room = sum->room == 0 ? 64 : 2 * sum->room;

	if (sum->count < sum->room)
		return true;
	struct prune_summand *const keys = realloc(sum->keys, room * sizeof(*keys));

	if (keys == NULL)
		return false;
	sum->keys = keys;
	sum->room = room;
	return true;
}

bool
prune_sum_add(struct prune_sum *sum, const char *thread, const struct prune_left *left)
{
	if (!left->is_weighed)
		return true;
	if (!make_room(sum))
		return false;
	struct prune_summand *const key = &sum->keys[sum->count++];

	memcpy(key->thread, thread, strlen(thread) + 1);
	key->left = *left;
	sum->entries += left->head - left->through;
	sum->bytes += left->bytes;
	return true;
}

void
prune_sum_free(struct prune_sum *sum)
{
	free(sum->keys);
	*sum = (struct prune_sum){ 0 };
}

static int
compare(const void *one, const void *other)
{
	const struct prune_summand *const a = one, *const b = other;

	if (a->left.newest_ns != b->left.newest_ns)
		return a->left.newest_ns < b->left.newest_ns ? -1 : 1;
	return strcmp(a->thread, b->thread);
}

static uint64_t
excess(uint64_t sum, uint64_t limit)
{
	return limit != 0 && sum > limit ? sum - limit : 0;
}

/*
 * Takes from one key as much of the excess as the key has. Entries that came since the key was
 * weighed are left alone.
 */
static bool
take_from(struct pruning *pruning, const struct prune_summand *key, bool is_newest)
{
	const struct reprise_log_retention *const asked = &pruning->retention;
	const struct reprise_log_key name = { pruning->tenant, key->thread };
	const struct prune_left *const before = &key->left;
	const uint64_t entries = excess(pruning->sum.entries, asked->tenant_entries_max);
	const uint64_t bytes = excess(pruning->sum.bytes, asked->tenant_bytes_max);
	const struct prune_limits limits = {
		.entries_max = PRUNE_NO_LIMIT,
		.bytes_max =
			bytes == 0 ? PRUNE_NO_LIMIT : before->bytes - least(before->bytes, bytes),
		.through_least = before->through + least(entries, before->head - before->through),
		.through_most = before->head,
		.takes_newest = !is_newest,
	};
	struct reprise_error error = { .size = sizeof(error) };
	struct prune_left after;
	const reprise_status status = prune_key(pruning, &name, &limits, &after, &error);

	if (status != REPRISE_OK)
		return prune_note(pruning, key->thread, status, &error);
	pruning->pruned.keys_pruned += after.was_pruned && !before->was_pruned;
	pruning->sum.entries -=
		greatest(least(after.through, before->head), before->through) - before->through;
	pruning->sum.bytes -= before->bytes - least(before->bytes, after.bytes);
	return true;
}

void
prune_sum_within(struct pruning *pruning)
{
	const struct reprise_log_retention *const asked = &pruning->retention;
	struct prune_sum *const sum = &pruning->sum;
	bool goes_on = true;

	if (sum->count > 1)
		qsort(sum->keys, sum->count, sizeof(sum->keys[0]), compare);
	for (size_t i = 0; i < sum->count && goes_on && !prune_is_due(pruning); i++) {
		if (excess(sum->entries, asked->tenant_entries_max) == 0 &&
		    excess(sum->bytes, asked->tenant_bytes_max) == 0)
			break;
		goes_on = take_from(pruning, &sum->keys[i], i + 1 == sum->count);
	}
}
