/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "store/session.h"
#include "store/stamp.h"

SUITE(store);

Test(store, a_second_writer_is_refused_until_the_first_closes)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_writer *second = NULL;
	struct reprise_error error = { .size = sizeof(error) };

	cr_assert(eq(int, reprise_writer_open(store, "s", NULL, &second, &error), REPRISE_E_BUSY));
	cr_assert(eq(int, error.status, REPRISE_E_BUSY));
	cr_assert(eq(ptr, second, NULL));
	cr_assert(eq(int, reprise_writer_end(writer, 0), REPRISE_OK));
	cr_assert(eq(int, reprise_writer_open(store, "s", NULL, &second, NULL), REPRISE_E_BUSY),
		  "also when it has ended");
	reprise_writer_close(writer);
	cr_assert(eq(int, reprise_writer_open(store, "s", NULL, &second, NULL), REPRISE_OK));
	reprise_writer_close(second);
	reprise_writer_close(NULL);
	close_store(store);
}

Test(store, close_is_refused_while_anything_is_open)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription;

	cr_assert(eq(int, reprise_store_close(store), REPRISE_E_BUSY));
	append_text(writer, "still works");
	subscription = subscribed_after(store, 0);
	reprise_writer_close(writer);
	cr_assert(eq(int, reprise_store_close(store), REPRISE_E_BUSY));
	expect_text(subscription, "still works");
	reprise_subscription_close(subscription);
	close_store(store);
	cr_assert(eq(int, reprise_store_close(NULL), REPRISE_OK));
}

Test(store, statistics_count_what_is_open)
{
	struct reprise_store *store = store_plain();
	struct reprise_store_stats stats = { .size = sizeof(stats) };
	struct reprise_writer *writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);

	cr_assert(eq(int, reprise_session_create(store, "other", NULL, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_store_stats(store, &stats), REPRISE_OK));
	cr_assert(eq(u64, stats.sessions, 2));
	cr_assert(eq(u64, stats.writers, 1));
	cr_assert(eq(u64, stats.subscriptions, 1));
	cr_assert(ge(u64, stats.arena_bytes, 2u << 20));
	cr_assert(ge(u64, stats.staging_bytes, 1u << 20));
	cr_assert(gt(u64, stats.control_bytes, 0));
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	cr_assert(eq(int, reprise_store_stats(store, &stats), REPRISE_OK));
	cr_assert(eq(u64, stats.sessions, 2));
	cr_assert(eq(u64, stats.writers, 0));
	cr_assert(eq(u64, stats.subscriptions, 0));
	cr_assert(eq(u64, stats.staging_bytes, 0));
	close_store(store);
}

Test(store, a_session_says_what_it_is)
{
	struct reprise_store *store = store_with(4, 0, 0);
	struct reprise_writer *writer = writer_of(store);

	append_until(writer, 6);
	const struct reprise_session_stats stats = stats_of_s(store);

	cr_assert(eq(u64, stats.first, 1));
	cr_assert(eq(u64, stats.oldest, 3));
	cr_assert(eq(u64, stats.newest, 6));
	cr_assert(eq(u64, stats.retained, 4));
	cr_assert(eq(int, stats.ended, 0));
	cr_assert(eq(int, stats.has_writer, 1));
	reprise_writer_close(writer);
	cr_assert(eq(int, stats_of_s(store).has_writer, 0));
	close_store(store);
}

Test(store, joining_a_window_with_events_leaves_its_bounds_as_they_are)
{
	struct reprise_store *store = store_with(8, 0, 0);
	const struct reprise_session_options options = {
		.size = sizeof(options),
		.events_max = 3,
	};
	struct reprise_writer *writer = NULL;

	writer = writer_of(store);
	append_text(writer, "x");
	reprise_writer_close(writer);
	cr_assert(eq(int, reprise_writer_open(store, "s", &options, &writer, NULL), REPRISE_OK));
	cr_assert(eq(u64, stats_of_s(store).events_max, 8));
	reprise_writer_close(writer);
	close_store(store);
}

