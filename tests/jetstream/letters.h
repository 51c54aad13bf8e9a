/* SPDX-License-Identifier: MIT */
#ifndef JETSTREAM_LETTERS_H
#define JETSTREAM_LETTERS_H

/* Dead letters, copied from where a visitor sees them. */

#include <reprise/jetstream_upkeep.h>

enum {
	LETTERS_MAX = 64
};

struct letter {
	uint64_t sequence;
	uint64_t time_ms;
	char subject[192];
	char id[REPRISE_THREAD_ID_BYTES_MAX + 1];
	char reason[192];
	char payload[512];
	size_t payload_size;
};

struct letters {
	unsigned int count;
	struct letter letters[LETTERS_MAX];
};

/* All after a sequence, up to a maximum. */
void letters_read(struct reprise_jetstream *writer, uint64_t after, unsigned int max,
		  struct letters *ret_letters);
uint64_t letters_count(struct reprise_jetstream *writer);

#endif /* JETSTREAM_LETTERS_H */
