/* SPDX-License-Identifier: MIT */
#ifndef JETSTREAM_SETTLE_H
#define JETSTREAM_SETTLE_H

/* What becomes of messages that were gathered. */

#include "jetstream/gather.h"

/* Puts those among the dead letters that are to be; *ret_dead counts up. Before anything is saved. */
reprise_status settle_dead(struct reprise_jetstream *writer, const struct gathering *gathering,
			   uint64_t *ret_dead, struct reprise_error *error);

/*
 * Removes what was gathered, but for the last message: the stream is not emptied, so that its sequences go on after a
 * crash of the server. The store remembers what was applied, so a failure is no loss, and is not told.
 */
void settle_applied(struct reprise_jetstream *writer, const char *subject,
		    const struct gathering *gathering);

/* Versions that the gathered deltas show to be missing. */
struct missing {
	uint64_t from, to, count;
};

/*
 * A delta says which version its writer expected for it. If the last of them is more than the document and the gathered
 * deltas come to, some have left the stream unseen. @stored is the version before them.
 */
void settle_missing(const struct gathering *gathering, uint64_t stored,
		    struct missing *ret_missing);

#endif /* JETSTREAM_SETTLE_H */
