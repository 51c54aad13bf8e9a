/* SPDX-License-Identifier: MIT */
/* V62: bytes that are no control event, each for one reason. */
#include "durable/wire.h"
#include "states.h"

SUITE(durable_malformed);

/* A text may hold zeros: its size is the array's, without the NUL at the end. */
#define APPLY(text) ((int)apply_bytes(text, sizeof(text) - 1))

Test(durable_malformed, V62_what_is_unknown_is_malformed)
{
	cr_assert(eq(int, APPLY(""), DURABLE_MALFORMED));
	cr_assert(eq(int, APPLY("\x01"), DURABLE_MALFORMED), "no change");
	cr_assert(eq(int, APPLY("\x01\x08\x00"), DURABLE_APPLIED));
	cr_assert(eq(int, APPLY("\x00\x08\x00"), DURABLE_MALFORMED), "version 0");
	cr_assert(eq(int, APPLY("\x02\x08\x00"), DURABLE_MALFORMED), "version 2");
	cr_assert(eq(int, APPLY("\x01\x00\x00"), DURABLE_MALFORMED), "tag 0");
	cr_assert(eq(int, APPLY("\x01\x0a\x00"), DURABLE_MALFORMED), "tag 10");
	cr_assert(eq(int, APPLY("\x01\x7f\x00"), DURABLE_MALFORMED));
	cr_assert(eq(int, APPLY("\x01\x08\x00\x0a\x00"), DURABLE_MALFORMED), "behind a good one");
	cr_assert(eq(int, APPLY("data"), DURABLE_MALFORMED));
	cr_assert(eq(int, (int)apply_bytes("{\"a\":1}", 7), DURABLE_MALFORMED));
}

