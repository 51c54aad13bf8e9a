/* SPDX-License-Identifier: MIT */
/*
 * The callbacks of the server: a head is judged and handed to its route; a notification serves the
 * workers, the watches, a stop and a reload; a tick serves what has a deadline.
 */
#include "gateway/serve.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "gateway/durable_read.h"
#include "gateway/gateway.h"
#include "gateway/lines.h"
#include "gateway/request.h"
#include "gateway/route.h"
#include "gateway/route_map.h"
#include "gateway/routes.h"
#include "gateway/stream.h"

enum {
	PEER_BYTES = 64,
	PATH_KEPT_BYTES = 300, /* more than a line of the log has */
};

/* A request, and what the line of the log says of the request. */
struct served {
	struct request request; /* the first: request_release frees both */
	enum http_method method;
	uint32_t path_bytes;
	char peer[PEER_BYTES];
	char path[PATH_KEPT_BYTES];
};

/* A turn of the loop begins: its time, and the server's counters for other threads. */
static void
begin_turn(struct reprise_gateway *gateway)
{
	const struct http_stats stats = http_server_stats(gateway->server);

	gateway->now_ns = clock_ns();
	atomic_store_explicit(&gateway->connections, stats.connections, memory_order_relaxed);
	atomic_store_explicit(&gateway->accepted, stats.accepted, memory_order_relaxed);
	atomic_store_explicit(&gateway->refused_early,
			      stats.refused + stats.turned_away + stats.too_many,
			      memory_order_relaxed);
}

static void
keep_for_line(struct served *served, const struct http_head *head)
{
	served->method = head->method;
	if (!line_tells_requests(served->request.gateway))
		return;
	http_exchange_peer(served->request.exchange, served->peer, sizeof(served->peer));
	served->path_bytes =
		(uint32_t)(head->path.size < PATH_KEPT_BYTES ? head->path.size : PATH_KEPT_BYTES);
	memcpy(served->path, head->path.data, served->path_bytes);
}

static void
answer_options(struct request *request, const struct http_head *head, const char *allow)
{
	const bool is_preflight = http_head_field(head, "access-control-request-method") != NULL;

	request->alias = route_map_asked(request->gateway->map, head);
	request_allow(request, 204, allow, is_preflight);
	request->alias = NULL;
}

/* No route takes the request: OPTIONS is answered, all else refused. */
static void
answer_without_route(struct request *request, const struct http_head *head, enum error_code code,
		     const char *allow)
{
	const bool is_options = head->method == HTTP_METHOD_OPTIONS;

	if (is_options && head->path.size == 1 && head->path.data[0] == '*')
		request_allow(request, 204, "GET, HEAD, POST, PUT, DELETE, OPTIONS", false);
	else if (is_options && code == ERROR_METHOD)
		answer_options(request, head, allow);
	else if (code == ERROR_METHOD)
		request_refuse_method(request, allow);
	else
		request_refuse(request, code, NULL);
}

static bool
judge(struct request *request, const struct http_head *head, const struct route *route)
{
	const struct access_need need = {
		.level = route == NULL ? ACCESS_NONE : route->level,
		.session_id = route == NULL || route->after == NULL ? NULL : request->session_id,
		.takes_simple = route != NULL && route->calls == &durable_append_calls,
	};
	struct access_answer answer;

	access_judge(request->gateway->access, head, &need, &answer);
	request->level = answer.level;
	request->token = answer.token;
	request->has_origin = answer.has_origin;
	memcpy(request->origin, answer.origin, sizeof(request->origin));
	if (!answer.is_allowed)
		request_refuse(request, answer.refusal, NULL);
	return answer.is_allowed;
}

