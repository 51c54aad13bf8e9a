/* SPDX-License-Identifier: MIT */
/*
 * Closing against ringing, and what becomes of a callback: src/store/subscribe.c, door.c, hand.c,
 * relay.c. Read README.md first.
 *
 * run pings: -DMODE=PINGS
 * run pings_fd: -DMODE=PINGS -DHAS_DESCRIPTOR=1
 * run takes: -DMODE=TAKES
 * run takes_fd: -DMODE=TAKES -DHAS_DESCRIPTOR=1
 * run inside: -DMODE=INSIDE
 * run inside_fd: -DMODE=INSIDE -DHAS_DESCRIPTOR=1
 * run descriptor: -DMODE=NO_CALLBACK -DHAS_DESCRIPTOR=1
 *
 * mutant HAND_STAYS_UP in takes: closing leaves the hand up
 * mutant HAND_LOWERED_LATE in descriptor: it lowers the hand when the rest is gone
 * mutant HAND_LOWERED_FIRST in takes: it lowers the hand, then waits for the callback
 * mutant CALLBACK_TAKEN_LATE in pings: what is due is taken back, then the callback
 * mutant TAKEN_BACK_FORGOTTEN in inside: it forgets a callback that was taken back and still runs
 * mutant FREED_INSIDE in inside: it frees at once, also from inside the callback
 * mutant DUE_STAYS in pings: a call that is due stays due
 * mutant QUIET_WITHOUT_WAIT in takes: nobody waits for the callback that runs
 * mutant QUIET_WAITS_INSIDE in inside: the callback waits for itself
 * mutant NOT_TOLD in takes: nobody is told that the callback is back
 * mutant CALLED_UNDER_LOCK in inside: callbacks are called under the relay's lock
 * mutant RUNG_WITHOUT_LOCK in descriptor: doors are rung when the lock of the hands is given up
 * mutant GIVEN_BEFORE_LOOK in inside: a callback is given, then its hand is raised
 * mutant GIVEN_WITHOUT_CALL in pings: a callback that is given is not called, with no hand up
 * mutant FREED_TWICE in inside: the relay and whoever closes from inside both free it
 */

#define PINGS 0       /* the callback tells the thread, which takes what there is */
#define TAKES 1	      /* the callback takes it; the thread closes */
#define INSIDE 2      /* the callback takes, closes, sets itself again, or leaves it to the thread */
#define NO_CALLBACK 3 /* the thread polls */
#ifndef MODE
#define MODE PINGS
#endif
#ifndef HAS_DESCRIPTOR
#define HAS_DESCRIPTOR 0
#endif
#define EVENTS 2

/* The ring and the bell, which bell.pml is about. */
byte newest, seen;
bit is_armed, is_queued;

/* The locks: of the session's hands, and the relay's. */
bit hands_lock, relay_lock;

/* The subscription. There are two callbacks, 1 and 2, in turn. */
bit is_hand_up, hand_is_late;
bit is_descriptor_open, is_readable;
bit has_callback;
byte callback;
bit is_call_due, call_is_late;
bit is_closed, is_closing;

/* The relay. */
bit is_wanted, calling, waits_for_call;

/* Between the host's callback and its thread. */
bit is_pinged, is_left;

/* The memory of the assertions. */
bit is_freed, has_close_returned, is_owner_back;
bit is_gone[3];

#define LOCK(lock) atomic { !lock -> lock = 1 }
#define UNLOCK(lock) lock = 0
#define TOUCH assert(!is_freed)

/* --- relay.c --- */

inline relay_call()
{
	LOCK(relay_lock);
	d_step {
		TOUCH;
		is_new_call = !is_call_due && !is_closed;
		if
		:: is_new_call ->
			is_call_due = 1;
			call_is_late = 1 /* call_round: it is for the next call_due that begins */
		:: else
		fi;
		UNLOCK(relay_lock)
	}
	if
	:: is_new_call -> is_wanted = 1
	:: else
	fi;
	is_new_call = 0
}

