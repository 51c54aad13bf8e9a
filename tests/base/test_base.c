/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <stdio.h>

#include "base/crc32c.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/numbers.h"
#include "base/siphash.h"
#include "base/sized.h"
#include "base/utf8.h"
#include "names.h"

SUITE(base);

Test(base, the_suites_gt_is_strict)
{
	const int one = 1;

	cr_assert(gt(int, 2, one));
	cr_assert(not(gt(int, 1, one)), "support/strictly.h is not included");
	cr_assert(not(gt(int, 0, one)));
}

Test(base, crc32c_is_the_same_with_and_without_the_processors_help)
{
	unsigned char bytes[600];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * i * 7 + 3 * i);
	for (size_t at = 0; at < 9; at++)
		for (size_t size = 0; size < 300; size++) {
			const uint32_t crc = (uint32_t)(at * size * 2654435761u);

			cr_assert(eq(u32, crc32c(crc, bytes + at, size),
				     crc32c_portable(crc, bytes + at, size)));
		}
}

Test(base, crc32c_gives_the_published_values)
{
	unsigned char zeros[32] = { 0 };

	cr_assert(eq(u32, crc32c(0, "123456789", 9), 0xe3069283));
	cr_assert(eq(u32, crc32c(0, zeros, 32), 0x8a9136aa));
	cr_assert(eq(u32, crc32c(crc32c(0, "1234", 4), "56789", 5), 0xe3069283));
	cr_assert(eq(u32, crc32c(0, "", 0), 0));
}

Test(base, siphash_gives_the_published_values)
{
	const struct siphash_key key = { { UINT64_C(0x0706050403020100),
					   UINT64_C(0x0f0e0d0c0b0a0908) } };
	unsigned char bytes[16];

	for (unsigned char i = 0; i < 16; i++)
		bytes[i] = i;
	cr_assert(eq(u64, siphash(&key, bytes, 0), UINT64_C(0x726fdb47dd0e0e31)));
	cr_assert(eq(u64, siphash(&key, bytes, 8), UINT64_C(0x93f5f5799a932462)));
	cr_assert(eq(u64, siphash(&key, bytes, 15), UINT64_C(0xa129ca6149be45e5)));
}

