/* SPDX-License-Identifier: MIT */
#include "http/server.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/descriptor.h"
#include "base/error.h"
#include "base/random.h"
#include "http/tls.h"

#define NS_PER_MS UINT64_C(1000000)

enum {
	EVENT_DESCRIPTORS = 3, /* of libevent: an epoll instance and a pipe */
};

static struct http_options
with_defaults(const struct http_options *given)
{
	struct http_options options = { 0 };

	if (given != NULL)
		options = *given;
#define DEFAULT(name, value)   \
	if (options.name == 0) \
	options.name = (value)
	DEFAULT(connections_max, 10000);
	DEFAULT(connections_per_peer_max, 1000);
	DEFAULT(body_bytes_max, 1 << 20);
	DEFAULT(pending_bytes_max, 1 << 20);
	DEFAULT(head_ms, 10000);
	DEFAULT(body_ms, 30000);
	DEFAULT(idle_ms, 60000);
	DEFAULT(write_ms, 30000);
	DEFAULT(linger_ms, 1000);
	DEFAULT(retry_after_s, 1);
	DEFAULT(backlog, 512);
#undef DEFAULT
	return options;
}

static void
on_wake(evutil_socket_t fd, short what, void *server_)
{
	struct http_server *const server = server_;

	(void)what;
	descriptor_drain(fd);
	if (server->handler.on_notify != NULL)
		server->handler.on_notify(server->handler.context, server);
}

/* Exchanges are asked to end; what has no request ends at once, when it advances. */
static void
begin_drain(struct http_server *server)
{
	struct http_exchange *exchange;

	accept_stop(server);
	server->is_drain_begun = true;
	TAILQ_FOREACH(exchange, &server->exchanges, link) {
		exchange->wants_shutdown = exchange->is_told;
		exchange_schedule(exchange);
	}
	if (server->stats.connections == 0)
		event_base_loopbreak(server->base);
}

static void
close_exchanges(struct http_server *server)
{
	struct http_exchange *exchange;

	while ((exchange = TAILQ_FIRST(&server->exchanges)) != NULL)
		exchange_close(exchange);
}

static void
on_drain_time(evutil_socket_t fd, short what, void *server_)
{
	struct http_server *const server = server_;
	const uint64_t now = clock_ns();
	struct timeval wait;

	(void)fd;
	(void)what;
	if (!server->is_drain_begun)
		begin_drain(server);
	if (now < server->drain_deadline_ns) {
		const uint64_t left_us = (server->drain_deadline_ns - now) / 1000 + 1;

		wait = (struct timeval){ .tv_sec = (time_t)(left_us / 1000000),
					 .tv_usec = (suseconds_t)(left_us % 1000000) };
		if (event_add(server->drain, &wait) == 0)
			return;
	}
	close_exchanges(server);
}

/*
 * The timer of accept's pause is always armed, for a day when there is no pause: so the timer keeps
 * its place in libevent's heap. The drain closes what is open if its timer gets no place.
 */
static bool
make_timers(struct http_server *server)
{
	const struct timeval day = { .tv_sec = 86400 };

	server->accept_again = event_new(server->base, -1, 0, accept_resume, server);
	server->drain = event_new(server->base, -1, 0, on_drain_time, server);
	server->send = event_new(server->base, -1, 0, sockets_send, server);
	return server->accept_again != NULL && server->drain != NULL && server->send != NULL &&
	       event_add(server->accept_again, &day) == 0;
}

static bool
make_events(struct http_server *server)
{
	server->wake =
		event_new(server->base, server->wake_fd, EV_READ | EV_PERSIST, on_wake, server);
	return server->wake != NULL && event_add(server->wake, NULL) == 0 && make_timers(server) &&
	       tick_watch(server);
}

/*
 * libevent ends the process if there is no descriptor for its signals' pipe. So as many
 * descriptors as libevent opens are opened and closed before; false, and errno, if there are fewer.
 */
static bool
has_descriptors(void)
{
	int held[EVENT_DESCRIPTORS], count = 0, saved;

	while (count < EVENT_DESCRIPTORS && (held[count] = eventfd(0, EFD_CLOEXEC)) >= 0)
		count++;
	saved = errno;
	for (int i = 0; i < count; i++)
		close(held[i]);
	errno = saved;
	return count == EVENT_DESCRIPTORS;
}

/*
 * One thread has the loop, and wakes it by a descriptor of its own: libevent's locks are not
 * needed.
 */
static struct event_base *
make_base(void)
{
	const struct descriptors standard = descriptors_occupy_standard();
	struct event_config *const config = has_descriptors() ? event_config_new() : NULL;
	struct event_base *base = NULL;

	if (config != NULL && event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0 &&
	    event_config_set_flag(config, EVENT_BASE_FLAG_IGNORE_ENV) == 0)
		base = event_base_new_with_config(config);
	if (config != NULL)
		event_config_free(config);
	descriptors_release(&standard);
	return base;
}

