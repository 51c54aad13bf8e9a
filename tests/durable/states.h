/* SPDX-License-Identifier: MIT */
#ifndef TESTS_DURABLE_STATES_H
#define TESTS_DURABLE_STATES_H

/* States that are compared field by field, and random changes with a model made of plain arrays. */

#include "durable/state.h"
#include "support.h"

#define SESSION "chat"

/* Applies the change as the event at @position, and frees it. */
enum durable_applied apply(struct durable_state *state, reprise_position position,
			   struct durable_change *change);
/* An event of data. */
void apply_data(struct durable_state *state, reprise_position position);
void expect_applied(struct durable_state *state, reprise_position position,
		    struct durable_change *change);

/* The settings of a stream of text/plain. */
struct durable_settings plain_settings(void);
/* A state of SESSION with the settings, created by the event 1 at the time 5. */
struct durable_state created(const struct durable_settings *settings);

/* Applies a control event to a created stream, from memory of exactly this size. */
enum durable_applied apply_bytes(const void *bytes, size_t size);

/* `through` and `snapshot` are the events', and compared if @with_events. */
void expect_equal(const struct durable_state *a, const struct durable_state *b, bool with_events);

/* The state that @state's snapshot makes as the event at @position. */
struct durable_state copy_by_snapshot(const struct durable_state *state, reprise_position position);

struct random {
	uint64_t word;
};

uint32_t random_below(struct random *random, uint32_t bound);
/* A text of 1 to @bytes_max bytes. */
void random_text(struct random *random, size_t bytes_max, char *ret_text);
struct durable_settings random_settings(struct random *random);

enum {
	MODEL_NAMES = 24,
};

/* The state that is expected, without an order and without memory. */
struct model {
	struct durable_state scalars; /* the arrays are empty */
	struct {
		char id[DURABLE_NAME_BYTES_MAX + 1];
		uint64_t epoch, number;
		reprise_position last;
		bool is_known;
	} producers[MODEL_NAMES];
	struct {
		char id[REPRISE_SESSION_ID_BYTES_MAX + 1];
		bool is_known;
	} forks[MODEL_NAMES];
};

void model_init(struct model *model, struct random *random);
/* Adds one random change to @change, which becomes the event at @position. */
void model_change(struct model *model, struct random *random, reprise_position position,
		  struct durable_change *change);
void expect_as_modelled(const struct durable_state *state, const struct model *model);

#endif /* TESTS_DURABLE_STATES_H */