#ifdef MUTANT_QUIET_WAITS_INSIDE
#define IS_OWN_CALL(is_relay) 0
#else
#define IS_OWN_CALL(is_relay) (is_relay && calling)
#endif

inline relay_quiet(is_relay, for_ever)
{
	LOCK(relay_lock);
	d_step {
		TOUCH;
#ifndef MUTANT_DUE_STAYS
		is_call_due = 0;
		call_is_late = 0;
#endif
		is_closed = is_closed || for_ever
	}
	if
	:: IS_OWN_CALL(is_relay) -> is_quiet = 0
	:: else ->
#ifndef MUTANT_QUIET_WITHOUT_WAIT
		do
		:: calling ->
			/* pthread_cond_wait */
			d_step {
				waits_for_call = 1;
				UNLOCK(relay_lock)
			}
			!waits_for_call;
			LOCK(relay_lock)
		:: else -> break
		od
#endif
	fi;
	UNLOCK(relay_lock)
}

/* --- hand.c --- */

inline ring_descriptor()
{
	if
	:: HAS_DESCRIPTOR && !is_readable ->
		assert(is_descriptor_open); /* it is not written to when it is closed */
		is_readable = 1
	:: else
	fi
}

inline hand_raise()
{
	LOCK(hands_lock);
	d_step {
		TOUCH;
		is_new_hand = !is_hand_up;
		is_readable = 0;
		hand_is_late = hand_is_late || is_new_hand;
		is_hand_up = 1;
		UNLOCK(hands_lock)
	}
	if
	:: is_new_hand -> is_armed = 1 /* bell_arm and bell_barrier */
	:: else
	fi
}

inline hand_lower()
{
	LOCK(hands_lock);
	d_step {
		TOUCH;
		was_up = is_hand_up;
		is_hand_up = 0;
		hand_is_late = 0;
		UNLOCK(hands_lock)
	}
}

inline hand_ring_level_doors()
{
	LOCK(hands_lock);
	d_step {
		TOUCH;
		ring_descriptor();
		UNLOCK(hands_lock)
	}
}

inline hand_give_callback()
{
	LOCK(hands_lock);
	d_step {
		TOUCH;
		has_callback = 1
	}
#ifndef MUTANT_GIVEN_WITHOUT_CALL
	if
	:: !is_hand_up -> relay_call()
	:: else
	fi;
#endif
	UNLOCK(hands_lock) /* the session's: the subscription may be gone */
}

inline hand_take_callback()
{
	LOCK(hands_lock);
	d_step {
		TOUCH;
		has_callback = 0;
		UNLOCK(hands_lock)
	}
}

inline hands_ring()
{
	LOCK(hands_lock);
	hand_is_late = 0;
	do
	:: is_hand_up && !hand_is_late ->
		d_step {
			TOUCH;
			is_hand_up = 0;
#ifdef MUTANT_RUNG_WITHOUT_LOCK
			UNLOCK(hands_lock)
#endif
		}
		d_step {
			TOUCH;
			ring_descriptor()
		}
		if
		:: has_callback -> relay_call()
		:: else
		fi;
		UNLOCK(hands_lock);
		LOCK(hands_lock)
	:: else -> break
	od;
	UNLOCK(hands_lock)
}

/* --- next.c, door.c, subscribe.c --- */

inline subscription_advance()
{
	d_step {
		TOUCH;
		has_news = newest > seen
	}
}

inline subscription_arm_doors()
{
	hand_raise();
	if
	:: is_new_hand ->
		is_new_hand = 0;
		subscription_advance();
		if
		:: has_news ->
			hand_lower();
			if
			:: was_up -> hand_ring_level_doors()
			:: else
			fi;
			was_up = 0
		:: else
		fi
	:: else
	fi
}

