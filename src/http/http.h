/* SPDX-License-Identifier: MIT */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

/*
 * A server of HTTP/1.1, on one thread (rules H10 to H22). The server reads requests, and calls a
 * handler: on_request with the head, on_body with each piece of the body, on_body_end, and in the
 * end on_close. The handler answers an exchange when the handler likes: with a whole response, or
 * with a stream that goes on for as long as the handler writes. The server knows nothing of what
 * requests mean.
 *
 * Every call but http_server_notify belongs to the loop's thread: the thread that runs
 * http_server_run, inside of a callback or before the run. No call but http_server_run waits. A
 * call on the server in another process than the one that opened the server answers E_FORKED;
 * http_server_close closes the child's listening sockets there, and leaves its memory.
 *
 * No callback is called inside of a call of the handler's: what a call causes happens when the loop
 * goes on. So a callback may write to, finish and abort each open exchange, and not just the
 * callback's own (H22).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/base.h>

#include "http/parse.h"

struct http_server;   /* one loop */
struct http_exchange; /* one request and its response */
struct http_block;    /* bytes that many streams send */
struct http_tls;      /* a certificate and its key */

struct http_field_out {
	const char *name, *value;
};

struct http_handler {
	void *context;

	/*
	 * A head has come. The texts of @head are valid until the callback returns. A response now,
	 * before the body, closes the connection behind the response; a client that waits with the
	 * body is not asked for the body then.
	 */
	void (*on_request)(void *context, struct http_exchange *exchange,
			   const struct http_head *head);
	/*
	 * A piece of the body, valid until the callback returns. Optional: without it bodies are
	 * dropped.
	 */
	void (*on_body)(void *context, struct http_exchange *exchange, struct http_text piece);
	/*
	 * The body is whole. Called for a request without a body, too. Neither on_body nor
	 * on_body_end is called behind a whole response.
	 */
	void (*on_body_end)(void *context, struct http_exchange *exchange);
	/*
	 * All bytes of a stream were taken by the socket: the time to write the next ones.
	 * Optional.
	 */
	void (*on_drain)(void *context, struct http_exchange *exchange);
	/* The server goes down: the exchange has until the drain's deadline. Optional. */
	void (*on_shutdown)(void *context, struct http_exchange *exchange);
	/*
	 * The last call of an exchange, exactly one for each on_request; the exchange is gone
	 * behind it. Optional.
	 */
	void (*on_close)(void *context, struct http_exchange *exchange);
	/* http_server_notify was called, since the last on_notify began. Optional. */
	void (*on_notify)(void *context, struct http_server *server);
	/* @tick_ms have passed; rule H21 has the rhythm. Optional. */
	void (*on_tick)(void *context, struct http_server *server);
};

/*
 * 0 selects the default, in brackets. A peer is an IPv4 address, or the first 64 bits of an IPv6
 * address.
 */
struct http_options {
	uint32_t connections_max;          /* more are answered with 503 [10,000] */
	uint32_t connections_per_peer_max; /* more get 429 [1,000] */
	uint32_t requests_per_second_max;  /* of a peer, and as many at once: more get 429 [none] */
	uint64_t body_bytes_max;           /* of a request; more is 413 [1 MiB] */
	uint64_t pending_bytes_max;        /* of a stream, not taken by its client yet [1 MiB] */
	uint32_t head_ms;                  /* from a head's first byte to its last [10,000] */
	uint32_t body_ms;       /* for a body; a second more for each KiB that has come [30,000] */
	uint32_t idle_ms;       /* between two requests [60,000] */
	uint32_t write_ms;      /* without a byte taken, while bytes are pending [30,000] */
	uint32_t linger_ms;     /* a closed connection is read on for so long [1,000] */
	uint32_t retry_after_s; /* of the responses 503 and 429 [1] */
	uint32_t backlog;       /* connections that the kernel holds before accept [512] */
	uint32_t tick_ms;       /* between two calls of on_tick [no tick] */
};

struct http_stats {
	uint64_t connections;     /* open now, those that linger too */
	uint64_t accepted;        /* since the server was opened; closed = accepted - connections */
	uint64_t requests;        /* heads that were handed to the handler */
	uint64_t refused;         /* requests that broke a rule */
	uint64_t turned_away;     /* connections above a limit */
	uint64_t too_many;        /* requests above the rate of a peer */
	uint64_t timeouts;        /* connections that were closed by a deadline */
	uint64_t accept_failures; /* pauses of accept, for want of descriptors or memory */
	uint64_t no_memory;       /* connections that were closed for want of memory */
};

