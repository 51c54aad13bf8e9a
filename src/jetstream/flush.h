/* SPDX-License-Identifier: MIT */
#ifndef JETSTREAM_FLUSH_H
#define JETSTREAM_FLUSH_H

/* From the stream to the store. */

#include "jetstream/settle.h"
#include "jetstream/view.h"
#include "thread/run.h"

struct flush {
	const char *id;
	const struct thread_delta_facts *sought; /* the delta whose version is wanted, or NULL */

	/* Outputs. */
	uint64_t sought_version;
	struct reprise_jetstream_flushed flushed;
	/* The sequence of the last message, applied and kept; 0: no message is kept. */
	uint64_t kept_sequence;
	uint64_t kept_time_ms;
	/* All was applied; the status tells that some messages found no room as dead letters. */
	bool is_saved;

	/* flush_document's own. */
	uint64_t after; /* passes before this one have settled what is up to there */
	struct burials burials;
};

/*
 * Flushes the document whose view is held, and forgets the view. No append of it is in flight.
 * Counts in `flushed` are right after failures, too.
 */
reprise_status flush_document(struct reprise_jetstream *writer, struct view *view,
			      struct flush *flush, struct reprise_error *error);

#endif /* JETSTREAM_FLUSH_H */
