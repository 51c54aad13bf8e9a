/* SPDX-License-Identifier: MIT */

/*
 * Continuous subscriptions that wait for a life of their session, in each of the three ways,
 * against whoever creates, ends and invalidates it. Through the public calls, on a store that is
 * opened in each execution. A wake-up that is lost leaves a host asleep, and an event that is
 * neither handed out nor in a gap breaks the books.
 */

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/futex.h"
#include "base/numbers.h"
#include "store/subscription.h"

#include "model.h"

const struct model_case model_cases[] = {
	{ "wait", { "slept", "found it there" } },
	{ "wait deferred", { "slept", "found it there" } },
	{ "two wait", { "slept" } },
	{ "descriptor", { "slept", "found it there" } },
	{ "callback", { "called" } },
	{ "next life", { "slept", "an end", "a life at once" } },
	{ "another life", { "an end", "a gap", "a life at once" } },
	{ "next life by descriptor", { "slept", "an end" } },
	{ "invalidated", { "slept", "void" } },
	{ "invalidated for another life", { "slept", "void" } },
	{ "invalidated while it ends", { "void", "an end", "not an end" } },
	{ "created and opened", { "slept" } },
	{ NULL, { NULL } },
};

enum {
	WAIT,
	WAIT_DEFERRED,
	TWO_WAIT,
	DESCRIPTOR,
	CALLBACK,
	NEXT_LIFE,
	ANOTHER_LIFE,
	NEXT_LIFE_DESCRIPTOR,
	INVALIDATED,
	INVALIDATED_FOR_ANOTHER,
	INVALIDATED_ENDING,
	CREATED_AND_OPENED,
};

#define ANYWHERE UINT64_MAX

struct books {
	uint64_t seen; /* the last position; ANYWHERE after a gap that does not say */
	uint64_t delivered, ends;
	bool is_void;
};

static struct reprise_store *store;
static struct reprise_subscription *subscriptions[2];
static struct books books[2];
static atomic_u32 is_told; /* futex: the callback has got all */

/*
 * Memory that no execution uses twice, always at the same addresses: to the explorer a word
 * that was freed and taken again is the same word, with what it was before. Its fibers need
 * no lock here.
 */
#ifdef MODEL_PLAIN
static const struct reprise_allocator *const allocator = NULL;

static void
begin_memory(void)
{
}
#else
enum {
	MEMORY_BYTES = 16 << 20
};

static _Alignas(65536) unsigned char memory[MEMORY_BYTES];
static size_t memory_used;

static void
begin_memory(void)
{
	memset(memory, 0, memory_used);
	memory_used = 0;
}

static void *
take_memory(void *context, size_t bytes, size_t alignment)
{
	const size_t at = round_up(memory_used, alignment);

	(void)context;
	MODEL_CHECK(bytes <= MEMORY_BYTES - at);
	memory_used = at + bytes;
	return memory + at;
}

static void *
map_memory(void *context, size_t bytes)
{
	return take_memory(context, bytes, memory_page_bytes());
}

static void
give_memory(void *context, void *given, size_t bytes)
{
	(void)context, (void)given, (void)bytes;
}

static const struct reprise_allocator own = {
	.allocate = take_memory,
	.release = give_memory,
	.map = map_memory,
	.unmap = give_memory,
};
static const struct reprise_allocator *const allocator = &own;
#endif

/* Whether the session has had a life, with one event and an end, before the threads begin. */
static bool
has_first_life(void)
{
	return model_case == NEXT_LIFE || model_case == ANOTHER_LIFE ||
	       model_case == NEXT_LIFE_DESCRIPTOR || model_case == INVALIDATED ||
	       model_case == INVALIDATED_FOR_ANOTHER || model_case == INVALIDATED_ENDING;
}

static bool
is_voiding(void)
{
	return model_case == INVALIDATED || model_case == INVALIDATED_FOR_ANOTHER ||
	       model_case == INVALIDATED_ENDING;
}

/* The one that the host is to come to. */
static uint64_t
last_position(void)
{
	if (model_case == ANOTHER_LIFE || model_case == NEXT_LIFE_DESCRIPTOR)
		return 3;
	return has_first_life() ? 2 : 1;
}

static bool
is_satisfied(const struct books *mine)
{
	if (is_voiding() && !mine->is_void)
		return false;
	return model_case == INVALIDATED || model_case == INVALIDATED_ENDING ||
	       (mine->seen == last_position() && (!has_first_life() || mine->ends > 0));
}

