/* SPDX-License-Identifier: MIT */

/*
 * A host behind a group: all that makes a subscription ready opens the group's one door, and when
 * nothing is ready any more the door is shut. Ringers are the relay and, as the healing thread
 * would, a thread that rings a hand itself.
 */

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include "world.h"

const struct model_case model_cases[] = {
	{ "descriptor", { "slept" } },
	{ "descriptor late", { "slept", "readable at once" } },
	{ "wait", { "slept" } },
	{ "ends", { "slept", "an end" } },
	{ "ends unasked", { "unasked" } },
	{ "two ringers", { "slept", "rung by hand" } },
	{ "two ringers wait", { "slept", "rung by hand" } },
	{ "interrupted", { "interrupted" } },
	{ "removed", { "removed ready", "removed armed" } },
	{ "refused", { "slept" } },
	{ NULL, { NULL } },
};

enum {
	DESCRIPTOR,
	DESCRIPTOR_LATE,
	WAIT,
	ENDS,
	ENDS_UNASKED, /* the host looks although it was not told to */
	RINGERS,
	RINGERS_WAIT,
	INTERRUPTED,
	REMOVED,
	REFUSED,
};

enum {
	HOSTS = 2,
	LOOKS = 24,
};

static struct reprise_group *group;
static struct reprise_subscription *subscriptions[HOSTS];
static struct books books[HOSTS];
static int descriptor;
static bool is_interrupted;

static bool
has_descriptor(void)
{
	return model_case != WAIT && model_case != RINGERS_WAIT && model_case != INTERRUPTED;
}

static bool
is_ending(void)
{
	return model_case == ENDS || model_case == ENDS_UNASKED;
}

static bool
has_ringer(void)
{
	return model_case == RINGERS || model_case == RINGERS_WAIT;
}

/* One subscription to a session of one event is all that happens, but where two are needed. */
static unsigned int
hosts(void)
{
	return model_case == DESCRIPTOR || model_case == REMOVED || has_ringer() ? 2 : 1;
}

static void *
write_events(void *argument)
{
	for (unsigned int i = 0; i < hosts(); i++)
		if (!has_ringer() || i == 0)
			world_append(i);
	if (is_ending())
		MODEL_CHECK(reprise_writer_end(session_writer(world_session(0)), 0) == REPRISE_OK);
	return argument;
}

/* Without the bell: this thread rings the hand of the subscription itself, if it is up. */
static void *
ring_by_hand(void *argument)
{
	struct reprise_session *const session = world_session(1);

	world_append(1);
	hand_ring(session, subscriptions[1]);
	model_note("rung by hand");
	return argument;
}

static void *
interrupt(void *argument)
{
	MODEL_CHECK(reprise_group_interrupt(group) == REPRISE_OK);
	return argument;
}

static bool
is_satisfied(void)
{
	/* Nothing is appended: but for the interrupt it would sleep for ever. */
	if (model_case == INTERRUPTED)
		return is_interrupted;
	for (unsigned int i = 0; i < hosts(); i++)
		if (is_ending() ? !books[i].is_ended : books[i].seen != 1)
			return false;
	return true;
}

static void
await_ready(void)
{
	if (model_case == ENDS_UNASKED &&
	    world_take(subscriptions[0], &books[0]) == REPRISE_NEXT_ENDED) {
		model_note("unasked");
		return;
	}
	model_note("slept");
	if (has_descriptor()) {
		model_await_readable(descriptor);
		return;
	}
	const reprise_status status = reprise_group_wait(group, REPRISE_NO_LIMIT);

	if (status == REPRISE_E_INTERRUPTED) {
		MODEL_CHECK(model_case == INTERRUPTED && !is_interrupted);
		model_note("interrupted");
		is_interrupted = true;
		MODEL_CHECK(reprise_group_wait(group, 0) == REPRISE_E_TIMEOUT);
	} else {
		MODEL_CHECK(status == REPRISE_OK);
	}
}

/* As a host does: takes from whichever is ready, and sleeps when none is. */
static void
serve(void)
{
	for (int i = 0; i < LOOKS && !is_satisfied(); i++) {
		struct reprise_subscription *subscription;
		void *context;

		if (reprise_group_next(group, &subscription, &context) != REPRISE_OK) {
			await_ready();
			continue;
		}
		MODEL_CHECK(subscription == subscriptions[(struct books *)context - books]);
		(void)world_take(subscription, context);
	}
	MODEL_CHECK(is_satisfied());
}

static void
remove_one(void)
{
	const bool was_ready = subscriptions[0]->is_ready;

	MODEL_CHECK(reprise_group_remove(group, subscriptions[0]) == REPRISE_OK);
	model_note(was_ready ? "removed ready" : "removed armed");
	books[0].seen = 1; /* nothing more is expected of it */
}

static bool
is_readable(void)
{
	struct pollfd asked = { .fd = descriptor, .events = POLLIN };

	return poll(&asked, 1, 0) == 1;
}

static void *
host(void *argument)
{
	if (has_descriptor() && model_case != DESCRIPTOR_LATE)
		MODEL_CHECK(reprise_group_fd(group, &descriptor, NULL) == REPRISE_OK);
	for (unsigned int i = 0; i < hosts(); i++)
		MODEL_CHECK(reprise_group_add(group, subscriptions[i], &books[i], NULL) ==
			    REPRISE_OK);
	if (model_case == DESCRIPTOR_LATE) {
		MODEL_CHECK(reprise_group_fd(group, &descriptor, NULL) == REPRISE_OK);
		if (is_readable())
			model_note("readable at once");
	}
	if (model_case == REMOVED)
		remove_one();
	serve();
	return argument;
}

static void
prepare(void)
{
	const struct world_shape shape = {
		.wake = WORLD_BARRIER,
		.events_max = 4,
		.bytes_max = 256,
		.payload_words = 1,
		.has_relay = true,
	};
	struct reprise_group_options options = REPRISE_GROUP_OPTIONS_INIT;

	world_open(&shape);
	for (unsigned int i = 0; i < HOSTS; i++) {
		subscriptions[i] = world_subscribe(i, i);
		books[i] = (struct books){ 0 };
	}
	options.spin_ns = 1;
	descriptor = -1;
	is_interrupted = false;
	MODEL_CHECK(reprise_group_open(subscriptions[0]->store, &options, &group, NULL) ==
		    REPRISE_OK);
	if (model_case == REFUSED) {
		model_refuse_barrier();
		model_allow(4, 12, 0); /* the relay looks at every tick instead */
	}
}

int
main(void)
{
	struct reprise_group_stats stats = REPRISE_GROUP_STATS_INIT;
	pthread_t threads[3];
	int count = 0;

	prepare();
	MODEL_CHECK(pthread_create(&threads[count++], NULL, host, NULL) == 0);
	MODEL_CHECK(pthread_create(&threads[count++], NULL,
				   model_case == INTERRUPTED ? interrupt : write_events,
				   NULL) == 0);
	if (has_ringer())
		MODEL_CHECK(pthread_create(&threads[count++], NULL, ring_by_hand, NULL) == 0);
	for (int i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	world_close();
	/* Nobody rings any more: the door says how things are. */
	MODEL_CHECK(reprise_group_stats(group, &stats) == REPRISE_OK);
	MODEL_CHECK(!has_descriptor() || is_readable() == (stats.ready != 0));
	MODEL_CHECK(!is_ending() || stats.ready == 0);
	reprise_group_close(group);
	for (unsigned int i = 0; i < hosts(); i++)
		MODEL_CHECK(!subscriptions[i]->is_ready && subscriptions[i]->group == NULL);
	return 0;
}
