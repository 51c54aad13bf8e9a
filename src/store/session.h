/* SPDX-License-Identifier: MIT */
#ifndef STORE_SESSION_H
#define STORE_SESSION_H

/*
 * One life of a session: its window, its bell, and who holds it. A session that has ended and is
 * opened again is another one of these, in the same place of the table; one that was evicted,
 * expired or declared void has left the table.
 *
 * refs keeps the memory: the table, the writer, the subscriptions, the relay's queue, and calls
 * that are looking. The thread that takes refs to 0 marks the session DEAD, with a compare-exchange
 * that only one thread can win, and gives the memory back. handles, of those, counts writer and
 * subscriptions, under the store's lock: a session in the table that has none is idle, and may be
 * evicted.
 */

#include <sys/queue.h>

#include <reprise/session.h>
#include <reprise/sessions.h>

#include "ring/ring.h"
#include "store/bell.h"
#include "store/hand.h"
#include "store/store.h"
#include "store/table.h"

#define SESSION_DEAD (UINT64_C(1) << 63)

/* How an opening has found the window. */
enum {
	SESSION_CREATED = 0,
	SESSION_JOINED = 1,
	SESSION_REBUILT = 2, /* nothing was in it, and it has got other bounds */
};

/* The values of has_writer. */
enum {
	WRITER_NONE = 0,
	WRITER_ALONE = 1,
	WRITER_SHARED = 2, /* any thread, under the writer's lock (writer_lock.h) */
	WRITER_COMING = 3, /* will be shared, once the log has answered */
};

struct reprise_session {
	struct ring ring;
	alignas(CACHE_LINE_BYTES) struct bell bell;
	_Atomic(struct stamp *)
		stamp; /* the store's, here, where every append looks; or stamp_never */
	/* The word of the last append, if the word was fresh; a single writer's. */
	uint64_t stamp_seen;

	/* A look-up meets these fields. */
	alignas(CACHE_LINE_BYTES) struct table_node node;
	atomic_u64 refs;
	char id[REPRISE_SESSION_ID_BYTES_MAX + 1];

	/* Under the store's lock, and here because there is room. */
	bool is_in_table : 1;
	bool is_end_told : 1; /* to those who follow the roster */
	/* It is void: the log has lost events, and has the life up to `recorded` alone. */
	bool is_behind_in_log : 1;
	bool has_heir;   /* the heir goes on in its place, with the handles: see rebuild.c */
	uint8_t opening; /* SESSION_..: how the writer has found it */

	/* With a log, too, and here because there is room. */
	atomic_u32 recorded_only; /* subscriptions that see no more than what is recorded */
	atomic_u64 room_needed; /* the position that the append refused last would displace up to */

	atomic_u64 lock_owner; /* of shared writers: 0, or the thread inside (writer_lock.h) */

	/* Fixed at creation. */
	alignas(CACHE_LINE_BYTES) struct reprise_store *store;
	struct chunk *chunk; /* where this is */
	struct block *block; /* the ring's memory */
	struct reprise_incarnation incarnation;
	struct bounds bounds; /* as in force */
	uint64_t hash;
	uint64_t bytes; /* the session's share of bytes_max */

	/* Under the store's lock. */
	uint64_t handles;
	uint64_t idle_since_ns;
	TAILQ_ENTRY(reprise_session) idle; /* while it is in the table, and nobody holds it */
	union {
		struct reprise_session *gone_next; /* in a list of those that have left the table */
		struct reprise_session *heir;      /* pinned */
	};
	/*
	 * Of a single writer: 0, or the mark of the append on the slow path (appending.h). The lock
	 * has another word: an append by id that has found a shared writer enters the lock, also if
	 * a single writer has taken the window meanwhile. By compiler's atomics, so that the models
	 * spend no step on a word that hands nothing on.
	 */
	uint32_t appending;
	atomic_u32 refuses; /* 1: appends do not displace what is not recorded; the writer's */

	atomic_u32 has_writer;  /* WRITER_..; changed under that lock */
	atomic_u32 lock_wanted; /* futex; see writer_lock.h */
	atomic_u64 subscriptions;

	/* In a store with a log: see port.h. */
	struct recording *recording; /* the port's; fixed at creation; a heir has the same */
	atomic_u64 recorded;         /* everything up to here; the port's */