/* Takes one outcome, and checks that it follows from the one before. */
static reprise_outcome
take(struct reprise_subscription *subscription, struct books *mine)
{
	struct reprise_event event;
	struct reprise_gap gap;
	struct reprise_end end;
	const reprise_outcome outcome = reprise_next(subscription, &event, &gap, &end);

	MODEL_CHECK(outcome != REPRISE_NEXT_ENDED);
	if (outcome == REPRISE_NEXT_EVENT) {
		MODEL_CHECK(mine->seen == ANYWHERE || event.position == mine->seen + 1);
		MODEL_CHECK(event.payload.size == 8);
		MODEL_CHECK(memcmp(event.payload.data, &event.position, 8) == 0);
		mine->seen = event.position;
		mine->delivered++;
	} else if (outcome == REPRISE_NEXT_GAP && gap.reason == REPRISE_GAP_UNAVAILABLE) {
		MODEL_CHECK(is_voiding() && !mine->is_void &&
			    gap.detail == REPRISE_GAP_INVALIDATED);
		mine->is_void = true;
		mine->seen = ANYWHERE;
		model_note("void");
	} else if (outcome == REPRISE_NEXT_GAP && gap.detail == REPRISE_GAP_LIFE_ENDED) {
		MODEL_CHECK(gap.lost == 0 && gap.end_status == 5);
		mine->ends++;
		model_note("an end");
	} else if (outcome == REPRISE_NEXT_GAP) {
		MODEL_CHECK(model_case == ANOTHER_LIFE);
		MODEL_CHECK(gap.detail == REPRISE_GAP_OTHER_INCARNATION);
		MODEL_CHECK(gap.lost_first == mine->seen + 1 && gap.lost_last == 2);
		mine->seen = gap.lost_last;
		model_note("a gap");
	}
	return outcome;
}

static void
live(int32_t ends, unsigned int events)
{
	struct reprise_writer *writer = NULL;
	reprise_position position = 0;

	MODEL_CHECK(reprise_writer_open(store, "s", NULL, &writer, NULL) == REPRISE_OK);
	for (unsigned int i = 0; i < events; i++) {
		const uint64_t next = load_relaxed(&writer_session(writer)->ring.newest) + 1;

		MODEL_CHECK(reprise_append(writer, 0, 0, 0, (struct reprise_bytes){ &next, 8 },
					   &position) == REPRISE_OK);
	}
	if (ends != 0)
		MODEL_CHECK(reprise_writer_end(writer, ends) == REPRISE_OK);
	reprise_writer_close(writer);
}

static void *
run_lives(void *argument)
{
	/* Other bounds than the writer's: the window is rebuilt. */
	const struct reprise_session_options small = { .size = sizeof(small), .events_max = 7 };

	if (is_voiding())
		MODEL_CHECK(reprise_session_invalidate(store, "s") == REPRISE_OK);
	if (model_case == INVALIDATED || model_case == INVALIDATED_ENDING)
		return argument;
	if (model_case == ANOTHER_LIFE)
		live(5, 1);
	if (model_case == CREATED_AND_OPENED)
		MODEL_CHECK(reprise_session_create(store, "s", &small, NULL) == REPRISE_OK);
	live(0, model_case == NEXT_LIFE_DESCRIPTOR ? 2 : 1);
	return argument;
}

static void *
wait_for_all(void *argument)
{
	const unsigned int me = *(const unsigned int *)argument;
	struct reprise_subscription *const mine = subscriptions[me];
	struct reprise_subscription_stats stats = REPRISE_SUBSCRIPTION_STATS_INIT;

	for (int i = 0; i < 24 && !is_satisfied(&books[me]); i++)
		if (take(mine, &books[me]) == REPRISE_NEXT_EMPTY)
			MODEL_CHECK(reprise_wait(mine, REPRISE_NO_LIMIT) == REPRISE_OK);
	MODEL_CHECK(is_satisfied(&books[me]));
	if (books[me].ends == 0)
		model_note("not an end");
	MODEL_CHECK(reprise_subscription_stats(mine, &stats) == REPRISE_OK);
	if (stats.sleeps > 0)
		model_note("slept");
	else
		model_note(has_first_life() ? "a life at once" : "found it there");
	return argument;
}

