/* SPDX-License-Identifier: MIT */
/* The bytes of events (rules D01 and D02). */
#include "events.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

SUITE(codec);

enum {
	ROOM_BYTES = 4096,
};

/* Hexadecimal digits as bytes. */
static struct reprise_bytes
bytes_of_hex(const char *hex)
{
	static unsigned char bytes[ROOM_BYTES];
	const size_t size = strlen(hex) / 2;

	for (size_t i = 0; i < size; i++) {
		const char digits[] = { hex[2 * i], hex[2 * i + 1], '\0' };

		bytes[i] = (unsigned char)strtoul(digits, NULL, 16);
	}
	return (struct reprise_bytes){ bytes, size };
}

static void
expect_bytes(struct reprise_bytes actual, struct reprise_bytes expected)
{
	cr_assert(eq(sz, actual.size, expected.size));
	if (expected.size != 0)
		cr_assert(eq(int, memcmp(actual.data, expected.data, expected.size), 0));
}

static void
expect_same_event(struct conversation_event actual, struct conversation_event expected)
{
	cr_assert(eq(int, actual.type, expected.type));
	expect_bytes(actual.id, expected.id);
	cr_assert(eq(u64, actual.received_at_ms, expected.received_at_ms));
	cr_assert(eq(u32, actual.step, expected.step));
	expect_bytes(actual.output, expected.output);
	expect_bytes(actual.error_text, expected.error_text);
}

/* Of exactly the memory that they need, so that a sanitizer sees a read or a write beyond it. */
static struct reprise_bytes
encoded(struct conversation_event event)
{
	const size_t size = codec_event_bytes(&event);
	unsigned char *const bytes = malloc(size);

	cr_assert(eq(str, (char *)(codec_event_fault(&event) == NULL ? "" : "fault"), (char *)""));
	cr_assert(ne(ptr, bytes, NULL));
	codec_encode_event(&event, bytes);
	return (struct reprise_bytes){ bytes, size };
}

static void
expect_round_trip(struct conversation_event event, const char *hex)
{
	const struct reprise_bytes bytes = encoded(event);
	struct conversation_event decoded = { 0 };
	const char *fault = NULL;

	expect_bytes(bytes, bytes_of_hex(hex));
	cr_assert(eq(int, codec_decode_event(bytes, &decoded, &fault), REPRISE_OK));
	cr_assert(eq(ptr, (void *)fault, NULL));
	expect_same_event(decoded, event);
	free((void *)bytes.data);
}

static void
expect_corrupt(struct reprise_bytes bytes, const char *expected_fault)
{
	unsigned char *const exact = malloc(bytes.size + (bytes.size == 0));
	struct conversation_event event = { .step = 77 };
	const char *fault = NULL;

	cr_assert(ne(ptr, exact, NULL));
	if (bytes.size != 0)
		memcpy(exact, bytes.data, bytes.size);
	cr_assert(
		eq(int,
		   codec_decode_event((struct reprise_bytes){ exact, bytes.size }, &event, &fault),
		   REPRISE_E_CORRUPT));
	cr_assert(eq(str, (char *)fault, (char *)expected_fault));
	cr_assert(eq(u32, event.step, 77), "the event is untouched");
	free(exact);
}

static void
expect_hex_corrupt(const char *hex, const char *fault)
{
	expect_corrupt(bytes_of_hex(hex), fault);
}

Test(codec, D02_the_five_events_have_their_golden_bytes)
{
	struct conversation_event with_output = step_done("m1", 2, "");

	with_output.output = (struct reprise_bytes){ "\x00\xff", 2 };
	expect_round_trip(received("m1", UINT64_C(1700000000000)),
			  "4c4345310100000000000000026d310000018bcfe56800");
	expect_round_trip(started("m1"), "4c4345310200000000000000026d31");
	expect_round_trip(with_output, "4c4345310300000000000000026d31"
				       "00000002000000000000000200ff");
	expect_round_trip(finished("m1"), "4c4345310400000000000000026d31");
	expect_round_trip(failed("m1", "é"), "4c4345310500000000000000026d31"
					     "0000000000000002c3a9");
	expect_no_leaks();
}