/* A path that is not the gateway's own may be an alias of the route map. */
static const struct route *
find(struct request *request, const struct http_head *head, enum error_code *ret_code,
     char ret_allow[ROUTE_ALLOW_BYTES])
{
	struct reprise_gateway *const gateway = request->gateway;
	const bool reads_only = gateway->options.reads_only != 0;
	const unsigned int without = (reads_only ? ROUTES_WRITING : 0U) |
				     (gateway->options.no_viewer != 0 ? ROUTES_VIEWER : 0U);
	const struct route *const route =
		route_find(head, without, request->session_id, ret_code, ret_allow);

	if (route != NULL || *ret_code != ERROR_NO_ROUTE)
		return route;
	request->alias = route_map_find(gateway->map, head, reads_only, request->session_id,
					ret_code, ret_allow);
	if (request->alias == NULL)
		return NULL;
	request->map = gateway->map;
	route_map_hold(request->map);
	return &request->alias->route;
}

/* False: the request was refused. */
static bool
prepare_alias(struct request *request, const struct http_head *head)
{
	const struct route_alias *const alias = request->alias;
	const char *const words = route_alias_query(alias, head->query, &request->query);

	if (words != NULL) {
		request_refuse(request, ERROR_BAD_QUERY, words);
		return false;
	}
	if (!alias->has_location)
		return true;
	request->location = route_alias_location(alias, head->path);
	if (request->location == NULL)
		request_refuse(request, ERROR_NO_MEMORY, NULL);
	return request->location != NULL;
}

static void
serve(struct request *request, const struct http_head *head)
{
	char allow[ROUTE_ALLOW_BYTES];
	enum error_code code = ERROR_NO_ROUTE;
	const char *words = NULL;
	const struct route *route = find(request, head, &code, allow);

	if (!judge(request, head, route))
		return;
	if (route == NULL) {
		answer_without_route(request, head, code, allow);
		return;
	}
	if (route->level >= ACCESS_WRITE && durable_is_reserved(request->session_id)) {
		request_refuse(request, ERROR_BAD_SESSION_ID, "the name is the gateway's own");
		return;
	}
	if (request->alias != NULL) {
		if (!prepare_alias(request, head))
			return;
	} else {
		route = route_choose(route, head, &request->query, &words);
	}
	if (route == NULL) {
		request_refuse(request, ERROR_BAD_QUERY, words);
		return;
	}
	request->route = route;
	route->calls->begin(request, head);
	request->token = NULL;
}

static void
on_request(void *context, struct http_exchange *exchange, const struct http_head *head)
{
	struct reprise_gateway *const gateway = context;
	struct served *const served = calloc(1, sizeof(*served));

	begin_turn(gateway);
	count(&gateway->counters.requests, 1);
	if (served == NULL) {
		count(&gateway->counters.refused, 1);
		http_abort(exchange);
		return;
	}
	served->request.gateway = gateway;
	served->request.exchange = exchange;
	served->request.references = 1;
	served->request.began_ns = gateway->now_ns;
	http_exchange_set_context(exchange, &served->request);
	keep_for_line(served, head);
	serve(&served->request, head);
}

/* The request whose route has begun, or NULL. */
static struct request *
begun(const struct http_exchange *exchange)
{
	struct request *const request = http_exchange_context(exchange);

	if (request == NULL || request->route == NULL)
		return NULL;
	begin_turn(request->gateway);
	return request;
}

static void
on_body(void *context, struct http_exchange *exchange, struct http_text piece)
{
	struct request *const request = begun(exchange);

	(void)context;
	if (request != NULL && request->route->calls->body != NULL)
		request->route->calls->body(request, piece);
}

static void
on_body_end(void *context, struct http_exchange *exchange)
{
	struct request *const request = begun(exchange);

	(void)context;
	if (request != NULL && request->route->calls->body_end != NULL)
		request->route->calls->body_end(request);
}

static void
on_drain(void *context, struct http_exchange *exchange)
{
	struct request *const request = begun(exchange);

	(void)context;
	if (request != NULL && request->route->calls->drain != NULL)
		request->route->calls->drain(request);
}

static void
on_shutdown(void *context, struct http_exchange *exchange)
{
	struct request *const request = begun(exchange);

	(void)context;
	if (request != NULL && request->route->calls->shutdown != NULL)
		request->route->calls->shutdown(request);
}

