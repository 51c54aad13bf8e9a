/* SPDX-License-Identifier: MIT */
#include "base/numbers.h"
#include "thread/handle.h"
#include "thread/row.h"

bool
thread_keeping_raise(struct thread_keeping *keeping, uint64_t horizon_ms, uint64_t now_ms)
{
	const uint64_t before_ms = keeping->horizon_ms;

	if (before_ms >= horizon_ms)
		return false;
	/*
	 * Ids that were applied longer ago than the horizon of before may be dropped. No
	 * retry limit was more than a half of it, so no delta that was created in its last
	 * half is among them.
	 */
	if (before_ms != 0 && now_ms > before_ms / 2)
		keeping->floor_ms = greatest(keeping->floor_ms, now_ms - before_ms / 2 + 1);
	keeping->horizon_ms = horizon_ms;
	keeping->checksum = keeping_checksum(keeping);
	return true;
}

const char *
thread_keeping_fault(const struct thread_keeping *keeping)
{
	if (keeping->fault != NULL)
		return keeping->fault;
	return keeping_checksum(keeping) == keeping->checksum
		       ? NULL
		       : "the horizon of the store has a wrong checksum";
}
