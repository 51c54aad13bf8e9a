/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <errno.h>

#include "base/barrier.h"
#include "base/futex.h"
#include "store/bell.h"

SUITE(bell);

struct tower {
	struct bell_queue queue;
	atomic_u64 holders;
	struct bell bell;
};

static struct tower *
tower_with(bool is_fenced)
{
	static struct tower tower;

	atomic_init(&tower.queue.head, NULL);
	atomic_init(&tower.queue.is_asleep, 0);
	atomic_init(&tower.holders, 0);
	bell_init(&tower.bell, &tower.queue, &tower.holders, is_fenced);
	return &tower;
}

/* Without the generation. */
static uint64_t
bits_of(struct tower *tower)
{
	return load_relaxed(&tower->bell.bits) & (BELL_GENERATION - 1);
}

static bool
is_never_wanted(void *context)
{
	(void)context;
	return false;
}

Test(bell, a_ring_without_hands_makes_no_call)
{
	struct tower *const tower = tower_with(false);

	bell_publish(&tower->bell);
	bell_ring(&tower->bell);
	cr_assert(eq(u64, load_relaxed(&tower->bell.wakes), 0));
	cr_assert(eq(u32, load_relaxed(&tower->bell.epoch), 0));
	cr_assert(eq(ptr, bell_queue_take(&tower->queue), NULL));
}

Test(bell, the_first_sleeper_is_direct_and_the_next_is_not)
{
	struct tower *const tower = tower_with(false);
	uint32_t first = 77, second = 77;

	cr_assert(bell_arm_direct(&tower->bell, false, &first));
	cr_assert(eq(u32, first, 0));
	cr_assert(not(bell_arm_direct(&tower->bell, false, &second)));
	cr_assert(eq(u32, second, 77));
	cr_assert(bell_arm_direct(&tower->bell, true, &first), "its hand still stands");
	bell_publish(&tower->bell);
	cr_assert(eq(u32, load_relaxed(&tower->bell.epoch), 1));
	cr_assert(eq(u64, load_relaxed(&tower->bell.wakes), 1));
	/* A thread that armed before sleeps on an epoch that is gone. */
	cr_assert(futex_wait(&tower->bell.epoch, first, UINT64_MAX));
	cr_assert(bell_arm_direct(&tower->bell, false, &second), "the place is free again");
	cr_assert(not(bell_arm_direct(&tower->bell, true, &first)), "and was another's since");
}

Test(bell, a_ring_with_hands_in_the_list_queues_the_bell_once)
{
	struct tower *const tower = tower_with(false);

	(void)bell_arm(&tower->bell);
	(void)bell_arm(&tower->bell);
	bell_publish(&tower->bell);
	cr_assert(eq(u64, bits_of(tower), BELL_QUEUED));
	cr_assert(eq(u64, load_relaxed(&tower->holders), 1), "it is held while queued");
	cr_assert(eq(u64, load_relaxed(&tower->bell.wakes), 0), "the relay was awake");
	(void)bell_arm(&tower->bell);
	bell_publish(&tower->bell);
	cr_assert(eq(u64, load_relaxed(&tower->holders), 1), "it is with the relay already");

	struct bell *const taken = bell_queue_take(&tower->queue);

	cr_assert(eq(ptr, taken, &tower->bell));
	cr_assert(eq(ptr, bell_queued_before(taken), NULL));
	cr_assert(eq(ptr, bell_queue_take(&tower->queue), NULL));
	bell_answer(taken);
	cr_assert(eq(u64, bits_of(tower), 0));
	(void)bell_arm(&tower->bell);
	bell_ring(&tower->bell);
	cr_assert(eq(ptr, bell_queue_take(&tower->queue), &tower->bell));
}

Test(bell, the_queue_gives_every_bell_once)
{
	struct tower *const tower = tower_with(false);
	struct bell others[3];
	size_t count = 0;

	for (size_t i = 0; i < 3; i++) {
		bell_init(&others[i], &tower->queue, &tower->holders, false);
		(void)bell_arm(&others[i]);
		bell_publish(&others[i]);
	}
	for (struct bell *at = bell_queue_take(&tower->queue); at != NULL;
	     at = bell_queued_before(at))
		cr_assert(eq(ptr, at, &others[2 - count++]));
	cr_assert(eq(sz, count, 3));
	cr_assert(eq(u64, load_relaxed(&tower->holders), 3));
}

