/* SPDX-License-Identifier: MIT */
/*
 * The bell and the relay: src/store/bell.c, wait.c, door.c, hand.c, relay.c. Read README.md first.
 *
 * A lost wake-up is an end state that is none: every host goes on until it has seen everything. One
 * step is one access to what others see, with what is local before and after it. Two accesses are one
 * step where nobody can tell: what only the one who queues a bell looks at goes with the exchange.
 *
 * run pair: -DHOSTS=2 -DEVENTS=1
 * run end: -DHOSTS=1 -DLOOPS=0 -DEVENTS=1 -DENDS=1
 * run loop: -DHOSTS=1 -DLOOPS=1 -DEVENTS=2 -DENDS=1
 * run two: -DHOSTS=2 -DLOOPS=2 -DEVENTS=1 -DSESSIONS=2
 * run timeouts: -DHOSTS=2 -DLOOPS=0 -DEVENTS=1 -DTIMEOUTS=1
 * run fenced: -DHOSTS=2 -DEVENTS=1 -DIS_FENCED=1
 * run fenced_end: -DHOSTS=1 -DEVENTS=1 -DENDS=1 -DIS_FENCED=1
 * run interrupt: -DHOSTS=1 -DLOOPS=0 -DEVENTS=1 -DINTERRUPTS=1
 * run void: -DHOSTS=1 -DEVENTS=1 -DVOIDS=1
 * run void_waits: -DHOSTS=1 -DLOOPS=0 -DEVENTS=1 -DVOIDS=1
 * deep pair2: -DHOSTS=2 -DEVENTS=2
 * deep loops2: -DHOSTS=2 -DLOOPS=2 -DEVENTS=2
 * deep three: -DHOSTS=3 -DEVENTS=1
 * deep others: -DHOSTS=1 -DLOOPS=0 -DEVENTS=1 -DVOIDS=1 -DINTERRUPTS=1
 *
 * mutant BITS_BEFORE_NEWEST in pair: the writer looks for hands, then publishes
 * mutant NO_BARRIER in pair: no barrier between a hand and the look after it
 * mutant LOOK_BEFORE_HAND in pair: a wait looks, then raises its hand
 * mutant DOOR_LOOK_BEFORE_HAND in pair: so does a door
 * mutant DOOR_NOT_RUNG_AT_FIRST in loop: a descriptor begins unreadable whatever there is
 * mutant DRAINED_LATE in loop: the descriptor is emptied after the look
 * mutant SETTLED_STAYS in loops2: lowering ARMED leaves SETTLED
 * mutant SETTLED_BLINDLY in loops2: a late SETTLED is taken for a newer generation's
 * mutant EPOCH_AFTER_HAND in end: the epoch is read after DIRECT is set
 * mutant EPOCH_NOT_COUNTED in end: the direct one is woken, but the epoch stays
 * mutant DIRECT_NOT_WOKEN in pair: the epoch is counted, but nobody woken
 * mutant LOWERED_IN_TWO_STEPS in void_waits: hands are lowered by a load and a store
 * mutant QUEUED_IGNORED in void: a bell that is queued is queued again
 * mutant ANSWERED_LATE in loop: QUEUED is taken back after the hands are rung
 * mutant NOT_PINNED in pair: a queued bell does not keep its session
 * mutant PUSH_NOT_AWAITED in two: the relay takes a push that is half done for the end of the queue
 * mutant RELAY_NOT_WOKEN in pair: the bell is queued, and that is all
 * mutant ASLEEP_AFTER_LOOK in pair: the relay looks at its queue, then says that it sleeps
 * mutant ASLEEP_NOT_TAKEN in two: who wakes the relay only loads and stores the word
 * mutant FENCE_FORGOTTEN in fenced: FENCED, and an append makes no fence
 * mutant RING_WITHOUT_FENCE in fenced_end: nor does what else rings
 */

