/* SPDX-License-Identifier: MIT */
#ifndef STORE_SUBSCRIPTION_H
#define STORE_SUBSCRIPTION_H

/*
 * The inside of a subscription. The first look judges the cursor, once; then the subscription
 * follows the ring; then the subscription is over. In a store with a log a subscription that
 * follows may heal, as often as necessary: events come from the log (backfill.h) until the ring has
 * the next one. A refused cursor, and an end nobody was told, are stages between (enum stage). A
 * continuous subscription goes on to the next life instead of the end (continuous.h).
 *
 * Between looks it holds a stretch: records that were copied and validated together. They stay
 * good whatever the writer does, but are held against the floors before each is handed out.
 */

#include <reprise/subscription.h>

#include "store/backfill.h"
#include "store/group.h"
#include "store/session.h"
#include "store/waiting.h"

enum stage {
	STAGE_UNJUDGED,
	STAGE_REFUSED, /* judged, and a gap UNAVAILABLE is due */
	STAGE_FOLLOWING,
	STAGE_HEALING, /* the next event is in the log, or the log is asked about the cursor */
	/*
	 * A wait has found the end. The host was not told yet, and the window may still become
	 * void.
	 */
	STAGE_ENDING,
	STAGE_OVER, /* `end` says why */
	/* Of a continuous subscription alone: see continuous.h. */
	STAGE_LIFE_ENDED, /* a gap says so, with the status in `end` */
	STAGE_AWAITING,   /* in the lobby, until the next life begins */
	STAGE_UNSTAGED,   /* it follows, and has had no memory for its stretch yet */
};

struct reprise_subscription {
	struct reprise_store *store;
	struct stamp *home; /* the store's: tells a fork's child */
	struct reprise_session
		*session; /* pinned; NULL if it was unknown; or the lobby; the owner's */
	_Atomic(struct reprise_session *)
		session_to_notify; /* the same, for threads that interrupt */
	struct block *block;       /* the stretch's memory; NULL without a window */

	struct reprise_cursor at; /* the last event handed out; at first, as asked with */
	uint64_t until;           /* a replay's last position, or UINT64_MAX */
	uint64_t staging_bytes;   /* as asked for */
	uint64_t durable_revision;
	bool is_judged_by_durable; /* else durable_revision means nothing */

	enum stage stage;
	reprise_gap_detail refusal; /* when REFUSED */
	struct reprise_end end;     /* when OVER */

	struct stretch stretch;
	/* Newer events displaced the events before the stretch during the copy. */
	bool is_overtaken;

	/* Healing: the owner's. */
	struct backfill *backfill;     /* NULL in a store without a log */
	struct backfill_page *page;    /* in hand, or NULL */
	struct stretch staging;        /* the ring's stretch, while the page's is in its place */
	reprise_position diverged_end; /* the refusal is DIVERGED: where the life ends */
	bool gives_up;                 /* nothing has come for too long: missing events are a gap */
	bool is_replay;                /* `until` is what was newest */
	/* Of a replay: the session had ended after `until`, in the window of another life. */
	bool has_end;
	bool is_placed; /* it was begun with a revision alone: see begin.c */
	bool is_recorded_only;
	bool is_continuous;
	bool is_end_told;    /* of the life that `at` is in */
	bool is_window_gone; /* that life's window: it cannot become void any more */
	uint64_t spin_ns;
	size_t kinds_count; /* 0: every kind */
	uint16_t kinds[REPRISE_KINDS_MAX];

	struct waiting waiting; /* under the store's lock */

	atomic_u64 interrupted; /* set by any thread, cleared by the wait it ends */

	/* How it is woken: see hand.h. Under the lock of the session's hands. */
	TAILQ_ENTRY(reprise_subscription) hand;
	uint64_t hand_round;
	bool is_hand_up;
	bool is_asleep; /* in a wait, on `rung` */
	bool has_descriptor;
	bool has_level_door;     /* a descriptor, or a group */
	atomic_u32 has_callback; /* also looked at by a callback that runs while it is taken away */
	bool is_readable;        /* 8 bytes are in the descriptor */
	int descriptor;
	atomic_u32 rung; /* futex: counted up by each ring */
	bool has_epoch;  /* of the bell, from the last time that its hand was the direct one */
	uint32_t direct_epoch; /* the owner's, both */

	/* The group: changed by the owner, under the lock of the session's hands. */
	struct reprise_group *group; /* or NULL */
	void *group_context;
	/* The end was told since the subscription joined the group: the group is rung no more. */
	bool is_done_in_group;
	TAILQ_ENTRY(reprise_subscription) member; /* the owner's */
	TAILQ_ENTRY(reprise_subscription) ready;  /* this and the next: under the group's lock */
	bool is_ready;

	/* The callback: under the relay's lock. */
	reprise_callback
		callback; /* the last one that was set; has_callback says whether it still is */
	void *callback_context;
	TAILQ_ENTRY(reprise_subscription) call;
	uint64_t call_round;
	bool is_call_due;
	bool is_closed;  /* never due again */
	bool is_closing; /* from inside its own callback */

	/* Counted by the owner, read by anybody. */
	atomic_u64 delivered, delivered_bytes, filtered, lost, gaps, sleeps, healed;
};

/* Options with every default filled in. The bad field is named in @error. */
reprise_status subscription_options_resolve(const struct reprise_subscription_options *given,
					    bool is_replay, bool has_log,
					    struct reprise_subscription_options *ret_options,
					    struct reprise_error *error);