static void *
await_descriptor(void *argument)
{
	bool has_slept = false;
	int descriptor = -1;

	MODEL_CHECK(reprise_subscription_fd(subscriptions[0], &descriptor, NULL) == REPRISE_OK);
	for (int i = 0; i < 24 && !is_satisfied(&books[0]); i++) {
		/* One outcome each time that it is readable, as a loop may. */
		model_await_readable(descriptor);
		has_slept |= take(subscriptions[0], &books[0]) == REPRISE_NEXT_EMPTY;
	}
	MODEL_CHECK(is_satisfied(&books[0]));
	model_note(has_slept ? "slept" : "found it there");
	return argument;
}

static void
be_called(struct reprise_subscription *subscription, void *context)
{
	struct books *const mine = context;
	bool is_more = true;

	model_note("called");
	for (int i = 0; i < 8 && is_more; i++)
		is_more = take(subscription, mine) != REPRISE_NEXT_EMPTY;
	if (is_satisfied(mine)) {
		store_release(&is_told, 1);
		futex_wake_all(&is_told);
	}
}

static void *
await_callback(void *argument)
{
	MODEL_CHECK(reprise_subscription_notify(subscriptions[0], be_called, &books[0], NULL) ==
		    REPRISE_OK);
	for (int i = 0; i < 4 && load_acquire(&is_told) == 0; i++)
		(void)futex_wait(&is_told, 0, UINT64_MAX);
	MODEL_CHECK(load_acquire(&is_told) == 1);
	return argument;
}

static void
prepare(void)
{
	const struct reprise_session_options small = { .size = sizeof(small),
						       .events_max = 4,
						       .bytes_max = 256 };
	const struct reprise_store_options options = {
		.size = sizeof(options),
		.session = &small,
		.allocator = allocator,
		.wake = model_case == WAIT_DEFERRED ? REPRISE_WAKE_DEFERRED : REPRISE_WAKE_RELAY,
		.deferred_tick_ns = 10000,
	};
	const struct reprise_subscription_options continuous = { .size = sizeof(continuous),
								 .is_continuous = 1 };
	const struct reprise_cursor cursor = { .session_id = "s" };

	atomic_init(&is_told, 0);
	begin_memory();
	MODEL_CHECK(reprise_store_open(&options, &store, NULL) == REPRISE_OK);
	MODEL_CHECK(reprise_stamp_set(store, 1) == REPRISE_OK);
	if (model_case == WAIT_DEFERRED)
		model_allow(0, 12, 0); /* the relay looks at its ticks for what is appended */
	for (unsigned int i = 0; i < 2; i++) {
		books[i] = (struct books){ 0 };
		MODEL_CHECK(reprise_subscribe_after(store, &cursor, &continuous, &subscriptions[i],
						    NULL) == REPRISE_OK);
		subscriptions[i]->spin_ns = 0; /* the clock stands still */
	}
	if (has_first_life()) {
		live(5, 1);
		/* It is in that life. */
		MODEL_CHECK(take(subscriptions[0], &books[0]) == REPRISE_NEXT_EVENT);
	}
	/* It waits for the next life when the others begin. */
	while (is_voiding() && model_case != INVALIDATED_ENDING &&
	       take(subscriptions[0], &books[0]) != REPRISE_NEXT_EMPTY)
		;
	if (model_case == INVALIDATED_FOR_ANOTHER)
		MODEL_CHECK(books[0].ends == 1);
}

int
main(void)
{
	static const unsigned int numbers[] = { 0, 1 };
	const bool has_descriptor = model_case == DESCRIPTOR || model_case == NEXT_LIFE_DESCRIPTOR;
	pthread_t threads[3];
	int count = 0;

	prepare();
	MODEL_CHECK(pthread_create(&threads[count++], NULL,
				   has_descriptor           ? await_descriptor
				   : model_case == CALLBACK ? await_callback
							    : wait_for_all,
				   (void *)&numbers[0]) == 0);
	if (model_case == TWO_WAIT)
		MODEL_CHECK(pthread_create(&threads[count++], NULL, wait_for_all,
					   (void *)&numbers[1]) == 0);
	MODEL_CHECK(pthread_create(&threads[count++], NULL, run_lives, NULL) == 0);
	for (int i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	for (unsigned int i = 0; i < 2; i++)
		reprise_subscription_close(subscriptions[i]);
	MODEL_CHECK(reprise_store_close(store) == REPRISE_OK);
	return 0;
}
