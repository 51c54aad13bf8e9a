/* SPDX-License-Identifier: MIT */
#include "support.h"

#include "peers/peer.h"

/* A test of its own: the suite is declared in test_histogram.c. */

static const char *
peer_name(void)
{
	return "tally";
}

static void
give(struct tally *tally, uint64_t writer, uint64_t ordinal)
{
	const uint64_t name = writer << WRITER_SHIFT | ordinal;
	unsigned char payload[32] = { 0 };

	memcpy(payload, &name, sizeof(name));
	payload[sizeof(payload) - 1] = (unsigned char)ordinal;
	tally_event(tally, payload, sizeof(payload));
}

Test(bench, a_tally_counts_what_is_lost_between_the_events_of_a_writer)
{
	struct tally tally = { 0 };

	(void)peer_name;
	give(&tally, 0, 1);
	give(&tally, 0, 5);
	cr_assert(eq(u64, tally.delivered, 2));
	cr_assert(eq(u64, tally.lost, 3));
	cr_assert(eq(u64, tally.last[0], 5));
	cr_assert(eq(u64, tally.doubled, 0));
}

Test(bench, each_writer_has_ordinals_of_its_own)
{
	struct tally tally = { 0 };

	give(&tally, 0, 1);
	give(&tally, 2, 1);
	give(&tally, WRITERS_MAX - 1, 3);
	give(&tally, 2, 2);
	give(&tally, 0, 2);
	cr_assert(eq(u64, tally.delivered, 5));
	cr_assert(eq(u64, tally.lost, 2));
	cr_assert(eq(u64, tally.doubled, 0));
	cr_assert(eq(u64, tally.torn, 0));
	cr_assert(eq(u64, tally.last[2], 2));
}

Test(bench, an_event_that_comes_twice_or_late_is_no_delivery)
{
	struct tally tally = { 0 };

	give(&tally, 1, 2);
	give(&tally, 1, 2);
	give(&tally, 1, 1);
	cr_assert(eq(u64, tally.delivered, 1));
	cr_assert(eq(u64, tally.doubled, 2));
	cr_assert(eq(u64, tally.lost, 1));
}

Test(bench, an_event_whose_bytes_do_not_belong_together_is_torn)
{
	struct tally tally = { 0 };
	unsigned char payload[32] = { 1 };

	tally_event(&tally, payload, sizeof(payload));
	cr_assert(eq(u64, tally.torn, 1));
	give(&tally, WRITERS_MAX, 1); /* there is no such writer */
	cr_assert(eq(u64, tally.torn, 2));
	cr_assert(eq(u64, tally.delivered, 1));
}
