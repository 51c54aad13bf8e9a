/* SPDX-License-Identifier: MIT */

/* Structs of older and newer programs, of a recorder (rule X16). */

#include "sized_struct.h"

#include "log_sqlite/scratch.h"
#include "world.h"

TestSuite(recorder_sizes, .fini = scratch_remove, .timeout = 60);

/* The store of the world has no recorder. */
static reprise_status
open_with(void *options, void *context)
{
	struct world *const world = context;
	struct reprise_recorder *recorder = NULL;
	const reprise_status status =
		reprise_recorder_open(world->store, world->log, options, &recorder, NULL);

	cr_assert(eq(int, recorder != NULL, status == REPRISE_OK));
	cr_assert(eq(int, reprise_recorder_close(recorder), REPRISE_OK));
	return status;
}

static reprise_status
stats(void *facts, void *context)
{
	const struct world *const world = context;

	return reprise_recorder_stats(world->recorder, facts);
}

static reprise_status
close_with_stats(void *facts, void *context)
{
	struct world *const world = context;
	struct reprise_recorder *recorder = NULL;

	cr_assert(eq(int, reprise_recorder_open(world->store, world->log, NULL, &recorder, NULL),
		     REPRISE_OK));
	const reprise_status status = reprise_recorder_close_with_stats(recorder, facts);

	/* A refused call leaves the recorder open. */
	if (status != REPRISE_OK)
		cr_assert(eq(int, reprise_recorder_close(recorder), REPRISE_OK));
	return status;
}

Test(recorder_sizes, X16_a_recorder_takes_structs_of_any_release)
{
	const struct reprise_recorder_options options = { .size = sizeof(options),
							  .durability = REPRISE_WRITTEN };
	struct world world = world_open(scratch_path("log"), 0, NULL);

	EXPECT_SIZES_WRITTEN(reprise_recorder_stats, stats, &world);
	cr_assert(eq(int, reprise_recorder_close(world.recorder), REPRISE_OK));
	EXPECT_SIZES_READ(reprise_recorder_options, &options, open_with, &world);
	EXPECT_SIZES_WRITTEN(reprise_recorder_stats, close_with_stats, &world);
	cr_assert(eq(int,
		     reprise_recorder_open(world.store, world.log, NULL, &world.recorder, NULL),
		     REPRISE_OK));
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}
