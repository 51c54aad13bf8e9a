/* SPDX-License-Identifier: MIT */
#include "log/lease.h"

uint64_t
lease_left(const struct log_head *head)
{
	if (head->lease_ns == 0 || head->life.state != REPRISE_LIFE_OPEN ||
	    head->lease_end_ns <= head->read_ns)
		return 0;
	const uint64_t left = head->lease_end_ns - head->read_ns;

	/*
	 * The clock was set back since, or the file has come from another machine: nobody is to
	 * wait for that long.
	 */
	return left / 2 <= head->lease_ns ? left : 0;
}

void
lease_follow(struct target *target, const struct log_write *write)
{
	struct log_head *const head = target->head;

	if (write->type == LOG_ARCHIVE || !target_is_of_life(target, write))
		return;
	head->lease_ns = head->life.state == REPRISE_LIFE_OPEN ? write->lease_ns : 0;
	head->lease_end_ns = head->lease_ns != 0 ? head->read_ns + head->lease_ns : 0;
}
