/* SPDX-License-Identifier: MIT */
#include "support.h"

#include "store/bell.h"

SUITE(bell);

Test(bell, a_ring_without_hands_makes_no_call)
{
	struct bell bell;

	bell_init(&bell, true);
	bell_publish(&bell);
	bell_ring(&bell);
	cr_assert(eq(u64, load_relaxed(&bell.wakes), 0));
	cr_assert(eq(u32, load_relaxed(&bell.epoch), 0));
}

Test(bell, a_ring_lowers_every_hand_and_counts_the_epoch_once)
{
	struct bell bell;
	uint32_t first = 77, second = 77;

	bell_init(&bell, false);
	cr_assert(bell_arm(&bell, false, &first));
	cr_assert(bell_arm(&bell, false, &second));
	cr_assert(eq(u32, first, 0));
	cr_assert(eq(u32, second, 0));
	bell_publish(&bell);
	cr_assert(eq(u32, load_relaxed(&bell.epoch), 1));
	bell_publish(&bell);
	cr_assert(eq(u64, load_relaxed(&bell.wakes), 1));
	/* Who armed before sleeps on an epoch that is gone. */
	cr_assert(bell_sleep(&bell, first, UINT64_MAX));
}

Test(bell, without_membarrier_every_append_keeps_making_the_fence)
{
	struct bell bell;
	uint32_t epoch;

	bell_init(&bell, false);
	for (int i = 0; i < 3; i++) {
		cr_assert(eq(u32, load_relaxed(&bell.bits), BELL_FENCED));
		cr_assert(bell_arm(&bell, false, &epoch));
		cr_assert(
			eq(u32, load_relaxed(&bell.bits), BELL_FENCED | BELL_ARMED | BELL_DIRECT));
		bell_publish(&bell);
	}
	cr_assert(eq(u32, load_relaxed(&bell.bits), BELL_FENCED));
}
