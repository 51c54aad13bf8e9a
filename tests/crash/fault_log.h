/* SPDX-License-Identifier: MIT */
#ifndef CRASH_FAULT_LOG_H
#define CRASH_FAULT_LOG_H

/* A runtime whose log fails: scenes, each in a process of its own. */

#include "crash.h"

#define FAULT_SECOND UINT64_C(1000000000)

enum fault_end {
	FAULT_PASSED,
	FAULT_SKIPPED = 77,
};

struct fault_scene {
	const char *name;
	enum fault_end (*play)(void);
};

extern const struct fault_scene fault_sqlite_scenes[], fault_more_scenes[], fault_heal_scenes[],
	fault_two_sqlite_scenes[], fault_keys_sqlite_scenes[], fault_postgres_scenes[],
	fault_two_postgres_scenes[], fault_keys_postgres_scenes[];

/*
 * A scratch folder of the scene's, removed after it. And a file in it; good until the next 8 calls.
 */
const char *fault_folder(void);
const char *fault_path(const char *name);
/* The scene's own; not that of one it has forked. */
long fault_process(void);

/* A store, a recorder and a writer of "s", over a log that is good yet. */
struct fault {
	struct reprise_log *log;
	struct reprise_store *store;
	struct reprise_recorder *recorder;
	struct reprise_writer *writer;
	reprise_position newest;
	uint64_t payload_bytes;
};

struct reprise_log *fault_sqlite(const char *path);
/* The file "log", for scenes of several processes: with a deadline of 20 s. */
struct reprise_log *fault_patient_sqlite(void);
struct reprise_log *fault_postgres(void); /* in a schema of the scene's */
struct fault fault_open(struct reprise_log *log, uint64_t events_max, reprise_when_full when_full);
struct fault fault_open_within(struct reprise_log *log, uint64_t events_max,
			       reprise_when_full when_full, uint64_t deadline_ns);

/* One event; anything but REPRISE_OK changes nothing. */
reprise_status fault_append(struct fault *fault);
/* So many, none of which may be refused. */
void fault_append_many(struct fault *fault, uint64_t count);
/* Until transactions fail, one event a millisecond. */
void fault_append_until_it_fails(struct fault *fault, reprise_status status);

struct reprise_recorder_stats fault_stats(const struct fault *fault);
void fault_flush(struct fault *fault);

/*
 * All is recorded or lost, and @lost as expected; a host that begins at 0 is told the same. Closes
 * all of it.
 */
void fault_close_with_books(struct fault *fault, bool has_lost);

/* The writer's window only. */
void fault_close(struct fault *fault, reprise_status status);

#endif /* CRASH_FAULT_LOG_H */
