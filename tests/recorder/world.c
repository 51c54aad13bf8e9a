/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <reprise/log_sqlite.h>

/* In a child nothing may be asserted: it dies, and its parent sees that. */
#define MUST(what)                                                                         \
	do {                                                                               \
		if (!(what)) {                                                             \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what); \
			abort();                                                           \
		}                                                                          \
	} while (0)

struct reprise_recorder_options
world_options(void)
{
	return (struct reprise_recorder_options){
		.size = sizeof(struct reprise_recorder_options),
		.retry_ns_max = 50000000,
		.heal_wait_ns = 60 * one_second,
		.deadline_ns = 20 * one_second,
	};
}

struct world
world_open(const char *path, uint64_t events_max, const struct reprise_recorder_options *options)
{
	struct world world = { .path = path };
	const struct reprise_recorder_options usual = world_options();
	const struct reprise_log_sqlite_options log_options = { .size = sizeof(log_options),
								.path = path,
								.deadline_ns = one_second / 5 };
	const struct reprise_session_options session = { .size = sizeof(session),
							 .events_max = events_max };
	const struct reprise_store_options store = { .size = sizeof(store), .session = &session };

	MUST(reprise_log_sqlite_open(&log_options, &world.log, NULL) == REPRISE_OK);
	MUST(reprise_store_open(&store, &world.store, NULL) == REPRISE_OK);
	MUST(reprise_recorder_open(world.store, world.log, options != NULL ? options : &usual,
				   &world.recorder, NULL) == REPRISE_OK);
	return world;
}

void
world_close(struct world *world, reprise_status status)
{
	reprise_writer_close(world->writer);
	const reprise_status closed = reprise_recorder_close(world->recorder);

	if (closed != status)
		fprintf(stderr, "recorder closed: %s\n", reprise_status_name(closed));
	MUST(closed == status);
	MUST(reprise_store_close(world->store) == REPRISE_OK);
	reprise_log_close(world->log);
}

void
world_write(struct world *world)
{
	struct reprise_error error = { .size = sizeof(error) };
	const reprise_status status =
		reprise_writer_open(world->store, "s", NULL, &world->writer, &error);

	if (status != REPRISE_OK)
		fprintf(stderr, "%s: %s %s\n", reprise_status_name(status), error.what,
			error.detail);
	MUST(status == REPRISE_OK);
}

void
world_append_until(struct world *world, reprise_position newest)
{
	reprise_position position = 0;
	struct reprise_session_stats stats = { .size = sizeof(stats) };

	MUST(reprise_session_stats(world->store, "s", &stats) == REPRISE_OK);
	for (position = stats.newest; position < newest;) {
		char text[32];
		const int bytes =
			snprintf(text, sizeof(text), "%llu", (unsigned long long)position + 1);

		MUST(reprise_append(world->writer, position + 1, 0, 0,
				    (struct reprise_bytes){ text, (size_t)bytes },
				    &position) == REPRISE_OK);
	}
}

void
world_flush(struct world *world)
{
	MUST(reprise_recorder_flush(world->recorder, "s", REPRISE_WRITTEN, 30 * one_second) ==
	     REPRISE_OK);
}

struct reprise_log_stats
world_log_stats(struct world *world)
{
	const struct reprise_log_key key = { "default", "s" };
	struct reprise_log_stats stats = { .size = sizeof(stats) };

	MUST(reprise_log_stats(world->log, &key, &stats, NULL) == REPRISE_OK);
	return stats;
}

struct reprise_log_page *
world_load(struct world *world, reprise_ordinal after, const struct reprise_log_entry **ret_entries,
	   size_t *ret_count)
{
	const struct reprise_log_key key = { "default", "s" };
	struct reprise_log_page *page = NULL;

	MUST(reprise_log_page_open(&page) == REPRISE_OK);
	MUST(reprise_log_load_after(world->log, &key, after, 1000000, UINT64_MAX, page, NULL) ==
	     REPRISE_OK);
	*ret_entries = reprise_log_page_entries(page, ret_count);
	return page;
}

void
world_await_life(struct world *world, reprise_life_state state)
{
	while (world_log_stats(world).life.state != state)
		usleep(1000);
}

struct reprise_recorder_stats
world_stats(struct world *world)
{
	struct reprise_recorder_stats stats = { .size = sizeof(stats) };

	MUST(reprise_recorder_stats(world->recorder, &stats) == REPRISE_OK);
	return stats;
}