#ifndef HOSTS
#define HOSTS 2
#endif
#ifndef LOOPS
#define LOOPS 1 /* so many of them, the last ones, wait at a descriptor, the others in reprise_wait */
#endif
#ifndef SESSIONS
#define SESSIONS 1 /* or 2: then host 0 is of the one, host 1 of the other */
#endif
#ifndef EVENTS
#define EVENTS 1
#endif
#ifndef ENDS
#define ENDS 0 /* the writer ends the session after them */
#endif
#ifndef TIMEOUTS
#define TIMEOUTS 0 /* of each thread, before it sleeps for ever */
#endif
#ifndef IS_FENCED
#define IS_FENCED 0
#endif
#ifndef VOIDS
#define VOIDS 0 /* another thread declares session 0 void */
#endif
#ifndef INTERRUPTS
#define INTERRUPTS 0 /* another thread interrupts host 0, which must be told */
#endif

#define HOSTS_MAX 3
#define IS_ASYMMETRIC (!IS_FENCED)
#define LAST (EVENTS + ENDS) /* a session's end counts as an event here */
#define SESSION_OF(host) (SESSIONS == 1 -> 0 : (host))

#define BELL_ARMED 1
#define BELL_QUEUED 2
#define BELL_DIRECT 4
#define BELL_FENCED 8
#define BELL_SETTLED 16
#define BELL_GENERATION 32
#define BELL_UNSETTLED 0
#define GENERATIONS (~(BELL_GENERATION - 1))
#define HANDS (BELL_ARMED | BELL_DIRECT)

/* Of a session. A store of the writer's may stay in its core's buffer: `newest` is what others see. */
byte written[SESSIONS], newest[SESSIONS];
bit is_void[SESSIONS];
short bits[SESSIONS];
byte queued_before[SESSIONS];
byte refs[SESSIONS];

/* The relay's queue: a bell is its session + 1. */
#define NO_BELL 0
#define UNKNOWN 255
byte head;
bit is_asleep;

/* Of a host. */
byte seen[HOSTS_MAX];
bit saw_void[HOSTS_MAX], interrupted[HOSTS_MAX], was_interrupted[HOSTS_MAX];
/*
 * Counters are kept as the answers that hosts take from them: `rung` and `epoch_is_same` say
 * whether the counter was raised since the host read it; `has_epoch` whether direct_epoch, if the
 * host has one, is still epoch.
 */
bit rung[HOSTS_MAX], epoch_is_same[HOSTS_MAX], has_epoch[HOSTS_MAX];
bit is_hand_up[HOSTS_MAX], hand_is_late[HOSTS_MAX], is_waiting[HOSTS_MAX];
bit has_descriptor[HOSTS_MAX], is_readable[HOSTS_MAX];

/* The word on which a host is asleep in the kernel. */
#define AWAKE 0
#define ON_EPOCH 1
#define ON_RUNG 2
byte bed[HOSTS_MAX];
bit is_relay_in_bed;

/* The memory of the assertions. */
bit is_dead[SESSIONS], is_in_queue[SESSIONS], is_direct_up[SESSIONS];
bit is_relay_called;
byte arming[SESSIONS]; /* who are between bell_arm and the end of bell_barrier */

#define HAS_ALL(i) (saw_void[i] || (seen[i] == LAST && (!VOIDS || SESSION_OF(i) != 0)))
#define IS_OVER(i) (HAS_ALL(i) && (!INTERRUPTS || (i) != 0 || was_interrupted[i]))

inline drop(s)
{
	assert(refs[s] > 0);
	refs[s]--;
	if
	:: refs[s] == 0 -> is_dead[s] = 1
	:: else
	fi
}

/* --- base/barrier.c: membarrier, which drains every core's buffer --- */

inline barrier_everywhere()
{
	newest[0] = written[0];
	newest[SESSIONS - 1] = written[SESSIONS - 1]
}

/* A fence, or a read-modify-write. The hosts' own are nothing here: what they store is seen at once. */
#define DRAIN(s, is_writer) newest[s] = (is_writer -> written[s] : newest[s])

/* --- bell.c --- */

inline futex_wake_epoch(s)
{
	d_step {
		bed[0] = (bed[0] == ON_EPOCH && SESSION_OF(0) == s -> AWAKE : bed[0]);
		bed[1] = (bed[1] == ON_EPOCH && SESSION_OF(1) == s -> AWAKE : bed[1]);
		bed[2] = (bed[2] == ON_EPOCH && SESSION_OF(2) == s -> AWAKE : bed[2]);
		calls++
	}
}

#define FORGET_EPOCH(i, s) \
	has_epoch[i] = (SESSION_OF(i) == s -> 0 : has_epoch[i]); \
	epoch_is_same[i] = (SESSION_OF(i) == s -> 0 : epoch_is_same[i])

