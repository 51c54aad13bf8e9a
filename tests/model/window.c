/* SPDX-License-Identifier: MIT */

/*
 * One writer, one subscription that looks meanwhile: no event is torn, none is lost in silence or
 * doubled, whatever is displaced under it. Every case appends as many as fit and some more.
 */

#include <pthread.h>

#include "world.h"

const struct model_case model_cases[] = {
	{ "count", { "an event", "a gap" } },
	{ "bytes", { "an event", "a gap" } },
	{ "stretch", { "an event", "a gap", "salvaged" } },
	{ "batch", { "an event", "a gap" } },
	{ "reserve", { "an event", "a gap" } },
	{ "abort", { "an event", "a gap" } },
	{ "end", { "an event", "a gap", "an end" } },
	{ "into count", { "an event", "a gap", "several" } },
	{ "into bytes", { "an event", "a gap", "several" } },
	{ "into batch", { "an event", "a gap", "several" } },
	{ "into end", { "an event", "a gap", "several", "an end" } },
	{ NULL, { NULL } },
};

enum {
	COUNT,
	BYTES,
	STRETCH,
	BATCH,
	RESERVE,
	ABORT,
	END,
	INTO_COUNT,
	INTO_BYTES,
	INTO_BATCH,
	INTO_END,
};

static const struct world_shape shapes[] = {
	[COUNT] = { .events_max = 2, .bytes_max = 512, .payload_words = 1 },
	[BYTES] = { .events_max = 8, .bytes_max = 128, .payload_words = 1, .more_words = 1 },
	[STRETCH] = { .events_max = 8, .bytes_max = 256, .payload_words = 1, .stretch_bytes = 256 },
	[BATCH] = { .events_max = 4, .bytes_max = 256, .payload_words = 1, .stretch_bytes = 128 },
	[RESERVE] = { .events_max = 8, .bytes_max = 128, .payload_words = 1, .more_words = 1 },
	[ABORT] = { .events_max = 8, .bytes_max = 128, .payload_words = 1, .more_words = 1 },
	[END] = { .events_max = 2, .bytes_max = 512, .payload_words = 1 },
	[INTO_COUNT] = { .events_max = 2,
			 .bytes_max = 512,
			 .payload_words = 1,
			 .stretch_bytes = 512,
			 .takes_into = true },
	[INTO_BYTES] = { .events_max = 8,
			 .bytes_max = 128,
			 .payload_words = 1,
			 .more_words = 1,
			 .stretch_bytes = 64,
			 .takes_into = true },
	[INTO_BATCH] = { .events_max = 4,
			 .bytes_max = 256,
			 .payload_words = 1,
			 .stretch_bytes = 128,
			 .takes_into = true },
	[INTO_END] = { .events_max = 2,
		       .bytes_max = 512,
		       .payload_words = 1,
		       .stretch_bytes = 512,
		       .takes_into = true },
};

static struct reprise_subscription *subscription;
static struct books books;

static uint64_t
appended(void)
{
	return load_relaxed(&world_session(0)->ring.newest);
}

static bool
is_in_batches(void)
{
	return model_case == BATCH || model_case == INTO_BATCH;
}

static bool
is_with_end(void)
{
	return model_case == END || model_case == INTO_END;
}

static void
prepare(void)
{
	const int before = model_case == STRETCH ? 5 : is_with_end() ? 1 : 2;

	for (int i = 0; i < before; i++)
		world_append(0);
}

static void *
write_more(void *argument)
{
	switch (model_case) {
	case BATCH:
	case INTO_BATCH:
		world_append_batch(0, 2);
		world_append_batch(0, 2);
		break;
	case RESERVE:
		world_reserve(0);
		world_publish(0);
		world_append(0);
		break;
	case ABORT:
		world_reserve(0);
		MODEL_CHECK(reprise_abort(session_writer(world_session(0))) == REPRISE_OK);
		world_append(0);
		break;
	case END:
	case INTO_END:
		for (int i = 0; i < 3; i++)
			world_append(0);
		MODEL_CHECK(reprise_writer_end(session_writer(world_session(0)), 5) == REPRISE_OK);
		MODEL_CHECK(reprise_append(session_writer(world_session(0)), 0, 7, 0,
					   (struct reprise_bytes){ "", 0 },
					   NULL) == REPRISE_E_CLOSED);
		break;
	case COUNT:
	case INTO_COUNT:
		/* Twice as many slots as events: so many until one is used again. */
		for (int i = 0; i < 3; i++)
			world_append(0);
		break;
	default:
		world_append(0);
		world_append(0);
	}
	return argument;
}

static void *
look(void *argument)
{
	struct ring *const ring = &world_session(0)->ring;
	uint64_t oldest = 0;

	for (int i = 0; i < (is_in_batches() ? 4 : 2); i++) {
		const uint64_t oldest_now = load_relaxed(&ring->oldest);
		const reprise_outcome outcome = world_take(subscription, &books);

		const struct look now = ring_look(ring);

		MODEL_CHECK(now.newest + 1 - now.kept <= ring->events_max);
		MODEL_CHECK(oldest_now >= oldest);
		oldest = oldest_now;
		/* A batch is of two, and nothing else was appended. */
		MODEL_CHECK(!is_in_batches() || outcome != REPRISE_NEXT_EMPTY ||
			    books.seen % 2 == 0);

		if (outcome == REPRISE_NEXT_GAP && subscription->stretch.count > 0)
			model_note("salvaged");
	}
	return argument;
}

int
main(void)
{
	pthread_t writer, host;

	world_open(&shapes[model_case]);
	subscription = world_subscribe(0, 0);
	books = (struct books){ 0 };
	prepare();
	MODEL_CHECK(pthread_create(&writer, NULL, write_more, NULL) == 0);
	MODEL_CHECK(pthread_create(&host, NULL, look, NULL) == 0);
	pthread_join(writer, NULL);
	pthread_join(host, NULL);
	world_balance(subscription, &books, appended());
	MODEL_CHECK(!is_with_end() || books.is_ended);
	world_close();
	return 0;
}
