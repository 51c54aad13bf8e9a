/* SPDX-License-Identifier: MIT */
#ifndef JETSTREAM_WRITER_H
#define JETSTREAM_WRITER_H

/*
 * A writer, as the files of this room share it.
 *
 * Locks. `lock` guards the list of views, their holders, and the appends in flight; it is held for
 * short sections that neither wait nor call anybody: no libnats, no store, no completion. A view is
 * held by one call at a time (views.h); a call that holds a view may talk to the server and to the
 * store. No call holds two views.
 *
 * Threads. reprise-acks reads the acks of asynchronous appends, reprise-done calls completions
 * (flights.h). libnats has its own threads, which were started from one of ours and block all
 * signals as it does. Its callbacks (connect.c) change an atomic and take `lock` alone.
 */

#include <pthread.h>
#include <stdbool.h>
#include <sys/queue.h>

#include <nats/nats.h>

#include <reprise/jetstream_upkeep.h>

#include "base/atomic.h"
#include "jetstream/process.h"
#include "jetstream/settings.h"
#include "jetstream/table.h"

enum {
	/* subject, '.', id, ".deltas"; or subject, "-dead.", id. */
	SUBJECT_ROOM = NAME_ROOM + THREAD_ID_ROOM + 16,
	INBOX_PREFIX_ROOM = 96,
	INBOX_ROOM = INBOX_PREFIX_ROOM + 20,
	VIEW_BUCKETS = 1024, /* a power of two */
};

struct flight;
TAILQ_HEAD(flight_queue, flight);

/* A writer's knowledge of a document. */
struct view {
	/* Under the writer's lock. */
	LIST_ENTRY(view) by_hash;
	TAILQ_ENTRY(view) by_use; /* in `views.unused`, if there are no users */
	uint64_t hash;
	uint32_t users;  /* calls that hold it or wait for it, and appends that are not completed */
	bool is_held;    /* by one of the calls */
	bool is_stale;   /* an append in flight failed since it was read */
	bool has_untold; /* an append failed that has no completion; `untold` says how */
	struct reprise_error untold;
	uint32_t failed;    /* appends that failed, and whose completion was not called yet */
	uint64_t failures;  /* of appends in flight, ever */
	uint32_t comparing; /* appends acknowledged as duplicates that are not compared yet */
	uint64_t
		acked_last; /* the greatest sequence that was acknowledged to an append in flight */
	struct flight_queue in_flight; /* in the order of the calls */
	pthread_cond_t changed;        /* not held any more; nothing in flight any more */

	char id[THREAD_ID_ROOM]; /* constant */

	/* The holder's. */
	/* The uid of the document to which deltas went since the last flush, or "". */
	char sent_uid[REPRISE_THREAD_UID_BYTES];
	bool is_known;        /* what follows is set */
	uint64_t compared_ns; /* when it was compared with the store last */
	char uid[REPRISE_THREAD_UID_BYTES];
	uint64_t stored;        /* version of the document in the store */
	uint64_t version;       /* with all buffered deltas */
	uint64_t last_sequence; /* of the subject; 0: there is none */
	struct table buffered;
};

LIST_HEAD(view_bucket, view);
TAILQ_HEAD(view_queue, view);

struct views {
	struct siphash_key key; /* constant */
	struct view_bucket buckets[VIEW_BUCKETS];
	struct view_queue unused; /* the least recently used first */
	size_t count;
};

/* Appends in flight, under the writer's lock but for the constants (flights.h). */
struct flights {
	struct flight *all;    /* constant: one for each slot */
	struct flight **slots; /* by the number in the reply's subject */
	uint64_t *turns;       /* of each slot: how often it was used */
	uint32_t *free_slots;
	uint32_t free_count;
	uint32_t window;           /* constant: how many slots */
	uint32_t count;            /* appends whose completion has not returned */
	struct flight_queue sent;  /* without an ack, by their deadlines */
	struct flight_queue ready; /* to complete */
	uint32_t waiting;          /* calls that wait for room */
	uint64_t woken_ns;         /* when they were woken last */
	bool is_closing;           /* no more appends; the threads end */
	bool is_asleep;            /* reprise-done waits for `has_ready` */
	bool is_batch; /* reprise-acks has more acks to take, and wakes reprise-done after them */
	pthread_cond_t has_ready;
	pthread_cond_t has_room;
	char inbox[INBOX_PREFIX_ROOM]; /* constant: a prefix, with its dot */
	size_t inbox_bytes;
	natsSubscription *acks;
	pthread_t acks_thread, done_thread;
	bool has_acks_thread, has_done_thread;
};

struct counters {
	atomic_u64 published, repeated, flushes, applied, conflicts, dead, discarded, in_flight,
		reconnects;
};

struct reprise_jetstream {
	struct reprise_thread_store *store; /* borrowed */
	struct settings settings; /* constant; texts of the host are gone after the open */
	struct owner owner;       /* constant */
	natsConnection *connection;
	atomic_u32 is_connected; /* as the last callback said */
	atomic_u64 payload_max;  /* of the server that was connected last */
	struct counters counters;
	struct reprise_jetstream *next_abandoned; /* in the child of a fork */

	pthread_mutex_t lock;
	pthread_cond_t told; /* with the lock: libnats calls no callback any more */
	bool is_told_closed; /* under the lock */
	struct reprise_thread_page
		*spare; /* under the lock: what the next append uses again, or NULL */
	struct views views;
	struct flights flights;
};

/* The beginning of every call: E_INVALID without a writer, E_FORKED. */
reprise_status writer_check(const struct reprise_jetstream *writer, struct reprise_error *error);

/* "<subject>.<id>.deltas". */
void writer_subject(const struct reprise_jetstream *writer, const char *id,
		    char ret_subject[static SUBJECT_ROOM]);
/* By rule B01. */
bool writer_id_is_good(const char *id, size_t bytes);
/* The id in such a subject; false: it has another shape, or no id by rule B01 in it. */
bool writer_id_of(const struct reprise_jetstream *writer, const char *subject,
		  char ret_id[static THREAD_ID_ROOM]);

/* The point in time at which a call that begins now is due, on CLOCK_MONOTONIC. */
uint64_t writer_due(const struct reprise_jetstream *writer);
/* Until then, for libnats: at least 1; 0 if the time is up. */
int64_t ms_until(uint64_t due_ns);
/* Since 1970, on this machine's clock. */
uint64_t wall_ms(void);

/* Waits with the lock. False at @due_ns. */
bool writer_wait(struct reprise_jetstream *writer, pthread_cond_t *condition, uint64_t due_ns);

/* False without memory. The condition's clock is the monotonic one. */
bool condition_init(pthread_cond_t *condition);

#endif /* JETSTREAM_WRITER_H */
