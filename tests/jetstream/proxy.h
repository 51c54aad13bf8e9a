/* SPDX-License-Identifier: MIT */
#ifndef JETSTREAM_PROXY_H
#define JETSTREAM_PROXY_H

/*
 * A proxy in front of a NATS server, a process of its own: it closes all connections at once, or
 * holds back what the server says, as when a network loses answers.
 */

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

struct nats_server;

struct nats_proxy_shared {
	_Atomic uint32_t cuts; /* asked for */
	_Atomic uint32_t cuts_done;
	_Atomic uint32_t accepted; /* connections */
	_Atomic uint32_t is_mute;  /* what the server says is thrown away */
};

struct nats_proxy {
	pid_t process;
	char url[64];
	struct nats_proxy_shared *shared;
};

void nats_proxy_open(struct nats_proxy *proxy, const struct nats_server *server);
void nats_proxy_close(struct nats_proxy *proxy);

/* Closes all connections; returns when that is done. */
void nats_proxy_cut(struct nats_proxy *proxy);
/* 1: the clients send, and hear nothing. 0 closes the connections, too, since bytes are missing. */
void nats_proxy_mute(struct nats_proxy *proxy, uint32_t is_mute);

#endif /* JETSTREAM_PROXY_H */
