/* SPDX-License-Identifier: MIT */

/*
 * A host that follows the sessions of a store, against a session that ends and one that goes:
 * an end is listed or told, is told once, and before the going. And a host that sleeps in a
 * window which goes on with other bounds. Through the public calls, on a store that is opened
 * in each execution.
 */

#include <pthread.h>
#include <stdalign.h>
#include <string.h>

#include "base/numbers.h"
#include "store/session.h"

#include "model.h"

const struct model_case model_cases[] = {
	{ "first of all", { "listed", "told" } },
	{ "bell with the relay", { "told" } },
	{ "end and going", { "ended", "refused", "told" } },
	{ "rebuilt", { "early", "late" } },
	{ NULL, { NULL } },
};

enum {
	FIRST,
	QUEUED,
	GOING,
	REBUILT,
};

enum {
	STATUS = 3,
};

static alignas(64) unsigned char arena[1 << 18];
static size_t arena_used;
static struct reprise_store *store;
static struct reprise_writer *writer;
static struct reprise_subscription *changes;
static atomic_u32 has_ended;

/* Memory is where it was in the execution before. */
static void *
take(void *context, size_t bytes, size_t alignment)
{
	const size_t begin = round_up(arena_used, alignment);

	(void)context;
	MODEL_CHECK(begin + bytes <= sizeof(arena));
	arena_used = begin + bytes;
	return arena + begin;
}

static void
give(void *context, void *memory, size_t bytes)
{
	(void)context;
	(void)memory;
	(void)bytes;
}

static void *
end(void *argument)
{
	const struct reprise_bytes nothing = { "", 0 };

	/* Finds the hand that prepare has raised, and hands the bell to the relay. */
	if (model_case == QUEUED)
		MODEL_CHECK(reprise_append(writer, 0, 0, 0, nothing, NULL) == REPRISE_OK);
	const reprise_status status = reprise_writer_end(writer, STATUS);

	MODEL_CHECK(status == REPRISE_OK || (model_case == GOING && status == REPRISE_E_CLOSED));
	model_note(status == REPRISE_OK ? "ended" : "refused");
	store_release(&has_ended, status == REPRISE_OK);
	return argument;
}

static void
follow(void)
{
	const struct reprise_subscription_options no_spin = { .size = sizeof(no_spin),
							      .spin_ns = 1 };

	MODEL_CHECK(reprise_sessions_subscribe(store, &no_spin, &changes, NULL) == REPRISE_OK);
}

static bool
is_listed_as_ended(void)
{
	struct reprise_session_stats stats = { .size = sizeof(stats) };
	struct reprise_session_list *list = NULL;
	char id[REPRISE_SESSION_ID_BYTES_MAX + 1];

	MODEL_CHECK(reprise_sessions_list(store, &list, NULL) == REPRISE_OK);
	MODEL_CHECK(reprise_session_list_next(list, id, &stats) == REPRISE_OK);
	MODEL_CHECK(strcmp(id, "s") == 0);
	reprise_session_list_close(list);
	return stats.ended != 0;
}

/* Sleeps until something is told. */
static struct reprise_session_change
next_change(uint16_t *ret_kind)
{
	struct reprise_session_change change;
	struct reprise_event event;
	struct reprise_gap gap;

	MODEL_CHECK(reprise_wait(changes, REPRISE_NO_LIMIT) == REPRISE_OK);
	MODEL_CHECK(reprise_next(changes, &event, &gap, NULL) == REPRISE_NEXT_EVENT);
	memcpy(&change, event.payload.data, sizeof(change));
	MODEL_CHECK(strcmp(change.session_id, "s") == 0);
	*ret_kind = event.kind;
	return change;
}

static void
is_told_the_end(void)
{
	uint16_t kind;
	const struct reprise_session_change change = next_change(&kind);

	MODEL_CHECK(kind == REPRISE_SESSION_ENDED && change.is_ended);
	MODEL_CHECK(change.end_status == STATUS);
	model_note("told");
}

/* An end that runs at the same time may be told, or be known to nobody. */
static void
is_told_the_going(void)
{
	struct reprise_event event;
	struct reprise_gap gap;
	const bool was_ended = load_acquire(&has_ended) != 0;
	bool is_end_told = false;
	uint16_t kind;

	MODEL_CHECK(reprise_session_invalidate(store, "s") == REPRISE_OK);
	struct reprise_session_change change = next_change(&kind);

	if (kind == REPRISE_SESSION_ENDED) {
		is_end_told = true;
		model_note("told");
		change = next_change(&kind);
	}
	MODEL_CHECK(kind == REPRISE_SESSION_GONE && change.cause == REPRISE_GONE_INVALIDATED);
	MODEL_CHECK(is_end_told == (change.is_ended != 0) && (is_end_told || !was_ended));
	MODEL_CHECK(reprise_next(changes, &event, &gap, NULL) == REPRISE_NEXT_EMPTY);
}

