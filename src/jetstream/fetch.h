/* SPDX-License-Identifier: MIT */
#ifndef JETSTREAM_FETCH_H
#define JETSTREAM_FETCH_H

/*
 * Messages of a stream, read from its leader: a replica that is catching up has holes, and a
 * message that is not seen would be purged with those that were. There is no consumption state on
 * the server that a crash could leave behind.
 */

#include "jetstream/message.h"

enum {
	FETCH_MESSAGES_PER_DEADLINE = 1000,
};

/* Takes the message, which is to be freed. False: no more. */
typedef bool (*fetch_visit)(struct fetched *fetched, void *context);

/*
 * The messages to fetch: those of @subject, which may have wildcards, with sequences greater than
 * @after and at most @through, in their order.
 */
struct fetching {
	const char *stream;
	const char *subject;
	uint64_t after, through;
};

/*
 * The deadline begins anew for each FETCH_MESSAGES_PER_DEADLINE messages; the visitor's own time
 * does not count.
 */
reprise_status fetch_each(struct reprise_jetstream *writer, const struct fetching *fetching,
			  fetch_visit visit, void *context, struct reprise_error *error);

/* One message by its sequence; `memory` is NULL if it is not there. */
reprise_status fetch_one(struct reprise_jetstream *writer, uint64_t sequence, uint64_t due_ns,
			 struct fetched *ret_fetched, struct reprise_error *error);

#endif /* JETSTREAM_FETCH_H */
