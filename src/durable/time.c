/* SPDX-License-Identifier: MIT */
/*
 * Times of RFC 3339. The calendar is the Gregorian one, also before its introduction; days are
 * counted from the first of March of the year 0, so that a leap day is the last day of its year.
 */
#include <string.h>

#include "durable/digits.h"
#include "durable/fields.h"

enum {
	NS_PER_S = 1000000000,
	NS_PER_MS = 1000000,
	S_PER_DAY = 86400,
	DAYS_PER_ERA = 146097, /* 400 years */
	DAYS_TO_1970 = 719468, /* since 0000-03-01 */
};

struct date {
	uint64_t year, month, day;
};

/* The day of the date, since 1970. */
static int64_t
days_of(const struct date *date)
{
	/* The year begins in March. An era more keeps January of the year 0 above 0. */
	const uint64_t year = date->year + 400 - (date->month <= 2 ? 1 : 0);
	const uint64_t month = (date->month + 9) % 12;
	const uint64_t days = year * 365 + year / 4 - year / 100 + year / 400 +
			      (153 * month + 2) / 5 + date->day - 1;

	return (int64_t)days - DAYS_PER_ERA - DAYS_TO_1970;
}

/* @days since 1970, not below. */
static struct date
date_of(uint64_t days)
{
	const uint64_t since = days + DAYS_TO_1970, era = since / DAYS_PER_ERA;
	const uint64_t day = since % DAYS_PER_ERA;
	const uint64_t year = (day - day / 1460 + day / 36524 - day / (DAYS_PER_ERA - 1)) / 365;
	const uint64_t day_of_year = day - (year * 365 + year / 4 - year / 100);
	const uint64_t month = (5 * day_of_year + 2) / 153;
	struct date date = { .day = day_of_year - (153 * month + 2) / 5 + 1 };

	date.month = month < 10 ? month + 3 : month - 9;
	date.year = era * 400 + year + (date.month <= 2 ? 1 : 0);
	return date;
}

static uint64_t
days_in_month(uint64_t year, uint64_t month)
{
	static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	const bool is_leap_year = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return month == 2 && is_leap_year ? 29 : days[month - 1];
}

/* The rest of a text. */
struct rest {
	const char *at, *end;
};

/* Takes exactly so many digits: @min <= number <= @max. */
static bool
take_number(struct rest *rest, size_t digits, uint64_t min, uint64_t max, uint64_t *ret_number)
{
	if ((size_t)(rest->end - rest->at) < digits ||
	    !digits_read(rest->at, digits, max, ret_number) || *ret_number < min)
		return false;
	rest->at += digits;
	return true;
}

static bool
take_one_of(struct rest *rest, const char *bytes)
{
	if (rest->at == rest->end || *rest->at == '\0' || strchr(bytes, *rest->at) == NULL)
		return false;
	rest->at++;
	return true;
}

static bool
take_date(struct rest *rest, int64_t *ret_days)
{
	struct date date;

	if (!take_number(rest, 4, 0, 9999, &date.year) || !take_one_of(rest, "-") ||
	    !take_number(rest, 2, 1, 12, &date.month) || !take_one_of(rest, "-") ||
	    !take_number(rest, 2, 1, days_in_month(date.year, date.month), &date.day))
		return false;
	*ret_days = days_of(&date);
	return true;
}

/* HH:MM in seconds. */
static bool
take_hours(struct rest *rest, uint64_t *ret_seconds)
{
	uint64_t hours, minutes;

	if (!take_number(rest, 2, 0, 23, &hours) || !take_one_of(rest, ":") ||
	    !take_number(rest, 2, 0, 59, &minutes))
		return false;
	*ret_seconds = hours * 3600 + minutes * 60;
	return true;
}

/* The digits behind a point; without a point 0. */
static bool
take_fraction(struct rest *rest, uint64_t *ret_ns)
{
	uint64_t ns = 0, weight = NS_PER_S / 10;

	if (take_one_of(rest, ".")) {
		const char *const begin = rest->at;

		/* The weight of a digit below a nanosecond is 0. */
		for (; rest->at < rest->end && *rest->at >= '0' && *rest->at <= '9'; rest->at++) {
			ns += weight * (uint64_t)(*rest->at - '0');
			weight /= 10;
		}
		if (rest->at == begin)
			return false;
	}
	*ret_ns = ns;
	return true;
}

/* East of Greenwich in seconds. */
static bool
take_zone(struct rest *rest, int64_t *ret_seconds)
{
	const bool is_west = rest->at < rest->end && *rest->at == '-';
	uint64_t seconds = 0;

	if (!take_one_of(rest, "Zz") && (!take_one_of(rest, "+-") || !take_hours(rest, &seconds)))
		return false;
	*ret_seconds = is_west ? -(int64_t)seconds : (int64_t)seconds;
	return true;
}

/* A leap second is the last second of a month in UTC, and counts as the second that follows. */
static bool
is_leap_second(int64_t unix_s)
{
	return unix_s >= 0 && unix_s % S_PER_DAY == 0 &&
	       date_of((uint64_t)(unix_s / S_PER_DAY)).day == 1;
}

static uint64_t
nanoseconds(int64_t unix_s, uint64_t ns)
{
	uint64_t unix_ns;

	if (unix_s < 0)
		return 0;
	if (__builtin_mul_overflow((uint64_t)unix_s, (uint64_t)NS_PER_S, &unix_ns) ||
	    __builtin_add_overflow(unix_ns, ns, &unix_ns))
		return UINT64_MAX;
	return unix_ns;
}

bool
durable_time_parse(const char *text, size_t size, uint64_t *ret_unix_ns)
{
	struct rest rest = { text, text + size };
	uint64_t hours_s, seconds, ns;
	int64_t days, zone_s, unix_s;

	if (!take_date(&rest, &days) || !take_one_of(&rest, "Tt") || !take_hours(&rest, &hours_s) ||
	    !take_one_of(&rest, ":") || !take_number(&rest, 2, 0, 60, &seconds) ||
	    !take_fraction(&rest, &ns) || !take_zone(&rest, &zone_s) || rest.at != rest.end)
		return false;
	unix_s = days * S_PER_DAY + (int64_t)(hours_s + seconds) - zone_s;
	if (seconds == 60 && !is_leap_second(unix_s))
		return false;
	*ret_unix_ns = nanoseconds(unix_s, ns);
	return true;
}

/* Writes @digits digits and a byte behind; answers where the next part begins. */
static char *
put(char *at, uint64_t number, size_t digits, char behind)
{
	digits_write(number, at, digits);
	at[digits] = behind;
	return at + digits + 1;
}

void
durable_time_format(uint64_t unix_ns, char text[DURABLE_TIME_BYTES])
{
	const uint64_t unix_s = unix_ns / NS_PER_S, second = unix_s % S_PER_DAY;
	const struct date date = date_of(unix_s / S_PER_DAY);
	char *at = text;

	at = put(at, date.year, 4, '-');
	at = put(at, date.month, 2, '-');
	at = put(at, date.day, 2, 'T');
	at = put(at, second / 3600, 2, ':');
	at = put(at, second / 60 % 60, 2, ':');
	at = put(at, second % 60, 2, '.');
	at = put(at, unix_ns % NS_PER_S / NS_PER_MS, 3, 'Z');
	*at = '\0';
}
