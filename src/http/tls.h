/* SPDX-License-Identifier: MIT */
#ifndef HTTP_TLS_H
#define HTTP_TLS_H

/* TLS under a connection: OpenSSL by way of libevent, or nothing where one of them is missing. */

#include <event2/bufferevent.h>
#include <event2/event.h>

#include "http/http.h"

void tls_hold(struct http_tls *tls);
/* The server's side of a connection; NULL if there is no memory. */
struct bufferevent *tls_socket(struct http_tls *tls, struct event_base *base, int fd);
/* Tells the client of a connection with TLS that nothing more comes. */
void tls_shut(struct bufferevent *socket);

#endif /* HTTP_TLS_H */
