/* SPDX-License-Identifier: MIT */

/* Limits of the system itself, with no call of ours in between: descriptors, addresses. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "matrix.h"
#include "world.h"

#define PATIENCE_NS UINT64_C(5000000000)

enum {
	DESCRIPTORS_LEFT = 3,
	SESSIONS_MAX = 100000,
};

static rlim_t
limit(int what, rlim_t value)
{
	struct rlimit limits;

	CHECK(getrlimit(what, &limits) == 0);
	const rlim_t before = limits.rlim_cur;

	limits.rlim_cur = value;
	CHECK(setrlimit(what, &limits) == 0);
	return before;
}

static struct reprise_subscription *
subscribe(struct world *world)
{
	struct reprise_subscription *subscription = NULL;

	CHECK_OK(reprise_subscribe_after(world->store, &world->beginning, NULL, &subscription,
					 NULL));
	return subscription;
}

static void
descriptors_run_out(void)
{
	const struct process before = process_now();
	struct world world = { 0 };
	struct reprise_subscription *subscriptions[DESCRIPTORS_LEFT + 1];
	struct reprise_error error = { .size = sizeof(error) };
	int fd = -1, untouched = -2;

	fault_say("no more descriptors than %d", DESCRIPTORS_LEFT);
	world_build(&world, STAGE_SUBSCRIPTION);
	for (size_t i = 0; i <= DESCRIPTORS_LEFT; i++)
		subscriptions[i] = subscribe(&world);
	/* The highest that is open may be anywhere; those that are free below it count, too. */
	const int lowest = dup(0);

	CHECK(lowest > 0 && close(lowest) == 0);
	const rlim_t was = limit(RLIMIT_NOFILE, (rlim_t)lowest + DESCRIPTORS_LEFT);

	for (size_t i = 0; i < DESCRIPTORS_LEFT; i++)
		CHECK_OK(reprise_subscription_fd(subscriptions[i], &fd, NULL));
	CHECK(reprise_subscription_fd(subscriptions[DESCRIPTORS_LEFT], &untouched, &error) ==
	      REPRISE_E_SYSTEM);
	CHECK(untouched == -2 && error.os_error == EMFILE && strcmp(error.what, "eventfd") == 0);
	world_works(&world); /* nothing else takes one */
	reprise_subscription_close(subscriptions[0]);
	CHECK_OK(reprise_subscription_fd(subscriptions[DESCRIPTORS_LEFT], &fd, &error));
	CHECK(world_is_readable(fd, 0));
	limit(RLIMIT_NOFILE, was);
	for (size_t i = 1; i <= DESCRIPTORS_LEFT; i++)
		reprise_subscription_close(subscriptions[i]);
	world_end(&world);
	process_is_as(&before);
}

#if !defined(__SANITIZE_ADDRESS__)

static uint64_t
address_bytes(void)
{
	unsigned long pages = 0;
	FILE *const file = fopen("/proc/self/statm", "re");

	CHECK(file != NULL && fscanf(file, "%lu", &pages) == 1);
	CHECK(fclose(file) == 0);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Opens sessions that nobody holds until there is no memory for one more; answers how many. */
static int
open_all(struct world *world, uint64_t bytes_max)
{
	const struct reprise_session_options options = { .size = sizeof(options),
							 .bytes_max = bytes_max };
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_writer *writer;
	char id[16];

	for (int i = 0; i < SESSIONS_MAX; i++) {
		snprintf(id, sizeof(id), "%d", i);
		writer = NULL;
		const reprise_status status =
			reprise_writer_open(world->store, id, &options, &writer, &error);

		if (status != REPRISE_OK) {
			CHECK(status == REPRISE_E_NO_MEMORY && error.status == status);
			CHECK(writer == NULL);
			return i;
		}
		reprise_writer_close(writer);
	}
	fault_die(__FILE__, __LINE__, "the addresses do not run out");
}

static void
all_are_there(struct world *world, int count)
{
	struct reprise_store_stats stats = { .size = sizeof(stats) };
	struct reprise_session_stats session = { .size = sizeof(session) };
	char id[16];

	CHECK_OK(reprise_store_stats(world->store, &stats));
	CHECK(stats.sessions == (uint64_t)count + 1 && stats.sessions_idle == (uint64_t)count);
	for (int i = 0; i < count; i++) {
		snprintf(id, sizeof(id), "%d", i);
		CHECK_OK(reprise_session_stats(world->store, id, &session));
	}
}

static void
addresses_run_out(uint64_t window_bytes, uint64_t left, int at_least)
{
	const struct process before = process_now();
	struct world world = { .bytes_max = window_bytes };
	uint64_t expired = 0;

	fault_say("no more addresses; windows of %lu bytes", (unsigned long)window_bytes);
	world_build(&world, STAGE_SUBSCRIPTION);
	const rlim_t was = limit(RLIMIT_AS, address_bytes() + left);
	const int count = open_all(&world, window_bytes);

	CHECK(count >= at_least);
	all_are_there(&world, count);
	CHECK(reprise_session_create(world.store, "x", NULL, NULL) == REPRISE_E_NO_MEMORY);
	world_follow(&world); /* a subscription that is there already needs nothing more */
	/* Memory that is given back is there for other sessions, under the same limit. */
	CHECK_OK(reprise_stamp_set(world.store, 4 * UINT64_C(3600000000000)));
	CHECK_OK(reprise_sessions_expire_idle(world.store, &expired));
	CHECK(expired == (uint64_t)count);
	CHECK_OK(reprise_session_create(world.store, "x", NULL, NULL));
	/*
	 * Control blocks a moment later: when the relay has seen that nobody can be
	 * looking at them.
	 */
	const uint64_t end = now_ns() + PATIENCE_NS;

	while (open_all(&world, window_bytes) < count / 2)
		CHECK(now_ns() < end);
	world_follow(&world);
	limit(RLIMIT_AS, was);
	world_works(&world);
	world_end(&world);
	process_is_as(&before);
	printf("limits: %d windows of %lu bytes, then no memory\n", count,
	       (unsigned long)window_bytes);
}

static void
no_store_without_addresses(void)
{
	const struct process before = process_now();
	struct reprise_store *store = NULL;
	struct world world = { 0 };

	fault_say("no address at all");
	const rlim_t was = limit(RLIMIT_AS, address_bytes());
	struct reprise_error error = { .size = sizeof(error) };
	const reprise_status status = reprise_store_open(NULL, &store, &error);

	limit(RLIMIT_AS, was);
	CHECK(status == REPRISE_E_SYSTEM && store == NULL);
	CHECK(strcmp(error.what, "mmap") == 0 && error.os_error == ENOMEM);
	world_build(&world, STAGE_SUBSCRIPTION);
	world_follow(&world);
	world_end(&world);
	process_is_as(&before);
}

#endif

void
limits_run(void)
{
	descriptors_run_out();
#if !defined(__SANITIZE_ADDRESS__) /* which needs all addresses for itself */
	no_store_without_addresses();
	addresses_run_out(UINT64_C(1) << 20, UINT64_C(200) << 20, 50);
	addresses_run_out(256, UINT64_C(24) << 20, 2000);
#endif
	printf("limits: said, and nothing was lost\n");
}
