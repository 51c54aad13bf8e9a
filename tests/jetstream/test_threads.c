/* SPDX-License-Identifier: MIT */
/*
 * B12: appends and flushes at once, in threads and in processes: what was acknowledged
 * is applied once.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "chance.h"
#include "deltas.h"
#include "inner.h"
#include "world.h"

enum {
	THREADS_MAX = 24,
	EACH = 25, /* appends of a thread */
};

struct job {
	pthread_t thread;
	struct reprise_jetstream *writer;
	const char *id;
	unsigned int first;
	unsigned int count;
	atomic_bool *is_over;
	bool is_done;
	uint64_t applied;
};

static void *
append_some(void *argument)
{
	struct job *const job = argument;

	job->is_done = true;
	for (unsigned int i = job->first; i < job->first + job->count; i++)
		job->is_done = append_at_last(job->writer, job->id, delta(i), NULL) && job->is_done;
	return NULL;
}

static void
start(struct job *job, void *(*run)(void *argument))
{
	cr_assert(eq(int, pthread_create(&job->thread, NULL, run, job), 0));
}

static void
start_appends(struct job *jobs, unsigned int count, struct reprise_jetstream *const *writers,
	      unsigned int writers_count)
{
	for (unsigned int i = 0; i < count; i++) {
		jobs[i] = (struct job){ .writer = writers[i % writers_count],
					.id = "t",
					.first = 1 + i * EACH,
					.count = EACH };
		start(&jobs[i], append_some);
	}
}

static void
join_all(struct job *jobs, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		pthread_join(jobs[i].thread, NULL);
		cr_assert(jobs[i].is_done, "thread %u", i);
	}
}

STORES_TEST(B12_concurrent_appends_of_one_writer_are_all_kept)
{
	struct job jobs[THREADS_MAX];

	start_appends(jobs, THREADS_MAX, &world->writer, 1);
	join_all(jobs, THREADS_MAX);
	cr_assert(eq(u64, flush(world->writer, "t").applied, (uint64_t)THREADS_MAX * EACH));
	expect_books(world->store, "t", THREADS_MAX * EACH);
}

STORES_TEST(B12_concurrent_appends_of_several_writers_are_all_kept)
{
	const struct reprise_jetstream_options options = world_options(world);
	struct reprise_jetstream *writers[4];
	struct job jobs[8];

	for (int i = 0; i < 4; i++)
		writers[i] = world_writer(world->store, &options);
	start_appends(jobs, 8, writers, 4);
	join_all(jobs, 8);
	cr_assert(eq(u64, flush(world->writer, "t").applied, (uint64_t)8 * EACH));
	expect_books(world->store, "t", 8 * EACH);
	for (int i = 0; i < 4; i++)
		reprise_jetstream_close(writers[i]);
}

static bool
is_expected(reprise_status status)
{
	return status == REPRISE_OK || status == REPRISE_E_CONFLICT;
}

static void *
flush_again_and_again(void *argument)
{
	struct job *const job = argument;

	job->is_done = true;
	while (!atomic_load(job->is_over)) {
		struct reprise_jetstream_flushed flushed = { .size = sizeof(flushed) };

		job->is_done = is_expected(reprise_jetstream_flush(job->writer, job->id, &flushed,
								   NULL)) &&
			       job->is_done;
		job->applied += flushed.applied;
	}
	return NULL;
}

static void *
recover_again_and_again(void *argument)
{
	struct job *const job = argument;

	job->is_done = true;
	while (!atomic_load(job->is_over)) {
		struct reprise_jetstream_recovered recovered = { .size = sizeof(recovered) };

		job->is_done =
			is_expected(reprise_jetstream_recover(job->writer, &recovered, NULL)) &&
			job->is_done;
		job->applied += recovered.applied;
	}
	return NULL;
}

/*
 * Appends, while two others flush or recover: the sum of what they say to have applied is
 * what there is.
 */
static void
expect_flushes_safe(struct world *world, void *(*first)(void *argument),
		    void *(*second)(void *argument))
{
	const struct reprise_jetstream_options options = world_options(world);
	struct reprise_thread_store *const store = world_store(world);
	struct reprise_jetstream *const other = world_writer(store, &options);
	atomic_bool is_over = false;
	struct job appends[4];
	struct job flushes[2] = {
		{ .writer = world->writer, .id = "t", .is_over = &is_over },
		{ .writer = other, .id = "t", .is_over = &is_over },
	};

	start(&flushes[0], first);
	start(&flushes[1], second);
	start_appends(appends, 4, &world->writer, 1);
	join_all(appends, 4);
	atomic_store(&is_over, true);
	join_all(flushes, 2);
	const uint64_t last = flush(other, "t").applied;

	cr_assert(eq(u64, flushes[0].applied + flushes[1].applied + last, (uint64_t)4 * EACH));
	expect_books(world->store, "t", 4 * EACH);
	cr_assert(eq(u64, recover(world->writer).applied, 0));
	reprise_jetstream_close(other);
	reprise_thread_store_close(store);
}

STORES_TEST(B12_two_flushes_at_once_are_safe)
{
	expect_flushes_safe(world, flush_again_and_again, flush_again_and_again);
}

STORES_TEST(B12_a_flush_and_a_recovery_at_once_are_safe)
{
	expect_flushes_safe(world, flush_again_and_again, recover_again_and_again);
}

STORES_TEST(B12_two_recoveries_at_once_are_safe)
{
	expect_flushes_safe(world, recover_again_and_again, recover_again_and_again);
}

/* The fast one flushes, and more, while the slow one has read what it will save. */
struct race {
	struct reprise_jetstream *fast;
	unsigned int left;
	unsigned int next;
};

