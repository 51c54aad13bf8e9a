/* SPDX-License-Identifier: MIT */

/*
 * `reprise demo --nats --cluster`: two writers in two processes, each connected to another server
 * of a cluster of three, append to one thread document, and each to a document of its own. The
 * server that leads the stream is killed in the middle, and started again later.
 */

#include <inttypes.h>
#include <stdio.h>

#include "tool/interrupt.h"
#include "tool/pace.h"
#include "tool/thread_demo.h"
#include "tool/thread_world.h"

enum {
	DELTAS = 100, /* of each run */
	WRITERS = 2,
	RUNS_EACH = 2,
	LEADER_DIES_AFTER = 120,
	LEADER_RETURNS_AFTER = 260,
	RUN_LEAST = 10, /* deltas of each run before the kill, so that every writer is at work */
	LOOK_NS = 50000000,
};

#define PATIENCE_NS UINT64_C(20000000000)

static const char *const documents[] = { "shared", "first", "second" };

static bool
add_runs(struct thread_world *world)
{
	return thread_world_add_run(world, "run-1", "shared", DELTAS) &&
	       thread_world_add_run(world, "run-2", "first", DELTAS) &&
	       thread_world_add_run(world, "run-3", "shared", DELTAS) &&
	       thread_world_add_run(world, "run-4", "second", DELTAS);
}

static bool
start_writers(struct thread_world *world)
{
	for (size_t i = 0; i < WRITERS; i++) {
		char url[NATS_SERVER_URL_BYTES];
		struct thread_run *const runs = &world->shared->runs[i * RUNS_EACH];
		const struct thread_job job = { .servers = url,
						.store = world->store,
						.runs = { &runs[0], &runs[1] },
						.runs_count = RUNS_EACH,
						.replicas = NATS_SERVERS_MAX };

		nats_server_url(&world->servers[i], url);
		/* If two writers create a stream at the same moment, a writer may get no answer. */
		if (!thread_world_start_writer(world, i, &job) || !thread_world_await(world, 1, 0))
			return false;
	}
	return true;
}

/* The place of the server that leads the stream; the number of servers if none is found in time. */
static size_t
find_leader(const struct thread_world *world)
{
	const uint64_t until = pace_now() + PATIENCE_NS;
	size_t leader;

	while ((leader = nats_server_leader(world->servers, world->servers_count,
					    "THREAD_DELTAS")) == world->servers_count &&
	       pace_now() < until && !interrupt_happened())
		pace_sleep(LOOK_NS);
	return leader;
}

static bool
replace_leader(struct thread_world *world)
{
	if (!thread_world_await(world, LEADER_DIES_AFTER, RUN_LEAST))
		return false;
	const size_t leader = find_leader(world);

	if (leader == world->servers_count) {
		if (!interrupt_happened())
			fprintf(stderr,
				"reprise demo --nats: the servers name no leader of the stream\n");
		return false;
	}
	nats_server_kill(&world->servers[leader]);
	world->server_kills++;
	printf("Server %s leads the stream. The server is killed (SIGKILL) when %" PRIu32
	       " deltas are acknowledged.\n",
	       world->servers[leader].name, thread_world_acknowledged(world));
	if (!thread_world_await(world, LEADER_RETURNS_AFTER, 0))
		return false;
	const size_t next = find_leader(world);

	printf("Now server %s leads. Server %s is started again when %" PRIu32
	       " deltas are acknowledged.\n",
	       next < world->servers_count ? world->servers[next].name : "(unknown)",
	       world->servers[leader].name, thread_world_acknowledged(world));
	if (!nats_server_start(&world->servers[leader])) {
		fprintf(stderr, "reprise demo --nats: nats-server does not start again\n");
		return false;
	}
	return true;
}

int
thread_cluster_play(struct thread_world *world)
{
	printf("Three servers keep each delta (3 replicas). Two writers, each connected to its own "
	       "server, append\nruns of %d deltas each: one run to a shared document, and one run "
	       "to a document of its own.\n\n",
	       DELTAS);
	const bool is_good = add_runs(world) && start_writers(world) && replace_leader(world) &&
			     thread_world_finish(world);

	return is_good || interrupt_happened()
		       ? thread_world_judge(world, documents,
					    sizeof(documents) / sizeof(documents[0]))
		       : 1;
}
