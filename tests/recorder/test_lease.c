/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "log_sqlite/scratch.h"
#include "world.h"

/*
 * Leases between runtimes that share a log: contracts L30 to L35. A runtime is a world, in this
 * process or in a child.
 */

TestSuite(recorder_lease, .fini = scratch_remove, .timeout = 60);

static const uint64_t long_lease_ns = 60 * one_second;

static struct reprise_recorder_options
leasing(uint64_t lease_ns)
{
	struct reprise_recorder_options options = world_options();

	options.lease_ns = lease_ns;
	return options;
}

static struct reprise_recorder_options
refusing(void)
{
	struct reprise_recorder_options options = world_options();

	options.refuses_leased = 1;
	return options;
}

/* Opens "s"; the words of a refusal are in @error. */
static reprise_status
open_s(struct world *world, struct reprise_error *error)
{
	*error = (struct reprise_error){ .size = sizeof(*error) };
	return reprise_writer_open(world->store, "s", NULL, &world->writer, error);
}

/* For how long the log says that "s" is leased. */
static uint64_t
left_of(struct world *world)
{
	return world_log_stats(world).lease_left_ns;
}

Test(recorder_lease, L30_a_leased_session_is_refused_with_the_time_that_is_left)
{
	const char *const path = scratch_path("log");
	const struct reprise_recorder_options with_lease = leasing(long_lease_ns);
	const struct reprise_recorder_options refuses = refusing();
	struct world one = world_open(path, 0, &with_lease);
	struct world other = world_open(path, 0, &refuses);
	struct reprise_error error;

	world_write(&one);
	const uint64_t begun = clock_ns();

	cr_assert(eq(int, open_s(&other, &error), REPRISE_E_BUSY));
	cr_assert(lt(u64, clock_ns() - begun, 2 * one_second), "at once");
	cr_assert(eq(ptr, other.writer, NULL));
	cr_assert(eq(str, error.what, "lease"));
	double left_s = 0;

	cr_assert(eq(int,
		     sscanf(error.detail,
			    "another runtime has a lease on the session for %lf s more", &left_s),
		     1),
		  "%s", error.detail);
	cr_assert(left_s > 30 && left_s <= 60, "%s", error.detail);
	cr_assert(gt(u64, left_of(&one), long_lease_ns / 2));
	/* Nothing has become of the owner's life, and other sessions are open to the other. */
	world_append_until(&one, 3);
	world_flush(&one);
	cr_assert(eq(u64, world_stats(&one).fenced, 0));
	cr_assert(eq(u64, world_log_stats(&one).lives, 1));
	cr_assert(eq(int, reprise_writer_open(other.store, "t", NULL, &other.writer, NULL),
		     REPRISE_OK));
	world_close(&one, REPRISE_OK);
	world_close(&other, REPRISE_OK);
	expect_no_leaks();
}

Test(recorder_lease, L30_of_sessions_opened_together_the_leased_one_alone_is_refused)
{
	const char *const path = scratch_path("log");
	const struct reprise_recorder_options with_lease = leasing(long_lease_ns);
	const struct reprise_recorder_options refuses = refusing();
	struct world one = world_open(path, 0, &with_lease);
	struct world other = world_open(path, 0, &refuses);
	struct reprise_writer_opening openings[] = { { .session_id = "r" },
						     { .session_id = "s" },
						     { .session_id = "t" } };

	world_write(&one);
	cr_assert(eq(int, reprise_writers_open(other.store, openings, 3, NULL), REPRISE_E_BUSY));
	cr_assert(eq(int, openings[0].status, REPRISE_OK));
	cr_assert(eq(int, openings[1].status, REPRISE_E_BUSY));
	cr_assert(eq(ptr, openings[1].writer, NULL));
	cr_assert(eq(int, openings[2].status, REPRISE_OK));
	reprise_writer_close(openings[0].writer);
	reprise_writer_close(openings[2].writer);
	world_close(&one, REPRISE_OK);
	world_close(&other, REPRISE_OK);
	expect_no_leaks();
}

static const uint64_t short_lease_ns = one_second / 2;

/* Leases "s", records three events, and dies. */
static void
die_with_a_lease(const char *path)
{
	const struct reprise_recorder_options options = leasing(short_lease_ns);
	struct world world = world_open(path, 0, &options);

	world_write(&world);
	world_append_until(&world, 3);
	world_flush(&world);
}

Test(recorder_lease, L30_the_lease_of_a_runtime_that_died_ends_and_the_next_has_waited)
{
	const char *const path = scratch_path("log");

	/* Before there are threads: a sanitizer's allocator has locks. */
	world_crash(die_with_a_lease, path);
	struct world other = world_open(path, 0, NULL);
	const uint64_t left = left_of(&other);
	const uint64_t begun = clock_ns();

	cr_assert(gt(u64, left, 0));
	world_write(&other);
	const uint64_t waited = clock_ns() - begun;

	cr_assert(ge(u64, waited + one_second / 50, left));
	cr_assert(lt(u64, waited, left + 2 * one_second));
	cr_assert(eq(u64, world_log_stats(&other).lives, 2));
	world_append_until(&other, 5);
	world_flush(&other);
	cr_assert(eq(u64, world_log_stats(&other).head, 5), "after the three that were recorded");
	world_close(&other, REPRISE_OK);
	expect_no_leaks();
}