/* The window goes on with other bounds, and has an event. */
static void *
rebuild(void *argument)
{
	const struct reprise_session_options small = { .size = sizeof(small), .bytes_max = 256 };
	const struct reprise_bytes nothing = { "", 0 };

	MODEL_CHECK(reprise_writer_open(store, "s", &small, &writer, NULL) == REPRISE_OK);
	MODEL_CHECK(reprise_append(writer, 0, 0, 0, nothing, NULL) == REPRISE_OK);
	return argument;
}

static void
follow_s(void)
{
	const struct reprise_subscription_options no_spin = { .size = sizeof(no_spin),
							      .spin_ns = 1 };
	struct reprise_cursor cursor;

	MODEL_CHECK(reprise_session_current_cursor(store, "s", 0, &cursor) == REPRISE_OK);
	MODEL_CHECK(reprise_subscribe_after(store, &cursor, &no_spin, &changes, NULL) ==
		    REPRISE_OK);
}

/* Asleep in the window before, or in the one that goes on. */
static void
is_told_the_event(void)
{
	struct reprise_event event;
	struct reprise_gap gap;
	const reprise_outcome outcome = reprise_next(changes, &event, &gap, NULL);

	MODEL_CHECK(outcome == REPRISE_NEXT_EMPTY || outcome == REPRISE_NEXT_EVENT);
	model_note(outcome == REPRISE_NEXT_EMPTY ? "early" : "late");
	if (outcome == REPRISE_NEXT_EMPTY) {
		MODEL_CHECK(reprise_wait(changes, REPRISE_NO_LIMIT) == REPRISE_OK);
		MODEL_CHECK(reprise_next(changes, &event, &gap, NULL) == REPRISE_NEXT_EVENT);
	}
	MODEL_CHECK(event.position == 1);
}

/* It has gone over, and holds the window alone. */
static void
is_held_by_the_subscription(void)
{
	struct reprise_store_stats stats = { .size = sizeof(stats) };

	reprise_writer_close(writer);
	writer = NULL;
	MODEL_CHECK(reprise_store_stats(store, &stats) == REPRISE_OK);
	MODEL_CHECK(stats.sessions == 1 && stats.sessions_idle == 0);
}

static void
prepare(void)
{
	const struct reprise_allocator allocator = { .allocate = take, .release = give };
	const struct reprise_store_options options = { .size = sizeof(options),
						       .allocator = &allocator };

	arena_used = 0;
	atomic_init(&has_ended, 0);
	MODEL_CHECK(reprise_store_open(&options, &store, NULL) == REPRISE_OK);
	MODEL_CHECK(reprise_writer_open(store, "s", NULL, &writer, NULL) == REPRISE_OK);
	if (model_case == QUEUED)
		(void)bell_arm(&writer_session(writer)->bell);
	if (model_case == REBUILT) {
		reprise_writer_close(writer);
		follow_s();
	} else if (model_case != FIRST) {
		follow();
	}
}

int
main(void)
{
	struct reprise_event event;
	struct reprise_gap gap;
	pthread_t thread;

	prepare();
	MODEL_CHECK(pthread_create(&thread, NULL, model_case == REBUILT ? rebuild : end, NULL) ==
		    0);
	if (model_case == FIRST) {
		follow();
		if (is_listed_as_ended())
			model_note("listed");
		else
			is_told_the_end();
	} else if (model_case == REBUILT) {
		is_told_the_event();
	} else if (model_case == QUEUED) {
		is_told_the_end();
	} else {
		is_told_the_going();
	}
	pthread_join(thread, NULL);
	if (model_case == REBUILT)
		is_held_by_the_subscription();
	/* Of a listed end it may be told still. Nothing is told twice. */
	if (model_case != FIRST)
		MODEL_CHECK(reprise_next(changes, &event, &gap, NULL) == REPRISE_NEXT_EMPTY);
	reprise_subscription_close(changes);
	reprise_writer_close(writer);
	MODEL_CHECK(reprise_store_close(store) == REPRISE_OK);
	return 0;
}