static void
overtake(void *context)
{
	struct race *const race = context;

	if (race->left == 0)
		return;
	race->left--;
	(void)flush(race->fast, "t");
	append_new(race->fast, race->next++);
}

STORES_TEST(B12_a_slow_flusher_against_a_fast_one_applies_nothing_twice)
{
	const struct reprise_jetstream_options options = world_options(world);
	struct reprise_thread_store *const store = world_store(world);
	struct race race = { .fast = world_writer(store, &options), .left = 3, .next = 6 };

	append_range(world->writer, 1, 5);
	inner_watch(world->store);
	inner_after_look(overtake, &race);
	const struct reprise_jetstream_flushed flushed = flush(world->writer, "t");

	inner_after_look(NULL, NULL);
	cr_assert(le(uint, race.left, 2));
	cr_assert(le(u64, flushed.applied, race.next - 6));
	flush(world->writer, "t");
	expect_books(world->store, "t", race.next - 1);
	cr_assert(eq(u64, recover(race.fast).applied, 0));
	reprise_jetstream_close(race.fast);
	reprise_thread_store_close(store);
}

/* A process of its own: appends, some of them RunFinished, with what it has at hand. */
static int
write_in_process(struct world *world, unsigned int first, unsigned int count)
{
	bool is_done = true;

	world_open(world);
	for (unsigned int i = first; i < first + count; i++)
		is_done = append_at_last(world->writer, "t", i % 20 == 0 ? finish(i) : delta(i),
					 NULL) &&
			  is_done;
	world_close(world);
	return is_done ? 0 : 1;
}

static void
expect_processes_safe(enum inner inner)
{
	enum {
		PROCESSES = 2,
		COUNT = 100
	};
	struct world world;
	pid_t children[PROCESSES];

	world_begin(&world, inner, NULL);
	for (unsigned int i = 0; i < PROCESSES; i++) {
		children[i] = fork();
		if (children[i] == 0)
			_exit(write_in_process(&world, 1 + i * COUNT, COUNT));
	}
	for (unsigned int i = 0; i < PROCESSES; i++) {
		int status = 0;

		cr_assert(eq(int, waitpid(children[i], &status, 0), children[i]));
		cr_assert(eq(int, status, 0));
	}
	world_open(&world);
	(void)flush(world.writer, "t");
	expect_books(world.store, "t", PROCESSES * COUNT);
	cr_assert(eq(u64, recover(world.writer).applied, 0));
	world_end(&world);
}

Test(jetstream, B12_two_processes_write_to_one_document_over_SQLite)
{
	expect_processes_safe(INNER_SQLITE);
	expect_no_leaks();
}

Test(jetstream, B12_two_processes_write_to_one_document_over_PostgreSQL)
{
	expect_processes_safe(INNER_POSTGRES);
	expect_no_leaks();
}

static void *
send_some(void *argument)
{
	struct job *const job = argument;

	job->is_done = true;
	for (unsigned int i = job->first; i < job->first + job->count; i++)
		job->is_done = reprise_jetstream_append_async(job->writer, job->id, delta(i), NULL,
							      NULL, NULL) == REPRISE_OK &&
			       job->is_done;
	return NULL;
}

SQLITE_TEST(B12_appends_in_flight_of_several_threads_are_all_kept)
{
	struct job jobs[8];

	for (unsigned int i = 0; i < 8; i++) {
		jobs[i] = (struct job){
			.writer = world->writer, .id = "t", .first = 1 + i * 100, .count = 100
		};
		start(&jobs[i], i % 2 == 0 ? send_some : append_some);
	}
	join_all(jobs, 8);
	cr_assert(eq(u64, flush(world->writer, "t").applied, 800));
	expect_books(world->store, "t", 800);
}

static void *
delete_and_create(void *argument)
{
	struct job *const job = argument;

	job->is_done = true;
	for (unsigned int i = 0; i < job->count; i++) {
		const reprise_status deleted = reprise_jetstream_delete(job->writer, job->id, NULL);
		const reprise_status created =
			reprise_jetstream_create(job->writer, job->id, text_bytes(""), NULL, NULL);

		job->is_done = job->is_done && deleted == REPRISE_OK && created == REPRISE_OK;
	}
	return NULL;
}

static void *
append_to_what_there_is(void *argument)
{
	struct job *const job = argument;

	job->is_done = true;
	for (unsigned int i = job->first; i < job->first + job->count; i++) {
		const reprise_status status = reprise_jetstream_append(
			job->writer, job->id, NULL, i % 10 == 0 ? finish(i) : delta(i), NULL, NULL);

		job->is_done =
			job->is_done && (is_expected(status) || status == REPRISE_E_NOT_FOUND);
	}
	return NULL;
}

/* No message is there twice, whichever of the documents it has met. */
SQLITE_TEST(B12_deletes_beside_appends_leave_nothing_twice)
{
	struct job jobs[2] = {
		{ .writer = world->writer, .id = "t", .first = 1, .count = 300 },
		{ .writer = world->writer, .id = "t", .count = 40 },
	};

	start(&jobs[0], append_to_what_there_is);
	start(&jobs[1], delete_and_create);
	join_all(jobs, 2);
	(void)recover(world->writer);
	const char *const text = text_of(world->store, "t");

	for (unsigned int i = 1; i <= 300; i++) {
		char message[32];

		snprintf(message, sizeof(message), "\"id\":\"m%u\"", i);
		const char *const found = strstr(text, message);

		cr_assert(found == NULL || strstr(found + 1, message) == NULL, "%s", message);
	}
	cr_assert(eq(u64, recover(world->writer).applied, 0));
}
