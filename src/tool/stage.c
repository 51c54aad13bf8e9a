/* SPDX-License-Identifier: MIT */
#include "tool/stage.h"

#include <stdio.h>

#include "tool/pace.h"

enum {
	EVENTS_MAX_MOST = 256,
	WINDOWS_A_RUN = 8,
	BYTES_MAX_LEAST = 65536,
	COMMIT_EVERY = 50,
};

/* The longest wait for the session's end after the last event. */
#define PATIENCE_NS UINT64_C(60000000000)

uint64_t
stage_events_max(uint64_t rate, uint64_t seconds)
{
	const uint64_t events = rate * seconds / WINDOWS_A_RUN;

	return events < EVENTS_MAX_MOST ? events : EVENTS_MAX_MOST;
}

uint64_t
stage_bytes_max(const struct input *inputs, size_t inputs_count)
{
	uint64_t bytes_max = BYTES_MAX_LEAST;

	for (size_t i = 0; i < inputs_count; i++)
		if (bytes_max < 4 * (inputs[i].line_bytes_max + 64))
			bytes_max = 4 * (inputs[i].line_bytes_max + 64);
	return bytes_max;
}

struct reprise_store *
stage_open_store(uint64_t events_max, uint64_t bytes_max, reprise_when_full when_full)
{
	const struct reprise_session_options bounds = { .size = sizeof(bounds),
							.events_max = events_max,
							.bytes_max = bytes_max,
							.when_full = when_full };
	const struct reprise_store_options options = { .size = sizeof(options),
						       .session = &bounds };
	struct reprise_store *store = NULL;
	const reprise_status status = reprise_store_open(&options, &store, NULL);

	if (status != REPRISE_OK)
		fprintf(stderr, "reprise demo: cannot open the store: %s\n",
			reprise_status_text(status));
	return store;
}

bool
stage_close_store(struct reprise_store *store)
{
	if (reprise_store_close(store) == REPRISE_OK)
		return true;
	fprintf(stderr, "reprise demo: the store cannot be closed: a handle is still open\n");
	return false;
}

struct reprise_bytes
stage_line(const struct stage *stage, reprise_position position)
{
	return stage->input->lines[(position - 1 + stage->shift) % stage->input->lines_count];
}

bool
stage_append(struct stage *stage, struct reprise_writer *writer)
{
	const uint64_t count = atomic_load(&stage->appended) + 1;
	const uint16_t flags = count % COMMIT_EVERY == 0 ? REPRISE_EVENT_COMMIT : 0;
	const struct reprise_bytes line = stage_line(stage, stage->before + count);
	reprise_status status;

	do {
		status = reprise_append(writer, count / COMMIT_EVERY, 0, flags, line, NULL);
	} while (status == REPRISE_E_FULL &&
		 reprise_writer_wait_room(writer, PATIENCE_NS) == REPRISE_OK);
	if (status != REPRISE_OK)
		return false;
	atomic_store(&stage->appended, count);
	return true;
}

bool
stage_is_hopeless(const struct stage *stage, uint64_t now)
{
	const uint64_t over_ns = atomic_load(&stage->over_ns);

	return atomic_load(&stage->is_failed) || (over_ns != 0 && now > over_ns + PATIENCE_NS);
}
