/* SPDX-License-Identifier: MIT */

/*
 * The explorer itself, against what C11 is known to allow and to forbid: each case is one of the
 * classic little programs. Allowed outcomes have to happen, forbidden outcomes must not.
 */

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "base/atomic.h"
#include "base/barrier.h"
#include "base/futex.h"

#include "model.h"

const struct model_case model_cases[] = {
	{ "passing relaxed", { "stale" } },
	{ "passing release acquire", { "fresh" } },
	{ "passing by fences", { "fresh" } },
	{ "passing without a release", { "stale" } },
	{ "passing without an acquire", { "stale" } },
	{ "passing along a read-modify-write", { "fresh" } },
	{ "both stored relaxed", { "both missed" } },
	{ "both stored acq_rel", { "both missed" } },
	{ "both stored seq_cst", { "one missed" } },
	{ "both stored with fences", { "one missed" } },
	{ "both stored with one fence", { "both missed" } },
	{ "both stored with a barrier", { "one missed" } },
	{ "both stored with a barrier alone", { "both missed" } },
	{ "one word is coherent", { "rose" } },
	{ "two writers of two words", { "crossed" } },
	{ "independent reads", { "disagreed" } },
	{ "independent reads with fences", { "agreed" } },
	{ "added by two", { "two" } },
	{ "compared by two", { "one won" } },
	{ "a futex", { "slept" } },
	{ "small words", { "fresh" } },
	{ "a barrier that comes to one after the other", { "all missed" } },
	{ "a yield that goes on", { "went on" } },
	{ "a yield that sees nothing new", { "stale" } },
	{ NULL, { NULL } },
};

enum {
	PASSING_RELAXED,
	PASSING_RELEASE_ACQUIRE,
	PASSING_FENCES,
	PASSING_NO_RELEASE,
	PASSING_NO_ACQUIRE,
	PASSING_RMW,
	BOTH_RELAXED,
	BOTH_ACQ_REL,
	BOTH_SEQ_CST,
	BOTH_FENCES,
	BOTH_ONE_FENCE,
	BOTH_BARRIER,
	BOTH_BARRIER_ALONE,
	COHERENT,
	TWO_WRITERS,
	INDEPENDENT,
	INDEPENDENT_FENCES,
	ADDED,
	COMPARED,
	FUTEX,
	SMALL,
	BARRIER_OF_THREE,
	YIELD,
	YIELD_STALE,
};

static atomic_u64 x, y, z;
static atomic_u32 word;
static _Atomic(uint8_t) byte;
static _Atomic(uint16_t) half;
static uint64_t seen[4][2];

static void
pass_on(void)
{
	const bool is_release = model_case == PASSING_RELEASE_ACQUIRE ||
				model_case == PASSING_NO_ACQUIRE || model_case == PASSING_RMW;

	store_relaxed(&x, 1);
	if (model_case == PASSING_FENCES)
		fence_release();
	if (is_release)
		store_release(&y, 1);
	else
		store_relaxed(&y, 1);
}

static void
add_in_between(void)
{
	if (model_case == PASSING_RMW)
		fetch_add_relaxed(&y, 1);
}

static void
receive(void)
{
	const bool is_acquire = model_case == PASSING_RELEASE_ACQUIRE ||
				model_case == PASSING_NO_RELEASE || model_case == PASSING_RMW;
	const uint64_t flag = is_acquire ? load_acquire(&y) : load_relaxed(&y);

	if (model_case == PASSING_FENCES)
		fence_acquire();
	const uint64_t data = load_relaxed(&x);

	if (flag == (model_case == PASSING_RMW ? 2 : 1))
		seen[0][0] = 1 + data;
}

static void
check_passed(void)
{
	const bool may_be_stale = model_case == PASSING_RELAXED ||
				  model_case == PASSING_NO_RELEASE ||
				  model_case == PASSING_NO_ACQUIRE;

	MODEL_CHECK(seen[0][0] != 1 || may_be_stale);
	if (seen[0][0] != 0)
		model_note(seen[0][0] == 1 ? "stale" : "fresh");
}

