/* SPDX-License-Identifier: MIT */

/* Structs of older and newer programs, of a writer over NATS (rule X16). */

#include "sized_struct.h"

#include "deltas.h"
#include "world.h"

static reprise_status
open_with(void *options, void *context)
{
	struct world *const world = context;
	struct reprise_jetstream *writer = NULL;
	const reprise_status status = reprise_jetstream_open(world->store, options, &writer, NULL);

	cr_assert(eq(int, writer != NULL, status == REPRISE_OK));
	reprise_jetstream_close(writer);
	return status;
}

SQLITE_TEST(X16_options_of_any_release_open_a_writer)
{
	const struct reprise_jetstream_options options = world_options(world);

	EXPECT_SIZES_READ(reprise_jetstream_options, &options, open_with, world);
}

static unsigned int next_delta = 1;

static reprise_status
append_next(void *appended, void *context)
{
	struct world *const world = context;
	const reprise_status status = append(world->writer, next_delta, appended, NULL);

	next_delta += status == REPRISE_OK;
	return status;
}

static reprise_status
flush_t(void *flushed, void *context)
{
	struct world *const world = context;
	const uint64_t before = version_of(world->store, "t");
	const reprise_status status = reprise_jetstream_flush(world->writer, "t", flushed, NULL);

	if (status != REPRISE_OK)
		cr_assert(eq(u64, version_of(world->store, "t"), before));
	return status;
}

static reprise_status
recover_all(void *recovered, void *context)
{
	struct world *const world = context;

	return reprise_jetstream_recover(world->writer, recovered, NULL);
}

static reprise_status
stats(void *facts, void *context)
{
	struct world *const world = context;

	return reprise_jetstream_stats(world->writer, facts);
}

SQLITE_TEST(X16_results_are_written_into_a_struct_of_any_release)
{
	EXPECT_SIZES_WRITTEN(reprise_jetstream_appended, append_next, world);
	/* No refused call appended a delta, and each accepted call appended one. */
	cr_assert(eq(u64, append_new(world->writer, next_delta), next_delta));
	EXPECT_SIZES_WRITTEN(reprise_jetstream_flushed, flush_t, world);
	EXPECT_SIZES_WRITTEN(reprise_jetstream_recovered, recover_all, world);
	EXPECT_SIZES_WRITTEN(reprise_jetstream_stats, stats, world);
}
