/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <stdlib.h>

#include "ring/append.h"

SUITE(ring);

struct small_ring {
	struct ring ring;
	unsigned char *memory;
	uint64_t places[64];
	unsigned char *staging;
	struct stretch stretch;
};

static struct small_ring *
ring_of(uint64_t events_max, uint64_t bytes_max, uint64_t position_before)
{
	const struct ring_shape shape = ring_shape_of(events_max, bytes_max);
	struct small_ring *const small = aligned_alloc(64, round_up(sizeof(*small), 64));

	/* Of exactly the size that is said, so that AddressSanitizer sees a byte too many. */
	small->memory = aligned_alloc(64, round_up(shape.memory_bytes, 64));
	small->staging = aligned_alloc(64, round_up(shape.arena_bytes, 64));
	ring_open(&small->ring, &shape, small->memory, position_before);
	small->stretch = (struct stretch){ .places = small->places,
					   .places_max = 64,
					   .bytes = small->staging,
					   .bytes_want = shape.arena_bytes };
	return small;
}

static void
ring_free(struct small_ring *small)
{
	free(small->memory);
	free(small->staging);
	free(small);
	expect_no_leaks();
}

/* Every byte of an event follows from its position. */
static unsigned char
byte_of(uint64_t position)
{
	return (unsigned char)(position * 13 + 1);
}

static void
append(struct ring *ring, uint64_t payload_bytes, uint64_t stamp_ns)
{
	unsigned char payload[4096];
	const uint64_t newest = load_relaxed(&ring->newest);
	const uint64_t bytes = record_bytes(payload_bytes);
	const uint64_t start = ring_room(ring, newest, bytes, 1);

	ring_stamp(ring, stamp_ns);
	memset(payload, byte_of(newest + 1), payload_bytes);
	copy_in(ring_write(ring, newest + 1, start, newest, shape_of(payload_bytes, 0, 0)), payload,
		payload_bytes);
	ring_publish(ring, newest + 1);
}

static void
expect_record(const struct record *record, uint64_t position)
{
	const uint64_t bytes = shape_payload_bytes(load_relaxed(&record->shape));

	cr_assert(eq(u64, load_relaxed(&record->position), position));
	for (uint64_t i = 0; i < bytes; i++)
		cr_assert(eq(u8, record_payload(record)[i], byte_of(position)));
}

/* Reads all that is kept, in as many stretches as it takes; answers how many. */
static uint64_t
expect_all(struct small_ring *small)
{
	const struct look look = ring_look(&small->ring);
	uint64_t position = look.kept, stretches = 0;

	while (position <= look.newest) {
		ring_read(&small->ring, &look, position, look.newest, &small->stretch);
		cr_assert(eq(u64, small->stretch.first, position), "nobody overtakes here");
		cr_assert(gt(u64, small->stretch.count, 0));
		for (; small->stretch.count > 0; position++) {
			expect_record(stretch_record(&small->stretch), position);
			stretch_drop(&small->stretch, 1);
		}
		stretches++;
	}
	return stretches;
}

Test(ring, shapes_are_rounded_inside_and_exact_outside)
{
	struct ring_shape shape = ring_shape_of(5, 1000);

	cr_assert(eq(u64, shape.events_max, 5));
	cr_assert(eq(u64, shape.index_slots, 16));
	cr_assert(eq(u64, shape.arena_bytes, 1024));
	shape = ring_shape_of(UINT64_MAX, 64);
	cr_assert(eq(u64, shape.events_max, 1));
	cr_assert(eq(u64, shape.index_slots, 2));
	shape = ring_shape_of(1, RING_ARENA_BYTES_MAX);
	cr_assert(eq(u64, shape.arena_bytes, RING_ARENA_BYTES_MAX));
}

/*
 * Against a model that keeps (offset, size) of every record: what is kept is always the longest
 * tail that fits, by count and by bytes with what is skipped at the arena's end.
 */
Test(ring, displaces_exactly_what_is_in_the_way)
{
	uint32_t random = 3;

	for (uint64_t events_max = 1; events_max <= 12; events_max++) {
		struct small_ring *small = ring_of(events_max, 1024, 0);
		uint64_t begins[2001], head = 0, oldest_before = 0;

		for (uint64_t position = 1; position <= 2000; position++) {
			random = random * 1664525u + 1013904223u;
			const uint64_t payload =
				random >> 28 == 0 ? 1024 - 40 : (random >> 16) % 300;
			const uint64_t bytes = record_bytes(payload);

			if (head % 1024 + bytes > 1024)
				head += 1024 - head % 1024;
			begins[position] = head;
			head += bytes;
			append(&small->ring, payload, 0);

			uint64_t oldest = position;

			while (oldest > 1 && position - oldest + 1 < events_max &&
			       begins[oldest - 1] + 1024 >= head)
				oldest--;
			/* Events that have left do not come back when there is room again. */
			oldest = greatest(oldest, oldest_before);
			oldest_before = oldest;
			cr_assert(eq(u64, ring_look(&small->ring).kept, oldest));
			expect_all(small);
		}
		ring_free(small);
	}
}