inline wake_direct(s)
{
#ifndef MUTANT_EPOCH_NOT_COUNTED
	d_step { /* epoch++ */
		FORGET_EPOCH(0, s);
		FORGET_EPOCH(1, s);
		FORGET_EPOCH(2, s)
	}
#endif
#ifndef MUTANT_DIRECT_NOT_WOKEN
	futex_wake_epoch(s)
#endif
}

/* With the pin before it. */
inline push(s)
{
	d_step {
#ifndef MUTANT_NOT_PINNED
		assert(!is_dead[s]);
		refs[s]++;
#endif
		queued_before[s] = UNKNOWN;
		before = head;
		head = s + 1;
		assert(!is_in_queue[s]);
		is_in_queue[s] = 1
	}
	d_step {
		queued_before[s] = before;
		before = 0
	}
}

inline bell_queue_wake()
{
#ifdef MUTANT_ASLEEP_NOT_TAKEN
	was = is_asleep;
#endif
	d_step {
#ifndef MUTANT_ASLEEP_NOT_TAKEN
		was = is_asleep;
#endif
		is_asleep = 0;
		if
		:: was ->
			assert(!is_relay_called); /* one call for each sleep of the relay */
			is_relay_called = 1
		:: else
		fi
	}
	if
	:: was ->
		d_step {
			was = 0;
			calls++;
			is_relay_in_bed = 0
		}
	:: else
	fi
}

inline call_relay(s, is_writer)
{
	d_step {
		was = (bits[s] & BELL_QUEUED) != 0;
		bits[s] = bits[s] | BELL_QUEUED;
		DRAIN(s, is_writer)
	}
	if
#ifndef MUTANT_QUEUED_IGNORED
	:: was -> was = 0
#endif
	:: else ->
		push(s);
#ifndef MUTANT_RELAY_NOT_WOKEN
		bell_queue_wake()
#endif
	fi
}

#ifdef MUTANT_SETTLED_STAYS
#define GONE(hands) (hands)
#else
#define GONE(hands) ((hands) | ((hands) & BELL_ARMED -> BELL_SETTLED : 0))
#endif

/* The raised ones of @hands, into `raised`. */
inline lower_bits(s, hands, is_writer)
{
#ifdef MUTANT_LOWERED_IN_TWO_STEPS
	raised = bits[s] & hands;
#endif
	d_step {
#ifndef MUTANT_LOWERED_IN_TWO_STEPS
		raised = bits[s] & hands;
#endif
		if
		:: raised ->
			bits[s] = bits[s] & ~GONE(hands);
			DRAIN(s, is_writer)
		:: else
		fi;
		if
		:: raised & BELL_DIRECT ->
			assert(is_direct_up[s]); /* one call for each hand */
			is_direct_up[s] = 0
		:: else
		fi
	}
}

inline lower(s, hands, is_writer)
{
	lower_bits(s, hands, is_writer);
	if
	:: raised & BELL_DIRECT -> wake_direct(s)
	:: else
	fi;
	if
	:: raised & BELL_ARMED ->
		raised = 0;
		call_relay(s, is_writer)
	:: else -> raised = 0
	fi
}

inline bell_ring_cold(s)
{
#ifndef MUTANT_FENCE_FORGOTTEN
	if
	:: IS_FENCED -> DRAIN(s, 1)
	:: else
	fi;
#endif
	lower(s, HANDS, 1)
}

inline bell_ring(s, is_writer)
{
#ifndef MUTANT_RING_WITHOUT_FENCE
	DRAIN(s, is_writer);
#endif
	if
	:: bits[s] & HANDS -> lower(s, HANDS, is_writer)
	:: else
	fi
}

#define ARMED_OF(some) ((some) & (GENERATIONS | BELL_ARMED))

/* No generation is compared with while nobody is between his hand and his barrier. */
inline forget_armed(s)
{
	armed = 0;
	arming[s]--;
	bits[s] = (arming[s] == 0 -> bits[s] & ~GENERATIONS : bits[s])
}

inline bell_arm(s)
{
	d_step {
		if
		:: (bits[s] & BELL_ARMED) == 0 -> bits[s] = (bits[s] | BELL_ARMED) + BELL_GENERATION
		:: else
		fi;
		armed = ARMED_OF(bits[s]) | (bits[s] & BELL_SETTLED);
		arming[s]++
	}
}

