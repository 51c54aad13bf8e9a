/* SPDX-License-Identifier: MIT */

/*
 * The calls that a callback may make, while the writer appends. A chain is one host whose callback
 * replaces itself, closes its subscription and goes on with another one, takes itself away and
 * leaves the rest to a thread, which sets it again, closes and opens other subscriptions, appends
 * to another session. Its books run through all of that and balance (G2); each paced append must
 * reach every chain, so that a call that is missing stops everything (G4); and whatever was closed
 * or replaced is called no more.
 */

#include <sched.h>
#include <semaphore.h>
#include <stdio.h>

#include "links.h"

enum {
	CHAINS = 3,
	PACED = 1000,
	FLOOD = 20000,
};

struct round;

struct chain {
	struct round *round;
	struct reprise_subscription *subscription;
	struct link *link; /* of now; NULL while the thread has the chain */
	struct stress_books books;
	_Atomic reprise_position seen;
	struct link *bystander; /* another subscription, which it closes and opens again */
	pthread_t thread;
	sem_t is_left;
	unsigned int random;
	uint64_t replaced, moved, left, bystanders;
};

struct round {
	struct reprise_store *store;
	struct reprise_writer *writer;
	bool is_deferred;
	struct links links;
	struct chain chains[CHAINS];
	/* Callbacks alone append there, and they run one at a time. */
	struct reprise_writer *echo;
	reprise_position echoed;
	struct reprise_subscription *echo_subscription;
	struct stress_books echo_books;
	pthread_t echo_thread;
};

static uint64_t appends_all, echoed_all, replaced_all, moved_all, left_all, bystanders_all;

/* Takes or leaves what there is. */
static void
call_bystander(struct reprise_subscription *subscription, void *context)
{
	struct link *const link = context;
	struct stress_books books = { 0 };
	struct reprise_cursor cursor;

	link_come_in(link, subscription);
	CHECK_OK(reprise_subscription_cursor(subscription, &cursor));
	books.seen = cursor.position;
	for (reprise_position n = cursor.position % 4; n > 0; n--)
		if (stress_take(subscription, &books) == REPRISE_NEXT_EMPTY)
			break;
	link_go_out(link);
}

static void
open_bystander(struct chain *chain)
{
	struct round *const round = chain->round;
	struct reprise_cursor cursor;

	CHECK_OK(reprise_session_current_cursor(round->store, "s", UINT64_MAX, &cursor));
	chain->bystander =
		link_new(&round->links, chain, stress_subscribe(round->store, &cursor, 1));
	CHECK_OK(reprise_subscription_notify(chain->bystander->subscription, call_bystander,
					     chain->bystander, NULL));
}

static void
close_bystander(struct chain *chain)
{
	reprise_subscription_close(chain->bystander->subscription);
	link_be_gone_quietly(chain->bystander);
	chain->bystanders++;
}

static void call_chain(struct reprise_subscription *subscription, void *context);

/* From here on the chain is the relay's, if the caller is not the relay itself. */
static void
set_callback(struct chain *chain)
{
	struct link *const link = link_new(&chain->round->links, chain, chain->subscription);

	chain->link = link;
	CHECK_OK(reprise_subscription_notify(link->subscription, call_chain, link, NULL));
}

static void
replace(struct chain *chain)
{
	struct link *const link = chain->link;

	chain->replaced++;
	set_callback(chain);
	link_be_gone(link);
}

/* Closes the subscription in the middle of its own callback, and goes on with another one. */
static void
move(struct chain *chain)
{
	struct reprise_cursor cursor;

	CHECK_OK(reprise_subscription_cursor(chain->subscription, &cursor));
	reprise_subscription_close(chain->subscription);
	link_be_gone(chain->link);
	chain->subscription = stress_subscribe(chain->round->store, &cursor, 1);
	chain->moved++;
	set_callback(chain);
}

static void
leave(struct chain *chain)
{
	CHECK_OK(reprise_subscription_notify(chain->subscription, NULL, NULL, NULL));
	link_be_gone(chain->link);
	chain->link = NULL;
	chain->left++;
	CHECK(sem_post(&chain->is_left) == 0);
}

static reprise_outcome
take(struct chain *chain, unsigned int most)
{
	reprise_outcome outcome;

	do {
		outcome = stress_take(chain->subscription, &chain->books);
		atomic_store(&chain->seen, chain->books.seen);
	} while ((outcome == REPRISE_NEXT_EVENT || outcome == REPRISE_NEXT_GAP) && --most > 0);
	return outcome;
}

static void
check_refusals(struct chain *chain)
{
	CHECK(reprise_wait(chain->subscription, 0) == REPRISE_E_INVALID);
	CHECK(reprise_store_close(chain->round->store) == REPRISE_E_INVALID);
}

/* The callback's successor, by act 0, 1 or 2, may have events left to take. */
static void
act(struct chain *chain)
{
	const unsigned int act = stress_random(&chain->random) % 8;
	const bool is_idle = act <= 2 && stress_random(&chain->random) % 2 == 0;

	if (take(chain, is_idle ? 1 : UINT32_MAX) == REPRISE_NEXT_ENDED) {
		leave(chain);
		return;
	}
	switch (act) {
	case 0:
		replace(chain);
		break;
	case 1:
		move(chain);
		break;
	case 2:
		leave(chain);
		break;
	case 3:
		close_bystander(chain);
		open_bystander(chain);
		break;
	case 4:
		chain->round->echoed = stress_append(chain->round->echo, chain->round->echoed + 1);
		break;
	case 5:
		check_refusals(chain);
		break;
	default:
		break;
	}
}