Test(codec, D02_numbers_reach_to_their_ends_and_bytes_may_be_none)
{
	expect_round_trip(received("a", UINT64_MAX), "4c43453101000000000000000161"
						     "ffffffffffffffff");
	expect_round_trip(received("a", 0), "4c43453101000000000000000161"
					    "0000000000000000");
	expect_round_trip(step_done("a", UINT32_MAX, ""), "4c43453103000000000000000161"
							  "ffffffff0000000000000000");
	expect_round_trip(failed("a", ""), "4c43453105000000000000000161"
					   "0000000000000000");
	expect_no_leaks();
}

Test(codec, D02_an_error_text_may_have_nul_and_control_characters)
{
	struct conversation_event event = failed("a", "");

	event.error_text = (struct reprise_bytes){ "\n\0\x7f", 3 };
	expect_round_trip(event, "4c43453105000000000000000161"
				 "00000000000000030a007f");
}

Test(codec, D02_other_first_bytes_are_corrupt)
{
	expect_hex_corrupt("", "an event has wrong first bytes");
	expect_hex_corrupt("4c4345", "an event has wrong first bytes");
	expect_hex_corrupt("4c4345320200000000000000026d31", "an event has wrong first bytes");
	expect_hex_corrupt("6c4345310200000000000000026d31", "an event has wrong first bytes");
}

Test(codec, D02_an_unknown_tag_is_corrupt)
{
	expect_hex_corrupt("4c434531", "an event has an unknown tag");
	expect_hex_corrupt("4c4345310000000000000000026d31", "an event has an unknown tag");
	expect_hex_corrupt("4c4345310600000000000000026d31", "an event has an unknown tag");
	expect_hex_corrupt("4c434531ff00000000000000026d31", "an event has an unknown tag");
}

Test(codec, D02_each_event_that_is_cut_off_anywhere_is_corrupt)
{
	const struct conversation_event events[] = { received("m1", 5), started("m1"),
						     step_done("m1", 2, "out"), finished("m1"),
						     failed("m1", "é") };

	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		const struct reprise_bytes whole = encoded(events[i]);

		for (size_t size = 5; size < whole.size; size++)
			expect_corrupt((struct reprise_bytes){ whole.data, size },
				       "an event is truncated");
		free((void *)whole.data);
	}
	expect_no_leaks();
}

Test(codec, D02_bytes_after_an_event_are_corrupt)
{
	expect_hex_corrupt("4c4345310200000000000000026d3100", "an event has bytes after its end");
	expect_hex_corrupt("4c4345310500000000000000026d310000000000000002c3a9c3",
			   "an event has bytes after its end");
}

Test(codec, D02_an_absurd_length_is_corrupt)
{
	expect_hex_corrupt("4c43453102ffffffffffffffff6d31", "an event is truncated");
	expect_hex_corrupt("4c4345310280000000000000026d31", "an event is truncated");
	expect_hex_corrupt("4c4345310300000000000000026d3100000002fffffffffffffffc00ff",
			   "an event is truncated");
	expect_hex_corrupt("4c4345310500000000000000026d317fffffffffffffffc3a9",
			   "an event is truncated");
}

Test(codec, D02_invalid_utf8_is_corrupt_in_ids_and_error_texts)
{
	expect_hex_corrupt("4c4345310200000000000000026dc3", "an event has an invalid id");
	expect_hex_corrupt("4c434531020000000000000003eda080", "an event has an invalid id");
	expect_hex_corrupt("4c434531020000000000000002c0af", "an event has an invalid id");
	expect_hex_corrupt("4c4345310500000000000000026d310000000000000001ff",
			   "an event has an invalid error text");
	expect_hex_corrupt("4c4345310500000000000000026d310000000000000004f4908080",
			   "an event has an invalid error text");
}

