/* SPDX-License-Identifier: MIT */
#ifndef ORACLE_ENGINE_H
#define ORACLE_ENGINE_H

/*
 * Runs a program against the library and the model, and compares every answer, whole. One thread;
 * the clock is kept by hand. The library's own thread rings descriptors and makes callbacks when it
 * likes, so they are held to what they promise (rung or called soon when there is something) and
 * not to the moment. Of the statistics, what depends on that thread or on memory taken inside is
 * left out: `wakes`, `arena_bytes`, `control_bytes`, `asymmetric`. Waits have a time-out of 0, or a
 * descriptor to be polled, and never sleep.
 */

#include <stdatomic.h>
#include <stdio.h>

#include "model.h"
#include "program.h"

enum {
	STORES = 2,
	WRITERS = 6,
	SUBSCRIPTIONS = 8,
	CURSORS = 6,
	PAYLOAD_BYTES_MAX = 4096,
	STATUSES = 22,
};

/* Things that must happen to an oracle that sees. */
#define ENGINE_MARKS(X)          \
	X(NEXT_EMPTY)            \
	X(NEXT_EVENT)            \
	X(END_SESSION)           \
	X(END_REPLAY)            \
	X(END_INVALIDATED)       \
	X(GAP_CAPACITY)          \
	X(GAP_AGE)               \
	X(GAP_REQUEST)           \
	X(GAP_AHEAD)             \
	X(GAP_BEFORE_WINDOW)     \
	X(GAP_OTHER_INCARNATION) \
	X(GAP_INVALIDATED)       \
	X(GAP_UNKNOWN_SESSION)   \
	X(GAP_BEHIND_DURABLE)    \
	X(GAP_LIFE_ENDED)        \
	X(GAP_OF_OTHER_LIVES)    \
	X(GONE_ON)               \
	X(NEWEST_UNKNOWN)        \
	X(BATCH_OF_SEVERAL)      \
	X(KEY_KNOWN)             \
	X(KEY_FORGOTTEN)         \
	X(KEY_KNOWN_AFTER_END)   \
	X(INTO_SEVERAL)          \
	X(INTO_TOO_SMALL)        \
	X(INTO_A_COPY)           \
	X(KEPT_A_COPY)           \
	X(FILTERED)              \
	X(EVICTED)               \
	X(EXPIRED)               \
	X(FD_READABLE)           \
	X(FD_QUIET)              \
	X(FD_EMPTIED)            \
	X(CALLED)                \
	X(GROUP_TURN)            \
	X(GROUP_READABLE)        \
	X(GROUP_QUIET)           \
	X(WINDOW_ANEW)           \
	X(WINDOW_REBUILT)        \
	X(FULL_SESSIONS)         \
	X(FULL_BYTES)            \
	X(NO_LIVE_WINDOW)

enum mark {
#define ENGINE_MARK_ENUM(name) MARK_##name,
	ENGINE_MARKS(ENGINE_MARK_ENUM)
#undef ENGINE_MARK_ENUM
	MARKS_COUNT,
};

struct coverage {
	uint64_t calls[CALLS_COUNT];
	uint64_t statuses[CALLS_COUNT][STATUSES]; /* by -status */
	uint64_t marks[MARKS_COUNT];
};

struct engine_store {
	struct reprise_store *store; /* NULL: closed */
	struct model model;
	struct reprise_group *group; /* NULL: none */
	bool is_group_interrupted;
	struct reprise_subscription *found; /* whose turn was the last */
	void *found_context;
};

struct engine_writer {
	struct reprise_writer *session; /* NULL: none */
	struct model_life *life;
	unsigned int closed_heard;
	unsigned int place; /* of its store */
	unsigned char *reserved;
};

struct engine_subscription {
	struct reprise_subscription *subscription; /* NULL: none */
	struct model_subscription model;
	int descriptor; /* -1: none */
	bool has_callback, is_call_promised;
	atomic_uint calls;
	unsigned int calls_before;
	bool is_in_group; /* of its store */
	unsigned int ends_before_group;
	bool has_gap;
	unsigned int ends_heard;
	struct reprise_gap gap; /* the last */
};

struct engine {
	const struct program *program;
	struct coverage *coverage;
	FILE *trace; /* NULL: say nothing */
	const char *doing;
	enum call_name call;
	uint64_t seeds; /* of payloads, so far */
	bool differs;
	char difference[512];
	struct engine_store stores[STORES];
	struct engine_writer writers[WRITERS];
	struct engine_subscription subscriptions[SUBSCRIPTIONS];
	struct reprise_cursor cursors[CURSORS];
};

