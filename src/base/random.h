/* SPDX-License-Identifier: MIT */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/random.h>

/* Unpredictable bytes, at most 256. False, with errno set, if the system has none. */
static inline bool
random_bytes(void *to, size_t bytes)
{
	ssize_t got;

	do {
		got = getrandom(to, bytes, 0);
	} while (got < 0 && errno == EINTR);
	return got == (ssize_t)bytes;
}

#endif /* BASE_RANDOM_H */
