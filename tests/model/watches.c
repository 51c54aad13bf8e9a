/* SPDX-License-Identifier: MIT */

/*
 * The gateway's list of ready watches: callbacks of the store's thread add to the list, an eventfd
 * wakes the loop, and the loop serves the list. Each event is taken without another look at the
 * session, and a watch that is closed is served no more.
 */

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "world.h"

/* The store and the gateway each have a function of this name. */
#define count count_of_gateway
#include "gateway/gateway.h"
#undef count

const struct model_case model_cases[] = {
	{ "one", { "slept" } },
	{ "two", { "slept", "both ready" } },
	{ "ends", { "slept", "an end" } },
	{ "in pieces", { "slept", "again" } },
	{ "closed", { "slept", "closed ready", "closed idle" } },
	{ "moved", { "slept", "moved" } },
	{ NULL, { NULL } },
};

enum {
	ONE,
	TWO,
	ENDS,
	PIECES, /* a turn takes one event of a watch */
	CLOSED, /* the first watch closes the second */
	MOVED,  /* the first subscription goes on with a third watch */
};

enum {
	WATCHES = 3,
	TURNS = 24,
};

static struct reprise_gateway gateway;
static struct reprise_subscription *subscriptions[2];
static struct watch watches[WATCHES];
static struct books books[2];
static bool is_closed, is_moved;
static int wake;

reprise_status
http_server_notify(struct http_server *server)
{
	(void)server;
	MODEL_CHECK(descriptor_ring(wake));
	return REPRISE_OK;
}

/* The linker's name (--wrap): NOLINTNEXTLINE(bugprone-reserved-identifier,cert-*) */
void __wrap_reprise_subscription_close(struct reprise_subscription *subscription);

/* The world's subscriptions stay; a close waits for a callback that runs, and so does this. */
void
__wrap_reprise_subscription_close(struct reprise_subscription *subscription)
{
	MODEL_CHECK(reprise_subscription_notify(subscription, NULL, NULL, NULL) == REPRISE_OK);
}

static unsigned int
sessions(void)
{
	return model_case == TWO || model_case == PIECES || model_case == CLOSED ? 2 : 1;
}

static unsigned int
events(void)
{
	return model_case == ONE || model_case == PIECES || model_case == MOVED ? 2 : 1;
}

static void *
write_events(void *argument)
{
	for (unsigned int i = 0; i < events(); i++)
		for (unsigned int j = 0; j < sessions(); j++)
			world_append(sessions() - 1 - j);
	if (model_case == ENDS)
		MODEL_CHECK(reprise_writer_end(session_writer(world_session(0)), 0) == REPRISE_OK);
	return argument;
}

static bool
is_satisfied(void)
{
	for (unsigned int i = 0; i < sessions(); i++)
		if (model_case == ENDS ? !books[i].is_ended
				       : books[i].seen != events() && !(i == 1 && is_closed))
			return false;
	return true;
}

static void on_ready(struct watch *watch);

/* The store's thread adds to the list under its lock, so a look at the list takes the lock, too. */
static bool
is_any_ready(void)
{
	bool is_any;

	pthread_mutex_lock(&gateway.watches.lock);
	is_any = gateway.watches.first != NULL;
	pthread_mutex_unlock(&gateway.watches.lock);
	return is_any;
}

static bool
is_ready(const struct watch *watch)
{
	bool is;

	pthread_mutex_lock(&gateway.watches.lock);
	is = watch->is_ready;
	pthread_mutex_unlock(&gateway.watches.lock);
	return is;
}

/* The subscription goes on where it stood; what is there already is told, too. */
static void
move(struct watch *watch)
{
	MODEL_CHECK(watch_open(&watches[2], &gateway, watch_release(watch), on_ready) ==
		    REPRISE_OK);
	is_moved = true;
	model_note("moved");
}

static void
close_other(void)
{
	struct watch *const other = &watches[1];

	if (is_closed)
		return;
	model_note(is_ready(other) ? "closed ready" : "closed idle");
	watch_close(other);
	is_closed = true;
}

static void
on_ready(struct watch *watch)
{
	struct books *const mine = watch->subscription == subscriptions[0] ? &books[0] : &books[1];

	MODEL_CHECK(!(is_closed && watch == &watches[1]) && !(is_moved && watch == &watches[0]));
	MODEL_CHECK(watch->gateway == &gateway && watch->subscription != NULL);
	if (is_any_ready())
		model_note("both ready");
	if (model_case == PIECES) {
		if (world_take(watch->subscription, mine) == REPRISE_NEXT_EMPTY)
			return;
		model_note("again");
		watch_again(watch);
		return;
	}
	for (int i = 0; i < 8 && !mine->is_ended; i++)
		if (world_take(watch->subscription, mine) == REPRISE_NEXT_EMPTY)
			break;
	if (model_case == CLOSED && mine == &books[0])
		close_other();
	if (model_case == MOVED && watch == &watches[0])
		move(watch);
}

/* As on_wake of http/server.c, and on_notify of gateway/serve.c. */
static void *
loop(void *argument)
{
	for (unsigned int i = 0; i < sessions(); i++)
		MODEL_CHECK(watch_open(&watches[i], &gateway, subscriptions[i], on_ready) ==
			    REPRISE_OK);
	for (int i = 0; i < TURNS && !is_satisfied(); i++) {
		model_note("slept");
		model_await_readable(wake);
		MODEL_CHECK(descriptor_drain(wake));
		watches_serve(&gateway);
	}
	MODEL_CHECK(is_satisfied());
	for (unsigned int i = 0; i < WATCHES; i++)
		watch_close(&watches[i]);
	MODEL_CHECK(!is_any_ready());
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

	world_open(&shape);
	watches_init(&gateway.watches);
	atomic_init(&gateway.counters.subscriptions, 0);
	is_closed = is_moved = false;
	wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	MODEL_CHECK(wake >= 0);
	for (unsigned int i = 0; i < 2; i++) {
		subscriptions[i] = world_subscribe(i, i);
		books[i] = (struct books){ 0 };
	}
	for (unsigned int i = 0; i < WATCHES; i++)
		watches[i] = (struct watch){ .subscription = NULL };
}

int
main(void)
{
	pthread_t threads[2];

	prepare();
	MODEL_CHECK(pthread_create(&threads[0], NULL, loop, NULL) == 0);
	MODEL_CHECK(pthread_create(&threads[1], NULL, write_events, NULL) == 0);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	world_close();
	watches_destroy(&gateway.watches);
	close(wake);
	return 0;
}