Test(ring, an_event_as_large_as_the_arena_fits_at_any_offset)
{
	struct small_ring *small = ring_of(8, 512, 0);

	for (uint64_t payload = 0; payload < 400; payload += 24) {
		append(&small->ring, payload, 0);
		append(&small->ring, 512 - 40, 0);
		cr_assert(eq(u64, ring_look(&small->ring).kept, load_relaxed(&small->ring.newest)));
		expect_all(small);
	}
	ring_free(small);
}

Test(ring, a_stretch_ends_at_the_arenas_end_and_at_the_room)
{
	struct small_ring *small = ring_of(8, 512, 0);

	for (int i = 0; i < 11; i++)
		append(&small->ring, 24, 0); /* 64 each: 8 a lap */
	cr_assert(eq(u64, expect_all(small), 2), "one to the end, one from the beginning");
	small->stretch.bytes_want = 130;
	cr_assert(eq(u64, expect_all(small), 5), "two at a time, 3 to go before the end");
	small->stretch.bytes_want = 1;
	cr_assert(eq(u64, expect_all(small), 8), "at least one");
	small->stretch.bytes_want = 512;
	small->stretch.places_max = 1;
	cr_assert(eq(u64, expect_all(small), 8));
	ring_free(small);
}

/*
 * Far from both ends of the window, small pieces, and the next one is asked for; near them, all
 * there is room for.
 */
