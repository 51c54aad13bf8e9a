/* SPDX-License-Identifier: MIT */
#include "store/relay.h"

#include <sched.h>

#include "base/numbers.h"
#include "base/thread.h"
#include "store/roster.h"
#include "store/subscription.h"

enum {
	TICKS_FRESH = 100, /* before the stamp word is left stale for one */
	IDLE_GROWTH = 8,   /* of the time between two looks, while nothing is appended */
};

#define IDLE_NS_MAX NS_PER_S
#define SPIN_NS     UINT64_C(50000) /* of looking at the queue after a round that rang somebody */

/* In a relay's thread, its own. A fork inherits it, where it means nothing. */
static _Thread_local struct relay *own;

bool
relay_is_caller(void)
{
	return own != NULL && stamp_is_here(own->stamp);
}

/* How far the thread is in keeping the stamp word. */
struct keeping {
	bool fresh;          /* else the word is stale */
	unsigned int ticks;  /* left to be fresh */
	uint64_t until_next; /* ns */
};

static void
keep_word(struct stamp *stamp, struct keeping *keeping)
{
	if (keeping->fresh && keeping->ticks > 0) {
		keeping->ticks--;
		store_relaxed(&stamp->word, STAMP_FRESH | clock_coarse_ns());
	} else if (keeping->fresh) {
		keeping->fresh = false;
		store_relaxed(&stamp->wanted, 0);
		store_relaxed(&stamp->word, STAMP_STALE);
	} else if (load_relaxed(&stamp->wanted) != 0) {
		*keeping = (struct keeping){ true, TICKS_FRESH, STAMP_TICK_NS };
		store_relaxed(&stamp->word, STAMP_FRESH | clock_coarse_ns());
	} else {
		keeping->until_next = least(IDLE_GROWTH * keeping->until_next, IDLE_NS_MAX);
	}
}

static void
keep_stamp(struct relay *relay, struct keeping *keeping)
{
	pthread_mutex_lock(&relay->lock);
	if (relay->stamp_by_host)
		keeping->until_next = IDLE_NS_MAX;
	else
		keep_word(relay->stamp, keeping);
	pthread_mutex_unlock(&relay->lock);
}

static struct reprise_session *
session_of_bell(struct bell *bell)
{
	return (struct reprise_session *)(void *)((char *)bell -
						  offsetof(struct reprise_session, bell));
}

/* Rings all hands that are up in queued sessions. Answers whether a session was queued. */
static bool
ring_queued(struct relay *relay)
{
	struct bell *bell = bell_queue_take(&relay->queue);
	const bool was_queued = bell != NULL;

	while (bell != NULL) {
		struct reprise_session *const session = session_of_bell(bell);

		bell = bell_queued_before(bell); /* now: it may be queued again at once */
		bell_answer(&session->bell);
		(void)hands_ring(session);
		roster_tell_end(session);
		session_unpin(session);
	}
	return was_queued;
}

/* Looks at everything that is watched, and forgets where nobody has a hand up any more. */
static void
look_at_watched(struct relay *relay, bool rings)
{
	struct reprise_session **at = &relay->watched;

	while (*at != NULL) {
		struct reprise_session *const session = *at;
		struct reprise_session *const next = session->hands.watched_next;

		if (hands_watch(session, rings)) {
			at = &session->hands.watched_next;
		} else {
			/* From that answer on it may be in the list of new ones again. */
			*at = next;
			session_unpin(session);
		}
	}
}

static void
take_new_watched(struct relay *relay)
{
	pthread_mutex_lock(&relay->lock);
	struct reprise_session *session = relay->watched_new;

	/* Before the rest is looked at, which is under the lock, too. */
	store_relaxed(&relay->is_wanted, 0);
	relay->watched_new = NULL;
	pthread_mutex_unlock(&relay->lock);
	while (session != NULL) {
		struct reprise_session *const next = session->hands.watched_next;

		session->hands.watched_next = relay->watched;
		relay->watched = session;
		session = next;
	}
}