/* Store one word, load the other. */
static void
store_and_look(int me)
{
	atomic_u64 *const mine = me == 0 ? &x : &y, *const others = me == 0 ? &y : &x;

	switch (model_case) {
	case BOTH_ACQ_REL:
		(void)atomic_exchange_explicit(mine, 1, memory_order_acq_rel);
		seen[me][0] = load_acquire(others);
		return;
	case BOTH_SEQ_CST:
		atomic_store_explicit(mine, 1, memory_order_seq_cst);
		seen[me][0] = atomic_load_explicit(others, memory_order_seq_cst);
		return;
	case BOTH_FENCES:
		store_relaxed(mine, 1);
		fence_ordered();
		break;
	case BOTH_ONE_FENCE:
		store_relaxed(mine, 1);
		if (me == 0)
			fence_ordered();
		break;
	case BOTH_BARRIER:
		store_relaxed(mine, 1);
		if (me == 0)
			(void)barrier_everywhere();
		else
			fence_compiler();
		break;
	case BOTH_BARRIER_ALONE:
		store_relaxed(mine, 1);
		if (me == 0)
			(void)barrier_everywhere();
		break;
	default:
		store_relaxed(mine, 1);
	}
	seen[me][0] = load_relaxed(others);
}

static void
check_both(void)
{
	const bool missed = seen[0][0] == 0 && seen[1][0] == 0;

	MODEL_CHECK(!missed || model_case == BOTH_RELAXED || model_case == BOTH_ACQ_REL ||
		    model_case == BOTH_ONE_FENCE || model_case == BOTH_BARRIER_ALONE);
	if (missed)
		model_note("both missed");
	if (seen[0][0] + seen[1][0] == 1)
		model_note("one missed");
}

/* Loads of two words in opposite order, after two writers that do not know of each other. */
static void
look_at_both(int me)
{
	atomic_u64 *const first = me == 2 ? &x : &y, *const second = me == 2 ? &y : &x;

	seen[me][0] = load_acquire(first);
	if (model_case == INDEPENDENT_FENCES)
		fence_ordered();
	seen[me][1] = load_acquire(second);
}

static void
check_independent(void)
{
	const bool disagreed =
		seen[2][0] == 1 && seen[2][1] == 0 && seen[3][0] == 1 && seen[3][1] == 0;

	MODEL_CHECK(!disagreed || model_case == INDEPENDENT);
	model_note(disagreed ? "disagreed" : "agreed");
}

static void
work_or_yield(int me)
{
	switch (model_case) {
	case BARRIER_OF_THREE:
		if (me < 3) {
			store_relaxed(me == 0 ? &x : me == 1 ? &y : &z, 1);
			if (me == 0)
				(void)barrier_everywhere();
			else
				fence_compiler();
			seen[me][0] = load_relaxed(me == 0 ? &y : me == 1 ? &z : &x);
		}
		break;
	case YIELD:
	case YIELD_STALE:
		if (me == 0) {
			store_relaxed(&x, 1);
			fetch_add_relaxed(&y, 1);
		} else if (me == 1) {
			seen[0][0] = load_relaxed(&x);
			sched_yield();
			seen[0][1] =
				model_case == YIELD ? fetch_add_relaxed(&y, 1) : load_relaxed(&x);
			seen[1][0] = load_relaxed(&y);
		}
		break;
	default:
		break;
	}
}

