/* SPDX-License-Identifier: MIT */
/* V60: times of RFC 3339, held against timegm and gmtime_r of the C library. */
#include <stdio.h>
#include <time.h>

#include "durable/fields.h"
#include "support.h"

SUITE(durable_time);

static const uint64_t refused = UINT64_MAX - 1;

static uint64_t
time_of(const char *text)
{
	uint64_t unix_ns = refused;
	char bytes[256];

	/* The byte behind the size would make another time. */
	snprintf(bytes, sizeof(bytes), "%s7", text);
	if (!durable_time_parse(bytes, strlen(text), &unix_ns))
		cr_assert(eq(u64, unix_ns, refused));
	return unix_ns;
}

static uint64_t
ms(uint64_t unix_s, uint64_t milliseconds)
{
	return unix_s * one_second + milliseconds * (one_second / 1000);
}

Test(durable_time, V60_a_time_is_in_nanoseconds_since_1970)
{
	cr_assert(eq(u64, time_of("1970-01-01T00:00:00Z"), 0));
	cr_assert(eq(u64, time_of("1970-01-01T00:00:01Z"), ms(1, 0)));
	cr_assert(eq(u64, time_of("2000-02-29T12:34:56Z"), ms(951827696, 0)));
	cr_assert(eq(u64, time_of("2026-01-31T09:05:07.250Z"), ms(1769850307, 250)));
	cr_assert(eq(u64, time_of("2026-01-31t09:05:07.25z"), ms(1769850307, 250)));
	cr_assert(eq(u64, time_of("2026-01-31T09:05:07.000000001Z"), ms(1769850307, 0) + 1));
	cr_assert(eq(u64, time_of("2026-01-31T09:05:07.1234567899999999Z"),
		     ms(1769850307, 0) + 123456789));
}

Test(durable_time, V60_a_zone_is_taken_off)
{
	const uint64_t at = ms(1769850307, 0);

	cr_assert(eq(u64, time_of("2026-01-31T09:05:07+00:00"), at));
	cr_assert(eq(u64, time_of("2026-01-31T09:05:07-00:00"), at));
	cr_assert(eq(u64, time_of("2026-01-31T14:35:07+05:30"), at));
	cr_assert(eq(u64, time_of("2026-01-30T09:06:07-23:59"), at));
	cr_assert(eq(u64, time_of("2026-02-01T09:04:07+23:59"), at));
	cr_assert(eq(u64, time_of("2026-01-31T09:05:07.5+00:00"), at + one_second / 2));
}

Test(durable_time, V60_times_out_of_range_are_the_nearest_time)
{
	cr_assert(eq(u64, time_of("1969-12-31T23:59:59Z"), 0));
	cr_assert(eq(u64, time_of("0000-01-01T00:00:00Z"), 0));
	cr_assert(eq(u64, time_of("0000-01-01T00:00:00+23:59"), 0));
	cr_assert(eq(u64, time_of("1970-01-01T00:00:00+00:01"), 0));
	cr_assert(eq(u64, time_of("1969-12-31T23:59:59-00:01"), ms(59, 0)));
	cr_assert(eq(u64, time_of("2554-07-21T23:34:33.709551615Z"), UINT64_MAX));
	cr_assert(eq(u64, time_of("2554-07-21T23:34:33.709551613Z"), UINT64_MAX - 2));
	cr_assert(eq(u64, time_of("2554-07-21T23:34:33.709551616Z"), UINT64_MAX));
	cr_assert(eq(u64, time_of("2554-07-21T23:34:34Z"), UINT64_MAX));
	cr_assert(eq(u64, time_of("9999-12-31T23:59:59.999Z"), UINT64_MAX));
}

Test(durable_time, V60_a_leap_second_ends_a_month)
{
	cr_assert(eq(u64, time_of("2016-12-31T23:59:60Z"), ms(1483228800, 0)));
	cr_assert(eq(u64, time_of("2016-12-31T23:59:60.5Z"), ms(1483228800, 500)));
	cr_assert(eq(u64, time_of("2017-01-01T05:29:60+05:30"), ms(1483228800, 0)));
	cr_assert(eq(u64, time_of("2016-12-31T15:59:60-08:00"), ms(1483228800, 0)));
	cr_assert(eq(u64, time_of("2015-06-30T23:59:60Z"), ms(1435708800, 0)));
	cr_assert(eq(u64, time_of("2016-12-31T23:58:60Z"), refused));
	cr_assert(eq(u64, time_of("2016-12-31T22:59:60Z"), refused));
	cr_assert(eq(u64, time_of("2016-12-30T23:59:60Z"), refused));
	cr_assert(eq(u64, time_of("2016-12-31T23:59:60+01:00"), refused));
	cr_assert(eq(u64, time_of("2016-12-31T23:59:61Z"), refused));
	cr_assert(eq(u64, time_of("1960-12-31T23:59:60Z"), refused), "before there were any");
}

