/* SPDX-License-Identifier: MIT */
/* P01 to P06 of a writer: forks, cancelled threads, signals, the library's threads. */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cancelled.h"
#include "deltas.h"
#include "world.h"

static int32_t
see_none(const struct reprise_jetstream_dead *dead, void *context)
{
	(void)dead, (void)context;
	return 1;
}

/* In the child of a fork: a number that says where it went wrong. */
static int
wrong_in_child(struct world *world)
{
	struct reprise_jetstream *const writer = world->writer;
	struct reprise_jetstream_stats stats = { .size = sizeof(stats) };
	struct reprise_jetstream *other = NULL;

	if (append(writer, 9, NULL, NULL) != REPRISE_E_FORKED)
		return 1;
	if (reprise_jetstream_append_async(writer, "t", delta(9), NULL, NULL, NULL) !=
	    REPRISE_E_FORKED)
		return 2;
	if (reprise_jetstream_flush(writer, "t", NULL, NULL) != REPRISE_E_FORKED)
		return 3;
	if (reprise_jetstream_save(writer, "t", NULL, text_bytes("{}"), 0, NULL, NULL) !=
	    REPRISE_E_FORKED)
		return 4;
	if (reprise_jetstream_delete(writer, "t", NULL) != REPRISE_E_FORKED)
		return 5;
	if (reprise_jetstream_recover(writer, NULL, NULL) != REPRISE_E_FORKED)
		return 6;
	if (reprise_jetstream_stats(writer, &stats) != REPRISE_E_FORKED)
		return 7;
	if (reprise_jetstream_each_dead(writer, 0, see_none, NULL, NULL) != REPRISE_E_FORKED)
		return 8;
	if (reprise_jetstream_drop_dead(writer, 1, NULL) != REPRISE_E_FORKED)
		return 9;
	if (reprise_jetstream_create(writer, "u", text_bytes(""), NULL, NULL) != REPRISE_E_FORKED)
		return 10;
	const struct reprise_jetstream_options options = world_options(world);

	if (reprise_jetstream_open(world->store, &options, &other, NULL) != REPRISE_E_FORKED)
		return 11;
	reprise_jetstream_close(writer);
	reprise_thread_store_close(world->store);
	return 0;
}

static int
status_of(pid_t child)
{
	int status = 0;

	cr_assert(eq(int, waitpid(child, &status, 0), child));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

FORKING_TEST(P01_a_writer_belongs_to_the_process_that_opened_it)
{
	append_range(world->writer, 1, 3);
	for (int i = 0; i < 3; i++) {
		const pid_t child = fork();

		if (child == 0)
			_exit(wrong_in_child(world));
		cr_assert(eq(int, status_of(child), 0));
		cr_assert(eq(u64, append_new(world->writer, 4 + (unsigned int)i), 4U + i));
	}
	cr_assert(eq(u64, stats_of(world->writer).reconnects, 0), "the connection is the same");
	cr_assert(eq(u64, flush(world->writer, "t").applied, 6));
	expect_books(world->store, "t", 6);
}

static int
use_own(struct world *world, unsigned int number)
{
	struct world own = { .inner = world->inner, .server = world->server };
	struct reprise_jetstream_options options = world_options(&own);

	options.deadline_ns = 2 * one_second;
	own.store = world_store(&own);
	own.writer = world_writer(own.store, &options);
	const bool is_taken = append_at_last(own.writer, "t", delta(number), NULL);

	world_close(&own);
	return is_taken ? 0 : 1;
}

FORKING_TEST(P04_a_child_opens_a_writer_of_its_own)
{
	struct told told;

	told_begin(&told);
	for (unsigned int i = 1; i <= 50; i++)
		cr_assert(eq(int,
			     reprise_jetstream_append_async(world->writer, "t", delta(i), told_add,
							    &told, NULL),
			     REPRISE_OK));
	const pid_t child = fork();

	if (child == 0)
		_exit(use_own(world, 51));
	cr_assert(eq(int, status_of(child), 0));
	told_wait(&told, 50);
	for (int i = 0; i < 50; i++)
		cr_assert(eq(int, told.statuses[i], REPRISE_OK));
	cr_assert(eq(u64, flush(world->writer, "t").applied, 51));
	expect_books(world->store, "t", 51);
	told_end(&told);
}

struct cancelled {
	struct world *world;
	reprise_status status;
};

static void
keep_first(struct cancelled *cancelled, reprise_status status)
{
	if (cancelled->status == REPRISE_OK)
		cancelled->status = status;
}

static void
use_cancelled(void *argument)
{
	struct cancelled *const cancelled = argument;
	const struct reprise_jetstream_options options = world_options(cancelled->world);
	struct reprise_jetstream *writer = NULL;

	keep_first(cancelled,
		   reprise_jetstream_open(cancelled->world->store, &options, &writer, NULL));
	keep_first(cancelled, append(writer, 1, NULL, NULL));
	keep_first(cancelled,
		   reprise_jetstream_append_async(writer, "t", delta(2), NULL, NULL, NULL));
	keep_first(cancelled, reprise_jetstream_flush(writer, "t", NULL, NULL));
	keep_first(cancelled, append(writer, 3, NULL, NULL));
	keep_first(cancelled, reprise_jetstream_recover(writer, NULL, NULL));
	keep_first(cancelled, reprise_jetstream_append(writer, "t", NULL, finish(4), NULL, NULL));
	keep_first(cancelled, reprise_jetstream_each_dead(writer, 0, see_none, NULL, NULL));
	keep_first(cancelled, reprise_jetstream_create(writer, "u", text_bytes("{}"), NULL, NULL));
	keep_first(cancelled, reprise_jetstream_delete(writer, "u", NULL));
	keep_first(cancelled,
		   reprise_jetstream_save(writer, "v", NULL, text_bytes("{}"), 0, NULL, NULL));
	reprise_jetstream_close(writer);
}

SQLITE_TEST(P06_no_call_is_a_cancellation_point)
{
	struct cancelled cancelled = { .world = world };

	expect_uncancelled(use_cancelled, &cancelled, "the calls on a writer");
	cr_assert(eq(int, cancelled.status, REPRISE_OK));
	expect_books(world->store, "t", 4);
}

static void
told_off(void *context, reprise_status status, const struct reprise_jetstream_appended *appended,
	 const struct reprise_error *error)
{
	int state = PTHREAD_CANCEL_ENABLE;

	(void)appended, (void)error;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	if (status == REPRISE_OK && state == PTHREAD_CANCEL_DISABLE)
		atomic_fetch_add((atomic_int *)context, 1);
}

SQLITE_TEST(P06_completions_are_called_with_cancellation_disabled)
{
	atomic_int right = 0;

	for (unsigned int i = 1; i <= 10; i++)
		cr_assert(eq(int,
			     reprise_jetstream_append_async(world->writer, "t", delta(i), told_off,
							    &right, NULL),
			     REPRISE_OK));
	flush(world->writer, "t");
	while (stats_of(world->writer).in_flight > 0)
		;
	reprise_jetstream_close(world->writer);
	world->writer = NULL;
	cr_assert(eq(int, atomic_load(&right), 10));
}

/*
 * The signals that a thread of this process blocks, in bits; false: there is no such
 * thread any more.
 */
static bool
blocked_of(const char *thread, uint64_t *ret_blocked)
{
	char path[64], line[256];
	bool is_there = false;

	snprintf(path, sizeof(path), "/proc/self/task/%.16s/status", thread);
	FILE *const file = fopen(path, "re");

	if (file == NULL)
		return false;
	while (fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, "SigBlk:", 7) == 0) {
			*ret_blocked = strtoull(line + 7, NULL, 16);
			is_there = true;
		}
	}
	fclose(file);
	return is_there;
}

