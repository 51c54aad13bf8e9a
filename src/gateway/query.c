/* SPDX-License-Identifier: MIT */
/*
 * The query of a request, as query.h describes it. The values are decoded into one array of a fixed
 * size within the request, so a query needs no memory and has a bound.
 */
#include "gateway/query.h"

#include <string.h>

#include "base/utf8.h"

static const char *const names[QUERY_NAMES_COUNT] = {
#define QUERY_TEXT(name, text) text,
	QUERY_TABLE(QUERY_TEXT)
#undef QUERY_TEXT
};

/* One byte of the text, at *offset, which moves. -1: a bad escape, or a NUL. */
static int
take_byte(struct http_text text, bool plus, size_t *offset)
{
	const char byte = text.data[(*offset)++];

	if (byte == '+' && plus)
		return ' ';
	if (byte != '%')
		return byte == '\0' ? -1 : (unsigned char)byte;
	if (text.size - *offset < 2 || !http_is(text.data[*offset], HTTP_CLASS_HEX) ||
	    !http_is(text.data[*offset + 1], HTTP_CLASS_HEX))
		return -1;

	const unsigned int value =
		http_hex(text.data[*offset]) << 4 | http_hex(text.data[*offset + 1]);

	*offset += 2;
	return value == 0 ? -1 : (int)value;
}

bool
query_decode(struct http_text text, bool plus, char *decoded, size_t room)
{
	size_t used = 0;

	for (size_t offset = 0; offset < text.size;) {
		const int byte = take_byte(text, plus, &offset);

		if (byte < 0 || used + 1 >= room)
			return false;
		decoded[used++] = (char)byte;
	}
	if (room == 0)
		return false;
	decoded[used] = '\0';
	return true;
}

/* Cuts the text behind the first @separator off; without one, the rest is empty. */
static struct http_text
cut(struct http_text *text, char separator)
{
	struct http_text piece = *text;
	const char *const found =
		text->size == 0 ? NULL : memchr(text->data, separator, text->size);

	if (found == NULL) {
		*text = (struct http_text){ text->data, 0 };
		return piece;
	}
	piece.size = (size_t)(found - text->data);
	*text = (struct http_text){ found + 1, text->size - piece.size - 1 };
	return piece;
}

bool
query_next(struct http_text *rest, struct http_text *ret_name, struct http_text *ret_value)
{
	while (rest->size != 0) {
		struct http_text parameter = cut(rest, '&');

		if (parameter.size == 0)
			continue;
		*ret_name = cut(&parameter, '=');
		*ret_value = parameter;
		return true;
	}
	return false;
}

enum query_name
query_find(struct http_text name)
{
	enum query_name found = 0;

	while (found < QUERY_NAMES_COUNT && (strlen(names[found]) != name.size ||
					     memcmp(names[found], name.data, name.size) != 0))
		found++;
	return found;
}

const char *
query_put(struct query *query, enum query_name name, const char *value)
{
	const size_t size = strlen(value);

	if ((query->present & UINT32_C(1) << name) != 0)
		return "a parameter comes twice in the query";
	if (!utf8_is_valid(value, size))
		return "a value of the query is not UTF-8";
	if (size + 1 > sizeof(query->bytes) - query->used)
		return "the values of the query are too long";
	query->present |= UINT32_C(1) << name;
	query->offsets[name] = query->used;
	memcpy(query->bytes + query->used, value, size + 1);
	query->used = (uint16_t)(query->used + size + 1);
	return NULL;
}

const char *
query_take(struct query *query, enum query_name name, struct http_text value)
{
	char decoded[QUERY_VALUE_BYTES_MAX + 1];

	if (!query_decode(value, true, decoded, sizeof(decoded)))
		return "a value of the query is too long, or has a bad escape";
	return query_put(query, name, decoded);
}

const char *
query_parse(struct query *query, struct http_text text, uint32_t allowed)
{
	struct http_text name, value;
	const char *words = NULL;

	query->present = 0;
	query->used = 0;
	while (words == NULL && query_next(&text, &name, &value)) {
		const enum query_name found = query_find(name);

		if (found != QUERY_NAMES_COUNT && (allowed & UINT32_C(1) << found) != 0)
			words = query_take(query, found, value);
		else if ((allowed & QUERY_OTHERS) == 0)
			words = "the route does not take a parameter of the query";
	}
	return words;
}

const char *
query_value(const struct query *query, enum query_name name)
{
	return (query->present & UINT32_C(1) << name) == 0 ? NULL
							   : query->bytes + query->offsets[name];
}

bool
query_number(const char *value, uint64_t max, uint64_t *ret_number)
{
	uint64_t number = 0;

	if (value[0] == '\0' || (value[0] == '0' && value[1] != '\0'))
		return false;
	for (; *value != '\0'; value++) {
		const uint64_t digit = (uint64_t)(*value - '0');

		if (!http_is(*value, HTTP_CLASS_DIGIT) || number > (max - digit) / 10 ||
		    digit > max)
			return false;
		number = number * 10 + digit;
	}
	*ret_number = number;
	return true;
}

bool
query_flag(const struct query *query, enum query_name name, bool *ret_flag)
{
	const char *const value = query_value(query, name);

	*ret_flag = value != NULL && strcmp(value, "1") == 0;
	return value == NULL || *ret_flag || strcmp(value, "0") == 0;
}
