/* SPDX-License-Identifier: MIT */

/*
 * `reprise demo --nats`: a run of deltas is appended to a thread document through a buffer in NATS
 * JetStream. In the middle the server is killed and started again, and the writer is killed.
 * Another process recovers the buffered deltas, and goes on behind the last delta that the host has
 * noted. At the end the document is compared with a document that was written directly.
 */

#include "tool/thread_demo.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tool/interrupt.h"
#include "tool/pace.h"
#include "tool/thread_world.h"

enum {
	DELTAS = 200,
	SERVER_DIES_AFTER = 60,
	WRITER_DIES_AFTER = 130,
	WRITER_DIES_WITHIN = 10, /* deltas behind that, at random */
};

#define DOWN_NS     UINT64_C(500000000) /* while the server is away */
#define PATIENCE_NS UINT64_C(20000000000)

static const char document[] = "demo-chat";

static bool
restart_server(struct thread_world *world)
{
	struct nats_server *const server = &world->servers[0];

	if (!thread_world_await(world, SERVER_DIES_AFTER, 0))
		return false;
	nats_server_kill(server);
	world->server_kills++;
	printf("The server is killed (SIGKILL) when %" PRIu32 " deltas are acknowledged.\n",
	       thread_world_acknowledged(world));
	pace_sleep(DOWN_NS);
	if (!nats_server_start(server) ||
	    !nats_server_await(server, PATIENCE_NS, interrupt_happened)) {
		if (!interrupt_happened())
			fprintf(stderr, "reprise demo --nats: nats-server does not start again\n");
		return false;
	}
	printf("The server is started again, and the writer goes on.\n");
	return true;
}

static bool
replace_writer(struct thread_world *world, struct thread_job *job)
{
	const struct thread_run *const run = &world->shared->runs[0];
	const uint32_t after =
		WRITER_DIES_AFTER + (uint32_t)rand_r(&world->random) % WRITER_DIES_WITHIN;

	if (!thread_world_await(world, after, 0))
		return false;
	thread_world_kill_writer(world, 0);
	world->writer_kills++;
	printf("The writer is killed (SIGKILL) when %" PRIu32
	       " deltas are acknowledged. The host has noted %" PRIu32 ".\n",
	       atomic_load(&run->acknowledged), atomic_load(&run->noted));
	job->recovered = &world->shared->recovered;
	return thread_world_start_writer(world, 0, job);
}

static bool
play_run(struct thread_world *world)
{
	char url[NATS_SERVER_URL_BYTES];

	nats_server_url(&world->servers[0], url);
	if (!thread_world_add_run(world, "run-1", document, DELTAS))
		return false;
	struct thread_job job = { .servers = url,
				  .store = world->store,
				  .runs = { &world->shared->runs[0] },
				  .runs_count = 1 };

	if (!thread_world_start_writer(world, 0, &job) || !restart_server(world) ||
	    !replace_writer(world, &job) || !thread_world_finish(world))
		return false;
	printf("Another process has recovered %" PRIu32
	       " deltas, and has gone on after the note, with the same ids.\n",
	       atomic_load(&world->shared->recovered));
	return true;
}

static int
play_alone(struct thread_world *world)
{
	const char *const documents[] = { document };

	printf("A writer appends a run of %d deltas to a thread document. A local NATS server "
	       "buffers the deltas\nuntil the run ends.\n\n",
	       DELTAS);
	return play_run(world) || interrupt_happened() ? thread_world_judge(world, documents, 1)
						       : 1;
}

int
thread_demo_run(bool is_cluster)
{
	struct thread_world *const world = calloc(1, sizeof(*world));
	int status = 1;

	if (world == NULL) {
		fprintf(stderr, "reprise demo: out of memory\n");
		return 1;
	}
	interrupt_catch();
	interrupt_admit();
	if (thread_world_make(world, is_cluster ? NATS_SERVERS_MAX : 1))
		status = is_cluster ? thread_cluster_play(world) : play_alone(world);
	if (interrupt_happened())
		status = EXIT_INTERRUPTED;
	thread_world_end(world);
	interrupt_release();
	free(world);
	return status;
}
