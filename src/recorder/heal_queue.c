/* SPDX-License-Identifier: MIT */
#include "recorder/heal_queue.h"

#include "base/clock.h"
#include "base/numbers.h"

void
heal_queue_put(struct healing *healing, struct backfill *backfill)
{
	backfill->is_queued = true;
	TAILQ_INSERT_TAIL(&healing->queue, backfill, link);
	pthread_cond_signal(&healing->has_work);
}

void
heal_queue_remove(struct healing *healing, struct backfill *backfill)
{
	if (backfill->is_queued)
		TAILQ_REMOVE(&healing->queue, backfill, link);
	else if (backfill->is_parked)
		TAILQ_REMOVE(&healing->parked, backfill, link);
	else if (backfill->is_waiting)
		TAILQ_REMOVE(&healing->waiting, backfill, link);
	backfill->is_queued = backfill->is_parked = backfill->is_waiting = false;
}

uint64_t
heal_queue_unpark(struct healing *healing)
{
	struct backfill *backfill, *next;
	const uint64_t now = clock_ns();
	uint64_t soonest = UINT64_MAX;

	for (backfill = TAILQ_FIRST(&healing->parked); backfill != NULL; backfill = next) {
		next = TAILQ_NEXT(backfill, link);
		if (backfill->retry_ns <= now) {
			heal_queue_remove(healing, backfill);
			heal_queue_put(healing, backfill);
		} else {
			soonest = least(soonest, backfill->retry_ns);
		}
	}
	return soonest;
}

void
heal_queue_park(struct healing *healing, struct backfill *backfill, uint64_t retry_ns)
{
	backfill->retry_ns = retry_ns;
	backfill->is_parked = true;
	TAILQ_INSERT_TAIL(&healing->parked, backfill, link);
}

void
heal_queue_wait(struct healing *healing, struct backfill *backfill)
{
	backfill->is_waiting = true;
	TAILQ_INSERT_TAIL(&healing->waiting, backfill, link);
}

void
heal_queue_stir(struct healing *healing, struct backfills *list, uint64_t hash)
{
	struct backfill *backfill, *next;

	for (backfill = TAILQ_FIRST(list); backfill != NULL; backfill = next) {
		next = TAILQ_NEXT(backfill, link);
		if (backfill->hash == hash) {
			heal_queue_remove(healing, backfill);
			heal_queue_put(healing, backfill);
		}
	}
}