inline bell_arm_direct(s, i)
{
#ifndef MUTANT_EPOCH_AFTER_HAND
	d_step {
		epoch_is_same[i] = 1;
		is_own = has_epoch[i]
	}
#endif
	d_step {
		is_direct = (bits[s] & BELL_DIRECT) == 0;
		bits[s] = bits[s] | BELL_DIRECT;
		is_direct_up[s] = 1
#ifndef MUTANT_EPOCH_AFTER_HAND
	}
#else
	}
	d_step {
		epoch_is_same[i] = 1;
		is_own = has_epoch[i]
	}
#endif
	d_step {
		is_direct = is_direct || is_own;
		if
		:: is_direct -> has_epoch[i] = epoch_is_same[i]
		:: else
		fi;
		is_own = 0;
		epoch_is_same[i] = 0
	}
}

inline settle(s)
{
	d_step {
		if
#ifdef MUTANT_SETTLED_BLINDLY
		:: (bits[s] & BELL_ARMED) ->
#else
		:: ARMED_OF(bits[s]) == armed ->
#endif
			bits[s] = bits[s] | BELL_SETTLED
		:: else
		fi;
		forget_armed(s)
	}
}

inline bell_barrier(s)
{
	if
	:: IS_ASYMMETRIC && (armed & BELL_SETTLED) == 0 ->
#ifndef MUTANT_NO_BARRIER
		d_step {
			barrier_everywhere()
		}
#endif
		if
		:: armed != BELL_UNSETTLED -> settle(s)
		:: else
		fi
	:: else ->
		if
		:: armed != BELL_UNSETTLED ->
			d_step {
				forget_armed(s)
			}
		:: else
		fi
	fi
}

/* --- hand.c: what is under the lock of the hands is one step, for nobody else looks at it --- */

inline put_up(i)
{
	is_hand_up[i] = 1;
	hand_is_late[i] = 1 /* hand_round: it is for the next hands_ring that begins */
}

inline take_down(i)
{
	is_hand_up[i] = 0;
	hand_is_late[i] = 0
}

inline ring_hand(i)
{
	d_step {
		take_down(i);
		/* wake_sleeper */
		rung[i] = is_waiting[i];
		if
		:: is_waiting[i] && bed[i] == ON_RUNG -> bed[i] = AWAKE
		:: else
		fi;
		/* ring_descriptor */
		if
		:: has_descriptor[i] -> is_readable[i] = 1
		:: else
		fi
	}
}

inline hand_raise_to_sleep(s, i)
{
	d_step {
		is_raised = !is_hand_up[i];
		rung[i] = 0;
		is_waiting[i] = 1;
		if
		:: is_raised -> put_up(i)
		:: else
		fi
	}
	if
	:: is_raised -> bell_arm(s)
	:: else
	fi
}

inline hand_raise_at_door(s, i)
{
	d_step {
		is_raised = !is_hand_up[i];
#ifndef MUTANT_DRAINED_LATE
		is_readable[i] = 0;
#endif
		if
		:: is_raised -> put_up(i)
		:: else
		fi
	}
	if
	:: is_raised -> bell_arm(s)
	:: else
	fi
}

inline hand_end_sleep(i)
{
	d_step {
		is_waiting[i] = 0;
		if
		:: is_raised -> take_down(i)
		:: else
		fi;
		is_raised = 0
	}
}

/* --- next.c, wait.c: in the order in which they look --- */

inline subscription_advance(s, i)
{
	if
	:: VOIDS && is_void[s] ->
		d_step {
			has_news = !saw_void[i];
			saw_void[i] = 1
		}
	:: else ->
		atomic {
			do /* what the buffer gives out before this look; nobody else could tell when */
			:: newest[s] < written[s] -> newest[s]++
			:: break
			od;
			has_news = newest[s] > seen[i];
			seen[i] = newest[s]
		}
	fi
}

inline look(s, i)
{
	if
	:: INTERRUPTS && interrupted[i] ->
		d_step {
			interrupted[i] = 0;
			was_interrupted[i] = 1;
			has_news = 1
		}
	:: else -> subscription_advance(s, i)
	fi
}

