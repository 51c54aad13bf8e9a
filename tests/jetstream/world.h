/* SPDX-License-Identifier: MIT */
#ifndef JETSTREAM_WORLD_H
#define JETSTREAM_WORLD_H

/*
 * The common part of the tests of the buffered writer: a NATS server of the test's own, an inner
 * store in a SQLite file or in a schema of its own in the tests' PostgreSQL server, and a writer
 * over both, with a document "t".
 */

#include <reprise/jetstream_upkeep.h>

#include "nats_server.h"
#include "support.h"

enum inner {
	INNER_SQLITE,
	INNER_POSTGRES
};

struct world {
	enum inner inner;
	struct nats_server *server;
	struct reprise_thread_store *store;
	struct reprise_jetstream *writer;
};

/* A server alone, and a place for the inner store. Skips the test where there is no PostgreSQL. */
void world_begin(struct world *world, enum inner inner,
		 const struct nats_server_settings *settings);
/* The place alone. */
void world_begin_store(struct world *world, enum inner inner);
/* The store, the writer, and "t" if it is not there. */
void world_open(struct world *world);
/* Closes both. */
void world_close(struct world *world);
/* Closes what is open, kills the server, drops the place. */
void world_end(struct world *world);

/* One more connection to the inner store. Limits of 0 are the defaults. */
struct reprise_thread_store *world_store_of(const struct world *world, uint64_t horizon_ns,
					    uint64_t retry_limit_ns);
struct reprise_thread_store *world_store(const struct world *world);

/*
 * Over a SQLite file: one with a deadline of 100 ms; and a lock on the file, which keeps
 * others from writing.
 */
struct reprise_thread_store *world_impatient_store(void);
void *world_lock_store(void);
void world_unlock_store(void *lock);

/* The server's URL and a deadline of 20 s. */
struct reprise_jetstream_options world_options(const struct world *world);
struct reprise_jetstream *world_writer(struct reprise_thread_store *store,
				       const struct reprise_jetstream_options *options);
/* The status with which an open fails; REPRISE_OK: it does not. */
reprise_status world_open_status(struct reprise_thread_store *store,
				 const struct reprise_jetstream_options *options,
				 struct reprise_error *error);

/* Runs a test in a world that is open. */
void world_run(enum inner inner, void (*test)(struct world *world));

#define INNER_TEST(name, full_name, inner, ...) \
	Test(jetstream, full_name, __VA_ARGS__) \
	{                                       \
		world_run(inner, name);         \
		expect_no_leaks();              \
	}

/* A test over a SQLite file. */
#define SQLITE_TEST(name)                                       \
	static void name(struct world *world);                  \
	INNER_TEST(name, name, INNER_SQLITE, .disabled = false) \
	static void name(struct world *world)

/* The same, which forks beside threads. */
#define FORKING_TEST(name)                                                    \
	static void name(struct world *world);                                \
	INNER_TEST(name, name, INNER_SQLITE, .disabled = IS_ALLOCATOR_LOCKED) \
	static void name(struct world *world)

/* One test over each of the inner stores. */
#define STORES_TEST(name)                                                           \
	static void name(struct world *world);                                      \
	INNER_TEST(name, name##_over_SQLite, INNER_SQLITE, .disabled = false)       \
	INNER_TEST(name, name##_over_PostgreSQL, INNER_POSTGRES, .disabled = false) \
	static void name(struct world *world)

#endif /* JETSTREAM_WORLD_H */
