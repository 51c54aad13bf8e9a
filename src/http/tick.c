/* SPDX-License-Identifier: MIT */
/*
 * The tick of a server, from a timerfd: the kernel keeps the rhythm and counts the ticks that
 * passed while the loop was late, and an armed timerfd needs no memory of libevent's later.
 */
#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/descriptor.h"
#include "http/server.h"

#define NS_PER_MS UINT64_C(1000000)

static void
on_ticks(evutil_socket_t fd, short what, void *server_)
{
	struct http_server *const server = server_;
	uint64_t ticks;

	(void)what;
	/* One call, however many ticks have passed. */
	if (read(fd, &ticks, sizeof(ticks)) == (ssize_t)sizeof(ticks))
		server->handler.on_tick(server->handler.context, server);
}

int
tick_open(struct http_server *server)
{
	if (server->options.tick_ms == 0 || server->handler.on_tick == NULL)
		return 0;
	server->tick_fd = descriptor_above_standard(
		timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
	return server->tick_fd < 0 ? errno : 0;
}

bool
tick_watch(struct http_server *server)
{
	if (server->tick_fd < 0)
		return true;
	server->tick =
		event_new(server->base, server->tick_fd, EV_READ | EV_PERSIST, on_ticks, server);
	return server->tick != NULL && event_add(server->tick, NULL) == 0;
}

void
tick_begin(const struct http_server *server)
{
	const struct timespec period = ns_timespec(server->options.tick_ms * NS_PER_MS);
	const struct itimerspec rhythm = { .it_interval = period, .it_value = period };

	if (server->tick_fd >= 0)
		timerfd_settime(server->tick_fd, 0, &rhythm, NULL);
}

void
tick_close(struct http_server *server)
{
	if (server->tick != NULL)
		event_free(server->tick);
	if (server->tick_fd >= 0)
		close(server->tick_fd);
}