Test(ring, a_stretch_far_from_both_ends_is_small_and_the_next_is_asked_for)
{
	struct small_ring *small = ring_of(64, 1 << 16, 0);

	for (int i = 0; i < 64; i++)
		append(&small->ring, 472, 0); /* 512 each */
	const struct look look = ring_look(&small->ring);
	const struct {
		uint64_t first, count;
		bool asks;
	} cases[] = {
		{ 1, 4, false }, /* the window begins four before the arena's end */
		{ 3, 2, false },   { 5, 12, true }, { 31, 12, true },
		{ 32, 33, false }, /* all that is left: only half of the window lies ahead */
		{ 64, 1, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ring_read(&small->ring, &look, cases[i].first, look.newest, &small->stretch);
		cr_expect(eq(u64, small->stretch.count, cases[i].count), "%zu", i);
		cr_expect(eq(int, small->stretch.after != NULL, cases[i].asks), "%zu", i);
	}
	cr_assert(eq(u64, expect_all(small), 5), "4, 3 times 12, and 24 at the end");
	ring_free(small);

	/* The next records are asked for only if as much is there. */
	small = ring_of(64, 1 << 16, 0);
	for (int i = 0; i < 64; i++)
		append(&small->ring, 0, 0);
	ring_read(&small->ring, &look, 3, look.newest, &small->stretch);
	cr_assert(eq(u64, small->stretch.count, 49), "to the arena's end");
	cr_assert(eq(ptr, (void *)small->stretch.after, NULL));
	ring_free(small);
}

/* However large an event is, little is asked for ahead of time, and nothing beyond the arena. */
Test(ring, a_large_event_is_not_asked_for_as_a_whole)
{
	struct small_ring *small = ring_of(64, 1 << 20, 0);

	append(&small->ring, 100, 0);
	for (int i = 0; i < 60; i++)
		append(&small->ring, 4096, 0);
	const struct look look = ring_look(&small->ring);

	ring_read(&small->ring, &look, 5, look.newest, &small->stretch);
	cr_assert(eq(u64, small->stretch.ask_bytes, 2048));
	small->stretch.bytes_want = 1;
	ring_read(&small->ring, &look, 5, look.newest, &small->stretch);
	cr_assert(eq(u64, small->stretch.count, 1));
	cr_assert(ne(ptr, (void *)small->stretch.after, NULL), "one of 4 KiB is");
	ring_free(small);

	small = ring_of(64, 1 << 16, 0);
	append(&small->ring, 2000, 0); /* 8 bytes before the arena's end */
	const struct look one = ring_look(&small->ring);

	ring_read(&small->ring, &one, 1, 1, &small->stretch);
	cr_assert(eq(u64, small->stretch.ask_bytes, 8));
	ring_free(small);
}

/* Overtaken between the look and the copy. */
Test(ring, what_was_overtaken_is_thrown_away_and_the_rest_kept)
{
	for (uint64_t more = 0; more <= 10; more++) {
		struct small_ring *small = ring_of(4, 1024, 0);

		for (int i = 0; i < 4; i++)
			append(&small->ring, 40, 0);
		const struct look look = ring_look(&small->ring);

		for (uint64_t i = 0; i < more; i++)
			append(&small->ring, 56, 0);
		ring_read(&small->ring, &look, look.kept, look.newest, &small->stretch);
		cr_assert(le(u64, small->stretch.count, more < 4 ? 4 - more : 0));
		for (uint64_t position = 1 + more; small->stretch.count > 0; position++) {
			cr_assert(eq(u64, small->stretch.first, position));
			expect_record(stretch_record(&small->stretch), position);
			stretch_drop(&small->stretch, 1);
		}
		ring_free(small);
	}
}

Test(ring, a_probe_of_what_is_displaced_says_so)
{
	struct small_ring *small = ring_of(8, 1024, 0);
	struct probe probe = { .stamp_ns = 77 };
	uint64_t oldest = 0;

	for (uint64_t i = 1; i <= 5; i++)
		append(&small->ring, 512 - 40, 10 * i); /* two fit */
	cr_assert(not(ring_probe(&small->ring, 3, &probe, &oldest)));
	cr_assert(eq(u64, oldest, 4));
	cr_assert(eq(u64, probe.stamp_ns, 77), "untouched");
	cr_assert(ring_probe(&small->ring, 4, &probe, &oldest));
	cr_assert(eq(u64, probe.stamp_ns, 40));
	cr_assert(eq(u64, probe.revision, 3));
	cr_assert(eq(u64, probe.revision_before, 2));
	ring_free(small);
}

Test(ring, stamps_are_trimmed_up_to_the_first_that_is_young_enough)
{
	for (uint64_t stamp = 0; stamp <= 110; stamp += 5) {
		struct small_ring *small = ring_of(16, 4096, 0);

		for (uint64_t i = 1; i <= 10; i++)
			append(&small->ring, 8, 10 * i);
		ring_trim_stamp(&small->ring, stamp, false);
		const uint64_t older = stamp == 0 ? 0 : least((stamp - 1) / 10, 10);

		cr_assert(eq(u64, ring_look(&small->ring).kept, older + 1));
		cr_assert(eq(u64, ring_floor(&small->ring), older));
		ring_free(small);
	}
}

Test(ring, a_window_goes_on_above_its_beginning)
{
	struct small_ring *small = ring_of(4, 1024, 1000);
	uint64_t position, revision;

	cr_assert(eq(u64, ring_look(&small->ring).kept, 1001));
	cr_assert(ring_newest(&small->ring, &position, &revision));
	cr_assert(eq(u64, position, 1000));
	cr_assert(eq(u64, revision, 0));
	for (int i = 0; i < 9; i++) {
		append(&small->ring, 100, 0);
		expect_all(small);
	}
	cr_assert(eq(u64, ring_look(&small->ring).kept, 1006));
	cr_assert(ring_newest(&small->ring, &position, &revision));
	cr_assert(eq(u64, position, 1009));
	cr_assert(eq(u64, revision, 1008));
	ring_free(small);
}

/* Between `oldest` and `newest` of an append that displaces everything: as others may find it. */
Test(ring, in_the_middle_of_an_append_that_displaces_all_nothing_is_claimed)
{
	struct small_ring *small = ring_of(1, 1024, 0);
	uint64_t position, revision;

	append(&small->ring, 8, 10);
	append(&small->ring, 8, 20);
	(void)ring_room(&small->ring, 2, 1024, 1);
	const struct look look = ring_look(&small->ring);

	cr_assert(eq(u64, look.kept, 3));
	cr_assert(eq(u64, look.newest, 2));
	cr_assert(not(ring_newest(&small->ring, &position, &revision)));
	cr_assert(eq(u64, position, 2));
	cr_assert(eq(u64, ring_before_revision(&small->ring, 0), 0), "a gap, never a skip");
	cr_assert(not(ring_holds(&small->ring, 1, 2, 0, 0)));
	ring_trim_stamp(&small->ring, 100, false);
	cr_assert(eq(u64, ring_floor(&small->ring), 0),
		  "never from a record that is not validated");
	ring_free(small);
}
