/* SPDX-License-Identifier: MIT */
/*
 * Sessions that go, against handles and look-ups: src/store/session.c, idle.c, table.c, subscribe.c,
 * invalidate.c, writer.c, past.c. Read README.md first.
 *
 * run evict: -DLOOKERS=2 -DCREATES=1
 * run expire: -DLOOKERS=1 -DCREATES=1 -DIS_EXPIRED=1 -DSUBSCRIPTIONS=1
 * run invalidate: -DLOOKERS=1 -DCREATES=1 -DWRITERS=1 -DINVALIDATES=1 -DEVICTS=0
 * run held: -DLOOKERS=1 -DCREATES=1 -DWRITERS=1 -DSUBSCRIPTIONS=1
 * run both: -DLOOKERS=1 -DSUBSCRIPTIONS=1 -DINVALIDATES=1
 * run twice: -DLOOKERS=2 -DCREATES=2 -DEVICTS=2
 * run full: -DLOOKERS=1 -DWRITERS=1
 * deep many: -DLOOKERS=2 -DCREATES=1 -DWRITERS=1 -DINVALIDATES=1
 *
 * mutant DEAD_BY_STORE in evict: who counts down to 0 stores DEAD, whatever there is by then
 * mutant DROPPED_UNPROTECTED in evict: a reference is given up without the table's protection
 * mutant PIN_UNCHECKED in evict: whoever finds a dead session has it
 * mutant PINNED_LATE in evict: a look-up pins when its read section is over
 * mutant NO_GRACE in evict: what is retired is freed at once
 * mutant TAKEN_AFTER_GRACE in twice: the retired list is taken when the grace period is over
 * mutant UNPINNED_FIRST in evict: the table's reference is given up, then the session leaves the table
 * mutant HELD_UNCHECKED in held: a session that is held is evicted
 * mutant TABLE_UNCHECKED in held: a handle is counted without looking whether it is in the table
 * mutant COUNTED_UNLOCKED in held: a handle is counted when the lock is given up
 * mutant UNPINNED_ONCE in invalidate: whoever declares it void keeps his own reference
 * mutant UNPINNED_THRICE in invalidate: or gives up one that is not his
 * mutant NOT_REMEMBERED in twice: the newest position of what leaves is not remembered
 * mutant NOT_REMEMBERED_AT_CLOSE in invalidate: nor that of a writer in a window that is void
 */

#ifndef LOOKERS
#define LOOKERS 1 /* threads that look a session up, and create it if it is not there */
#endif
#ifndef SUBSCRIPTIONS
#define SUBSCRIPTIONS 0
#endif
#ifndef WRITERS
#define WRITERS 0
#endif
#ifndef EVICTS
#define EVICTS 1
#endif
#ifndef IS_EXPIRED
#define IS_EXPIRED 0 /* by expire_idle, instead of by another that needs room */
#endif
#ifndef INVALIDATES
#define INVALIDATES 0
#endif
#ifndef CREATES
#define CREATES 0 /* after the first */
#endif

#define LIVES (CREATES + 1)
#define THREADS 6
#define NONE 255
#define SESSION_DEAD 128

/* The table has one id. Each life of it has memory of its own, so that none is mistaken for another. */
byte table = NONE;
byte lives; /* how many there were */
byte refs[LIVES], handles[LIVES], newest[LIVES], position_before[LIVES];
bit is_in_table[LIVES], is_void[LIVES], has_writer[LIVES];
byte past;
bit store_lock;

/* liburcu: who is in a read section, and whom the grace period waits for */
bit is_looking[THREADS], is_awaited[THREADS];
bit is_retired[LIVES];

/* The memory of the assertions. */
bit is_window_given[LIVES], was_retired[LIVES], is_freed[LIVES];

#define LOCK atomic { !store_lock -> store_lock = 1 }
#define UNLOCK store_lock = 0
#define TOUCH(session) assert(!is_freed[session])
#define USE(session) assert(!is_freed[session] && !is_window_given[session])

/* --- table.c --- */

#define PROTECT(me) is_looking[me] = 1

inline table_unprotect(me)
{
	d_step {
		is_looking[me] = 0;
		is_awaited[me] = 0
	}
}

inline table_retire(some)
{
	d_step {
		assert(!was_retired[some]); /* once */
		was_retired[some] = 1;
		is_retired[some] = 1
	}
}

/* --- session.c --- */

/* Leaves in was_dead what it found. */
inline session_pin(some)
{
	d_step {
		TOUCH(some);
		was_dead = refs[some] >= SESSION_DEAD;
		refs[some]++
	}
	if
	:: was_dead ->
		d_step {
			TOUCH(some);
			refs[some]--
		}
	:: else
	fi;
#ifdef MUTANT_PIN_UNCHECKED
	was_dead = 0
#endif
}