inline lie_down(s, i)
{
	bell_arm_direct(s, i);
	if
	:: is_direct
	:: else -> hand_raise_to_sleep(s, i)
	fi;
	if
	:: is_direct || is_raised -> bell_barrier(s)
	:: else
	fi
}

inline futex_wait(s, i)
{
	d_step {
		if
		:: is_direct && has_epoch[i] -> bed[i] = ON_EPOCH
		:: !is_direct && !rung[i] -> bed[i] = ON_RUNG
		:: else
		fi
	}
	if
	:: bed[i] == AWAKE
	:: d_step {
		bed[i] != AWAKE && timeouts > 0;
		timeouts--;
		bed[i] = AWAKE
	}
	fi
}

/* A host that calls reprise_wait, and takes all that there is. */
proctype Thread(byte i)
{
	bit is_direct, is_raised, is_own, has_news;
	byte timeouts = TIMEOUTS;
	byte s = SESSION_OF(i);
	short armed;

	look(s, i);
	do
	:: IS_OVER(i) -> break
	:: else ->
#ifdef MUTANT_LOOK_BEFORE_HAND
		look(s, i);
		lie_down(s, i);
#else
		lie_down(s, i);
		look(s, i);
#endif
		if
		:: has_news
		:: else ->
			futex_wait(s, i);
			look(s, i)
		fi;
		has_news = 0;
		if
		:: !is_direct -> hand_end_sleep(i)
		:: else -> is_direct = 0
		fi
	od;
	atomic {
		has_epoch[i] = 0;
		timeouts = 0;
		take_down(i);
		drop(s)
	}
}

/* --- door.c --- */

inline subscription_arm_doors(s, i)
{
#ifdef MUTANT_DOOR_LOOK_BEFORE_HAND
	subscription_advance(s, i);
#endif
	hand_raise_at_door(s, i);
	if
	:: !is_raised
	:: else ->
		bell_barrier(s);
#ifndef MUTANT_DOOR_LOOK_BEFORE_HAND
		subscription_advance(s, i);
#endif
#ifdef MUTANT_DRAINED_LATE
		is_readable[i] = 0;
#endif
		if
		:: has_news ->
			/* hand_lower, and then hand_ring_level_doors, which the owner's relay may have done */
			d_step {
				is_raised = is_hand_up[i];
				take_down(i)
			}
			if
			:: is_raised -> is_readable[i] = 1
			:: else
			fi
		:: else
		fi;
		is_raised = 0
	fi
}

/* Answers has_news: anything but EMPTY. */
inline reprise_next(s, i)
{
	subscription_advance(s, i);
	if
	:: has_news
	:: else -> subscription_arm_doors(s, i)
	fi
}

/* A host whose event loop polls the descriptor, and then calls reprise_next until it is EMPTY. */
proctype Loop(byte i)
{
	bit is_raised, has_news;
	byte s = SESSION_OF(i);
	short armed;

	/* reprise_subscription_fd */
	has_descriptor[i] = 1;
	reprise_next(s, i);
#ifndef MUTANT_DOOR_NOT_RUNG_AT_FIRST
	if
	:: has_news -> is_readable[i] = 1
	:: else
	fi;
#endif
	do
	:: IS_OVER(i) -> break
	:: !IS_OVER(i) && is_readable[i] ->
		do
		:: reprise_next(s, i);
			if
			:: has_news
			:: else -> break
			fi
		od
	od;
	atomic {
		has_news = 0;
		is_readable[i] = 0;
		has_descriptor[i] = 0;
		take_down(i);
		drop(s)
	}
}

/* --- append.c, writer.c: what is in the ring, then bell_publish --- */

proctype Writer(byte s)
{
	byte before, calls;
	bit was;
	byte raised;

	do
	:: written[s] == EVENTS -> break
	:: else ->
#ifdef MUTANT_BITS_BEFORE_NEWEST
		raised = bits[s] & (HANDS | BELL_FENCED);
		written[s]++;
		if
		:: raised -> bell_ring_cold(s)
		:: else
		fi;
#else
		written[s]++;
		if
		:: bits[s] & (HANDS | BELL_FENCED) -> bell_ring_cold(s)
		:: else
		fi;
#endif
		assert(calls <= 2);
		calls = 0
	od;
	if
	:: ENDS ->
		/* reprise_writer_end */
		written[s]++;
		bell_ring(s, 1);
		assert(calls <= 2);
		calls = 0
	:: else
	fi;
	d_step {
		drop(s)
	}
}

