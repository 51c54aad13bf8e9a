/* SPDX-License-Identifier: MIT */

/*
 * The bell alone, with nothing of a subscription around it, so that many more executions can be
 * tried: a thread that is spared the barrier, because it was made since ARMED was raised, misses
 * nothing. A sleeper that has missed the append was seen by it, and the bell is with the relay.
 */

#include <pthread.h>
#include <sched.h>

#include "store/bell.h"

#include "model.h"

const struct model_case model_cases[] = {
	{ "two", { "spared", "rung" } },
	{ "three", { "spared", "rung" } },
	{ "late", { "spared", "rung" } },
	{ "late and again", { "spared", "rung" } },
	{ "direct first", { "rung" } },
	{ "two pushers", { "queued again" } },
	{ NULL, { NULL } },
};

enum {
	TWO,
	THREE,
	LATE,
	LATE_AND_AGAIN,
	DIRECT_FIRST,
	TWO_PUSHERS,
};

enum {
	YIELDS_MAX = 8,
};

static struct bell_queue queue;
static struct bell bell, other;
static atomic_u64 holders, news;
static atomic_u64 may_ring;
static uint64_t armed_before;
static bool has_missed[3];
static pthread_mutex_t list; /* of hands, which the relay looks at when it has answered */

static void *
append(void *argument)
{
	store_release(&news, 1);
	bell_publish(&bell);
	return argument;
}

/* Raises a hand, and looks once more. */
static bool
misses(void)
{
	const uint64_t armed = bell_arm(&bell);

	if (armed & BELL_SETTLED)
		model_note("spared");
	MODEL_CHECK(bell_barrier(&bell, true, armed));
	return load_acquire(&news) == 0;
}

static void *
lie_down(void *argument)
{
	const unsigned int me = *(const unsigned int *)argument;

	/* A direct hand's barrier settles nothing. */
	if (model_case == DIRECT_FIRST && me == 0) {
		MODEL_CHECK(bell_barrier(&bell, true, BELL_UNSETTLED));
		return argument;
	}
	/* The first comes back from the barrier of a hand that was lowered long ago. */
	if ((model_case == LATE || model_case == LATE_AND_AGAIN) && me == 0)
		MODEL_CHECK(bell_barrier(&bell, true, armed_before));
	has_missed[me] = misses();
	if (model_case == LATE_AND_AGAIN && me == 0 && has_missed[me])
		has_missed[me] = misses();
	return argument;
}

/* The relay's part: the bell is the last that was queued, after @before. */
static void
take(const struct bell *before)
{
	MODEL_CHECK(bell_queue_take(&queue) == &bell);
	MODEL_CHECK(bell_queued_before(&bell) == before);
	bell_answer(&bell);
}

static void *
ring(void *argument)
{
	bell_ring(&bell);
	return argument;
}

/*
 * The second to ring: an append that was stopped behind its light fence. Not before it may, which
 * it learns by a word that hands nothing else on.
 */
static void *
ring_second(void *argument)
{
	for (int i = 0; i < YIELDS_MAX && load_relaxed(&may_ring) == 0; i++)
		sched_yield();
	/* A checker may let the yields pass first: then there is nothing to see. */
	if (load_relaxed(&may_ring) != 0)
		bell_ring_cold(&bell);
	return argument;
}

/*
 * Two queue the same bell, one after the other; this thread is the relay, and a sleeper in between.
 */
static void
run_two_pushers(void)
{
	pthread_t first, second;

	bell_init(&other, &queue, &holders, false);
	(void)bell_arm(&other);
	bell_ring(&other);
	(void)bell_arm(&bell);
	atomic_init(&may_ring, 0);
	pthread_mutex_init(&list, NULL);
	MODEL_CHECK(pthread_create(&first, NULL, ring, NULL) == 0);
	MODEL_CHECK(pthread_create(&second, NULL, ring_second, NULL) == 0);
	pthread_join(first, NULL);
	take(&other);
	pthread_mutex_lock(&list);
	pthread_mutex_unlock(&list);
	(void)bell_arm(&bell);
	fence_ordered();
	store_relaxed(&may_ring, 1);
	pthread_join(second, NULL);
	if (load_relaxed(&queue.head) == &bell) {
		take(NULL);
		model_note("queued again");
	}
}

/* A hand goes up and is lowered, and the relay answers. */
static void
begin(void)
{
	bell_init(&bell, &queue, &holders, false);
	atomic_init(&queue.head, NULL);
	atomic_init(&queue.is_asleep, 0);
	atomic_init(&holders, 1);
	atomic_init(&news, 0);
	for (int i = 0; i < 3; i++)
		has_missed[i] = false;
	if (model_case >= DIRECT_FIRST)
		return; /* of no generation yet */
	armed_before = bell_arm(&bell);
	bell_ring(&bell);
	MODEL_CHECK(bell_queue_take(&queue) == &bell);
	MODEL_CHECK(bell_queued_before(&bell) == NULL);
	bell_answer(&bell);
}

int
main(void)
{
	static const unsigned int numbers[] = { 0, 1, 2 };
	const unsigned int sleepers = model_case == THREE ? 3 : 2;
	pthread_t threads[4];

	begin();
	if (model_case == TWO_PUSHERS) {
		run_two_pushers();
		return 0;
	}
	for (unsigned int i = 0; i < sleepers; i++)
		MODEL_CHECK(pthread_create(&threads[i], NULL, lie_down, (void *)&numbers[i]) == 0);
	MODEL_CHECK(pthread_create(&threads[sleepers], NULL, append, NULL) == 0);
	for (unsigned int i = 0; i <= sleepers; i++)
		pthread_join(threads[i], NULL);

	const bool is_rung = (load_relaxed(&bell.bits) & BELL_QUEUED) != 0;

	if (is_rung)
		model_note("rung");
	for (unsigned int i = 0; i < sleepers; i++)
		MODEL_CHECK(!has_missed[i] || is_rung);
	return 0;
}