Test(recorder_lease, L30_an_opening_waits_no_longer_than_its_deadline)
{
	const char *const path = scratch_path("log");
	const struct reprise_recorder_options with_lease = leasing(long_lease_ns);
	struct reprise_recorder_options impatient = world_options();
	struct reprise_error error;

	impatient.deadline_ns = one_second / 4;
	struct world one = world_open(path, 0, &with_lease);
	struct world other = world_open(path, 0, &impatient);

	world_write(&one);
	const uint64_t begun = clock_ns();

	cr_assert(eq(int, open_s(&other, &error), REPRISE_E_BUSY));
	const uint64_t waited = clock_ns() - begun;

	cr_assert(ge(u64, waited, one_second / 4));
	cr_assert(lt(u64, waited, 2 * one_second));
	cr_assert(eq(str, error.what, "lease"));
	cr_assert(ne(str, error.detail, ""));
	/* The request is gone with its deadline: nothing of it comes later. */
	reprise_writer_close(one.writer);
	one.writer = NULL;
	world_await_life(&one, REPRISE_LIFE_CLEAN);
	usleep(200000);
	cr_assert(eq(u64, world_log_stats(&one).lives, 1));
	world_close(&one, REPRISE_OK);
	world_close(&other, REPRISE_OK);
	expect_no_leaks();
}

static void *
close_soon(void *argument)
{
	struct world *const world = argument;

	usleep(100000);
	reprise_writer_close(world->writer);
	world->writer = NULL;
	return NULL;
}

Test(recorder_lease, L31_closing_a_session_releases_its_lease_at_once)
{
	const char *const path = scratch_path("log");
	const struct reprise_recorder_options with_lease = leasing(long_lease_ns);
	struct world one = world_open(path, 0, &with_lease);
	struct world other = world_open(path, 0, &with_lease);
	pthread_t thread;

	world_write(&one);
	world_append_until(&one, 3);
	cr_assert(eq(int, pthread_create(&thread, NULL, close_soon, &one), 0));
	const uint64_t begun = clock_ns();

	world_write(&other);
	cr_assert(lt(u64, clock_ns() - begun, 3 * one_second), "and not after a minute");
	pthread_join(thread, NULL);
	const struct reprise_log_stats stats = world_log_stats(&other);

	cr_assert(eq(u64, stats.lives, 2));
	cr_assert(eq(u64, stats.head, 3), "all of the first life is recorded");
	cr_assert(gt(u64, stats.lease_left_ns, long_lease_ns / 2), "the next has its own");
	world_close(&one, REPRISE_OK);
	world_close(&other, REPRISE_OK);
	expect_no_leaks();
}

enum {
	SILENT = 50
};

Test(recorder_lease, L32_the_leases_of_silent_sessions_are_renewed_together)
{
	static const uint64_t lease_ns = 900000000;
	const char *const path = scratch_path("log");
	const struct reprise_recorder_options with_lease = leasing(lease_ns);
	const struct reprise_recorder_options refuses = refusing();
	struct world one = world_open(path, 0, &with_lease);
	struct world other = world_open(path, 0, &refuses);
	struct reprise_writer *writers[SILENT];
	struct reprise_error error;
	char id[16];

	world_write(&one);
	for (int i = 0; i < SILENT; i++) {
		snprintf(id, sizeof(id), "silent %d", i);
		cr_assert(eq(int, reprise_writer_open(one.store, id, NULL, &writers[i], NULL),
			     REPRISE_OK));
	}
	const uint64_t begun = clock_ns(), batches = world_stats(&one).batches;

	while (clock_ns() - begun < 2 * lease_ns) {
		cr_assert(eq(int, open_s(&other, &error), REPRISE_E_BUSY));
		usleep(20000);
	}
	/* Three within a lease's length, whatever the number of sessions; one at either end. */
	cr_assert(ge(u64, world_stats(&one).batches - batches, 3));
	cr_assert(le(u64, world_stats(&one).batches - batches, 8));
	cr_assert(eq(u64, world_stats(&one).fenced, 0));
	for (int i = 0; i < SILENT; i++)
		reprise_writer_close(writers[i]);
	world_close(&one, REPRISE_OK);
	world_close(&other, REPRISE_OK);
	expect_no_leaks();
}

/*
 * In a child: leases "s" and records; what becomes of its appends after it was stopped is
 * its exit status.
 */
static void
outstay_a_lease(const char *path)
{
	const struct reprise_recorder_options options = leasing(short_lease_ns);
	reprise_status status = REPRISE_OK;

	alarm(50);
	struct world world = world_open(path, 0, &options);

	world_write(&world);
	world_append_until(&world, 3);
	world_flush(&world);
	raise(SIGSTOP);
	for (int i = 0; i < 10000 && status == REPRISE_OK; i++) {
		status = reprise_append(world.writer, 0, 0, 0, (struct reprise_bytes){ 0 }, NULL);
		usleep(1000);
	}
	_exit(status == REPRISE_E_CLOSED ? 7 : 1);
}

