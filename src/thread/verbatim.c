/* SPDX-License-Identifier: MIT */
#include "thread/verbatim.h"

#include <string.h>

#define MARKER     "\\u0001" /* as it is in a text */
#define MARKED     "\"" MARKER
#define MARK_BYTES (sizeof(MARKED) - 1)

enum {
	NUMBER = 'n',
	STRING = 's',
	PLAIN_DIGITS_MAX = 18, /* of 10^18 - 1, which 64 bits hold */
	WRAPPING_BYTES = 16,   /* at least what wrapping adds, and quotation marks */
};

/* Goes through a text from one place that is to be changed to the next. */
struct scan {
	const char *text;
	size_t size;
	size_t at; /* outside of every string */
	size_t depth, depth_max;
	size_t longest; /* token, as it is or wrapped */
};

/*
 * A number that is to be wrapped, or (of no size) the begin of a string behind its quotation mark.
 */
struct splice {
	size_t at, size;
};

bool
verbatim_is_number(const char *text, size_t size)
{
	return size >= 2 && text[0] == 1 && text[1] == NUMBER;
}

static bool
is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

static size_t
count_digits(const char *text, size_t size)
{
	size_t count = 0;

	while (count < size && is_digit(text[count]))
		count++;
	return count;
}

/* The fraction and the exponent. False: they are not as JSON has them. */
static bool
ends_well(const char *text, size_t size)
{
	size_t at = 0, digits;

	if (at < size && text[at] == '.') {
		digits = count_digits(text + at + 1, size - at - 1);
		if (digits == 0)
			return false;
		at += 1 + digits;
	}
	if (at < size && (text[at] == 'e' || text[at] == 'E')) {
		at++;
		if (at < size && (text[at] == '+' || text[at] == '-'))
			at++;
		digits = count_digits(text + at, size - at);
		if (digits == 0)
			return false;
		at += digits;
	}
	return at == size;
}

/* Whether it is a number in JSON, but for those that jansson reads and prints as they are. */
static bool
is_to_wrap(const char *text, size_t size)
{
	const size_t sign = size != 0 && text[0] == '-';
	const size_t digits = count_digits(text + sign, size - sign);
	const bool begins_with_zero = digits != 0 && text[sign] == '0';

	if (digits == 0 || (begins_with_zero && digits != 1))
		return false;
	if (sign + digits == size && digits <= PLAIN_DIGITS_MAX)
		return sign == 1 && begins_with_zero;
	return ends_well(text + sign + digits, size - sign - digits);
}

static size_t
number_size(const char *text, size_t size)
{
	size_t bytes = 0;

	while (bytes < size && (is_digit(text[bytes]) || text[bytes] == '.' || text[bytes] == 'e' ||
				text[bytes] == 'E' || text[bytes] == '+' || text[bytes] == '-'))
		bytes++;
	return bytes;
}

/* A member's name is a string; a number there stays what it is, for jansson to refuse. */
static bool
is_name(const struct scan *scan, size_t at)
{
	while (at < scan->size && (scan->text[at] == ' ' || scan->text[at] == '\t' ||
				   scan->text[at] == '\n' || scan->text[at] == '\r'))
		at++;
	return at < scan->size && scan->text[at] == ':';
}

static void
note_token(struct scan *scan, size_t bytes)
{
	if (scan->longest < bytes + WRAPPING_BYTES)
		scan->longest = bytes + WRAPPING_BYTES;
}

/* Passes the rest of a string. */
static void
pass_string(struct scan *scan)
{
	const size_t begin = scan->at;

	while (scan->at < scan->size && scan->text[scan->at] != '"')
		scan->at += scan->text[scan->at] == '\\' ? 2 : 1;
	scan->at = scan->at < scan->size ? scan->at + 1 : scan->size;
	note_token(scan, scan->at - begin);
}

static bool
begins_with_marker(const struct scan *scan)
{
	return scan->size - scan->at >= sizeof(MARKER) - 1 &&
	       memcmp(scan->text + scan->at, MARKER, sizeof(MARKER) - 1) == 0;
}

