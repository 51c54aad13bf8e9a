/* SPDX-License-Identifier: MIT */
#include <poll.h>
#include <unistd.h>

#include "engine.h"

/*
 * Groups, one a store. The library's thread makes subscriptions ready when it likes: a subscription
 * with something to say must be handed out soon, one without may be handed out for nothing, and one
 * whose end was told never again.
 */

static unsigned int
place_of(const struct call *call)
{
	return call->b % 8 == 7;
}

static bool
is_member(const struct engine_subscription *subscription, const struct engine_store *at)
{
	return subscription->subscription != NULL && subscription->is_in_group &&
	       subscription->model.model == &at->model;
}

static bool
has_told_its_end(const struct engine_subscription *subscription)
{
	return subscription->ends_heard != subscription->ends_before_group;
}

/* How many are in the group; and whether one of them must become ready. */
static unsigned int
members_of(const struct engine *engine, const struct engine_store *at, bool *ret_is_any_ready)
{
	unsigned int count = 0;

	*ret_is_any_ready = false;
	for (unsigned int i = 0; i < SUBSCRIPTIONS; i++) {
		const struct engine_subscription *const subscription = &engine->subscriptions[i];

		if (!is_member(subscription, at))
			continue;
		count++;
		*ret_is_any_ready |=
			!has_told_its_end(subscription) && engine_has_something(subscription);
	}
	return count;
}

static void
open_group(struct engine *engine, struct engine_store *at, unsigned int place, bool is_bad)
{
	const struct reprise_group_options options = { .size = is_bad ? 3 : sizeof(options),
						       .spin_ns = 1 };
	struct reprise_error error = engine_error();
	struct reprise_group *group = NULL;

	engine_say(engine, "reprise_group_open(store%u, %s, &group%u, &error);", place,
		   is_bad ? "&bad" : "&{ .spin_ns = 1 }", place);
	if (engine_expect_error(engine, is_bad ? REPRISE_E_INVALID : REPRISE_OK,
				reprise_group_open(at->store, &options, &group, &error), &error))
		at->group = group;
}

void
engine_close_group(struct engine *engine, unsigned int place)
{
	struct engine_store *const at = &engine->stores[place];

	if (at->group == NULL)
		return;
	engine_say(engine, "reprise_group_close(group%u);", place);
	reprise_group_close(at->group);
	at->group = NULL;
	at->is_group_interrupted = false;
	for (unsigned int i = 0; i < SUBSCRIPTIONS; i++)
		if (is_member(&engine->subscriptions[i], at))
			engine->subscriptions[i].is_in_group = false;
}

static void
add_one(struct engine *engine, struct engine_store *at, struct engine_subscription *subscription)
{
	const bool is_stranger = subscription->model.model != &at->model;
	const reprise_status expected = is_stranger                 ? REPRISE_E_INVALID
					: subscription->is_in_group ? REPRISE_E_BUSY
								    : REPRISE_OK;
	struct reprise_error error = engine_error();

	engine_say(engine, "reprise_group_add(group%u, subscription%u, &subscription%u, &error);",
		   (unsigned int)(at - engine->stores), engine_index(subscription, engine),
		   engine_index(subscription, engine));
	if (expected == REPRISE_OK)
		(void)model_look(&subscription->model); /* it may read ahead */
	if (!engine_expect_error(
		    engine, expected,
		    reprise_group_add(at->group, subscription->subscription, subscription, &error),
		    &error))
		return;
	subscription->is_in_group = true;
	subscription->ends_before_group = subscription->ends_heard;
}

static void
remove_one(struct engine *engine, struct engine_store *at, struct engine_subscription *subscription)
{
	engine_say(engine, "reprise_group_remove(group%u, subscription%u);",
		   (unsigned int)(at - engine->stores), engine_index(subscription, engine));
	if (engine_expect_status(engine,
				 is_member(subscription, at) ? REPRISE_OK : REPRISE_E_NOT_FOUND,
				 reprise_group_remove(at->group, subscription->subscription)))
		subscription->is_in_group = false;
}

/* A promised call is waited for; else any of two answers is right. */
static reprise_status
await(struct engine_store *at, bool is_promised, reprise_status (*ask)(struct engine_store *at))
{
	reprise_status status = ask(at);

	for (int i = 0; is_promised && status != REPRISE_OK && i < engine_patience_ms * 20; i++) {
		usleep(50);
		status = ask(at);
	}
	return status;
}

static reprise_status
ask_next(struct engine_store *at)
{
	return reprise_group_next(at->group, &at->found, &at->found_context);
}

static reprise_status
ask_wait(struct engine_store *at)
{
	return reprise_group_wait(at->group, 0);
}