Test(durable_malformed, V62_a_number_has_its_shortest_form_and_its_bound)
{
	/* RENEW */
	cr_assert(eq(int, APPLY("\x01\x05\x01\x00"), DURABLE_APPLIED));
	cr_assert(eq(int, APPLY("\x01\x05\x02\x80\x00"), DURABLE_MALFORMED));
	cr_assert(eq(int, APPLY("\x01\x05\x02\x81\x00"), DURABLE_MALFORMED));
	cr_assert(eq(int, APPLY("\x81\x00\x05\x01\x00"), DURABLE_MALFORMED));
	cr_assert(eq(int, APPLY("\x01\x85\x00\x01\x00"), DURABLE_MALFORMED));
	cr_assert(eq(int, APPLY("\x01\x05\x81\x00\x00"), DURABLE_MALFORMED));
	cr_assert(eq(int, APPLY("\x01\x05\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
		     DURABLE_APPLIED));
	cr_assert(eq(int, APPLY("\x01\x05\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"),
		     DURABLE_MALFORMED));
	cr_assert(eq(int, APPLY("\x01\x05\x0b\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x00"),
		     DURABLE_MALFORMED));
	/* NUMBER: the epoch and the number. */
	cr_assert(eq(int, APPLY("\x01\x02\x0c\x01p\xff\xff\xff\xff\xff\xff\xff\x0f\x00\x00"),
		     DURABLE_APPLIED));
	cr_assert(eq(int, APPLY("\x01\x02\x0c\x01p\x80\x80\x80\x80\x80\x80\x80\x10\x00\x00"),
		     DURABLE_MALFORMED));
	cr_assert(eq(int, APPLY("\x01\x02\x0c\x01p\x00\x80\x80\x80\x80\x80\x80\x80\x10\x00"),
		     DURABLE_MALFORMED));
	/* The batch would end behind the greatest position. */
	cr_assert(eq(int,
		     APPLY("\x01\x02\x0e\x01p\x00\x00\xfd\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
		     DURABLE_APPLIED));
	cr_assert(eq(int,
		     APPLY("\x01\x02\x0e\x01p\x00\x00\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
		     DURABLE_MALFORMED));
	/* A length beyond all bytes. */
	cr_assert(eq(int, APPLY("\x01\x05\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00"),
		     DURABLE_MALFORMED));
}

Test(durable_malformed, V62_a_text_has_no_NUL_and_its_bounds)
{
	cr_assert(eq(int, APPLY("\x01\x06\x02\x01x"), DURABLE_APPLIED));
	cr_assert(eq(int, APPLY("\x01\x06\x02\x01\x00"), DURABLE_MALFORMED));
	cr_assert(eq(int, APPLY("\x01\x06\x01\x00"), DURABLE_MALFORMED), "an id without a byte");
	cr_assert(eq(int, APPLY("\x01\x07\x01\x00"), DURABLE_MALFORMED));
	cr_assert(eq(int, APPLY("\x01\x06\x02\x02x"), DURABLE_MALFORMED), "longer than its fields");
	cr_assert(eq(int, APPLY("\x01\x06\x02\x02xy"), DURABLE_MALFORMED));
	cr_assert(eq(int, APPLY("\x01\x02\x04\x00\x00\x00\x00"), DURABLE_MALFORMED));
	cr_assert(eq(int, APPLY("\x01\x03\x01\x00"), DURABLE_APPLIED), "an order may be empty");
	/* Without a producer there is no epoch and no number. */
	cr_assert(eq(int, APPLY("\x01\x04\x03\x00\x00\x00"), DURABLE_APPLIED));
	cr_assert(eq(int, APPLY("\x01\x04\x03\x00\x01\x00"), DURABLE_MALFORMED));
	cr_assert(eq(int, APPLY("\x01\x04\x03\x00\x00\x01"), DURABLE_MALFORMED));
}

static int
apply_fork(size_t id_bytes)
{
	unsigned char bytes[300] = { WIRE_VERSION, WIRE_ADD_FORK };
	const size_t head = id_bytes > 0x7f ? 2 : 1;

	/* Two lengths of two bytes each. */
	bytes[2] = (unsigned char)(0x80 | ((id_bytes + head) & 0x7f));
	bytes[3] = (unsigned char)((id_bytes + head) >> 7);
	bytes[4] = (unsigned char)(0x80 | (id_bytes & 0x7f));
	bytes[5] = (unsigned char)(id_bytes >> 7);
	memset(bytes + 6, 'x', id_bytes);
	return (int)apply_bytes(bytes, 6 + id_bytes);
}

Test(durable_malformed, V62_an_id_is_as_long_as_a_session_id_at_most)
{
	cr_assert(eq(int, apply_fork(REPRISE_SESSION_ID_BYTES_MAX), DURABLE_APPLIED));
	cr_assert(eq(int, apply_fork(REPRISE_SESSION_ID_BYTES_MAX + 1), DURABLE_MALFORMED));
}

Test(durable_malformed, V62_flags_that_are_unknown_or_alone_are_malformed)
{
	/* CREATE: id "s", flags, no types, no source, time 0 */
	cr_assert(eq(int, APPLY("\x01\x01\x07\x01s\x00\x00\x00\x00\x00"), DURABLE_APPLIED));
	cr_assert(eq(int, APPLY("\x01\x01\x07\x01s\x04\x00\x00\x00\x00"), DURABLE_APPLIED));
	cr_assert(eq(int, APPLY("\x01\x01\x07\x01s\x10\x00\x00\x00\x00"), DURABLE_MALFORMED));
	cr_assert(eq(int, APPLY("\x01\x01\x07\x01s\x08\x00\x00\x00\x00"), DURABLE_MALFORMED),
		  "a fork's offset without a source");
	cr_assert(eq(int, APPLY("\x01\x01\x08\x01s\x01\x00\x00\x05\x00\x00"), DURABLE_APPLIED),
		  "a TTL");
	cr_assert(eq(int, APPLY("\x01\x01\x07\x01s\x01\x00\x00\x05\x00"), DURABLE_MALFORMED),
		  "the time is left out");
}

/* SNAPSHOT of "chat": no settings, time 0, created, first 1, no data, no order, not closed. */
#define SNAPSHOT(bytes) \
	"\x01\x09" bytes "\x04" SESSION "\x00\x00\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00"

Test(durable_malformed, V62_ids_of_a_snapshot_ascend)
{
	cr_assert(eq(int, APPLY(SNAPSHOT("\x13") "\x00\x00"), DURABLE_APPLIED));
	cr_assert(eq(int, APPLY(SNAPSHOT("\x1d") "\x02\x01p\x00\x00\x00\x01q\x00\x00\x00\x00"),
		     DURABLE_APPLIED));
	cr_assert(eq(int, APPLY(SNAPSHOT("\x1d") "\x02\x01q\x00\x00\x00\x01p\x00\x00\x00\x00"),
		     DURABLE_MALFORMED));
	cr_assert(eq(int, APPLY(SNAPSHOT("\x1d") "\x02\x01p\x00\x00\x00\x01p\x00\x00\x00\x00"),
		     DURABLE_MALFORMED));
	cr_assert(eq(int, APPLY(SNAPSHOT("\x17") "\x00\x02\x01x\x01y"), DURABLE_APPLIED));
	cr_assert(eq(int, APPLY(SNAPSHOT("\x17") "\x00\x02\x01y\x01x"), DURABLE_MALFORMED));
	cr_assert(eq(int, APPLY(SNAPSHOT("\x17") "\x00\x02\x01x\x01x"), DURABLE_MALFORMED));
	cr_assert(eq(int, APPLY(SNAPSHOT("\x15") "\x00\x01\x01x"), DURABLE_APPLIED));
	cr_assert(eq(int, APPLY(SNAPSHOT("\x14") "\x00\x01\x00"), DURABLE_MALFORMED), "no byte");
	cr_assert(eq(int, APPLY(SNAPSHOT("\x14") "\x00\x00\x00"), DURABLE_MALFORMED),
		  "a byte more");
}

/* Malformed before memory is taken for as many entries. */
static void
expect_no_room(const void *bytes, size_t size)
{
	struct durable_state state;

	durable_state_init(&state);
	cr_assert(eq(int, (int)durable_state_apply(&state, SESSION, 2, DURABLE_KIND, bytes, size),
		     DURABLE_MALFORMED));
	cr_assert(eq(sz, state.producers_room, 0));
	cr_assert(eq(sz, state.forks_room, 0));
	cr_assert(eq(str, state.settings.type, ""));
	cr_assert(eq(u64, state.first, 1), "all fields in front were read");
	durable_state_free(&state);
}

#define EXPECT_NO_ROOM(text) expect_no_room(text, sizeof(text) - 1)

Test(durable_malformed, V62_a_count_beyond_the_bytes_is_malformed)
{
	EXPECT_NO_ROOM(SNAPSHOT("\x12") "\x01");
	EXPECT_NO_ROOM(SNAPSHOT("\x13") "\x02\x00");
	EXPECT_NO_ROOM(SNAPSHOT("\x14") "\xff\xff\x03");
	EXPECT_NO_ROOM(SNAPSHOT("\x14") "\x81\x80\x04");
	EXPECT_NO_ROOM(SNAPSHOT("\x13") "\x00\x01");
	EXPECT_NO_ROOM(SNAPSHOT("\x14") "\x00\x80\x20");
	EXPECT_NO_ROOM(SNAPSHOT("\x14") "\x00\x81\x20");
}
