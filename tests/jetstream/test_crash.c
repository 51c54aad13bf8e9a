/* SPDX-License-Identifier: MIT */
/* B11: a process that dies anywhere: a recovery applies the rest, once. */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "chance.h"
#include "deltas.h"
#include "inner.h"
#include "world.h"

/* A server and a store with "t", and nothing open: the children of a fork open what they need. */
static void
begin(struct world *world, enum inner inner)
{
	world_begin(world, inner, NULL);
	world->store = world_store(world);
	create(world->store, "t");
	world_close(world);
}

static void
die(void *context)
{
	(void)context;
	(void)kill(getpid(), SIGKILL);
}

/* In a child: buffers five deltas, and dies in the middle of something. */
enum point {
	POINT_BUFFERED,
	POINT_BEFORE_SAVE,
	POINT_AFTER_SAVE,
	POINT_RECOVER_BEFORE_SAVE,
	POINT_RECOVER_AFTER_SAVE,
	POINT_LOOK,
	POINTS
};

static void
die_at(struct world *world, enum point point, unsigned int first)
{
	world_open(world);
	for (unsigned int i = first; i < first + 5; i++) {
		if (!append_at_last(world->writer, "t", delta(i), NULL))
			_exit(1);
	}
	inner_watch(world->store);
	if (point == POINT_BUFFERED)
		die(NULL);
	if (point == POINT_BEFORE_SAVE || point == POINT_RECOVER_BEFORE_SAVE)
		inner_before_commit(die, NULL);
	else if (point == POINT_LOOK)
		inner_after_look(die, NULL);
	else
		inner_after_commit(die, NULL);
	if (point >= POINT_RECOVER_BEFORE_SAVE)
		(void)!reprise_jetstream_recover(world->writer, NULL, NULL);
	else
		(void)!reprise_jetstream_flush(world->writer, "t", NULL, NULL);
	_exit(2);
}

static void
expect_killed(pid_t child)
{
	int status = 0;

	cr_assert(gt(int, child, 0));
	cr_assert(eq(int, waitpid(child, &status, 0), child));
	const bool is_killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;

	cr_assert(is_killed, "status %d", status);
}

static void
expect_recovered(enum inner inner)
{
	struct world world;
	unsigned int count = 0;

	begin(&world, inner);
	for (enum point point = 0; point < POINTS; point++) {
		const bool is_saved =
			point == POINT_AFTER_SAVE || point == POINT_RECOVER_AFTER_SAVE;
		const pid_t child = fork();

		if (child == 0)
			die_at(&world, point, count + 1);
		expect_killed(child);
		count += 5;
		/* The recovery is another process, too, so that this one forks without threads. */
		const pid_t recovering = fork();

		if (recovering == 0) {
			world_open(&world);
			const bool is_right = recover(world.writer).applied == (is_saved ? 0 : 5) &&
					      recover(world.writer).applied == 0;

			world_close(&world);
			_exit(is_right ? 0 : 1);
		}
		int status = 0;

		cr_assert(eq(int, waitpid(recovering, &status, 0), recovering));
		cr_assert(eq(int, status, 0), "point %d", (int)point);
	}
	world_open(&world);
	expect_books(world.store, "t", count);
	world_end(&world);
}

Test(jetstream, B11_a_killed_process_leaves_all_to_the_recovery_over_SQLite)
{
	expect_recovered(INNER_SQLITE);
	expect_no_leaks();
}

Test(jetstream, B11_a_killed_process_leaves_all_to_the_recovery_over_PostgreSQL)
{
	expect_recovered(INNER_POSTGRES);
	expect_no_leaks();
}

/*
 * In a child, until it is killed: appends from @next on; the number of each that was acknowledged
 * goes to the pipe.
 */
static void
write_until_killed(struct world *world, unsigned int next, int to)
{
	world_open(world);
	for (unsigned int i = next;; i++) {
		if (!append_at_last(world->writer, "t", i % 9 == 0 ? finish(i) : delta(i), NULL))
			_exit(1);
		if (write(to, &i, sizeof(i)) != sizeof(i))
			_exit(1);
	}
}

/* Kills a writer at a random moment; the number of the last delta that was acknowledged. */
static unsigned int
run_and_kill(struct world *world, unsigned int next)
{
	const struct timespec pause = { 0, 1000000 * (long)(5 + chance(120)) };
	unsigned int number = 0;
	int ends[2];

	cr_assert(eq(int, pipe(ends), 0));
	const pid_t child = fork();

	if (child == 0)
		write_until_killed(world, next, ends[1]);
	close(ends[1]);
	cr_assert(eq(sz, (size_t)read(ends[0], &number, sizeof(number)), sizeof(number)));
	nanosleep(&pause, NULL);
	cr_assert(eq(int, kill(child, SIGKILL), 0));
	cr_assert(eq(int, waitpid(child, NULL, 0), child));
	unsigned int last = number;

	while (read(ends[0], &number, sizeof(number)) == sizeof(number))
		last = number;
	close(ends[0]);
	return last;
}

static void
expect_kills_survived(enum inner inner)
{
	struct world world;
	unsigned int last = 0;

	chance_begin(11);
	begin(&world, inner);
	/*
	 * The writer after a kill begins with the delta whose fate is unknown, if there was one:
	 * its id is the same.
	 */
	for (int i = 0; i < 8; i++)
		last = run_and_kill(&world, last + 1);
	world_open(&world);
	(void)flush(world.writer, "t");
	const uint64_t version = version_of(world.store, "t");

	cr_assert(ge(u64, version, last));
	cr_assert(le(u64, version, last + 1));
	expect_books(world.store, "t", (unsigned int)version);
	cr_assert(eq(u64, recover(world.writer).applied, 0));
	world_end(&world);
}

Test(jetstream, B11_writers_killed_at_random_moments_lose_nothing_over_SQLite)
{
	expect_kills_survived(INNER_SQLITE);
	expect_no_leaks();
}

Test(jetstream, B11_writers_killed_at_random_moments_lose_nothing_over_PostgreSQL)
{
	expect_kills_survived(INNER_POSTGRES);
	expect_no_leaks();
}
