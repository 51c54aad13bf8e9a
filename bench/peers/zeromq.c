/* SPDX-License-Identifier: MIT */

/*
 * ZeroMQ: a PUB socket, and a SUB socket for each host, in one process (inproc). An append makes a
 * zmq_msg and sends it; all hosts share its bytes. A full pipe drops the zmq_msg for its host: that
 * host keeps the oldest and loses the newest, and is not told. Over inproc the two ends' high-water
 * marks are added, so each has half of the window. Parked hosts sleep in zmq_poll, and look every
 * 50 ms whether they should end.
 *
 * Where the task says no host, nobody is connected, and PUB drops a zmq_msg at once: it keeps no
 * history.
 *
 * The main thread opens a host's socket and another thread uses it: starting the thread is the full
 * fence that ZeroMQ asks for, and so is joining it.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

#include "peer.h"

enum {
	PEER_DRAIN_MS = 10,
	PEER_TELLS = 0,
	WINDOW = 2048,
	HOSTS_MAX = 64,
	LOOK_MS = 50,
};

static const char ADDRESS[] = "inproc://events";

struct peer {
	void *context;
	void *socket;
};

struct host {
	void *socket;
	int is_over;
};

static void
must(int result, const char *what)
{
	if (result == -1)
		peer_die(what, zmq_strerror(zmq_errno()));
}

static void
set(void *socket, int option, int value)
{
	must(zmq_setsockopt(socket, option, &value, sizeof(value)), "option");
}

static void *
socket_open(void *context, int type)
{
	void *const socket = zmq_socket(context, type);

	if (socket == NULL)
		must(-1, "socket");
	set(socket, ZMQ_LINGER, 0);
	set(socket, ZMQ_SNDHWM, WINDOW / 2);
	set(socket, ZMQ_RCVHWM, WINDOW / 2);
	return socket;
}

static const char *
peer_name(void)
{
	return "zeromq";
}

static const char *
peer_version(void)
{
	static char version[64];
	int major, minor, patch;

	zmq_version(&major, &minor, &patch);
	snprintf(version, sizeof(version), "libzmq %d.%d.%d", major, minor, patch);
	return version;
}

static const char *
peer_absent(void)
{
	return NULL;
}

static const char *
peer_refuses(const struct task *task)
{
	return task->hosts > HOSTS_MAX ? "a socket for each of more than 64 hosts" : NULL;
}

static struct peer *
peer_open(const struct task *task)
{
	struct peer *const peer = malloc(sizeof(*peer));

	(void)task;
	if (peer == NULL || (peer->context = zmq_ctx_new()) == NULL)
		peer_die("open", "no memory");
	must(zmq_ctx_set(peer->context, ZMQ_IO_THREADS, 0), "threads"); /* inproc needs none */
	peer->socket = socket_open(peer->context, ZMQ_PUB);
	must(zmq_bind(peer->socket, ADDRESS), "bind");
	return peer;
}

static inline bool
peer_append(struct peer *peer, const void *payload, size_t payload_bytes)
{
	zmq_msg_t event;

	must(zmq_msg_init_size(&event, payload_bytes), "event");
	memcpy(zmq_msg_data(&event), payload, payload_bytes);
	must(zmq_msg_send(&event, peer->socket, 0), "send");
	return true;
}

static void
peer_flush(struct peer *peer)
{
	(void)peer;
}

static void
peer_close(struct peer *peer)
{
	zmq_close(peer->socket);
	zmq_ctx_term(peer->context);
	free(peer);
}

static struct host *
host_open(struct peer *peer, const struct task *task)
{
	struct host *const host = calloc(1, sizeof(*host));
	int events;
	size_t size = sizeof(events);

	(void)task;
	if (host == NULL)
		peer_die("host", "no memory");
	host->socket = socket_open(peer->context, ZMQ_SUB);
	must(zmq_setsockopt(host->socket, ZMQ_SUBSCRIBE, "", 0), "subscribe");
	must(zmq_connect(host->socket, ADDRESS), "connect");
	/* Asked for its state, PUB notices at once who has come; else only some time later. */
	must(zmq_getsockopt(peer->socket, ZMQ_EVENTS, &events, &size), "events");
	return host;
}

static inline size_t
host_take(struct host *host, struct tally *tally)
{
	zmq_msg_t event;

	zmq_msg_init(&event);
	const int bytes = zmq_msg_recv(&event, host->socket, ZMQ_DONTWAIT);

	if (bytes == -1) {
		if (zmq_errno() != EAGAIN && zmq_errno() != EINTR)
			must(-1, "receive");
		return 0;
	}
	tally_event(tally, zmq_msg_data(&event), (size_t)bytes);
	zmq_msg_close(&event);
	return 1;
}

static void
host_wait(struct host *host)
{
	zmq_pollitem_t item = { .socket = host->socket, .events = ZMQ_POLLIN };

	while (!__atomic_load_n(&host->is_over, __ATOMIC_RELAXED)) {
		const int ready = zmq_poll(&item, 1, LOOK_MS);

		if (ready > 0)
			return;
		if (ready == -1 && zmq_errno() != EINTR)
			must(-1, "poll");
	}
}

static void
host_wake(struct host *host)
{
	__atomic_store_n(&host->is_over, 1, __ATOMIC_RELAXED);
}

static void
host_close(struct host *host)
{
	zmq_close(host->socket);
	free(host);
}

#include "peer_main.h"