/* Takes one outcome from the subscription whose turn it is. False if none is ready. */
static bool
take_turn(struct engine *engine, struct engine_store *at)
{
	bool is_promised;

	(void)members_of(engine, at, &is_promised);
	const reprise_status status = await(at, is_promised, ask_next);
	struct engine_subscription *const found = at->found_context;

	engine_say(engine, "reprise_group_next(group%u, &ready, &context);",
		   (unsigned int)(at - engine->stores));
	if (!engine_expect_status(
		    engine, is_promised || status == REPRISE_OK ? REPRISE_OK : REPRISE_E_NOT_FOUND,
		    status))
		return false;
	if (found < engine->subscriptions || found >= engine->subscriptions + SUBSCRIPTIONS ||
	    !is_member(found, at) || found->subscription != at->found)
		engine_differ(engine, "a subscription is handed out that is not in the group");
	else if (has_told_its_end(found))
		engine_differ(engine, "a subscription is handed out after its end was told");
	else if (engine_next(engine, found, 1, false) != REPRISE_NEXT_EMPTY)
		engine_mark(engine, MARK_GROUP_TURN);
	return true;
}

/* The descriptor says that one is ready; if none has something, it is emptied, sooner or later. */
static void
poll_group(struct engine *engine, struct engine_store *at)
{
	struct pollfd asked = { .fd = -1, .events = POLLIN };
	struct reprise_error error = engine_error();
	bool is_promised;

	engine_say(engine, "reprise_group_fd(group%u, &fd, &error); poll(fd);",
		   (unsigned int)(at - engine->stores));
	if (!engine_expect_error(engine, REPRISE_OK, reprise_group_fd(at->group, &asked.fd, &error),
				 &error))
		return;
	(void)members_of(engine, at, &is_promised);
	const int count = poll(&asked, 1, is_promised ? engine_patience_ms : 0);

	if (is_promised && count != 1)
		engine_differ(engine, "one has something, and the descriptor does not say so");
	engine_mark(engine, count == 1 ? MARK_GROUP_READABLE : MARK_GROUP_QUIET);
	for (int i = 0; !is_promised && !engine->differs && poll(&asked, 1, 0) == 1; i++) {
		if (!take_turn(engine, at))
			usleep(1000);
		if (i >= engine_patience_ms)
			engine_differ(engine, "none has anything, and it stays readable");
	}
}

static void
wait_for_group(struct engine *engine, struct engine_store *at)
{
	bool is_promised;

	(void)members_of(engine, at, &is_promised);
	engine_say(engine, "reprise_group_wait(group%u, 0);", (unsigned int)(at - engine->stores));
	const bool is_interrupted = at->is_group_interrupted;
	const reprise_status status = await(at, is_promised && !is_interrupted, ask_wait);

	at->is_group_interrupted = false;
	(void)engine_expect_status(engine,
				   is_interrupted                        ? REPRISE_E_INTERRUPTED
				   : is_promised || status == REPRISE_OK ? REPRISE_OK
									 : REPRISE_E_TIMEOUT,
				   status);
}

static void
expect_stats(struct engine *engine, struct engine_store *at)
{
	struct reprise_group_stats actual = REPRISE_GROUP_STATS_INIT;
	bool is_promised;
	const unsigned int count = members_of(engine, at, &is_promised);

	engine_say(engine, "reprise_group_stats(group%u, &stats);",
		   (unsigned int)(at - engine->stores));
	(void)engine_expect_status(engine, REPRISE_OK, reprise_group_stats(at->group, &actual));
	engine_expect(engine, "group stats: subscriptions", count, actual.subscriptions);
	engine_expect(engine, "group stats: sleeps", 0, actual.sleeps);
	if (actual.ready > count)
		engine_differ(engine, "more are ready than there are");
}

void
engine_call_group(struct engine *engine, const struct call *call)
{
	struct engine_subscription *const subscription =
		engine_subscription_at(engine, call->a, false);
	const unsigned int place = place_of(call);
	struct engine_store *const at = engine_store_at(engine, place);

	if (at->group == NULL && (call->name == CALL_GROUP_OPEN || call->name == CALL_GROUP_ADD))
		open_group(engine, at, place, call->c % 16 == 15);
	if (at->group == NULL)
		return;
	if (call->name == CALL_GROUP_CLOSE) {
		engine_close_group(engine, place);
	} else if (call->name == CALL_GROUP_NEXT) {
		for (unsigned int i = 0; i <= call->c % 8u && !engine->differs; i++)
			(void)take_turn(engine, at);
	} else if (call->name == CALL_GROUP_POLL) {
		poll_group(engine, at);
	} else if (call->name == CALL_GROUP_WAIT) {
		wait_for_group(engine, at);
	} else if (call->name == CALL_GROUP_INTERRUPT) {
		at->is_group_interrupted = true;
		engine_say(engine, "reprise_group_interrupt(group%u);", place);
		(void)engine_expect_status(engine, REPRISE_OK, reprise_group_interrupt(at->group));
	} else if (call->name == CALL_GROUP_STATS) {
		expect_stats(engine, at);
	} else if (subscription != NULL && call->name == CALL_GROUP_ADD) {
		add_one(engine, at, subscription);
	} else if (subscription != NULL && call->name == CALL_GROUP_REMOVE) {
		remove_one(engine, at, subscription);
	}
}
