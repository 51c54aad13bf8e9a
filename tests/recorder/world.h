/* SPDX-License-Identifier: MIT */
#ifndef RECORDER_WORLD_H
#define RECORDER_WORLD_H

/* A runtime and its log: a store, a recorder, a SQLite file in a scratch folder. */

#include "support.h"

#include <reprise/recorder.h>

struct world {
	const char *path;
	struct reprise_log *log;
	struct reprise_store *store;
	struct reprise_recorder *recorder;
	struct reprise_writer *writer; /* of "s", or NULL */
};

/* Windows of @events_max events; options NULL: the defaults, but that nothing waits for long. */
struct world world_open(const char *path, uint64_t events_max,
			const struct reprise_recorder_options *options);

/* Closes what is open. The recorder answers @status. */
void world_close(struct world *world, reprise_status status);

/* The options that a world has by default. */
struct reprise_recorder_options world_options(void);

/* "s" has a writer from here on. */
void world_write(struct world *world);

/* Events of kind 0 with their position as text, and as revision, until the newest is @newest. */
void world_append_until(struct world *world, reprise_position newest);

/* Everything that was appended is recorded. */
void world_flush(struct world *world);

struct reprise_cursor world_cursor(struct world *world, reprise_position position);

struct reprise_subscription *world_subscribe(struct world *world,
					     const struct reprise_cursor *cursor);

/* The next that is not EMPTY, awaited. */
reprise_outcome world_next(struct reprise_subscription *subscription, struct reprise_event *event,
			   struct reprise_gap *gap, struct reprise_end *end);

/*
 * Events first .. last, in order, with their position as payload; answers how many came
 * from the log.
 */
uint64_t world_expect(struct reprise_subscription *subscription, reprise_position first,
		      reprise_position last);
struct reprise_gap world_expect_gap(struct reprise_subscription *subscription,
				    reprise_gap_reason reason, reprise_gap_detail detail);

/* The log's knowledge of "s". */
struct reprise_log_stats world_log_stats(struct world *world);

/* The entries of "s" after @after, in a page that is the caller's. */
struct reprise_log_page *world_load(struct world *world, reprise_ordinal after,
				    const struct reprise_log_entry **ret_entries,
				    size_t *ret_count);

/* Waits until the log says that the last life of "s" is in that state. */
void world_await_life(struct world *world, reprise_life_state state);

struct reprise_recorder_stats world_stats(struct world *world);

/* Runs @act in another process, which dies without a word when it returns. */
void world_crash(void (*act)(const char *path), const char *path);

/* Nothing of the log can be written until it is given back: somebody has its turn. */
int world_block_log(const char *path);
void world_unblock_log(int blocked);

/* A cursor of the life that the log's position @position is in. */
struct reprise_cursor world_cursor_in_log(struct world *world, reprise_position position);

/* For world_crash: records 40 events of "s", and has them in the log. */
void world_record_40(const char *path);

/* The writer goes. */
void world_leave_writer(struct world *world);

#endif /* RECORDER_WORLD_H */
