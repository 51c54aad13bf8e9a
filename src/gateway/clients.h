/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_CLIENTS_H
#define GATEWAY_CLIENTS_H

/*
 * The clients of a session: the clients with an open stream, the subscriptions that serve the
 * clients, and the events told to the clients as lost. All of this belongs to the loop: a list of
 * sessions is gathered on a worker, and the loop adds the numbers of the clients.
 *
 * Streams that share have one subscription. So a session has few subscriptions however many
 * clients there are, and all sessions together have no more subscriptions than the gateway has
 * clients.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <reprise/base.h>

struct session_clients;
struct reprise_gateway;
struct sse_read;
struct watch;

/* Links a subscription to the clients of its session: embedded beside the watch. */
struct clients_link {
	struct session_clients *clients; /* NULL: none */
	const struct watch *watch;       /* without a subscription at times */
	LIST_ENTRY(clients_link) entry;
};

struct session_clients {
	char session_id[REPRISE_SESSION_ID_BYTES_MAX + 1];
	uint64_t hosts; /* clients */
	uint64_t lost;  /* events, told to clients */
	LIST_HEAD(clients_links, clients_link) links;
	LIST_ENTRY(session_clients) in_row;
	TAILQ_ENTRY(session_clients) in_kept; /* while nobody is there */
};

enum {
	CLIENTS_ROWS = 4096,
	CLIENTS_KEPT_MAX = 4096, /* that have lost events, and have no client */
};

struct clients_table {
	LIST_HEAD(clients_row, session_clients) rows[CLIENTS_ROWS];
	TAILQ_HEAD(clients_kept, session_clients) kept; /* the oldest first */
	uint32_t kept_count;
};

/* The members of a session's entry in a list that are about the clients. */
struct clients_view {
	uint64_t hosts, lost;
	bool has_lag;      /* the next two are known */
	uint64_t behind;   /* events between the furthest subscription and the newest event */
	uint64_t headroom; /* events to append until the first subscription loses an event */
};

void clients_open(struct clients_table *table);
void clients_close(struct clients_table *table);

/* A client more. NULL: no memory. */
struct session_clients *clients_add(struct reprise_gateway *gateway, const char *session_id);
/* A client fewer, and its link is removed; *clients becomes NULL, and may be NULL. */
void clients_remove(struct reprise_gateway *gateway, struct session_clients **clients,
		    struct clients_link *link);
/* Counts the events and gaps of @read, sent to a client, for the session and the gateway. */
void clients_count(struct reprise_gateway *gateway, struct session_clients *clients,
		   const struct sse_read *read);
/* A subscription more. @watch and @link stay until clients_unlink_watch, which may come twice. */
void clients_link_watch(struct session_clients *clients, struct clients_link *link,
			const struct watch *watch);
void clients_unlink_watch(struct clients_link *link);

/* Looks at each subscription of the session. */
struct clients_view clients_look(struct reprise_gateway *gateway, const char *session_id);
/* The events between the furthest subscription of all and the newest event of its session. */
uint64_t clients_furthest(const struct clients_table *table);

#endif /* GATEWAY_CLIENTS_H */