static void
call_chain(struct reprise_subscription *subscription, void *context)
{
	struct link *const link = context;
	struct chain *const chain = link->owner;

	link_come_in(link, subscription);
	CHECK(chain->link == link);
	act(chain);
	link_go_out(link);
}

/* Takes over, waits for a few events in its own way, and sets the callback again. */
static void *
chain_main(void *argument)
{
	struct chain *const chain = argument;

	for (;;) {
		CHECK(sem_wait(&chain->is_left) == 0);
		for (unsigned int n = stress_random(&chain->random) % 3; n > 0; n--) {
			CHECK_OK(reprise_wait(chain->subscription, REPRISE_NO_LIMIT));
			take(chain, 1);
		}
		if (chain->books.is_ended)
			return NULL;
		set_callback(chain);
	}
}

static void *
echo_main(void *argument)
{
	struct round *const round = argument;

	stress_follow(round->echo_subscription, &round->echo_books, false);
	return NULL;
}

static void
begin(struct round *round)
{
	struct reprise_cursor cursor;

	round->writer = stress_writer(round->store, "s");
	round->echo = stress_writer(round->store, "echo");
	cursor = stress_cursor(round->store, "echo");
	round->echo_subscription = stress_subscribe(round->store, &cursor, 1);
	CHECK(pthread_create(&round->echo_thread, NULL, echo_main, round) == 0);
	cursor = stress_cursor(round->store, "s");
	for (size_t i = 0; i < CHAINS; i++) {
		struct chain *const chain = &round->chains[i];

		chain->round = round;
		chain->random = (unsigned int)(appends_all + i);
		chain->subscription = stress_subscribe(round->store, &cursor, 1);
		CHECK(sem_init(&chain->is_left, 0, 0) == 0);
		CHECK(pthread_create(&chain->thread, NULL, chain_main, chain) == 0);
		open_bystander(chain);
		set_callback(chain);
	}
}

static bool
all_have_seen(struct round *round, reprise_position position)
{
	for (size_t i = 0; i < CHAINS; i++)
		if (atomic_load(&round->chains[i].seen) < position)
			return false;
	return true;
}

static void
wait_for_chains(struct round *round, reprise_position position)
{
	struct stress_patience patience = { 0 };

	while (!all_have_seen(round, position)) {
		if (round->is_deferred)
			sched_yield();
		else
			stress_yield(&patience);
	}
}

static uint64_t
append_paced_and_flooding(struct round *round)
{
	const uint64_t paced = stress_work(PACED), all = paced + stress_work(FLOOD);
	unsigned int random = 1;

	for (reprise_position next = 1; next <= all; next++) {
		if (next <= paced)
			stress_linger(&random);
		stress_append(round->writer, next);
		if (next <= paced)
			wait_for_chains(round, next);
	}
	return all;
}

static void
finish(struct round *round, uint64_t appends)
{
	CHECK_OK(reprise_writer_end(round->writer, 0));
	for (size_t i = 0; i < CHAINS; i++) {
		struct chain *const chain = &round->chains[i];

		CHECK(pthread_join(chain->thread, NULL) == 0);
		stress_balance(&chain->books, appends);
		reprise_subscription_close(chain->subscription);
		close_bystander(chain);
		CHECK(sem_destroy(&chain->is_left) == 0);
		replaced_all += chain->replaced;
		moved_all += chain->moved;
		left_all += chain->left;
		bystanders_all += chain->bystanders;
	}
	/* No callback is left that could append. */
	CHECK_OK(reprise_writer_end(round->echo, 0));
	CHECK(pthread_join(round->echo_thread, NULL) == 0);
	stress_balance(&round->echo_books, round->echoed);
	reprise_subscription_close(round->echo_subscription);
	reprise_writer_close(round->echo);
	reprise_writer_close(round->writer);
}

static void
run(reprise_wake wake)
{
	struct round *const round = calloc(1, sizeof(*round));

	CHECK(round != NULL);
	round->store = stress_store_that_wakes(wake, 20000, 8, 4096);
	round->is_deferred = wake == REPRISE_WAKE_DEFERRED;
	stress_stop_clock(round->store);
	begin(round);
	const uint64_t appends = append_paced_and_flooding(round);

	finish(round, appends);
	CHECK_OK(reprise_store_close(round->store));
	links_free(&round->links);
	appends_all += appends;
	echoed_all += round->echoed;
	free(round);
}

int
main(int argc, char **argv)
{
	stress_begin(argc, argv);
	stress_limit_payload(64);
	do {
		run(REPRISE_WAKE_RELAY);
		run(REPRISE_WAKE_DEFERRED);
	} while (!stress_is_over());
	printf("appends %llu  replaced %llu  moved %llu  left %llu  bystanders %llu  echoed %llu\n",
	       (unsigned long long)appends_all, (unsigned long long)replaced_all,
	       (unsigned long long)moved_all, (unsigned long long)left_all,
	       (unsigned long long)bystanders_all, (unsigned long long)echoed_all);
	CHECK(replaced_all > 0 && moved_all > 0 && left_all > 0 && echoed_all > 0);
	return 0;
}
