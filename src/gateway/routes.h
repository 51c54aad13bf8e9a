/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_ROUTES_H
#define GATEWAY_ROUTES_H

/* The parts of the gateway that answer: one for each route, each in the file of the same name. */

#include "gateway/request.h"

extern const struct route_calls stream_calls;         /* GET /v1/sessions/{id}/events as SSE */
extern const struct route_calls page_calls;           /* the same as JSON pages */
extern const struct route_calls sessions_calls;       /* GET /v1/sessions */
extern const struct route_calls session_calls;        /* GET /v1/sessions/{id} */
extern const struct route_calls cursor_calls;         /* GET /v1/sessions/{id}/cursor */
extern const struct route_calls append_calls;         /* POST /v1/sessions/{id}/events */
extern const struct route_calls end_calls;            /* POST /v1/sessions/{id}/end */
extern const struct route_calls invalidate_calls;     /* POST /v1/sessions/{id}/invalidate */
extern const struct route_calls delete_calls;         /* DELETE /v1/sessions/{id} */
extern const struct route_calls durable_create_calls; /* PUT /v1/stream/{id} */
extern const struct route_calls durable_append_calls; /* POST /v1/stream/{id} */
extern const struct route_calls durable_remove_calls; /* DELETE /v1/stream/{id} */
extern const struct route_calls durable_read_calls;   /* GET /v1/stream/{id} */
extern const struct route_calls health_calls;         /* GET /healthz */
extern const struct route_calls ready_calls;          /* GET /readyz */
extern const struct route_calls metrics_calls;        /* GET /metrics */
extern const struct route_calls viewer_calls;         /* GET / and GET /viewer/{name} */

#endif /* GATEWAY_ROUTES_H */