Test(recorder_lease, L33_a_runtime_that_outstays_its_lease_records_nothing_more)
{
	const char *const path = scratch_path("log");
	int status = 0;
	const pid_t child =
		fork(); /* before there are threads: a sanitizer's allocator has locks */

	if (child == 0)
		outstay_a_lease(path);
	cr_assert(eq(int, waitpid(child, &status, WUNTRACED), child));
	cr_assert(eq(int, WIFSTOPPED(status), 1));
	struct world other = world_open(path, 0, NULL);

	world_write(&other);
	cr_assert(eq(int, kill(child, SIGCONT), 0));
	cr_assert(eq(int, waitpid(child, &status, 0), child));
	cr_assert(eq(int, status, 7 << 8), "its appends are refused");
	world_append_until(&other, 4);
	world_flush(&other);
	cr_assert(eq(u64, world_log_stats(&other).head, 4), "nothing of it came in");
	world_close(&other, REPRISE_OK);
	expect_no_leaks();
}

Test(recorder_lease, L34_a_log_that_cannot_be_written_ends_a_lease_and_costs_no_event)
{
	const char *const path = scratch_path("log");
	const struct reprise_recorder_options with_lease = leasing(short_lease_ns);
	struct world one = world_open(path, 0, &with_lease);
	struct world other = world_open(path, 0, NULL);

	world_write(&one);
	world_append_until(&one, 3);
	world_flush(&one);
	const int blocked = world_block_log(path);

	/* No renewal comes through; then one does, if nobody was quicker. */
	while (left_of(&one) != 0)
		usleep(1000);
	cr_assert(ge(u64, world_stats(&one).failures, 1), "the renewal has failed");
	world_unblock_log(blocked);
	while (left_of(&one) == 0)
		usleep(1000);
	world_append_until(&one, 6);
	world_flush(&one);
	cr_assert(eq(u64, world_stats(&one).fenced, 0));
	cr_assert(eq(u64, world_log_stats(&one).lives, 1));
	cr_assert(eq(u64, world_log_stats(&one).head, 6));
	world_close(&one, REPRISE_OK);
	world_close(&other, REPRISE_OK);
	expect_no_leaks();
}

enum {
	ROUNDS = 500 /* of each runtime */
};

struct taker {
	struct world world;
	uint64_t recorded; /* events that a flush has answered OK for */
	uint64_t conflicts;
	pthread_t thread;
};

/* Takes "s", records an event, and gives it back, again and again. */
static void *
take_turns(void *argument)
{
	struct taker *const taker = argument;
	struct reprise_error error;

	for (int round = 0; round < ROUNDS;) {
		const reprise_status status = open_s(&taker->world, &error);

		/* The window of an earlier turn was joined, and the other has had a turn since. */
		if (status == REPRISE_E_CONFLICT) {
			taker->conflicts++;
			continue;
		}
		if (status != REPRISE_OK)
			break;
		if (reprise_append(taker->world.writer, 0, 0, 0, (struct reprise_bytes){ 0 },
				   NULL) != REPRISE_OK ||
		    reprise_recorder_flush(taker->world.recorder, "s", REPRISE_WRITTEN,
					   30 * one_second) != REPRISE_OK)
			break;
		taker->recorded++;
		reprise_writer_close(taker->world.writer);
		taker->world.writer = NULL;
		round++;
	}
	return NULL;
}

Test(recorder_lease, L35_two_runtimes_take_a_thousand_turns_and_lose_no_event)
{
	const char *const path = scratch_path("log");
	struct reprise_recorder_options options = leasing(long_lease_ns);
	const struct reprise_log_entry *entries;
	struct taker takers[2] = { 0 };
	size_t count = 0;

	options.durability = REPRISE_WRITTEN;
	options.linger_ns = 100000;
	for (int i = 0; i < 2; i++)
		takers[i].world = world_open(path, 0, &options);
	for (int i = 0; i < 2; i++)
		cr_assert(eq(int, pthread_create(&takers[i].thread, NULL, take_turns, &takers[i]),
			     0));
	for (int i = 0; i < 2; i++) {
		pthread_join(takers[i].thread, NULL);
		cr_assert(eq(u64, takers[i].recorded, ROUNDS));
		cr_assert(eq(u64, world_stats(&takers[i].world).lost, 0));
	}
	cr_assert(eq(u64, world_log_stats(&takers[0].world).head, 2 * (uint64_t)ROUNDS));
	struct reprise_log_page *const page = world_load(&takers[0].world, 0, &entries, &count);

	cr_assert(eq(sz, count, 2 * (size_t)ROUNDS));
	for (size_t i = 0; i < count; i++)
		cr_assert(eq(int, entries[i].type, REPRISE_LOG_EVENT));
	reprise_log_page_close(page);
	for (int i = 0; i < 2; i++)
		world_close(&takers[i].world, REPRISE_OK);
	expect_no_leaks();
}
