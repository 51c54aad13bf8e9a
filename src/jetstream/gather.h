/* SPDX-License-Identifier: MIT */
#ifndef JETSTREAM_GATHER_H
#define JETSTREAM_GATHER_H

/* The messages of a document's subject, and what a flush is to do with each of them. */

#include "jetstream/fetch.h"

enum fate {
	FATE_APPLY,
	FATE_SKIP,  /* it was applied before */
	FATE_BURY,  /* it becomes a dead letter */
	FATE_LEAVE, /* it was to become one, and there is no room: it stays where it is */
};

struct gathered {
	struct fetched fetched; /* without its memory if it is not kept */
	enum fate fate;
	const char *reason; /* FATE_BURY: in words */
	bool is_delta;      /* it is one, of the document: the next fields are set */
	uint64_t version;   /* that its writer has expected for it; 0: none */
	char id[THREAD_DELTA_ID_ROOM];
	unsigned char digest[REPRISE_THREAD_DIGEST_BYTES];
};

/* All zero: nothing. */
struct gathering {
	struct gathered *items; /* in the order of the stream */
	size_t count, room;
	size_t bytes; /* of the payloads */
	bool is_cut;  /* there are more, and room for no more */
};

/*
 * The messages that are asked for. The sequence `through` is read before the document is: a message
 * up to there whose uid is not the document's was published to a document that is gone, since no
 * uid comes again.
 */
struct gather_what {
	const char *subject;
	const char *uid; /* NULL: there is no such document */
	uint64_t after, through;
	bool is_counted; /* the messages are not kept, and there is no limit to them */
};

/* gathering_free follows in any case. */
reprise_status gather(struct reprise_jetstream *writer, const struct gather_what *what,
		      struct gathering *gathering, struct reprise_error *error);
void gathering_free(struct gathering *gathering);

#endif /* JETSTREAM_GATHER_H */
