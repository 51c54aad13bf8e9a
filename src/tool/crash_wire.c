/* SPDX-License-Identifier: MIT */
#include "tool/crash_wire.h"

#include <errno.h>
#include <unistd.h>

/* FNV-1a. */
uint64_t
crash_digest(struct reprise_bytes payload)
{
	const unsigned char *const bytes = payload.data;
	uint64_t digest = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < payload.size; i++)
		digest = (digest ^ bytes[i]) * UINT64_C(0x100000001b3);
	return digest;
}

bool
crash_send(int to, const void *data, size_t bytes)
{
	ssize_t sent;

	do {
		sent = write(to, data, bytes);
	} while (sent < 0 && errno == EINTR);
	return sent == (ssize_t)bytes;
}

bool
crash_receive(int from, void *data, size_t bytes)
{
	unsigned char *const to = data;
	size_t count = 0;

	while (count < bytes) {
		const ssize_t got = read(from, to + count, bytes - count);

		if (got > 0)
			count += (size_t)got;
		else if (got == 0 || errno != EINTR)
			return false;
	}
	return true;
}