/* Under the lock. */
static void
forget_due(struct relay *relay, struct reprise_subscription *subscription)
{
	if (subscription->is_call_due)
		TAILQ_REMOVE(&relay->due, subscription, call);
	subscription->is_call_due = false;
}

/* Calls back what is due now. Answers whether anything was. */
static bool
call_due(struct relay *relay)
{
	struct reprise_subscription *subscription;
	bool has_called = false;

	pthread_mutex_lock(&relay->lock);
	const uint64_t round = relay->round++;

	while ((subscription = TAILQ_FIRST(&relay->due)) != NULL &&
	       subscription->call_round <= round) {
		const reprise_callback callback = subscription->callback;
		void *const context = subscription->callback_context;

		forget_due(relay, subscription);
		relay->calling = subscription;
		pthread_mutex_unlock(&relay->lock);
		callback(subscription, context);
		has_called = true;
		pthread_mutex_lock(&relay->lock);
		relay->calling = NULL;
		pthread_cond_broadcast(&relay->has_called);
		if (subscription->is_closing) {
			pthread_mutex_unlock(&relay->lock);
			subscription_free(subscription);
			pthread_mutex_lock(&relay->lock);
		}
	}
	pthread_mutex_unlock(&relay->lock);
	return has_called;
}

static bool
is_wanted(void *context)
{
	struct relay *const relay = context;

	return load_relaxed(&relay->is_wanted) != 0 || load_relaxed(&relay->is_stopping) != 0;
}

/* Does the work left for the thread. Answers whether it rang or called anybody. */
static bool
do_round(struct relay *relay)
{
	bool is_busy = ring_queued(relay);

	if (load_relaxed(&relay->is_wanted) != 0) {
		take_new_watched(relay);
		is_busy |= call_due(relay);
	}
	return is_busy;
}

static void *
relay_main(void *argument)
{
	struct relay *const relay = argument;
	struct keeping keeping = { .until_next = STAMP_TICK_NS };
	uint64_t stamp_due = clock_ns() + STAMP_TICK_NS, tick_due = 0, spin_end = 0;

	own = relay;
	while (load_relaxed(&relay->is_stopping) == 0) {
		const bool is_busy = do_round(relay);
		const uint64_t now = clock_ns();

		if (is_busy)
			spin_end = now + SPIN_NS;
		if (relay->watched != NULL && now >= tick_due) {
			look_at_watched(relay, true);
			tick_due = deadline_after(now, relay->tick_ns);
		}
		if (now >= stamp_due) {
			keep_stamp(relay, &keeping);
			look_at_watched(relay, false);
			table_reclaim(relay->table, true, session_reclaim);
			stamp_due = now + keeping.until_next;
		}
		/* A thread that was rung may be waiting for this core. */
		if (now < spin_end)
			sched_yield();
		else
			bell_queue_doze(&relay->queue, is_wanted, relay,
					relay->watched != NULL ? least(stamp_due, tick_due)
							       : stamp_due);
	}
	return NULL;
}

bool
relay_open(struct relay *relay, struct stamp *stamp, uint64_t tick_ns)
{
	*relay = (struct relay){ .stamp = stamp,
				 .tick_ns = tick_ns,
				 .due = TAILQ_HEAD_INITIALIZER(relay->due) };
	atomic_init(&relay->queue.head, NULL);
	atomic_init(&relay->queue.is_asleep, 0);
	atomic_init(&relay->is_stopping, 0);
	atomic_init(&relay->is_wanted, 0);
	if (pthread_mutex_init(&relay->lock, NULL) != 0)
		return false;
	if (pthread_cond_init(&relay->has_called, NULL) != 0) {
		pthread_mutex_destroy(&relay->lock);
		return false;
	}
	return true;
}

