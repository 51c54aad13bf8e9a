/* SPDX-License-Identifier: MIT */
/*
 * B13: hundreds of connections that are cut in the middle of something; thousands, if the
 * environment says so. Each append is repeated, with its id, until it is taken, and counts once.
 */
#include <stdlib.h>

#include "deltas.h"
#include "proxy.h"
#include "world.h"

struct cutting {
	struct world *world;
	struct nats_proxy proxy;
	struct reprise_jetstream *writer; /* through the proxy */
	unsigned int next;                /* the number of the next delta */
};

static void
append_next(struct cutting *cutting)
{
	const unsigned int number = cutting->next++;
	const bool is_last = number % 100 == 0;

	cr_assert(append_at_last(cutting->writer, "t", is_last ? finish(number) : delta(number),
				 NULL));
}

/* Another writer's appends are in flight, on a connection of its own. */
static void
cut_beside_another(struct cutting *cutting)
{
	for (unsigned int i = 0; i < 3; i++)
		cr_assert(
			eq(int,
			   reprise_jetstream_append_async(cutting->world->writer, "t",
							  delta(cutting->next++), NULL, NULL, NULL),
			   REPRISE_OK));
	nats_proxy_cut(&cutting->proxy);
	append_next(cutting);
}

/* Its own are in flight, and fail or do not. */
static void
cut_in_flight(struct cutting *cutting)
{
	const unsigned int first = cutting->next;

	for (unsigned int i = 0; i < 5; i++)
		(void)!reprise_jetstream_append_async(cutting->writer, "t", delta(first + i), NULL,
						      NULL, NULL);
	nats_proxy_cut(&cutting->proxy);
	for (unsigned int i = 0; i < 5; i++)
		cr_assert(append_at_last(cutting->writer, "t", delta(cutting->next++), NULL));
}

static void
cut_before_a_flush(struct cutting *cutting)
{
	append_next(cutting);
	append_next(cutting);
	nats_proxy_cut(&cutting->proxy);
	(void)flush_at_last(cutting->writer, "t");
}

static void
cut_before_a_recovery(struct cutting *cutting)
{
	struct reprise_jetstream_recovered recovered = { .size = sizeof(recovered) };

	append_next(cutting);
	nats_proxy_cut(&cutting->proxy);
	const reprise_status status = reprise_jetstream_recover(cutting->writer, &recovered, NULL);

	cr_assert(status == REPRISE_OK || status == REPRISE_E_IO || status == REPRISE_E_ABORTED,
		  "%s", reprise_status_name(status));
	append_next(cutting);
}

static void
expect_reconnects(struct world *world, void (*cut)(struct cutting *cutting))
{
	const char *const thousands = getenv("REPRISE_TEST_RECONNECTS");
	const uint64_t reconnects = thousands == NULL ? 60 : strtoull(thousands, NULL, 10);
	struct cutting cutting = { .world = world, .next = 1 };
	struct reprise_jetstream_options options = world_options(world);

	nats_proxy_open(&cutting.proxy, world->server);
	options.servers = cutting.proxy.url;
	cutting.writer = world_writer(world->store, &options);
	while (stats_of(cutting.writer).reconnects < reconnects)
		cut(&cutting);
	(void)flush_at_last(cutting.writer, "t");
	expect_books(world->store, "t", cutting.next - 1);
	cr_assert(eq(u64, recover(world->writer).applied, 0));
	reprise_jetstream_close(cutting.writer);
	nats_proxy_close(&cutting.proxy);
}

#define RECONNECT_TEST(name, cut)                        \
	Test(jetstream, name, .timeout = 3000)           \
	{                                                \
		struct world world;                      \
		world_begin(&world, INNER_SQLITE, NULL); \
		world_open(&world);                      \
		expect_reconnects(&world, cut);          \
		world_end(&world);                       \
		expect_no_leaks();                       \
	}

RECONNECT_TEST(B13_reconnects_beside_another_writer_lose_nothing, cut_beside_another)
RECONNECT_TEST(B13_reconnects_with_appends_in_flight_lose_nothing, cut_in_flight)
RECONNECT_TEST(B13_reconnects_before_flushes_lose_nothing, cut_before_a_flush)
RECONNECT_TEST(B13_reconnects_before_recoveries_lose_nothing, cut_before_a_recovery)
