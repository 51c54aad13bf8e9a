/* SPDX-License-Identifier: MIT */

/*
 * Silent sessions: what they cost, and how soon the recorder notices the first event
 * after a silence.
 */

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "log_sqlite/scratch.h"
#include "world.h"

TestSuite(idle, .fini = scratch_remove, .timeout = 60);

/* A sanitizer and a busy machine make everything slower; the claim is of what is possible. */
#ifdef __SANITIZE_ADDRESS__
#define SLACK 20
#else
#define SLACK 1
#endif

enum {
	MANY = 1000,
	TRIES = 20,
	SILENCE_US = 250000, /* longer than the recorder keeps looking */
	SETTLED_US = 2000000,
	WATCHED_US = 2000000,
	WAKES_MAX = 4, /* in that time */
};

static uint64_t
switches_of(const char *task)
{
	char path[64], line[128];
	uint64_t count = 0;

	snprintf(path, sizeof(path), "/proc/self/task/%.16s/status", task);
	FILE *const file = fopen(path, "re");

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, "voluntary_ctxt_switches:", 24) == 0)
			count = strtoull(line + 24, NULL, 10);
	if (file != NULL)
		fclose(file);
	return count;
}

/* How often threads of this process, but the caller, have gone to sleep so far. */
static uint64_t
count_switches(void)
{
	DIR *const tasks = opendir("/proc/self/task");
	uint64_t count = 0;
	char own[16];

	cr_assert(ne(ptr, tasks, NULL));
	snprintf(own, sizeof(own), "%d", (int)gettid());
	for (const struct dirent *task = readdir(tasks); task != NULL; task = readdir(tasks))
		if (task->d_name[0] != '.' && strcmp(task->d_name, own) != 0)
			count += switches_of(task->d_name);
	closedir(tasks);
	return count;
}

struct many {
	struct world world;
	struct reprise_writer *writers[MANY];
	int count;
};

/* @count sessions of one event each, all of it recorded. */
static void
open_many(struct many *many, int count, const struct reprise_recorder_options *options)
{
	static char ids[MANY][16];
	struct reprise_writer_opening openings[MANY];

	many->world = world_open(scratch_path("log"), 16, options);
	many->count = count;
	for (int i = 0; i < count; i++) {
		snprintf(ids[i], sizeof(ids[i]), "s%d", i);
		openings[i] = (struct reprise_writer_opening){ .session_id = ids[i] };
	}
	cr_assert(eq(int, reprise_writers_open(many->world.store, openings, (size_t)count, NULL),
		     REPRISE_OK));
	for (int i = 0; i < count; i++) {
		many->writers[i] = openings[i].writer;
		(void)append_text(many->writers[i], "x");
	}
	cr_assert(eq(int,
		     reprise_recorder_flush(many->world.recorder, NULL, REPRISE_WRITTEN,
					    30 * one_second),
		     REPRISE_OK));
}

static void
close_many(struct many *many)
{
	for (int i = 0; i < many->count; i++)
		reprise_writer_close(many->writers[i]);
	world_close(&many->world, REPRISE_OK);
	expect_no_leaks();
}

/* The least of some looks, if one is not little enough: the first may come too early. */
static uint64_t
least_switches(uint64_t enough)
{
	uint64_t least = UINT64_MAX;

	usleep(SETTLED_US);
	for (int i = 0; i < 3 && least > enough; i++) {
		const uint64_t before = count_switches();

		usleep(WATCHED_US);
		const uint64_t wakes = count_switches() - before;

		least = wakes < least ? wakes : least;
	}
	return least;
}

static void
expect_silence(int sessions)
{
	static struct many many;

	open_many(&many, sessions, NULL);
	const uint64_t wakes = least_switches(WAKES_MAX);

	cr_assert(le(u64, wakes, WAKES_MAX), "%d sessions: %llu wake-ups in 2 s", sessions,
		  (unsigned long long)wakes);
	close_many(&many);
}

Test(idle, F30_one_silent_session_wakes_nobody)
{
	expect_silence(1);
}