struct reprise_cursor
world_cursor(struct world *world, reprise_position position)
{
	struct reprise_cursor cursor = { .position = position, .session_id = "s" };
	struct reprise_session_stats stats = { .size = sizeof(stats) };

	MUST(reprise_session_stats(world->store, "s", &stats) == REPRISE_OK);
	cursor.incarnation = stats.incarnation;
	return cursor;
}

struct reprise_subscription *
world_subscribe(struct world *world, const struct reprise_cursor *cursor)
{
	struct reprise_subscription *subscription = NULL;

	MUST(reprise_subscribe_after(world->store, cursor, NULL, &subscription, NULL) ==
	     REPRISE_OK);
	return subscription;
}

reprise_outcome
world_next(struct reprise_subscription *subscription, struct reprise_event *event,
	   struct reprise_gap *gap, struct reprise_end *end)
{
	for (;;) {
		const reprise_outcome outcome = reprise_next(subscription, event, gap, end);

		if (outcome != REPRISE_NEXT_EMPTY)
			return outcome;
		MUST(reprise_wait(subscription, 30 * one_second) == REPRISE_OK);
	}
}

uint64_t
world_expect(struct reprise_subscription *subscription, reprise_position first,
	     reprise_position last)
{
	uint64_t healed = 0;

	for (reprise_position position = first; position <= last; position++) {
		struct reprise_event event = { 0 };
		struct reprise_gap gap = { 0 };
		struct reprise_end end = { 0 };
		char text[32];
		const reprise_outcome outcome = world_next(subscription, &event, &gap, &end);

		cr_assert(eq(int, outcome, REPRISE_NEXT_EVENT), "%llu: gap %d, %llu to %llu",
			  (unsigned long long)position, (int)gap.detail,
			  (unsigned long long)gap.lost_first, (unsigned long long)gap.lost_last);
		cr_assert(eq(u64, event.position, position));
		snprintf(text, sizeof(text), "%llu", (unsigned long long)position);
		cr_assert(eq(sz, event.payload.size, strlen(text)));
		cr_assert(memcmp(event.payload.data, text, strlen(text)) == 0);
		healed += event.source == REPRISE_SOURCE_LOG;
	}
	return healed;
}

struct reprise_gap
world_expect_gap(struct reprise_subscription *subscription, reprise_gap_reason reason,
		 reprise_gap_detail detail)
{
	struct reprise_event event = { 0 };
	struct reprise_gap gap = { 0 };
	struct reprise_end end = { 0 };

	cr_assert(eq(int, world_next(subscription, &event, &gap, &end), REPRISE_NEXT_GAP),
		  "event %llu", (unsigned long long)event.position);
	cr_assert(eq(int, gap.reason, reason), "detail %d", (int)gap.detail);
	cr_assert(eq(int, gap.detail, detail), "%llu to %llu", (unsigned long long)gap.lost_first,
		  (unsigned long long)gap.lost_last);
	return gap;
}

void
world_crash(void (*act)(const char *path), const char *path)
{
	int status = 0;
	const pid_t child = fork();

	if (child == 0) {
		alarm(50);
		act(path);
		_exit(7);
	}
	cr_assert(eq(int, waitpid(child, &status, 0), child));
	MUST(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

int
world_block_log(const char *path)
{
	char name[1400];
	struct flock whole = { .l_type = F_WRLCK };

	snprintf(name, sizeof(name), "%s-lock", path);
	const int descriptor = open(name, O_RDWR | O_CLOEXEC);

	cr_assert(ge(int, descriptor, 0));
	/* Not by a call that waits: valgrind would have every thread wait for it. */
	while (fcntl(descriptor, F_OFD_SETLK, &whole) != 0)
		usleep(1000);
	return descriptor;
}

void
world_unblock_log(int blocked)
{
	close(blocked);
}

struct reprise_cursor
world_cursor_in_log(struct world *world, reprise_position position)
{
	const struct reprise_log_key key = { "default", "s" };
	struct reprise_life lives[16];
	struct reprise_cursor cursor = { .position = position, .session_id = "s" };
	size_t count = 0;

	cr_assert(eq(int, reprise_log_lives(world->log, &key, 0, lives, 16, &count, NULL),
		     REPRISE_OK));
	for (size_t i = 0; i < count; i++)
		if (lives[i].first <= position || i == 0)
			cursor.incarnation = lives[i].incarnation;
	return cursor;
}

void
world_record_40(const char *path)
{
	static struct world world; /* in use until it dies: no leak */

	world = world_open(path, 0, NULL);
	world_write(&world);
	world_append_until(&world, 40);
	world_flush(&world);
}

void
world_leave_writer(struct world *world)
{
	reprise_writer_close(world->writer);
	world->writer = NULL;
}