static void
on_close(void *context, struct http_exchange *exchange)
{
	struct reprise_gateway *const gateway = context;
	struct request *const request = http_exchange_context(exchange);
	struct served *served;

	begin_turn(gateway);
	if (request == NULL)
		return;
	served = (struct served *)request;
	request->exchange = NULL;
	if (request->route != NULL && request->route->calls->close != NULL)
		request->route->calls->close(request);
	if (request->status != 0 && !request->is_stream)
		meters_add_duration(&gateway->meters, gateway->now_ns - request->began_ns);
	line_request(gateway,
		     &(struct line_request){ .method = http_method_name(served->method),
					     .peer = served->peer,
					     .path = { served->path, served->path_bytes },
					     .status = request->status,
					     .duration_ns = gateway->now_ns - request->began_ns });
	request_release(request);
}

static void
reload_tls(struct reprise_gateway *gateway)
{
	const struct reprise_gateway_options *const options = &gateway->options;
	struct reprise_error error = REPRISE_ERROR_INIT;
	struct http_tls *tls;

	if (options->tls_certificate_file == NULL)
		return;
	if (http_tls_load(options->tls_certificate_file, options->tls_key_file, &tls, &error) !=
	    REPRISE_OK) {
		line_event(gateway, "certificate_not_reloaded", &error);
		return;
	}
	(void)http_server_use_tls(gateway->server, tls);
	http_tls_release(tls);
	line_event(gateway, "certificate_reloaded", NULL);
}

/* Streams that have begun keep the map that they began with. */
static void
reload_routes(struct reprise_gateway *gateway)
{
	struct reprise_error error = REPRISE_ERROR_INIT;
	struct route_map *map;

	if (gateway->routes_file == NULL)
		return;
	if (route_map_read(gateway->routes_file, &map, &error) != REPRISE_OK) {
		line_event(gateway, "routes_not_reloaded", &error);
		return;
	}
	route_map_release(gateway->map);
	gateway->map = map;
	line_event(gateway, "routes_reloaded", NULL);
}

static void
serve_reload(struct reprise_gateway *gateway)
{
	const uint32_t reloads = atomic_load_explicit(&gateway->reloads, memory_order_acquire);
	struct reprise_error error = REPRISE_ERROR_INIT;

	if (reloads == gateway->reloads_done)
		return;
	gateway->reloads_done = reloads;
	if (access_reload(gateway->access, &error) != REPRISE_OK)
		line_event(gateway, "tokens_not_reloaded", &error);
	else if (access_has_tokens(gateway->access))
		line_event(gateway, "tokens_reloaded", NULL);
	reload_routes(gateway);
	reload_tls(gateway);
}

static void
serve_stop(struct reprise_gateway *gateway)
{
	const uint64_t stop = atomic_exchange_explicit(&gateway->stop, 0, memory_order_acquire);

	if (stop == 0)
		return;
	if (!gateway->is_draining) {
		gateway->is_draining = true;
		line_event(gateway, "stopping", NULL);
		streams_shutdown(gateway);
	}
	(void)http_server_drain(gateway->server, (uint32_t)(stop - 1));
}

static void
on_notify(void *context, struct http_server *server)
{
	struct reprise_gateway *const gateway = context;

	(void)server;
	begin_turn(gateway);
	serve_stop(gateway);
	serve_reload(gateway);
	work_finish(&gateway->work);
	watches_serve(gateway);
	durable_serve(gateway);
}

static void
on_tick(void *context, struct http_server *server)
{
	struct reprise_gateway *const gateway = context;

	(void)server;
	begin_turn(gateway);
	streams_tick(gateway);
	writers_tick(gateway);
	durable_tick(gateway);
	durable_reads_tick(gateway);
}

struct http_handler
serve_handler(struct reprise_gateway *gateway)
{
	return (struct http_handler){
		.context = gateway,
		.on_request = on_request,
		.on_body = on_body,
		.on_body_end = on_body_end,
		.on_drain = on_drain,
		.on_shutdown = on_shutdown,
		.on_close = on_close,
		.on_notify = on_notify,
		.on_tick = on_tick,
	};
}
