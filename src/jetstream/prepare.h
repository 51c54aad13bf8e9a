/* SPDX-License-Identifier: MIT */
#ifndef JETSTREAM_PREPARE_H
#define JETSTREAM_PREPARE_H

/* The work of both kinds of append before they publish. */

#include "jetstream/view.h"
#include "thread/run.h"

/* A delta that is read. */
struct prepared {
	struct reprise_jetstream *writer;
	struct reprise_thread_page *page;
	struct thread_delta_facts facts;
};

/* Checks the writer and the id, and reads the delta. prepared_free follows in any case. */
reprise_status prepare(struct reprise_jetstream *writer, const char *id, struct reprise_bytes delta,
		       struct prepared *prepared, struct reprise_error *error);
void prepared_free(struct prepared *prepared);

/* E_INVALID, with the byte in words, unless it is an id by rule B01. */
reprise_status prepare_id(struct reprise_jetstream *writer, const char *id,
			  struct reprise_error *error);

/*
 * Whether the delta is buffered or applied, by a view that is known: then *ret_appended is filled
 * in. Of a delta that is buffered with a sequence that is not known, the view is read again.
 * E_EXISTS: another one has its id.
 */
reprise_status prepare_find(struct reprise_jetstream *writer, struct view *view,
			    const struct thread_delta_facts *facts, uint64_t due_ns,
			    bool *ret_is_found, struct reprise_jetstream_appended *ret_appended,
			    struct reprise_error *error);

/* E_EXPIRED, or E_INVALID for one that lies too far ahead. */
reprise_status prepare_age(const struct reprise_jetstream *writer,
			   const struct thread_delta_facts *facts, struct reprise_error *error);

/* Id and digest. */
void prepare_appended(const struct thread_delta_facts *facts,
		      struct reprise_jetstream_appended *ret_appended);

#endif /* JETSTREAM_PREPARE_H */
