/* SPDX-License-Identifier: MIT */

/*
 * Hosts that sleep: each event published, by any thread, wakes them. A host that is never woken
 * leaves everybody asleep, which the explorer finds, since no wait has a time-out but where a case
 * allows one, once.
 */

#include <pthread.h>

#include "world.h"

const struct model_case model_cases[] = {
	{ "direct", { "slept" } },
	{ "direct fenced", { "slept" } },
	{ "direct ends", { "slept", "an end" } },
	{ "direct void", { "slept", "void" } },
	{ "direct interrupted", { "slept" } },
	{ "direct timed out", { "slept", "timed out" } },
	{ "direct spurious", { "slept" } },
	{ "direct for two", { "slept", "timed out" } },
	{ "direct late", { "slept" } },
	{ "relay", { "slept" } },
	{ "relay fenced", { "slept" } },
	{ "relay ends", { "slept", "an end" } },
	{ "relay void", { "slept", "void" } },
	{ "relay interrupted", { "slept" } },
	{ "relay timed out", { "slept", "timed out" } },
	{ "both", { "slept" } },
	{ "settled", { "slept", "settled" } },
	{ "settled late", { "slept" } },
	{ "two sessions", { "slept" } },
	{ "two queued", { "slept" } },
	{ "deferred", { "slept" } },
	{ "deferred for two", { "slept" } },
	{ "deferred ends", { "slept", "an end" } },
	{ "deferred void", { "slept", "void" } },
	{ NULL, { NULL } },
};

enum {
	DIRECT,
	DIRECT_FENCED,
	DIRECT_ENDS,
	DIRECT_VOID,
	DIRECT_INTERRUPTED,
	DIRECT_TIMED_OUT,
	DIRECT_SPURIOUS,
	DIRECT_FOR_TWO,
	DIRECT_LATE,
	RELAY,
	RELAY_FENCED,
	RELAY_ENDS,
	RELAY_VOID,
	RELAY_INTERRUPTED,
	RELAY_TIMED_OUT,
	BOTH,
	SETTLED,
	SETTLED_LATE,
	TWO_SESSIONS,
	TWO_QUEUED,
	DEFERRED,
	DEFERRED_FOR_TWO,
	DEFERRED_ENDS,
	DEFERRED_VOID,
};

static unsigned int
events(void)
{
	switch (model_case) {
	case DIRECT:
	case DIRECT_FENCED:
	case DIRECT_FOR_TWO:
	case DIRECT_LATE:
	case RELAY:
	case TWO_QUEUED:
	case DEFERRED:
		return 2;
	default:
		return 1;
	}
}

/* Whether the first event is there before all others begin. */
static bool
has_first(void)
{
	return model_case == TWO_QUEUED || model_case == DIRECT_LATE;
}

static bool
is_ending(void)
{
	return model_case == DIRECT_ENDS || model_case == RELAY_ENDS || model_case == DEFERRED_ENDS;
}

static bool
is_voiding(void)
{
	return model_case == DIRECT_VOID || model_case == RELAY_VOID || model_case == DEFERRED_VOID;
}

static bool
is_interrupting(void)
{
	return model_case == DIRECT_INTERRUPTED || model_case == RELAY_INTERRUPTED;
}

static bool
is_timed(void)
{
	return model_case == DIRECT_TIMED_OUT || model_case == DIRECT_FOR_TWO ||
	       model_case == RELAY_TIMED_OUT;
}

/* Hosts 0, 1, ...; with two sessions, one each. */
static unsigned int
hosts(void)
{
	const bool is_for_two = model_case >= BOTH && model_case < DEFERRED;

	return is_for_two || model_case == DIRECT_FOR_TWO || model_case == DEFERRED_FOR_TWO ? 2 : 1;
}

static unsigned int
session_of(unsigned int host)
{
	return model_case == TWO_SESSIONS || model_case == TWO_QUEUED ||
			       model_case == DEFERRED_FOR_TWO
		       ? host
		       : 0;
}

static struct reprise_subscription *subscriptions[2];
static struct books books[2];
static atomic_u64 told;
static uint64_t armed;

static void *
write_events(void *argument)
{
	const unsigned int session = *(const unsigned int *)argument;

	if (is_interrupting()) {
		store_relaxed(&told, 1);
		MODEL_CHECK(reprise_subscription_interrupt(subscriptions[0]) == REPRISE_OK);
		return argument;
	}
	for (unsigned int i = has_first(); i < events() && !is_voiding(); i++)
		world_append(session);
	if (is_ending())
		MODEL_CHECK(reprise_writer_end(session_writer(world_session(session)), 0) ==
			    REPRISE_OK);
	if (is_voiding()) {
		ring_void(&world_session(session)->ring);
		bell_ring(&world_session(session)->bell);
	}
	return argument;
}