/* reprise_subscription_interrupt, then reprise_session_invalidate: two calls beside the writer */
proctype Other()
{
	byte before, calls;
	bit was;
	byte raised;

	if
	:: INTERRUPTS ->
		interrupted[0] = 1;
		lower_bits(0, BELL_DIRECT, 0); /* bell_ring_direct */
		if
		:: raised -> wake_direct(0)
		:: else
		fi;
		raised = 0;
		d_step {		  /* hand_interrupt */
			rung[0] = is_waiting[0];
			bed[0] = (is_waiting[0] && bed[0] == ON_RUNG -> AWAKE : bed[0])
		}
	:: else
	fi;
	if
	:: VOIDS ->
		is_void[0] = 1;
		bell_ring(0, 0)
	:: else
	fi;
	assert(calls <= 3);
	calls = 0;
	d_step {
		drop(0)
	}
}

/* --- relay.c --- */

#define HAS_TURN(i, s) (HOSTS > i && SESSION_OF(i) == s && is_hand_up[i] && !hand_is_late[i])

inline hands_ring(s)
{
	d_step {
		assert(!is_dead[s]);
		hand_is_late[0] = (SESSION_OF(0) == s -> 0 : hand_is_late[0]);
		hand_is_late[1] = (SESSION_OF(1) == s -> 0 : hand_is_late[1]);
		hand_is_late[2] = (SESSION_OF(2) == s -> 0 : hand_is_late[2])
	}
	do
	:: HAS_TURN(0, s) -> ring_hand(0)
	:: HAS_TURN(1, s) -> ring_hand(1)
	:: HAS_TURN(2, s) -> ring_hand(2)
	:: else -> break
	od
}

inline bell_answer(s)
{
	d_step {
		assert(!is_dead[s]);
		bits[s] = bits[s] & ~BELL_QUEUED
	}
}

#ifdef MUTANT_PUSH_NOT_AWAITED
#define IS_KNOWN 1
#else
#define IS_KNOWN (queued_before[session] != UNKNOWN)
#endif

inline ring_queued()
{
	d_step {
		bell = head;
		head = NO_BELL
	}
	do
	:: bell == NO_BELL -> break
	:: else ->
		session = bell - 1;
		d_step {
			IS_KNOWN;
			bell = (queued_before[session] == UNKNOWN -> NO_BELL : queued_before[session]);
			queued_before[session] = NO_BELL;
			assert(!is_dead[session]);
			is_in_queue[session] = 0
		}
#ifdef MUTANT_ANSWERED_LATE
		hands_ring(session);
		bell_answer(session);
#else
		bell_answer(session);
		hands_ring(session);
#endif
		atomic {
#ifndef MUTANT_NOT_PINNED
			drop(session);
#endif
			session = 0
		}
	od
}

inline bell_queue_doze()
{
#ifdef MUTANT_ASLEEP_AFTER_LOOK
	bell = head;
#endif
	d_step {
		is_asleep = 1;
		is_relay_called = 0
	}
#ifndef MUTANT_ASLEEP_AFTER_LOOK
	bell = head;
#endif
	if
	:: bell == NO_BELL ->
		is_relay_in_bed = is_asleep;
end_dozing:
		!is_relay_in_bed
	:: else -> bell = NO_BELL
	fi;
	is_asleep = 0
}

proctype Relay()
{
	byte bell, session;

	do
	:: ring_queued();
		bell_queue_doze()
	od
}

init
{
	atomic {
		byte s, i;

		for (s : 0 .. SESSIONS - 1) {
			bits[s] = (IS_FENCED -> BELL_FENCED : 0);
			refs[s] = 1;
			run Writer(s)
		}
		for (i : 0 .. HOSTS - 1) {
			refs[SESSION_OF(i)]++;
			if
			:: i < HOSTS - LOOPS -> run Thread(i)
			:: else -> run Loop(i)
			fi
		}
		if
		:: VOIDS || INTERRUPTS ->
			refs[0]++;
			run Other()
		:: else
		fi;
		run Relay();
		s = 0;
		i = 0
	}
}
