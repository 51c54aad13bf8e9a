/* SPDX-License-Identifier: MIT */
#ifndef BENCH_DURABLE_H
#define BENCH_DURABLE_H

/*
 * The common part of the durable measurements: a folder for their files, the events that they
 * record, and a store with a recorder over a log in a SQLite file.
 */

#include <reprise/log_sqlite.h>
#include <reprise/recorder.h>
#include <reprise/reprise.h>

#include "harness.h"

enum {
	DURABLE_PAYLOAD_BYTES = 256,
	DURABLE_EVENTS_PER_COMMIT = 100,
};

/*
 * A file in a folder under TMPDIR, else /tmp, that goes when the process exits. The path is good
 * until the next call.
 */
const char *scratch_path(const char *name);
void scratch_remove(const char *name); /* with what SQLite and the log have put beside it */

/* The file system of that folder: "ext4". */
const char *scratch_system(void);

/*
 * The event that is to be at @position: the same on every side of a comparison. Its
 * payload names it.
 */
struct reprise_new_event durable_event(uint64_t position,
				       unsigned char payload[DURABLE_PAYLOAD_BYTES]);

struct durable {
	struct reprise_log *log;
	struct reprise_store *store;
	struct reprise_recorder *recorder;
};

/* Dies if it cannot. The threads of both run on the hosts' core. */
void durable_open(const struct harness *harness, struct durable *durable, const char *name,
		  reprise_durability level);
void durable_close(struct durable *durable);

/* Makes the caller the writer of a window of default size. */
struct reprise_writer *durable_session(struct durable *durable, const char *id,
				       reprise_when_full when_full);

/*
 * Appends events to each in turn, @events_count in all, as fast as the recorder lets it: the
 * windows refuse. Positions begin at 1.
 */
void durable_feed(struct reprise_writer **writers, size_t sessions_count, uint64_t events_count);

/* A log of one session, "bench", with so many events, closed clean. */
void durable_make_log(const struct harness *harness, const char *name, uint64_t events_count);

/* The beginning of the first life of "bench". */
struct reprise_cursor durable_first_cursor(const struct durable *durable);

/* The recorder's statistics so far. */
struct reprise_recorder_stats durable_stats(const struct durable *durable);

#endif /* BENCH_DURABLE_H */
