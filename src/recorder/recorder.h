/* SPDX-License-Identifier: MIT */
#ifndef RECORDER_RECORDER_H
#define RECORDER_RECORDER_H

/*
 * A recorder inside. One thread writes, another reads for subscriptions that heal; each has a connection
 * to the log. What the store asks of a recorder comes in by its port.
 *
 * Locks: the recorder's comes after the store's. The healing lock (heal.h) comes after both, and before a
 * session's hands. No lock is held while the log is written or read.
 */

#include <pthread.h>
#include <sys/queue.h>

#include <reprise/recorder.h>

#include "log/write.h"
#include "recorder/batch.h"
#include "recorder/heal.h"
#include "store/port.h"

enum {
	BUCKETS = 1024,
};

/* What is kept of a session as long as its window is in memory. */
struct recording {
	struct reprise_session *session; /* held while attached; NULL: its window never came */
	struct reprise_incarnation incarnation;
	char id[REPRISE_SESSION_ID_BYTES_MAX + 1];
	uint64_t hash;
	LIST_ENTRY(recording) same;  /* bucket */
	TAILQ_ENTRY(recording) link; /* coming, or attached */

	/* Under the recorder's lock. */
	bool is_attached; /* the writing thread looks at it, or will */
	bool has_writer;
	bool is_void;
	bool is_void_marked; /* and the log knows */
	bool is_fenced;
	bool is_forgotten; /* by the store: the last of those who wait frees it */
	uint64_t waiters;
	uint64_t enqueued, written, synced;

	/* The writing thread's. */
	uint64_t taken;              /* copied out of the ring */
	bool has_ended;              /* the log knows */
	bool has_all;                /* taken is what was newest at the last look */
	uint64_t quiet;              /* looks in a row that found nothing */
	uint64_t skip;               /* looks to leave out before the next */
	uint64_t retry_ns, attempts; /* refused by itself */
};

TAILQ_HEAD(recordings, recording);

/* Something that a thread of the host's waits for the writing thread to do. */
struct request {
	TAILQ_ENTRY(request) link;
	enum log_write_type type; /* LOG_LIFE or LOG_REOPEN */
	struct recording *recording;
	uint64_t deadline_ns;
	bool is_done;
	reprise_status status;
	struct reprise_error error;
	reprise_position head;
};

struct reprise_recorder {
	struct store_port port; /* first: what the store has of it */
	struct reprise_store *store;
	struct reprise_log *writing, *reading;   /* a thread's own, each */
	struct reprise_recorder_options options; /* every default filled in */
	enum log_level level;
	char tenant[REPRISE_SESSION_ID_BYTES_MAX + 1];
	uint64_t epoch_ns; /* what a stamp of 0 is in UTC */

	pthread_mutex_t lock;
	pthread_cond_t has_work; /* for the writing thread */
	pthread_cond_t has_news; /* something was recorded, or done */
	LIST_HEAD(, recording) buckets[BUCKETS];
	struct recordings coming; /* to be attached */
	TAILQ_HEAD(, request) requests;
	bool is_urgent;   /* somebody waits: look at all, now */
	bool wants_sync;  /* a commit that brings all to the disk */
	bool is_closing;  /* nothing new comes */
	bool is_stopping; /* whatever is left */
	bool has_drained; /* closing: there is nothing left */
	uint64_t looks;   /* rounds of the writing thread that began */
	uint64_t
		complete; /* the last of them that saw every session, and has committed all of it */
	uint64_t oldest_ns; /* the stamp of the oldest event in the batch; UINT64_MAX: none */
	struct reprise_recorder_stats stats;

	pthread_t thread;
	struct recordings attached; /* the writing thread's */
	struct batch batch;         /* the same */

	struct healing healing;
};

static inline struct reprise_recorder *
recorder_of(struct store_port *port)
{
	return (struct reprise_recorder *)(void *)port;
}

/* The port's functions: follow.c. */
extern const struct store_port recorder_port;

/* The writing thread: record.c. */
void *record_run(void *recorder);

/* Gives @recording, which is detached, back to the store; it may be gone afterwards. */
void recorder_let_go(struct reprise_recorder *recorder, struct recording *recording);

/* The batch was committed: what its writes have come to. False if one was refused. The writing thread's. */
bool record_settle(struct reprise_recorder *recorder, enum log_level level);

/* Under the lock: the recording of that life of that session, or NULL. */
struct recording *recorder_find(struct reprise_recorder *recorder, const char *id,
				const struct reprise_incarnation *incarnation);

/* Under the lock: nobody looks for it any more. It is freed, here or by the last who waits. */
void recorder_forget(struct recording *recording);

uint64_t recorder_hash(const char *id);

/* Under the lock: has the writing thread look now. */
void recorder_hurry(struct reprise_recorder *recorder);

/* Sleeps on @condition, on the monotonic clock, until @deadline_ns or a signal; false when it is past. */
bool recorder_sleep(pthread_cond_t *condition, pthread_mutex_t *lock, uint64_t deadline_ns);

#endif /* RECORDER_RECORDER_H */