	struct hands hands;
};

/* A mutex has 40 bytes on x86-64 and 48 on aarch64, which may take one more cache line. */
static_assert(sizeof(struct reprise_session) <=
		      832 + (sizeof(pthread_mutex_t) > 40 ? CACHE_LINE_BYTES : 0),
	      "1 KiB, with what it takes beside it");

/* The public handle of a writer is the session itself, under another name: NULL is NULL. */
static inline struct reprise_session *
writer_session(struct reprise_writer *writer)
{
	return (struct reprise_session *)writer;
}

static inline struct reprise_writer *
session_writer(struct reprise_session *session)
{
	return (struct reprise_writer *)session;
}

/* False if @id is no session id; then *ret_bytes is unset. */
bool session_id_measure(const char *id, size_t *ret_bytes);
uint64_t session_id_hash(const struct reprise_store *store, const char *id, size_t id_bytes);

/* The session of that id, pinned, or NULL. Wait-free. */
struct reprise_session *session_find(struct reprise_store *store, const char *id, size_t id_bytes);

/* How a session's life begins, where a log says so. */
struct birth {
	struct reprise_incarnation incarnation;
	reprise_position position_before;
	struct recording *recording;
};

/*
 * A new session in the table, idle, with the table's reference alone, under the store's lock.
 * @before may be an ended one, which it replaces. @birth is NULL in a store without a log. Evicts
 * others if it must.
 */
reprise_status session_create(struct reprise_store *store, const char *id, size_t id_bytes,
			      const struct bounds *bounds, struct reprise_session *before,
			      const struct birth *birth, struct reprise_session **ret_session,
			      struct reprise_error *error);

/*
 * The sizes of a window with @bounds; memory_bytes is the whole block's, with the keys if
 * it has any.
 */
struct ring_shape session_shape(const struct bounds *bounds);

/*
 * A window of the same life, without events, that goes on in the place of @before with other
 * bounds: each holder of @before holds the new window. Under the store's lock.
 */
reprise_status session_rebuild(struct reprise_session *before, const struct bounds *bounds,
			       struct reprise_session **ret_session, struct reprise_error *error);

/* The bytes that a session counts for in bytes_max. */
uint64_t session_bytes(const struct ring_shape *shape);

/* A session of the store's own, that is in no table and has no id. NULL without memory. */
struct reprise_session *session_apart(struct reprise_store *store, uint64_t events_max,
				      uint64_t bytes_max);

/* A session without events: the place for subscriptions that have no window. Or NULL. */
struct reprise_session *session_lobby(struct reprise_store *store);

/*
 * Under the store's lock: nothing of it is handed out or appended any more, and it has
 * left the table.
 */
void session_declare_void(struct reprise_session *session, reprise_gone_cause cause);

/* The statistics at some moment of the call. */
struct reprise_session_stats session_stats_of(struct reprise_session *session);

/*
 * Takes a reference, for a thread that has one already or is protected by the table. False if it is
 * dead.
 */
bool session_pin(struct reprise_session *session);
void session_unpin(struct reprise_session *session);

/* Gives back a session that nobody else has ever seen. */
void session_discard(struct reprise_session *session);

/* For table_reclaim: the control block goes back. */
void session_reclaim(struct reprise_session *session);

/* Gives up what is older than the age limit. Lock-free; wait-free with @once (ring_trim_stamp). */
void session_apply_age(struct reprise_session *session, bool once);

/* Aborts unless the handle is open. In the process that opened it. */
static inline void
session_require_open(struct reprise_session *session)
{
	REPRISE_REQUIRE(load_relaxed(&session->has_writer) != 0,
			"a writer is used after reprise_writer_close");
}

/* Why the writer may not append now, whatever it is; or OK. */
reprise_status session_refusal(struct reprise_session *session);

struct reprise_cursor session_cursor_at(const struct reprise_session *session,
					reprise_position position, uint64_t revision);
/*
 * Some position that was newest during the call, with its revision; @revision_known if that could
 * not be had.
 */
struct reprise_cursor session_newest_cursor(struct reprise_session *session,
					    uint64_t revision_known);

static inline bool
session_is_here(const struct reprise_session *session)
{
	return store_is_here(session->store);
}

#endif /* STORE_SESSION_H */
