/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_NATS_FOLDER_H
#define SUPPORT_NATS_FOLDER_H

/* Where the servers of nats_server.h keep what they have, and which ports they take. */

#include <netinet/in.h>
#include <stdbool.h>

/* Makes the folder, unless it is there. A process of its own removes it if the test dies. */
const char *nats_folder_make(void);
void nats_folder_remove(void);
/* Whether this process has made one that is still there. */
bool nats_folder_is_ours(void);

/* A free port of the loopback device, which no other test takes while this process lives. */
int nats_folder_port(void);
struct sockaddr_in nats_folder_address(int port);

/* A command of a shell in that folder; whether its status is 0. */
bool nats_folder_run(const char *format, ...) __attribute__((format(printf, 1, 2)));

void nats_folder_pause(long milliseconds);

#endif /* SUPPORT_NATS_FOLDER_H */
