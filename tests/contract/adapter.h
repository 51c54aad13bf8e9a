/* SPDX-License-Identifier: MIT */
#ifndef CONTRACT_ADAPTER_H
#define CONTRACT_ADAPTER_H

/*
 * The part that an adapter's tests bring, so that the contract's suite can be run against the
 * adapter: one file that has these functions, linked with all of this folder's.
 */

#include <reprise/log.h>

/* Before each test, in its process: a place for a log, with nothing in it. And after it. */
void contract_set_up(void);
void contract_tear_down(void);

/* One more connection to that place, with a deadline of a minute. */
struct reprise_log *contract_open(void);
struct reprise_log *contract_open_deleting(void); /* archived rows are deleted, not kept */

/* Changes behind the log's back; of the key ("t", "k"). */
enum contract_damage {
	CONTRACT_PAYLOAD,       /* the row of that ordinal: another payload of the same size */
	CONTRACT_TIME,          /* ... another time */
	CONTRACT_ROW_GONE,      /* ... is not there */
	CONTRACT_ROW_ELSEWHERE, /* ... is that of the next ordinal, too, which has none before */
	CONTRACT_ROW_LONGER,    /* ... begins one earlier */
	CONTRACT_HEAD,          /* the head is that ordinal */
	CONTRACT_WATERMARK,     /* the watermark is that ordinal */
	CONTRACT_END,           /* has ended at that ordinal */
	CONTRACT_REVISION_MAX,  /* the greatest revision is that number */
	CONTRACT_LIFE_GONE,     /* the life of that number is not there */
	CONTRACT_LIFE_FIRST,    /* ... begins one later */
	CONTRACT_LIFE_END,      /* ... ends one earlier */
	CONTRACT_LIFE_STATE,    /* ... is of state 9 */
	CONTRACT_LIFE_OPEN,     /* ... is open */
	CONTRACT_KIND,          /* the key's kind is that number */
	CONTRACT_BLOB,          /* the blob whose name is that number: other bytes, as many */
	CONTRACT_BLOB_GONE,     /* ... is not there */
	CONTRACT_BLOB_RENAMED,  /* ... has another name */
	CONTRACT_BLOB_LONGEST,  /* the blob with the longest name: other bytes, as many */
	CONTRACT_BLOBS,         /* the head counts so many blobs */
};

void contract_do_damage(enum contract_damage damage, uint64_t number);

/* The rows that are kept for ("t", "k"), those in the archive, and the blobs. */
uint64_t contract_rows(void);
uint64_t contract_archived_rows(void);
uint64_t contract_blobs(void);

#endif /* CONTRACT_ADAPTER_H */
