/* SPDX-License-Identifier: MIT */
#ifndef JETSTREAM_SETTLE_H
#define JETSTREAM_SETTLE_H

/* The end of gathered messages. */

#include "jetstream/gather.h"

/* The result for messages that were to be dead letters. */
struct burials {
	uint64_t dead;
	reprise_status failure; /* the first one; REPRISE_OK: none */
	bool is_over;           /* one was not answered: no more of them are tried */
	struct reprise_error why;
};

/*
 * Puts the messages that are to be buried among the dead letters, before anything is saved. A
 * message that finds no room, or is refused, is left in the stream, and noted: it keeps no delta
 * from the store. A failure is told if the other messages would fail as well.
 */
reprise_status settle_dead(struct reprise_jetstream *writer, struct gathering *gathering,
			   struct burials *burials, struct reprise_error *error);
/*
 * Whether a failure is of dead letters alone: the server answers other requests. A server that says
 * nothing until @due_ns has no permission for dead letters perhaps.
 */
bool settle_goes_on(struct reprise_jetstream *writer, reprise_status status, uint64_t due_ns);

/*
 * Removes what was gathered, but for what is left, and the last message: the stream is not emptied,
 * so that its sequences go on after a crash of the server. The store remembers what was applied, so
 * a failure is no loss, and is not told.
 */
void settle_applied(struct reprise_jetstream *writer, const char *subject,
		    const struct gathering *gathering);

/* Versions that the gathered deltas show to be missing. */
struct missing {
	uint64_t from, to, count;
};

/*
 * A delta says which version its writer expected for it. If the last of them is more than the
 * document and the gathered deltas come to, some have left the stream unseen. @stored is the
 * version before them.
 */
void settle_missing(const struct gathering *gathering, uint64_t stored,
		    struct missing *ret_missing);

#endif /* JETSTREAM_SETTLE_H */
