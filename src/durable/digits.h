/* SPDX-License-Identifier: MIT */
#ifndef DURABLE_DIGITS_H
#define DURABLE_DIGITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decimal digits and nothing else, at least one. False: not digits, or above @max. */
static inline bool
digits_read(const char *text, size_t size, uint64_t max, uint64_t *ret_number)
{
	uint64_t number = 0;

	for (size_t i = 0; i < size; i++) {
		const uint64_t digit = (uint64_t)(unsigned char)text[i] - '0';

		if (digit > 9 || digit > max || number > (max - digit) / 10)
			return false;
		number = number * 10 + digit;
	}
	if (size == 0)
		return false;
	*ret_number = number;
	return true;
}

/* The last @count digits of the number. */
static inline void
digits_write(uint64_t number, char *text, size_t count)
{
	for (; count > 0; count--) {
		text[count - 1] = (char)('0' + number % 10);
		number /= 10;
	}
}

#endif /* DURABLE_DIGITS_H */
