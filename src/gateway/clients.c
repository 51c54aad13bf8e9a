/* SPDX-License-Identifier: MIT */
#include "gateway/clients.h"

#include <stdlib.h>
#include <string.h>

#include <reprise/lag.h>

#include "base/siphash.h"
#include "gateway/gateway.h"
#include "gateway/sse.h"

static struct clients_row *
find_row(struct reprise_gateway *gateway, const char *session_id)
{
	const uint64_t hash = siphash(&gateway->hash_key, session_id, strlen(session_id));

	return &gateway->clients.rows[hash % CLIENTS_ROWS];
}

static struct session_clients *
find(const struct clients_row *row, const char *session_id)
{
	struct session_clients *clients;

	LIST_FOREACH(clients, row, in_row)
		if (strcmp(clients->session_id, session_id) == 0)
			break;
	return clients;
}

static void
discard(struct session_clients *clients)
{
	LIST_REMOVE(clients, in_row);
	free(clients);
}

static void
take_from_kept(struct clients_table *table, struct session_clients *clients)
{
	TAILQ_REMOVE(&table->kept, clients, in_kept);
	table->kept_count--;
}

void
clients_open(struct clients_table *table)
{
	for (size_t i = 0; i < CLIENTS_ROWS; i++)
		LIST_INIT(&table->rows[i]);
	TAILQ_INIT(&table->kept);
	table->kept_count = 0;
}

void
clients_close(struct clients_table *table)
{
	struct session_clients *clients, *next;

	for (size_t i = 0; i < CLIENTS_ROWS; i++)
		for (clients = LIST_FIRST(&table->rows[i]); clients != NULL; clients = next) {
			next = LIST_NEXT(clients, in_row);
			free(clients);
		}
}

struct session_clients *
clients_add(struct reprise_gateway *gateway, const char *session_id)
{
	struct clients_row *const row = find_row(gateway, session_id);
	struct session_clients *clients = find(row, session_id);

	if (clients == NULL) {
		clients = calloc(1, sizeof(*clients));
		if (clients == NULL)
			return NULL;
		memcpy(clients->session_id, session_id, strlen(session_id) + 1);
		LIST_INIT(&clients->links);
		LIST_INSERT_HEAD(row, clients, in_row);
	} else if (clients->hosts == 0) {
		take_from_kept(&gateway->clients, clients);
	}
	clients->hosts++;
	return clients;
}

/* The losses of the sessions that lost last are told on; memory stays bounded. */
static void
keep(struct clients_table *table, struct session_clients *clients)
{
	struct session_clients *oldest;

	if (clients->lost == 0) {
		discard(clients);
		return;
	}
	TAILQ_INSERT_TAIL(&table->kept, clients, in_kept);
	if (++table->kept_count <= CLIENTS_KEPT_MAX)
		return;
	oldest = TAILQ_FIRST(&table->kept);
	take_from_kept(table, oldest);
	discard(oldest);
}

void
clients_remove(struct reprise_gateway *gateway, struct session_clients **clients,
	       struct clients_link *link)
{
	if (*clients == NULL)
		return;
	clients_unlink_watch(link);
	if (--(*clients)->hosts == 0)
		keep(&gateway->clients, *clients);
	*clients = NULL;
}

void
clients_count(struct reprise_gateway *gateway, struct session_clients *clients,
	      const struct sse_read *read)
{
	struct gateway_counters *const counters = &gateway->counters;

	count(&counters->events_sent, (int64_t)read->events);
	count(&counters->gaps, (int64_t)read->gaps);
	count(&counters->events_lost, (int64_t)read->lost);
	clients->lost += read->lost;
	for (size_t i = 0; i < SSE_GAPS && read->gaps > 0; i++)
		gateway->meters.gaps[i] += read->gaps_by_detail[i];
}

void
clients_link_watch(struct session_clients *clients, struct clients_link *link,
		   const struct watch *watch)
{
	if (link->clients != NULL)
		return;
	link->clients = clients;
	link->watch = watch;
	LIST_INSERT_HEAD(&clients->links, link, entry);
}

void
clients_unlink_watch(struct clients_link *link)
{
	if (link->clients == NULL)
		return;
	LIST_REMOVE(link, entry);
	link->clients = NULL;
}

static bool
ask_lag(const struct clients_link *link, struct reprise_subscription_lag *ret_lag)
{
	*ret_lag = (struct reprise_subscription_lag)REPRISE_SUBSCRIPTION_LAG_INIT;
	return link->watch->subscription != NULL &&
	       reprise_subscription_lag(link->watch->subscription, ret_lag) == REPRISE_OK &&
	       ret_lag->is_known != 0;
}

/*
 * Bytes are counted in events of the mean size of those that the subscription has not got, so the
 * number is an estimate where bytes bind.
 */
static uint64_t
headroom_of(const struct reprise_subscription_lag *lag)
{
	const uint64_t mean = lag->behind_events == 0 ? 0 : lag->behind_bytes / lag->behind_events;
	const uint64_t by_bytes = mean == 0 ? UINT64_MAX : lag->headroom_bytes / mean;

	return lag->headroom_events < by_bytes ? lag->headroom_events : by_bytes;
}

struct clients_view
clients_look(struct reprise_gateway *gateway, const char *session_id)
{
	const struct session_clients *const clients =
		find(find_row(gateway, session_id), session_id);
	struct clients_view view = { .headroom = UINT64_MAX };
	struct reprise_subscription_lag lag;
	const struct clients_link *link;

	if (clients == NULL)
		return view;
	view.hosts = clients->hosts;
	view.lost = clients->lost;
	LIST_FOREACH(link, &clients->links, entry) {
		if (!ask_lag(link, &lag))
			continue;
		view.has_lag = true;
		if (lag.behind_events > view.behind)
			view.behind = lag.behind_events;
		if (headroom_of(&lag) < view.headroom)
			view.headroom = headroom_of(&lag);
	}
	return view;
}

uint64_t
clients_furthest(const struct clients_table *table)
{
	struct reprise_subscription_lag lag;
	const struct session_clients *clients;
	const struct clients_link *link;
	uint64_t furthest = 0;

	for (size_t i = 0; i < CLIENTS_ROWS; i++)
		LIST_FOREACH(clients, &table->rows[i], in_row)
			LIST_FOREACH(link, &clients->links, entry)
				if (ask_lag(link, &lag) && lag.behind_events > furthest)
					furthest = lag.behind_events;
	return furthest;
}
