/* SPDX-License-Identifier: MIT */
#include "tool/kind.h"

enum {
	NAMES_MAX = 65000, /* kinds that names share; kind 0 is no name's */
	DIGITS_MAX = 5,
};

#define FNV_BASIS UINT32_C(2166136261)
#define FNV_PRIME UINT32_C(16777619)

static bool
is_digits(const char *text, size_t text_bytes)
{
	for (size_t i = 0; i < text_bytes; i++)
		if (text[i] < '0' || text[i] > '9')
			return false;
	return text_bytes > 0;
}

/* A decimal number up to @most in its one form. */
static bool
read_number(const char *text, size_t text_bytes, uint32_t most, uint16_t *ret_number)
{
	uint32_t number = 0;

	if (!is_digits(text, text_bytes) || text_bytes > DIGITS_MAX ||
	    (text[0] == '0' && text_bytes > 1))
		return false;
	for (size_t i = 0; i < text_bytes; i++)
		number = number * 10 + (uint32_t)(text[i] - '0');
	if (number > most)
		return false;
	*ret_number = (uint16_t)number;
	return true;
}

static uint16_t
hash_name(const char *name, size_t name_bytes)
{
	uint32_t hash = FNV_BASIS;

	for (size_t i = 0; i < name_bytes; i++)
		hash = (hash ^ (uint8_t)name[i]) * FNV_PRIME;
	return (uint16_t)(hash % NAMES_MAX + 1);
}

uint16_t
kind_of_name(const char *name, size_t name_bytes)
{
	uint16_t number;

	return read_number(name, name_bytes, KIND_NUMBER_MAX, &number)
		       ? number
		       : hash_name(name, name_bytes);
}

bool
kind_from_argument(const char *text, size_t text_bytes, uint16_t *ret_kind)
{
	if (text_bytes == 0)
		return false;
	if (read_number(text, text_bytes, UINT16_MAX, ret_kind))
		return true;
	if (is_digits(text, text_bytes) && text[0] != '0')
		return false;
	*ret_kind = hash_name(text, text_bytes);
	return true;
}
