/* SPDX-License-Identifier: MIT */

/*
 * The texts of durable streams (rule V60). Each text is judged once more, by other means: offsets
 * and numbers by the text that is written for them, times by the C library's calendar, types by a
 * regular expression.
 */

#include <ctype.h>
#include <regex.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "durable/fields.h"
#include "fuzz.h"

enum {
	TEXT_BYTES_MAX = 2048,
};

static bool
are_digits(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (text[i] < '0' || text[i] > '9')
			return false;
	return size > 0;
}

/* Digits without leading zeros are compared by their count, then as text. */
static bool
is_at_most(const char *digits, size_t size, const char *greatest)
{
	return size < strlen(greatest) ||
	       (size == strlen(greatest) && memcmp(digits, greatest, size) <= 0);
}

static void
offset(const char *text, size_t size)
{
	char written[DURABLE_OFFSET_BYTES];
	reprise_position position = 7;
	enum durable_start start;

	if (durable_offset_parse(text, size, &start, &position)) {
		MUST((start == DURABLE_START_AFTER) == (position != 0));
		if (size == 2) {
			MUST(memcmp(text, "-1", 2) == 0 && start == DURABLE_START_OLDEST);
		} else if (size == 3) {
			MUST(memcmp(text, "now", 3) == 0 && start == DURABLE_START_NOW);
		} else {
			durable_offset_format(position, written);
			MUST(start != DURABLE_START_NOW && size == strlen(written) &&
			     memcmp(text, written, size) == 0);
		}
		return;
	}
	MUST(position == 7);
	/* A refused text is not the text of any position. */
	MUST(size != 33 || memcmp(text, "0000000000000000_", 17) != 0 ||
	     !are_digits(text + 17, 16) || memcmp(text + 17, "9999999999999999", 16) == 0);
}

static void
position(uint64_t number)
{
	char written[DURABLE_OFFSET_BYTES];
	reprise_position parsed;
	enum durable_start start;

	durable_offset_format(number, written);
	MUST(durable_offset_parse(written, strlen(written), &start, &parsed));
	MUST(parsed == (number < DURABLE_POSITION_MAX ? number : DURABLE_POSITION_MAX));
}

/* @digits are not followed by a NUL. */
static uint64_t
value_of(const char *digits, size_t size)
{
	char copy[32] = "";

	memcpy(copy, digits, size);
	return strtoull(copy, NULL, 10);
}

static void
numbers(const char *text, size_t size)
{
	const bool is_ttl = are_digits(text, size) && (size == 1 || text[0] != '0') &&
			    is_at_most(text, size, "18446744073709551615");
	uint64_t number;
	size_t zeros = 0;

	MUST(durable_ttl_parse(text, size, &number) == is_ttl);
	if (is_ttl)
		MUST(number == value_of(text, size));
	while (zeros + 1 < size && text[zeros] == '0')
		zeros++;
	if (are_digits(text, size) && is_at_most(text + zeros, size - zeros, "9007199254740991")) {
		MUST(durable_number_parse(text, size, &number));
		MUST(number == value_of(text + zeros, size - zeros));
	} else {
		MUST(!durable_number_parse(text, size, &number));
	}
}

/* @pattern has a d for each digit. */
static bool
is_like(const char *text, size_t size, const char *pattern)
{
	if (size != strlen(pattern))
		return false;
	for (size_t i = 0; i < size; i++)
		if (pattern[i] == 'd' ? !isdigit((unsigned char)text[i])
				      : toupper((unsigned char)text[i]) != pattern[i])
			return false;
	return true;
}

static int
two(const char *digits)
{
	return (digits[0] - '0') * 10 + digits[1] - '0';
}

/* The zone's size and its minutes east. False: no zone. */
static bool
judge_zone(const char *text, size_t size, size_t *ret_size, int *ret_minutes)
{
	const char *const zone = size < 6 ? text : text + size - 6;

	if (size >= 1 && toupper((unsigned char)text[size - 1]) == 'Z') {
		*ret_size = 1;
		*ret_minutes = 0;
		return true;
	}
	if (size < 6 || (!is_like(zone, 6, "+dd:dd") && !is_like(zone, 6, "-dd:dd")) ||
	    two(zone + 1) > 23 || two(zone + 4) > 59)
		return false;
	*ret_size = 6;
	*ret_minutes = (zone[0] == '-' ? -1 : 1) * (two(zone + 1) * 60 + two(zone + 4));
	return true;
}

