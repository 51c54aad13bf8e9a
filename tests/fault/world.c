/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	LATE_RINGS_MAX = 3,
	MAPPINGS_SLACK = 8, /* stacks and arenas that glibc keeps, and how neighbours are merged */
	PATIENCE_MS = 5000,
};

uint64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void
nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
}

static void
build_store(struct world *world)
{
	const struct reprise_allocator hooks = fault_hooks();
	const struct reprise_session_options bounds = { .size = sizeof(bounds),
							.bytes_max = world->bytes_max };
	const struct reprise_store_options options = {
		.size = sizeof(options),
		.session = &bounds,
		.allocator = world->has_hooks ? &hooks : NULL,
		.sessions_max = world->sessions_max,
		.wake = world->wake,
	};

	CHECK_OK(reprise_store_open(&options, &world->store, NULL));
	/* An hour; also, the store's thread has nothing to do every 10 ms. */
	CHECK_OK(reprise_stamp_set(world->store, UINT64_C(3600000000000)));
}

void
world_build(struct world *world, enum stage stage)
{
	if (stage >= STAGE_STORE)
		build_store(world);
	if (stage >= STAGE_SESSION) {
		CHECK_OK(reprise_writer_open(world->store, "s", NULL, &world->writer, NULL));
		CHECK_OK(reprise_session_earliest_cursor(world->store, "s", 0, &world->beginning));
		for (size_t i = 0; i < EVENTS; i++)
			world_append(world);
	}
	if (stage >= STAGE_SUBSCRIPTION)
		CHECK_OK(reprise_subscribe_after(world->store, &world->beginning, NULL,
						 &world->subscription, NULL));
}

/*
 * Nobody holds anything any more, and everything is too old: nothing of it may be left, though the
 * relay may be about to give it back. A reference too many would be seen here.
 */
static void
nothing_is_left(struct reprise_store *store, uint64_t arena_kept)
{
	const uint64_t end = now_ns() + PATIENCE_MS * UINT64_C(1000000);
	struct reprise_store_stats stats = { .size = sizeof(stats) };

	CHECK_OK(reprise_stamp_set(store, INT64_MAX));
	CHECK_OK(reprise_sessions_expire_idle(store, NULL));
	for (;;) {
		CHECK_OK(reprise_store_stats(store, &stats));
		CHECK(stats.sessions == 0 && stats.sessions_idle == 0 && stats.bytes == 0);
		CHECK(stats.writers == 0 && stats.subscriptions == 0 && stats.staging_bytes == 0);
		if (stats.arena_bytes == arena_kept)
			return;
		CHECK(now_ns() < end);
		nap();
	}
}

void
world_end(struct world *world)
{
	reprise_group_close(world->group);
	reprise_subscription_close(world->subscription);
	reprise_writer_close(world->writer);
	if (world->store != NULL)
		nothing_is_left(world->store, world->arena_kept);
	CHECK_OK(reprise_store_close(world->store));
}

void
world_append(struct world *world)
{
	const reprise_position next = world->newest + 1;
	const struct reprise_bytes payload = { &next, sizeof(next) };

	CHECK_OK(reprise_append(world->writer, next, (uint16_t)next, REPRISE_EVENT_COMMIT, payload,
				&world->newest));
	CHECK(world->newest == next);
}

static reprise_outcome
take(struct reprise_subscription *subscription, reprise_position *seen)
{
	struct reprise_event event;
	struct reprise_gap gap;
	const reprise_outcome outcome = reprise_next(subscription, &event, &gap, NULL);

	if (outcome == REPRISE_NEXT_EVENT) {
		CHECK(event.position == *seen + 1 && event.revision == event.position);
		CHECK(event.payload.size == sizeof(event.position));
		CHECK(memcmp(event.payload.data, &event.position, event.payload.size) == 0);
		*seen = event.position;
	}
	if (outcome == REPRISE_NEXT_GAP && gap.reason == REPRISE_GAP_TRIMMED) {
		CHECK(gap.lost_first == *seen + 1 && gap.lost_last >= gap.lost_first);
		*seen = gap.lost_last;
	}
	return outcome;
}

reprise_outcome
world_take(struct world *world)
{
	for (;;) {
		const reprise_position before = world->seen;
		const reprise_outcome outcome = take(world->subscription, &world->seen);

		if (world->seen == before)
			return outcome;
	}
}

void
world_follow(struct world *world)
{
	CHECK(world_take(world) == REPRISE_NEXT_EMPTY);
	CHECK(world->seen == world->newest);
	world_append(world);
	CHECK_OK(reprise_wait(world->subscription, REPRISE_NO_LIMIT));
	CHECK(world_take(world) == REPRISE_NEXT_EMPTY);
	CHECK(world->seen == world->newest);
}

void
world_works(struct world *world)
{
	struct world other = { .store = world->store };

	CHECK_OK(reprise_writer_open(world->store, "works", NULL, &other.writer, NULL));
	CHECK_OK(
		reprise_session_current_cursor(world->store, "works", INT64_MAX, &other.beginning));
	other.newest = other.seen = other.beginning.position;
	CHECK_OK(reprise_subscribe_after(world->store, &other.beginning, NULL, &other.subscription,
					 NULL));
	world_append(&other);
	world_follow(&other);
	reprise_subscription_close(other.subscription);
	reprise_writer_close(other.writer);
}

void
world_idle_session(struct world *world, const char *id, uint64_t bytes_max)
{
	const struct reprise_session_options options = { .size = sizeof(options),
							 .bytes_max = bytes_max };
	const struct reprise_bytes payload = { "x", 1 };
	struct reprise_writer *writer = NULL;

	CHECK_OK(reprise_writer_open(world->store, id, &options, &writer, NULL));
	CHECK_OK(reprise_append(writer, 1, 0, 0, payload, NULL));
	reprise_writer_close(writer);
}

