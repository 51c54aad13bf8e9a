/* SPDX-License-Identifier: MIT */
#include "store/stamp.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

#include "base/numbers.h"

struct stamp stamp_never;

struct stamp *
stamp_open(const char **ret_refused)
{
	struct stamp *const stamp =
		mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*ret_refused = "mmap";
	if (stamp == MAP_FAILED)
		return NULL;
	*ret_refused = "madvise";
	if (madvise(stamp, PAGE_BYTES, MADV_WIPEONFORK) != 0) {
		stamp_close(stamp);
		return NULL;
	}
	atomic_init(&stamp->word, STAMP_STALE);
	atomic_init(&stamp->wanted, 0);
	atomic_init(&stamp->here, 1);
	return stamp;
}

void
stamp_close(struct stamp *stamp)
{
	const int error = errno;

	munmap(stamp, PAGE_BYTES);
	errno = error;
}

uint64_t
stamp_take_cold(struct stamp *stamp)
{
	/* Stored once, not by every append: the word beside it is everybody's. */
	if (load_relaxed(&stamp->wanted) == 0)
		store_relaxed(&stamp->wanted, 1);
	return clock_coarse_ns();
}
