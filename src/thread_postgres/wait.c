/* SPDX-License-Identifier: MIT */
#include "thread_postgres/wait.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/numbers.h"

/* A writer is woken when a third of the socket's buffer is free, or more. */
static size_t
writable_bytes(int socket)
{
	int bytes = 0;
	socklen_t size = sizeof(bytes);

	return getsockopt(socket, SOL_SOCKET, SO_SNDBUF, &bytes, &size) == 0 && bytes > 0
		       ? (size_t)bytes / 4
		       : 0;
}

static size_t
readable_bytes(int socket)
{
	int bytes = 0;

	return ioctl(socket, FIONREAD, &bytes) == 0 && bytes > 0 ? (size_t)bytes : 0;
}

reprise_status
wait_for(const PGconn *connection, short events, uint64_t due_ns, size_t *ret_left,
	 size_t *ret_come)
{
	struct pollfd poll_fd = { .fd = PQsocket(connection), .events = events };

	for (;;) {
		const uint64_t now_ns = clock_ns();
		const uint64_t left_ns = now_ns < due_ns ? due_ns - now_ns : 0;
		const uint64_t left_ms = left_ns / 1000000 + (left_ns > 0);
		const int ready = poll(&poll_fd, 1, (int)least(left_ms, INT_MAX));

		if (ready > 0)
			break;
		if (ready < 0 && errno != EINTR)
			return REPRISE_E_IO;
		if (left_ns == 0)
			return REPRISE_E_TIMEOUT;
	}
	*ret_left = (poll_fd.revents & POLLOUT) != 0 ? writable_bytes(poll_fd.fd) : 0;
	*ret_come = (poll_fd.revents & POLLIN) != 0 ? readable_bytes(poll_fd.fd) : 0;
	return REPRISE_OK;
}
