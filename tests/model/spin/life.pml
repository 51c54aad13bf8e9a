/* SPDX-License-Identifier: MIT */
/*
 * The lives of a session, and what a subscription to one of them is told: src/store/writer.c,
 * session.c, idle.c, past.c, invalidate.c, subscribe.c, judge.c, next.c, gap.c. Read README.md first.
 *
 * run ends: -DOPENS=2 -DSUBSCRIPTIONS=1
 * run trims: -DOPENS=2 -DSUBSCRIPTIONS=1 -DTRIMS=1
 * run voids: -DOPENS=2 -DSUBSCRIPTIONS=1 -DINVALIDATES=1
 * run expires: -DOPENS=2 -DSUBSCRIPTIONS=1 -DEXPIRES=1
 * run writers: -DWRITERS=2 -DOPENS=1 -DINVALIDATES=1 -DSUBSCRIPTIONS=0
 * run writers2: -DWRITERS=2 -DOPENS=2 -DAPPENDS=1 -DINVALIDATES=1 -DEXPIRES=1 -DSUBSCRIPTIONS=0
 * run both: -DOPENS=1 -DSUBSCRIPTIONS=1 -DINVALIDATES=1 -DEXPIRES=1
 * deep both2: -DOPENS=2 -DSUBSCRIPTIONS=1 -DINVALIDATES=1 -DEXPIRES=1
 *
 * mutant INCARNATION_STAYS in ends: the next life has the incarnation of the one before
 * mutant INCARNATION_NOT_COMPARED in ends: any cursor of the id is followed
 * mutant BEGINS_AT_PAST in ends: a life that replaces another goes on above what is remembered alone
 * mutant NOT_REMEMBERED in expires: the newest position of what leaves is not remembered
 * mutant NOT_REMEMBERED_AT_CLOSE in writers: nor that of a writer in a window that is void
 * mutant FORGOTTEN_WHEN_LESS in writers2: what is remembered is written over by less
 * mutant ENDED_IS_JOINED in ends: a writer joins a session that has ended
 * mutant WRITER_UNCHECKED in writers: a second writer comes in
 * mutant ENDED_AFTER_NEWEST in ends: a look loads the newest position, then whether it has ended
 * mutant END_AT_ONCE in ends: the end is told before what is retained
 * mutant VOID_NOT_LOOKED_AT in voids: a subscription goes on in a void window
 * mutant VOID_BEFORE_GONE in voids: a window becomes void while it is in the table
 * mutant APPEND_UNCHECKED in writers: an append does not look whether its window is void
 * mutant GAP_FROM_OLD in voids: a gap's cursors are those of the life that is gone
 * mutant LOST_UNCOUNTED in trims: what is trimmed is passed over without a gap
 */

#ifndef WRITERS
#define WRITERS 1
#endif
#ifndef OPENS
#define OPENS 2 /* by each of them */
#endif
#ifndef SUBSCRIPTIONS
#define SUBSCRIPTIONS 1 /* a host that goes on with the cursor that it has, also after a gap and an end */
#endif
#ifndef INVALIDATES
#define INVALIDATES 0
#endif
#ifndef EXPIRES
#define EXPIRES 0
#endif
#ifndef TRIMS
#define TRIMS 0
#endif

#define LIVES 5
#ifndef APPENDS
#define APPENDS 2 /* in a life that is opened, at most */
#endif
#define SUBSCRIBES 3
#define NONE 255

/* The table has one id. */
byte table = NONE;
byte lives;
byte past;
bit store_lock;

/* Of a life. */
byte incarnation[LIVES], position_before[LIVES], newest[LIVES], floor[LIVES], handles[LIVES];
bit ended[LIVES], invalid[LIVES], is_in_table[LIVES], has_writer[LIVES];

/* The memory of the assertions. */
byte settled[LIVES];	 /* the newest position when the declaration of the window as void began */
bit is_writing[LIVES];
byte over;

#define LOCK atomic { !store_lock -> store_lock = 1 }
#define UNLOCK store_lock = 0
#define GREATEST(one, other) ((one) > (other) -> (one) : (other))

/* --- past.c, idle.c, session.c: under the lock --- */

inline past_remember(position)
{
#ifdef MUTANT_FORGOTTEN_WHEN_LESS
	past = (position > 0 -> position : past)
#else
	past = GREATEST(past, position)
#endif
}

/*
 * The positions given out in @life, but for appends that ran while it was declared void: contracts
 * A09.
 */
#define GIVEN(life) (has_writer[life] && invalid[life] -> settled[life] : newest[life])
#define IS_BELOW(life, position) (life >= lives || GIVEN(life) <= position)

