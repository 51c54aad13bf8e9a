/* SPDX-License-Identifier: MIT */
#include "ring/ring.h"

void
ring_trim_to(struct ring *ring, uint64_t position)
{
	const struct look look = ring_look(ring);
	uint64_t taken = load_relaxed(&ring->taken_request), floor = look.floor_request;

	position = least(position, look.newest);
	/*
	 * Events that have left already keep the cause they left for. Before the floor: a thread
	 * that sees the floor sees `taken_request`.
	 */
	while (position >= look.kept && taken < position)
		if (compare_exchange_relaxed(&ring->taken_request, &taken, position))
			break;
	/*
	 * It is raised all the same: events that a subscription has copied are not handed out,
	 * either.
	 */
	while (floor < position) {
		/* [trim:A] The newest it is clamped to before; pairs with [look:C]. */
		if (compare_exchange_release(&ring->floor_request, &floor, position))
			return;
	}
}

void
ring_trim_stamp(struct ring *ring, uint64_t stamp_ns, bool once)
{
	const struct look look = ring_look(ring);
	uint64_t low = look.kept, high = look.newest + 1;
	uint64_t too_old = 0; /* the greatest position seen, and validated, to be stamped before */

	/* Stamps never fall, so what is too old is a prefix. */
	while (low < high) {
		const uint64_t middle = low + (high - low) / 2;
		struct probe probe;
		uint64_t oldest;

		if (!ring_probe(ring, middle, &probe, &oldest)) {
			low = greatest(middle + 1, oldest);
		} else if (probe.stamp_ns < stamp_ns) {
			too_old = middle;
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	uint64_t floor = look.floor_age;

	while (floor < too_old) {
		/* [trim:B] The newest it is clamped to before; pairs with [look:C]. */
		if (compare_exchange_release(&ring->floor_age, &floor, too_old) || once)
			return;
	}
}

void
ring_void(struct ring *ring)
{
	/* [void:A] All that the caller did before; pairs with [held:A]. */
	store_release(&ring->invalid, 1);
}
