/* SPDX-License-Identifier: MIT */
#ifndef BENCH_NATS_BARE_H
#define BENCH_NATS_BARE_H

/*
 * The NATS client's library by itself: the same bytes to a stream of the same kind, with
 * nothing around them.
 */

#include <reprise/base.h>

struct nats_bare;

/* Connects, and makes a stream like the buffer's. The process ends if that fails. */
struct nats_bare *nats_bare_open(const char *url, uint32_t window, int64_t max_bytes);
void nats_bare_close(struct nats_bare *bare);

/*
 * js_PublishMsgAsync with the headers that a buffered delta has; blocks while the window is full.
 */
void nats_bare_publish(struct nats_bare *bare, uint64_t ordinal, struct reprise_bytes payload);

/* Waits for every ack. */
void nats_bare_complete(struct nats_bare *bare);

/* Empties the stream. Answers how many the stream had. */
uint64_t nats_bare_empty(struct nats_bare *bare);

#endif /* BENCH_NATS_BARE_H */
