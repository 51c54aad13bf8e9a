/* SPDX-License-Identifier: MIT */
#ifndef RECORDER_BATCH_H
#define RECORDER_BATCH_H

/*
 * The writes of one transaction, copied out of the rings: newer events do not displace the copy. A
 * batch whose outcome is not known is written again as it is. The writing thread's.
 */

#include "log/write.h"
#include "recorder/wall.h"

struct recording;
struct reprise_recorder;

/* Where a write leads to. */
struct batch_mark {
	struct recording *recording;
	uint64_t through; /* recorded up to there, when it is committed */
	uint64_t events, lost;
	bool was_held; /* at the last attempt, by another connection */
	/* The recording keeps the words of the transaction that failed for this write. */
	bool has_words;
};

struct batch {
	/* Records, as copied: room for bytes_limit, a batch of a writer, and one of the largest. */
	unsigned char *bytes;
	uint64_t bytes_mapped, bytes_used, bytes_limit;

	struct reprise_log_new_entry *entries; /* room for entries_max, and a batch of a writer */
	uint64_t entries_mapped;               /* bytes */
	uint64_t entries_max, entries_count;

	/*
	 * The batch of a writer whose beginning is copied, and whose end is not (rule C23). No
	 * transaction ends here. 0: none.
	 */
	uint64_t open_first; /* its first position */
	uint64_t open_bytes; /* bytes_used before it */

	struct log_write *writes;
	struct batch_mark *marks; /* one for each */
	uint64_t writes_max, writes_count;
	bool closes;      /* a life, or marks it void: that is brought to the disk */
	struct wall wall; /* by which the last entries have their times */

	uint64_t lease_ns;         /* of every session that has a writer; 0: none */
	uint64_t begun_ns;         /* when the round began, on CLOCK_MONOTONIC */
	uint64_t leases_before_ns; /* leases renewed before are renewed in this round; 0: none is */

	uint64_t *places; /* a stretch's */
	uint64_t places_max;
};

/* False without memory; it is closed all the same. */
bool batch_open(struct batch *batch, uint64_t events_max, uint64_t bytes_max);
void batch_close(struct batch *batch);
void batch_clear(struct batch *batch);

/*
 * Makes room for the records of a window of @arena_bytes: a batch of the writer may be as large as
 * the arena, and so may the record that a copy ends with. The batch is empty. The address space
 * stays with the batch, so that a window that was opened can be recorded whatever memory is left
 * later. False without memory.
 */
bool batch_reserve(struct batch *batch, uint64_t arena_bytes);

enum gathered {
	GATHERED_ALL,     /* everything that was there */
	GATHERED_SOME,    /* something: there was no room for more */
	GATHERED_NOTHING, /* the batch has no room */
};

/*
 * Puts in what there is of @recording, as far as there is room: marks, gap and events,
 * end, close, lease.
 */
enum gathered batch_gather(struct batch *batch, struct reprise_recorder *recorder,
			   struct recording *recording);

/*
 * Puts in a write of @recording that changes nothing: its synced commit syncs whatever
 * was written before.
 */
void batch_put_sync(struct batch *batch, struct recording *recording);

#endif /* RECORDER_BATCH_H */
