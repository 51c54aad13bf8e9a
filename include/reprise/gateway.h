/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_GATEWAY_H
#define REPRISE_GATEWAY_H

/*
 * reprise/gateway.h - the sessions of a store over HTTP
 *
 * A gateway serves the sessions of one store over HTTP/1.1: events as Server-Sent Events and as
 * JSON pages, appends by POST, resume by cursor, gaps in band. The program `reprise serve` is a
 * gateway around a store of its own; a runtime may serve its own store. gateway/README.md in the
 * source has the routes, and section V of CONTRACT.md the rules.
 *
 * A gateway has one thread for all connections, the thread of reprise_gateway_run, and a few
 * workers for calls on the log, so a slow log delays no other connection.
 *
 * No thread ends inside of a call because of pthread_cancel. In the child of a fork the calls on
 * the parent's gateway answer REPRISE_E_FORKED; the parent's gateway goes on.
 *
 * A cursor is no permission. Without a token file every client of a loopback address may read and
 * write every session, and a gateway on another address does not open.
 */

#include <reprise/base.h>
#include <reprise/log.h>
#include <reprise/recorder.h>
#include <reprise/store.h>

REPRISE_BEGIN_DECLARATIONS

struct reprise_gateway; /* opaque; see reprise_gateway_open */

/*
 * Opens one more connection to the log of the recorder; called on a worker. A missing log is a
 * failure, and is not created: an operator may have moved the file for a moment.
 */
typedef reprise_status (*reprise_gateway_open_log)(void *context, struct reprise_log **ret_log,
						   struct reprise_error *error);

/* One line of the gateway's own log: a JSON object, without the line's end. */
typedef void (*reprise_gateway_write_line)(void *context, const char *line, size_t line_bytes);

struct reprise_gateway_options {
	size_t size; /* sizeof(struct reprise_gateway_options) */

	/*
	 * Addresses to listen on, such as "127.0.0.1:8080" and "[::1]:0"; names are not looked up.
	 * Together with listen_fds at most 8. Without either: "127.0.0.1:0", a free port.
	 */
	const char *const *listen;
	size_t listen_count;

	/* Listening sockets, from a service manager. The sockets move on REPRISE_OK. */
	const int *listen_fds;
	size_t listen_fds_count;

	/*
	 * The recorder of the store, and connections to the same log. Both or none; with them
	 * sessions are read from the log, too, and an append is answered once it is recorded.
	 */
	struct reprise_recorder *recorder; /* borrowed until the gateway is closed */
	reprise_gateway_open_log open_log;
	void *open_log_context;

	/* The recorder's tenant; tokens of other tenants are not taken. NULL: "default". */
	const char *tenant;

	/*
	 * A file of bearer tokens, as V21 says. NULL: no tokens; then only loopback addresses
	 * are allowed, unless is_insecure.
	 */
	const char *token_file;
	int32_t is_insecure;

	/* 1: no writes: POST and DELETE are 405. For a store whose recorder only reads. */
	int32_t reads_only;

	/* A certificate with its chain, and the key, as PEM. Both or none: no TLS. */
	const char *tls_certificate_file;
	const char *tls_key_file;

	/* Origins of other pages with access (CORS): "https://app.example", or "*". */
	const char *const *origins;
	size_t origins_count;

	/*
	 * Limits; 0 selects the default, in brackets. A peer is an IPv4 address, or the first 64
	 * bits of an IPv6 address.
	 */
	uint32_t connections_max;          /* [10,000] */
	uint32_t connections_per_peer_max; /* [1,000] */
	uint32_t requests_per_second_max;  /* of a peer, and as many at once [none] */
	uint32_t head_ms;                  /* for a request's head [10,000] */
	uint32_t body_ms;                  /* for a body, and 1 s more for each KiB [30,000] */
	uint32_t idle_ms;                  /* between two requests [60,000] */
	uint32_t write_ms;                 /* without a byte taken by the client [30,000] */
	uint64_t body_bytes_max;           /* of a request [1 MiB]; at most 64 MiB */
	uint64_t sessions_max;             /* an append creates no further session [100,000] */

	uint32_t heartbeat_ms;     /* of a silent stream; 1,000 to 60,000 [12,000] */
	uint32_t retry_ms;         /* told to clients; 1 to 600,000 [1,000] */
	uint32_t recorded_wait_ms; /* an append is answered 503 after this time [5,000] */
	uint32_t writer_idle_ms;   /* a session's writer is closed after this time [5,000] */
	uint32_t workers;          /* threads for calls on the log; at most 64 [4] */
	int32_t is_quiet;          /* 1: the gateway's own log has failures alone */

	/* The gateway's own log; NULL: none. Called within reprise_gateway_run and _close. */
	reprise_gateway_write_line write_line;
	void *write_line_context;

	/*
	 * A route map: a JSON file of further paths, for front ends whose addresses are fixed.
	 * NULL: none. gateway/README.md has the form, V50 the limits.
	 */
	const char *routes_file;

	/* A long-poll of a durable stream waits this time; at most 600,000 [20,000] */
	uint32_t durable_poll_ms;
	int32_t no_viewer; /* 1: without the viewer, a page at / that needs no token by itself */
};
#define REPRISE_GATEWAY_OPTIONS_INIT REPRISE_INIT(struct reprise_gateway_options)

