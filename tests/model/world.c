/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <reprise/into.h>

#include <string.h>

enum {
	RING_BYTES = 4096,
	STRETCH_BYTES = 1024,
	PLACES_MAX = 8,
	WORDS_MAX = 16,
	FRAMES_MAX = 4,
};

static struct world_shape shape;
static struct reprise_store store;
static struct stamp stamp;
static struct reprise_session sessions[WORLD_SESSIONS_MAX];
static struct reprise_subscription subscriptions[WORLD_SUBSCRIPTIONS_MAX];
static _Alignas(64) unsigned char rings[WORLD_SESSIONS_MAX][RING_BYTES];
static _Alignas(64) unsigned char stretches[WORLD_SUBSCRIPTIONS_MAX][STRETCH_BYTES];
static uint64_t places[WORLD_SUBSCRIPTIONS_MAX][PLACES_MAX];
static uint64_t *reserved;

static void
open_session(struct reprise_session *session, unsigned char *memory)
{
	const struct ring_shape ring = ring_shape_of(shape.events_max, shape.bytes_max);

	MODEL_CHECK(ring.memory_bytes <= RING_BYTES);
	memset(session, 0, sizeof(*session));
	session->store = &store;
	session->id[0] = 's';
	bell_init(&session->bell, &store.relay.queue, &session->refs, shape.wake == WORLD_FENCED);
	atomic_init(&session->stamp, &stamp);
	atomic_init(&session->refs, 1); /* the world's */
	atomic_init(&session->has_writer, 1);
	atomic_init(&session->subscriptions, 0);
	hands_open(&session->hands);
	ring_open(&session->ring, &ring, memory, 0);
}

void
world_open(const struct world_shape *asked)
{
	shape = *asked;
	memset(&store, 0, sizeof(store));
	memset(rings, 0, sizeof(rings));
	store.stamp = &stamp;
	store.is_asymmetric = shape.wake == WORLD_BARRIER;
	store.is_deferred = shape.wake == WORLD_DEFERRED;
	atomic_init(&stamp.word, STAMP_FRESH | 1);
	atomic_init(&stamp.wanted, 0);
	atomic_init(&stamp.here, 1);
	MODEL_CHECK(memory_init(&store.memory, NULL));
	MODEL_CHECK(relay_open(&store.relay, &stamp, 1));
	store.relay.stamp_by_host = true;
	for (int i = 0; i < WORLD_SESSIONS_MAX; i++)
		open_session(&sessions[i], rings[i]);
	if (shape.has_relay)
		MODEL_CHECK((store.relay.table = table_open(&store.memory)) != NULL &&
			    relay_start(&store.relay) == 0);
	store.table = store.relay.table;
}

void
world_close(void)
{
	relay_close(&store.relay);
	/* All pins are gone. */
	for (int i = 0; i < WORLD_SESSIONS_MAX; i++)
		MODEL_CHECK(load_relaxed(&sessions[i].refs) == 1);
	if (store.table != NULL)
		table_close(store.table);
}

struct reprise_session *
world_session(unsigned int which)
{
	return &sessions[which];
}

struct reprise_subscription *
world_subscribe(unsigned int which, unsigned int session)
{
	struct reprise_subscription *const subscription = &subscriptions[which];

	memset(subscription, 0, sizeof(*subscription));
	subscription->store = &store;
	subscription->home = &stamp;
	subscription->session = &sessions[session];
	atomic_init(&subscription->session_to_notify, subscription->session);
	subscription->until = UINT64_MAX;
	subscription->stage = STAGE_FOLLOWING;
	subscription->stretch = (struct stretch){
		.places = places[which],
		.places_max = PLACES_MAX,
		.bytes = stretches[which],
		.bytes_want = shape.stretch_bytes,
	};
	atomic_init(&subscription->interrupted, 0);
	atomic_init(&subscription->has_callback, 0);
	atomic_init(&subscription->rung, 0);
	return subscription;
}

/* --- events ----------------------------------------------------------------------------------- */

static uint64_t
words_of(uint64_t position)
{
	return shape.payload_words + (position % 2 == 0 ? shape.more_words : 0);
}

static uint64_t
word_of(uint64_t position, uint64_t i)
{
	return position << 8 | i;
}

static void
fill(uint64_t position, uint64_t *words)
{
	for (uint64_t i = 0; i < words_of(position); i++)
		words[i] = word_of(position, i);
}

void
world_stamp(uint64_t stamp_ns)
{
	store_relaxed(&stamp.word, STAMP_FRESH | stamp_ns);
}

static uint64_t
next_position(unsigned int session)
{
	return load_relaxed(&sessions[session].ring.newest) + 1;
}

void
world_append(unsigned int session)
{
	const uint64_t position = next_position(session);
	uint64_t words[WORDS_MAX], told = 0;

	fill(position, words);
	MODEL_CHECK(reprise_append(session_writer(&sessions[session]), position, 7, 0,
				   (struct reprise_bytes){ words, 8 * words_of(position) },
				   &told) == REPRISE_OK);
	MODEL_CHECK(told == position);
}

