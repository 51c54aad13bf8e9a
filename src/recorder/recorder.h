/* SPDX-License-Identifier: MIT */
#ifndef RECORDER_RECORDER_H
#define RECORDER_RECORDER_H

/*
 * A recorder inside. One thread writes, another reads for subscriptions that heal; each has a
 * connection to the log. With the option reads_only there is no thread that writes, and no
 * recording; where the log announces commits, a thread waits for them (news.h). With the option
 * retention another thread prunes the log (retain.h). The store's requests come in by its port.
 *
 * Locks: the store's, then the healing lock (heal.h), then a session's hands, then the recorder's.
 * No other lock is taken under the recorder's, and none is held while the log is written or read.
 */

#include <pthread.h>
#include <sys/queue.h>

#include <reprise/recorder.h>

#include "log/write.h"
#include "recorder/batch.h"
#include "recorder/failure.h"
#include "recorder/heal.h"
#include "recorder/lease.h"
#include "recorder/news.h"
#include "recorder/retain.h"
#include "store/port.h"

enum {
	BUCKETS = 1024,
};

/* The recorder's knowledge of a session as long as the session's window is in memory. */
struct recording {
	struct reprise_session *session; /* held while attached; NULL: its window never came */
	struct reprise_incarnation incarnation;
	char id[REPRISE_SESSION_ID_BYTES_MAX + 1];
	uint64_t hash;
	LIST_ENTRY(recording) same;  /* bucket */
	TAILQ_ENTRY(recording) link; /* coming, attached, or parked */

	/* Under the recorder's lock. */
	bool is_attached; /* the writing thread looks at it, or will, or has parked it */
	bool is_parked;   /* the store notifies the recorder when there is more: see park.c */
	bool has_writer;
	bool is_void;
	bool is_void_marked; /* and the log knows */
	bool is_fenced;
	bool is_doubted;   /* the log may have gone back: the next attempt finds out (known.h) */
	bool has_heir;     /* another window has come in the place of `session`: see succeed.c */
	bool is_forgotten; /* by the store: the last of those who wait frees it */
	bool is_wanted;    /* a flush or the closing waits for it: the next attempt comes at once */
	uint64_t waiters;
	uint64_t enqueued, written, synced;
	reprise_status stuck; /* the log's refusal, or OK; see failure.h */
	uint64_t stuck_ns;    /* since when */
	char *stuck_text;     /* owned; or NULL */
	uint64_t attempt;     /* number of the last attempt to record it */
	uint64_t refused;     /* the last attempt that was refused to this session alone */

	/* The writing thread's. */
	uint64_t taken;              /* copied out of the ring */
	uint64_t goal;               /* the pass in progress covers events up to here */
	bool has_ended;              /* the log knows */
	bool has_all;                /* taken is what was newest at the last look */
	uint64_t quiet;              /* looks in a row that found nothing */
	uint64_t skip;               /* looks to leave out before the next */
	uint64_t park_due_ns;        /* when it is parked, if nothing comes until then */
	struct recording *park_next; /* of those that are parked in one round */
	uint64_t retry_ns, attempts; /* refused by itself */
	uint64_t leased_ns;          /* the lease was renewed at this time, or later */
};

TAILQ_HEAD(recordings, recording);

/*
 * A pass covers every event that was appended before the pass began, in every session. The writing
 * thread makes one pass after the other, as long as flushes ask for them. A pass takes as many
 * rounds as the events need.
 */
struct passes {
	uint64_t begun;         /* number of the last pass that began */
	uint64_t asked;         /* the greatest number that a flush waits for */
	uint64_t done[3];       /* by durability: the last pass whose events have all come so far */
	uint64_t refused;       /* the last pass that left a refused session behind */
	reprise_status refusal; /* and why that session was refused */
};

struct reprise_recorder {
	struct store_port port; /* first: what the store has of it */
	struct reprise_store *store;
	struct reprise_log *writing, *reading;   /* a thread's own; reads_only: no writing */
	struct reprise_recorder_options options; /* every default filled in */
	enum log_level level;
	char tenant[REPRISE_SESSION_ID_BYTES_MAX + 1];

	pthread_mutex_t lock;
	pthread_cond_t has_work; /* for the writing thread */
	pthread_cond_t has_news; /* something was recorded, or done */
	LIST_HEAD(, recording) buckets[BUCKETS];
	struct recordings coming; /* to be attached */
	struct recordings parked; /* attached, and not looked at */
	TAILQ_HEAD(, request) requests;
	bool has_heirs;   /* some recording has one */
	bool is_urgent;   /* somebody waits: look at all, now */
	bool is_closing;  /* nothing new comes */
	bool is_stopping; /* whatever is left */
	bool has_drained; /* closing: there is nothing left but what the log refuses */
	struct passes passes;
	/* Flushes that wait for synced events: every commit is synced meanwhile. */
	uint64_t sync_waiters;
	bool has_unsynced; /* something written is not synced */
	/* The time of the append of the batch's oldest event, on CLOCK_MONOTONIC; or UINT64_MAX. */
	uint64_t oldest_ns;
	struct reprise_recorder_stats stats;
	struct wall wall;

