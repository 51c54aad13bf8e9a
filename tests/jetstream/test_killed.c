/* SPDX-License-Identifier: MIT */
/*
 * B10, B13: a server that is killed at any point, and comes back: nothing acknowledged is lost,
 * nothing counts twice.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "chance.h"
#include "deltas.h"
#include "inner.h"
#include "proxy.h"
#include "raw.h"
#include "world.h"

static void
wait_ms(unsigned int milliseconds)
{
	const struct timespec pause = { milliseconds / 1000,
					(long)(milliseconds % 1000) * 1000000 };

	nanosleep(&pause, NULL);
}

static void
kill_and_restart(struct world *world)
{
	nats_server_kill(world->server);
	nats_server_restart(world->server);
}

STORES_TEST(B13_a_writer_works_again_when_the_server_is_back)
{
	append_range(world->writer, 1, 3);
	for (unsigned int i = 4; i <= 7; i++) {
		kill_and_restart(world);
		cr_assert(append_at_last(world->writer, "t", delta(i), NULL));
	}
	cr_assert(ge(u64, stats_of(world->writer).reconnects, 4));
	cr_assert(eq(int, stats_of(world->writer).is_connected, 1));
	flush_at_last(world->writer, "t");
	expect_books(world->store, "t", 7);
	cr_assert(eq(u64, recover(world->writer).applied, 0));
}

/* B10: a confirmed settlement may be undone by the kill: its deltas come back, and are known. */
static void
expect_settled(struct world *world, unsigned int pause)
{
	unsigned int next = 1;

	for (unsigned int round = 0; round < 3; round++) {
		append_range(world->writer, next, next + 8);
		cr_assert(append_at_last(world->writer, "t", finish(next + 9), NULL));
		next += 10;
		wait_ms(pause);
		kill_and_restart(world);
		cr_assert(eq(u64, flush_at_last(world->writer, "t").applied, 0));
		expect_books(world->store, "t", next - 1);
		cr_assert(eq(u64, version_of(world->store, "t"), next - 1));
		cr_assert(append_at_last(world->writer, "t", delta(next), NULL));
		next++;
		cr_assert(eq(u64, recover(world->writer).applied, 1));
		expect_books(world->store, "t", next - 1);
	}
}

STORES_TEST(B10_a_kill_just_after_a_settlement_changes_nothing)
{
	expect_settled(world, 0);
}

STORES_TEST(B10_a_kill_shortly_after_a_settlement_changes_nothing)
{
	expect_settled(world, 30);
}

SQLITE_TEST(B10_a_kill_a_while_after_a_settlement_changes_nothing)
{
	expect_settled(world, 300);
}

SQLITE_TEST(B10_a_kill_seconds_after_a_settlement_changes_nothing)
{
	expect_settled(world, 2500);
}

static void
kill_server(void *context)
{
	struct world *const world = context;

	inner_before_commit(NULL, NULL);
	inner_after_commit(NULL, NULL);
	inner_after_look(NULL, NULL);
	nats_server_kill(world->server);
}

/* A short deadline: the server will be gone. */
static struct reprise_jetstream *
impatient(struct world *world)
{
	struct reprise_jetstream_options options = world_options(world);

	options.deadline_ns = one_second;
	return world_writer(world->store, &options);
}

STORES_TEST(B10_a_server_killed_between_save_and_settlement_applies_nothing_twice)
{
	struct reprise_jetstream *const writer = impatient(world);

	append_range(writer, 1, 5);
	inner_watch(world->store);
	inner_after_commit(kill_server, world);
	const reprise_status status = reprise_jetstream_flush(writer, "t", NULL, NULL);

	cr_assert(status == REPRISE_OK || status == REPRISE_E_IO);
	expect_books(world->store, "t", 5);
	nats_server_restart(world->server);
	cr_assert(eq(u64, flush_at_last(writer, "t").applied, 0));
	cr_assert(append_at_last(writer, "t", delta(6), NULL));
	cr_assert(eq(u64, flush_at_last(writer, "t").applied, 1));
	expect_books(world->store, "t", 6);
	reprise_jetstream_close(writer);
}

STORES_TEST(B10_a_server_killed_during_a_flush_loses_nothing)
{
	struct reprise_jetstream *const writer = impatient(world);

	append_range(writer, 1, 5);
	inner_watch(world->store);
	inner_after_look(kill_server, world);
	reprise_status status = reprise_jetstream_flush(writer, "t", NULL, NULL);

	cr_assert(status == REPRISE_OK || status == REPRISE_E_IO);
	nats_server_restart(world->server);
	flush_at_last(writer, "t");
	expect_books(world->store, "t", 5);
	append_range(writer, 6, 7);
	inner_before_commit(kill_server, world);
	status = reprise_jetstream_append(writer, "t", NULL, finish(8), NULL, NULL);
	cr_assert(status == REPRISE_OK || status == REPRISE_E_IO);
	nats_server_restart(world->server);
	cr_assert(append_at_last(writer, "t", finish(8), NULL));
	expect_books(world->store, "t", 8);
	reprise_jetstream_close(writer);
}

