/* SPDX-License-Identifier: MIT */
#ifndef THREAD_CONTRACT_CONTRACT_H
#define THREAD_CONTRACT_CONTRACT_H

/* Shared by the tests of the contract (B01 to B06b). */

#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "adapter.h"
#include "model.h"
#include "support.h"

struct reprise_bytes text_bytes(const char *text);

/* With the default limits. */
struct reprise_thread_store *open_store(void);
/* Closes it, and fails the test if memory has leaked. */
void close_store_of(struct reprise_thread_store *store);

/* The current time. */
uint64_t now_ms(void);

/* Creates "t" from a text; its uid is a static buffer. */
const char *create_t(struct reprise_thread_store *store, const char *text);

/* The model's delta of that number, created now, with one message whose id is the number. */
struct model_delta delta_of(unsigned int number);

/* Appends the delta to "t". */
reprise_status append_delta(struct reprise_thread_store *store, const struct model_delta *delta,
			    const uint64_t *expected_version,
			    struct reprise_thread_appended *ret_appended,
			    struct reprise_error *error);
/* Appends a delta to "t" that must be new, and answers the version. */
uint64_t append_new(struct reprise_thread_store *store, unsigned int number);

/* The document in canonical form; a static buffer. */
const char *load_text(struct reprise_thread_store *store, const char *id);
uint64_t version_of(struct reprise_thread_store *store, const char *id);
reprise_status load_status(struct reprise_thread_store *store, const char *id);

/* Saves a text as "t". */
reprise_status save_text(struct reprise_thread_store *store, const uint64_t *expected_version,
			 const char *text, uint64_t *ret_version, struct reprise_error *error);

/* "t" has these versions among its kept deltas, in pages of @limit; complete after first - 1. */
void expect_deltas(struct reprise_thread_store *store, uint64_t after, uint64_t first,
		   uint64_t last, uint64_t limit);
void expect_gap(struct reprise_thread_store *store, uint64_t after, uint64_t complete_after);

#endif /* THREAD_CONTRACT_CONTRACT_H */
