/* SPDX-License-Identifier: MIT */
#ifndef STORE_APPENDING_H
#define STORE_APPENDING_H

/*
 * The beginning and the end that all appends share.
 *
 * The slow path detects two threads that append to one session at once (rule P08). There each
 * append marks the session with the address of its own frame, and aborts if it finds another
 * append's mark. It records the stamp that it took last: until then every other append takes the
 * slow path, too. The store's thread changes the stamp every 10 ms while anything is appended, and
 * leaves it stale for 10 ms once a second, in which every append takes the slow path.
 */
#include "ring/append.h"
#include "store/refuse.h"
#include "store/session.h"
#include "store/writer_lock.h"

enum {
	FLAGS_OF_LIBRARY = 0x00fe,
};

/* The event is in the ring: says so. The last thing an append does. */
static inline void
publish(struct reprise_session *session, reprise_position newest)
{
	ring_publish(&session->ring, newest);
	bell_publish(&session->bell);
}

/* In a session that refuses, no append may run ahead: each is to ask. */
static inline void
stop_running(struct reprise_session *session)
{
	if (unlikely(load_relaxed(&session->refuses) != 0))
		session->ring.run_end = 0;
}

/*
 * Whether @count records of @bytes in all would displace what is not recorded, where
 * that is refused.
 */
static inline bool
is_full(struct reprise_session *session, uint64_t bytes, uint64_t count)
{
	return unlikely(load_relaxed(&session->refuses) != 0) &&
	       !refuse_has_room(session, bytes, count);
}

#define TWO_AT_ONCE "two threads append to one session at once"

/*
 * From the address of the caller's frame, and never 0. Two threads have different frames. The macro
 * stands in functions that are always inlined, so that the frame is the caller's.
 */
#define APPEND_MARK ((uint32_t)(uintptr_t)__builtin_frame_address(0) | 1)

/* Answers the stamp word that it took, for end_append. */
static ALWAYS_INLINE uint64_t
begin_append(struct reprise_session *session)
{
	uint64_t stamp_seen;

	/* The lock keeps shared writers apart. */
	if (likely(!session_is_shared(session))) {
		REPRISE_REQUIRE(__atomic_load_n(&session->appending, __ATOMIC_RELAXED) == 0,
				TWO_AT_ONCE);
		__atomic_store_n(&session->appending, APPEND_MARK, __ATOMIC_RELAXED);
	}
	/* Stamps what is appended from now on. */
	ring_stamp(&session->ring, stamp_take(load_relaxed(&session->stamp), &stamp_seen));
	return stamp_seen;
}

static ALWAYS_INLINE void
end_append(struct reprise_session *session, uint64_t stamp_seen)
{
	fence_compiler();
	if (unlikely(session_is_shared(session)))
		return;
	/* The next append goes on with it while the word stands. */
	session->stamp_seen = stamp_seen;
	REPRISE_REQUIRE(__atomic_load_n(&session->appending, __ATOMIC_RELAXED) == APPEND_MARK,
			TWO_AT_ONCE);
	__atomic_store_n(&session->appending, 0, __ATOMIC_RELAXED);
}

/* Appends an event as a shared writer, under its lock. */
reprise_status append_by_id(struct reprise_session *session, uint64_t revision, uint16_t kind,
			    uint16_t flags, struct reprise_bytes payload,
			    reprise_position *ret_position);

#endif /* STORE_APPENDING_H */