/* Seconds since 1970 by the C library. False: no time. */
static bool
judge_time(const char *text, size_t size, time_t *ret_unix_s)
{
	size_t zone_size;
	int zone_minutes;
	struct tm tm = { 0 }, normal;
	time_t unix_s;

	if (!judge_zone(text, size, &zone_size, &zone_minutes))
		return false;
	size -= zone_size;
	if (size < 19 || !is_like(text, 19, "dddd-dd-ddTdd:dd:dd"))
		return false;
	if (size > 19 && (text[19] != '.' || !are_digits(text + 20, size - 20)))
		return false;
	tm.tm_year = two(text) * 100 + two(text + 2) - 1900;
	tm.tm_mon = two(text + 5) - 1;
	tm.tm_mday = two(text + 8);
	tm.tm_hour = two(text + 11);
	tm.tm_min = two(text + 14);
	tm.tm_sec = two(text + 17) == 60 ? 59 : two(text + 17);
	normal = tm;
	unix_s = timegm(&normal);
	if (normal.tm_year != tm.tm_year || normal.tm_mon != tm.tm_mon ||
	    normal.tm_mday != tm.tm_mday || normal.tm_hour != tm.tm_hour ||
	    normal.tm_min != tm.tm_min || normal.tm_sec != tm.tm_sec)
		return false;
	unix_s -= (time_t)zone_minutes * 60;
	if (two(text + 17) == 60) {
		unix_s++;
		gmtime_r(&unix_s, &normal);
		if (unix_s < 0 || normal.tm_mday != 1 || normal.tm_hour != 0 ||
		    normal.tm_min != 0 || normal.tm_sec != 0)
			return false;
	}
	*ret_unix_s = unix_s;
	return true;
}

static void
instant(const char *text, size_t size)
{
	const time_t last_s = (time_t)(UINT64_MAX / 1000000000);
	char written[DURABLE_TIME_BYTES];
	uint64_t unix_ns, again_ns;
	time_t unix_s = 0;
	const bool is_time = judge_time(text, size, &unix_s);

	MUST(durable_time_parse(text, size, &unix_ns) == is_time);
	if (!is_time)
		return;
	if (unix_s < 0)
		MUST(unix_ns == 0);
	else if (unix_s > last_s)
		MUST(unix_ns == UINT64_MAX);
	else
		MUST(unix_ns / 1000000000 == (uint64_t)unix_s);
	durable_time_format(unix_ns, written);
	MUST(durable_time_parse(written, strlen(written), &again_ns));
	MUST(again_ns == unix_ns - unix_ns % 1000000);
}

/* RFC 9110, 5.6.6 and 8.3.1; that all bytes are ASCII is judged apart. */
#define TOKEN     "[!#$%&'*+.^_`|~[:alnum:]-]+"
#define QUOTED    "\"([^\"\\]|\\\\.)*\""
#define PARAMETER "[ \t]*;[ \t]*(" TOKEN "=(" TOKEN "|" QUOTED "))?"
#define TYPE      "^" TOKEN "/" TOKEN "(" PARAMETER ")*[ \t]*$"

static void
type(const char *text, size_t size)
{
	static regex_t expression;
	static bool is_compiled;
	char copy[DURABLE_TYPE_BYTES_MAX + 1] = "", parsed[DURABLE_TYPE_BYTES_MAX + 1];
	char again[DURABLE_TYPE_BYTES_MAX + 1];
	bool is_type = size <= DURABLE_TYPE_BYTES_MAX && memchr(text, '\0', size) == NULL;

	if (!is_compiled) {
		MUST(regcomp(&expression, TYPE, REG_EXTENDED | REG_NOSUB) == 0);
		is_compiled = true;
	}
	for (size_t i = 0; i < size && is_type; i++)
		is_type = text[i] == '\t' || (text[i] >= ' ' && text[i] <= '~');
	if (is_type) {
		memcpy(copy, text, size);
		is_type = regexec(&expression, copy, 0, NULL, 0) == 0;
	}
	MUST(durable_type_parse(text, size, parsed) == is_type);
	if (!is_type)
		return;
	MUST(strlen(parsed) <= size && strpbrk(parsed, "; \t\"ABCDEFGHIJKLMNOPQRSTUVWXYZ") == NULL);
	for (size_t i = 0; parsed[i] != '\0'; i++)
		MUST(parsed[i] == tolower((unsigned char)text[i]));
	MUST(durable_type_parse(parsed, strlen(parsed), again) && strcmp(parsed, again) == 0);
	MUST(!durable_type_is_json(parsed) || durable_type_is_text(parsed));
}

static void
cursor(const char *text, uint64_t unix_s, uint64_t random)
{
	const uint64_t now = durable_cursor(unix_s, NULL, random);
	const uint64_t number = durable_cursor(unix_s, text, random);
	char again[32];

	MUST(number >= now);
	if (are_digits(text, strlen(text)) && strlen(text) < 19)
		MUST(number > strtoull(text, NULL, 10) || number == now);
	snprintf(again, sizeof(again), "%llu", (unsigned long long)number);
	if (number < UINT64_MAX - 200)
		MUST(durable_cursor(unix_s, again, random) > number);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t bytes_count)
{
	const char *const text = (const char *)bytes;
	char copy[TEXT_BYTES_MAX + 1] = "";
	uint64_t words[2] = { 0 };

	if (bytes_count > TEXT_BYTES_MAX)
		return 0;
	offset(text, bytes_count);
	numbers(text, bytes_count);
	instant(text, bytes_count);
	type(text, bytes_count);
	memcpy(copy, bytes, bytes_count);
	memcpy(words, bytes, bytes_count < sizeof(words) ? bytes_count : sizeof(words));
	position(words[0]);
	cursor(copy, words[0], words[1]);
	cursor(copy, 1800000000, words[1]);
	return 0;
}
