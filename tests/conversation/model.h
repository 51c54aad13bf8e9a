/* SPDX-License-Identifier: MIT */
#ifndef CONVERSATION_MODEL_H
#define CONVERSATION_MODEL_H

/*
 * Rules D03 and D04 with arrays that are searched from one end to the other. Bytes of events are
 * borrowed for as long as the model is used.
 */

#include "conversation/state.h"

enum {
	MODEL_EVENTS_MAX = 128, /* messages, and steps of each, since no model gets more events */
};

struct model_step {
	uint32_t step;
	uint64_t ordinal;
	struct reprise_bytes output;
};

struct model_message {
	struct reprise_bytes id;
	bool is_received, is_in_progress, is_finished, has_error;
	uint64_t received_at_ms, received_ordinal;
	struct reprise_bytes error;
	struct model_step steps[MODEL_EVENTS_MAX]; /* in the order in which they came first */
	size_t steps_count;
};

struct model {
	struct model_message messages[MODEL_EVENTS_MAX]; /* in the order of their first events */
	size_t messages_count;
	uint64_t horizon_ms, last_ordinal;
};

void model_clear(struct model *model);

/* Aborts if there is no room. */
void model_apply(struct model *model, uint64_t ordinal, const struct conversation_event *event);
uint64_t model_forget(struct model *model, uint64_t received_before_ms);

/*
 * NULL if every query of the state answers what the model says; else the condition that
 * does not hold.
 */
const char *model_difference(const struct model *model, const struct conversation_state *state);

/* The same of what is answered for one id, whether it is known or not. */
const char *model_difference_of(const struct model *model, const struct conversation_state *state,
				struct reprise_bytes id);

#endif /* CONVERSATION_MODEL_H */