Test(idle, F30_a_thousand_silent_sessions_wake_nobody)
{
	expect_silence(MANY);
}

static reprise_position
through(const struct world *world, const char *id)
{
	reprise_position position = 0;

	cr_assert(eq(
		int,
		reprise_recorder_recorded_through(world->recorder, id, REPRISE_WRITTEN, &position),
		REPRISE_OK));
	return position;
}

static void
await_recorded(const struct world *world, const char *id, reprise_position position)
{
	const uint64_t deadline = clock_ns() + 20 * one_second;

	while (through(world, id) < position) {
		cr_assert(lt(u64, clock_ns(), deadline), "%s is not recorded", id);
		usleep(100);
	}
}

/* From the append to its being recorded, after a silence of so long: the best of some tries. */
static uint64_t
best_delay(struct many *many, useconds_t silence_us, uint64_t enough_ns)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < TRIES && best > enough_ns; i++) {
		usleep(silence_us);
		const uint64_t begin = clock_ns();
		const reprise_position position = append_text(many->writers[0], "first");

		await_recorded(&many->world, "s0", position);
		const uint64_t delay = clock_ns() - begin;

		best = delay < best ? delay : best;
	}
	return best;
}

static void
expect_delay(useconds_t silence_us, uint64_t linger_ns)
{
	const uint64_t bound = SLACK * (linger_ns + 5000000);
	struct reprise_recorder_options options = world_options();
	static struct many many;

	options.durability = REPRISE_WRITTEN;
	options.linger_ns = linger_ns;
	open_many(&many, 8, &options);
	cr_expect(le(u64, best_delay(&many, silence_us, bound), bound));
	close_many(&many);
}

Test(idle, F31_the_first_event_after_a_silence_is_recorded_within_linger_and_5_ms)
{
	expect_delay(SILENCE_US, 2000000);
}

Test(idle, F31_the_first_event_after_a_short_silence_is_recorded_as_soon)
{
	expect_delay(60000, 2000000);
}

Test(idle, F31_a_longer_linger_is_kept_as_it_is)
{
	expect_delay(SILENCE_US, 30000000);
}

Test(idle, F31_no_event_is_lost_between_silence_and_noise)
{
	static struct many many;

	open_many(&many, 64, NULL);
	for (unsigned int round = 1; round <= 12; round++) {
		/* Around the time when the recorder stops looking, too. */
		usleep(85000 + round * 5000);
		for (int i = 0; i < many.count; i++)
			(void)append_text(many.writers[i], "x");
		for (int i = 0; i < many.count; i++) {
			char id[16];

			snprintf(id, sizeof(id), "s%d", i);
			await_recorded(&many.world, id, round + 1);
		}
	}
	close_many(&many);
}

struct appender {
	struct reprise_writer *writer;
	unsigned int seed;
	reprise_position newest;
};

static void *
append_now_and_then(void *argument)
{
	struct appender *const appender = argument;

	for (int i = 0; i < 12; i++) {
		usleep(90000 + (useconds_t)rand_r(&appender->seed) % 30000);
		for (int burst = rand_r(&appender->seed) % 4; burst >= 0; burst--)
			appender->newest = append_text(appender->writer, "now and then");
	}
	return NULL;
}

/* Each appends at moments of its own, so that others are silent, busy, or between the two. */
Test(idle, F31_no_event_is_lost_when_sessions_fall_silent_one_by_one)
{
	enum {
		THREADS = 48
	};
	static struct many many;
	static struct appender appenders[THREADS];
	pthread_t threads[THREADS];

	open_many(&many, THREADS, NULL);
	for (unsigned int i = 0; i < THREADS; i++) {
		appenders[i] =
			(struct appender){ .writer = many.writers[i], .seed = i, .newest = 1 };
		cr_assert(eq(int,
			     pthread_create(&threads[i], NULL, append_now_and_then, &appenders[i]),
			     0));
	}
	for (int i = 0; i < THREADS; i++) {
		char id[16];

		pthread_join(threads[i], NULL);
		snprintf(id, sizeof(id), "s%d", i);
		await_recorded(&many.world, id, appenders[i].newest);
	}
	close_many(&many);
}

