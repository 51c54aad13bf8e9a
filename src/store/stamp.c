/* SPDX-License-Identifier: MIT */
#include "store/stamp.h"

uint64_t
stamp_take_cold(struct stamp *stamp)
{
	/* Stored once, not by every append: the word beside it is everybody's. */
	if (load_relaxed(&stamp->wanted) == 0)
		store_relaxed(&stamp->wanted, 1);
	return clock_coarse_ns();
}