/* The rest of an append that was stopped when it had published. */
static void *
ring_late(void *argument)
{
	bell_publish(&world_session(0)->bell);
	return argument;
}

static bool
is_satisfied(const struct books *mine)
{
	if (is_ending())
		return mine->is_ended;
	if (is_voiding())
		return mine->is_void;
	return mine->seen == events();
}

/* A thread that raises a hand now is spared the barrier. */
static void
note_settled(unsigned int session)
{
	const uint64_t both = BELL_ARMED | BELL_SETTLED;

	if ((load_relaxed(&world_session(session)->bell.bits) & both) == both)
		model_note("settled");
}

/* Takes and waits until all is there that was promised. */
static void *
follow(void *argument)
{
	const unsigned int me = *(const unsigned int *)argument;
	struct reprise_subscription *const mine = subscriptions[me];

	/* Back from a barrier that was made for a hand that was lowered since. */
	if (model_case == SETTLED_LATE && me == 0)
		MODEL_CHECK(bell_barrier(&world_session(0)->bell, true, armed));
	for (int i = 0; i < 12 && !is_satisfied(&books[me]); i++) {
		if (world_take(mine, &books[me]) != REPRISE_NEXT_EMPTY)
			continue;
		note_settled(session_of(me));
		const reprise_status status =
			reprise_wait(mine, is_timed() ? NS_PER_S : UINT64_MAX);

		if (load_relaxed(&mine->sleeps) > 0)
			model_note("slept");
		if (is_interrupting()) {
			MODEL_CHECK(status == REPRISE_E_INTERRUPTED);
			MODEL_CHECK(load_relaxed(&told) == 1);
			return argument;
		}
		if (status == REPRISE_E_TIMEOUT)
			model_note("timed out");
		MODEL_CHECK(status == REPRISE_OK || (is_timed() && status == REPRISE_E_TIMEOUT));
	}
	MODEL_CHECK(is_satisfied(&books[me]));
	return argument;
}

static struct world_shape
shape(void)
{
	const bool is_fenced = model_case == DIRECT_FENCED || model_case == RELAY_FENCED;

	return (struct world_shape){
		.wake = model_case >= DEFERRED ? WORLD_DEFERRED
			: is_fenced            ? WORLD_FENCED
					       : WORLD_BARRIER,
		.events_max = 4,
		.bytes_max = 256,
		.payload_words = 1,
		.has_relay = true,
	};
}

/* As a sleeper leaves it whose time ran out: the next sleeper is for the relay. */
static void
take_direct_place(unsigned int session)
{
	uint32_t epoch;

	MODEL_CHECK(bell_arm_direct(&world_session(session)->bell, false, &epoch));
}

static void
prepare(void)
{
	const struct world_shape asked = shape();

	world_open(&asked);
	atomic_init(&told, 0);
	for (unsigned int i = 0; i < hosts(); i++) {
		subscriptions[i] = world_subscribe(i, session_of(i));
		books[i] = (struct books){ 0 };
	}
	if (model_case >= RELAY && model_case != BOTH && model_case < DEFERRED)
		take_direct_place(0);
	if (session_of(1) == 1 && model_case < DEFERRED)
		take_direct_place(1);
	if (model_case == SETTLED_LATE) {
		armed = hand_raise(subscriptions[0], true).armed;
		bell_ring(&world_session(0)->bell);
		take_direct_place(0);
	}
	/* Both are with the relay already, which has not looked yet, or is about to. */
	for (unsigned int i = 0; i < 2 && model_case == TWO_QUEUED; i++) {
		(void)hand_raise(subscriptions[i], true);
		world_append(i);
		take_direct_place(i);
	}
	if (model_case == DIRECT_LATE)
		world_append(0);
	if (is_timed())
		model_allow(1, 0, 0);
	if (model_case >= DEFERRED)
		model_allow(4, 12, 0);
	if (model_case == DIRECT_SPURIOUS)
		model_allow(0, 0, 1);
}

int
main(void)
{
	static const unsigned int numbers[] = { 0, 1 };
	pthread_t threads[4];
	int count = 0;

	prepare();
	for (unsigned int i = 0; i < hosts(); i++)
		MODEL_CHECK(pthread_create(&threads[count++], NULL, follow, (void *)&numbers[i]) ==
			    0);
	for (unsigned int i = 0; i <= session_of(hosts() - 1); i++)
		MODEL_CHECK(pthread_create(&threads[count++], NULL, write_events,
					   (void *)&numbers[i]) == 0);
	if (model_case == DIRECT_LATE)
		MODEL_CHECK(pthread_create(&threads[count++], NULL, ring_late, NULL) == 0);
	for (int i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	world_close();
	return 0;
}