/* In the place of @before, which has ended, or of none. Nobody sees it before it is in the table. */
inline session_create(before)
{
	d_step {
		assert(lives < LIVES);
		life = lives;
		incarnation[life] = life + 1;
		position_before[life] = past;
		if
		:: before != NONE ->
#ifdef MUTANT_INCARNATION_STAYS
			incarnation[life] = incarnation[before];
#endif
#ifndef MUTANT_BEGINS_AT_PAST
			position_before[life] = GREATEST(newest[before], past);
#endif
			is_in_table[before] = 0 /* idle_be_replaced */
		:: else
		fi;
		assert(IS_BELOW(0, position_before[life]) && IS_BELOW(1, position_before[life]) &&
		       IS_BELOW(2, position_before[life]) && IS_BELOW(3, position_before[life]));
		lives++;
		newest[life] = position_before[life];
		floor[life] = position_before[life];
		is_in_table[life] = 1;
		table = life
	}
}

inline idle_leave(some)
{
	d_step {
		table = NONE;
		is_in_table[some] = 0
	}
#ifndef MUTANT_NOT_REMEMBERED
	past_remember(newest[some])
#endif
}

/* --- writer.c, append.c --- */

inline reprise_writer_open()
{
	LOCK;
	is_busy = 0;
	life = table;
	if
#ifndef MUTANT_WRITER_UNCHECKED
	:: life != NONE && has_writer[life] -> is_busy = 1
	:: life == NONE || (ended[life] && !has_writer[life]) ->
#else
	:: life == NONE || ended[life] ->
#endif
#ifdef MUTANT_ENDED_IS_JOINED
		if
		:: life == NONE -> session_create(life)
		:: else
		fi
#else
		before = life;
		session_create(before);
		before = 0
#endif
	:: else
	fi;
	if
	:: !is_busy ->
		d_step {
			handles[life]++;
			has_writer[life] = 1;
			assert(!is_writing[life]); /* one writer */
			is_writing[life] = 1
		}
	:: else
	fi;
	UNLOCK
}

/* An append that began when the window was void already takes no position; one that runs may. */
inline reprise_append()
{
	d_step {
		was_void = invalid[life];
		assert(!ended[life])
	}
	if
#ifndef MUTANT_APPEND_UNCHECKED
	:: invalid[life]
#endif
	:: else ->
		d_step {
			assert(!was_void);
			newest[life]++
		}
	fi;
	was_void = 0
}

inline reprise_writer_end()
{
	if
	:: invalid[life]
	:: else -> ended[life] = 1
	fi
}

inline reprise_writer_close()
{
	LOCK;
	d_step {
		has_writer[life] = 0;
		is_writing[life] = 0;
#ifndef MUTANT_NOT_REMEMBERED_AT_CLOSE
		if
		:: !is_in_table[life] -> past_remember(newest[life])
		:: else
		fi;
#endif
		handles[life]--
	}
	UNLOCK
}

/* Opens, appends, ends or not, closes; and again. */
proctype Writer()
{
	byte life, before, opens, appends;
	bit is_busy, was_void;

	do
	:: opens == OPENS -> break
	:: else ->
		opens++;
		reprise_writer_open();
		if
		:: is_busy -> is_busy = 0
		:: else ->
			do
			:: appends == APPENDS -> break
			:: appends > 0 -> break
			:: appends < APPENDS ->
				appends++;
				reprise_append()
			od;
			appends = 0;
			if
			:: 1 -> reprise_writer_end()
			:: 1
			fi;
			reprise_writer_close()
		fi;
		life = 0
	od;
	over++
}

/* --- invalidate.c, idle.c, where.c --- */

proctype Invalidating()
{
	byte life;

	LOCK;
	life = table;
	if
	:: life != NONE ->
		/* declare_void; settled is what had been given out when the call began */
		settled[life] = newest[life];
#ifdef MUTANT_VOID_BEFORE_GONE
		invalid[life] = 1;
#endif
		idle_leave(life);
		invalid[life] = 1
	:: else
	fi;
	UNLOCK;
	over++
}

proctype Expiring()
{
	byte life;

	LOCK;
	life = table;
	if
	:: life != NONE && handles[life] == 0 -> idle_leave(life)
	:: else
	fi;
	UNLOCK;
	over++
}

/* reprise_session_trim, or what an append gives up for room */
proctype Trimming()
{
	byte life;

	life = table;
	if
	:: life != NONE -> floor[life] = newest[life]
	:: else
	fi;
	over++
}

/* --- subscribe.c, judge.c, next.c, gap.c --- */

/* reprise_session_create, then reprise_session_current_cursor or _earliest_cursor */
inline reprise_cursor()
{
	LOCK;
	life = table;
	if
	:: life == NONE -> session_create(NONE)
	:: else
	fi;
	UNLOCK;
	at_incarnation = incarnation[life];
	if
	:: at = newest[life]
	:: at = floor[life]
	fi;
	life = 0
}