struct reprise_gateway_stats {
	size_t size;               /* sizeof(struct reprise_gateway_stats), set by the caller */
	uint64_t connections;      /* open now */
	uint64_t accepted;         /* connections since the opening */
	uint64_t requests;         /* well-formed heads */
	uint64_t refused;          /* requests answered with 4xx or 5xx */
	uint64_t streams;          /* open streams of events */
	uint64_t streams_shared;   /* open streams with a shared subscription */
	uint64_t subscriptions;    /* of the gateway, open now */
	uint64_t events_sent;      /* to all clients */
	uint64_t events_encoded;   /* fewer than events_sent while clients share */
	uint64_t events_lost;      /* told to clients in gaps with a range */
	uint64_t gaps;             /* told to clients */
	uint64_t displaced;        /* streams taken out of a shared subscription as too slow */
	uint64_t appended;         /* events of POST requests */
	uint64_t appends_recorded; /* events answered as recorded */
	uint64_t jobs;             /* requests with a worker, or waiting for a worker */
};
#define REPRISE_GATEWAY_STATS_INIT REPRISE_INIT(struct reprise_gateway_stats)

/*
 * reprise_gateway_open - listens, and is ready to serve
 *
 * @store        Borrowed until the gateway is closed.
 * @options      Borrowed. NULL: all defaults, a store without a log on a free port of 127.0.0.1.
 * @ret_gateway  Set on REPRISE_OK: owned.
 * @error        Optional: `what` names the bad option, `detail` says why.
 *
 * Threads   Any.
 * Progress  Reads the token file, the route map and the certificate; system calls.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID    a NULL store, a bad option, an unusable token file, route map
 *                                or certificate; an address beyond loopback without a token
 *                                file (`what` "listen")
 *           REPRISE_E_FORKED     the store is of the parent process
 *           REPRISE_E_SYSTEM     an address is in use, or a thread or descriptor was refused
 *           REPRISE_E_NO_MEMORY  nothing was opened
 */
REPRISE_API reprise_status reprise_gateway_open(struct reprise_store *store,
						const struct reprise_gateway_options *options,
						struct reprise_gateway **ret_gateway,
						struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_gateway_address - returns an address of the gateway, as a text
 *
 * @index  0 for the first of the addresses and then the descriptors.
 * @room   Bytes at @text, with the NUL; 80 are enough.
 *
 * Threads   Any.
 * Progress  Wait-free. The addresses of the opening are told behind a stop, too.
 * Ordering  None.
 * Returns   REPRISE_OK
 *           REPRISE_E_NOT_FOUND  no such address
 *           REPRISE_E_TOO_LARGE  @room is too small
 *           REPRISE_E_INVALID    a NULL argument
 *           REPRISE_E_FORKED     in the child of a fork
 */
REPRISE_API reprise_status reprise_gateway_address(struct reprise_gateway *gateway, uint32_t index,
						   char *text, size_t room) REPRISE_MUST_USE;

/*
 * reprise_gateway_run - serves until reprise_gateway_stop
 *
 * Threads   One thread at a time. Cancellation is put off to the end.
 * Progress  Blocks.
 * Ordering  None.
 * Returns   REPRISE_OK          stopped; every connection is closed
 *           REPRISE_E_INVALID   a NULL argument
 *           REPRISE_E_SYSTEM    the event loop failed
 *           REPRISE_E_FORKED    in the child of a fork
 */
REPRISE_API reprise_status reprise_gateway_run(struct reprise_gateway *gateway,
					       struct reprise_error *error) REPRISE_MUST_USE;

/*
 * reprise_gateway_stop   - ends the run
 * reprise_gateway_reload - reads the token file, the route map and the certificate again
 *
 * A stop takes no further connection, tells each stream `bye` with the time to come back, and gives
 * the rest of the answers @drain_ms. A second stop may shorten the time. A failed reload keeps
 * the tokens, the routes and the certificate in force, and the gateway's own log has the reason.
 *
 * Threads   Any, also in a signal handler.
 * Progress  One system call without a wait.
 * Ordering  The run sees the caller's earlier writes.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID  a NULL argument
 *           REPRISE_E_FORKED   in the child of a fork
 */
REPRISE_API reprise_status reprise_gateway_stop(struct reprise_gateway *gateway,
						uint32_t drain_ms) REPRISE_MUST_USE;
REPRISE_API reprise_status reprise_gateway_reload(struct reprise_gateway *gateway) REPRISE_MUST_USE;

/*
 * reprise_gateway_stats - returns counters
 *
 * @ret_stats  The caller sets `size`; the call sets the rest on REPRISE_OK.
 *
 * Threads   Any.
 * Progress  Wait-free.
 * Ordering  None; each counter is of a moment of the call.
 * Returns   REPRISE_OK
 *           REPRISE_E_INVALID  a NULL argument or a bad size
 *           REPRISE_E_FORKED   in the child of a fork
 */
REPRISE_API reprise_status reprise_gateway_stats(
	struct reprise_gateway *gateway, struct reprise_gateway_stats *ret_stats) REPRISE_MUST_USE;

/*
 * reprise_gateway_close - closes every connection, subscription and writer of the gateway
 *
 * @gateway  Moves. NULL is allowed. No thread may be in reprise_gateway_run.
 *
 * Threads   Any.
 * Progress  Waits for the workers: at most the log's deadline.
 * Ordering  None.
 * Returns   Nothing. In the child of a fork the call closes the listening sockets alone.
 */
REPRISE_API void reprise_gateway_close(struct reprise_gateway *gateway);

REPRISE_END_DECLARATIONS
#endif /* REPRISE_GATEWAY_H */
