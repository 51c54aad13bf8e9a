/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_OUTCOME_H
#define REPRISE_OUTCOME_H

/*
 * reprise/outcome.h - the answers of reprise_next, and why a subscription ends
 */

#include <reprise/base.h>

REPRISE_BEGIN_DECLARATIONS

/*
 * The answer of reprise_next: X(constant, value, name, sentence). All four are normal: switch over
 * all four.
 */
#define REPRISE_OUTCOME_TABLE(X)                                              \
	X(REPRISE_NEXT_EMPTY, 0, "empty", "nothing newer yet")                \
	X(REPRISE_NEXT_EVENT, 1, "event", "an event, or several")             \
	X(REPRISE_NEXT_GAP, 2, "gap", "some events will never be handed out") \
	X(REPRISE_NEXT_ENDED, 3, "ended",                                     \
	  "no event will ever follow; every later call says so again")

typedef enum reprise_outcome {
	REPRISE_OUTCOME_TABLE(REPRISE_ENUMERATOR)
} reprise_outcome;

/*
 * Why a subscription has ended: X(constant, value, name, sentence). Of a session's end, also for a
 * replay, `status` is the host's.
 */
#define REPRISE_END_CAUSE_TABLE(X)                                          \
	X(REPRISE_END_SESSION, 0, "session", "the session ended")           \
	X(REPRISE_END_REPLAY, 1, "replay",                                  \
	  "the replay has reached the newest position of its opening")      \
	X(REPRISE_END_INVALIDATED, 2, "invalidated",                        \
	  "a gap UNAVAILABLE came before; subscribe with the gap's cursor") \
	X(REPRISE_END_STORE, 3, "store", "the store is not usable in this process")

typedef enum reprise_end_cause {
	REPRISE_END_CAUSE_TABLE(REPRISE_ENUMERATOR)
} reprise_end_cause;

struct reprise_end {
	reprise_end_cause cause;
	int32_t status; /* as given to reprise_writer_end; 0 for other causes */
};

/*
 * reprise_outcome_name   - returns a short name, such as "gap"
 * reprise_outcome_text   - returns a sentence for people
 * reprise_end_cause_name - returns a short name, such as "replay"
 * reprise_end_cause_text - returns a sentence for people
 *
 * @outcome, @cause  Any value.
 *
 * Threads   Any, also in a signal handler.
 * Progress  Wait-free.
 * Ordering  None.
 * Returns   A static string, as in the tables above. For an unknown value: "unknown". (rule X15)
 */
REPRISE_API const char *reprise_outcome_name(reprise_outcome outcome);
REPRISE_API const char *reprise_outcome_text(reprise_outcome outcome);
REPRISE_API const char *reprise_end_cause_name(reprise_end_cause cause);
REPRISE_API const char *reprise_end_cause_text(reprise_end_cause cause);

REPRISE_END_DECLARATIONS
#endif /* REPRISE_OUTCOME_H */