static void
free_event(struct event *event)
{
	if (event != NULL)
		event_free(event);
}

static void
free_server(struct http_server *server)
{
	if (server->accept_again != NULL)
		accept_stop(server);
	free_event(server->wake);
	tick_close(server);
	free_event(server->accept_again);
	free_event(server->drain);
	free_event(server->send);
	if (server->base != NULL) {
		/* libevent frees a closed socket in the loop's next turn: here, the last one's. */
		event_base_loop(server->base, EVLOOP_NONBLOCK);
		event_base_free(server->base);
	}
	if (server->wake_fd >= 0)
		close(server->wake_fd);
	peers_free(server);
	http_tls_release(server->tls);
	free(server);
}

reprise_status
http_server_open(const struct http_options *options, const struct http_handler *handler,
		 struct http_server **ret_server, struct reprise_error *error)
{
	struct http_server *server;
	int saved = 0;

	UNCANCELLABLE;
	if (handler == NULL || handler->on_request == NULL)
		return error_invalid(error, "handler");
	server = calloc(1, sizeof(*server));
	if (server == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	server->options = with_defaults(options);
	server->handler = *handler;
	server->process = getpid();
	server->tick_fd = -1;
	TAILQ_INIT(&server->exchanges);
	TAILQ_INIT(&server->unsent);
	server->wake_fd = descriptor_above_standard(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
	if (server->wake_fd < 0 || !random_bytes(&server->secret, sizeof(server->secret)))
		saved = errno;
	if (saved == 0)
		saved = tick_open(server);
	errno = 0;
	if (saved == 0)
		server->base = make_base();
	if (saved == 0 && server->base == NULL && errno != 0 && errno != ENOMEM)
		saved = errno;
	if (server->base != NULL && make_events(server)) {
		*ret_server = server;
		return REPRISE_OK;
	}
	free_server(server);
	return saved == 0 ? error_plain(error, REPRISE_E_NO_MEMORY)
			  : error_system(error, "descriptor", saved);
}

/*
 * libevent writes by writev, which raises SIGPIPE: blocked, and taken away if this thread has
 * raised it.
 */
static void
take_pipe_signal(const sigset_t *before)
{
	const struct timespec none = { 0 };
	sigset_t pipe;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	if (sigismember(before, SIGPIPE) == 0)
		while (sigtimedwait(&pipe, NULL, &none) == SIGPIPE)
			continue;
	pthread_sigmask(SIG_SETMASK, before, NULL);
}

reprise_status
http_server_run(struct http_server *server, struct reprise_error *error)
{
	sigset_t pipe, before;
	int result;

	UNCANCELLABLE;
	if (server->process != getpid())
		return error_plain(error, REPRISE_E_FORKED);
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe, &before);
	tick_begin(server);
	result = event_base_loop(server->base, EVLOOP_NO_EXIT_ON_EMPTY);
	take_pipe_signal(&before);
	return result < 0 ? error_system(error, "epoll_wait", errno) : REPRISE_OK;
}

reprise_status
http_server_notify(struct http_server *server)
{
	if (server->process != getpid())
		return REPRISE_E_FORKED;
	descriptor_ring(server->wake_fd);
	return REPRISE_OK;
}

reprise_status
http_server_drain(struct http_server *server, uint32_t ms)
{
	const uint64_t deadline = clock_ns() + ms * NS_PER_MS;

	if (server->process != getpid())
		return REPRISE_E_FORKED;
	if (server->drain_deadline_ns == 0 || deadline < server->drain_deadline_ns)
		server->drain_deadline_ns = deadline;
	event_active(server->drain, EV_TIMEOUT, 1);
	return REPRISE_OK;
}

/*
 * In a child process. The epoll instance is the parent's, too, and the loop's thread may have been
 * in the middle of anything when the process forked: so nothing is touched but the descriptors that
 * do not change while a server serves.
 */
static void
leave_by_fork(const struct http_server *server)
{
	for (uint32_t i = 0; i < server->listens_count; i++)
		close(server->listens[i].fd);
	close(server->wake_fd);
	if (server->tick_fd >= 0)
		close(server->tick_fd);
}

void
http_server_close(struct http_server *server)
{
	UNCANCELLABLE;
	if (server == NULL)
		return;
	if (server->process != getpid()) {
		leave_by_fork(server);
		return;
	}
	server->is_drain_begun = false;
	close_exchanges(server);
	free_server(server);
}

reprise_status
http_server_use_tls(struct http_server *server, struct http_tls *tls)
{
	if (server->process != getpid())
		return REPRISE_E_FORKED;
	if (tls != NULL)
		tls_hold(tls);
	http_tls_release(server->tls);
	server->tls = tls;
	return REPRISE_OK;
}

struct http_stats
http_server_stats(const struct http_server *server)
{
	return server->stats;
}
