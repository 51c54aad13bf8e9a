/* SPDX-License-Identifier: MIT */
/*
 * How many connections each client has, and how many requests it sends: a table by address, hashed
 * with a secret, so that nobody chooses a bucket. A client that has used up its rate is remembered
 * behind its last connection, until its rate is there again; such peers are taken out when another
 * client of the bucket comes.
 */
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>

#include "base/clock.h"
#include "base/numbers.h"
#include "http/server.h"

enum {
	SITE_BYTES = 8, /* of an IPv6 address: one customer's network has all that share them */
};

/* False if the address is of no family that is counted. */
static bool
make_key(const struct sockaddr *address, uint8_t key[PEER_KEY_BYTES])
{
	memset(key, 0, PEER_KEY_BYTES);
	if (address->sa_family == AF_INET) {
		struct sockaddr_in four;

		memcpy(&four, address, sizeof(four));
		key[PEER_KEY_BYTES - 1] = 4;
		memcpy(key, &four.sin_addr, sizeof(four.sin_addr));
		return true;
	}
	if (address->sa_family == AF_INET6) {
		struct sockaddr_in6 six;

		memcpy(&six, address, sizeof(six));
		if (IN6_IS_ADDR_V4MAPPED(&six.sin6_addr)) {
			key[PEER_KEY_BYTES - 1] = 4;
			memcpy(key, six.sin6_addr.s6_addr + 12, 4);
		} else {
			memcpy(key, &six.sin6_addr, SITE_BYTES);
		}
		return true;
	}
	return false;
}

static void
forget_idle(struct peer *peer)
{
	if (peer->connections != 0 || peer->paid_ns > clock_ns())
		return;
	LIST_REMOVE(peer, link);
	free(peer);
}

struct peer *
peer_take(struct http_server *server, const struct sockaddr *address)
{
	uint8_t key[PEER_KEY_BYTES];
	struct peer *peer, *found;
	struct peers *bucket;

	if (!make_key(address, key))
		return NULL;
	bucket = &server->peers[siphash(&server->secret, key, sizeof(key)) % PEER_BUCKETS];
	found = LIST_FIRST(bucket);
	for (struct peer *next; found != NULL; found = next) {
		next = LIST_NEXT(found, link);
		if (memcmp(found->key, key, sizeof(key)) == 0) {
			found->connections++;
			return found;
		}
		forget_idle(found);
	}
	peer = calloc(1, sizeof(*peer));
	if (peer == NULL)
		return NULL;
	memcpy(peer->key, key, sizeof(key));
	peer->connections = 1;
	LIST_INSERT_HEAD(bucket, peer, link);
	return peer;
}

void
peer_give(struct peer *peer)
{
	if (peer == NULL)
		return;
	peer->connections--;
	forget_idle(peer);
}

/* Each request costs its part of a second; a peer may be a second ahead. */
bool
peer_may_ask(const struct http_server *server, struct peer *peer)
{
	const uint32_t rate = server->options.requests_per_second_max;
	const uint64_t now = clock_ns();
	uint64_t paid;

	if (rate == 0 || peer == NULL)
		return true;
	paid = greatest(peer->paid_ns, now) + NS_PER_S / rate;
	if (paid - now > NS_PER_S)
		return false;
	peer->paid_ns = paid;
	return true;
}

void
peers_free(struct http_server *server)
{
	for (size_t i = 0; i < PEER_BUCKETS; i++)
		for (struct peer *peer; (peer = LIST_FIRST(&server->peers[i])) != NULL;) {
			LIST_REMOVE(peer, link);
			free(peer);
		}
}
