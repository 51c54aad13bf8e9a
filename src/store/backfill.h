/* SPDX-License-Identifier: MIT */
#ifndef STORE_BACKFILL_H
#define STORE_BACKFILL_H

/*
 * How a subscription heals: events that have left the ring are read from the log, a page at a time,
 * until the ring has the next event. A subscription never waits for the log. It asks for a page and
 * answers EMPTY until the page is there; the store's port (port.h) loads the page, on a thread of
 * its own.
 *
 *   IDLE ── owner asks ──► ASKED ── the page is there ──► READY ── owner takes it ──► IDLE
 *
 *   ready:A / advance:A   a thread that finds READY sees the page
 *   record:A / room:A     a writer displaces a recorded event only after the event was copied
 *   record:B / count:A    a host of recorded events alone is rung, or sees the new ones
 *   move:A / interrupt:A  a thread that interrupts a subscription which has moved sees the session
 *                         as it was created
 *
 * While one page is handed out the next one may be asked for: two pages, and never more. A page's
 * records are laid out as in the ring, so that a stretch can walk them. They are of one life and
 * without holes; the page's tail stands after them.
 */

#include <sys/queue.h>

#include <reprise/subscription.h>

#include "base/atomic.h"
#include "ring/ring.h"

struct block;
struct reprise_session;
struct reprise_store;
struct reprise_subscription;

/* The tail of a page: the answer after its records. */
enum backfill_tail {
	TAIL_MORE,    /* records, perhaps */
	TAIL_GAP,     /* `first` .. `last` are lost, for `detail` */
	TAIL_LIFE,    /* the next life, from here on; with a gap for `detail` unless is_clean */
	TAIL_BOUND,   /* the window of this life: `session`, held, and staging for it in `block` */
	TAIL_ENDED,   /* the session's end, with `status` */
	TAIL_REFUSED, /* the cursor is no good, for `detail` */
	TAIL_NOTHING, /* nothing has come for as long as a subscription waits */
	TAIL_OVER,    /* of a replay: the log holds nothing more that the replay may hand out */
	/* Go on after `first`, in the life of `incarnation`; all zero: when a life begins. */
	TAIL_PLACED,
};

struct backfill_records {
	struct block *room; /* their memory and their places'; NULL before the first */
	unsigned char *bytes;
	uint64_t bytes_used;
	uint64_t *places;
	uint64_t count;
	uint64_t first;
};

/* With a gap: the newest position of the log that a cursor may stand at. */
struct backfill_newest {
	struct reprise_incarnation incarnation;
	reprise_position position;
	uint64_t revision;
	bool is_known, has_revision;
};

struct backfill_page {
	struct backfill_records records;
	enum backfill_tail tail;
	reprise_gap_detail detail;
	bool is_clean;
	bool is_taken; /* TAIL_BOUND: by the owner */
	reprise_position tail_first,
		tail_last; /* 0: an empty range; REFUSED: where the life ends */
	struct reprise_incarnation incarnation; /* TAIL_LIFE, TAIL_PLACED: the life's */
	bool is_of_last_life;
	uint64_t ended; /* the session ends after that, with `status`; or UINT64_MAX */
	int32_t status;
	struct reprise_session *session;
	struct block *block;
	reprise_position head; /* the log's, when the page was loaded */
	struct backfill_newest newest;
};

/* One event of the log. */
struct backfill_event {
	reprise_position position;
	uint64_t revision;
	uint64_t stamp_ns;
	uint64_t shape;
	const void *payload;
};

enum backfill_state {
	BACKFILL_IDLE,  /* the owner's */
	BACKFILL_ASKED, /* the port's */
	BACKFILL_READY, /* the owner's */
};

/* Where a subscription stands that asks. */
enum backfill_place {
	/* After `after`. If `incarnation` is all zero, of one that is_continuous: where the first
	 * life begins that begins after it. */
	PLACE_AFTER,
	/* Where a cursor of `revision` stands that reprise_log_current_cursor gives. */
	PLACE_REVISION,
};

/* Knowledge of the log: it has had the events up to `through` of the life of `incarnation`. */
struct backfill_known {
	struct reprise_incarnation incarnation;
	reprise_position through;
};

struct backfill_question {
	enum backfill_place place;
	struct reprise_incarnation incarnation; /* of the life that `after` is in */
	reprise_position after;
	bool is_judged; /* the cursor is to be judged first */
	bool is_judged_by_durable;
	uint64_t revision; /* the cursor's */
	uint64_t durable_revision;
	bool is_bound;             /* the subscription has this life's window */
	bool is_replay;            /* TAIL_OVER is an answer */
	bool is_continuous;        /* without a life to go on with, it waits for one */
	bool is_end_told;          /* TAIL_ENDED is no answer: it waits for the next life */
	reprise_position recorded; /* the log has had the events up to here, as far as is known */
};

/*
 * The log's knowledge of a session when there was nothing to be told. A change of it may bring
 * something.
 */
struct backfill_seen {
	uint64_t head, watermark, lives, life_state, end_ordinal;
	struct reprise_incarnation last_life; /* a restored log may have another one (rule L57) */
};