static void
work_alone(int me)
{
	uint64_t expected = 0;

	switch (model_case) {
	case COHERENT:
		if (me == 0) {
			store_relaxed(&x, 1);
			store_relaxed(&x, 2);
		} else if (me == 1) {
			seen[0][0] = load_relaxed(&x);
			seen[0][1] = load_relaxed(&x);
		}
		break;
	case TWO_WRITERS:
		if (me < 2) {
			store_relaxed(me == 0 ? &x : &y, 1);
			store_release(me == 0 ? &y : &x, 2);
		}
		break;
	case ADDED:
		if (me < 2)
			fetch_add_relaxed(&x, 1);
		break;
	case COMPARED:
		if (me < 2)
			seen[me][0] = compare_exchange_release(&x, &expected, 1);
		break;
	case FUTEX:
		if (me == 0) {
			(void)exchange_release(&word, 1);
			futex_wake_all(&word);
		} else if (me == 1) {
			const bool is_early = load_relaxed(&word) == 0;

			(void)futex_wait(&word, 0, UINT64_MAX);
			seen[0][0] = 1;
			if (is_early && load_relaxed(&word) == 1)
				model_note("slept");
		}
		break;
	case SMALL:
		if (me == 0) {
			atomic_store_explicit(&byte, 200, memory_order_relaxed);
			atomic_store_explicit(&half, 60000, memory_order_release);
		} else if (me == 1 && atomic_load_explicit(&half, memory_order_acquire) == 60000) {
			seen[0][0] = atomic_load_explicit(&byte, memory_order_relaxed);
		}
		break;
	default:
		work_or_yield(me);
	}
}

static void
check_alone(void)
{
	switch (model_case) {
	case COHERENT:
		MODEL_CHECK(seen[0][0] <= seen[0][1]);
		if (seen[0][0] < seen[0][1])
			model_note("rose");
		break;
	case TWO_WRITERS:
		if (load_relaxed(&x) == 1 && load_relaxed(&y) == 1)
			model_note("crossed");
		break;
	case ADDED:
		MODEL_CHECK(load_relaxed(&x) == 2);
		model_note("two");
		break;
	case COMPARED:
		MODEL_CHECK(seen[0][0] + seen[1][0] == 1);
		model_note("one won");
		break;
	case FUTEX:
		MODEL_CHECK(seen[0][0] == 1);
		break;
	case SMALL:
		MODEL_CHECK(seen[0][0] == 0 || seen[0][0] == 200);
		if (seen[0][0] == 200)
			model_note("fresh");
		break;
	case BARRIER_OF_THREE:
		if (seen[0][0] + seen[1][0] + seen[2][0] == 0)
			model_note("all missed");
		break;
	case YIELD:
		if (seen[0][0] == 1 && seen[0][1] == 0)
			model_note("went on");
		break;
	case YIELD_STALE:
		/* Both words were stored by the time that it knows of one. */
		if (seen[0][1] == 0 && seen[1][0] == 1)
			model_note("stale");
		break;
	default:
		break;
	}
}

static void *
work(void *argument)
{
	const int me = *(const int *)argument;

	if (model_case <= PASSING_RMW) {
		if (me == 0)
			pass_on();
		else if (me == 1)
			add_in_between();
		else if (me == 2)
			receive();
	} else if (model_case <= BOTH_BARRIER_ALONE) {
		if (me < 2)
			store_and_look(me);
	} else if (model_case == INDEPENDENT || model_case == INDEPENDENT_FENCES) {
		if (me < 2)
			store_release(me == 0 ? &x : &y, 1);
		else
			look_at_both(me);
	} else {
		work_alone(me);
	}
	return NULL;
}

int
main(void)
{
	static const int who[4] = { 0, 1, 2, 3 };
	pthread_t threads[4];

	atomic_init(&x, 0);
	atomic_init(&y, 0);
	atomic_init(&z, 0);
	atomic_init(&word, 0);
	atomic_init(&byte, 0);
	atomic_init(&half, 0);
	for (int i = 0; i < 4; i++)
		seen[i][0] = seen[i][1] = 0;
	for (int i = 0; i < 4; i++)
		if (pthread_create(&threads[i], NULL, work, (void *)&who[i]) != 0)
			return 1;
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);

	if (model_case <= PASSING_RMW)
		check_passed();
	else if (model_case <= BOTH_BARRIER_ALONE)
		check_both();
	else if (model_case == INDEPENDENT || model_case == INDEPENDENT_FENCES)
		check_independent();
	else
		check_alone();
	return 0;
}