/* How many threads but for this one there are, each of which must block these. */
static int
expect_blocked(uint64_t wanted)
{
	DIR *const folder = opendir("/proc/self/task");
	int count = 0;

	cr_assert(ne(ptr, folder, NULL));
	for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
		uint64_t blocked = 0;

		if (entry->d_name[0] == '.' || (pid_t)strtol(entry->d_name, NULL, 10) == getpid() ||
		    !blocked_of(entry->d_name, &blocked))
			continue;
		cr_assert(eq(u64, blocked & wanted, wanted), "thread %s", entry->d_name);
		count++;
	}
	closedir(folder);
	return count;
}

#define BIT(signal) (UINT64_C(1) << ((signal)-1))

SQLITE_TEST(P09_signals_are_not_delivered_to_the_librarys_threads)
{
	const uint64_t wanted =
		BIT(SIGINT) | BIT(SIGTERM) | BIT(SIGUSR1) | BIT(SIGCHLD) | BIT(SIGALRM);
	struct told told;

	told_begin(&told);
	cr_assert(gt(int, expect_blocked(wanted), 0));
	for (unsigned int i = 1; i <= 10; i++)
		cr_assert(eq(int,
			     reprise_jetstream_append_async(world->writer, "t", delta(i), told_add,
							    &told, NULL),
			     REPRISE_OK));
	expect_blocked(wanted);
	told_wait(&told, 10);
	flush(world->writer, "t");
	expect_blocked(wanted);
	/* The library makes threads for a new connection, too. */
	nats_server_kill(world->server);
	nats_server_restart(world->server);
	cr_assert(append_at_last(world->writer, "t", delta(11), NULL));
	expect_blocked(wanted);
	told_end(&told);
}

static unsigned int
count_descriptors(void)
{
	DIR *const folder = opendir("/proc/self/fd");
	unsigned int count = 0;

	cr_assert(ne(ptr, folder, NULL));
	while (readdir(folder) != NULL)
		count++;
	closedir(folder);
	return count;
}

SQLITE_TEST(P10_a_close_gives_back_every_descriptor)
{
	const struct reprise_jetstream_options options = world_options(world);
	unsigned int before = 0;

	for (int i = 0; i < 8; i++) {
		struct reprise_jetstream *const writer = world_writer(world->store, &options);

		append_new(writer, 1 + (unsigned int)i);
		reprise_jetstream_close(writer);
		if (i == 2)
			before = count_descriptors();
	}
	cr_assert(eq(uint, count_descriptors(), before));
}
