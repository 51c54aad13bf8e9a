/* SPDX-License-Identifier: MIT */
#ifndef ORACLE_MODEL_H
#define ORACLE_MODEL_H

/*
 * The answers that a store must give, told in the plainest way: an array of every event ever
 * appended, a mark on each that says how it left, and searches that look at all of them. The model
 * knows the rule book and the public headers, and calls nothing of the library. One thread.
 *
 * The model takes these facts from elsewhere than the rules:
 * - The bytes of a window in bytes_max, and those of a staging, are asked of a scratch store
 *   (costs.c).
 * - A window of a page or more begins half a page before its arena's end (src/DECISIONS.md).
 * - A copy takes events that lie in one piece and fit into staging_bytes, or one that is larger.
 *   Where more than half of a window lies ahead it takes smaller pieces (src/ring/read.c). A gap
 *   copies what is kept behind it as it is told.
 * - An incarnation is random: it is learnt once, when the life begins, and must never
 *   have been seen.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/reprise.h>

enum {
	MODEL_IDS = 4,
	MODEL_RECORD_HEADER_BYTES = 40,
	MODEL_STREAM_BYTES = 6144,
};

/* Why an event is not retained any more: the first cause that took it. */
enum model_gone {
	MODEL_RETAINED,
	MODEL_GONE_CAPACITY,
	MODEL_GONE_AGE,
	MODEL_GONE_REQUEST,
};

struct model_event {
	uint64_t revision, stamp_ns;
	uint64_t start, bytes; /* where it lies, on an arena that goes on for ever */
	uint64_t seed;         /* of its payload */
	size_t payload_bytes;
	uint16_t kind, flags;
	enum model_gone gone;
	bool is_displaced; /* its place was taken, whatever it had left for before */
	bool has_key;
	uint64_t key;
};

/* An event that is to be appended. */
struct model_draft {
	uint64_t revision, seed;
	size_t payload_bytes;
	uint16_t kind, flags;
};

struct model_bounds {
	uint64_t events_max, bytes_max, age_ns_max;
	bool is_deduplicated;
};

/* One life of a session: the window of the headers. */
struct model_life {
	struct model *model;
	struct model_life *older; /* all lives of the store, newest first */
	struct model_life *heir;  /* the window that goes on in its place, with other bounds */
	struct reprise_incarnation incarnation;
	unsigned int id;
	struct model_bounds bounds; /* as in force */
	uint64_t cost;
	reprise_position before; /* the first position - 1 */
	struct model_event *events;
	size_t count, room;
	uint64_t head; /* where the next event would begin */
	uint64_t stamp_last_ns;
	reprise_position given_up_through; /* by age or request: not handed out even if copied */
	bool is_ended, is_void, is_in_table, has_writer, is_reserved;
	int32_t end_status;
	size_t reserved_bytes;
	uint64_t reserved_start;
	unsigned int handles, subscriptions;
	uint64_t idle_since_ns, idle_turn;
};

struct model {
	const char *const *ids; /* MODEL_IDS of them */
	struct model_bounds bounds;
	uint64_t sessions_max, bytes_max;
	uint64_t now_ns;
	struct model_life *lives;
	reprise_position greatest[MODEL_IDS]; /* ever given out */
	uint64_t turns;
	uint64_t writers, subscriptions, staging_bytes;
	uint64_t evicted;          /* so far */
	bool has_displaced_newest; /* the newest of a gap could not be looked at */
};

/* Of the scratch store: the bytes that a window with these bounds counts for. */
uint64_t model_window_cost(const struct model_bounds *bounds);
uint64_t model_staging_cost(const struct model_bounds *bounds, uint64_t staging_bytes);

void model_close(struct model *model);

/* The window of an id in the table, or NULL. */
struct model_life *model_find(const struct model *model, unsigned int id);

/*
 * Bounds as a window that is given these (0: the store's) has them in force; false if they are bad.
 */
bool model_resolve(const struct model *model, const struct model_bounds *given,
		   struct model_bounds *ret_bounds);

reprise_status model_open_writer(struct model *model, unsigned int id,
				 const struct model_bounds *given, struct model_life **ret_life,
				 const char **ret_full);
void model_close_writer(struct model_life *life);
reprise_status model_create(struct model *model, unsigned int id, const struct model_bounds *given,
			    const char **ret_full);
/* The window that goes on at the end of all those. */
struct model_life *model_last_heir(struct model_life *life);
void model_hold(struct model_life *life);
void model_let_go(struct model_life *life);
void model_invalidate(struct model *model, unsigned int id);
uint64_t model_expire(struct model *model);
uint64_t model_sessions(const struct model *model, bool idle_alone);
uint64_t model_bytes(const struct model *model);

/* --- one life (model_life.c) --- */

reprise_position model_newest(const struct model_life *life);
reprise_position model_oldest(const struct model_life *life);
struct model_event *model_event_at(const struct model_life *life, reprise_position position);
reprise_status model_append(struct model_life *life, const struct model_draft *drafts,
			    size_t drafts_count, reprise_position *ret_first);