/* Sessions that were queued or watched when the thread stopped are still held for it. */
static void
let_all_go(struct relay *relay)
{
	struct bell *bell = bell_queue_take(&relay->queue);

	while (bell != NULL) {
		struct reprise_session *const session = session_of_bell(bell);

		bell = bell_queued_before(bell);
		session_unpin(session);
	}
	take_new_watched(relay);
	while (relay->watched != NULL) {
		struct reprise_session *const session = relay->watched;

		relay->watched = session->hands.watched_next;
		session_unpin(session);
	}
}

void
relay_close(struct relay *relay)
{
	if (relay->is_started) {
		store_relaxed(&relay->is_stopping, 1);
		(void)bell_queue_wake(&relay->queue);
		pthread_join(relay->thread, NULL);
	}
	/*
	 * Also without the thread: in a store that defers, a host that waits for a first session
	 * has the lobby watched.
	 */
	let_all_go(relay);
	pthread_cond_destroy(&relay->has_called);
	pthread_mutex_destroy(&relay->lock);
}

int
relay_start(struct relay *relay)
{
	if (relay->is_started)
		return 0;
	const int refused = thread_start(&relay->thread, "reprise-relay", relay_main, relay);

	relay->is_started = refused == 0;
	return refused;
}

void
relay_stamp_by_host(struct relay *relay, uint64_t stamp_ns)
{
	/* Under the thread's lock, so that no tick of its own can follow. */
	pthread_mutex_lock(&relay->lock);
	relay->stamp_by_host = true;
	store_relaxed(&relay->stamp->word, STAMP_FRESH | stamp_ns);
	pthread_mutex_unlock(&relay->lock);
}

bool
relay_stamp_of_host(struct relay *relay, uint64_t *ret_stamp_ns)
{
	pthread_mutex_lock(&relay->lock);
	const bool is_hosts = relay->stamp_by_host;

	if (is_hosts)
		*ret_stamp_ns = load_relaxed(&relay->stamp->word) & ~STAMP_FRESH;
	pthread_mutex_unlock(&relay->lock);
	return is_hosts;
}

void
relay_watch(struct relay *relay, struct reprise_session *session)
{
	pthread_mutex_lock(&relay->lock);
	session->hands.watched_next = relay->watched_new;
	relay->watched_new = session;
	store_relaxed(&relay->is_wanted, 1);
	pthread_mutex_unlock(&relay->lock);
	(void)bell_queue_wake(&relay->queue);
}

void
relay_set_callback(struct relay *relay, struct reprise_subscription *subscription,
		   void (*callback)(struct reprise_subscription *subscription, void *context),
		   void *context)
{
	pthread_mutex_lock(&relay->lock);
	subscription->callback = callback;
	subscription->callback_context = context;
	pthread_mutex_unlock(&relay->lock);
}

void
relay_call(struct relay *relay, struct reprise_subscription *subscription)
{
	pthread_mutex_lock(&relay->lock);
	const bool is_new = !subscription->is_call_due && !subscription->is_closed;

	if (is_new) {
		TAILQ_INSERT_TAIL(&relay->due, subscription, call);
		subscription->call_round = relay->round;
		subscription->is_call_due = true;
		store_relaxed(&relay->is_wanted, 1);
	}
	pthread_mutex_unlock(&relay->lock);
	if (is_new)
		(void)bell_queue_wake(&relay->queue);
}

bool
relay_quiet(struct relay *relay, struct reprise_subscription *subscription, bool for_ever)
{
	bool is_quiet = true;

	pthread_mutex_lock(&relay->lock);
	forget_due(relay, subscription);
	subscription->is_closed |= for_ever;
	if (own == relay && relay->calling == subscription)
		is_quiet = false;
	else
		while (relay->calling == subscription)
			pthread_cond_wait(&relay->has_called, &relay->lock);
	pthread_mutex_unlock(&relay->lock);
	return is_quiet;
}
