/* SPDX-License-Identifier: MIT */
#include "log_sqlite/scratch.h"
#include "world.h"

/* The recorder: contracts C08, C20, C21. */

TestSuite(recorder, .fini = scratch_remove, .timeout = 60);

static struct reprise_log_stats
stats_of_log(struct world *world)
{
	const struct reprise_log_key key = { "default", "s" };
	struct reprise_log_stats stats = { .size = sizeof(stats) };

	cr_assert(eq(int, reprise_log_stats(world->log, &key, &stats, NULL), REPRISE_OK));
	return stats;
}

Test(recorder, what_is_appended_is_in_the_log_with_its_position)
{
	struct world world = world_open(scratch_path("log"), 0, NULL);
	const struct reprise_log_key key = { "default", "s" };
	struct reprise_log_page *page = NULL;
	size_t count = 0;

	world_write(&world);
	world_append_until(&world, 100);
	world_flush(&world);
	cr_assert(eq(int, reprise_log_page_open(&page), REPRISE_OK));
	cr_assert(eq(int, reprise_log_load_after(world.log, &key, 40, 1000, 0, page, NULL),
		     REPRISE_OK));
	const struct reprise_log_entry *const entries = reprise_log_page_entries(page, &count);

	cr_assert(eq(sz, count, 60));
	cr_assert(eq(u64, entries[0].first, 41));
	cr_assert(memcmp(entries[0].payload.data, "41", 2) == 0);
	reprise_log_page_close(page);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(recorder, C08_positions_go_on_where_the_log_ends)
{
	const char *const path = scratch_path("log");
	struct world world = world_open(path, 0, NULL);
	reprise_position position = 0;

	world_write(&world);
	world_append_until(&world, 100);
	world_close(&world, REPRISE_OK);

	world = world_open(path, 0, NULL);
	struct reprise_log_stats stats = stats_of_log(&world);

	cr_assert(eq(u64, stats.head, 100));
	cr_assert(eq(int, stats.life.state, REPRISE_LIFE_CLEAN));
	world_write(&world);
	position = append_text(world.writer, "101");
	cr_assert(eq(u64, position, 101));
	stats = stats_of_log(&world);
	cr_assert(eq(u64, stats.lives, 2));
	cr_assert(eq(int, stats.life.state, REPRISE_LIFE_OPEN));
	cr_assert(eq(u64, stats.life.first, 101));
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}