/* Drafts whose payloads differ have other sizes or other seeds, and no payload of 1 to 7 bytes. */
reprise_status model_append_once(struct model_life *life, uint64_t key,
				 const struct model_draft *draft, reprise_position *ret_position,
				 bool *ret_is_new);
reprise_status model_reserve(struct model_life *life, size_t payload_bytes_max);
reprise_status model_publish(struct model_life *life, const struct model_draft *draft,
			     reprise_position *ret_position);
reprise_status model_abort(struct model_life *life);
reprise_status model_end(struct model_life *life, int32_t status);
reprise_status model_session_cursor(const struct model_life *life, reprise_position position,
				    struct reprise_cursor *ret_cursor);
void model_apply_age(struct model_life *life);
void model_trim_to(struct model_life *life, reprise_position position);
reprise_position model_before_revision(const struct model_life *life, uint64_t revision);
struct reprise_cursor model_cursor_at(const struct model_life *life, reprise_position position,
				      uint64_t revision);
/* Of the first @count events of the life. */
uint64_t model_greatest_revision(const struct model_life *life, uint64_t count);
/* With @revision_known if the newest event is displaced: a reservation has taken its place. */
struct reprise_cursor model_newest_cursor(const struct model_life *life, uint64_t revision_known);
struct reprise_session_stats model_stats(const struct model_life *life);

/* --- a subscription (model_subscription.c) --- */

enum model_stage {
	MODEL_UNJUDGED,
	MODEL_REFUSED,
	MODEL_FOLLOWING,
	MODEL_ENDING, /* the end was found by a wait, and not yet told */
	MODEL_OVER,
	MODEL_LIFE_ENDED, /* a continuous one: the same, as a gap */
	MODEL_AWAITING,   /* it has no window, and waits for a life */
};

struct model_subscription {
	struct model *model;
	struct model_life *life; /* NULL: there was none */
	struct reprise_cursor at;
	/*
	 * Where the host asked to begin. It moves along where a continuous one goes on elsewhere
	 * than it was.
	 */
	reprise_position begin;
	reprise_position until; /* a replay's last */
	reprise_position copied_through;
	const uint64_t *durable_revision; /* &durable, or NULL */
	uint64_t durable;
	uint64_t staging_bytes, staging_cost;
	uint32_t kinds; /* a bit for each kind that is wanted; 0: all */
	bool is_continuous, has_staging;
	const struct model_life *told; /* whose end was told: the one that `at` is in; or NULL */
	bool has_gone_on;              /* into a life that it has waited for */
	bool is_peek;                  /* a copy, which holds nothing */
	enum model_stage stage;
	reprise_gap_detail refusal;
	struct reprise_end end;
	struct reprise_subscription_stats stats;
	/*
	 * The causes that the last gap TRIMMED may have, a bit each: one, but for a replay that was
	 * overtaken to beyond its end. There the header says more than is kept, so any of what has
	 * left since will do.
	 */
	unsigned int details;
	bool is_interrupted;
	bool kept_a_copy; /* an event was handed out although it had been displaced */
};

void model_subscribe(struct model *model, const struct reprise_cursor *cursor, unsigned int id,
		     bool is_replay, bool is_continuous, const uint64_t *durable_revision,
		     uint64_t staging_bytes, uint32_t kinds,
		     struct model_subscription *ret_subscription);
/* From the first event on that is newer than @durable_revision. */
void model_resume_snapshot(struct model *model, const char *session_id, unsigned int id,
			   bool is_continuous, uint64_t durable_revision, uint64_t staging_bytes,
			   uint32_t kinds, struct model_subscription *ret_subscription);
void model_unsubscribe(struct model_subscription *subscription);

/*
 * The answer of next, found as a wait finds it: passes what is filtered, copies ahead, goes on
 * into a life.
 */
reprise_outcome model_look(struct model_subscription *subscription);

/* The same, and nothing changes. */
reprise_outcome model_peek(const struct model_subscription *subscription);

/* The answer of next: up to @count_max positions of events, or a gap, or an end. */
reprise_outcome model_next(struct model_subscription *subscription, reprise_position *ret_positions,
			   size_t count_max, size_t *ret_count, struct reprise_gap *ret_gap,
			   struct reprise_end *ret_end);

/* The room that a host gives to reprise_next_into. */
struct model_room {
	size_t frames_max, buffer_bytes, head_bytes, tail_bytes;
};

/*
 * The answer of next_into: positions of as many events as fit. From what was copied ahead, if there
 * is any; else from the window, of which nothing is copied ahead then.
 */
reprise_outcome model_next_into(struct model_subscription *subscription,
				const struct model_room *room, reprise_position *ret_positions,
				size_t *ret_count, size_t *ret_needed, struct reprise_gap *ret_gap,
				struct reprise_end *ret_end);

/* --- cursors' texts (model_text.c) --- */

/* CRC-32C of what is given: of a cursor's text without the check and the dot after it. */
uint32_t model_check(const char *text, size_t bytes);
size_t model_format(const struct reprise_cursor *cursor, char text[REPRISE_CURSOR_TEXT_BYTES_MAX]);

#endif /* ORACLE_MODEL_H */
