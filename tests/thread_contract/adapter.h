/* SPDX-License-Identifier: MIT */
#ifndef THREAD_CONTRACT_ADAPTER_H
#define THREAD_CONTRACT_ADAPTER_H

/*
 * The tests of an adapter bring one file, so that the contract's suite can be run against the
 * adapter: it has these functions, linked with all of this folder's.
 */

#include <reprise/thread_load.h>

/* Before each test, in its process: a place for a store, with nothing in it. And after it. */
void adapter_set_up(void);
void adapter_tear_down(void);

/* One more connection to that place, with a deadline of a minute. Limits of 0 are the defaults. */
struct reprise_thread_store *adapter_open(uint64_t horizon_ns, uint64_t retry_limit_ns);

/* Damage behind the store's back; of the document "t", or of its delta of that version. */
enum adapter_damage {
	ADAPTER_HEAD_VERSION,        /* the head is of that version */
	ADAPTER_HEAD_BASE,           /* its text is of that version */
	ADAPTER_HEAD_COMPLETE_AFTER, /* its deltas are complete after that version */
	ADAPTER_HEAD_UID,            /* it has other bits */
	ADAPTER_TEXT,                /* the text: other bytes, as many */
	ADAPTER_TEXT_VERSION,        /* the text is of that version */
	ADAPTER_TEXT_GONE,
	ADAPTER_DELTA,      /* the delta: other bytes, as many */
	ADAPTER_DELTA_TIME, /* the delta was stored a millisecond later */
	ADAPTER_DELTA_GONE,
	ADAPTER_APPLIED_VERSION, /* the remembered ids of that version are of the next one */
	ADAPTER_APPLIED_DIGEST,  /* the remembered ids of that version have other digests */
	ADAPTER_APPLIED_TIME,    /* the remembered ids of that version were applied in 1970 */
	ADAPTER_HORIZON,         /* the store's horizon is so many milliseconds */
};

void adapter_do_damage(enum adapter_damage damage, uint64_t number);

/* Of "t": the version of its text. */
uint64_t adapter_text_version(void);

/* How many rows there are, of all documents. */
uint64_t adapter_heads(void);
uint64_t adapter_texts(void);
uint64_t adapter_deltas(void);
uint64_t adapter_applied(void);

#endif /* THREAD_CONTRACT_ADAPTER_H */