struct backfill {
	/* ASKED after the question and READY after the page; both under the port's lock. */
	atomic_u32 state;
	struct backfill_question question; /* the owner's, but while ASKED */

	/* Fixed. */
	struct reprise_store *store;
	struct reprise_subscription *subscription;
	uint64_t staging_bytes;
	char session_id[REPRISE_SESSION_ID_BYTES_MAX + 1];

	struct reprise_session *session; /* whose hands the owner was among when it asked */
	struct backfill_page pages[2];
	unsigned int filling; /* by the port, while ASKED; the other one is the owner's */

	/* As the page in hand has it, or the last one had; the owner's. */
	bool is_in_last_life;
	uint64_t ended;
	int32_t status;
	/* From a refusal by a page to the refusal's gap; the owner's. */
	struct backfill_newest newest_at_refusal;
	struct backfill_known left; /* of the window that it has left last; the owner's */

	/* The port's own, under its lock. */
	TAILQ_ENTRY(backfill) link;
	bool is_queued, is_parked, is_waiting, is_served;
	bool is_at_end; /* nothing is there yet, though the log was read: as in `seen` */
	struct backfill_seen seen;
	struct backfill_known known; /* by the pages so far; the serving thread's */
	bool is_cancelled;           /* while it is served: nobody wants the answer */
	bool is_stirred; /* while it is served: something may have come that was not seen */
	bool is_orphan;  /* the same, and nobody will ask again: the serving thread frees it */
	uint64_t hash, asked_ns, retry_ns;
	uint32_t key_checksum; /* of the key in the log; 0: not computed yet */
};

/* NULL without memory. */
struct backfill *backfill_open(struct reprise_subscription *subscription);

/* The subscription goes. */
void backfill_close(struct backfill *backfill);

/* The cursor is judged by the log, and the subscription heals from then on. */
void backfill_judge(struct reprise_subscription *subscription);

/* Heals from its position on. */
void backfill_begin(struct reprise_subscription *subscription);

/*
 * Of a continuous one: heals in the lobby, from its cursor on, or from the place of its cursor's
 * revision. Anything it had asked before is forgotten, and it has left its window.
 */
void backfill_go_on(struct reprise_subscription *subscription, enum backfill_place place);

/* Goes over to the heir of its window, which is void, and asks anew. The owner's. */
void backfill_move(struct reprise_subscription *subscription, struct reprise_session *heir,
		   struct block *staging);

/* The newest position for a gap, while a page is in hand. */
struct reprise_cursor backfill_newest(const struct reprise_subscription *subscription);

/*
 * As subscription_advance, while it heals. With stage FOLLOWING the ring has what comes next, and
 * the answer is none.
 */
reprise_outcome backfill_advance(struct reprise_subscription *subscription);

/* Writes the gap that advance has found, and moves past it. */
void backfill_take_gap(struct reprise_subscription *subscription, struct reprise_gap *ret_gap);

/* For the port, in the recorder's library. */

#define backfill_free              reprise_private_backfill_free
#define backfill_page_begin        reprise_private_backfill_page_begin
#define backfill_page_copy         reprise_private_backfill_page_copy
#define backfill_records_put       reprise_private_backfill_records_put
#define backfill_records_drop      reprise_private_backfill_records_drop
#define backfill_bind              reprise_private_backfill_bind
#define backfill_ready             reprise_private_backfill_ready
#define backfill_window_has_commit reprise_private_backfill_window_has_commit

REPRISE_API void backfill_free(struct backfill *backfill);

/* Empties the page that is to be filled. */
REPRISE_API struct backfill_page *backfill_page_begin(struct backfill *backfill);

/*
 * Fills the page of @backfill with what the page of @from has, which is not TAIL_BOUND.
 * False without memory.
 */
REPRISE_API bool backfill_page_copy(struct backfill *backfill, const struct backfill *from);

enum backfill_put {
	PUT_DONE,
	PUT_FULL,      /* the records are as many as a page has; the event is not among them */
	PUT_NO_MEMORY, /* for the first event */
};

/* Puts an event after the others. */
REPRISE_API enum backfill_put backfill_records_put(struct reprise_store *store,
						   struct backfill_records *records,
						   const struct backfill_event *event);

/* Gives their memory back. */
REPRISE_API void backfill_records_drop(struct reprise_store *store,
				       struct backfill_records *records);

enum backfill_bound {
	BOUND_TO_WINDOW,
	BOUND_TO_NONE,   /* the session has no live window of the life */
	BOUND_NO_MEMORY, /* for the staging */
};

/* Gives @page the live window of the session, held, if the window is of @incarnation. */
REPRISE_API enum backfill_bound backfill_bind(struct backfill *backfill, struct backfill_page *page,
					      const struct reprise_incarnation *incarnation);

/* Whether the live window of the session retains a COMMIT of at least @revision after @position. */
REPRISE_API bool backfill_window_has_commit(struct backfill *backfill, reprise_position position,
					    uint64_t revision);

/* The page is there: says so, and wakes the subscription. Under the port's lock. */
REPRISE_API void backfill_ready(struct backfill *backfill);

#endif /* STORE_BACKFILL_H */