Test(idle, F31_a_host_that_the_kernel_refuses_its_barrier_loses_no_event)
{
	refuse_membarrier();
	static struct many many;

	open_many(&many, 4, NULL);
	for (int i = 0; i < 3; i++) {
		usleep(SILENCE_US);
		await_recorded(&many.world, "s0", append_text(many.writers[0], "x"));
	}
	close_many(&many);
}

Test(idle, F32_a_flush_of_a_silent_session_is_served_at_once)
{
	static struct many many;
	struct reprise_recorder_options options = world_options();

	options.durability = REPRISE_WRITTEN;
	options.linger_ns = 9 * one_second; /* only who asks is served sooner */
	open_many(&many, 8, &options);
	for (int i = 0; i < 4; i++) {
		const char *const id = i % 2 == 0 ? "s3" : NULL;

		usleep(SILENCE_US);
		const reprise_position position = append_text(many.writers[3], "x");
		const uint64_t begin = clock_ns();

		cr_assert(eq(int,
			     reprise_recorder_flush(many.world.recorder, id, REPRISE_SYNCED,
						    20 * one_second),
			     REPRISE_OK));
		cr_assert(lt(u64, clock_ns() - begin, 5 * one_second));
		reprise_position synced = 0;

		cr_assert(eq(int,
			     reprise_recorder_recorded_through(many.world.recorder, "s3",
							       REPRISE_SYNCED, &synced),
			     REPRISE_OK));
		cr_assert(ge(u64, synced, position));
	}
	close_many(&many);
}

Test(idle, F32_what_was_only_written_before_a_silence_can_be_synced)
{
	struct reprise_recorder_options options = world_options();
	static struct many many;
	reprise_position synced = 0;

	options.durability = REPRISE_WRITTEN;
	open_many(&many, 4, &options);
	for (int i = 0; i < 2; i++) {
		(void)append_text(many.writers[2], "x");
		await_recorded(&many.world, "s2", (reprise_position)i + 2);
		usleep(SILENCE_US);
		cr_assert(eq(int,
			     reprise_recorder_flush(many.world.recorder, i == 0 ? NULL : "s2",
						    REPRISE_SYNCED, 20 * one_second),
			     REPRISE_OK));
		cr_assert(eq(int,
			     reprise_recorder_recorded_through(many.world.recorder, "s2",
							       REPRISE_SYNCED, &synced),
			     REPRISE_OK));
		cr_assert(eq(u64, synced, (uint64_t)i + 2));
	}
	close_many(&many);
}

