/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <reprise/log_sqlite.h>
#include <reprise/log_upkeep.h>

#include "log_sqlite/scratch.h"
#include "world.h"

/* No memory, or no thread, to be had, in whichever thread: it is said or waited out, and nothing is lost. */

TestSuite(memory, .fini = scratch_remove);

enum {
	EVENTS = 300,
	WINDOW = 64,
};

static atomic_int until_failure; /* calls; 0 and below: none fails */

static bool
fails(void)
{
	return atomic_load(&until_failure) > 0 && atomic_fetch_sub(&until_failure, 1) == 1;
}

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): what the linker calls them */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__real_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
			  void *(*start)(void *), void *argument);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
			  void *(*start)(void *), void *argument);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

void *
__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *
__wrap_realloc(void *memory, size_t size)
{
	return fails() ? NULL : __real_realloc(memory, size);
}

void *
__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

void *
__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
	return fails() ? MAP_FAILED : __real_mmap(at, size, protection, flags, fd, offset);
}

int
__wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
		      void *argument)
{
	return fails() ? EAGAIN : __real_pthread_create(thread, attributes, start, argument);
}

static unsigned int said; /* how many calls have said it */

/* What may be said; the second time it must do. */
static bool
is_again(reprise_status status)
{
	if (status == REPRISE_OK)
		return false;
	cr_assert(status == REPRISE_E_NO_MEMORY || status == REPRISE_E_SYSTEM ||
			  status == REPRISE_E_IO,
		  "%s", reprise_status_name(status));
	said++;
	return true;
}

#define DO(call)                                                     \
	do                                                           \
		if (is_again(call))                                  \
			cr_assert(eq(int, call, REPRISE_OK), #call); \
	while (0)

/* A window of a fifth of what comes, so that most of it is healed. */
static void
write_events(struct world *world)
{
	const struct reprise_session_options options = { .size = sizeof(options),
							 .events_max = WINDOW };

	DO(reprise_session_open(world->store, "s", &options, &world->writer, NULL));
	for (reprise_position newest = 50; newest <= EVENTS; newest += 50) {
		world_append_until(world, newest);
		DO(reprise_recorder_flush(world->recorder, "s", REPRISE_SYNCED, 60 * one_second));
	}
}

static void
read_events(struct world *world)
{
	struct reprise_subscription *subscription = NULL;
	struct reprise_session_stats stats = { .size = sizeof(stats) };
	struct reprise_cursor cursor = { .session_id = "s" };

	cr_assert(eq(int, reprise_session_stats(world->store, "s", &stats), REPRISE_OK));
	cursor.incarnation = stats.incarnation;
	DO(reprise_subscribe_after(world->store, &cursor, NULL, &subscription, NULL));
	(void)world_expect(subscription, 1, EVENTS);
	reprise_subscription_close(subscription);
}

static void
verify(struct reprise_log *log)
{
	const struct reprise_log_key key = { "default", "s" };
	struct reprise_log_report report = { .size = sizeof(report) };

	DO(reprise_log_verify(log, &key, &report, NULL));
	cr_assert(eq(u64, report.faults, 0), "%s", report.what);
	cr_assert(eq(u64, report.events, EVENTS));
}

/* Everything once. */
static void
use(const char *path)
{
	const struct reprise_log_sqlite_options log_options = { .size = sizeof(log_options),
								.path = path };
	struct reprise_recorder_options options = world_options();
	struct world world = { .path = path };

	options.retry_ns_min = 100000;
	options.retry_ns_max = 1000000;
	options.heal_wait_ns = 60 * one_second;
	DO(reprise_log_sqlite_open(&log_options, &world.log, NULL));
	DO(reprise_store_open(NULL, &world.store, NULL));
	DO(reprise_recorder_open(world.store, world.log, &options, &world.recorder, NULL));
	write_events(&world);
	read_events(&world);
	reprise_session_close(world.writer);
	cr_assert(eq(int, reprise_recorder_close(world.recorder), REPRISE_OK));
	cr_assert(eq(int, reprise_store_close(world.store), REPRISE_OK));
	verify(world.log);
	reprise_log_close(world.log);
}

static void
remove_log(const char *path)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-lock" };
	char name[1400];

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		(void)remove(name);
	}
}

Test(memory, what_fails_once_is_said_or_waited_out)
{
	const char *const path = scratch_path("log");
	int number = 0;

	for (bool has_failed = true; has_failed; remove_log(path)) {
		atomic_store(&until_failure, ++number);
		use(path);
		has_failed = atomic_exchange(&until_failure, 0) <= 0;
	}
	cr_assert(gt(int, number, 30));
	cr_assert(gt(uint, said, 20));
	expect_no_leaks();
}
