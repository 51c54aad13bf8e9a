/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <reprise/into.h>

#include "engine.h"

/*
 * reprise_next_into: the same look as reprise_next's, with what fits into a buffer of many sizes.
 */

enum {
	BUFFER_BYTES_MAX = 16384,
	FRAMES_MAX = 16,
	UNTOUCHED = 0xa7,
};

static unsigned char buffer[BUFFER_BYTES_MAX];
static struct reprise_frame frames[FRAMES_MAX];

static bool
is_untouched(size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (buffer[i] != UNTOUCHED)
			return false;
	return true;
}

/* Frames lie as they must, and hold the events of @positions. */
static void
expect_frames(struct engine *engine, const struct engine_subscription *subscription,
	      const struct reprise_into *into, const reprise_position *positions)
{
	size_t at = 0;

	for (size_t i = 0; i < into->frames_count && !engine->differs; i++) {
		const struct reprise_frame *const frame = &frames[i];
		const struct reprise_event event = {
			.position = frame->position,
			.revision = frame->revision,
			.stamp_ns = frame->stamp_ns,
			.kind = frame->kind,
			.flags = frame->flags,
			.source = frame->source,
			.payload = { buffer + frame->offset, frame->payload_bytes },
		};

		engine_expect(engine, "frame: offset", at + into->head_bytes, frame->offset);
		if (engine->differs)
			return;
		engine_expect_event(engine, subscription->model.life, positions[i], &event);
		if (!is_untouched(at, frame->offset))
			engine_differ(engine, "frame %zu: its head was written to", i);
		at = frame->offset + frame->payload_bytes;
		if (!is_untouched(at, at + into->tail_bytes))
			engine_differ(engine, "frame %zu: its tail was written to", i);
		at += into->tail_bytes;
	}
	engine_expect(engine, "used_bytes", at, into->used_bytes);
	if (!is_untouched(at, sizeof(buffer)))
		engine_differ(engine, "the buffer was written to beyond what is used");
}

static struct model_room
room_of(uint8_t count, uint8_t operand)
{
	static const size_t bytes[] = { 0, 16, 40, 100, 300, 1000, 5000, BUFFER_BYTES_MAX };

	return (struct model_room){ .frames_max = 1 + count % FRAMES_MAX,
				    .buffer_bytes = bytes[operand % 8],
				    .head_bytes = (size_t)(operand / 8 % 4) * 3,
				    .tail_bytes = operand / 32 % 8 };
}

void
engine_next_into(struct engine *engine, struct engine_subscription *subscription, uint8_t count,
		 uint8_t operand)
{
	const struct model_room room = room_of(count, operand);
	struct reprise_into into = { .size = sizeof(into),
				     .buffer = buffer,
				     .buffer_bytes = room.buffer_bytes,
				     .head_bytes = room.head_bytes,
				     .tail_bytes = room.tail_bytes,
				     .frames = frames,
				     .frames_max = room.frames_max };
	reprise_position positions[FRAMES_MAX];
	struct reprise_gap gap, expected_gap = { 0 };
	struct reprise_end end = { REPRISE_END_STORE, 77 }, expected_end = end;
	size_t expected_count = 0, expected_needed = 0;

	engine_say(engine,
		   "reprise_next_into(subscription%u, %zu frames, %zu bytes, head %zu, tail %zu);",
		   engine_index(subscription, engine), room.frames_max, room.buffer_bytes,
		   room.head_bytes, room.tail_bytes);
	memset(buffer, UNTOUCHED, sizeof(buffer));
	const unsigned int calls = atomic_load(&subscription->calls);
	const reprise_outcome expected =
		model_next_into(&subscription->model, &room, positions, &expected_count,
				&expected_needed, &expected_gap, &expected_end);
	const reprise_outcome actual =
		reprise_next_into(subscription->subscription, &into, &gap, &end);

	engine_expect(engine, "outcome (0 EMPTY, 1 EVENT, 2 GAP, 3 ENDED)", expected, actual);
	engine_expect(engine, "frames_count", expected_count, into.frames_count);
	engine_expect(engine, "needed_bytes", expected_needed, into.needed_bytes);
	if (engine->differs)
		return;
	expect_frames(engine, subscription, &into, positions);
	if (into.frames_count > 1)
		engine_mark(engine, MARK_INTO_SEVERAL);
	if (into.needed_bytes != 0)
		engine_mark(engine, MARK_INTO_TOO_SMALL);
	if (into.frames_count > 0 && subscription->model.kept_a_copy)
		engine_mark(engine, MARK_INTO_A_COPY);
	if (actual == REPRISE_NEXT_EMPTY)
		engine_heard_nothing(engine, subscription, calls);
	else if (actual == REPRISE_NEXT_GAP)
		engine_heard_gap(engine, subscription, &expected_gap, &gap);
	else if (actual == REPRISE_NEXT_ENDED)
		engine_heard_end(engine, &expected_end, &end);
	engine_heard(engine, subscription, actual);
}
