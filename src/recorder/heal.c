/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/clock.h"
#include "base/numbers.h"
#include "recorder/heal_queue.h"
#include "recorder/heal_watch.h"
#include "recorder/known.h"
#include "recorder/page.h"
#include "recorder/recorder.h"

/* The order in which backfills are served. The contents of a page: page.c. */

/* Backfills of the queue among which one is looked for that asks the same. */
#define SAME_LOOKS 32

static struct backfill *
next_in_queue(struct reprise_recorder *recorder)
{
	struct healing *const healing = &recorder->healing;

	for (;;) {
		const uint64_t soonest = heal_queue_unpark(healing);
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
		if (TAILQ_EMPTY(&healing->waiting)) {
			(void)recorder_sleep(&healing->has_work, &healing->lock, soonest);
		} else if (clock_ns() >= healing->watching.due_ns) {
			heal_watch(recorder);
		} else {
			(void)recorder_sleep(&healing->has_work, &healing->lock,
					     least(soonest, healing->watching.due_ns));
		}
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
	if (backfill->is_stirred) {
		heal_queue_put(healing, backfill);
	} else if (backfill->question.is_bound) {
		heal_queue_park(healing, backfill, least(now + HEAL_LOOK_NS, until));
	} else if (backfill->is_at_end) {
		heal_queue_wait(healing, backfill);
	} else {
		heal_queue_park(healing, backfill, now + HEAL_LOOK_NS);
	}
}

/* Under the lock until finish_serving. */
static void
begin_serving(struct healing *healing, struct backfill *backfill)
{
	heal_queue_remove(healing, backfill);
	backfill->is_served = true;
	backfill->is_stirred = false;
}

/* The page is filled, if @is_there. */
static void
finish_serving(struct reprise_recorder *recorder, struct backfill *backfill, bool is_there)
{
	struct healing *const healing = &recorder->healing;

	healing->pages++;
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
			heal_queue_put(healing, backfill);
	} else if (is_there) {
		backfill_ready(backfill);
	} else {
		park(recorder, backfill);
	}
}

static bool
asks_the_same(const struct backfill *backfill, const struct backfill *served,
	      const struct backfill_question *question)
{
	const struct backfill_question *const other = &backfill->question;

	return backfill->hash == served->hash && other->after == question->after &&
	       !other->is_judged && !question->is_judged && other->is_bound == question->is_bound &&
	       known_of(backfill, other) == question->recorded &&
	       other->is_replay == question->is_replay && other->place == question->place &&
	       other->is_continuous == question->is_continuous &&
	       other->is_end_told == question->is_end_told &&
	       (question->place != PLACE_REVISION || other->revision == question->revision) &&
	       memcmp(&other->incarnation, &question->incarnation, sizeof(other->incarnation)) ==
		       0 &&
	       strcmp(backfill->session_id, served->session_id) == 0;
}

/*
 * The next in the queue that had asked the same before @began_ns; only the first few are looked at.
 */
static struct backfill *
find_same(struct healing *healing, const struct backfill *served,
	  const struct backfill_question *question, uint64_t began_ns)
{
	struct backfill *backfill;
	unsigned int looked = 0;

	/* A window is for one alone. */
	if (served->pages[served->filling].tail == TAIL_BOUND)
		return NULL;
	TAILQ_FOREACH(backfill, &healing->queue, link) {
		if (backfill->asked_ns < began_ns && asks_the_same(backfill, served, question))
			return backfill;
		if (++looked == SAME_LOOKS)
			break;
	}
	return NULL;
}

/*
 * Fills the page, and those of all that ask the same: hosts that wait at the end of one session
 * read the log once. Each is finished as soon as the next one has a copy. That there is nothing is
 * no longer true once something was recorded.
 */
static void
serve(struct reprise_recorder *recorder, struct backfill *backfill)
{
	struct healing *const healing = &recorder->healing;
	struct backfill_question question = backfill->question;
	const uint64_t began_ns = clock_ns();
	struct backfill *same;

	question.recorded = known_of(backfill, &question);
	begin_serving(healing, backfill);
	healing->serving = backfill;
	pthread_mutex_unlock(&healing->lock);

	bool is_there = page_load(recorder, backfill, &question);

	pthread_mutex_lock(&healing->lock);
	while ((is_there || !backfill->is_stirred) &&
	       (same = find_same(healing, backfill, &question, began_ns)) != NULL) {
		begin_serving(healing, same);
		pthread_mutex_unlock(&healing->lock);

		const bool is_copied = !is_there || backfill_page_copy(same, backfill);

		pthread_mutex_lock(&healing->lock);
		same->is_at_end = is_copied && backfill->is_at_end;
		same->seen = backfill->seen;
		known_copy(same, backfill);
		same->is_stirred = backfill->is_stirred;
		healing->serving = same;
		finish_serving(recorder, backfill, is_there);
		backfill = same;
		is_there = is_there && is_copied;
		if (!is_copied)
			break;
	}
	healing->serving = NULL;
	finish_serving(recorder, backfill, is_there);
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

	pthread_mutex_lock(&healing->lock);
	heal_queue_stir(healing, &healing->parked, hash);
	heal_queue_stir(healing, &healing->waiting, hash);
	/* A backfill that is being served has perhaps not seen the change. */
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
		heal_queue_put(healing, backfill);
	pthread_mutex_unlock(&healing->lock);
}

void
heal_cancel(struct store_port *port, struct backfill *backfill)
{
	struct healing *const healing = &recorder_of(port)->healing;

	pthread_mutex_lock(&healing->lock);
	heal_queue_remove(healing, backfill);
	backfill->is_cancelled = backfill->is_served;
	store_relaxed(&backfill->state, BACKFILL_IDLE);
	pthread_mutex_unlock(&healing->lock);
}

void
heal_orphan(struct store_port *port, struct backfill *backfill)
{
	struct healing *const healing = &recorder_of(port)->healing;

	pthread_mutex_lock(&healing->lock);
	heal_queue_remove(healing, backfill);
	backfill->is_orphan = true;
	const bool is_served = backfill->is_served;

	pthread_mutex_unlock(&healing->lock);
	if (!is_served)
		backfill_free(backfill);
}
