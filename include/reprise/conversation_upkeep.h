/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_CONVERSATION_UPKEEP_H
#define REPRISE_CONVERSATION_UPKEEP_H

/*
 * reprise/conversation_upkeep.h - snapshots and archiving for a quick recovery
 *
 * record_* takes snapshots automatically (snapshot_events). The calls here let a program choose the
 * time of a snapshot, and archive the events covered by snapshots. (rule D06)
 */

#include <reprise/conversation.h>

REPRISE_BEGIN_DECLARATIONS

/*
 * reprise_conversation_snapshot - stores the state beside the stream
 *
 * A recovery reads the snapshot instead of the events before it. The key has two snapshots. A new
 * snapshot replaces the older one, as far as the instance knows from its own snapshots and its last
 * recovery. If no event has come since the newest snapshot, the call writes no snapshot, but still
 * stores a newer horizon (reprise_conversation_forget). The size of a snapshot is linear in the
 * state, without the outputs of finished messages.
 *
 * @conversation  Borrowed.
 * @error         Optional: `expected` and `actual` heads on REPRISE_E_CONFLICT.
 *
 * Threads   Owner of the instance.
 * Progress  Blocks, up to the log's deadline for each of at most two calls; linear in the size of
 *           the state.
 * Ordering  On return the snapshot is durable, to the level chosen when the log was opened.
 * Returns   REPRISE_OK
 *           REPRISE_E_CONFLICT   another instance has appended; nothing was written, and this
 *                                instance is stale
 *           REPRISE_E_STALE      the instance must recover first
 *           REPRISE_E_TOO_LARGE  the state exceeds the size of an entry
 *           REPRISE_E_INVALID    a NULL argument, or a log opened read-only
 *           REPRISE_E_NOT_FOUND  the log has lost the stream
 *           REPRISE_E_FORKED, REPRISE_E_IO, REPRISE_E_TIMEOUT, REPRISE_E_CORRUPT,
 *           REPRISE_E_NO_MEMORY  the instance stays usable, and the newest snapshot before the call
 *           stays
 */
REPRISE_API reprise_status reprise_conversation_snapshot(
	struct reprise_conversation *conversation, struct reprise_error *error) REPRISE_MUST_USE;

/* The snapshots of a conversation, as far as the instance knows. */
struct reprise_conversation_snapshots {
	size_t size; /* sizeof(struct reprise_conversation_snapshots), set by the caller */
	uint64_t newest, older; /* number of events covered; 0: no snapshot */
	uint64_t newest_bytes;

	/* Number of events that the last recovery took from a snapshot and did not read. */
	uint64_t recovered_from;
	uint32_t damaged;    /* snapshots that the last recovery could not read */
	reprise_status last; /* status of the last attempt to take a snapshot */
};
#define REPRISE_CONVERSATION_SNAPSHOTS_INIT REPRISE_INIT(struct reprise_conversation_snapshots)

/*
 * reprise_conversation_snapshots - returns facts about the snapshots
 *
 * @conversation   Borrowed.
 * @ret_snapshots  The caller sets `size`; the call sets the rest on REPRISE_OK.
 *
 * Threads   Owner of the instance.
 * Progress  Wait-free.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID  a NULL argument, a bad size
 */
REPRISE_API reprise_status reprise_conversation_snapshots(
	const struct reprise_conversation *conversation,
	struct reprise_conversation_snapshots *ret_snapshots) REPRISE_MUST_USE;

/*
 * reprise_conversation_archive - archives the events covered by two snapshots
 *
 * The call first reads both snapshots, and archives only events covered by the older one: a
 * recovery needs only one of the two. The output of a step is REPRISE_E_EXPIRED once its event is
 * archived. reprise_log_move_archived moves the archived rows. reprise_log_archive_before refuses a
 * key with snapshots.
 *
 * @conversation  Borrowed. May be stale.
 * @ret_archived  Optional. Set on REPRISE_OK to the number of newly archived events. 0 without two
 *                snapshots.
 * @error         Optional.
 *
 * Threads   Owner of the instance.
 * Progress  Blocks, up to the log's deadline for each of four calls.
 * Ordering  On return the archiving is durable, to the level chosen when the log was opened.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID  a NULL conversation, or a log opened read-only
 *           REPRISE_E_FORKED, REPRISE_E_IO, REPRISE_E_TIMEOUT, REPRISE_E_CORRUPT,
 *           REPRISE_E_NO_MEMORY, REPRISE_E_SYSTEM
 */
REPRISE_API reprise_status
reprise_conversation_archive(struct reprise_conversation *conversation, uint64_t *ret_archived,
			     struct reprise_error *error) REPRISE_MUST_USE;

REPRISE_END_DECLARATIONS
#endif /* REPRISE_CONVERSATION_UPKEEP_H */
