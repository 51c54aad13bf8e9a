/* SPDX-License-Identifier: MIT */

/*
 * Shared writers: threads that append to one session, and a host that looks meanwhile. Each event
 * is whole, each thread's events come in its order, a batch stands together, nothing follows the
 * end; and a thread that sleeps is woken, since no wait has a time-out but where a case allows one.
 */

#include <pthread.h>

#include <reprise/once.h>

#include "store/append_to.h"
#include "store/writer.h"
#include "store/writer_lock.h"

#include "world.h"

const struct model_case model_cases[] = {
	{ "two", { "an event", "both" } },
	{ "two fenced", { "an event", "both" } },
	{ "two refused later", { "an event", "both" } },
	{ "two displacing", { "an event", "a gap" } },
	{ "three", { "an event", "both" } },
	{ "batch", { "an event", "both" } },
	{ "end", { "an event", "an end", "refused" } },
	{ "void", { "refused" } },
	{ "void by id", { "appended first", "the next life's" } },
	{ "close", { "closed first", "appended first" } },
	{ "open", { "opened first", "opening" } },
	{ "once", { "an event", "first", "known" } },
	{ NULL, { NULL } },
};

enum {
	TWO,
	TWO_FENCED,
	TWO_REFUSED_LATER,
	TWO_DISPLACING,
	THREE,
	BATCH,
	END,
	VOID,
	VOID_BY_ID,
	CLOSE,
	OPEN,
	ONCE,
};

enum {
	THREADS_MOST = 3,
	WORDS = 2,
};

static struct reprise_subscription *subscription;
static atomic_u64 appended; /* by all threads */

static unsigned int
threads(void)
{
	return model_case == THREE ? 3 : 2;
}

/* The window is void in the end. The host would look the session up, and the world has no table. */
static bool
is_unseen(void)
{
	return model_case == VOID || model_case == VOID_BY_ID;
}

static unsigned int
events(void)
{
	return model_case == TWO_DISPLACING ? 2 : 1;
}

/* The second word follows from the first, so that a torn event is found. */
static void
fill(uint64_t thread, uint64_t number, uint64_t words[WORDS])
{
	words[0] = thread << 8 | number;
	words[1] = ~words[0];
}

static void
record(reprise_status status, unsigned int some)
{
	if (status == REPRISE_OK)
		fetch_add_relaxed(&appended, some);
	else
		model_note("refused");
	MODEL_CHECK(status == REPRISE_OK ||
		    ((model_case == END || model_case == VOID || model_case == CLOSE) &&
		     status == REPRISE_E_CLOSED));
}

static void
append(uint64_t thread, uint64_t number)
{
	uint64_t words[WORDS];

	fill(thread, number, words);
	record(reprise_append(session_writer(world_session(0)), 0, 7, 0,
			      (struct reprise_bytes){ words, sizeof(words) }, NULL),
	       1);
}

/* The same event by each thread: one appends it, and the others find it. */
static void
append_once(uint64_t thread)
{
	uint64_t words[WORDS];
	uint64_t position = 0;
	int32_t is_new = 77;

	fill(0, 1, words);
	MODEL_CHECK(reprise_append_once(session_writer(world_session(0)), 9, 0, 7, 0,
					(struct reprise_bytes){ words, sizeof(words) }, &position,
					&is_new) == REPRISE_OK);
	MODEL_CHECK(position == 1);
	if (is_new != 0)
		fetch_add_relaxed(&appended, 1);
	model_note(is_new == 0 ? "known" : thread == 0 ? "first" : "an event of the other");
}

static void
append_batch(uint64_t thread)
{
	uint64_t words[2][WORDS];
	struct reprise_new_event events_of_batch[2];

	for (uint64_t i = 0; i < 2; i++) {
		fill(thread, 1 + i, words[i]);
		events_of_batch[i] =
			(struct reprise_new_event){ .kind = 7,
						    .payload = { words[i], sizeof(words[i]) } };
	}
	record(reprise_append_batch(session_writer(world_session(0)), events_of_batch, 2, NULL), 2);
}

/*
 * Closes a handle, as far as the window's memory is concerned: the store is not one that could be
 * closed.
 */
static void
take_away(void)
{
	struct reprise_session *const session = world_session(0);

	MODEL_CHECK(writer_lock_enter(session) == REPRISE_OK);
	store_relaxed(&session->has_writer, WRITER_NONE);
	session->ring.run_end = 0;
	writer_lock_leave(session);
}

/*
 * An append by id, which has found the session. A window that is void is not for the
 * caller to know.
 */
static void
append_found(uint64_t thread)
{
	uint64_t words[WORDS];
	const struct append given = { .kind = 7, .payload = { words, sizeof(words) } };
	reprise_status status = REPRISE_E_BUSY;

	fill(thread, 1, words);
	const enum progress progress = append_to_found(world_session(0), &given, &status);

	if (progress == PROGRESS_DONE && status == REPRISE_OK) {
		fetch_add_relaxed(&appended, 1);
		model_note(model_case == OPEN ? "opened first" : "appended first");
	} else {
		MODEL_CHECK(model_case != VOID_BY_ID || progress == PROGRESS_RETRY);
		model_note(model_case == OPEN    ? "opening"
			   : model_case == CLOSE ? "closed first"
						 : "the next life's");
	}
}

