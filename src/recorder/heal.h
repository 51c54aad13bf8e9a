/* SPDX-License-Identifier: MIT */
#ifndef RECORDER_HEAL_H
#define RECORDER_HEAL_H

/*
 * The thread that reads the log for subscriptions. Who asks is in the queue; who asks for what is not there
 * yet is parked, and looked at again when something is recorded of its session, or after a while, since
 * other processes record, too.
 */

#include <pthread.h>
#include <sys/queue.h>

#include "store/backfill.h"

struct reprise_recorder;
struct store_port;

TAILQ_HEAD(backfills, backfill);

/*
 * What is likely to be asked for next, read while nobody asks: a subscription that has just been given a page, and one
 * before that, needs a while to come back. The reading thread's.
 */
struct ahead {
	char thread[REPRISE_SESSION_ID_BYTES_MAX + 1];
	uint64_t after;
	bool is_due;                     /* to be read */
	struct backfill_records records; /* what was; none: nothing */
};

struct healing {
	pthread_mutex_t lock;
	pthread_cond_t has_work;
	pthread_t thread;
	bool is_stopping;
	struct backfills queue, parked;
	struct backfill *serving; /* or NULL */
	uint64_t pages;
	struct ahead ahead;
};

/* The thread itself. */
void *heal_run(void *recorder);

/* Something of the session with that hash has come: whoever waits for it is looked at again. */
void heal_again(struct reprise_recorder *recorder, uint64_t hash);

/* The port's. */
void heal_ask(struct store_port *port, struct backfill *backfill);
void heal_cancel(struct store_port *port, struct backfill *backfill);
void heal_orphan(struct store_port *port, struct backfill *backfill);

#endif /* RECORDER_HEAL_H */