/* How a subscription begins. */
struct beginning {
	const struct reprise_cursor *cursor;
	const uint64_t *durable_revision; /* the cursor is judged by it; or NULL */
	bool is_replay;
	bool is_placed; /* the cursor has a session and a revision alone */
};

reprise_status subscription_open(struct reprise_store *store, const struct beginning *beginning,
				 const struct reprise_subscription_options *options,
				 struct reprise_subscription **ret_subscription,
				 struct reprise_error *error);

/*
 * A subscription that is_placed begins in the window of @session, before the first event that is
 * newer than its revision. False if the log has to be asked.
 */
bool begin_in_window(struct reprise_subscription *subscription, struct reprise_session *session);

/*
 * A subscription that follows @session after @at, whatever the session's id. The caller then holds
 * @session for it.
 */
reprise_status subscription_open_in(struct reprise_session *session,
				    const struct reprise_cursor *at,
				    const struct reprise_subscription_options *known,
				    struct reprise_subscription **ret_subscription,
				    struct reprise_error *error);

/*
 * Looks until there is something to say, and answers what, without handing it out: the stretch
 * begins with a wanted event (EVENT), begins later than at.position + 1 or would (GAP), and so on.
 * Filtered events are passed on the way.
 */
reprise_outcome subscription_advance(struct reprise_subscription *subscription);

/*
 * Looks as subscription_advance does, with its doors, and says all but EVENT, whose first event is
 * the stretch's first record.
 */
reprise_outcome subscription_say(struct reprise_subscription *subscription,
				 struct reprise_gap *ret_gap, struct reprise_end *ret_end);

/* Whether events of @kind are handed out. */
bool subscription_wants(const struct reprise_subscription *subscription, uint16_t kind);

/* Copies what was kept at @look into the stretch, which is empty, from the next event on. */
void subscription_read(struct reprise_subscription *subscription, const struct look *look);

/*
 * The subscription has nothing to hand out, and has a door: makes sure that the door will be rung.
 * Answers REPRISE_NEXT_EMPTY, or the outcome that has come up meanwhile.
 */
reprise_outcome subscription_arm_doors(struct reprise_subscription *subscription);

/* Whether the stretch has something to say; moves past what is filtered or given up. */
bool subscription_look_at_stretch(struct reprise_subscription *subscription,
				  reprise_outcome *ret_outcome);

/* The part of the window that the subscription may see. */
struct look subscription_look(const struct reprise_subscription *subscription);

/* It is over, for @cause, which is to be told. Of a continuous one the session's end is a gap. */
reprise_outcome subscription_be_over(struct reprise_subscription *subscription,
				     reprise_end_cause cause, int32_t status);

/* It is among those that follow @session. */
void subscription_be_counted(const struct reprise_subscription *subscription,
			     struct reprise_session *session);

/*
 * From here on it is among those of @session, which is held for it, and has let go of the one
 * before. @staging is for the stretch; NULL in the lobby.
 */
void subscription_move(struct reprise_subscription *subscription, struct reprise_session *session,
		       struct block *staging);

/* The lobby, held for a subscription. */
struct reprise_session *subscription_hold_lobby(struct reprise_store *store);

/* Takes the memory for the stretch of a window that it follows already. False without memory. */
bool subscription_take_staging(struct reprise_subscription *subscription);

/*
 * Its window is void: whether another of the same life goes on in its place, without an event less.
 */
enum succession {
	SUCCESSION_NONE,
	SUCCESSION_MOVED,     /* it follows that one now */
	SUCCESSION_NO_MEMORY, /* to be tried again: before long, since nobody rings it here */
};
enum succession subscription_succeed(struct reprise_subscription *subscription);

/* Whether it has a window, rather than none or the lobby. */
static inline bool
subscription_is_bound(const struct reprise_subscription *subscription)
{
	return subscription->block != NULL;
}

/* Room for what is copied of a window; NULL without memory. And how it is laid out. */
struct block *staging_take(struct reprise_store *store, const struct reprise_session *session,
			   uint64_t staging_bytes);
struct block *staging_take_bytes(struct reprise_store *store, uint64_t bytes);
void staging_give(struct reprise_store *store, struct block *block);

/* The stretch of a window's records is in @block from now on. */
void staging_use(struct reprise_subscription *subscription, const struct reprise_session *session,
		 struct block *block);

/* Frees what it holds; nothing rings it any more, and no callback runs. */
void subscription_free(struct reprise_subscription *subscription);

static inline bool
subscription_has_door(struct reprise_subscription *subscription)
{
	return subscription->has_level_door || load_relaxed(&subscription->has_callback);
}

/* Judges the cursor, once. */
void subscription_judge(struct reprise_subscription *subscription);

/* Its window is void, and no other goes on: that is to be told. */
void subscription_be_void(struct reprise_subscription *subscription);

/* Writes the gap that advance has found, and moves past it. */
void subscription_take_gap(struct reprise_subscription *subscription, struct reprise_gap *ret_gap);

/* Moves past the first record of the stretch, handed out or filtered. */
static inline void
subscription_pass(struct reprise_subscription *subscription, const struct record *record)
{
	subscription->at.position = subscription->stretch.first;
	subscription->at.revision =
		greatest(subscription->at.revision, load_relaxed(&record->revision));
	stretch_pass(&subscription->stretch);
}

static inline void
count(atomic_u64 *counter, uint64_t more)
{
	store_relaxed(counter, load_relaxed(counter) + more);
}

#endif /* STORE_SUBSCRIPTION_H */