static void *
write_some(void *argument)
{
	const uint64_t thread = *(const uint64_t *)argument;

	if (model_case == CLOSE) {
		thread == 0 ? take_away() : append_found(thread);
	} else if (model_case == OPEN && thread == 0) {
		append(thread, 1);
		writer_share(world_session(0));
		append(thread, 2);
	} else if (model_case == ONCE) {
		append_once(thread);
	} else if (model_case == BATCH && thread == 0) {
		append_batch(thread);
	} else if (model_case == END && thread == 0) {
		MODEL_CHECK(reprise_writer_end(session_writer(world_session(0)), 5) == REPRISE_OK);
	} else if (is_unseen() && thread == 0) {
		/* As session_declare_void does, which needs a store's lists. */
		store_relaxed(&world_session(0)->stamp, &stamp_never);
		ring_void(&world_session(0)->ring);
	} else if (model_case == OPEN || model_case == VOID_BY_ID) {
		append_found(thread);
	} else {
		for (unsigned int i = 1; i <= events(); i++)
			append(thread, i);
	}
	return argument;
}

/* The events that a host has seen. */
struct seen {
	uint64_t position, lost, delivered;
	uint64_t numbers[THREADS_MOST];
	uint64_t thread_before;
};

static void
take_event(const struct reprise_event *event, struct seen *seen)
{
	const uint64_t *const words = event->payload.data;
	const uint64_t thread = words[0] >> 8, number = words[0] & 0xff;

	MODEL_CHECK(event->payload.size == sizeof(uint64_t) * WORDS && words[1] == ~words[0]);
	MODEL_CHECK(event->position == seen->position + 1);
	MODEL_CHECK(thread < threads() && number > seen->numbers[thread]);
	/* Nothing comes between the two of a batch. */
	MODEL_CHECK(model_case != BATCH || thread != 0 || number != 2 || seen->thread_before == 0);
	seen->numbers[thread] = number;
	seen->thread_before = thread;
	seen->position = event->position;
	seen->delivered++;
	model_note("an event");
}

static reprise_outcome
take(struct seen *seen)
{
	struct reprise_event event;
	struct reprise_gap gap;
	struct reprise_end end;
	const reprise_outcome outcome = reprise_next(subscription, &event, &gap, &end);

	if (outcome == REPRISE_NEXT_EVENT) {
		take_event(&event, seen);
	} else if (outcome == REPRISE_NEXT_GAP && gap.reason == REPRISE_GAP_TRIMMED) {
		seen->lost += gap.lost;
		seen->position = gap.lost_last;
		seen->thread_before = THREADS_MOST;
		model_note("a gap");
	} else if (outcome == REPRISE_NEXT_ENDED) {
		model_note("an end");
	}
	return outcome;
}

static void
prepare(void)
{
	const struct world_shape shape = {
		.wake = model_case == TWO_FENCED ? WORLD_FENCED : WORLD_BARRIER,
		.events_max = model_case == TWO_DISPLACING ? 2 : 8,
		.bytes_max = 512,
		.payload_words = WORDS,
	};

	world_open(&shape);
	if (model_case != OPEN)
		writer_share(world_session(0));
	world_session(0)->bounds.is_deduplicated = model_case == ONCE;
	subscription = world_subscribe(0, 0);
	atomic_init(&appended, 0);
	for (unsigned int i = 1; model_case == VOID && i <= 2; i++)
		append(1, i);
	if (model_case == TWO_REFUSED_LATER) {
		model_refuse_barrier();
		model_allow(1, 4, 0);
	}
}

int
main(void)
{
	static uint64_t numbers[THREADS_MOST] = { 0, 1, 2 };
	pthread_t ids[THREADS_MOST];
	struct seen seen = { .thread_before = THREADS_MOST };

	prepare();
	for (unsigned int i = 0; i < threads(); i++)
		MODEL_CHECK(pthread_create(&ids[i], NULL, write_some, &numbers[i]) == 0);
	for (int i = 0; i < 2 && !is_unseen(); i++)
		(void)take(&seen);
	for (unsigned int i = 0; i < threads(); i++)
		pthread_join(ids[i], NULL);
	const uint64_t all = load_relaxed(&appended);

	if (model_case == VOID) {
		uint64_t words[WORDS] = { 0 };

		MODEL_CHECK(reprise_append(session_writer(world_session(0)), 0, 7, 0,
					   (struct reprise_bytes){ words, sizeof(words) },
					   NULL) == REPRISE_E_CLOSED);
	}
	MODEL_CHECK(load_relaxed(&world_session(0)->lock_owner) == 0);
	MODEL_CHECK(load_relaxed(&world_session(0)->ring.newest) == all);
	MODEL_CHECK(model_case != ONCE || all == 1);
	if (model_case <= BATCH && all == threads() * events() + (model_case == BATCH))
		model_note("both");
	for (int i = 0; i < 8 && !is_unseen(); i++)
		(void)take(&seen);
	MODEL_CHECK(is_unseen() || seen.delivered + seen.lost == all);
	world_close();
	return 0;
}