inline drop(me, some)
{
#ifndef MUTANT_DROPPED_UNPROTECTED
	PROTECT(me);
#endif
	d_step {
		TOUCH(some);
		assert(refs[some] > 0 && refs[some] != SESSION_DEAD);
		refs[some]--;
		is_last = refs[some] == 0
	}
	if
	:: is_last ->
		d_step {
			TOUCH(some);
#ifndef MUTANT_DEAD_BY_STORE
			if
			:: refs[some] == 0 -> refs[some] = SESSION_DEAD
			:: else -> is_last = 0
			fi
#else
			refs[some] = SESSION_DEAD
#endif
		}
	:: else
	fi;
	table_unprotect(me)
}

inline session_unpin(me, some)
{
	drop(me, some);
	if
	:: is_last ->
		d_step {
			is_last = 0;
			USE(some);
			is_window_given[some] = 1
		}
		table_retire(some)
	:: else
	fi
}

/* table_find: the session in `session`, pinned, or NONE */
inline session_find(me)
{
	PROTECT(me);
	do
	:: session = table;
		if
		:: session == NONE -> break
		:: else ->
#ifdef MUTANT_PINNED_LATE
			table_unprotect(me);
#endif
			session_pin(session);
			if
			:: !was_dead -> break
			:: else -> was_dead = 0
			fi
		fi
	od;
	table_unprotect(me)
}

inline past_remember(some)
{
	past = (newest[some] > past -> newest[some] : past)
}

/* All positions given out are below, but for a window that a writer is still in: contracts A09. */
#define IS_BELOW(some, position) (some >= lives || has_writer[some] || newest[some] <= position)

/* Under the lock, with nothing in the table. Nobody else sees it before it is there. */
inline session_create()
{
	d_step {
		assert(table == NONE && lives < LIVES);
		session = lives;
		position_before[session] = past;
		newest[session] = past;
		assert(IS_BELOW(0, past) && IS_BELOW(LIVES / 2, past) && IS_BELOW(LIVES - 1, past));
		lives++;
		refs[session] = 1;
		is_in_table[session] = 1;
		table = session
	}
}

/* --- idle.c: under the lock --- */

/* The callers leave the table's reference in place. */
inline idle_leave(some)
{
	table = NONE;
	d_step {
		is_in_table[some] = 0;
#ifndef MUTANT_NOT_REMEMBERED
		past_remember(some)
#endif
	}
}

/* --- the calls --- */

/* reprise_session_create, then reprise_session_current_cursor or _earliest_cursor */
proctype Looker(byte me)
{
	byte session;
	bit was_dead, is_last;

	session_find(me);
	if
	:: session == NONE ->
		LOCK;
		session_find(me);
		if
		:: session == NONE && lives < LIVES ->
			session_create();
			session_pin(session)
		:: else
		fi;
		UNLOCK
	:: else
	fi;
	if
	:: session != NONE ->
		USE(session); /* it looks at the ring */
		session_unpin(me, session)
	:: else
	fi
}

inline idle_hold(some)
{
	d_step {
		TOUCH(some);
		handles[some]++
	}
}

/* reprise_subscribe_after, and reprise_subscription_close */
proctype Subscription(byte me)
{
	byte session;
	bit was_dead, is_last, is_held;

	do
	:: is_held -> break
	:: else ->
		session_find(me);
		if
		:: session == NONE -> break
		:: else ->
			LOCK;
#ifdef MUTANT_TABLE_UNCHECKED
			is_held = 1;
#else
			is_held = is_in_table[session];
#endif
#ifdef MUTANT_COUNTED_UNLOCKED
			UNLOCK;
#endif
			if
			:: is_held -> idle_hold(session)
			:: else
			fi;
#ifndef MUTANT_COUNTED_UNLOCKED
			UNLOCK;
#endif
			if
			:: !is_held -> session_unpin(me, session)
			:: else
			fi
		fi
	od;
	if
	:: is_held ->
		d_step {
			USE(session);
			assert(is_in_table[session] || INVALIDATES); /* who is held stays */
			is_held = 0
		}
		/* let_go */
		LOCK;
		handles[session]--;
		UNLOCK;
		session_unpin(me, session)
	:: else
	fi
}