	pthread_t thread;
	struct recordings attached; /* the writing thread's */
	uint64_t park_ns;           /* of silence, before a recording is parked */
	bool can_park;              /* the writing thread's: the store can notify it */
	struct batch batch;         /* the same */
	/* On CLOCK_MONOTONIC: the renewal of silent sessions' leases; UINT64_MAX: never. */
	uint64_t renewal_ns;

	struct healing healing;
	struct recorder_news news;
	struct recorder_retention retention;
};

static inline struct reprise_recorder *
recorder_of(struct store_port *port)
{
	return (struct reprise_recorder *)(void *)port;
}

/* The options with each default filled in; REPRISE_E_INVALID with the name of a bad option. */
reprise_status recorder_options_resolve(const struct reprise_recorder_options *given,
					struct reprise_recorder_options *ret_options,
					struct reprise_error *error);

/* The port's functions: follow.c. */
extern const struct store_port recorder_port;

/* The writing thread: record.c. */
void *record_run(void *recorder);

/*
 * Writes the first @count writes of the batch in one transaction; or, if something that is stored
 * is damaged, in ever smaller ones, so that damage of one session is answered to that session
 * alone. The writing thread's.
 */
reprise_status recorder_write(struct reprise_recorder *recorder, enum log_level level, size_t count,
			      struct reprise_error *error);

/* Under the lock: notes the status of a transaction. */
void recorder_note_transaction(struct reprise_recorder *recorder, reprise_status status,
			       const struct reprise_error *error);

/*
 * Gives @session, the window that @recording had when it was detached, back to the store; without a
 * window, frees @recording. That may be gone afterwards.
 */
void recorder_let_go(struct reprise_recorder *recorder, struct recording *recording,
		     struct reprise_session *session);

/* The batch was committed at that level: settles each of its writes. The writing thread's. */
void record_settle(struct reprise_recorder *recorder, enum log_level level);

/* Under the lock: the recording of that life of that session, or NULL. */
struct recording *recorder_find(struct reprise_recorder *recorder, const char *id,
				const struct reprise_incarnation *incarnation);

/* Whether a life was declared void here, and the log may not know yet. */
bool recorder_is_void(struct reprise_recorder *recorder, const char *id,
		      const struct reprise_incarnation *incarnation);

/* The same of a life as the log has it, if the log knows. */
bool recorder_knows_void(struct reprise_recorder *recorder, const char *id,
			 const struct reprise_life *life);

void recording_free(struct recording *recording);

/* Under the lock: the life of @recording has begun in the log, after @head. */
void recorder_remember(struct reprise_recorder *recorder, struct recording *recording,
		       reprise_position head);

/* Under the lock: the writing thread is to look at @recording from now on. */
void recorder_come(struct reprise_recorder *recorder, struct recording *recording);

/* Parks the recordings that have been silent for long enough. The writing thread's. */
void recorder_park(struct reprise_recorder *recorder, uint64_t now_ns);

/* Under the lock: the writing thread looks at @recording again, if it was parked. */
void recorder_unpark(struct reprise_recorder *recorder, struct recording *recording);

/* Under the lock: the same for each parked recording that has something to record; and for each. */
void recorder_unpark_changed(struct reprise_recorder *recorder);
void recorder_unpark_all(struct reprise_recorder *recorder);

/* succeed of the port. */
void recorder_succeed(struct store_port *port, struct reprise_session *heir);

/*
 * Under the lock, which it gives up now and then: goes over to windows' heirs until there are none.
 * The writing thread's.
 */
void recorder_follow_heirs(struct reprise_recorder *recorder);

/* Under the lock: nobody looks for it any more. It is freed, here or by the last waiter. */
void recorder_forget(struct recording *recording);

uint64_t recorder_hash(const char *id);

/* Lives begin, or go on: open_lives of the port. */
void recorder_open_lives(struct store_port *port, struct opening *openings, size_t count);

bool recorder_is_durability(reprise_durability durability);

/* Under the lock: up to which position @recording has come so far. */
uint64_t recorder_through(const struct recording *recording, reprise_durability durability);

/* The window of that session, as of now. */
reprise_status recorder_window(struct reprise_recorder *recorder, const char *session_id,
			       struct reprise_session_stats *stats);

/* Under the lock: has the writing thread look now. */
void recorder_hurry(struct reprise_recorder *recorder);

/*
 * Sleeps on @condition, on the monotonic clock, until @deadline_ns or a signal; false when
 * it is past.
 */
bool recorder_sleep(pthread_cond_t *condition, pthread_mutex_t *lock, uint64_t deadline_ns);

#endif /* RECORDER_RECORDER_H */