/*
 * Opens a server. @options and @error may be NULL; @handler is copied, and its on_request is
 * needed.
 *
 * Threads   any; the loop's thread afterwards.
 * Progress  Takes memory, an epoll descriptor, an eventfd, and a timerfd for a tick. Does not wait.
 * Ordering  none.
 * Returns   OK; E_INVALID: no on_request; E_NO_MEMORY; E_SYSTEM: a descriptor was refused.
 */
reprise_status http_server_open(const struct http_options *options,
				const struct http_handler *handler, struct http_server **ret_server,
				struct reprise_error *error);

/*
 * Listens on an address: "127.0.0.1:8080", "[::1]:8080"; port 0 is a free one. Names are not looked
 * up. At most 8 addresses. http_server_adopt takes a listening socket of the caller's (from a
 * service manager), and closes the socket with the server.
 *
 * Threads   the loop's.
 * Progress  System calls that do not wait.
 * Ordering  Connections are accepted when the loop runs, in the kernel's order.
 * Returns   OK; E_INVALID: not an address, or no listening socket; E_FULL: too many; E_SYSTEM: in
 *           use, or not allowed; E_NO_MEMORY; E_FORKED.
 */
reprise_status http_server_listen(struct http_server *server, const char *address,
				  struct reprise_error *error);
reprise_status http_server_adopt(struct http_server *server, int fd, struct reprise_error *error);

/*
 * The address that the server listens on, as a text: the @index-th of http_server_listen and
 * http_server_adopt.
 *
 * Threads   the loop's.
 * Progress  Two system calls.
 * Ordering  none.
 * Returns   OK; E_NOT_FOUND: no such one; E_TOO_LARGE: the text needs more than @room bytes;
 *           E_SYSTEM; E_FORKED.
 */
reprise_status http_server_address(struct http_server *server, uint32_t index, char *text,
				   size_t room);

/*
 * Loads a certificate with its chain and the key, both as PEM, and has the server use them for the
 * connections that come from now on; the ones that are open keep what they have. NULL instead:
 * connections without TLS. The server keeps a hold of its own until another certificate comes.
 *
 * Threads   the loop's; http_tls_load any.
 * Progress  http_tls_load reads two files; the other calls make no system call.
 * Ordering  Connections that are accepted after http_server_use_tls.
 * Returns   OK; E_INVALID: the certificate or the key cannot be read, or they do not belong
 *           together, with OpenSSL's words as the detail; or the room is built without OpenSSL;
 *           E_NO_MEMORY; E_FORKED.
 */
reprise_status http_tls_load(const char *certificate_file, const char *key_file,
			     struct http_tls **ret_tls, struct reprise_error *error);
void http_tls_release(struct http_tls *tls);
reprise_status http_server_use_tls(struct http_server *server, struct http_tls *tls);

/*
 * Serves, until http_server_drain has come to its end. Blocks SIGPIPE for the thread meanwhile.
 *
 * Threads   one, the loop's from now on. Cancellation is put off to the end.
 * Progress  Waits for events; calls the handler.
 * Ordering  The callbacks of one exchange come in the order of its bytes.
 * Returns   OK: drained; E_SYSTEM: epoll failed; E_FORKED.
 */
reprise_status http_server_run(struct http_server *server, struct reprise_error *error);

/*
 * Has on_notify called by the loop, soon and at least once behind this call. The call may be made
 * in a signal's handler.
 *
 * Threads   any.
 * Progress  One system call that does not wait.
 * Ordering  What the caller wrote before, on_notify reads.
 * Returns   OK; E_FORKED.
 */
reprise_status http_server_notify(struct http_server *server);

/*
 * Goes down: stops listening, closes the connections without a request, closes each other
 * connection behind its response, and calls on_shutdown for each exchange. After @ms the remaining
 * connections are closed in the middle of a response. Later calls may only shorten the time.
 *
 * Threads   the loop's.
 * Progress  Does not wait: http_server_run returns when the last connection is closed.
 * Ordering  on_shutdown is called when the loop goes on.
 * Returns   OK; E_FORKED.
 */
reprise_status http_server_drain(struct http_server *server, uint32_t ms);