STORES_TEST(B11_a_server_killed_during_a_recovery_loses_nothing)
{
	struct reprise_jetstream *const writer = impatient(world);
	struct reprise_jetstream_recovered recovered = { .size = sizeof(recovered) };
	char id[16];

	for (unsigned int i = 0; i < 6; i++) {
		snprintf(id, sizeof(id), "t%u", i);
		create(world->store, id);
		for (unsigned int j = 1; j <= 3; j++)
			append_to(writer, id, delta(j));
	}
	inner_watch(world->store);
	inner_before_commit(kill_server, world);
	const reprise_status status = reprise_jetstream_recover(writer, &recovered, NULL);

	cr_assert(status == REPRISE_OK || status == REPRISE_E_IO || status == REPRISE_E_TIMEOUT);
	nats_server_restart(world->server);
	for (unsigned int i = 0; i < 6; i++) {
		snprintf(id, sizeof(id), "t%u", i);
		flush_at_last(writer, id);
		expect_books(world->store, id, 3);
	}
	cr_assert(eq(u64, recover(writer).applied, 0));
	reprise_jetstream_close(writer);
}

/* Kills and restarts the server at random moments until it is told to stop. */
struct appender {
	struct world *world;
	pthread_t thread;
	atomic_uint acknowledged;
	unsigned int count;
	atomic_bool is_wrong;
};

static void *
append_all(void *argument)
{
	struct appender *const appender = argument;

	for (unsigned int i = 1; i <= appender->count; i++) {
		const bool is_last = i % 25 == 0;
		const bool is_taken = append_at_last(appender->world->writer, "t",
						     is_last ? finish(i) : delta(i), NULL);

		if (!is_taken)
			atomic_store(&appender->is_wrong, true);
		atomic_store(&appender->acknowledged, i);
	}
	return NULL;
}

/* Each append is repeated, with its id, until it is acknowledged: all of them count once. */
STORES_TEST(B13_a_server_killed_at_random_moments_loses_nothing)
{
	struct appender appender = { .world = world, .count = 250 };

	chance_begin(3);
	cr_assert(eq(int, pthread_create(&appender.thread, NULL, append_all, &appender), 0));
	for (int i = 0; i < 8 && atomic_load(&appender.acknowledged) < appender.count; i++) {
		wait_ms(20 + chance(150));
		kill_and_restart(world);
	}
	pthread_join(appender.thread, NULL);
	cr_assert(not(atomic_load(&appender.is_wrong)));
	flush_at_last(world->writer, "t");
	expect_books(world->store, "t", appender.count);
	cr_assert(eq(u64, recover(world->writer).applied, 0));
}

/* Without a connection an append fails; deltas given meanwhile are sent again by their ids. */
SQLITE_TEST(B13_an_append_without_a_server_fails_and_is_repeated_safely)
{
	struct reprise_jetstream *const writer = impatient(world);
	struct reprise_jetstream_appended appended = { .size = sizeof(appended) };

	append_range(writer, 1, 2);
	nats_server_kill(world->server);
	for (int i = 0; i < 3; i++) {
		struct reprise_error error = { .size = sizeof(error) };

		cr_assert(eq(int, append(writer, 3, NULL, &error), REPRISE_E_IO));
		cr_assert(eq(int, error.status, REPRISE_E_IO));
	}
	/* The library may learn it from the next byte alone. */
	for (int i = 0; i < 1000 && stats_of(writer).is_connected != 0; i++)
		usleep(1000);
	cr_assert(eq(int, stats_of(writer).is_connected, 0));
	cr_assert(eq(int, reprise_jetstream_flush(writer, "t", NULL, NULL), REPRISE_E_IO));
	cr_assert(eq(int, reprise_jetstream_recover(writer, NULL, NULL), REPRISE_E_IO));
	nats_server_restart(world->server);
	cr_assert(append_at_last(writer, "t", delta(3), &appended));
	cr_assert(eq(u64, appended.version, 3));
	flush_at_last(writer, "t");
	expect_books(world->store, "t", 3);
	reprise_jetstream_close(writer);
}

/*
 * The server has got the delta, and is killed before the writer hears of it; or it is killed before
 * it gets it.
 */
SQLITE_TEST(B13_a_server_killed_around_an_ack_counts_the_delta_once)
{
	struct reprise_jetstream_options options = world_options(world);
	struct nats_proxy proxy;

	nats_proxy_open(&proxy, world->server);
	options.servers = proxy.url;
	options.deadline_ns = one_second / 2;
	struct reprise_jetstream *const writer = world_writer(world->store, &options);

	for (unsigned int i = 1; i <= 6; i++) {
		const bool is_got = i % 2 == 0;

		if (is_got)
			nats_proxy_mute(&proxy, 1);
		else
			nats_server_pause(world->server);
		const reprise_status status = append(writer, i, NULL, NULL);

		cr_assert(status == REPRISE_E_IO || status == REPRISE_E_TIMEOUT, "%s",
			  reprise_status_name(status));
		nats_server_kill(world->server);
		nats_server_restart(world->server);
		nats_proxy_mute(&proxy, 0);
		struct reprise_jetstream_appended appended;

		cr_assert(append_at_last(writer, "t", delta(i), &appended));
		cr_assert(eq(u64, appended.version, i));
	}
	flush_at_last(writer, "t");
	expect_books(world->store, "t", 6);
	reprise_jetstream_close(writer);
	nats_proxy_close(&proxy);
}
