/* SPDX-License-Identifier: MIT */
/*
 * B13 on three servers, with three replicas: the leader is killed in the middle of a run and
 * comes back later.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "deltas.h"
#include "raw.h"
#include "world.h"

enum {
	WRITERS = 2,
	APPENDS = 60,
	OPEN_TRIES = 120
};

struct cluster {
	struct world world; /* its server is the first */
	struct nats_server *servers[NATS_CLUSTER_SERVERS];
	char urls[WRITERS][256]; /* each writer begins with another server */
};

static void
wait_ms(long milliseconds)
{
	const struct timespec pause = { milliseconds / 1000, milliseconds % 1000 * 1000000 };

	nanosleep(&pause, NULL);
}

static struct reprise_jetstream_options
options_of(const struct cluster *cluster, int number)
{
	struct reprise_jetstream_options options = world_options(&cluster->world);

	options.servers = cluster->urls[number];
	options.replicas = 3;
	options.deadline_ns = 5 * one_second;
	return options;
}

/* Until the servers have chosen who leads them. */
static struct reprise_jetstream *
open_at_last(struct cluster *cluster, int number)
{
	const struct reprise_jetstream_options options = options_of(cluster, number);
	struct reprise_jetstream *writer = NULL;
	struct reprise_error error = { .size = sizeof(error) };

	for (int i = 0; i < OPEN_TRIES && writer == NULL; i++) {
		const reprise_status status =
			reprise_jetstream_open(cluster->world.store, &options, &writer, &error);

		if (status != REPRISE_OK)
			wait_ms(250);
	}
	cr_assert(ne(ptr, writer, NULL), "%s: %s", error.what, error.detail);
	return writer;
}

static void
begin(struct cluster *cluster)
{
	world_begin_store(&cluster->world, INNER_SQLITE);
	nats_cluster_start(cluster->servers);
	cluster->world.server = cluster->servers[0];
	for (int i = 0; i < WRITERS; i++)
		snprintf(cluster->urls[i], sizeof(cluster->urls[i]), "%s,%s,%s",
			 nats_server_url(cluster->servers[i]),
			 nats_server_url(cluster->servers[i + 1]),
			 nats_server_url(cluster->servers[(i + 2) % NATS_CLUSTER_SERVERS]));
}

/* Which server leads the stream's replicas; by its name, s0 to s2. */
static int
leader_of(struct cluster *cluster)
{
	for (int i = 0; i < OPEN_TRIES; i++) {
		struct raw raw = raw_open(nats_server_url(cluster->servers[0]));
		jsStreamInfo *info = NULL;
		int leader = -1;

		if (js_GetStreamInfo(&info, raw.js, "THREAD_DELTAS", NULL, NULL) == NATS_OK &&
		    info->Cluster != NULL && info->Cluster->Leader != NULL)
			leader = info->Cluster->Leader[1] - '0';
		jsStreamInfo_Destroy(info);
		raw_close(&raw);
		if (leader >= 0 && leader < NATS_CLUSTER_SERVERS)
			return leader;
		wait_ms(250);
	}
	cr_assert(false, "nobody leads the stream");
	return 0;
}

/* In a process of its own; each number that was acknowledged goes to the pipe. */
static int
write_in_process(struct cluster *cluster, int number, int to)
{
	const unsigned int first = 1 + (unsigned int)number * APPENDS;

	cluster->world.store = world_store(&cluster->world);
	struct reprise_jetstream *const writer = open_at_last(cluster, number);

	for (unsigned int i = first; i < first + APPENDS; i++) {
		if (!append_at_last(writer, "t", i % 10 == 0 ? finish(i) : delta(i), NULL))
			return 1;
		if (write(to, &i, sizeof(i)) != sizeof(i))
			return 2;
		wait_ms(10);
	}
	reprise_jetstream_close(writer);
	reprise_thread_store_close(cluster->world.store);
	return 0;
}

/* Reads until so many have been acknowledged. */
static void
read_acknowledged(int from, unsigned int count)
{
	unsigned int number;

	for (unsigned int i = 0; i < count; i++)
		cr_assert(eq(sz, (size_t)read(from, &number, sizeof(number)), sizeof(number)));
}

/* Each kept delta has the version that follows the one before it. */
static void
expect_no_hole(struct reprise_thread_store *store, uint64_t count)
{
	struct reprise_thread_deltas deltas = { .size = sizeof(deltas) };
	struct reprise_thread_page *page = NULL;

	cr_assert(eq(int, reprise_thread_page_open(&page), REPRISE_OK));
	cr_assert(eq(int,
		     reprise_thread_load_deltas(store, "t", 0, count + 9, 0, page, &deltas, NULL),
		     REPRISE_OK));
	cr_assert(eq(int, deltas.has_gap, 0));
	cr_assert(eq(sz, deltas.deltas_count, count));
	for (size_t i = 0; i < count; i++)
		cr_assert(eq(u64, deltas.deltas[i].version, i + 1));
	reprise_thread_page_close(page);
}

