/* SPDX-License-Identifier: MIT */
#ifndef CONVERSATION_SNAPSHOT_H
#define CONVERSATION_SNAPSHOT_H

/*
 * Snapshots of a state: blobs beside the stream, in two slots (rule D06). A snapshot replaces the
 * older one of both, so that one is whole whatever happens while it is written.
 */

#include "conversation/instance.h"

/*
 * Reads both slots. *ret_state is owned: the newest state that can be read; NULL: there is none. A
 * damaged slot is counted in the instance's snapshots, and is no failure.
 */
reprise_status snapshot_load(struct reprise_conversation *conversation,
			     struct reprise_log_page *page, struct snapshots *ret_snapshots,
			     struct conversation_state **ret_state, struct reprise_error *error);

/*
 * An event of @bytes was recorded. Takes a snapshot if it is time for one, and remembers what
 * became of it.
 */
void snapshot_take_if_due(struct reprise_conversation *conversation, size_t bytes);

#endif /* CONVERSATION_SNAPSHOT_H */
