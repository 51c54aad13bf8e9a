/* SPDX-License-Identifier: MIT */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

/* The types and calls that the files of the server share. */

#include <sys/queue.h>
#include <sys/types.h>
#include <time.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/siphash.h"
#include "http/http.h"

enum {
	LISTENS_MAX = 8,
	INPUT_BYTES_MAX =
		32768, /* more is not read ahead, but for one read of libevent's; a head fits */
	OUTPUT_BYTES_EASY = 65536, /* the next request waits until the responses before are below */
	TURNED_AWAY_MAX = 128,     /* connections above a limit that may wait for their refusal */
	PEER_BUCKETS = 1024,
	PEER_KEY_BYTES = 16,
};

/*
 * A client's address, as far as it counts: how many connections are from there, and how many
 * requests came.
 */
struct peer {
	LIST_ENTRY(peer) link;
	uint32_t connections;
	uint64_t paid_ns; /* the time up to which the requests so far use up the peer's rate */
	uint8_t key[PEER_KEY_BYTES];
};
LIST_HEAD(peers, peer);

struct listen {
	int fd;
	struct event *event;
};

struct http_server {
	struct http_options options;
	struct http_handler handler;
	struct event_base *base;
	pid_t process;

	int wake_fd;
	struct event *wake;

	int tick_fd; /* -1: no tick */
	struct event *tick;

	struct listen listens[LISTENS_MAX];
	uint32_t listens_count;
	struct event *accept_again; /* behind a pause */

	TAILQ_HEAD(, http_exchange) exchanges;
	TAILQ_HEAD(unsent_exchanges, http_exchange) unsent;
	uint64_t unsent_count;
	struct event *send; /* active while there are unsent exchanges */
	uint32_t turned_away_now;
	struct peers peers[PEER_BUCKETS];
	struct siphash_key secret; /* of the hash of peers */

	struct event *drain;
	uint64_t drain_deadline_ns; /* 0: the server serves */
	bool is_drain_begun;

	struct http_tls *tls; /* of the connections that come from now on; NULL: none */
	struct http_stats stats;
	struct http_head head; /* of the request that is being taken */
	time_t date_second;
	char date[32];
};

enum input {
	INPUT_HEAD,
	INPUT_BODY,
	INPUT_WHOLE,   /* the request has come as a whole */
	INPUT_DISCARD, /* the connection lingers: what comes is dropped */
};

enum output {
	OUTPUT_NONE,
	OUTPUT_STREAM,
	OUTPUT_WHOLE, /* the response is whole, though not sent yet */
};

/* A connection, and the one exchange that it is at. */
struct http_exchange {
	TAILQ_ENTRY(http_exchange) link, unsent;
	struct http_server *server;
	struct bufferevent *socket;
	struct peer *peer; /* NULL: not counted */
	void *context;

	enum input input;
	enum output output;
	struct http_scan scan;
	struct http_body body;
	uint64_t body_bytes, body_began_ns;

	bool is_told; /* on_request was called, and on_close was not */
	bool is_http10;
	bool is_head; /* the method is HEAD */
	bool keeps_alive;
	bool is_chunked; /* the response */
	bool is_paused;
	bool is_full; /* too much has come: not read on for now */
	bool has_tls;
	bool is_unsent;      /* in the list of the server */
	bool is_half_closed; /* the client sends nothing more */
	bool is_doomed;      /* closed as soon as the loop goes on */
	bool is_shut;        /* nothing more is sent */
	bool wants_shutdown; /* on_shutdown is due */
	int turn_away;       /* 503 or 429: the status that any request gets; 0: served */

	struct event timer;
	uint64_t armed_ns; /* 0: the timer is not armed */
	uint64_t read_deadline_ns, write_deadline_ns;
	uint64_t added_bytes, sent_seen_bytes; /* of output */
};

/* accept.c */
void accept_stop(struct http_server *server);
void accept_resume(evutil_socket_t fd, short what, void *server);

/*
 * peers.c: the peer of an address, with one connection more; NULL if it has no key, or if there is
 * no memory.
 */
struct peer *peer_take(struct http_server *server, const struct sockaddr *address);
void peer_give(struct peer *peer);
/* Counts a request; false if it is above the rate. @peer may be NULL. */
bool peer_may_ask(const struct http_server *server, struct peer *peer);
void peers_free(struct http_server *server);

/* socket.c */
/*
 * Behind the present callback the loop sends what has been put here, and asks the kernel for a
 * notification only if the socket does not take all of that: a system call for a piece of a stream,
 * where libevent alone makes three.
 */
void exchange_send(struct http_exchange *exchange);
/* Sends the output of all exchanges that called exchange_send. */
void sockets_send(evutil_socket_t fd, short what, void *server);
/* libevent sends nothing until the output of exchange_send was too much for the socket. */
void exchange_hold_output(struct http_exchange *exchange);
void exchange_forget_output(struct http_exchange *exchange);
/* Takes over @fd. False if there is no memory: @fd is closed then. */
bool exchange_open(struct http_server *server, int fd, struct peer *peer, int turn_away);

/* exchange.c */
void exchange_close(struct http_exchange *exchange);
/* The socket has taken everything. */
void exchange_drained(struct http_exchange *exchange);
/* Has the exchange looked at when the loop goes on. */
void exchange_schedule(struct http_exchange *exchange);
void exchange_advance(struct http_exchange *exchange);

/* timer.c */
void timer_fired(evutil_socket_t fd, short what, void *exchange);
/* Read deadline: 0 ms is none. */
void timer_set_read(struct http_exchange *exchange, uint64_t ms);
void timer_watch_output(struct http_exchange *exchange);

/* tick.c: an errno, or 0; tick_watch answers false if there is no memory. */
int tick_open(struct http_server *server);
bool tick_watch(struct http_server *server);
void tick_begin(const struct http_server *server);
void tick_close(struct http_server *server);

/* respond.c */
void refuse_request(struct http_exchange *exchange, int status, const char *word);
bool put_bytes(struct http_exchange *exchange, const void *bytes, size_t size);

#endif /* HTTP_SERVER_H */
