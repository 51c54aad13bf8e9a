/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_SERVE_H
#define GATEWAY_SERVE_H

#include "http/http.h"

struct reprise_gateway;

/* The callbacks of the gateway's server. */
struct http_handler serve_handler(struct reprise_gateway *gateway);

#endif /* GATEWAY_SERVE_H */