/* reprise_next until it answers EMPTY */
inline take_all()
{
	do
	:: subscription_advance();
		if
		:: !has_news && (HAS_DESCRIPTOR || has_callback) -> subscription_arm_doors()
		:: else
		fi;
		if
		:: has_news ->
			d_step {
				TOUCH;
				seen = newest;
				has_news = 0
			}
		:: else -> break
		fi
	od
}

/* reprise_subscription_notify: with no callback */
inline take_away(is_relay)
{
#ifdef MUTANT_CALLBACK_TAKEN_LATE
	relay_quiet(is_relay, 0);
	hand_take_callback();
#else
	hand_take_callback();
	relay_quiet(is_relay, 0);
#endif
	is_quiet = 1;
	is_gone[callback] = 1
}

/* reprise_subscription_notify: with the other callback */
inline set(is_relay)
{
	if
	:: callback != 0 -> take_away(is_relay)
	:: else
	fi;
	LOCK(relay_lock); /* relay_set_callback */
	d_step {
		TOUCH;
		callback = (callback == 1 -> 2 : 1);
		is_gone[callback] = 0;
		UNLOCK(relay_lock)
	}
#ifdef MUTANT_GIVEN_BEFORE_LOOK
	hand_give_callback();
#endif
	subscription_advance();
	if
	:: !has_news -> subscription_arm_doors()
	:: else
	fi;
	has_news = 0;
#ifndef MUTANT_GIVEN_BEFORE_LOOK
	hand_give_callback()
#endif
}

inline subscription_free()
{
	d_step {
		assert(!is_freed); /* once */
		assert(!is_hand_up && !is_call_due && !calling);
		is_descriptor_open = 0
	}
	is_freed = 1
}

#ifdef MUTANT_TAKEN_BACK_FORGOTTEN
#define HAD_CALLBACK has_callback
#else
#define HAD_CALLBACK (callback != 0)
#endif

inline reprise_subscription_close(is_relay)
{
#ifdef MUTANT_HAND_LOWERED_FIRST
	hand_lower();
#endif
	if
	:: HAD_CALLBACK ->
		hand_take_callback();
		relay_quiet(is_relay, 1)
	:: else
	fi;
#if !defined(MUTANT_HAND_STAYS_UP) && !defined(MUTANT_HAND_LOWERED_LATE) && \
	!defined(MUTANT_HAND_LOWERED_FIRST)
	hand_lower();
#endif
	was_up = 0;
	if
#ifdef MUTANT_FREED_INSIDE
	:: 1 -> subscription_free()
#else
	:: is_quiet -> subscription_free()
	:: else ->
		is_closing = 1;
#ifdef MUTANT_FREED_TWICE
		subscription_free();
#endif
		is_quiet = 1
#endif
	fi;
	d_step {
		has_close_returned = 1;
		is_gone[1] = 1;
		is_gone[2] = 1
	}
#ifdef MUTANT_HAND_LOWERED_LATE
	LOCK(hands_lock);
	is_hand_up = 0;
	UNLOCK(hands_lock);
#endif
}

/* --- the host --- */

/* The callback, in the relay's thread. It may not touch the subscription when it has closed it or left it. */
inline call_back()
{
	if
	:: MODE == PINGS -> is_pinged = 1
	:: MODE == TAKES -> take_all()
	:: MODE == INSIDE ->
		if
		:: 1 ->
			take_all();
			if
			:: seen < EVENTS
			:: 1 -> reprise_subscription_close(1)
			:: seen < EVENTS -> set(1)
			:: 1 ->
				take_away(1);
				is_left = 1
			fi
		:: 1 -> reprise_subscription_close(1)
		:: seen < EVENTS -> set(1)
		:: 1 ->
			take_away(1);
			is_left = 1
		fi
	fi
}

/*
 * The thread that opened it. An owner that goes on until everything is seen hangs if a call or a
 * ring is missing.
 */
