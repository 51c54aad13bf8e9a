/* SPDX-License-Identifier: MIT */
#ifndef STORE_RELAY_H
#define STORE_RELAY_H

/*
 * The store's thread. It rings whom appends do not wake themselves: sleepers but the first of a
 * session, descriptors, callbacks. It gives back the memory of sessions that are gone, and it keeps
 * the stamp word: every 10 ms while anything is appended; once a second it leaves the word stale
 * for a tick to learn whether anything still is; if not, it looks at ever longer intervals, up to a
 * second.
 *
 * After ringing it looks at its queue for a while before it sleeps, so that a busy session's writer
 * need not wake it for every event.
 */

#include <pthread.h>
#include <stdalign.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "store/bell.h"
#include "store/stamp.h"

struct reprise_session;
struct reprise_subscription;
struct table;

struct relay {
	struct bell_queue queue;

	alignas(CACHE_LINE_BYTES) struct stamp *stamp; /* borrowed */
	struct table *table;                           /* borrowed; reclaims retired sessions */
	uint64_t tick_ns;                              /* between two looks at what is watched */
	pthread_t thread;
	bool is_started; /* under the store's lock */
	atomic_u32 is_stopping;
	atomic_u32 is_wanted; /* something below is for the thread; changed under the lock */

	/* Under the lock; the thread is never called back under it. */
	pthread_mutex_t lock;
	pthread_cond_t has_called;              /* a callback has returned */
	bool stamp_by_host;                     /* the word is the host's; hands off */
	TAILQ_HEAD(, reprise_subscription) due; /* whose callbacks are to be called */
	uint64_t round;                         /* of calling; calls due meanwhile are the next's */
	struct reprise_subscription *calling;   /* whose callback runs, or NULL */
	struct reprise_session *watched_new;

	struct reprise_session *watched; /* the thread's own */
};

/* False if the system has no more mutexes or condition variables. */
bool relay_open(struct relay *relay, struct stamp *stamp, uint64_t tick_ns);

/* Stops the thread. */
void relay_close(struct relay *relay);

/* Starts the thread if it is not running; answers 0 or an errno. Under the store's lock. */
int relay_start(struct relay *relay);

/* Whether the caller is the relay of some store, which is to say in a callback. */
bool relay_is_caller(void);

/* The word is the host's from now on. */
void relay_stamp_by_host(struct relay *relay, uint64_t stamp_ns);

/* Whether it is, and then its stamp. */
bool relay_stamp_of_host(struct relay *relay, uint64_t *ret_stamp_ns);

/* Looks at @session at every tick from now on, until no hand is up; then unpins it. */
void relay_watch(struct relay *relay, struct reprise_session *session);

/* Sets the callback of @subscription. No call of the old one may be due or running elsewhere. */
void relay_set_callback(struct relay *relay, struct reprise_subscription *subscription,
			void (*callback)(struct reprise_subscription *subscription, void *context),
			void *context);

/* Has @subscription's callback called, once, if it is not due already. */
void relay_call(struct relay *relay, struct reprise_subscription *subscription);

/*
 * Takes back a due call of @subscription's callback, and waits until a running one has returned.
 * From inside that very callback: false, at once. With @for_ever no call follows, not even after
 * relay_call.
 */
bool relay_quiet(struct relay *relay, struct reprise_subscription *subscription, bool for_ever);

#endif /* STORE_RELAY_H */
