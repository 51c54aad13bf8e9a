/* SPDX-License-Identifier: MIT */
/*
 * No memory or no thread to be had, by ours in any thread: it is said, nothing leaks, and
 * nothing counts twice.
 */
#include <stdio.h>

#include "deltas.h"
#include "refusal.h"
#include "world.h"

enum {
	CALLS = 8
};

static int32_t
see_one(const struct reprise_jetstream_dead *dead, void *context)
{
	(void)dead, (void)context;
	return 0;
}

/*
 * Everything once, as far as it goes: no assertion here, since those allocate. The deltas @first to
 * @first + 3.
 */
static void
use(struct world *world, const struct reprise_jetstream_options *options, unsigned int first,
    reprise_status statuses[CALLS])
{
	struct reprise_jetstream *writer = NULL;
	int n = 0;

	for (int i = 0; i < CALLS; i++)
		statuses[i] = REPRISE_OK;
	statuses[n++] = reprise_jetstream_open(world->store, options, &writer, NULL);
	if (writer == NULL)
		return;
	statuses[n++] = append(writer, first, NULL, NULL);
	statuses[n++] =
		reprise_jetstream_append_async(writer, "t", delta(first + 1), NULL, NULL, NULL);
	statuses[n++] = reprise_jetstream_flush(writer, "t", NULL, NULL);
	statuses[n++] = append(writer, first + 2, NULL, NULL);
	statuses[n++] = reprise_jetstream_append(writer, "t", NULL, finish(first + 3), NULL, NULL);
	statuses[n++] = reprise_jetstream_recover(writer, NULL, NULL);
	statuses[n++] = reprise_jetstream_each_dead(writer, 0, see_one, NULL, NULL);
	reprise_jetstream_close(writer);
}

/* The same deltas by another writer. */
static void
use_again(struct world *world, unsigned int first)
{
	for (unsigned int i = first; i < first + 4; i++)
		cr_assert(append_at_last(world->writer, "t", i == first + 3 ? finish(i) : delta(i),
					 NULL));
	/* The last may have been applied before the others came. */
	(void)flush(world->writer, "t");
}

static void
expect_told(const reprise_status statuses[CALLS], int number, int *failed)
{
	for (int i = 0; i < CALLS; i++) {
		cr_assert(statuses[i] == REPRISE_OK || statuses[i] == REPRISE_E_NO_MEMORY ||
				  statuses[i] == REPRISE_E_ABORTED ||
				  (statuses[i] == REPRISE_E_SYSTEM && i == 0),
			  "refusal %d, call %d: %s", number, i, reprise_status_name(statuses[i]));
		*failed += statuses[i] != REPRISE_OK;
	}
}

SQLITE_TEST(P_what_is_refused_is_said_and_nothing_is_lost)
{
	const struct reprise_jetstream_options options = world_options(world);
	unsigned int first = 1;
	int failed = 0;
	bool is_over = false;

	for (int number = 1; !is_over; number += 1 + number / 50) {
		reprise_status statuses[CALLS];

		refusal_begin(number);
		use(world, &options, first, statuses);
		is_over = !refusal_end();
		expect_told(statuses, number, &failed);
		use_again(world, first);
		first += 4;
		cr_assert(eq(u64, version_of(world->store, "t"), first - 1), "refusal %d", number);
	}
	cr_assert(gt(int, failed, 50));
	expect_books(world->store, "t", first - 1);
}