/* False: there is none. */
static bool
find_splice(struct scan *scan, struct splice *ret_splice)
{
	while (scan->at < scan->size) {
		const char byte = scan->text[scan->at];

		if (byte == '"') {
			scan->at++;
			*ret_splice = (struct splice){ scan->at, 0 };
			const bool is_found = begins_with_marker(scan);

			pass_string(scan);
			if (is_found)
				return true;
		} else if (byte == '-' || is_digit(byte)) {
			const char *const number = scan->text + scan->at;
			const size_t bytes = number_size(number, scan->size - scan->at);

			*ret_splice = (struct splice){ scan->at, bytes };
			scan->at += bytes;
			note_token(scan, bytes);
			if (is_to_wrap(number, bytes) && !is_name(scan, scan->at))
				return true;
		} else {
			if (byte == '[' || byte == '{')
				scan->depth++;
			else if ((byte == ']' || byte == '}') && scan->depth != 0)
				scan->depth--;
			if (scan->depth > scan->depth_max)
				scan->depth_max = scan->depth;
			scan->at++;
		}
	}
	return false;
}

/* How many bytes a splice puts before and behind the text's own. */
static size_t
before_of(const struct splice *splice)
{
	return splice->size != 0 ? MARK_BYTES + 1 : sizeof(MARKER);
}

static size_t
behind_of(const struct splice *splice)
{
	return splice->size != 0 ? 1 : 0;
}

static bool
add_splice(struct buffer *to, const char *text, const struct splice *splice)
{
	static const char number[] = MARKED "n", string[] = MARKER "s";

	if (splice->size == 0)
		return buffer_add(to, string, sizeof(string) - 1);
	return buffer_add(to, number, sizeof(number) - 1) &&
	       buffer_add(to, text + splice->at, splice->size) && buffer_add(to, "\"", 1);
}

bool
verbatim_wrap(struct reprise_bytes text, struct buffer *to, struct verbatim_sizes *ret_sizes)
{
	struct scan scan = { .text = text.data, .size = text.size };
	struct splice splice;
	size_t copied = 0;

	while (find_splice(&scan, &splice)) {
		if (copied == 0 && !buffer_reserve(to, text.size + text.size / 8))
			return false;
		if (!buffer_add(to, scan.text + copied, splice.at - copied) ||
		    !add_splice(to, scan.text, &splice))
			return false;
		copied = splice.at + splice.size;
	}
	*ret_sizes = (struct verbatim_sizes){ scan.depth_max, scan.longest };
	return copied == 0 || buffer_add(to, scan.text + copied, text.size - copied);
}

size_t
verbatim_origin(struct reprise_bytes text, size_t position)
{
	struct scan scan = { .text = text.data, .size = text.size };
	struct splice splice;
	size_t added = 0; /* so far */

	while (find_splice(&scan, &splice) && splice.at + added < position) {
		const size_t before = before_of(&splice);

		if (position < splice.at + added + before)
			return splice.at;
		added += before;
		if (position <= splice.at + added + splice.size)
			break;
		added += behind_of(&splice);
	}
	return position - added < text.size ? position - added : text.size;
}

/*
 * The next marked string from @from on; NULL: there is none. An opening quotation mark has no
 * backslash before it.
 */
static char *
find_marked(char *from, const char *end, const char *begin)
{
	char *found;

	while ((found = memmem(from, (size_t)(end - from), MARKED, MARK_BYTES)) != NULL &&
	       found != begin && found[-1] == '\\')
		from = found + 1;
	return found;
}

void
verbatim_unwrap(struct buffer *printed, size_t first)
{
	if (printed->size == first)
		return;
	char *const begin = printed->data + first, *const end = printed->data + printed->size;
	char *to = NULL, *from = begin;

	for (char *found; (found = find_marked(from, end, begin)) != NULL;) {
		const size_t bytes = (size_t)(found - from);
		const char kind = found[MARK_BYTES];

		if (to == NULL)
			to = found;
		else
			to = (char *)memmove(to, from, bytes) + bytes;
		from = found + MARK_BYTES + 1;
		if (kind == STRING) {
			*to++ = '"';
			continue;
		}
		while (*from != '"')
			*to++ = *from++;
		from++;
	}
	if (to == NULL)
		return;
	memmove(to, from, (size_t)(end - from));
	printed->size = (size_t)(to + (end - from) - printed->data);
}
