/* SPDX-License-Identifier: MIT */
#ifndef BENCH_JETSTREAM_PLACE_H
#define BENCH_JETSTREAM_PLACE_H

/*
 * A NATS server on the loopback, a store of thread documents in a SQLite file, and deltas for both.
 */

#include <reprise/jetstream_upkeep.h>
#include <reprise/thread_sqlite.h>

#include "durable.h"

enum {
	JETSTREAM_DELTA_BYTES = 512, /* room for one */
	JETSTREAM_STREAM_BYTES = 256 << 20,
	JETSTREAM_SLOW_NS = 5000000, /* that a write of a slow store takes at least */
};

/*
 * Starts the server, and lets this thread and its later threads run on all processors. False: there
 * is no server, as has been said in a row.
 */
bool jetstream_place_start(struct harness *harness, const char *row);
void jetstream_place_end(const struct harness *harness);
const char *jetstream_place_url(void);

/*
 * A new store in the file @name. With @is_slow each commit sleeps first. The process ends if the
 * store cannot be made.
 */
struct reprise_thread_store *jetstream_store_open(const char *name, bool is_slow);
void jetstream_store_close(struct reprise_thread_store *store, const char *name);

/* How long the last write of a slow store has taken, from its begin to the end of its commit. */
uint64_t jetstream_store_last_write_ns(void);

/* Dies if it cannot. */
struct reprise_jetstream *jetstream_writer_open(struct reprise_thread_store *store,
						uint32_t window);
void jetstream_document_create(struct reprise_thread_store *store, const char *id);
uint64_t jetstream_document_version(struct reprise_thread_store *store, const char *id);

/* A delta without an id, with a text of 200 bytes; @is_last: RunFinished. */
struct reprise_bytes jetstream_delta(uint64_t ordinal, bool is_last,
				     char ret_text[JETSTREAM_DELTA_BYTES]);

/* The same with an id and a time, in canonical form, as the writer publishes it. */
struct reprise_bytes jetstream_named_delta(uint64_t ordinal, char ret_text[JETSTREAM_DELTA_BYTES]);

#endif /* BENCH_JETSTREAM_PLACE_H */