Test(store, sessions_are_kept_apart)
{
	struct reprise_store *store = store_plain();
	enum {
		SESSIONS = 500
	};
	struct reprise_writer *writers[SESSIONS];
	char id[32];

	for (int i = 0; i < SESSIONS; i++) {
		snprintf(id, sizeof(id), "session-%d", i);
		cr_assert(eq(int, reprise_writer_open(store, id, NULL, &writers[i], NULL),
			     REPRISE_OK));
		append_until(writers[i], (reprise_position)i + 1);
	}
	for (int i = 0; i < SESSIONS; i++) {
		struct reprise_session_stats stats = { .size = sizeof(stats) };

		snprintf(id, sizeof(id), "session-%d", i);
		cr_assert(eq(int, reprise_session_stats(store, id, &stats), REPRISE_OK));
		cr_assert(eq(u64, stats.newest, (uint64_t)i + 1));
		reprise_writer_close(writers[i]);
	}
	close_store(store);
}

Test(store, bad_options_are_named_and_nothing_is_opened)
{
	const size_t size = sizeof(struct reprise_session_options);
	const struct {
		const char *what;
		struct reprise_session_options options;
	} cases[] = {
		{ "session options: size", { .size = 0 } },
		{ "session options: size", { .size = size - 1 } },
		{ "session options: size", { .size = SIZE_MAX } },
		{ "bytes_max", { .size = size, .bytes_max = 255 } },
		{ "bytes_max", { .size = size, .bytes_max = (UINT64_C(1) << 31) + 1 } },
		{ "bytes_max", { .size = size, .bytes_max = REPRISE_NO_LIMIT } },
	};
	struct reprise_store *good = store_plain();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct reprise_store_options options = {
			.size = sizeof(options),
			.session = &cases[i].options,
		};
		struct reprise_error error = { .size = sizeof(error) };
		struct reprise_store *store = NULL;
		struct reprise_writer *writer = NULL;

		cr_assert(eq(int, reprise_store_open(&options, &store, &error), REPRISE_E_INVALID));
		cr_assert(eq(str, error.what, (char *)cases[i].what));
		cr_assert(eq(ptr, store, NULL));
		cr_assert(eq(int,
			     reprise_writer_open(good, "s", &cases[i].options, &writer, &error),
			     REPRISE_E_INVALID));
		cr_assert(eq(str, error.what, (char *)cases[i].what));
		cr_assert(eq(ptr, writer, NULL));
	}
	struct reprise_session_stats stats = { .size = sizeof(stats) };

	cr_assert(eq(int, reprise_session_stats(good, "s", &stats), REPRISE_E_NOT_FOUND));
	close_store(good);
}

static void *
never_allocate(void *context, size_t size, size_t alignment)
{
	(void)context, (void)size, (void)alignment;
	return NULL;
}

static void *
never_map(void *context, size_t size)
{
	(void)context, (void)size;
	return NULL;
}

