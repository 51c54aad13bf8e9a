/* SPDX-License-Identifier: MIT */
#include "tool/number.h"

#include <errno.h>
#include <stdlib.h>

bool
number_parse(const char *text, uint64_t least, uint64_t most, uint64_t *ret_number)
{
	char *end = NULL;

	errno = 0;
	const unsigned long long number = strtoull(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || number < least ||
	    number > most)
		return false;
	*ret_number = number;
	return true;
}