Test(base, utf8_text_is_told_from_what_is_none)
{
	static const struct {
		const char *text;
		size_t prefix; /* the valid one */
	} cases[] = {
		{ "", 0 },
		{ "abc-~ ", 6 },
		{ "\xc3\xa9", 2 },         /* e acute */
		{ "\xe2\x82\xac", 3 },     /* euro */
		{ "\xf0\x9f\x98\x80", 4 }, /* beyond the first plane */
		{ "\xf4\x8f\xbf\xbf", 4 }, /* U+10FFFF */
		{ "\xf4\x90\x80\x80", 0 }, /* beyond it */
		{ "a\xc3", 1 },            /* cut off */
		{ "ab\xe2\x82", 2 },       /* cut off */
		{ "\xc0\xaf", 0 },         /* overlong */
		{ "\xe0\x80\xaf", 0 },     /* overlong */
		{ "\xf0\x80\x80\xaf", 0 }, /* overlong */
		{ "\xed\xa0\x80", 0 },     /* a surrogate */
		{ "\x80", 0 },             /* a lone continuation */
		{ "a\xe2\x82"
		  "a",
		  1 },                      /* cut short by another */
		{ "a\xf0\x9f\x98\xc3", 1 }, /* cut short by another */
		{ "\xff", 0 },              /* no lead byte */
		{ "a\x1f", 1 },             /* controls */
		{ "a\x7f", 1 },
		{ "a\xc2\x85", 1 },
		{ "\xc2\xa0", 2 }, /* no control */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_assert(eq(sz, utf8_text_prefix(cases[i].text, strlen(cases[i].text)),
			     cases[i].prefix),
			  "case %zu", i);
	cr_assert(eq(sz, utf8_text_prefix("a\0b", 3), 1));
}

/* Eight bytes are looked at in one: any byte at any place, found as by itself. */
Test(base, utf8_text_is_told_eight_bytes_at_a_time_as_one_by_one)
{
	for (unsigned int byte = 0; byte < 256; byte++) {
		const char alone = (char)byte;
		const size_t is_text = utf8_text_prefix(&alone, 1);

		for (size_t at = 0; at < 16; at++) {
			char text[16];

			memset(text, 'a' + (int)at, sizeof(text));
			text[at] = alone;
			cr_assert(eq(sz, utf8_text_prefix(text, sizeof(text)),
				     is_text ? sizeof(text) : at),
				  "byte %02x at %zu", byte, at);
		}
	}
}

Test(base, every_status_has_a_name_and_a_sentence)
{
#define CHECK(name, value, sentence)                                                       \
	cr_assert(eq(int, REPRISE_##name, value));                                         \
	cr_assert(eq(str, (char *)reprise_status_name(REPRISE_##name), "REPRISE_" #name)); \
	cr_assert(eq(str, (char *)reprise_status_text(REPRISE_##name), sentence));
	REPRISE_STATUS_TABLE(CHECK)
#undef CHECK
	cr_assert(eq(str, (char *)reprise_status_name((reprise_status)1), "unknown status"));
	cr_assert(eq(str, (char *)reprise_status_text((reprise_status)-99), "unknown status"));
}

Test(base, X15_every_durability_has_a_number_a_name_and_a_sentence)
{
	static const struct named known[] = {
		{ REPRISE_ENQUEUED, 0, "enqueued", "copied out of the ring" },
		{ REPRISE_WRITTEN, 1, "written", "committed: survives the end of this process" },
		{ REPRISE_SYNCED, 2, "synced", "on disk: survives the failure of the machine" },
	};

	EXPECT_NAMED(reprise_durability, REPRISE_DURABILITY_TABLE, known);
}

Test(base, the_version_is_a_semantic_one)
{
	int major, minor, patch;

	cr_assert(eq(int, sscanf(reprise_version(), "%d.%d.%d", &major, &minor, &patch), 3));
}

struct sized_old {
	size_t size;
	uint64_t a;
};

struct sized_new {
	size_t size;
	uint64_t a, b;
};

Test(base, options_of_another_version_are_read_as_far_as_both_know)
{
	const struct sized_old old = { sizeof(old), 7 };
	struct sized_new read = { 9, 9, 9 };

	cr_assert(sized_read(&read, sizeof(read), sizeof(old), &old));
	cr_assert(eq(u64, read.a, 7));
	cr_assert(eq(u64, read.b, 0));
}

Test(base, options_that_this_version_does_not_know_must_be_0)
{
	struct sized_new newer = { sizeof(newer), 7, 0 };
	struct sized_old read = { 0 };

	cr_assert(sized_read(&read, sizeof(read), sizeof(read), &newer));
	newer.b = 1;
	cr_assert(not(sized_read(&read, sizeof(read), sizeof(read), &newer)));
}

Test(base, a_size_that_is_impossible_is_refused)
{
	struct sized_new options = { 0 };
	struct sized_new read = { 0 };

	cr_assert(not(sized_read(&read, sizeof(read), sizeof(read), &options)));
	options.size = sizeof(options) - 1;
	cr_assert(not(sized_read(&read, sizeof(read), sizeof(read), &options)));
	options.size = SIZE_MAX;
	cr_assert(not(sized_read(&read, sizeof(read), sizeof(read), &options)));
	cr_assert(not(sized_write(&options, &read, sizeof(read), sizeof(read))));
}

Test(base, statistics_are_written_as_far_as_both_know)
{
	const struct sized_old known = { 1, 7 };
	struct sized_new caller = { sizeof(caller), 9, 9 };

	cr_assert(sized_write(&caller, &known, sizeof(known), sizeof(known)));
	cr_assert(eq(sz, caller.size, sizeof(caller)));
	cr_assert(eq(u64, caller.a, 7));
	cr_assert(eq(u64, caller.b, 0));
}

Test(base, rounding_meets_its_bounds)
{
	cr_assert(eq(u64, power_of_two_from(1), 1));
	cr_assert(eq(u64, power_of_two_from(2), 2));
	cr_assert(eq(u64, power_of_two_from(3), 4));
	cr_assert(eq(u64, power_of_two_from((UINT64_C(1) << 40) + 1), UINT64_C(1) << 41));
	cr_assert(eq(u64, round_up(0, 8), 0));
	cr_assert(eq(u64, round_up(1, 8), 8));
	cr_assert(eq(u64, round_up(8, 8), 8));
}

Test(base, a_block_that_is_none_may_be_given_back)
{
	struct memory memory;

	cr_assert(memory_init(&memory, NULL));
	memory_give(&memory, NULL, 64);
	cr_assert(eq(u64, load_relaxed(&memory.control_bytes), 0));
}

Test(base, an_error_gets_what_it_has_room_for)
{
	struct reprise_error error, as_it_was;
	const size_t some = offsetof(struct reprise_error, os_error);

	memset(&error, 7, sizeof(error));
	error.size = some;
	memcpy(&as_it_was, &error, sizeof(error));
	cr_assert(eq(int, error_invalid(&error, "what"), REPRISE_E_INVALID));
	cr_assert(eq(sz, error.size, some));
	cr_assert(eq(int, error.status, REPRISE_E_INVALID));
	cr_assert(eq(int,
		     memcmp((char *)&error + some, (char *)&as_it_was + some, sizeof(error) - some),
		     0));
}
