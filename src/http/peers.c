/* SPDX-License-Identifier: MIT */
/* How many connections each client has: a table by address, hashed with a secret, so that nobody chooses a bucket. */
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>

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

struct peer *
peer_take(struct http_server *server, const struct sockaddr *address)
{
	uint8_t key[PEER_KEY_BYTES];
	struct peers *bucket;
	struct peer *peer;

	if (!make_key(address, key))
		return NULL;
	bucket = &server->peers[siphash(&server->secret, key, sizeof(key)) % PEER_BUCKETS];
	LIST_FOREACH(peer, bucket, link)
	if (memcmp(peer->key, key, sizeof(key)) == 0) {
		peer->connections++;
		return peer;
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
	if (peer == NULL || --peer->connections != 0)
		return;
	LIST_REMOVE(peer, link);
	free(peer);
}