Test(jetstream, B13_a_cluster_that_loses_its_leader_loses_nothing, .timeout = 240)
{
	struct cluster cluster;
	pid_t children[WRITERS];
	int ends[2];

	begin(&cluster);
	cr_assert(eq(int, pipe(ends), 0));
	cluster.world.store = world_store(&cluster.world);
	create(cluster.world.store, "t");
	reprise_thread_store_close(cluster.world.store);
	for (int i = 0; i < WRITERS; i++) {
		children[i] = fork();
		if (children[i] == 0)
			_exit(write_in_process(&cluster, i, ends[1]));
	}
	close(ends[1]);
	read_acknowledged(ends[0], 25);
	const int leader = leader_of(&cluster);

	nats_server_kill(cluster.servers[leader]);
	read_acknowledged(ends[0], 40);
	nats_server_restart(cluster.servers[leader]);
	read_acknowledged(ends[0], WRITERS * APPENDS - 65);
	for (int i = 0; i < WRITERS; i++) {
		int status = 0;

		cr_assert(eq(int, waitpid(children[i], &status, 0), children[i]));
		cr_assert(eq(int, status, 0));
	}
	close(ends[0]);
	cluster.world.store = world_store(&cluster.world);
	cluster.world.writer = open_at_last(&cluster, 0);
	flush_at_last(cluster.world.writer, "t");
	expect_books(cluster.world.store, "t", WRITERS * APPENDS);
	expect_no_hole(cluster.world.store, (uint64_t)WRITERS * APPENDS);
	world_end(&cluster.world);
	expect_no_leaks();
}

Test(jetstream, B07_three_servers_keep_three_replicas, .timeout = 240)
{
	struct cluster cluster;

	begin(&cluster);
	cluster.world.store = world_store(&cluster.world);
	create(cluster.world.store, "t");
	cluster.world.writer = open_at_last(&cluster, 1);
	struct raw raw = raw_open(nats_server_url(cluster.servers[2]));
	jsStreamInfo *const info = raw_info(&raw, "THREAD_DELTAS");
	jsStreamInfo *const dead = raw_info(&raw, "THREAD_DELTAS_DEAD");

	cr_assert(eq(i64, info->Config->Replicas, 3));
	cr_assert(eq(i64, dead->Config->Replicas, 3));
	jsStreamInfo_Destroy(info);
	jsStreamInfo_Destroy(dead);
	raw_close(&raw);
	cr_assert(append_at_last(cluster.world.writer, "t", delta(1), NULL));
	/* Other replicas than those that are there are another setting. */
	struct reprise_jetstream_options options = options_of(&cluster, 0);
	struct reprise_error error;

	options.replicas = 1;
	cr_assert(eq(int, world_open_status(cluster.world.store, &options, &error),
		     REPRISE_E_EXISTS));
	cr_assert(strstr(error.detail, "replicas") != NULL, "%s", error.detail);
	flush_at_last(cluster.world.writer, "t");
	expect_books(cluster.world.store, "t", 1);
	world_end(&cluster.world);
	expect_no_leaks();
}

/* A server that was stopped knows less than the others for a while, and is asked nevertheless. */
Test(jetstream, B10_a_replica_that_stayed_behind_costs_no_delta, .timeout = 240)
{
	enum {
		ROUNDS = 20,
		DELTAS = 6
	};
	struct cluster cluster;
	unsigned int next = 1;

	begin(&cluster);
	cluster.world.store = world_store(&cluster.world);
	create(cluster.world.store, "t");
	cluster.world.writer = open_at_last(&cluster, 0);
	for (int round = 0; round < ROUNDS; round++) {
		/*
		 * The leader leads on; the one of the others that no writer is connected
		 * to is stopped.
		 */
		const int leader = leader_of(&cluster);
		const int stopped = leader == 2 ? 1 : 2;

		nats_server_pause(cluster.servers[stopped]);
		for (int i = 0; i < DELTAS; i++, next++)
			cr_assert(append_at_last(cluster.world.writer, "t", delta(next), NULL));
		nats_server_resume(cluster.servers[stopped]);
		const struct reprise_jetstream_flushed flushed =
			flush_at_last(cluster.world.writer, "t");

		cr_assert(eq(u64, flushed.discarded, 0), "round %d", round);
		cr_assert(eq(u64, version_of(cluster.world.store, "t"), next - 1), "round %d",
			  round);
	}
	expect_books(cluster.world.store, "t", next - 1);
	expect_no_hole(cluster.world.store, next - 1);
	world_end(&cluster.world);
	expect_no_leaks();
}