Test(bell, both_kinds_are_woken_by_one_ring)
{
	struct tower *const tower = tower_with(false);
	uint32_t epoch = 0;

	cr_assert(bell_arm_direct(&tower->bell, false, &epoch));
	(void)bell_arm(&tower->bell);
	bell_publish(&tower->bell);
	cr_assert(eq(u64, bits_of(tower), BELL_QUEUED));
	cr_assert(eq(u32, load_relaxed(&tower->bell.epoch), 1));
}

Test(bell, an_interrupt_rings_the_direct_sleeper_alone)
{
	struct tower *const tower = tower_with(false);
	uint32_t epoch = 0;

	cr_assert(bell_arm_direct(&tower->bell, false, &epoch));
	(void)bell_arm(&tower->bell);
	bell_ring_direct(&tower->bell);
	cr_assert(eq(u64, bits_of(tower), BELL_ARMED));
	cr_assert(eq(u32, load_relaxed(&tower->bell.epoch), 1));
}

Test(bell, without_membarrier_every_append_keeps_making_the_fence)
{
	struct tower *const tower = tower_with(true);
	uint32_t epoch;

	for (int i = 0; i < 3; i++) {
		cr_assert(eq(u64, bits_of(tower), BELL_FENCED));
		cr_assert(bell_arm_direct(&tower->bell, false, &epoch));
		cr_assert(eq(u64, bits_of(tower), BELL_FENCED | BELL_DIRECT));
		bell_publish(&tower->bell);
	}
	cr_assert(eq(u64, bits_of(tower), BELL_FENCED));
}

Test(bell, the_relay_does_not_doze_over_a_queued_bell)
{
	struct tower *const tower = tower_with(false);

	(void)bell_arm(&tower->bell);
	bell_publish(&tower->bell);
	bell_queue_doze(&tower->queue, is_never_wanted, NULL, UINT64_MAX);
	cr_assert(eq(u32, load_relaxed(&tower->queue.is_asleep), 0));
}

Test(bell, who_finds_the_relay_asleep_wakes_it_once)
{
	struct tower *const tower = tower_with(false);

	store_relaxed(&tower->queue.is_asleep, 1);
	errno = 0;
	(void)bell_arm(&tower->bell);
	bell_publish(&tower->bell);
	cr_assert(eq(u64, load_relaxed(&tower->bell.wakes), 1));
	cr_assert(eq(u32, load_relaxed(&tower->queue.is_asleep), 0));
	cr_assert(not(bell_queue_wake(&tower->queue)));
	cr_assert(eq(int, errno, 0));
}

Test(bell, who_finds_a_settled_hand_need_not_make_the_barrier)
{
	struct tower *const tower = tower_with(false);
	const uint64_t first = bell_arm(&tower->bell);
	const uint64_t second = bell_arm(&tower->bell);

	cr_assert(eq(u64, first & BELL_SETTLED, 0));
	cr_assert(eq(u64, second & BELL_SETTLED, 0), "not before it was made");
	cr_assert(barrier_register());
	cr_assert(bell_barrier(&tower->bell, true, first));
	const uint64_t third = bell_arm(&tower->bell);

	cr_assert(eq(u64, third & BELL_SETTLED, BELL_SETTLED));
	cr_assert(bell_barrier(&tower->bell, true, third));
	bell_publish(&tower->bell);
	cr_assert(eq(u64, bits_of(tower), BELL_QUEUED), "a ring unsettles");
	const uint64_t fourth = bell_arm(&tower->bell);

	cr_assert(eq(u64, fourth & BELL_SETTLED, 0));
	/*
	 * The barrier of one who had raised ARMED before that is none for those who raise it now.
	 */
	cr_assert(bell_barrier(&tower->bell, true, second));
	cr_assert(eq(u64, bell_arm(&tower->bell) & BELL_SETTLED, 0));
	cr_assert(bell_barrier(&tower->bell, true, fourth));
	cr_assert(eq(u64, bell_arm(&tower->bell) & BELL_SETTLED, BELL_SETTLED));
}

Test(bell, a_direct_hand_settles_nothing)
{
	struct tower *const tower = tower_with(false);
	uint32_t epoch = 0;

	(void)bell_arm(&tower->bell);
	cr_assert(bell_arm_direct(&tower->bell, false, &epoch));
	cr_assert(barrier_register());
	cr_assert(bell_barrier(&tower->bell, true, BELL_UNSETTLED));
	cr_assert(eq(u64, bell_arm(&tower->bell) & BELL_SETTLED, 0));
	/* An interrupt lowers the direct hand alone: SETTLED stays. */
	cr_assert(bell_barrier(&tower->bell, true, bell_arm(&tower->bell)));
	bell_ring_direct(&tower->bell);
	cr_assert(eq(u64, bell_arm(&tower->bell) & BELL_SETTLED, BELL_SETTLED));
}
