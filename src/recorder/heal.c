/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/clock.h"
#include "base/numbers.h"
#include "recorder/page.h"
#include "recorder/recorder.h"

/* Who is served when. What a page holds: page.c. */

#define LOOK_NS UINT64_C(200000000) /* between two looks for what other processes record */

/* Under the healing lock, all of these. */

static void
put(struct healing *healing, struct backfill *backfill)
{
	backfill->is_queued = true;
	TAILQ_INSERT_TAIL(&healing->queue, backfill, link);
	pthread_cond_signal(&healing->has_work);
}

static void
take_out(struct healing *healing, struct backfill *backfill)
{
	if (backfill->is_queued)
		TAILQ_REMOVE(&healing->queue, backfill, link);
	else if (backfill->is_parked)
		TAILQ_REMOVE(&healing->parked, backfill, link);
	backfill->is_queued = backfill->is_parked = false;
}

/* Those whose time has come go back into the queue; answers when the next one's comes. */
static uint64_t
unpark(struct healing *healing)
{
	struct backfill *backfill, *next;
	const uint64_t now = clock_ns();
	uint64_t soonest = UINT64_MAX;

	for (backfill = TAILQ_FIRST(&healing->parked); backfill != NULL; backfill = next) {
		next = TAILQ_NEXT(backfill, link);
		if (backfill->retry_ns <= now) {
			take_out(healing, backfill);
			put(healing, backfill);
		} else {
			soonest = least(soonest, backfill->retry_ns);
		}
	}
	return soonest;
}

static struct backfill *
next_in_queue(struct reprise_recorder *recorder)
{
	struct healing *const healing = &recorder->healing;

	for (;;) {
		const uint64_t soonest = unpark(healing);
		struct backfill *const backfill = TAILQ_FIRST(&healing->queue);

		if (healing->is_stopping)
			return NULL;
		if (backfill != NULL)
			return backfill;
		if (healing->ahead.is_due) {
			pthread_mutex_unlock(&healing->lock);
			page_read_ahead(recorder);
			pthread_mutex_lock(&healing->lock);
			continue;
		}
		(void)recorder_sleep(&healing->has_work, &healing->lock, soonest);
	}
}

/* The page could not be filled: later, but not for ever if the subscription could go on without. */
static void
park(struct reprise_recorder *recorder, struct backfill *backfill)
{
	struct healing *const healing = &recorder->healing;
	const uint64_t now = clock_ns();
	const uint64_t until = deadline_after(backfill->asked_ns, recorder->options.heal_wait_ns);

	if (now >= until && backfill->question.is_bound) {
		page_say_nothing(backfill);
		backfill_ready(backfill);
		return;
	}
	backfill->retry_ns = now + LOOK_NS;
	if (backfill->question.is_bound)
		backfill->retry_ns = least(backfill->retry_ns, until);
	if (backfill->is_stirred) {
		put(healing, backfill);
	} else {
		backfill->is_parked = true;
		TAILQ_INSERT_TAIL(&healing->parked, backfill, link);
	}
}

static void
serve(struct reprise_recorder *recorder, struct backfill *backfill)
{
	struct healing *const healing = &recorder->healing;
	const struct backfill_question question = backfill->question;

	take_out(healing, backfill);
	backfill->is_served = true;
	healing->serving = backfill;
	backfill->is_stirred = false;
	pthread_mutex_unlock(&healing->lock);

	const bool is_there = page_load(recorder, backfill, &question);

	pthread_mutex_lock(&healing->lock);
	healing->pages++;
	healing->serving = NULL;
	backfill->is_served = false;
	if (backfill->is_orphan) {
		/* Not under the lock: it may let go of a window. */
		pthread_mutex_unlock(&healing->lock);
		backfill_free(backfill);
		pthread_mutex_lock(&healing->lock);
	} else if (backfill->is_cancelled) {
		backfill->is_cancelled = false;
		/* Asked for something else meanwhile. */
		if (load_relaxed(&backfill->state) == BACKFILL_ASKED)
			put(healing, backfill);
	} else if (is_there) {
		backfill_ready(backfill);
	} else {
		park(recorder, backfill);
	}
}

void *
heal_run(void *argument)
{
	struct reprise_recorder *const recorder = argument;
	struct healing *const healing = &recorder->healing;
	struct backfill *backfill;

	pthread_mutex_lock(&healing->lock);
	while ((backfill = next_in_queue(recorder)) != NULL)
		serve(recorder, backfill);
	pthread_mutex_unlock(&healing->lock);
	return NULL;
}

/* From here on others call. */

void
heal_again(struct reprise_recorder *recorder, uint64_t hash)
{
	struct healing *const healing = &recorder->healing;
	struct backfill *backfill, *next;

	pthread_mutex_lock(&healing->lock);
	for (backfill = TAILQ_FIRST(&healing->parked); backfill != NULL; backfill = next) {
		next = TAILQ_NEXT(backfill, link);
		if (backfill->hash == hash) {
			take_out(healing, backfill);
			put(healing, backfill);
		}
	}
	/* One that is being served has perhaps not seen it. */
	if (healing->serving != NULL && healing->serving->hash == hash)
		healing->serving->is_stirred = true;
	pthread_mutex_unlock(&healing->lock);
}

void
heal_ask(struct store_port *port, struct backfill *backfill)
{
	struct healing *const healing = &recorder_of(port)->healing;

	pthread_mutex_lock(&healing->lock);
	backfill->hash = recorder_hash(backfill->session_id);
	backfill->asked_ns = clock_ns();
	store_relaxed(&backfill->state, BACKFILL_ASKED);
	if (!backfill->is_served)
		put(healing, backfill);
	pthread_mutex_unlock(&healing->lock);
}

void
heal_cancel(struct store_port *port, struct backfill *backfill)
{
	struct healing *const healing = &recorder_of(port)->healing;

	pthread_mutex_lock(&healing->lock);
	take_out(healing, backfill);
	backfill->is_cancelled = backfill->is_served;
	store_relaxed(&backfill->state, BACKFILL_IDLE);
	pthread_mutex_unlock(&healing->lock);
}

void
heal_orphan(struct store_port *port, struct backfill *backfill)
{
	struct healing *const healing = &recorder_of(port)->healing;

	pthread_mutex_lock(&healing->lock);
	take_out(healing, backfill);
	backfill->is_orphan = true;
	const bool is_served = backfill->is_served;

	pthread_mutex_unlock(&healing->lock);
	if (!is_served)
		backfill_free(backfill);
}
