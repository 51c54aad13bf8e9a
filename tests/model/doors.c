/* SPDX-License-Identifier: MIT */

/*
 * Hosts at the other doors: a descriptor, a callback. Each event published makes the descriptor
 * readable or the callback called; after the callback was taken away it is not called any more.
 */

#include <pthread.h>
#include <unistd.h>

#include "base/futex.h"
#include "world.h"

const struct model_case model_cases[] = {
	{ "descriptor", { "slept" } },
	{ "descriptor fenced", { "slept" } },
	{ "descriptor ends", { "slept", "an end" } },
	{ "descriptor refused", { "slept" } },
	{ "callback", { "called" } },
	{ "callback ends", { "called", "an end" } },
	{ "callback taken away", { "called", "never called" } },
	{ "both", { "slept", "called" } },
	{ NULL, { NULL } },
};

enum {
	DESCRIPTOR,
	DESCRIPTOR_FENCED,
	DESCRIPTOR_ENDS,
	DESCRIPTOR_REFUSED,
	CALLBACK,
	CALLBACK_ENDS,
	CALLBACK_TAKEN,
	BOTH,
};

static struct reprise_subscription *subscriptions[2];
static struct books books[2];
static atomic_u32 is_told[2]; /* futex: the callback has got all */
static atomic_u32 is_taken;

static bool
is_ending(void)
{
	return model_case == DESCRIPTOR_ENDS || model_case == CALLBACK_ENDS;
}

static unsigned int
events(void)
{
	return model_case == DESCRIPTOR || model_case == CALLBACK ? 2 : 1;
}

static void *
write_events(void *argument)
{
	for (unsigned int i = 0; i < events(); i++)
		world_append(0);
	if (is_ending())
		MODEL_CHECK(reprise_writer_end(session_writer(world_session(0)), 0) == REPRISE_OK);
	return argument;
}

static bool
is_satisfied(const struct books *mine)
{
	return is_ending() ? mine->is_ended : mine->seen == events();
}

static void *
await_descriptor(void *argument)
{
	int descriptor = -1;

	MODEL_CHECK(reprise_subscription_fd(subscriptions[0], &descriptor, NULL) == REPRISE_OK);
	for (int i = 0; i < 16 && !is_satisfied(&books[0]); i++) {
		if (world_take(subscriptions[0], &books[0]) != REPRISE_NEXT_EMPTY)
			continue;
		model_note("slept");
		model_await_readable(descriptor);
	}
	MODEL_CHECK(is_satisfied(&books[0]));
	return argument;
}

static void
be_called(struct reprise_subscription *subscription, void *context)
{
	struct books *const mine = context;
	bool is_more = true;

	MODEL_CHECK(load_acquire(&is_taken) == 0);
	model_note("called");
	for (int i = 0; i < 8 && is_more && !mine->is_ended; i++)
		is_more = world_take(subscription, mine) != REPRISE_NEXT_EMPTY;
	if (is_satisfied(mine)) {
		store_release(&is_told[mine - books], 1);
		futex_wake_all(&is_told[mine - books]);
	}
}

static void *
await_callback(void *argument)
{
	const unsigned int me = *(const unsigned int *)argument;
	struct reprise_subscription *const mine = subscriptions[me];

	MODEL_CHECK(reprise_subscription_notify(mine, be_called, &books[me], NULL) == REPRISE_OK);
	if (model_case == CALLBACK_TAKEN) {
		MODEL_CHECK(reprise_subscription_notify(mine, NULL, NULL, NULL) == REPRISE_OK);
		store_release(&is_taken, 1);
		if (books[me].seen == 0)
			model_note("never called");
		return argument;
	}
	for (int i = 0; i < 4 && load_acquire(&is_told[me]) == 0; i++)
		(void)futex_wait(&is_told[me], 0, UINT64_MAX);
	MODEL_CHECK(load_acquire(&is_told[me]) == 1);
	MODEL_CHECK(is_satisfied(&books[me]));
	return argument;
}

static void
prepare(void)
{
	const struct world_shape shape = {
		.wake = model_case == DESCRIPTOR_FENCED ? WORLD_FENCED : WORLD_BARRIER,
		.events_max = 4,
		.bytes_max = 256,
		.payload_words = 1,
		.has_relay = true,
	};

	world_open(&shape);
	atomic_init(&is_taken, 0);
	for (unsigned int i = 0; i < 2; i++) {
		atomic_init(&is_told[i], 0);
		subscriptions[i] = world_subscribe(i, 0);
		books[i] = (struct books){ 0 };
	}
	if (model_case == DESCRIPTOR_REFUSED) {
		model_refuse_barrier();
		model_allow(4, 12, 0); /* the relay looks at every tick instead */
	}
}

int
main(void)
{
	static const unsigned int numbers[] = { 0, 1 };
	const bool has_descriptor = model_case <= DESCRIPTOR_REFUSED || model_case == BOTH;
	pthread_t threads[3];
	int count = 0;

	prepare();
	if (has_descriptor)
		MODEL_CHECK(pthread_create(&threads[count++], NULL,
					   has_descriptor ? await_descriptor : await_callback,
					   (void *)&numbers[0]) == 0);
	if (model_case >= CALLBACK)
		MODEL_CHECK(pthread_create(&threads[count++], NULL, await_callback,
					   (void *)&numbers[1]) == 0);
	MODEL_CHECK(pthread_create(&threads[count++], NULL, write_events, NULL) == 0);
	for (int i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	world_close();
	for (unsigned int i = 0; i < 2; i++)
		if (subscriptions[i]->has_descriptor)
			close(subscriptions[i]->descriptor);
	return 0;
}
