/* SPDX-License-Identifier: MIT */
#include "base/sized.h"

#include <string.h>

#include "base/numbers.h"

enum {
	SIZED_MAX = 4096, /* no struct of ours comes near; a larger size is a mistake */
};

static bool
size_of(const void *sized, size_t size_min, size_t *ret_size)
{
	memcpy(ret_size, sized, sizeof(*ret_size));
	return *ret_size >= size_min && *ret_size <= SIZED_MAX;
}

bool
sized_read(void *known, size_t known_size, size_t size_min, const void *from)
{
	const unsigned char *const bytes = from;
	size_t size = 0;

	if (!size_of(from, size_min, &size))
		return false;
	for (size_t i = known_size; i < size; i++)
		if (bytes[i] != 0)
			return false;
	memset(known, 0, known_size);
	memcpy(known, from, least(size, known_size));
	return true;
}

bool
sized_has_room(const void *to, size_t size_min)
{
	size_t size;

	return size_of(to, size_min, &size);
}

bool
sized_write(void *to, const void *known, size_t known_size, size_t size_min)
{
	size_t size = 0;

	if (!size_of(to, size_min, &size))
		return false;
	const size_t both = least(size, known_size);

	memcpy((unsigned char *)to + sizeof(size), (const unsigned char *)known + sizeof(size),
	       both - sizeof(size));
	memset((unsigned char *)to + both, 0, size - both);
	return true;
}
