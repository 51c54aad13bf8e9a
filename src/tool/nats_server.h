/* SPDX-License-Identifier: MIT */
#ifndef TOOL_NATS_SERVER_H
#define TOOL_NATS_SERVER_H

/*
 * NATS servers with JetStream that the program starts for itself: on free ports of the loopback,
 * with their files in a folder of the caller's. A server ends at the latest with the thread that
 * started it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	NATS_SERVER_PATH_BYTES = 512,
	NATS_SERVER_URL_BYTES = 64,
	NATS_SERVERS_MAX = 3,
};

struct nats_server {
	char name[16];
	char folder[NATS_SERVER_PATH_BYTES];                   /* "": no server */
	char routes[NATS_SERVERS_MAX * NATS_SERVER_URL_BYTES]; /* of the cluster; "": no cluster */
	uint16_t port, monitor_port, cluster_port;
	pid_t process; /* 0: not running */
};

/* Whether the program nats-server is installed. */
bool nats_server_is_installed(void);

/*
 * Chooses names and ports for @count servers in @folder, one server or a cluster, and starts none.
 * False: no ports, or the folder's path is too long.
 */
bool nats_server_prepare(struct nats_server *servers, size_t count, const char *folder);

/* Starts a server on its ports with its files. False: no process could be created. */
bool nats_server_start(struct nats_server *server);

/*
 * Waits until a server says that JetStream is ready; of a cluster, once a majority has been
 * started. False: the server has ended, has not become ready within @patience_ns, or @is_over,
 * which is asked meanwhile, has answered true.
 */
bool nats_server_await(struct nats_server *server, uint64_t patience_ns, bool (*is_over)(void));

/* Kills the server with SIGKILL, and waits for the end of the process. */
void nats_server_kill(struct nats_server *server);

/* Returns the index of the server that leads @stream, or @count if no running server knows. */
size_t nats_server_leader(const struct nats_server *servers, size_t count, const char *stream);

/* Writes "nats://127.0.0.1:PORT". */
void nats_server_url(const struct nats_server *server, char ret_url[NATS_SERVER_URL_BYTES]);

#endif /* TOOL_NATS_SERVER_H */
