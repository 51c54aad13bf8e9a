/* SPDX-License-Identifier: MIT */
#ifndef THREAD_MODEL_H
#define THREAD_MODEL_H

/*
 * A document and deltas in plain arrays, without JSON: the meaning of applying a delta (rule B04),
 * written a second time. Each prints itself as JSON.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	MODEL_MESSAGES_MAX = 4096,
	MODEL_PATCHES_MAX = 4096,
	MODEL_DELTA_MESSAGES_MAX = 6,
	MODEL_DELTA_PATCHES_MAX = 4,
	MODEL_DELTA_TEXT_BYTES = 2048,
};

struct model_message {
	unsigned int id; /* 0: none */
	unsigned int body;
};

struct model_delta {
	unsigned int number; /* its delta_id; 0: none */
	uint64_t created_ms;
	bool has_snapshot;
	unsigned int snapshot;
	unsigned int patches[MODEL_DELTA_PATCHES_MAX];
	size_t patches_count;
	struct model_message messages[MODEL_DELTA_MESSAGES_MAX];
	size_t messages_count;
	unsigned int style; /* how it is written: the order of the members, the spaces */
};

struct model {
	uint64_t version;
	bool has_state; /* else {} */
	unsigned int state;
	unsigned int patches[MODEL_PATCHES_MAX];
	size_t patches_count;
	struct model_message messages[MODEL_MESSAGES_MAX];
	size_t messages_count;
};

void model_clear(struct model *model);
void model_apply(struct model *model, const struct model_delta *delta);

/* The document in canonical form; NULL as uid: none. A static buffer. */
const char *model_text(const struct model *model, const char *id, const char *uid);

/* The delta as a host might write it. */
const char *model_delta_text(const struct model_delta *delta,
			     char ret_text[static MODEL_DELTA_TEXT_BYTES]);

/* A delta whose parts come from @random, which is called for each with the number of choices. */
void model_delta_choose(struct model_delta *delta,
			unsigned int (*random)(void *context, unsigned int choices), void *context);

#endif /* THREAD_MODEL_H */
