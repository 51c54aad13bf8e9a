/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_LOG_ENTRY_H
#define REPRISE_LOG_ENTRY_H

/*
 * reprise/log_entry.h - the entries and the lives of a log, as log.h describes them
 */

#include <reprise/base.h>
#include <reprise/cursor.h>

REPRISE_BEGIN_DECLARATIONS

/* The place of an entry in its key: 1, 2, 3. 0 is before the first entry. */
typedef uint64_t reprise_ordinal;

typedef enum reprise_log_entry_type {
	REPRISE_LOG_EVENT,
	REPRISE_LOG_GAP,
} reprise_log_entry_type;

/*
 * The reason why events are missing in the log: X(constant, value, name, sentence). A log stores
 * the value. TOO_LARGE: larger than REPRISE_LOG_PAYLOAD_BYTES_MAX.
 */
#define REPRISE_LOG_GAP_REASON_TABLE(X)                              \
	X(REPRISE_LOG_GAP_NONE, 0, "none", "the entry is not a gap") \
	X(REPRISE_LOG_GAP_OVERRUN, 1, "overrun",                     \
	  "newer events overwrote the events before the recording")  \
	X(REPRISE_LOG_GAP_TOO_LARGE, 2, "too large", "no entry can hold the event")

typedef enum reprise_log_gap_reason {
	REPRISE_LOG_GAP_REASON_TABLE(REPRISE_ENUMERATOR)
} reprise_log_gap_reason;

/* The state of a life: X(constant, value, name, sentence). A log stores the value. */
#define REPRISE_LIFE_STATE_TABLE(X)                                                              \
	X(REPRISE_LIFE_OPEN, 1, "open", "the life takes events")                                 \
	X(REPRISE_LIFE_CLEAN, 2, "clean", "every append is in the log, as an event or in a gap") \
	X(REPRISE_LIFE_CRASHED, 3, "crashed",                                                    \
	  "the next life began while this life was still open")                                  \
	X(REPRISE_LIFE_INVALIDATED, 4, "invalidated",                                            \
	  "no subscription gets the events of this life again")

typedef enum reprise_life_state {
	REPRISE_LIFE_STATE_TABLE(REPRISE_ENUMERATOR)
} reprise_life_state;

struct reprise_life {
	uint64_t number; /* 1, 2, 3 within the key */
	struct reprise_incarnation incarnation;
	reprise_ordinal first; /* also set for a life without entries */
	reprise_ordinal end;   /* the last ordinal, or first - 1; of the newest life: the head */
	reprise_life_state state;
};

/* An entry to append. */
struct reprise_log_new_entry {
	uint64_t revision;
	uint64_t time_ns; /* since 1970, in UTC; 0: now */
	uint16_t kind;    /* chosen by the host */
	uint16_t flags;   /* REPRISE_EVENT_COMMIT, and the host's bits 8-15 */
	struct reprise_bytes payload;
};

struct reprise_log_entry {
	reprise_log_entry_type type;
	reprise_ordinal first; /* of a gap: the first requested ordinal */
	reprise_ordinal last;  /* of an event: the same as first */
	uint64_t revision;     /* 0 for a gap */

	/*
	 * Nanoseconds since 1970, in UTC. For an event: the time of the append, converted with the
	 * wall clock at the time of recording. For a gap: the time of recording.
	 */
	uint64_t time_ns;
	uint16_t kind;
	uint16_t flags;
	reprise_log_gap_reason reason;
	struct reprise_incarnation life; /* zero in a DIRECT key */
	struct reprise_bytes payload;    /* borrowed until the page is loaded again or closed */
};

/*
 * reprise_log_gap_reason_name - returns a short name, such as "too large"
 * reprise_log_gap_reason_text - returns a sentence for people
 * reprise_life_state_name     - returns a short name, such as "crashed"
 * reprise_life_state_text     - returns a sentence for people
 *
 * @reason, @state  Any value.
 *
 * Threads   Any, also in a signal handler.
 * Progress  Wait-free.
 * Ordering  None.
 * Returns   A static string, as in the tables above. For an unknown value: "unknown". (rule X15)
 */
REPRISE_API const char *reprise_log_gap_reason_name(reprise_log_gap_reason reason);
REPRISE_API const char *reprise_log_gap_reason_text(reprise_log_gap_reason reason);
REPRISE_API const char *reprise_life_state_name(reprise_life_state state);
REPRISE_API const char *reprise_life_state_text(reprise_life_state state);

REPRISE_END_DECLARATIONS
#endif /* REPRISE_LOG_ENTRY_H */
