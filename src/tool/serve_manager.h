/* SPDX-License-Identifier: MIT */
#ifndef TOOL_SERVE_MANAGER_H
#define TOOL_SERVE_MANAGER_H

/*
 * The service manager that has started the program, such as systemd: listening sockets from the
 * manager (sd_listen_fds(3)), and news to the manager (sd_notify(3)). Both protocols are a few
 * variables of the environment and a datagram, and need no library. Without a manager nothing
 * happens. (rule V34)
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

enum {
	SERVE_SOCKETS_MAX = 8,
};

struct serve_manager {
	int sockets[SERVE_SOCKETS_MAX]; /* they listen, and are closed in a child's exec */
	size_t sockets_count;
	struct sockaddr_un address; /* of the manager's socket */
	socklen_t address_bytes;    /* 0: no manager wants news */
};

/*
 * Takes the sockets and the address from the environment, and removes the variables, so that no
 * child takes them again. False: the environment is wrong, and stderr has the reason.
 */
bool serve_manager_take(struct serve_manager *manager);

/* The program serves. May wait for the manager. */
void serve_manager_tell_ready(const struct serve_manager *manager);

/* Signal-safe; a manager that does not listen misses the news. */
void serve_manager_tell_reload(const struct serve_manager *manager);
void serve_manager_tell_stop(const struct serve_manager *manager);

#endif /* TOOL_SERVE_MANAGER_H */
