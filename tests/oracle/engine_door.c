/* SPDX-License-Identifier: MIT */
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "engine.h"

/*
 * The doors: descriptor, callback, interrupt. The library's thread rings them, so the engine waits
 * for an answer where the rules promise one. A door may be rung for nothing, but not for ever.
 */

int engine_patience_ms = 10000; /* for what comes in microseconds */

bool
engine_has_something(const struct engine_subscription *subscription)
{
	return model_peek(&subscription->model) != REPRISE_NEXT_EMPTY;
}

static void
open_descriptor(struct engine *engine, struct engine_subscription *subscription)
{
	const bool is_new = subscription->descriptor < 0;
	struct reprise_error error = engine_error();
	int descriptor = -1;

	engine_say(engine, "reprise_subscription_fd(subscription%u, &fd, &error);",
		   engine_index(subscription, engine));
	if (is_new)
		(void)model_look(&subscription->model); /* it may read ahead */
	if (!engine_expect_error(
		    engine, REPRISE_OK,
		    reprise_subscription_fd(subscription->subscription, &descriptor, &error),
		    &error))
		return;
	if (descriptor < 0 || (!is_new && descriptor != subscription->descriptor))
		engine_differ(engine, "the descriptor was %d and is %d", subscription->descriptor,
			      descriptor);
	subscription->descriptor = descriptor;
}

/* It was rung for nothing: EMPTY makes it unreadable again, sooner or later. */
static void
empty_descriptor(struct engine *engine, struct engine_subscription *subscription)
{
	struct pollfd at = { .fd = subscription->descriptor, .events = POLLIN };

	for (int i = 0; i < engine_patience_ms && !engine->differs; i++) {
		(void)engine_next(engine, subscription, 1, false);
		if (poll(&at, 1, 0) == 0) {
			engine_mark(engine, MARK_FD_EMPTIED);
			return;
		}
		usleep(1000);
	}
	engine_differ(engine, "there is nothing, and the descriptor stays readable");
}

static void
poll_descriptor(struct engine *engine, struct engine_subscription *subscription)
{
	struct pollfd at = { .fd = subscription->descriptor, .events = POLLIN };
	const bool must_be = engine_has_something(subscription);

	if (subscription->descriptor < 0)
		return;
	engine_say(engine, "poll(fd of subscription%u);", engine_index(subscription, engine));
	const int count = poll(&at, 1, must_be ? engine_patience_ms : 0);

	if (must_be && (count != 1 || at.revents != POLLIN))
		engine_differ(engine, "there is something, and the descriptor does not say so");
	engine_mark(engine, count == 1 ? MARK_FD_READABLE : MARK_FD_QUIET);
	if (!must_be && count == 1)
		empty_descriptor(engine, subscription);
}

static void
be_called(struct reprise_subscription *subscription, void *context)
{
	(void)subscription;
	atomic_fetch_add((atomic_uint *)context, 1);
}

static void
set_callback(struct engine *engine, struct engine_subscription *subscription, bool is_one)
{
	struct reprise_error error = engine_error();

	engine_say(engine, "reprise_subscription_notify(subscription%u, %s, NULL, &error);",
		   engine_index(subscription, engine), is_one ? "callback" : "NULL");
	subscription->calls_before = atomic_load(&subscription->calls);
	if (is_one)
		(void)model_look(&subscription->model);
	subscription->has_callback = subscription->is_call_promised = is_one;
	(void)engine_expect_error(engine, REPRISE_OK,
				  reprise_subscription_notify(subscription->subscription,
							      is_one ? be_called : NULL,
							      &subscription->calls, &error),
				  &error);
}

static void
expect_called(struct engine *engine, struct engine_subscription *subscription)
{
	if (!subscription->has_callback || !subscription->is_call_promised ||
	    !engine_has_something(subscription))
		return;
	engine_say(engine, "/* the callback of subscription%u must be called */",
		   engine_index(subscription, engine));
	for (int i = 0; i < engine_patience_ms * 20; i++) {
		if (atomic_load(&subscription->calls) != subscription->calls_before) {
			engine_mark(engine, MARK_CALLED);
			return;
		}
		usleep(50);
	}
	engine_differ(engine, "there is something, and the callback is not called");
}

void
engine_call_door(struct engine *engine, const struct call *call)
{
	struct engine_subscription *const subscription =
		engine_subscription_at(engine, call->a, false);

	if (subscription == NULL)
		return;
	if (call->name == CALL_FD) {
		open_descriptor(engine, subscription);
	} else if (call->name == CALL_POLL) {
		poll_descriptor(engine, subscription);
	} else if (call->name == CALL_NOTIFY) {
		set_callback(engine, subscription, call->b % 4 != 0);
	} else if (call->name == CALL_CALLED) {
		expect_called(engine, subscription);
	} else {
		engine_say(engine, "reprise_subscription_interrupt(subscription%u);",
			   engine_index(subscription, engine));
		subscription->model.is_interrupted = true;
		(void)engine_expect_status(
			engine, REPRISE_OK,
			reprise_subscription_interrupt(subscription->subscription));
	}
}