/* reprise_writer_open, an append, and reprise_writer_close */
proctype Writer(byte me)
{
	byte session;
	bit was_dead, is_last;

	LOCK;
	session_find(me);
	if
	:: session == NONE && lives < LIVES ->
		session_create();
		session_pin(session)
	:: else
	fi;
	if
	:: session == NONE -> UNLOCK
	:: else ->
		idle_hold(session);
		has_writer[session] = 1;
		UNLOCK;
		if
		:: is_void[session]
		:: else -> newest[session]++
		fi;
		d_step {
			USE(session);
			assert(is_in_table[session] || INVALIDATES)
		}
		LOCK;
		has_writer[session] = 0;
#ifndef MUTANT_NOT_REMEMBERED_AT_CLOSE
		if
		:: !is_in_table[session] -> past_remember(session)
		:: else
		fi;
#endif
		handles[session]--;
		UNLOCK;
		session_unpin(me, session)
	fi
}

#ifdef MUTANT_HELD_UNCHECKED
#define IS_IDLE(some) 1
#else
#define IS_IDLE(some) (handles[some] == 0)
#endif

/* idle_make_room, or reprise_sessions_expire_idle, which gives up the reference when the lock is given up */
proctype Evicting(byte me)
{
	byte session, times;
	bit is_last;

	do
	:: times == EVICTS -> break
	:: else ->
		times++;
		LOCK;
		session = table;
		if
		:: session != NONE && IS_IDLE(session) ->
#ifdef MUTANT_UNPINNED_FIRST
			session_unpin(me, session);
			idle_leave(session);
#else
			idle_leave(session);
			if
			:: !IS_EXPIRED -> session_unpin(me, session)
			:: else
			fi;
#endif
		:: else -> session = NONE
		fi;
		UNLOCK;
		if
		:: IS_EXPIRED && session != NONE -> session_unpin(me, session)
		:: else
		fi
	od
}

/* reprise_session_invalidate */
proctype Invalidating(byte me)
{
	byte session;
	bit was_dead, is_last;

	LOCK;
	session_find(me);
	if
	:: session != NONE ->
		idle_leave(session);
		is_void[session] = 1
	:: else
	fi;
	UNLOCK;
	if
	:: session != NONE ->
		USE(session); /* bell_ring */
		session_unpin(me, session);
#ifdef MUTANT_UNPINNED_THRICE
		session_unpin(me, session);
#endif
#ifndef MUTANT_UNPINNED_ONCE
		session_unpin(me, session)
#endif
	:: else
	fi
}

#define HAS_RETIRED (is_retired[0] || is_retired[LIVES / 2] || is_retired[LIVES - 1])

/* table_reclaim, by the relay */
proctype Reclaiming()
{
	bit is_taken[LIVES];
	byte i;

end_idle:
	do
	:: HAS_RETIRED ->
#ifndef MUTANT_TAKEN_AFTER_GRACE
		d_step {
			for (i : 0 .. LIVES - 1) {
				is_taken[i] = is_retired[i];
				is_retired[i] = 0
			}
		}
#endif
#ifndef MUTANT_NO_GRACE
		/* urcu_bp_synchronize_rcu */
		d_step {
			for (i : 0 .. THREADS - 1) {
				is_awaited[i] = is_looking[i]
			}
			i = 0
		}
		!is_awaited[0] && !is_awaited[1] && !is_awaited[2] && !is_awaited[3] &&
			!is_awaited[4] && !is_awaited[5];
#endif
#ifdef MUTANT_TAKEN_AFTER_GRACE
		d_step {
			for (i : 0 .. LIVES - 1) {
				is_taken[i] = is_retired[i];
				is_retired[i] = 0
			}
		}
#endif
		d_step {
			for (i : 0 .. LIVES - 1) {
				if
				:: is_taken[i] ->
					assert(!is_freed[i] && is_window_given[i]); /* once */
					is_freed[i] = 1;
					is_taken[i] = 0
				:: else
				fi
			}
			i = 0
		}
	od
}

/* When nothing moves any more: what is in the table is there, and the rest is gone. */
#define IS_RIGHT(some) (some >= lives || is_freed[some] == (table != some))

proctype Judge()
{
end_waiting:
	timeout;
	d_step {
		assert(!store_lock);
		assert(IS_RIGHT(0) && IS_RIGHT(LIVES / 2) && IS_RIGHT(LIVES - 1));
		assert(table == NONE || (refs[table] == 1 && handles[table] == 0))
	}
}

init
{
	atomic {
		byte session, i;

		session_create();
		newest[0] = 1;
		session = 0;
		for (i : 0 .. LOOKERS - 1) {
			run Looker(i)
		}
		if
		:: SUBSCRIPTIONS -> run Subscription(2)
		:: else
		fi;
		if
		:: WRITERS -> run Writer(3)
		:: else
		fi;
		if
		:: EVICTS -> run Evicting(4)
		:: else
		fi;
		if
		:: INVALIDATES -> run Invalidating(5)
		:: else
		fi;
		run Reclaiming();
		run Judge();
		i = 0
	}
}
