/* SPDX-License-Identifier: MIT */
#include "letters.h"

#include <stdio.h>

#include "support.h"

struct reading {
	struct letters *letters;
	unsigned int max;
};

static int32_t
add(const struct reprise_jetstream_dead *dead, void *context)
{
	const struct reading *const reading = context;
	struct letters *const letters = reading->letters;
	struct letter *const letter = &letters->letters[letters->count % LETTERS_MAX];

	*letter = (struct letter){ .sequence = dead->sequence,
				   .time_ms = dead->time_ms,
				   .payload_size = dead->payload.size };
	snprintf(letter->subject, sizeof(letter->subject), "%s", dead->subject);
	snprintf(letter->id, sizeof(letter->id), "%s", dead->id);
	snprintf(letter->reason, sizeof(letter->reason), "%s", dead->reason);
	snprintf(letter->payload, sizeof(letter->payload), "%.*s", (int)dead->payload.size,
		 dead->payload.size == 0 ? "" : (const char *)dead->payload.data);
	letters->count++;
	return letters->count < reading->max;
}

void
letters_read(struct reprise_jetstream *writer, uint64_t after, unsigned int max,
	     struct letters *ret_letters)
{
	struct reading reading = { .letters = ret_letters, .max = max };
	struct reprise_error error = { .size = sizeof(error) };

	memset(ret_letters, 0, sizeof(*ret_letters));
	const reprise_status status =
		reprise_jetstream_each_dead(writer, after, add, &reading, &error);

	cr_assert(eq(int, status, REPRISE_OK), "%s: %s: %s", reprise_status_name(status),
		  error.what, error.detail);
}

uint64_t
letters_count(struct reprise_jetstream *writer)
{
	static struct letters letters;

	letters_read(writer, 0, UINT32_MAX, &letters);
	return letters.count;
}