void
world_callback(struct reprise_subscription *subscription, void *context)
{
	struct world *const world = context;

	CHECK(subscription == world->subscription);
	__atomic_fetch_add(&world->called, 1, __ATOMIC_ACQ_REL);
}

void
world_await_calls(struct world *world, uint64_t called)
{
	const uint64_t end = now_ns() + PATIENCE_MS * UINT64_C(1000000);

	while (__atomic_load_n(&world->called, __ATOMIC_ACQUIRE) < called) {
		CHECK(now_ns() < end);
		nap();
	}
}

bool
world_is_readable(int fd, int ms)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	return poll(&poll_fd, 1, ms) == 1;
}

void
world_take_until_unreadable(struct world *world, int fd)
{
	int late_rings = 0;

	do
		CHECK(world_take(world) == REPRISE_NEXT_EMPTY && world->seen == world->newest);
	while (world_is_readable(fd, 0) && ++late_rings <= LATE_RINGS_MAX);
	CHECK(late_rings <= LATE_RINGS_MAX);
}

reprise_status
world_close_subscription(struct world *world, struct reprise_error *error)
{
	(void)error;
	reprise_subscription_close(world->subscription);
	return REPRISE_OK;
}

void
world_is_left(struct world *world)
{
	struct reprise_store_stats stats = { .size = sizeof(stats) };

	world->subscription = NULL;
	CHECK_OK(reprise_store_stats(world->store, &stats));
	CHECK(stats.subscriptions == 0 && stats.staging_bytes == 0);
	world_append(world);
}

static unsigned int
entries_of(const char *path)
{
	DIR *const directory = opendir(path);
	unsigned int count = 0;

	CHECK(directory != NULL);
	for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
		count += entry->d_name[0] != '.';
	CHECK(closedir(directory) == 0);
	return count;
}

static unsigned int
count_mappings(void)
{
#if defined(__SANITIZE_ADDRESS__)
	return 0; /* its allocator maps as it likes */
#else
	char piece[4096];
	unsigned int count = 0;
	const int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	ssize_t bytes;

	CHECK(fd >= 0);
	while ((bytes = read(fd, piece, sizeof(piece))) > 0)
		for (ssize_t i = 0; i < bytes; i++)
			count += piece[i] == '\n';
	CHECK(close(fd) == 0);
	return count;
#endif
}

uint64_t
world_control_bytes(struct world *world)
{
	struct reprise_store_stats stats = { .size = sizeof(stats) };

	if (world->store != NULL)
		CHECK_OK(reprise_store_stats(world->store, &stats));
	return stats.control_bytes;
}

struct snapshot
world_snapshot(struct world *world)
{
	struct snapshot snapshot;

	memset(&snapshot, 0, sizeof(snapshot));
	snapshot.store.size = sizeof(snapshot.store);
	snapshot.session.size = sizeof(snapshot.session);
	snapshot.subscription.size = sizeof(snapshot.subscription);
	if (world->store != NULL)
		CHECK_OK(reprise_store_stats(world->store, &snapshot.store));
	if (world->writer != NULL) {
		const reprise_status status =
			reprise_session_stats(world->store, "s", &snapshot.session);

		CHECK(status == REPRISE_OK || status == REPRISE_E_NOT_FOUND);
	}
	if (world->subscription != NULL) {
		CHECK_OK(reprise_subscription_stats(world->subscription, &snapshot.subscription));
		CHECK_OK(reprise_subscription_cursor(world->subscription, &snapshot.cursor));
	}
	/* Descriptions of blocks are kept for the next one: see world_control_bytes. */
	snapshot.store.control_bytes = 0;
	snapshot.descriptors = entries_of("/proc/self/fd");
	return snapshot;
}

/* Padding is nobody's. */
static bool
is_same_cursor(const struct reprise_cursor *a, const struct reprise_cursor *b)
{
	return memcmp(&a->incarnation, &b->incarnation, sizeof(a->incarnation)) == 0 &&
	       a->revision == b->revision && a->position == b->position &&
	       memcmp(a->session_id, b->session_id, sizeof(a->session_id)) == 0;
}

void
world_is_unchanged(struct world *world, const struct snapshot *before)
{
	const struct snapshot now = world_snapshot(world);

	CHECK(memcmp(&now.store, &before->store, sizeof(now.store)) == 0);
	CHECK(memcmp(&now.session, &before->session, sizeof(now.session)) == 0);
	CHECK(memcmp(&now.subscription, &before->subscription, sizeof(now.subscription)) == 0);
	CHECK(is_same_cursor(&now.cursor, &before->cursor));
	CHECK(now.descriptors == before->descriptors);
}

struct process
process_now(void)
{
	return (struct process){ .live = fault_live(),
				 .descriptors = entries_of("/proc/self/fd"),
				 .threads = entries_of("/proc/self/task"),
				 .mappings = count_mappings() };
}

void
process_is_as(const struct process *before)
{
	const uint64_t end = now_ns() + PATIENCE_MS * UINT64_C(1000000);
	struct process now = process_now();

	while (now.threads != before->threads && now_ns() < end) {
		nap();
		now = process_now();
	}
	CHECK(now.threads == before->threads);
	CHECK(now.descriptors == before->descriptors);
	CHECK(now.live.blocks == before->live.blocks);
	CHECK(now.live.mapped_bytes == before->live.mapped_bytes);
	CHECK(now.mappings <= before->mappings + MAPPINGS_SLACK);
}