Test(idle, F32_a_silent_session_that_is_closed_ends_its_life_and_may_expire)
{
	struct world world = world_open(scratch_path("log"), 16, NULL);
	const struct reprise_session_options options = { .size = sizeof(options),
							 .age_ns_max = 1000000 };
	uint64_t count = 0;

	cr_assert(eq(int, reprise_writer_open(world.store, "s", &options, &world.writer, NULL),
		     REPRISE_OK));
	world_append_until(&world, 3);
	usleep(SILENCE_US);
	/* It has a writer: nothing expires. */
	cr_assert(eq(int, reprise_sessions_expire_idle(world.store, &count), REPRISE_OK));
	cr_assert(eq(u64, count, 0));
	reprise_writer_close(world.writer);
	world.writer = NULL;
	world_await_life(&world, REPRISE_LIFE_CLEAN);
	for (int i = 0; count == 0 && i < 1000; i++) {
		usleep(10000);
		cr_assert(eq(int, reprise_sessions_expire_idle(world.store, &count), REPRISE_OK));
	}
	cr_assert(eq(u64, count, 1));
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(idle, F32_the_end_of_a_silent_session_is_recorded)
{
	struct world world = world_open(scratch_path("log"), 16, NULL);

	world_write(&world);
	world_append_until(&world, 3);
	usleep(SILENCE_US);
	cr_assert(eq(int, reprise_writer_end(world.writer, 7), REPRISE_OK));
	for (int i = 0; !world_log_stats(&world).has_ended; i++) {
		cr_assert(lt(int, i, 1000));
		usleep(10000);
	}
	cr_assert(eq(int, world_log_stats(&world).end_status, 7));
	/* Ended and silent, and its writer opens it anew. */
	usleep(SILENCE_US);
	reprise_writer_close(world.writer);
	world_write(&world);
	world_append_until(&world, 4);
	await_recorded(&world, "s", 4);
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(idle, F32_a_silent_session_that_is_invalidated_is_void_in_the_log)
{
	struct world world = world_open(scratch_path("log"), 16, NULL);

	world_write(&world);
	world_append_until(&world, 3);
	world_flush(&world);
	usleep(SILENCE_US);
	cr_assert(eq(int, reprise_session_invalidate(world.store, "s"), REPRISE_OK));
	cr_assert(eq(int, world_log_stats(&world).life.state, REPRISE_LIFE_INVALIDATED));
	world_close(&world, REPRISE_OK);
	expect_no_leaks();
}

Test(idle, F32_closing_the_recorder_ends_the_lives_of_silent_sessions)
{
	static struct many many;

	open_many(&many, 100, NULL);
	usleep(SILENCE_US);
	for (int i = 0; i < many.count; i++)
		(void)append_text(many.writers[i], "last");
	for (int i = 0; i < many.count; i++)
		reprise_writer_close(many.writers[i]);
	cr_assert(eq(int, reprise_recorder_close(many.world.recorder), REPRISE_OK));
	for (int i = 0; i < many.count; i++) {
		char id[16];
		const struct reprise_log_key key = { "default", id };
		struct reprise_log_stats stats = { .size = sizeof(stats) };

		snprintf(id, sizeof(id), "s%d", i);
		cr_assert(
			eq(int, reprise_log_stats(many.world.log, &key, &stats, NULL), REPRISE_OK));
		cr_assert(eq(u64, stats.head, 2));
		cr_assert(eq(int, stats.life.state, REPRISE_LIFE_CLEAN));
	}
	cr_assert(eq(int, reprise_store_close(many.world.store), REPRISE_OK));
	reprise_log_close(many.world.log);
	expect_no_leaks();
}

Test(idle, F33_an_append_notifies_the_recorder_once_after_a_silence_and_not_while_busy)
{
	static struct many many;
	struct reprise_session_stats stats = { .size = sizeof(stats) };

	open_many(&many, 1, NULL);
	usleep(SILENCE_US);
	cr_assert(eq(int, reprise_session_stats(many.world.store, "s0", &stats), REPRISE_OK));
	const uint64_t before = stats.wakes;

	for (int i = 0; i < 200; i++) {
		(void)append_text(many.writers[0], "x");
		usleep(1000);
	}
	cr_assert(eq(int, reprise_session_stats(many.world.store, "s0", &stats), REPRISE_OK));
	/* More only if this thread was kept from running for as long as a silence. */
	cr_assert(le(u64, stats.wakes - before, 3));
	close_many(&many);
}

Test(idle, F30_leases_of_silent_sessions_are_renewed_and_nothing_else_wakes)
{
	struct reprise_recorder_options options = world_options();
	static struct many many;

	options.lease_ns = 3 * one_second; /* renewed each second, in one transaction */
	open_many(&many, 100, &options);
	const uint64_t batches = world_stats(&many.world).batches;
	const uint64_t wakes = least_switches(10 * (uint64_t)WAKES_MAX);

	/* The transaction itself waits for the disk now and then. */
	cr_assert(le(u64, wakes, 10 * (uint64_t)WAKES_MAX), "%llu wake-ups",
		  (unsigned long long)wakes);
	cr_assert(ge(u64, world_stats(&many.world).batches, batches + 2));
	close_many(&many);
}