proctype Owner()
{
	bit is_new_call, is_new_hand, was_up, has_news, is_quiet = 1, goes_on;
	byte changes;

	if
	:: HAS_DESCRIPTOR ->
		/* reprise_subscription_fd */
		is_descriptor_open = 1;
		subscription_advance();
		if
		:: has_news
		:: else -> subscription_arm_doors()
		fi;
		if
		:: has_news -> hand_ring_level_doors()
		:: else
		fi;
		has_news = 0
	:: else
	fi;
	if
	:: MODE != NO_CALLBACK -> set(0)
	:: else
	fi;
	if
	:: MODE == PINGS || MODE == NO_CALLBACK ->
		if
		:: goes_on = 1 /* until it has seen everything */
		:: goes_on = 0
		fi;
		do
		:: !goes_on -> break
		:: seen == EVENTS -> break
		:: seen < EVENTS && (is_pinged || is_readable) ->
			is_pinged = 0;
			take_all()
		:: MODE == PINGS && changes < 2 ->
			changes++;
			set(0)
		:: MODE == PINGS && changes < 2 ->
			changes++;
			take_away(0);
			if
			:: 1 ->
				take_all();
				set(0)
			:: !goes_on -> break
			fi
		od;
		reprise_subscription_close(0)
	:: MODE == TAKES ->
		if
		:: 1
		:: seen == EVENTS
		fi;
		reprise_subscription_close(0)
	:: MODE == INSIDE ->
		do
		:: is_left ->
			is_left = 0;
			if
			:: 1 -> reprise_subscription_close(0)
			:: seen < EVENTS -> set(0)
			:: 1 ->
				take_all();
				if
				:: seen < EVENTS -> set(0)
				:: else -> reprise_subscription_close(0)
				fi
			fi
		:: has_close_returned -> break
		od
	fi;
	is_owner_back = 1
}

proctype Writer()
{
	do
	:: newest == EVENTS -> break
	:: else ->
		newest++;
		d_step {
			/* bell_publish, and what it does to the relay */
			is_queued = is_queued || is_armed;
			is_armed = 0
		}
	od
}

inline call_due()
{
	LOCK(relay_lock);
	call_is_late = 0;
	do
	:: is_call_due && !call_is_late ->
		d_step {
			TOUCH;
			is_call_due = 0;
			calling = 1;
			called = callback
		}
#ifndef MUTANT_CALLED_UNDER_LOCK
		UNLOCK(relay_lock);
#endif
		d_step {
			assert(!has_close_returned);
			assert(!is_gone[called]); /* neither closed nor replaced */
			called = 0
		}
		call_back();
		skip;
#ifndef MUTANT_CALLED_UNDER_LOCK
		LOCK(relay_lock);
#endif
		d_step {
			calling = 0;
#ifndef MUTANT_NOT_TOLD
			waits_for_call = 0;
#endif
			TOUCH
		}
		if
		:: is_closing ->
			UNLOCK(relay_lock);
			subscription_free();
			LOCK(relay_lock)
		:: else
		fi
	:: else -> break
	od;
	UNLOCK(relay_lock)
}

proctype Relay()
{
	bit is_new_call, is_new_hand, was_up, has_news, is_quiet = 1;
	byte called;

end_dozing:
	do
	:: is_queued ->
		is_queued = 0; /* bell_answer */
		hands_ring();
		if
		:: is_wanted ->
			is_wanted = 0;
			call_due()
		:: else
		fi
	:: is_wanted && !is_queued ->
		is_wanted = 0;
		call_due()
	od
}

/* When nothing moves any more. */
proctype Judge()
{
end_waiting:
	timeout;
	d_step {
		assert(is_owner_back);
		assert(is_freed);
		assert(!is_queued && !is_wanted && !hands_lock && !relay_lock)
	}
}

init
{
	atomic {
		run Owner();
		run Writer();
		run Relay();
		run Judge()
	}
}
