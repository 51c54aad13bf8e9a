/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_CONVERSATION_UPKEEP_H
#define REPRISE_CONVERSATION_UPKEEP_H

/*
 * reprise/conversation_upkeep.h - what keeps a long conversation quick to recover: snapshots, and archiving
 *
 * record_* takes snapshots by itself (snapshot_events). The calls here are for a program that knows better when it has
 * time for one, and for archiving what snapshots cover. (rule D06)
 */

#include <reprise/conversation.h>

REPRISE_BEGIN_DECLARATIONS

/*
 * reprise_conversation_snapshot - keep the state beside the stream, so that a recovery need not read what came before
 *
 * Two snapshots are kept; the older one is replaced, of those that the instance has taken or found when it recovered. If no
 * event has come since the newest one, none is written; what was forgotten since is stored. A snapshot is linear in the
 * state: outputs of finished messages are not in it.
 *
 * @conversation  Borrowed.
 * @error         Optional: `expected` and `actual` heads on REPRISE_E_CONFLICT.
 *
 * Threads   Owner of the instance.
 * Progress  Blocks, up to the log's deadline; linear in the state.
 * Ordering  Durable as the log was opened, when the call returns.
 * Returns   REPRISE_OK
 *           REPRISE_E_CONFLICT   another instance has appended; nothing was written, and this instance is stale
 *           REPRISE_E_STALE      the instance has to recover first
 *           REPRISE_E_TOO_LARGE  the state has more bytes than an entry may have
 *           REPRISE_E_INVALID    a NULL argument, or a log that was opened to be read
 *           REPRISE_E_NOT_FOUND  the log has lost the stream
 *           REPRISE_E_FORKED, REPRISE_E_IO, REPRISE_E_TIMEOUT, REPRISE_E_CORRUPT, REPRISE_E_NO_MEMORY  the instance is
 *                                good, and the newest snapshot of before is there
 */
REPRISE_API reprise_status reprise_conversation_snapshot(
	struct reprise_conversation *conversation, struct reprise_error *error) REPRISE_MUST_USE;

/* The snapshots of a conversation, as far as the instance knows. */
struct reprise_conversation_snapshots {
	size_t size; /* sizeof(struct reprise_conversation_snapshots), set by the caller */
	uint64_t newest, older; /* how many events they cover; 0: there is none */
	uint64_t newest_bytes;
	uint64_t
		recovered_from; /* how many events the last recovery had from a snapshot, and did not read */
	uint32_t damaged;    /* snapshots that the last recovery could not read */
	reprise_status last; /* what the last attempt to take a snapshot answered */
};
#define REPRISE_CONVERSATION_SNAPSHOTS_INIT REPRISE_INIT(struct reprise_conversation_snapshots)

/*
 * reprise_conversation_snapshots - what the instance knows of its snapshots
 *
 * @conversation   Borrowed.
 * @ret_snapshots  `size` set by the caller; the rest set on REPRISE_OK.
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
 * reprise_conversation_archive - hide the events that two snapshots cover
 *
 * Both snapshots are read first: what is archived is covered by the older one, so that either may be lost. Outputs of steps
 * whose events are archived are REPRISE_E_EXPIRED. reprise_log_move_archived moves the rows. reprise_log_archive_before
 * refuses a key with snapshots.
 *
 * @conversation  Borrowed. May be stale.
 * @ret_archived  Optional; set on REPRISE_OK: how many events. 0 without two snapshots.
 * @error         Optional.
 *
 * Threads   Owner of the instance.
 * Progress  Blocks, up to the log's deadline for each of three calls.
 * Ordering  Durable as the log was opened, when the call returns.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID  a NULL conversation, or a log that was opened to be read
 *           REPRISE_E_FORKED, REPRISE_E_IO, REPRISE_E_TIMEOUT, REPRISE_E_CORRUPT, REPRISE_E_NO_MEMORY, REPRISE_E_SYSTEM
 */
REPRISE_API reprise_status
reprise_conversation_archive(struct reprise_conversation *conversation, uint64_t *ret_archived,
			     struct reprise_error *error) REPRISE_MUST_USE;

REPRISE_END_DECLARATIONS
#endif /* REPRISE_CONVERSATION_UPKEEP_H */
