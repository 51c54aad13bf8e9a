/* SPDX-License-Identifier: MIT */
#include "ring/ring.h"

bool
ring_probe(struct ring *ring, uint64_t position, struct probe *ret_probe, uint64_t *ret_oldest)
{
	const uint64_t place = load_relaxed(&slot_of(ring, position)->place);
	struct record *const record =
		(struct record *)(void *)(ring->arena +
					  least(place_offset(place),
						ring->arena_bytes - RECORD_HEADER_BYTES));
	const struct probe probe = {
		.revision = load_relaxed(&record->revision),
		.revision_before = load_relaxed(&record->revision_before),
		.stamp_ns = load_relaxed(&record->stamp_ns),
		.shape = load_relaxed(&record->shape),
	};

	/* [probe:A] Slot and header before `oldest`; pairs with [append:B]. */
	fence_acquire();
	*ret_oldest = load_relaxed(&ring->oldest);
	if (position < *ret_oldest)
		return false;
	*ret_probe = probe;
	return true;
}

uint64_t
ring_before_revision(struct ring *ring, uint64_t revision)
{
	const struct look look = ring_look(ring);
	uint64_t low = look.kept, high = look.newest + 1;
	uint64_t below = ring->position_before; /* the greatest seen to have nothing above so far */
	bool found = false;         /* `high` was seen to be, or come after, one above */
	bool earlier_above = false; /* and so was something before `high` */
	struct probe probe;
	uint64_t oldest;

	/*
	 * The greatest revision so far never falls, so positions that have one above are a suffix.
	 */
	while (low < high) {
		const uint64_t middle = low + (high - low) / 2;

		if (!ring_probe(ring, middle, &probe, &oldest)) {
			low = greatest(middle + 1, oldest);
		} else if (greatest(probe.revision, probe.revision_before) > revision) {
			high = middle;
			found = true;
			earlier_above = probe.revision_before > revision;
		} else {
			below = middle;
			low = middle + 1;
		}
	}
	if (found)
		return earlier_above ? ring->position_before : high - 1;
	if (below == look.newest)
		return look.newest;
	/*
	 * Nothing is kept, or it is gone by now. The newest's own header still knows; else the
	 * writer, who may know of one more that is not visible yet.
	 */
	const uint64_t so_far = ring_probe(ring, look.newest, &probe, &oldest)
					? greatest(probe.revision, probe.revision_before)
					: load_relaxed(&ring->revision_max);

	return so_far > revision ? ring->position_before : look.newest;
}

bool
ring_holds(struct ring *ring, uint64_t first, uint64_t last, uint16_t flags, uint64_t revision)
{
	while (first <= last) {
		struct probe probe;
		uint64_t oldest;

		if (!ring_probe(ring, first, &probe, &oldest))
			first = oldest;
		else if ((shape_flags(probe.shape) & flags) == flags && probe.revision >= revision)
			return true;
		else
			first++;
	}
	return false;
}

bool
ring_newest(struct ring *ring, uint64_t *ret_position, uint64_t *ret_revision)
{
	for (int looks = 0; looks < 3; looks++) {
		const uint64_t newest = load_acquire(&ring->newest);
		struct probe probe;
		uint64_t oldest;

		*ret_position = newest;
		if (newest == ring->position_before) {
			*ret_revision = 0;
			return true;
		}
		if (ring_probe(ring, newest, &probe, &oldest)) {
			*ret_revision = probe.revision;
			return true;
		}
	}
	return false;
}
