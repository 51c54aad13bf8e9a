/* SPDX-License-Identifier: MIT */
#ifndef RECORDER_KNOWN_H
#define RECORDER_KNOWN_H

/*
 * A log that has gone back (rule L57): a backup took its place, or a server lost commits. The sign:
 * a life ends before an event that was in the log. So a subscription keeps how far it knows the log
 * of its life: pages have told, or the window that the subscription has left. A position alone is
 * no sign, since a host may have got events that were never recorded.
 */

#include <string.h>

#include "base/numbers.h"
#include "log/write.h"
#include "store/backfill.h"

struct recording;
struct reprise_recorder;
struct reprise_session;

static inline bool
known_is_same(const struct reprise_incarnation *a, const struct reprise_incarnation *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/*
 * How far the log is known to have had the question's life, but not beyond the question's position,
 * so that hosts at one position ask the same. 0 of a subscription that has the window: known_before
 * asks the recorder.
 */
static inline reprise_position
known_of(const struct backfill *backfill, const struct backfill_question *question)
{
	reprise_position known = question->recorded;

	if (question->is_bound)
		return 0;
	if (known_is_same(&backfill->known.incarnation, &question->incarnation))
		known = greatest(known, backfill->known.through);
	return least(known, question->after);
}

/* The page of @from, which was asked the same, is also for @backfill. */
static inline void
known_copy(struct backfill *backfill, const struct backfill *from)
{
	struct backfill_known *const known = &backfill->known;

	if (!known_is_same(&known->incarnation, &from->known.incarnation))
		*known = from->known;
	known->through = greatest(known->through, from->known.through);
}

/* The same with the recorder's knowledge of the window. Before the log is read. */
reprise_position known_before(struct reprise_recorder *recorder, const struct backfill *backfill,
			      const struct backfill_question *question);

enum known {
	KNOWN_WHOLE, /* the log has what it had; or the subscription has the window */
	KNOWN_LESS,  /* the subscription is ahead of a log that has gone back */
	KNOWN_SOON,  /* the same, once the life's window is void: the events are in there still */
};

/*
 * Compares @recorded, which was known before, with the life in the log, and keeps what the log has.
 * If the log has less, and the life has a window, the writing thread is asked to look: it declares
 * the window void. The reading thread's; not under a lock.
 */
enum known known_compare(struct reprise_recorder *recorder, struct backfill *backfill,
			 const struct backfill_question *question, reprise_position recorded,
			 const struct reprise_life *life);

/*
 * Where the life of @recording ends in a log that has gone back; or PORT_HAS_ALL. The log has
 * refused @write by a conflict. Reads the log; the writing thread's, not under a lock.
 */
reprise_position known_end_of(struct reprise_recorder *recorder, const struct log_write *write,
			      const struct recording *recording);

#endif /* RECORDER_KNOWN_H */
