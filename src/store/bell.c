/* SPDX-License-Identifier: MIT */
#include "store/bell.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/futex.h"

void
bell_init(struct bell *bell, bool asymmetric)
{
	atomic_init(&bell->bits, asymmetric ? 0 : BELL_FENCED);
	atomic_init(&bell->epoch, 0);
	atomic_init(&bell->wakes, 0);
}

bool
bell_register_asymmetric(void)
{
	return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

/* Lowers every hand and wakes whoever raised one. */
static void
wake(struct bell *bell)
{
	const uint32_t hands = BELL_ARMED | BELL_DIRECT;

	if ((load_relaxed(&bell->bits) & BELL_ARMED) == 0)
		return;
	if ((fetch_and_ordered(&bell->bits, ~hands) & BELL_DIRECT) == 0)
		return;
	/* [ring:B] The hands lowered before; pairs with [arm:B]. */
	atomic_fetch_add_explicit(&bell->epoch, 1, memory_order_seq_cst);
	fetch_add_relaxed(&bell->wakes, 1);
	futex_wake_all(&bell->epoch);
}

void
bell_ring_cold(struct bell *bell)
{
	if (load_relaxed(&bell->bits) & BELL_FENCED)
		fence_ordered();
	wake(bell);
}

void
bell_ring(struct bell *bell)
{
	/* [ring:A] What was published before the bits; pairs with [arm:A]. */
	fence_ordered();
	wake(bell);
}

bool
bell_arm(struct bell *bell, bool asymmetric, uint32_t *ret_epoch)
{
	bool is_exact = true;

	/* [arm:B] Before the hand goes up; pairs with [ring:B]. */
	*ret_epoch = load_acquire(&bell->epoch);

	fetch_or_ordered(&bell->bits, BELL_ARMED | BELL_DIRECT);
	/*
	 * [arm:A] The hand before the look that follows;
	 * pairs with [publish:A], pairs with [ring:A].
	 */
	if (asymmetric)
		is_exact = syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
	fence_ordered();
	return is_exact;
}

bool
bell_sleep(struct bell *bell, uint32_t epoch, uint64_t deadline_ns)
{
	return futex_wait(&bell->epoch, epoch, deadline_ns);
}
