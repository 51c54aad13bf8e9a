/* SPDX-License-Identifier: MIT */
#ifndef DURABLE_TABLES_H
#define DURABLE_TABLES_H

/* The producers and the forks of a state: sorted arrays. */

#include "durable/state.h"

/* NULL: not known. The producer stays in place until the next change of the state. */
struct durable_producer *tables_find_producer(const struct durable_state *state, const char *id);
/* Adds or replaces. MALFORMED: too many. */
enum durable_applied tables_put_producer(struct durable_state *state, const char *id,
					 const struct durable_producer *values);

/* A fork that is known already stays. MALFORMED: too many. */
enum durable_applied tables_add_fork(struct durable_state *state, const char *session_id);
void tables_remove_fork(struct durable_state *state, const char *session_id);

/* Whether there is room for so many; the whole room of a snapshot is taken at once. */
bool tables_reserve_producers(struct durable_state *state, size_t count);
bool tables_reserve_forks(struct durable_state *state, size_t count);

void tables_free(struct durable_state *state);

#endif /* DURABLE_TABLES_H */