static void
append_several(unsigned int session, unsigned int count, bool ends)
{
	struct reprise_writer *const writer = session_writer(&sessions[session]);
	const uint64_t position = next_position(session);
	uint64_t words[4][WORDS_MAX];
	struct reprise_new_event events[4];

	for (unsigned int i = 0; i < count; i++) {
		fill(position + i, words[i]);
		events[i] = (struct reprise_new_event){
			.revision = position + i,
			.kind = 7,
			.payload = { words[i], 8 * words_of(position + i) },
		};
	}
	MODEL_CHECK((ends ? reprise_append_end(writer, events, count, 5, NULL)
			  : reprise_append_batch(writer, events, count, NULL)) == REPRISE_OK);
}

void
world_append_batch(unsigned int session, unsigned int count)
{
	append_several(session, count, false);
}

void
world_append_end(unsigned int session, unsigned int count)
{
	append_several(session, count, true);
}

void
world_reserve(unsigned int session)
{
	void *payload;

	MODEL_CHECK(reprise_reserve(session_writer(&sessions[session]),
				    8 * (shape.payload_words + shape.more_words),
				    &payload) == REPRISE_OK);
	reserved = payload;
}

void
world_publish(unsigned int session)
{
	const uint64_t position = next_position(session);

	fill(position, reserved);
	MODEL_CHECK(reprise_publish(session_writer(&sessions[session]), position, 7, 0,
				    8 * words_of(position), NULL) == REPRISE_OK);
}

static void
verify(const struct reprise_event *event)
{
	const uint64_t *const words = (const void *)event->payload.data;

	MODEL_CHECK(event->payload.size == 8 * words_of(event->position));
	MODEL_CHECK(event->revision == event->position);
	MODEL_CHECK(event->kind == 7);
	for (uint64_t i = 0; i < words_of(event->position); i++)
		MODEL_CHECK(words[i] == word_of(event->position, i));
}

static void
enter_event(struct books *books, const struct reprise_event *event)
{
	MODEL_CHECK(!books->is_void);
	verify(event);
	MODEL_CHECK(event->position == books->seen + 1);
	books->seen = event->position;
	books->delivered++;
	model_note("an event");
}

/* Into a buffer with room for a few events. */
static reprise_outcome
take_into(struct reprise_subscription *subscription, struct books *books, struct reprise_gap *gap,
	  struct reprise_end *end)
{
	static uint64_t buffer[FRAMES_MAX * WORDS_MAX];
	struct reprise_frame frames[FRAMES_MAX];
	struct reprise_into into = { .size = sizeof(into),
				     .buffer = buffer,
				     .buffer_bytes = sizeof(buffer),
				     .frames = frames,
				     .frames_max = FRAMES_MAX };
	const reprise_outcome outcome = reprise_next_into(subscription, &into, gap, end);

	MODEL_CHECK((outcome == REPRISE_NEXT_EVENT) == (into.frames_count > 0));
	MODEL_CHECK(into.needed_bytes == 0);
	for (size_t i = 0; i < into.frames_count; i++) {
		const struct reprise_event event = {
			.position = frames[i].position,
			.revision = frames[i].revision,
			.kind = frames[i].kind,
			.payload = { (unsigned char *)buffer + frames[i].offset,
				     frames[i].payload_bytes },
		};

		enter_event(books, &event);
	}
	if (into.frames_count > 1)
		model_note("several");
	return outcome;
}

static reprise_outcome
take_one(struct reprise_subscription *subscription, struct books *books, struct reprise_gap *gap,
	 struct reprise_end *end)
{
	struct reprise_event event;
	const reprise_outcome outcome = reprise_next(subscription, &event, gap, end);

	if (outcome == REPRISE_NEXT_EVENT)
		enter_event(books, &event);
	return outcome;
}

reprise_outcome
world_take(struct reprise_subscription *subscription, struct books *books)
{
	struct reprise_gap gap;
	struct reprise_end end;
	const reprise_outcome outcome = shape.takes_into
						? take_into(subscription, books, &gap, &end)
						: take_one(subscription, books, &gap, &end);

	MODEL_CHECK(!books->is_ended || outcome == REPRISE_NEXT_ENDED);
	switch (outcome) {
	case REPRISE_NEXT_EMPTY:
	case REPRISE_NEXT_EVENT:
		break;
	case REPRISE_NEXT_GAP:
		if (gap.reason == REPRISE_GAP_UNAVAILABLE) {
			books->is_void = true;
			model_note("void");
			break;
		}
		MODEL_CHECK(gap.lost_first == books->seen + 1);
		MODEL_CHECK(gap.lost_last >= gap.lost_first);
		MODEL_CHECK(gap.lost == gap.lost_last - gap.lost_first + 1);
		MODEL_CHECK(gap.newest.position >= gap.lost_last);
		books->seen = gap.lost_last;
		books->lost += gap.lost;
		model_note("a gap");
		break;
	case REPRISE_NEXT_ENDED:
		books->is_ended = true;
		model_note("an end");
		break;
	}
	return outcome;
}

void
world_balance(struct reprise_subscription *subscription, struct books *books, uint64_t appended)
{
	for (uint64_t i = 0; i <= 2 * appended + 2; i++) {
		const reprise_outcome outcome = world_take(subscription, books);

		if (outcome == REPRISE_NEXT_EMPTY || outcome == REPRISE_NEXT_ENDED)
			break;
	}
	if (books->is_void)
		return;
	MODEL_CHECK(books->seen == appended);
	MODEL_CHECK(books->delivered + books->lost == appended);
}