Test(store, bad_store_options_are_named_and_nothing_is_opened)
{
	const struct reprise_allocator half_control = { .allocate = never_allocate };
	const struct reprise_allocator half_map = { .map = never_map };
	struct reprise_store_options options = { .size = sizeof(options) - 1 };
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_store *store = NULL;

	cr_assert(eq(int, reprise_store_open(&options, &store, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "store options: size"));
	options.size = sizeof(options);
	options.allocator = &half_control;
	cr_assert(eq(int, reprise_store_open(&options, &store, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "allocator"));
	options.allocator = &half_map;
	cr_assert(eq(int, reprise_store_open(&options, &store, NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_store_open(NULL, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "ret_store"));
	cr_assert(eq(ptr, store, NULL));
}

Test(store, bad_ids_are_refused_everywhere)
{
	char long_id[REPRISE_SESSION_ID_BYTES_MAX + 2];
	struct reprise_store *store = store_plain();

	memset(long_id, 'a', sizeof(long_id) - 1);
	long_id[sizeof(long_id) - 1] = '\0';
	const char *const ids[] = { NULL, "", long_id, "a\nb", "\xff", "\xc3", "\x7f" };

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		struct reprise_writer *writer = NULL;
		struct reprise_cursor cursor;
		struct reprise_session_stats stats = { .size = sizeof(stats) };
		struct reprise_error error = { .size = sizeof(error) };

		cr_assert(eq(int, reprise_writer_open(store, ids[i], NULL, &writer, &error),
			     REPRISE_E_INVALID));
		cr_assert(eq(str, error.what, "session_id"));
		error = (struct reprise_error){ .size = sizeof(error) };
		cr_assert(eq(int, reprise_session_create(store, ids[i], NULL, &error),
			     REPRISE_E_INVALID));
		cr_assert(eq(str, error.what, "session_id"));
		cr_assert(eq(int, reprise_session_current_cursor(store, ids[i], 0, &cursor),
			     REPRISE_E_INVALID));
		cr_assert(eq(int, reprise_session_earliest_cursor(store, ids[i], 0, &cursor),
			     REPRISE_E_INVALID));
		cr_assert(eq(int, reprise_session_trim(store, ids[i]), REPRISE_E_INVALID));
		cr_assert(eq(int, reprise_session_trim_to(store, ids[i], 1), REPRISE_E_INVALID));
		cr_assert(eq(int, reprise_session_stats(store, ids[i], &stats), REPRISE_E_INVALID));
	}
	long_id[REPRISE_SESSION_ID_BYTES_MAX] = '\0'; /* just as long as it may be */
	struct reprise_writer *writer = NULL;

	cr_assert(eq(int, reprise_writer_open(store, long_id, NULL, &writer, NULL), REPRISE_OK));
	reprise_writer_close(writer);
	close_store(store);
}

Test(store, every_call_refuses_NULL)
{
	struct reprise_store *store = store_plain();
	struct reprise_writer *writer = NULL;
	struct reprise_cursor cursor;
	struct reprise_session_stats session_stats = { .size = sizeof(session_stats) };
	struct reprise_store_stats stats = { .size = sizeof(stats) };

	cr_assert(eq(int, reprise_writer_open(NULL, "s", NULL, &writer, NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_writer_open(store, "s", NULL, NULL, NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_session_create(NULL, "s", NULL, NULL), REPRISE_E_INVALID));
	cr_assert(
		eq(int, reprise_session_current_cursor(NULL, "s", 0, &cursor), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_session_current_cursor(store, "s", 0, NULL), REPRISE_E_INVALID));
	cr_assert(
		eq(int, reprise_session_earliest_cursor(NULL, "s", 0, &cursor), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_session_earliest_cursor(store, "s", 0, NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_session_trim(NULL, "s"), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_session_trim_to(NULL, "s", 1), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_session_stats(NULL, "s", &session_stats), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_session_stats(store, "s", NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_store_stats(NULL, &stats), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_store_stats(store, NULL), REPRISE_E_INVALID));
	stats.size = 0;
	cr_assert(eq(int, reprise_store_stats(store, &stats), REPRISE_E_INVALID));
	writer = writer_of(store);
	session_stats.size = 7;
	cr_assert(eq(int, reprise_session_stats(store, "s", &session_stats), REPRISE_E_INVALID));
	reprise_writer_close(writer);
	close_store(store);
}

/* An allocator that counts what is out, and fails the n-th request. */
struct failing {
	_Atomic uint64_t requests, fail_at; /* from 1; 0: never */
	_Atomic uint64_t blocks, pages;
};

static bool
fails(struct failing *failing)
{
	return ++failing->requests == failing->fail_at;
}

static void *
failing_allocate(void *context, size_t size, size_t alignment)
{
	struct failing *const failing = context;

	cr_assert(eq(sz, alignment, 64));
	if (fails(failing))
		return NULL;
	failing->blocks++;
	return aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

static void
failing_release(void *context, void *memory, size_t size)
{
	struct failing *const failing = context;

	(void)size;
	failing->blocks--;
	free(memory);
}

static void *
failing_map(void *context, size_t size)
{
	struct failing *const failing = context;

	if (fails(failing))
		return NULL;
	failing->pages += size;
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		    -1, 0);
}

static void
failing_unmap(void *context, void *memory, size_t size)
{
	struct failing *const failing = context;

	failing->pages -= size;
	munmap(memory, size);
}

/* Everything that allocates, in a row; answers the status of the step that failed, or OK. */
static reprise_status
everything(struct failing *failing)
{
	const struct reprise_allocator allocator = {
		.context = failing,
		.allocate = failing_allocate,
		.release = failing_release,
		.map = failing_map,
		.unmap = failing_unmap,
	};
	const struct reprise_store_options options = {
		.size = sizeof(options),
		.allocator = &allocator,
	};
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_store *store = NULL;
	struct reprise_writer *writer = NULL;
	struct reprise_subscription *subscription = NULL;
	struct reprise_cursor cursor;
	reprise_status status = reprise_store_open(&options, &store, &error);

	if (status != REPRISE_OK) {
		cr_assert(eq(int, error.status, status));
		return status;
	}
	status = reprise_writer_open(store, "s", NULL, &writer, &error);
	if (status == REPRISE_OK)
		status = reprise_session_create(store, "unknown", NULL, &error);
	if (status == REPRISE_OK)
		status = reprise_session_current_cursor(store, "unknown", 0, &cursor);
	if (status == REPRISE_OK)
		status = reprise_subscribe_after(store, &cursor, NULL, &subscription, &error);
	if (status == REPRISE_OK) {
		reprise_subscription_close(subscription);
		cr_assert(eq(int, reprise_writer_end(writer, 0), REPRISE_OK));
		reprise_writer_close(writer);
		writer = NULL;
		status = reprise_writer_open(store, "s", NULL, &writer, &error);
	}
	reprise_writer_close(writer);
	close_store(store);
	return status;
}

Test(store, every_allocation_may_fail_with_a_clean_answer_and_no_leak)
{
	struct failing failing = { 0 };

	cr_assert(eq(int, everything(&failing), REPRISE_OK));
	const uint64_t requests = failing.requests;

	cr_assert(ge(u64, requests, 6));
	cr_assert(eq(u64, failing.blocks, 0));
	cr_assert(eq(u64, failing.pages, 0));
	uint64_t answered = 0;

	for (uint64_t n = 1; n <= requests; n++) {
		struct failing again = { .fail_at = n };
		const reprise_status status = everything(&again);

		/* A large reservation that is refused is asked for again, smaller. */
		if (status != REPRISE_OK) {
			cr_assert(eq(int, status, REPRISE_E_NO_MEMORY), "request %lu",
				  (unsigned long)n);
			answered++;
		}
		cr_assert(eq(u64, again.blocks, 0), "request %lu", (unsigned long)n);
		cr_assert(eq(u64, again.pages, 0), "request %lu", (unsigned long)n);
	}
	cr_assert(ge(u64, answered, requests - 2));
}

Test(store, a_refused_reservation_is_tried_again_at_the_size_that_is_needed)
{
	struct failing failing = { .fail_at = 0 };
	struct memory memory;
	struct pool pool;
	const struct reprise_allocator allocator = {
		.context = &failing,
		.allocate = failing_allocate,
		.release = failing_release,
		.map = failing_map,
		.unmap = failing_unmap,
	};

	cr_assert(memory_init(&memory, &allocator));
	pool_open(&pool, &memory, false);
	failing.fail_at = 3; /* the block, the reservation, its pages */
	struct block *const block = pool_take(&pool, 5000);

	cr_assert(ne(ptr, block, NULL));
	cr_assert(eq(u64, block->bytes, 8192));
	cr_assert(eq(u64, failing.pages, 8192));
	unsigned char resident[2] = { 0 };

	memset(block->memory, 1, 8192);
	cr_assert(eq(int, mincore(block->memory, 8192, resident), 0));
	cr_assert(eq(int, resident[0] & resident[1] & 1, 1));
	pool_give(&pool, block);
	cr_assert(eq(int, mincore(block->memory, 8192, resident), 0));
	cr_assert(eq(int, (resident[0] | resident[1]) & 1, 0), "given back to the system");
	cr_assert(eq(ptr, pool_take(&pool, 8000), block), "its addresses are used again");
	pool_give(&pool, block);
	pool_give(&pool, NULL);
	pool_close(&pool);
	cr_assert(eq(u64, failing.blocks, 0));
	cr_assert(eq(u64, failing.pages, 0));
}

/*
 * The linker sends these calls of the library here (--wrap), and chooses the names.
 * NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
 */
static bool is_refused_thread, is_refused_random;
static long page_bytes; /* of another kernel; 0: this one's */
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
			  void *(*start)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
			  void *(*start)(void *), void *argument);
ssize_t __real_getrandom(void *to, size_t bytes, unsigned int flags);
ssize_t __wrap_getrandom(void *to, size_t bytes, unsigned int flags);
long __real_sysconf(int name);
long __wrap_sysconf(int name);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

int
__wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
		      void *argument)
{
	return is_refused_thread ? EAGAIN
				 : __real_pthread_create(thread, attributes, start, argument);
}

ssize_t
__wrap_getrandom(void *to, size_t bytes, unsigned int flags)
{
	if (!is_refused_random)
		return __real_getrandom(to, bytes, flags);
	errno = ENOSYS;
	return -1;
}

long
__wrap_sysconf(int name)
{
	return name == _SC_PAGESIZE && page_bytes != 0 ? page_bytes : __real_sysconf(name);
}

/* The pool gives the kernel whole pages back, each of one block. */
Test(store, X12_two_blocks_share_no_page_however_large_pages_are)
{
	for (page_bytes = 4096; page_bytes <= 65536; page_bytes *= 4) {
		const uint64_t page = (uint64_t)page_bytes;
		uint64_t first = 0;
		struct memory memory;
		struct pool pool;

		cr_assert(memory_init(&memory, NULL));
		pool_open(&pool, &memory, false);
		for (uint64_t bytes = 1; bytes < 300000; bytes += 1 + bytes / 3) {
			const struct block *const block = pool_take(&pool, bytes);
			const uint64_t at = (uint64_t)(uintptr_t)block->memory;

			cr_assert(ge(u64, block->bytes, bytes));
			cr_assert(eq(u64, block->bytes, pool_block_bytes(bytes)));
			cr_assert(eq(u64, block->bytes % page, 0));
			/* This kernel aligns the reservation to its own pages. */
			first = first != 0 ? first : at;
			cr_assert(eq(u64, (at - first) % page, 0));
		}
		pool_close(&pool);
	}
	page_bytes = 0;
}

static void
never_called(struct reprise_subscription *subscription, void *context)
{
	(void)subscription, (void)context;
	cr_fatal("it was refused");
}

Test(store, a_refused_system_call_is_said_and_nothing_is_opened)
{
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_store *store = NULL;
	struct reprise_writer *writer = NULL;

	is_refused_random = true;
	cr_assert(eq(int, reprise_store_open(NULL, &store, &error), REPRISE_E_SYSTEM));
	cr_assert(eq(str, error.what, "getrandom"));
	cr_assert(eq(int, error.os_error, ENOSYS));
	cr_assert(eq(ptr, store, NULL));
	is_refused_random = false;
	store = store_plain();
	is_refused_thread = true;
	cr_assert(
		eq(int, reprise_writer_open(store, "s", NULL, &writer, &error), REPRISE_E_SYSTEM));
	cr_assert(eq(str, error.what, "pthread_create"));
	cr_assert(eq(int, error.os_error, EAGAIN));
	/* An unknown session starts no thread, its callback does. */
	const struct reprise_cursor unknown = { .session_id = "s" };
	struct reprise_subscription *subscription = NULL;

	cr_assert(eq(int, reprise_subscribe_after(store, &unknown, NULL, &subscription, NULL),
		     REPRISE_OK));
	error = (struct reprise_error){ .size = sizeof(error) };
	cr_assert(eq(int, reprise_subscription_notify(subscription, never_called, NULL, &error),
		     REPRISE_E_SYSTEM));
	cr_assert(eq(str, error.what, "pthread_create"));
	cr_assert(eq(int, error.os_error, EAGAIN));
	reprise_subscription_close(subscription);
	is_refused_thread = false;
	is_refused_random = true;
	cr_assert(
		eq(int, reprise_writer_open(store, "s", NULL, &writer, &error), REPRISE_E_SYSTEM));
	cr_assert(eq(int, reprise_session_create(store, "s", NULL, &error), REPRISE_E_SYSTEM));
	cr_assert(eq(str, error.what, "getrandom"));
	is_refused_random = false;
	cr_assert(eq(ptr, writer, NULL));
	writer = writer_of(store);
	reprise_writer_close(writer);
	close_store(store);
}

Test(store, two_stores_hash_ids_differently)
{
	struct reprise_store *a = store_plain(), *b = store_plain();

	cr_assert(ne(u64, session_id_hash(a, "s", 1), session_id_hash(b, "s", 1)));
	close_store(a);
	close_store(b);
}

static uint64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * one_second + (uint64_t)now.tv_nsec;
}

/* The word is stale before the store's thread has looked: the first stamp is right all the same. */
Test(store, the_first_append_after_a_pause_is_stamped_right)
{
	struct reprise_store *store = NULL;
	struct reprise_writer *writer;
	struct reprise_event event;
	struct reprise_gap gap;

	cr_assert(eq(int, reprise_store_open(NULL, &store, NULL), REPRISE_OK));
	writer = writer_of(store);
	struct reprise_subscription *subscription = subscribed_after(store, 0);
	const uint64_t before = now_ns();

	append_text(writer, "x");
	cr_assert(eq(int, reprise_next(subscription, &event, &gap, NULL), REPRISE_NEXT_EVENT));
	cr_assert(ge(u64, event.stamp_ns + UINT64_C(10) * 1000 * 1000, before), "within a tick");
	cr_assert(le(u64, event.stamp_ns, now_ns()));
	reprise_subscription_close(subscription);
	reprise_writer_close(writer);
	close_store(store);
}

Test(store, a_stale_stamp_is_taken_from_the_clock_and_asked_for)
{
	struct stamp stamp = { 0 };
	uint64_t seen = 0;
	const uint64_t taken = stamp_take(&stamp, &seen);

	cr_assert(eq(u64, seen, STAMP_UNSEEN), "so that the next append asks again");
	cr_assert(le(u64, taken, now_ns()));
	cr_assert(ge(u64, taken + UINT64_C(10) * 1000 * 1000, now_ns()));
	cr_assert(eq(u64, load_relaxed(&stamp.wanted), 1));
	store_relaxed(&stamp.word, STAMP_FRESH | 5);
	cr_assert(eq(u64, stamp_take(&stamp, &seen), 5));
	cr_assert(eq(u64, seen, STAMP_FRESH | 5));
	cr_assert(eq(u64, stamp_now(&stamp), 5));
}

/*
 * Busy, it becomes fresh; left alone, it becomes stale again. The timeout of the suite bounds it.
 */
Test(store, the_stores_thread_keeps_the_stamp_while_anything_is_appended)
{
	struct reprise_store *store = NULL;
	struct reprise_writer *writer;

	cr_assert(eq(int, reprise_store_open(NULL, &store, NULL), REPRISE_OK));
	writer = writer_of(store);
	while (load_relaxed(&store->stamp->word) == STAMP_STALE) {
		append_text(writer, "x");
		sched_yield();
	}
	const uint64_t first = load_relaxed(&store->stamp->word);

	cr_assert(le(u64, first & ~STAMP_FRESH, now_ns()));
	while (load_relaxed(&store->stamp->word) == first)
		sched_yield(); /* it ticks by itself */
	while (load_relaxed(&store->stamp->word) != STAMP_STALE)
		sched_yield(); /* until it has seen that nobody wants it */
	reprise_writer_close(writer);
	close_store(store);
}

Test(store, a_stamp_kept_by_the_host_is_left_alone)
{
	struct reprise_store *store = NULL;
	struct reprise_writer *writer;

	cr_assert(eq(int, reprise_store_open(NULL, &store, NULL), REPRISE_OK));
	writer = writer_of(store);
	while (load_relaxed(&store->stamp->word) == STAMP_STALE) {
		append_text(writer, "x");
		sched_yield();
	}
	cr_assert(eq(int, reprise_stamp_set(store, 9), REPRISE_OK));
	const uint64_t end = now_ns() + UINT64_C(30) * 1000 * 1000;

	while (now_ns() < end)
		cr_assert(eq(u64, load_relaxed(&store->stamp->word), STAMP_FRESH | 9));
	reprise_writer_close(writer);
	close_store(store);
}

/* Through the library's own header: the cost of a session that retains nothing. */
Test(store, a_session_that_retains_nothing_is_a_control_block_of_at_most_1_KiB)
{
	cr_assert(le(sz, sizeof(struct reprise_session), 1024));
}
