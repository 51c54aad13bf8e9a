/* SPDX-License-Identifier: MIT */
#ifndef THREAD_RUN_H
#define THREAD_RUN_H

/* For a writer that keeps the deltas of a run elsewhere, and saves the document once. */

#include "thread/adapter.h"

/* Exported as those of adapter.h are. */
#define thread_read_delta   reprise_private_thread_read_delta
#define thread_apply_deltas reprise_private_thread_apply_deltas

struct thread_delta_facts {
	char id[THREAD_DELTA_ID_ROOM];
	unsigned char digest[REPRISE_THREAD_DIGEST_BYTES];
	uint64_t created_ms;
	bool is_run_finished;
	bool has_own_id;           /* the host has given it */
	struct reprise_bytes json; /* in canonical form, borrowed from the page */
};

/*
 * Reads one delta into @page. Without a delta_id and a created_at it is given both, if @now_ms is
 * not 0; with 0, E_INVALID. E_INVALID names @what.
 */
REPRISE_API reprise_status thread_read_delta(struct reprise_bytes delta, const char *what,
					     uint64_t now_ms, struct reprise_thread_page *page,
					     struct thread_delta_facts *ret_facts,
					     struct reprise_error *error);

/*
 * Applies deltas to a document, as reprise_thread_append would one by one, and counts its version
 * up by each. The result is in canonical form, borrowed from @page.
 */
REPRISE_API reprise_status thread_apply_deltas(struct reprise_bytes document,
					       const struct reprise_bytes *deltas,
					       size_t deltas_count,
					       struct reprise_thread_page *page,
					       struct reprise_bytes *ret_document,
					       struct reprise_error *error);

#endif /* THREAD_RUN_H */