Test(codec, D02_an_empty_an_over_long_and_a_nul_holding_id_are_corrupt)
{
	unsigned char bytes[ROOM_BYTES] = "LCE1\x02";

	expect_hex_corrupt("4c434531020000000000000000", "an event has an invalid id");
	expect_hex_corrupt("4c4345310200000000000000026d00", "an event has an invalid id");
	expect_hex_corrupt("4c434531020000000000000003006d31", "an event has an invalid id");
	memset(bytes + 13, 'x', 1025);
	bytes[11] = 4; /* 1,025 bytes */
	bytes[12] = 1;
	expect_corrupt((struct reprise_bytes){ bytes, 13 + 1025 }, "an event has an invalid id");
	bytes[12] = 0;
	struct conversation_event event = { 0 };
	const char *fault = NULL;

	cr_assert(eq(int,
		     codec_decode_event((struct reprise_bytes){ bytes, 13 + 1024 }, &event, &fault),
		     REPRISE_OK));
	cr_assert(eq(sz, event.id.size, 1024));
}

Test(codec, D01_an_id_is_1_to_1024_bytes_of_valid_utf8_without_nul)
{
	static char text[1026];

	memset(text, 'x', sizeof(text) - 1);
	cr_assert(not(conversation_id_is_valid((struct reprise_bytes){ NULL, 0 })));
	cr_assert(conversation_id_is_valid((struct reprise_bytes){ text, 1 }));
	cr_assert(conversation_id_is_valid((struct reprise_bytes){ text, 1024 }));
	cr_assert(not(conversation_id_is_valid((struct reprise_bytes){ text, 1025 })));
	cr_assert(not(conversation_id_is_valid((struct reprise_bytes){ text, SIZE_MAX })));
	cr_assert(conversation_id_is_valid(bytes_of("line\nbreak \x7f é 😀")));
	cr_assert(not(conversation_id_is_valid((struct reprise_bytes){ "a\0b", 3 })));
	cr_assert(not(conversation_id_is_valid(bytes_of("\xff"))));
	/* Beyond the eight bytes that are looked at together. */
	cr_assert(not(conversation_id_is_valid(bytes_of("plain text \xc3("))));
}

Test(codec, D01_an_event_that_cannot_be_encoded_says_which_field_it_is)
{
	struct conversation_event event = { .type = (enum conversation_event_type)6,
					    .id = bytes_of("a") };

	cr_assert(eq(str, (char *)codec_event_fault(&event), "an event has an unknown tag"));
	event.type = (enum conversation_event_type)0;
	cr_assert(eq(str, (char *)codec_event_fault(&event), "an event has an unknown tag"));
	event = started("");
	cr_assert(eq(str, (char *)codec_event_fault(&event), "an event has an invalid id"));
	event = failed("a", "\x80");
	cr_assert(eq(str, (char *)codec_event_fault(&event), "an event has an invalid error text"));
	event.type = CONVERSATION_PROCESSING_STARTED;
	cr_assert(eq(ptr, (void *)codec_event_fault(&event), NULL), "it has no error text");
}

Test(codec, D02_the_size_of_an_encoding_does_not_overflow)
{
	struct conversation_event event = step_done("a", 1, "");
	const size_t rest = 4 + 1 + 8 + 1 + 4 + 8;

	event.output.size = SIZE_MAX - rest;
	cr_assert(eq(sz, codec_event_bytes(&event), SIZE_MAX));
	event.output.size = SIZE_MAX - rest - 1;
	cr_assert(eq(sz, codec_event_bytes(&event), SIZE_MAX - 1));
	event.output.size = SIZE_MAX - rest + 1;
	cr_assert(eq(sz, codec_event_bytes(&event), SIZE_MAX));
	event.output.size = SIZE_MAX;
	cr_assert(eq(sz, codec_event_bytes(&event), SIZE_MAX));
	event = failed("a", "");
	event.error_text.size = SIZE_MAX;
	cr_assert(eq(sz, codec_event_bytes(&event), SIZE_MAX));
}
