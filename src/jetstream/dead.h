/* SPDX-License-Identifier: MIT */
#ifndef JETSTREAM_DEAD_H
#define JETSTREAM_DEAD_H

/* Dead letters: messages that no document can take. */

#include "jetstream/fetch.h"

/*
 * Puts a message of the stream among the dead letters, waits for the ack, and only then removes it.
 * *ret_is_new: it was not removed by somebody else meanwhile.
 */
reprise_status dead_bury(struct reprise_jetstream *writer, const struct fetched *fetched,
			 const char *reason, uint64_t due_ns, bool *ret_is_new,
			 struct reprise_error *error);

#endif /* JETSTREAM_DEAD_H */