/*
 * Runs it; answers whether the library and the model agree. If not, @difference says where.
 * @coverage is added to; @trace gets the program as the calls that it makes.
 */
bool engine_run(const struct program *program, struct coverage *coverage, FILE *trace,
		char *difference, size_t difference_bytes);

/* --- what the parts of it share --- */

/* How long a door is waited for. */
extern int engine_patience_ms;

extern const char *const engine_ids[MODEL_IDS + 1]; /* the last is nobody's */
unsigned int engine_id_of(const struct reprise_cursor *cursor);

void engine_say(struct engine *engine, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void engine_differ(struct engine *engine, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void engine_mark(struct engine *engine, enum mark mark);
void engine_expect(struct engine *engine, const char *what, uint64_t expected, uint64_t actual);
void engine_expect_cursor(struct engine *engine, const char *what,
			  const struct reprise_cursor *expected,
			  const struct reprise_cursor *actual);
/* Compares and counts a status, and says it. True if both are OK. */
bool engine_expect_status(struct engine *engine, reprise_status expected, reprise_status actual);
/* The same with error details: whole if it failed, untouched if not. */
bool engine_expect_error(struct engine *engine, reprise_status expected, reprise_status actual,
			 const struct reprise_error *error);
struct reprise_error engine_error(void);

unsigned int engine_place(uint8_t operand, unsigned int *ret_id);
struct engine_store *engine_store_at(struct engine *engine, unsigned int place);
struct engine_writer *engine_writer_at(struct engine *engine, uint8_t operand, bool is_free);
struct engine_subscription *engine_subscription_at(struct engine *engine, uint8_t operand,
						   bool is_free);
unsigned int engine_index(const struct engine_subscription *subscription,
			  const struct engine *engine);
void engine_check_session(struct engine *engine, unsigned int place, unsigned int id);
void engine_check_store(struct engine *engine, unsigned int place);
void engine_fill(uint64_t seed, unsigned char *payload, size_t bytes);
uint64_t engine_revision(uint8_t operand);
reprise_position engine_position(reprise_position newest, uint8_t operand);
struct model_bounds engine_bounds(uint8_t events, uint8_t bytes, uint8_t age);
bool engine_close_store(struct engine *engine, unsigned int place);

/* The calls, by what they are about. */
void engine_call_writer(struct engine *engine, const struct call *call);
void engine_call_store(struct engine *engine, const struct call *call);
void engine_call_cursor(struct engine *engine, const struct call *call);
void engine_call_subscription(struct engine *engine, const struct call *call);
void engine_call_door(struct engine *engine, const struct call *call);
void engine_call_group(struct engine *engine, const struct call *call);
void engine_call_bad(struct engine *engine, const struct call *call);

/* Whether next would have something to say; changes nothing. */
bool engine_has_something(const struct engine_subscription *subscription);
void engine_close_group(struct engine *engine, unsigned int place);
void engine_open_writer(struct engine *engine, const struct call *call);
void engine_create(struct engine *engine, const struct call *call);
void engine_close_writer(struct engine *engine, struct engine_writer *writer);
void engine_close_subscription(struct engine *engine, struct engine_subscription *subscription);
/* The same into a buffer whose size and framing @operand decides (engine_into.c). */
void engine_next_into(struct engine *engine, struct engine_subscription *subscription,
		      uint8_t count, uint8_t operand);
/* The results of an outcome, compared, and the facts that hold after each. */
void engine_expect_event(struct engine *engine, const struct model_life *life,
			 reprise_position position, const struct reprise_event *actual);
void engine_heard_nothing(struct engine *engine, struct engine_subscription *subscription,
			  unsigned int calls_before);
void engine_heard_gap(struct engine *engine, struct engine_subscription *subscription,
		      struct reprise_gap *expected, const struct reprise_gap *actual);
void engine_heard_end(struct engine *engine, const struct reprise_end *expected,
		      const struct reprise_end *actual);
void engine_heard(struct engine *engine, struct engine_subscription *subscription,
		  reprise_outcome outcome);
/* One look, with room for @count_max events, compared whole. */
reprise_outcome engine_next(struct engine *engine, struct engine_subscription *subscription,
			    size_t count_max, bool is_batch);

#endif /* ORACLE_ENGINE_H */
