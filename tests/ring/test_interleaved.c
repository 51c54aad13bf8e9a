/* SPDX-License-Identifier: MIT */

/*
 * Looks and trims that are interrupted at every one of their steps. The ring's own source is
 * compiled here once more, with its loads and its compare-exchange going through a hook, so that
 * what would need luck between two threads happens for certain, in one.
 */

#include "support.h"

#include <stdlib.h>

#include "ring/append.h"

static void (*interruption)(void); /* called once, before step number `step_to_interrupt` */
static unsigned int step, step_to_interrupt;

static void
at_step(void)
{
	if (step++ == step_to_interrupt && interruption != NULL) {
		void (*const once)(void) = interruption;

		interruption = NULL;
		once();
	}
}

#undef load_acquire
#define load_acquire(word) (at_step(), atomic_load_explicit((word), memory_order_acquire))

static bool
hooked_compare_exchange(atomic_u64 *word, uint64_t *expected, uint64_t desired)
{
	at_step();
	return compare_exchange_release(word, expected, desired);
}

#define compare_exchange_release hooked_compare_exchange
#define ring_look                hooked_ring_look
#define ring_read                hooked_ring_read
#define stretch_drop             hooked_stretch_drop
#define ring_trim_to             hooked_ring_trim_to
#define ring_trim_stamp          hooked_ring_trim_stamp
#define ring_void                hooked_ring_void

struct look hooked_ring_look(struct ring *ring);
void hooked_ring_read(struct ring *ring, const struct look *look, uint64_t first, uint64_t last,
		      struct stretch *stretch);
void hooked_stretch_drop(struct stretch *stretch, uint64_t count);
void hooked_ring_trim_to(struct ring *ring, uint64_t position);
void hooked_ring_trim_stamp(struct ring *ring, uint64_t stamp_ns, bool once);
void hooked_ring_void(struct ring *ring);

/* NOLINTBEGIN(bugprone-suspicious-include): compiled again, with hooks in it */
#include "ring/read.c"
#include "ring/trim.c"
/* NOLINTEND(bugprone-suspicious-include) */
#undef compare_exchange_release
#undef ring_look
#undef ring_floor
#undef ring_trim_to
#undef ring_trim_stamp
#undef ring_void

SUITE(interleaved);

static struct ring *ring;
static unsigned char *memory;

/* A ring of 4 events that has seen @newest. */
static void
ring_after(uint64_t newest)
{
	const struct ring_shape shape = ring_shape_of(4, 1024);

	ring = aligned_alloc(64, round_up(sizeof(*ring), 64));
	memory = aligned_alloc(64, round_up(shape.memory_bytes, 64));
	ring_open(ring, &shape, memory, 0);
	for (uint64_t i = 0; i < newest; i++) {
		ring_stamp(ring, i);
		(void)ring_write(ring, i + 1, ring_room(ring, i, 40, 1), 0, shape_of(0, 0, 0));
		ring_publish(ring, i + 1);
	}
	step = 0;
}

static void
ring_gone(void)
{
	free(ring);
	free(memory);
}

static void
append_many(void)
{
	for (int i = 0; i < 10; i++) {
		const uint64_t newest = load_relaxed(&ring->newest);

		ring_stamp(ring, newest);
		(void)ring_write(ring, newest + 1, ring_room(ring, newest, 40, 1), 0,
				 shape_of(0, 0, 0));
		ring_publish(ring, newest + 1);
	}
}

static void
append_and_end(void)
{
	append_many();
	ring_end(ring, 0);
}

/* ring:look:B and look:D: with any stores between two loads of a look, its bounds fit together. */
Test(interleaved, a_look_that_is_overtaken_at_any_step_is_consistent)
{
	for (step_to_interrupt = 0; step_to_interrupt < 6; step_to_interrupt++) {
		ring_after(4);
		interruption = append_many;
		const struct look look = hooked_ring_look(ring);

		cr_assert(ge(u64, look.newest + 1, look.kept), "step %u", step_to_interrupt);
		ring_gone();
	}
}

/* look:A: a look that sees the end sees every event before it. */
Test(interleaved, a_look_that_sees_the_end_sees_the_last_event)
{
	for (step_to_interrupt = 0; step_to_interrupt < 6; step_to_interrupt++) {
		ring_after(4);
		interruption = append_and_end;
		const struct look look = hooked_ring_look(ring);

		if (look.ended != 0)
			cr_assert(eq(u64, look.newest, 14), "step %u", step_to_interrupt);
		ring_gone();
	}
}

static void
trim_all(void)
{
	ring_trim_to(ring, UINT64_MAX);
}

static void
append_and_trim_all(void)
{
	append_many();
	trim_all();
}

/* look:C: a floor is never above the newest of the same look. */
Test(interleaved, a_look_that_sees_a_floor_sees_the_newest_it_was_clamped_to)
{
	for (step_to_interrupt = 0; step_to_interrupt < 6; step_to_interrupt++) {
		ring_after(4);
		interruption = append_and_trim_all;
		const struct look look = hooked_ring_look(ring);

		cr_assert(ge(u64, look.newest + 1, look.kept), "step %u", step_to_interrupt);
		ring_gone();
	}
}

Test(interleaved, a_trim_that_is_overtaken_never_lowers_the_floor)
{
	for (step_to_interrupt = 0; step_to_interrupt < 8; step_to_interrupt++) {
		ring_after(4);
		interruption = trim_all;
		hooked_ring_trim_to(ring, 2);
		cr_assert(eq(u64, ring_floor(ring), interruption == NULL ? 4 : 2), "step %u",
			  step_to_interrupt);
		ring_gone();
	}
}

static void
trim_a_little_by_age(void)
{
	ring_trim_stamp(ring, 1, false);
}

/* Somebody with an older clock comes in between: A11 says now, not then. */
Test(interleaved, A11_a_trim_by_age_is_done_whoever_comes_in_between)
{
	for (step_to_interrupt = 0; step_to_interrupt < 8; step_to_interrupt++) {
		ring_after(4);
		interruption = trim_a_little_by_age;
		hooked_ring_trim_stamp(ring, 3, false);
		cr_assert(eq(u64, load_relaxed(&ring->floor_age), 3), "step %u", step_to_interrupt);
		ring_gone();
	}
}

Test(interleaved, a_trim_that_may_try_but_once_tries_but_once)
{
	ring_after(4);
	step_to_interrupt = 5; /* the compare-exchange, after the five loads of a look */
	interruption = trim_a_little_by_age;
	hooked_ring_trim_stamp(ring, 3, true);
	cr_assert(eq(u64, load_relaxed(&ring->floor_age), 1));
	ring_gone();
}

/*
 * A copy that is overtaken before any of its steps keeps what was not displaced, and nothing else.
 */
Test(interleaved, read_holds_only_what_is_intact)
{
	uint64_t places[8];
	unsigned char bytes[1024];

	for (uint64_t more = 0; more < 8; more++) {
		struct stretch stretch = {
			.places = places, .places_max = 8, .bytes = bytes, .bytes_want = 1024
		};

		ring_after(4 + more);
		const struct look look = { .kept = 1, .newest = 4 };

		hooked_ring_read(ring, &look, 1, 4, &stretch);
		const uint64_t overtaken_to = load_relaxed(&ring->oldest);
		cr_assert(le(u64, stretch.first + stretch.count, 5));
		if (stretch.count > 0)
			cr_assert(ge(u64, stretch.first, overtaken_to));
		ring_gone();
	}
}
