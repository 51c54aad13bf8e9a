/* SPDX-License-Identifier: MIT */
#ifndef RECORDER_HEAL_H
#define RECORDER_HEAL_H

/*
 * The thread that reads the log for subscriptions. A backfill with a question is in the queue. A
 * backfill whose entries are not there yet is parked, and served again when something is recorded
 * of its session, or after a while. A subscription that has no window and has read all there is
 * waits instead, until the log says that the session has changed.
 */

#include <pthread.h>
#include <sys/queue.h>

#include <reprise/log.h>

#include "store/backfill.h"

struct reprise_recorder;
struct store_port;

TAILQ_HEAD(backfills, backfill);

/*
 * The records that are likely to be asked for next, read while nobody asks: a subscription that has
 * just been given a page, and one before that, needs a while to come back. The reading thread's.
 */
struct ahead {
	char thread[REPRISE_SESSION_ID_BYTES_MAX + 1];
	uint64_t after;
	bool is_due;                     /* to be read */
	struct backfill_records records; /* the records read; none: nothing */
};

enum {
	WATCHED_MAX = 128, /* sessions of one look; the next look goes on behind them */
	WATCHED_TOLD = 16, /* the same where commits are announced: news wait for no long look */
};

struct watched {
	uint64_t hash;
	char id[REPRISE_SESSION_ID_BYTES_MAX + 1];
	bool is_read;
	struct backfill_seen seen;
};

/*
 * How other processes' commits are noticed: the log is asked for its version, and after a
 * change of it for each session that somebody waits for, once, in as many looks as that takes.
 * The reading thread's.
 */
struct watching {
	uint64_t
		left; /* waiting subscriptions at the list's head, not looked at since the change */
	bool is_wanted; /* a look, now */
	bool is_told;   /* commits are announced (news.h): a look finds what was not */
	bool has_version;
	uint64_t version;
	uint64_t due_ns; /* the next time */
	size_t count;
	struct watched sessions[WATCHED_MAX];
};

struct healing {
	pthread_mutex_t lock;
	pthread_cond_t has_work;
	pthread_t thread;
	bool is_stopping;
	struct backfills queue, parked;
	struct backfills waiting; /* without a window, for what other processes record */
	struct backfill *serving; /* or NULL */
	uint64_t pages;
	struct ahead ahead;
	struct watching watching;
};

static inline struct backfill_seen
heal_seen(const struct reprise_log_stats *stats)
{
	return (struct backfill_seen){
		.head = stats->head,
		.watermark = stats->watermark,
		.lives = stats->lives,
		.life_state = stats->life.state,
		.end_ordinal = stats->has_ended ? stats->end_ordinal : UINT64_MAX,
		.last_life = stats->life.incarnation,
	};
}

/* The thread itself. */
void *heal_run(void *recorder);

/*
 * Something of the session with that hash has come: backfills that wait for it are looked at again.
 */
void heal_again(struct reprise_recorder *recorder, uint64_t hash);

/* The port's. */
void heal_ask(struct store_port *port, struct backfill *backfill);
void heal_cancel(struct store_port *port, struct backfill *backfill);
void heal_orphan(struct store_port *port, struct backfill *backfill);

#endif /* RECORDER_HEAL_H */