Test(durable_time, V60_a_day_is_one_of_its_month)
{
	static const char *const bad[] = { "2026-00-01", "2026-13-01", "2026-01-00", "2026-01-32",
					   "2026-02-29", "2026-04-31", "2026-06-31", "2026-09-31",
					   "2026-11-31", "2100-02-29", "1900-02-29", "2024-02-30" };
	static const char *const good[] = { "2024-02-29", "2000-02-29", "2400-02-29", "2026-01-31",
					    "2026-03-31", "2026-05-31", "2026-07-31", "2026-08-31",
					    "2026-10-31", "2026-12-31", "2026-04-30" };
	char text[64];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "%sT00:00:00Z", bad[i]);
		cr_assert(eq(u64, time_of(text), refused), "%s", text);
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(text, sizeof(text), "%sT00:00:00Z", good[i]);
		cr_assert(ne(u64, time_of(text), refused), "%s", text);
	}
}

Test(durable_time, V60_what_is_no_time_is_refused)
{
	static const char *const bad[] = {
		"",
		"not-a-timestamp",
		"2026",
		"2026-01-31",
		"2026-01-31T09:05Z",
		"2026-01-31T09:05:07",
		"2026-01-31 09:05:07Z",
		"2026-01-31T09:05:07 Z",
		" 2026-01-31T09:05:07Z",
		"2026-01-31T09:05:07Z ",
		"2026-01-31T09:05:07Z\n",
		"2026-1-31T09:05:07Z",
		"26-01-31T09:05:07Z",
		"+2026-01-31T09:05:07Z",
		"-026-01-31T09:05:07Z",
		"12026-01-31T09:05:07Z",
		"2026/01/31T09:05:07Z",
		"2026-01/31T09:05:07Z",
		"2026-01-31T24:00:00Z",
		"2026-01-31T09:60:07Z",
		"2026-01-31T9:05:07Z",
		"2026-01-31T09:5:07Z",
		"2026-01-31T09:05:7Z",
		"2026-01-31T09:05:07.Z",
		"2026-01-31T09:05:07,5Z",
		"2026-01-31T09:05:07.5.5Z",
		"2026-01-31T09:05:07.5",
		"2026-01-31T09:05:07X",
		"2026-01-31T09:05:07+",
		"2026-01-31T09:05:07+0",
		"2026-01-31T09:05:07+00",
		"2026-01-31T09:05:07+0000",
		"2026-01-31T09:05:07+00:0",
		"2026-01-31T09:05:07+00:60",
		"2026-01-31T09:05:07+24:00",
		"2026-01-31T09:05:07+00:00Z",
		"2026-01-31T09:05:07ZZ",
		"20260131T090507Z",
		"1769850307",
		"Sat, 31 Jan 2026 09:05:07 GMT",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert(eq(u64, time_of(bad[i]), refused), "%s", bad[i]);
	cr_assert(not(durable_time_parse("2026-01-31T09:05:07Z", 21, &(uint64_t){ 0 })), "NUL");
	cr_assert(not(durable_time_parse("2026-01-31\00009:05:07Z", 20, &(uint64_t){ 0 })));
	cr_assert(not(durable_time_parse("2026-01-31T09:05:07\0", 20, &(uint64_t){ 0 })));
}

Test(durable_time, V60_a_time_is_written_in_UTC_with_milliseconds)
{
	char text[DURABLE_TIME_BYTES];

	durable_time_format(0, text);
	cr_assert(eq(str, text, "1970-01-01T00:00:00.000Z"));
	durable_time_format(ms(1769850307, 250), text);
	cr_assert(eq(str, text, "2026-01-31T09:05:07.250Z"));
	durable_time_format(ms(951782399, 999) + 999999, text);
	cr_assert(eq(str, text, "2000-02-28T23:59:59.999Z"));
	durable_time_format(ms(951782400, 0), text);
	cr_assert(eq(str, text, "2000-02-29T00:00:00.000Z"));
	durable_time_format(UINT64_MAX, text);
	cr_assert(eq(str, text, "2554-07-21T23:34:33.709Z"));
}

Test(durable_time, V60_every_day_is_the_one_of_the_C_library)
{
	for (uint64_t day = 0; day < 213503; day++) {
		const time_t at = (time_t)(day * 86400 + day % 86400);
		char text[DURABLE_TIME_BYTES], expected[DURABLE_TIME_BYTES];
		struct tm tm;

		cr_assert(ne(ptr, gmtime_r(&at, &tm), NULL));
		strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S.000Z", &tm);
		durable_time_format(ms((uint64_t)at, 0), text);
		cr_assert(eq(str, text, expected));
		cr_assert(eq(u64, time_of(text), ms((uint64_t)at, 0)), "%s", text);
	}
}