inline reprise_subscribe_after()
{
	LOCK;
	life = table;
	if
	:: life != NONE -> handles[life]++
	:: else
	fi;
	UNLOCK
}

/* Leaves in `refused` whether the cursor can be followed, and whether for being of another life. */
inline subscription_judge()
{
	d_step {
		if
		:: life == NONE -> refused = 1
#ifndef MUTANT_INCARNATION_NOT_COMPARED
		:: life != NONE && incarnation[life] != at_incarnation -> refused = 1
#endif
		:: else ->
			/* A cursor that was given out is neither ahead nor before its window. */
			assert(own_life == NONE || own_life == life);
			assert(at <= newest[life] && at >= position_before[life]);
			own_life = life;
			from = at
		fi
	}
}

/* take_unavailable: the window of now, which is never the one that has just been found void */
inline take_unavailable()
{
#ifdef MUTANT_GAP_FROM_OLD
	live = life;
#else
	live = table;
#endif
	if
	:: live != NONE ->
		assert(!is_void_found || live != life);
		/* The cursor's look first. */
		at = floor[live];
		at_incarnation = incarnation[live];
		own_life = live;
		assert(at <= newest[live])
	:: else ->
		at_incarnation = 0;
		own_life = NONE
	fi;
	live = 0
}

/* One reprise_next. */
inline reprise_next()
{
	was_void = invalid[life];
#ifndef MUTANT_VOID_NOT_LOOKED_AT
	is_void_found = invalid[life];
#endif
	if
	:: is_void_found -> refused = 1
	:: else ->
#ifdef MUTANT_ENDED_AFTER_NEWEST
		look_newest = newest[life];
		look_kept = floor[life] + 1;
		look_ended = ended[life];
#else
		look_ended = ended[life];
		look_kept = floor[life] + 1;
		look_newest = newest[life];
#endif
		if
#ifdef MUTANT_END_AT_ONCE
		:: look_ended ->
#else
		:: at >= look_newest && look_ended ->
#endif
			d_step {
				/* Everything was delivered, or named as lost. */
				assert(at == newest[life] && from + delivered + lost == at);
				assert(!was_void);
				is_over = 1
			}
		:: at >= look_newest && !look_ended
#ifdef MUTANT_LOST_UNCOUNTED
		:: at < look_newest && at + 1 < look_kept -> at = look_kept - 1
#else
		:: at < look_newest && at + 1 < look_kept ->
			d_step {
				lost = lost + look_kept - 1 - at;
				at = look_kept - 1
			}
#endif
		:: else ->
			d_step {
				/* Only of the life that the cursor is of, and nothing once that is void. */
				assert(!was_void && incarnation[life] == at_incarnation);
				assert(own_life == life && at < newest[life]);
				at++;
				delivered++
			}
		fi
	fi;
	d_step {
		was_void = 0;
		look_ended = 0;
		look_newest = 0;
		look_kept = 0
	}
}

#define HAS_NEWS (newest[life] > at || ended[life] || invalid[life])
#define IS_QUIET (over == WRITERS + INVALIDATES + EXPIRES + TRIMS)

inline reprise_subscription_close()
{
	if
	:: life != NONE ->
		LOCK;
		handles[life]--;
		UNLOCK
	:: else
	fi
}

proctype Host()
{
	byte life, live, at, at_incarnation, own_life = NONE, from, delivered, lost, subscribes;
	byte look_newest, look_kept;
	bit refused, is_over, is_void_found, was_void, look_ended;

	reprise_cursor();
	do
	:: subscribes == SUBSCRIBES -> break
	:: else ->
		subscribes++;
		reprise_subscribe_after();
		subscription_judge();
		do
		:: refused || is_over -> break
		:: !refused && !is_over -> reprise_next()
		/* It is closed with something unseen, or nothing will come. */
		:: !refused && !is_over && subscribes < SUBSCRIBES -> is_over = 1
		:: !refused && !is_over && IS_QUIET && !HAS_NEWS -> is_over = 1
		od;
		if
		:: refused -> take_unavailable()
		:: else
		fi;
		reprise_subscription_close();
		d_step {
			refused = 0;
			is_over = 0;
			is_void_found = 0;
			delivered = 0;
			lost = 0;
			from = 0;
			life = 0
		}
	od
}

init
{
	atomic {
		byte i;

		for (i : 1 .. WRITERS) {
			run Writer()
		}
		if
		:: INVALIDATES -> run Invalidating()
		:: else
		fi;
		if
		:: EXPIRES -> run Expiring()
		:: else
		fi;
		if
		:: TRIMS -> run Trimming()
		:: else
		fi;
		if
		:: SUBSCRIPTIONS -> run Host()
		:: else
		fi;
		i = 0
	}
}
