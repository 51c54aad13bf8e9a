/* SPDX-License-Identifier: MIT */
#include "thread_postgres/inherit.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

void
wire_disinherit(struct wire *wire)
{
	const int socket = wire->socket;
	const int nowhere = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (socket >= 0 && (nowhere < 0 || dup3(nowhere, socket, O_CLOEXEC) < 0)) {
		(void)close(socket);
		wire->socket = -1;
	}
	if (nowhere >= 0)
		(void)close(nowhere);
}

void
wire_discard(struct wire *wire, bool was_busy)
{
	/* OpenSSL has locks of its own, which another thread may have held at the fork. */
	const bool is_freed = wire->socket >= 0 && !was_busy && !PQsslInUse(wire->connection);

	if (is_freed)
		PQfinish(wire->connection);
	else if (wire->socket >= 0)
		(void)close(wire->socket);
	wire->socket = -1;
	wire->connection = NULL;
}
