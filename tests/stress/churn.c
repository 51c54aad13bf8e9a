/* SPDX-License-Identifier: MIT */

/*
 * Hosts come and go without end while the writer floods: with every door in turn, with all of them,
 * with none, some without a look, some in the middle of what there is. A host that stays counts
 * exactly (G2), the writer too, and when all have left, no memory and no descriptor is missing.
 */

#include <dirent.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "stress.h"

enum {
	VISITORS = 3,
	VISITS = 1500,
	APPENDS = 300000, /* at least */
};

enum {
	DOOR_WAIT = 1,
	DOOR_FD = 2,
	DOOR_CALLBACK = 4, /* tells its host, and takes nothing */
	DOORS_ALL = 7,
};

struct visitor {
	pthread_t thread;
	struct reprise_store *store;
	struct reprise_cursor begin; /* of the session */
	unsigned int random;
	uint64_t visits, delivered, lost, calls;
};

struct stayer {
	pthread_t thread;
	struct reprise_subscription *subscription;
	struct stress_books books;
};

/* Memory that the store has taken and not given back. */
static _Atomic int64_t pieces, bytes;
static _Atomic unsigned int visitors_left;

static void *
take_memory(void *context, size_t size, size_t alignment)
{
	(void)context;
	atomic_fetch_add(&pieces, 1);
	atomic_fetch_add(&bytes, (int64_t)size);
	return aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

static void
give_memory(void *context, void *memory, size_t size)
{
	(void)context;
	atomic_fetch_sub(&pieces, 1);
	atomic_fetch_sub(&bytes, (int64_t)size);
	free(memory);
}

static void *
take_pages(void *context, size_t size)
{
	void *const pages = mmap(NULL, size, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	(void)context;
	atomic_fetch_add(&pieces, 1);
	atomic_fetch_add(&bytes, (int64_t)size);
	return pages == MAP_FAILED ? NULL : pages;
}

static void
give_pages(void *context, void *pages, size_t size)
{
	(void)context;
	atomic_fetch_sub(&pieces, 1);
	atomic_fetch_sub(&bytes, (int64_t)size);
	CHECK(munmap(pages, size) == 0);
}

static unsigned int
count_descriptors(void)
{
	DIR *const folder = opendir("/proc/self/fd");
	unsigned int count = 0;

	CHECK(folder != NULL);
	while (readdir(folder) != NULL)
		count++;
	CHECK(closedir(folder) == 0);
	return count;
}

/* The state of a visitor. */
struct visit {
	struct reprise_subscription *subscription;
	unsigned int doors;
	int descriptor;
	_Atomic uint64_t calls;
};

static void
be_called(struct reprise_subscription *subscription, void *context)
{
	struct visit *const visit = context;

	CHECK(subscription == visit->subscription);
	atomic_fetch_add(&visit->calls, 1);
}

/*
 * At one of the doors that it has. There is always something soon; @calls were made
 * before the look.
 */
static void
sleep_somewhere(struct visit *visit, unsigned int random, uint64_t calls)
{
	const unsigned int door = visit->doors & (1u << random % 3);
	struct pollfd at = { .fd = visit->descriptor, .events = POLLIN };

	if (door == DOOR_WAIT)
		CHECK_OK(reprise_wait(visit->subscription, REPRISE_NO_LIMIT));
	else if (door == DOOR_FD)
		CHECK(poll(&at, 1, -1) == 1);
	else if (door == DOOR_CALLBACK)
		while (atomic_load(&visit->calls) == calls)
			sched_yield();
	else
		sched_yield();
}

static void
open_doors(struct visit *visit)
{
	if (visit->doors & DOOR_FD)
		CHECK_OK(reprise_subscription_fd(visit->subscription, &visit->descriptor, NULL));
	if (visit->doors & DOOR_CALLBACK)
		CHECK_OK(reprise_subscription_notify(visit->subscription, be_called, visit, NULL));
}

static void
visit(struct visitor *visitor)
{
	struct visit visit = { .doors = (unsigned int)visitor->visits % (DOORS_ALL + 1) };
	unsigned int outcomes = stress_random(&visitor->random) % 32;
	struct reprise_cursor cursor = visitor->begin;

	if (stress_random(&visitor->random) % 4 != 0)
		CHECK_OK(reprise_session_current_cursor(visitor->store, "s", UINT64_MAX, &cursor));
	struct stress_books books = { .seen = cursor.position };

	visit.subscription = stress_subscribe(visitor->store, &cursor, 1);
	open_doors(&visit);
	if (stress_random(&visitor->random) % 4 == 0)
		outcomes = 0; /* never a look */
	for (; outcomes > 0 && !books.is_ended; outcomes--) {
		const uint64_t calls = atomic_load(&visit.calls);

		if (stress_take(visit.subscription, &books) == REPRISE_NEXT_EMPTY)
			sleep_somewhere(&visit, stress_random(&visitor->random), calls);
	}
	CHECK_OK(reprise_subscription_cursor(visit.subscription, &cursor));
	CHECK(cursor.position == books.seen);
	reprise_subscription_close(visit.subscription);
	visitor->visits++;
	visitor->delivered += books.delivered;
	visitor->lost += books.lost;
	visitor->calls += visit.calls;
}

static void *
visitor_main(void *argument)
{
	struct visitor *const visitor = argument;

	for (uint64_t visits = stress_work(VISITS); visits > 0; visits--)
		visit(visitor);
	atomic_fetch_sub(&visitors_left, 1);
	return NULL;
}

static void *
stayer_main(void *argument)
{
	struct stayer *const stayer = argument;

	stress_follow(stayer->subscription, &stayer->books, false);
	return NULL;
}

static struct reprise_store *
open_store(reprise_wake wake)
{
	static const struct reprise_allocator allocator = {
		.allocate = take_memory,
		.release = give_memory,
		.map = take_pages,
		.unmap = give_pages,
	};
	const struct reprise_session_options bounds = {
		.size = sizeof(bounds),
		.events_max = 16,
		.bytes_max = 8192,
	};
	const struct reprise_store_options options = {
		.size = sizeof(options),
		.session = &bounds,
		.allocator = &allocator,
		.wake = wake,
		.deferred_tick_ns = 50000,
	};
	struct reprise_store *store = NULL;

	CHECK_OK(reprise_store_open(&options, &store, NULL));
	return store;
}

/* Until all visitors have left: sleepers are woken. */
static reprise_position
flood(struct reprise_writer *writer)
{
	const reprise_position least = stress_work(APPENDS);
	reprise_position newest = 0;
	unsigned int random = 1;

	while (newest < least || atomic_load(&visitors_left) > 0) {
		newest = stress_append(writer, newest + 1);
		if (stress_random(&random) % 64 == 0)
			sched_yield();
	}
	return newest;
}

/* A session that nobody follows comes and goes: the memory for it is given back, too. */
static void
pass_by(struct reprise_store *store)
{
	struct reprise_writer *const writer = stress_writer(store, "passing by");

	stress_append(writer, 1);
	reprise_writer_close(writer);
	CHECK_OK(reprise_session_invalidate(store, "passing by"));
}

static void
check_counts(struct reprise_store *store, reprise_position newest)
{
	struct reprise_session_stats session = { .size = sizeof(session) };
	struct reprise_store_stats stats = { .size = sizeof(stats) };

	CHECK_OK(reprise_session_stats(store, "s", &session));
	CHECK(session.newest == newest);
	CHECK(session.subscriptions == 0);
	CHECK_OK(reprise_store_stats(store, &stats));
	CHECK(stats.subscriptions == 0);
	CHECK(stats.staging_bytes == 0);
	CHECK(stats.sessions == 1);
	CHECK(stats.writers == 1);
	CHECK(stats.bytes > 0);
}

static void
run(reprise_wake wake, struct visitor *all)
{
	struct reprise_store *const store = open_store(wake);
	struct reprise_writer *const writer = stress_writer(store, "s");
	const struct reprise_cursor cursor = stress_cursor(store, "s");
	struct stayer stayer = { .subscription = stress_subscribe(store, &cursor, 1) };
	struct visitor visitors[VISITORS] = { 0 };

	atomic_store(&visitors_left, VISITORS);
	CHECK(pthread_create(&stayer.thread, NULL, stayer_main, &stayer) == 0);
	for (size_t i = 0; i < VISITORS; i++) {
		visitors[i] = (struct visitor){ .store = store, .begin = cursor };
		visitors[i].random = (unsigned int)i + 1;
		CHECK(pthread_create(&visitors[i].thread, NULL, visitor_main, &visitors[i]) == 0);
	}
	pass_by(store);
	const reprise_position newest = flood(writer);

	CHECK_OK(reprise_writer_end(writer, 0));
	CHECK(pthread_join(stayer.thread, NULL) == 0);
	stress_balance(&stayer.books, newest);
	reprise_subscription_close(stayer.subscription);
	for (size_t i = 0; i < VISITORS; i++) {
		CHECK(pthread_join(visitors[i].thread, NULL) == 0);
		all->visits += visitors[i].visits;
		all->delivered += visitors[i].delivered;
		all->lost += visitors[i].lost;
		all->calls += visitors[i].calls;
	}
	check_counts(store, newest);
	reprise_writer_close(writer);
	CHECK_OK(reprise_store_close(store));
}

int
main(int argc, char **argv)
{
	const unsigned int descriptors = count_descriptors();
	struct visitor all = { 0 };

	stress_begin(argc, argv);
	stress_limit_payload(256);
	do {
		run(REPRISE_WAKE_RELAY, &all);
		run(REPRISE_WAKE_DEFERRED, &all);
		CHECK(count_descriptors() == descriptors);
		CHECK(pieces == 0);
		CHECK(bytes == 0);
	} while (!stress_is_over());
	printf("visits %llu  delivered %llu  lost %llu  calls %llu\n",
	       (unsigned long long)all.visits, (unsigned long long)all.delivered,
	       (unsigned long long)all.lost, (unsigned long long)all.calls);
	return 0;
}
