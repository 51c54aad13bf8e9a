/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <sys/mman.h>

#include "base/assert.h"
#include "base/numbers.h"
#include "recorder/batch.h"
#include "recorder/recorder.h"

/* The memory of a batch. */

enum {
	WRITES_MAX = 4096,
};

static_assert((int)PORT_PAYLOAD_BYTES_MAX == (int)REPRISE_LOG_PAYLOAD_BYTES_MAX &&
		      (int)PORT_BATCH_BYTES_MAX == (int)REPRISE_LOG_APPEND_BYTES_MAX,
	      "a batch that was appended can be recorded");

/* Has *memory be @bytes large; false without memory. Unused bytes take address space alone. */
static bool
have_mapped(void **memory, uint64_t *mapped, uint64_t bytes)
{
	void *grown;

	if (*mapped >= bytes)
		return true;
	if (*mapped == 0)
		grown = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	else
		grown = mremap(*memory, *mapped, bytes, MREMAP_MAYMOVE);
	if (grown == MAP_FAILED)
		return false;
	*memory = grown;
	*mapped = bytes;
	return true;
}

static bool
have_entries(struct batch *batch, uint64_t count)
{
	void *entries = batch->entries;
	const bool has =
		have_mapped(&entries, &batch->entries_mapped, count * sizeof(batch->entries[0]));

	batch->entries = entries;
	return has;
}

static bool
have_bytes(struct batch *batch, uint64_t count)
{
	void *bytes = batch->bytes;
	const bool has = have_mapped(&bytes, &batch->bytes_mapped, count);

	batch->bytes = bytes;
	return has;
}

bool
batch_open(struct batch *batch, uint64_t events_max, uint64_t bytes_max)
{
	*batch = (struct batch){ .entries_max = events_max,
				 .bytes_limit = bytes_max,
				 .writes_max = WRITES_MAX,
				 .places_max = events_max };
	batch->writes = malloc(WRITES_MAX * sizeof(batch->writes[0]));
	batch->marks = malloc(WRITES_MAX * sizeof(batch->marks[0]));
	batch->places = malloc(events_max * sizeof(batch->places[0]));
	return have_entries(batch, events_max) && batch->writes != NULL && batch->marks != NULL &&
	       batch->places != NULL;
}

void
batch_close(struct batch *batch)
{
	if (batch->bytes != NULL)
		munmap(batch->bytes, batch->bytes_mapped);
	if (batch->entries != NULL)
		munmap(batch->entries, batch->entries_mapped);
	free(batch->writes);
	free(batch->marks);
	free(batch->places);
}

void
batch_clear(struct batch *batch)
{
	batch->bytes_used = 0;
	batch->entries_count = 0;
	batch->writes_count = 0;
	batch->closes = false;
}

bool
batch_reserve(struct batch *batch, uint64_t arena_bytes)
{
	const uint64_t events = least(arena_bytes / RECORD_HEADER_BYTES, PORT_BATCH_EVENTS_MAX);

	REPRISE_ASSERT(batch->writes_count == 0);
	return have_bytes(batch, batch->bytes_limit + 2 * arena_bytes) &&
	       have_entries(batch, batch->entries_max + events);
}
