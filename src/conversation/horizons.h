/* SPDX-License-Identifier: MIT */
#ifndef CONVERSATION_HORIZONS_H
#define CONVERSATION_HORIZONS_H

/*
 * At which places of a stream its horizon was raised (rule D03): a blob beside the stream
 * (rule D06). A forget is no event, but decisions rest on it: an id that was forgotten and received
 * again is another message. So a recovery forgets at the places where the instance that appended
 * the events had forgotten.
 *
 * The blob also says that the key is a conversation's. A key with a blob is archived by nobody
 * else.
 */

#include "conversation/instance.h"

/* The horizon of the state is @ms from the event at @ordinal on. */
void horizons_raise(struct horizons *horizons, uint64_t ordinal, uint64_t ms);

/* Of a recovery that begins with @state, which has the events up to @ordinal: the next place. */
size_t horizons_begin(const struct horizons *horizons, uint64_t ordinal,
		      struct conversation_state *state);

/*
 * Raises the horizon of @state as it was raised at the places up to @ordinal, from place *@next on,
 * which it moves.
 */
void horizons_apply(const struct horizons *horizons, uint64_t ordinal, size_t *next,
		    struct conversation_state *state);

bool horizons_are_equal(const struct horizons *one, const struct horizons *other);

/* A key without the blob has none that are stored. E_CORRUPT: the blob is damaged; E_VERSION. */
reprise_status horizons_load(const struct reprise_conversation *conversation,
			     struct reprise_log_page *page, struct horizons *ret_horizons,
			     struct reprise_error *error);

/* Stores those of an instance if they are not stored yet, at the head that it expects. */
reprise_status horizons_store(struct reprise_conversation *conversation,
			      struct reprise_error *error);

#endif /* CONVERSATION_HORIZONS_H */
