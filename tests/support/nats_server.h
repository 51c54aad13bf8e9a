/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_NATS_SERVER_H
#define SUPPORT_NATS_SERVER_H

/*
 * NATS servers with JetStream that a test starts on free ports of the loopback device, in a scratch
 * folder: they are killed, started again on the same port and folder, stopped and continued. The
 * thread that starts a server is the one whose end kills it, so a test starts servers from its main
 * thread. A test that dies leaves neither process nor folder.
 */

#include <stdbool.h>
#include <stdint.h>

enum {
	NATS_CLUSTER_SERVERS = 3
};

struct nats_server;

/* The settings of a server; NULL or 0 is the server's default. */
struct nats_server_settings {
	uint32_t max_payload; /* bytes */
	const char *user;
	const char *password;
	const char *token;
	const char *certificate; /* with tls_key: TLS is required of clients */
	const char *key;
	/* Clients must bring a certificate signed by this authority. */
	const char *client_authority;
	const char *more; /* lines for the configuration */
	bool has_no_jetstream;
};

/* Whether there is such a program here. */
bool nats_server_is_installed(void);

/*
 * Starts a server and waits until it answers. NULL: the defaults. Skips the test where there
 * is no nats-server.
 */
struct nats_server *nats_server_start(const struct nats_server_settings *settings);

/* Three servers that know each other; returns before they have chosen a leader. */
void nats_cluster_start(struct nats_server *ret_servers[NATS_CLUSTER_SERVERS]);

/* Lives as long as the server. */
const char *nats_server_url(const struct nats_server *server);

/* By SIGKILL; returns when the process is gone. */
void nats_server_kill(struct nats_server *server);
/* On the same port and folder; waits until it answers. */
void nats_server_restart(struct nats_server *server);
/* SIGSTOP and SIGCONT; each returns when the process is in that state. */
void nats_server_pause(struct nats_server *server);
void nats_server_resume(struct nats_server *server);

/* Kills all servers and removes their folder. For the teardown of a suite. */
void nats_server_remove_all(void);

/* A path in the servers' folder; lives until the test ends. */
const char *nats_server_path(const char *name);

/*
 * Makes, in the servers' folder, NAME.pem and NAME.key: a certificate for 127.0.0.1 that
 * authority @signer has signed, or an authority of its own (@signer NULL). Skips the test where
 * there is no openssl.
 */
void nats_server_make_certificate(const char *name, const char *signer);

#endif /* SUPPORT_NATS_SERVER_H */
