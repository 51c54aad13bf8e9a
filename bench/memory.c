/* SPDX-License-Identifier: MIT */

/*
 * memory: the memory of a session that retains nothing, half a window, a whole one. Resident bytes.
 */

#include <stdlib.h>
#include <unistd.h>

#include <reprise/reprise.h>

#include "result.h"
#include "rows.h"

enum {
	IDLE_SESSIONS = 1000 * 1000,
	FULL_SESSIONS = 100,
	PAYLOAD_BYTES = 984, /* with its header 1 KiB, so that bytes bound the window, not events */
	WINDOW_EVENTS = 1024,
};

static size_t
resident_bytes(void)
{
	FILE *const file = fopen("/proc/self/statm", "r");
	unsigned long pages = 0, all = 0;

	if (file == NULL || fscanf(file, "%lu %lu", &all, &pages) != 2)
		harness_die("/proc/self/statm cannot be read");
	fclose(file);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void
fill(struct reprise_store *store, size_t number, size_t events)
{
	static const unsigned char payload[PAYLOAD_BYTES];
	struct reprise_writer *writer = NULL;
	char id[48];

	snprintf(id, sizeof(id), "5f0c1d5e-7f3a-4a86-9d8e-%012zx", number);
	if (reprise_writer_open(store, id, NULL, &writer, NULL) != REPRISE_OK)
		harness_die("open failed");
	for (size_t i = 0; i < events; i++)
		if (reprise_append(writer, 0, 1, 0,
				   (struct reprise_bytes){ payload, sizeof(payload) },
				   NULL) != REPRISE_OK)
			harness_die("append failed");
	reprise_writer_close(writer);
}

static void
measure_sessions(struct harness *harness, size_t sessions, size_t events, const char *what,
		 double goal)
{
	const struct reprise_store_options options = { .size = sizeof(options),
						       .sessions_max = REPRISE_NO_LIMIT };
	struct reprise_store *store = NULL;
	const size_t before = resident_bytes();

	if (reprise_store_open(&options, &store, NULL) != REPRISE_OK)
		harness_die("open failed");
	for (size_t i = 0; i < sessions; i++)
		fill(store, i, events);
	const double bytes = (double)(resident_bytes() - before) / (double)sessions;
	struct result result = { .name = "memory",
				 .unit = "bytes",
				 .values = &bytes,
				 .runs = 1,
				 .goal_is = goal > 0 ? GOAL_AT_MOST : GOAL_NONE,
				 .goal = goal };

	snprintf(result.parameters, sizeof(result.parameters),
		 "\"side\":\"reprise\",\"sessions\":%zu,\"events\":%zu,\"payload\":%d,\"what\":\"%"
		 "s\"",
		 sessions, events, PAYLOAD_BYTES, what);
	result_print(harness, &result);
	if (reprise_store_close(store) != REPRISE_OK)
		harness_die("close failed");
}

void
measure_memory(struct harness *harness)
{
	measure_sessions(harness, IDLE_SESSIONS, 0, "a session that retains nothing", 1024);
	if (harness->is_quick || harness_is_interrupted())
		return;
	measure_sessions(harness, FULL_SESSIONS, WINDOW_EVENTS / 2, "a window half full", 0);
	measure_sessions(harness, FULL_SESSIONS, (size_t)2 * WINDOW_EVENTS, "a full window", 0);
}
