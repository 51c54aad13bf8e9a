/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sqlite3.h>

#ifdef TEST_HAS_POSTGRES
#include <reprise/thread_postgres.h>

#include "scratch_server.h"
#endif
#include <reprise/thread_sqlite.h>

#include "deltas.h"
#include "log_sqlite/scratch.h"

static char place[1400]; /* the SQLite file, or the schema */

static void
tear_down(void)
{
	nats_server_remove_all();
	scratch_remove();
}

TestSuite(jetstream, .timeout = 240, .fini = tear_down);

#ifdef TEST_HAS_POSTGRES

static void
drop_schema(void)
{
	PGconn *const connection = connected_as(NULL);

	run(connection, "DROP SCHEMA IF EXISTS %s CASCADE", place);
	PQfinish(connection);
}

static void
begin_postgres(void)
{
	if (getenv("REPRISE_POSTGRES") == NULL)
		cr_skip_test("no PostgreSQL server here");
	snprintf(place, sizeof(place), "jetstream_%d", (int)getpid());
	drop_schema();
}

static struct reprise_thread_store *
postgres_store(uint64_t horizon_ns, uint64_t retry_limit_ns)
{
	const struct reprise_thread_postgres_options options = {
		.size = sizeof(options),
		.connection = connection_of(NULL),
		.schema = place,
		.deadline_ns = 60 * one_second,
		.transaction_idle_ns = 60 * one_second,
		.horizon_ns = horizon_ns,
		.retry_limit_ns = retry_limit_ns,
	};
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_thread_store *store = NULL;

	must(reprise_thread_postgres_open(&options, &store, &error), "open the store", &error);
	return store;
}

#else

static void
drop_schema(void)
{
}

static void
begin_postgres(void)
{
	cr_skip_test("no PostgreSQL adapter here");
}

static struct reprise_thread_store *
postgres_store(uint64_t horizon_ns, uint64_t retry_limit_ns)
{
	(void)horizon_ns, (void)retry_limit_ns;
	return NULL;
}

#endif

static struct reprise_thread_store *
sqlite_store(uint64_t deadline_ns, uint64_t horizon_ns, uint64_t retry_limit_ns)
{
	const struct reprise_thread_sqlite_options options = {
		.size = sizeof(options),
		.deadline_ns = deadline_ns,
		.horizon_ns = horizon_ns,
		.retry_limit_ns = retry_limit_ns,
		.durability = REPRISE_WRITTEN,
	};
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_thread_store *store = NULL;

	must(reprise_thread_sqlite_open(place, &options, &store, &error), "open the store", &error);
	return store;
}

struct reprise_thread_store *
world_store_of(const struct world *world, uint64_t horizon_ns, uint64_t retry_limit_ns)
{
	return world->inner == INNER_SQLITE
		       ? sqlite_store(60 * one_second, horizon_ns, retry_limit_ns)
		       : postgres_store(horizon_ns, retry_limit_ns);
}

struct reprise_thread_store *
world_impatient_store(void)
{
	return sqlite_store(one_second / 10, 0, 0);
}

void *
world_lock_store(void)
{
	sqlite3 *db = NULL;

	cr_assert(eq(int, sqlite3_open(place, &db), SQLITE_OK));
	cr_assert(eq(int, sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK));
	return db;
}

void
world_unlock_store(void *lock)
{
	sqlite3_close(lock);
}

struct reprise_thread_store *
world_store(const struct world *world)
{
	return world_store_of(world, 0, 0);
}

void
world_begin_store(struct world *world, enum inner inner)
{
	*world = (struct world){ .inner = inner };
	deltas_begin();
	if (inner == INNER_POSTGRES)
		begin_postgres();
	else
		snprintf(place, sizeof(place), "%s", scratch_path("threads"));
}

void
world_begin(struct world *world, enum inner inner, const struct nats_server_settings *settings)
{
	world_begin_store(world, inner);
	world->server = nats_server_start(settings);
}

struct reprise_jetstream_options
world_options(const struct world *world)
{
	return (struct reprise_jetstream_options){
		.size = sizeof(struct reprise_jetstream_options),
		.servers = nats_server_url(world->server),
		.deadline_ns = 20 * one_second,
	};
}

struct reprise_jetstream *
world_writer(struct reprise_thread_store *store, const struct reprise_jetstream_options *options)
{
	struct reprise_error error = { .size = sizeof(error) };
	struct reprise_jetstream *writer = NULL;
	must(reprise_jetstream_open(store, options, &writer, &error), "open the writer", &error);
	return writer;
}

reprise_status
world_open_status(struct reprise_thread_store *store,
		  const struct reprise_jetstream_options *options, struct reprise_error *error)
{
	struct reprise_jetstream *writer = NULL;

	*error = (struct reprise_error){ .size = sizeof(*error) };
	const reprise_status status = reprise_jetstream_open(store, options, &writer, error);

	if (status != REPRISE_OK)
		cr_assert(eq(ptr, writer, NULL));
	reprise_jetstream_close(writer);
	return status;
}

void
world_open(struct world *world)
{
	const struct reprise_jetstream_options options = world_options(world);

	world->store = world_store(world);
	world->writer = world_writer(world->store, &options);
	struct reprise_error error = { .size = sizeof(error) };
	const reprise_status status =
		reprise_thread_create(world->store, "t", text_bytes(""), NULL, &error);

	must(status == REPRISE_E_EXISTS ? REPRISE_OK : status, "create", &error);
}

void
world_close(struct world *world)
{
	reprise_jetstream_close(world->writer);
	reprise_thread_store_close(world->store);
	world->writer = NULL;
	world->store = NULL;
}

void
world_end(struct world *world)
{
	world_close(world);
	nats_server_remove_all();
	if (world->inner == INNER_POSTGRES)
		drop_schema();
}

void
world_run(enum inner inner, void (*test)(struct world *world))
{
	struct world world;

	world_begin(&world, inner, NULL);
	world_open(&world);
	test(&world);
	world_end(&world);
}