/*
 * Closes what is open, and frees the server. The call is made outside of callbacks. @server may be
 * NULL.
 *
 * Threads   the loop's, or any when no loop runs.
 * Progress  Calls on_close for each open exchange; not in a child process.
 * Ordering  none.
 * Returns   nothing.
 */
void http_server_close(struct http_server *server);

/*
 * Threads   the loop's.
 * Progress  No system call.
 * Ordering  none.
 * Returns   what was counted so far.
 */
struct http_stats http_server_stats(const struct http_server *server);

/*
 * A word of the handler's own at the exchange, NULL at first; and the client's address and port as
 * a text, "" if unknown.
 *
 * Threads   the loop's.
 * Progress  No system call, but for http_exchange_peer, which makes one.
 * Ordering  none.
 * Returns   as told.
 */
void http_exchange_set_context(struct http_exchange *exchange, void *context);
void *http_exchange_context(const struct http_exchange *exchange);
struct http_server *http_exchange_server(const struct http_exchange *exchange);
void http_exchange_peer(const struct http_exchange *exchange, char *text, size_t room);

/*
 * Answers with a whole response: @status of 200 to 599, @fields, and a body. Content-Length, Date,
 * Connection and Transfer-Encoding are the server's own. The body of a HEAD, a 204 and a 304 is
 * left out.
 *
 * Threads   the loop's.
 * Progress  Copies; the loop sends. Does not wait.
 * Ordering  Responses are sent in the order of the requests.
 * Returns   OK; E_INVALID: a status, a field's name or value that would break the response;
 *           E_CLOSED: there is a response already, or the client is gone; E_NO_MEMORY: the
 *           connection is closed.
 */
reprise_status http_respond(struct http_exchange *exchange, int status,
			    const struct http_field_out *fields, size_t fields_count,
			    struct http_text body);

/*
 * Begins a response whose length is unknown; http_write adds bytes, and http_finish ends the
 * response. Each write is one chunk, for HTTP/1.0 the connection's end is the response's. The
 * response of a HEAD is whole at once: http_write answers E_CLOSED then, and on_close follows. A
 * client that closes its sending half while a stream goes on counts as gone: on_close follows.
 *
 * Threads   the loop's.
 * Progress  Copies; the loop sends. Does not wait: @pending_bytes_max bounds what is kept, the
 *           framing of the chunks included.
 * Ordering  Bytes are sent in the order of the calls.
 * Returns   OK; E_INVALID as for http_respond; E_FULL: @pending_bytes_max would be passed, nothing
 *           is kept: wait for on_drain; E_TOO_LARGE: the bytes alone pass @pending_bytes_max, and
 *           no waiting helps; E_CLOSED: no stream is open, or the client is gone; E_NO_MEMORY: the
 *           connection is closed.
 */
reprise_status http_stream(struct http_exchange *exchange, int status,
			   const struct http_field_out *fields, size_t fields_count);
reprise_status http_write(struct http_exchange *exchange, struct http_text bytes);
reprise_status http_finish(struct http_exchange *exchange);

/*
 * A block is encoded once and sent by many streams of one server, without a copy for each.
 * http_block_new answers NULL if there is no memory; http_block_release gives up the caller's hold,
 * and streams that still send keep theirs.
 *
 * Threads   the loop's.
 * Progress  http_write_block takes a few bytes of memory for each stream.
 * Ordering  as http_write.
 * Returns   http_write_block: as http_write.
 */
struct http_block *http_block_new(struct http_text bytes);
void http_block_release(struct http_block *block);
reprise_status http_write_block(struct http_exchange *exchange, struct http_block *block);

/*
 * Bytes of the connection that its client has not taken yet, in this process alone; the kernel's
 * buffer is not counted.
 *
 * Threads   the loop's.
 * Progress  No system call.
 * Ordering  none.
 * Returns   the bytes.
 */
uint64_t http_pending(const struct http_exchange *exchange);

/*
 * Stops and starts the pieces of the body: while a body is paused, at most 32 KiB of it are read
 * ahead, and its deadline does not run. http_abort closes the connection without a response, or in
 * the middle of one.
 *
 * Threads   the loop's.
 * Progress  No system call.
 * Ordering  on_body is not called behind http_pause, and nothing but on_close behind http_abort.
 * Returns   nothing.
 */
void http_pause(struct http_exchange *exchange);
void http_resume(struct http_exchange *exchange);
void http_abort(struct http_exchange *exchange);

#endif /* HTTP_HTTP_H */
