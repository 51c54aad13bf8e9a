/* SPDX-License-Identifier: MIT */
#ifndef JETSTREAM_TABLE_H
#define JETSTREAM_TABLE_H

/* The buffered deltas of a document by their ids. All zero: empty. */

#include <stdbool.h>
#include <sys/queue.h>

#include "base/siphash.h"
#include "thread/adapter.h"

struct buffered {
	SLIST_ENTRY(buffered) next; /* in `all` */
	uint64_t version;           /* that a flush gives the delta */
	uint64_t sequence;          /* in the stream; 0: not known */
	unsigned char digest[REPRISE_THREAD_DIGEST_BYTES];
	uint64_t hash; /* of the id */
	char id[];
};

SLIST_HEAD(buffered_list, buffered);

struct table {
	struct buffered_list all;
	struct buffered **slots; /* open addressing, a power of two; NULL: free */
	size_t room, count;
};

/* NULL: not there. */
struct buffered *table_find(const struct table *table, const struct siphash_key *key,
			    const char *id);
/* Adds a delta whose id is not there. False: no memory, and nothing changed. */
bool table_add(struct table *table, const struct siphash_key *key, const char *id,
	       const unsigned char *digest, uint64_t version, uint64_t sequence);
void table_free(struct table *table);

#endif /* JETSTREAM_TABLE_H */
