/* SPDX-License-Identifier: MIT */
#ifndef RECORDER_BATCH_H
#define RECORDER_BATCH_H

/*
 * What one transaction writes, copied out of the rings: once it is here, newer events do not displace it.
 * A batch whose outcome is not known is written again as it is. The writing thread's.
 */

#include "log/write.h"

struct recording;
struct reprise_recorder;

/* Where a write leads to. */
struct batch_mark {
	struct recording *recording;
	uint64_t through; /* recorded up to there, when it is committed */
	uint64_t events, lost;
};

struct batch {
	unsigned char *bytes; /* records, as copied; room for bytes_limit and one of the largest */
	uint64_t bytes_mapped, bytes_used, bytes_limit, largest;

	struct reprise_log_new_entry *entries;
	uint64_t entries_max, entries_count;

	struct log_write *writes;
	struct batch_mark *marks; /* one for each */
	uint64_t writes_max, writes_count;
	bool closes; /* a life: that is brought to the disk */

	uint64_t *places; /* a stretch's */
	uint64_t places_max;
};

/* False without memory; it is closed all the same. */
bool batch_open(struct batch *batch, uint64_t events_max, uint64_t bytes_max);
void batch_close(struct batch *batch);
void batch_clear(struct batch *batch);

/*
 * Puts in what there is of @recording, as far as there is room: marks, gap and events, end, close. Answers whether there
 * was more than there is room for.
 */
bool batch_gather(struct batch *batch, struct reprise_recorder *recorder,
		  struct recording *recording);

#endif /* RECORDER_BATCH_H */
