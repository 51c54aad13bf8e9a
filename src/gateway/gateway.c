/* SPDX-License-Identifier: MIT */
/* The calls of reprise/gateway.h. */
#include "gateway/gateway.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "base/sized.h"
#include "base/sizes.h"
#include "gateway/options.h"
#include "gateway/route_map.h"
#include "gateway/serve.h"

enum {
	TICK_MS = 250,
};

/* A stream bounds what it writes by itself; one event may be as large as a window. */
#define PENDING_BYTES_MAX (UINT64_C(1) << 40)

static bool
is_forked(const struct reprise_gateway *gateway)
{
	return gateway->pid != getpid();
}

/* A store of the parent process serves nobody: each request would be refused. */
static bool
is_of_parent(struct reprise_store *store)
{
	struct reprise_store_stats stats = REPRISE_STORE_STATS_INIT;

	return reprise_store_stats(store, &stats) == REPRISE_E_FORKED;
}

static bool
copy_text(const char *text, char **ret_copy)
{
	*ret_copy = text == NULL ? NULL : strdup(text);
	return text == NULL || *ret_copy != NULL;
}

/* The texts that are needed after the opening become the gateway's own. */
static bool
own_texts(struct reprise_gateway *gateway)
{
	struct reprise_gateway_options *const options = &gateway->options;

	if (!copy_text(options->tenant, &gateway->tenant) ||
	    !copy_text(options->tls_certificate_file, &gateway->tls_certificate_file) ||
	    !copy_text(options->tls_key_file, &gateway->tls_key_file) ||
	    !copy_text(options->routes_file, &gateway->routes_file))
		return false;
	options->tenant = gateway->tenant;
	options->tls_certificate_file = gateway->tls_certificate_file;
	options->tls_key_file = gateway->tls_key_file;
	options->routes_file = gateway->routes_file;
	return true;
}

static reprise_status
open_server(struct reprise_gateway *gateway, struct reprise_error *error)
{
	const struct reprise_gateway_options *const options = &gateway->options;
	const struct http_options http = {
		.connections_max = options->connections_max,
		.connections_per_peer_max = options->connections_per_peer_max,
		.requests_per_second_max = options->requests_per_second_max,
		.body_bytes_max = options->body_bytes_max,
		.pending_bytes_max = PENDING_BYTES_MAX,
		.head_ms = options->head_ms,
		.body_ms = options->body_ms,
		.idle_ms = options->idle_ms,
		.write_ms = options->write_ms,
		.tick_ms = TICK_MS,
	};
	const struct http_handler handler = serve_handler(gateway);

	return http_server_open(&http, &handler, &gateway->server, error);
}

static reprise_status
use_tls(struct reprise_gateway *gateway, struct reprise_error *error)
{
	const struct reprise_gateway_options *const options = &gateway->options;
	struct reprise_error cause = REPRISE_ERROR_INIT;
	struct http_tls *tls;
	reprise_status status;

	if (options->tls_certificate_file == NULL)
		return REPRISE_OK;
	status = http_tls_load(options->tls_certificate_file, options->tls_key_file, &tls, &cause);
	if (status != REPRISE_OK)
		return status == REPRISE_E_INVALID
			       ? error_detailed(error, status,
						strcmp(cause.what, "key") == 0
							? "tls_key_file"
							: "tls_certificate_file",
						cause.detail)
			       : error_copy(error, &cause);
	status = http_server_use_tls(gateway->server, tls);
	http_tls_release(tls);
	return status;
}

/* Descriptors move on success alone, so the server gets copies. */
static reprise_status
adopt(struct reprise_gateway *gateway, int fd, struct reprise_error *error)
{
	const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	reprise_status status;

	if (copy < 0)
		return errno == EBADF ? error_invalid(error, "listen_fds")
				      : error_system(error, "fcntl", errno);
	status = http_server_adopt(gateway->server, copy, error);
	if (status == REPRISE_OK)
		return status;
	close(copy);
	return status == REPRISE_E_INVALID ? error_detailed(error, status, "listen_fds",
							    "a descriptor is no listening socket")
					   : status;
}

static reprise_status
listen_all(struct reprise_gateway *gateway, struct reprise_error *error)
{
	const struct reprise_gateway_options *const options = &gateway->options;
	reprise_status status = REPRISE_OK;

	for (size_t i = 0; i < options->listen_count && status == REPRISE_OK; i++) {
		status = http_server_listen(gateway->server, options->listen[i], error);
		if (status == REPRISE_E_INVALID)
			status = error_detailed(error, status, "listen", options->listen[i]);
	}
	for (size_t i = 0; i < options->listen_fds_count && status == REPRISE_OK; i++)
		status = adopt(gateway, options->listen_fds[i], error);
	return status;
}

/* The texts stay when the server listens no more. */
static reprise_status
keep_addresses(struct reprise_gateway *gateway, struct reprise_error *error)
{
	reprise_status status = REPRISE_OK;

	while (status == REPRISE_OK && gateway->addresses_count < ADDRESSES_MAX) {
		status = http_server_address(gateway->server, gateway->addresses_count,
					     gateway->addresses[gateway->addresses_count],
					     ADDRESS_BYTES);
		if (status == REPRISE_OK)
			gateway->addresses_count++;
	}
	return status == REPRISE_OK || status == REPRISE_E_NOT_FOUND
		       ? REPRISE_OK
		       : error_system(error, "getsockname", errno);
}

static reprise_status
open_parts(struct reprise_gateway *gateway, struct reprise_error *error)
{
	const struct reprise_gateway_options *const options = &gateway->options;
	const bool is_open = options->is_insecure != 0 && !options_are_loopback(options);
	reprise_status status;

	if (!own_texts(gateway))
		return error_plain(error, REPRISE_E_NO_MEMORY);
	if (!random_bytes(&gateway->hash_key, sizeof(gateway->hash_key)))
		return error_system(error, "getrandom", errno);
	status = access_open(options->token_file, gateway->tenant, options->origins,
			     options->origins_count, is_open, &gateway->access, error);
	if (status == REPRISE_OK && options->routes_file != NULL)
		status = route_map_read(options->routes_file, &gateway->map, error);
	if (status == REPRISE_OK)
		status = open_server(gateway, error);
	if (status == REPRISE_OK)
		status = use_tls(gateway, error);
	if (status == REPRISE_OK)
		status = listen_all(gateway, error);
	if (status == REPRISE_OK)
		status = keep_addresses(gateway, error);
	if (status == REPRISE_OK)
		status = work_open(&gateway->work, gateway, options->workers, error);
	return status;
}

/* Forgets the texts that were borrowed for the opening. */
static void
forget_borrowed(struct reprise_gateway *gateway)
{
	for (size_t i = 0; i < gateway->options.listen_fds_count; i++)
		close(gateway->options.listen_fds[i]);
	gateway->options.listen = NULL;
	gateway->options.listen_fds = NULL;
	gateway->options.origins = NULL;
	gateway->options.token_file = NULL;
}

reprise_status
reprise_gateway_open(struct reprise_store *store, const struct reprise_gateway_options *options,
		     struct reprise_gateway **ret_gateway, struct reprise_error *error)
{
	struct reprise_gateway_options resolved;
	struct reprise_gateway *gateway;
	reprise_status status;

	UNCANCELLABLE;
	if (store == NULL)
		return error_invalid(error, "store");
	if (ret_gateway == NULL)
		return error_invalid(error, "ret_gateway");
	if (is_of_parent(store))
		return error_plain(error, REPRISE_E_FORKED);
	status = options_resolve(options, &resolved, error);
	if (status != REPRISE_OK)
		return status;
	gateway = calloc(1, sizeof(*gateway));
	if (gateway == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	gateway->options = resolved;
	gateway->store = store;
	gateway->recorder = resolved.recorder;
	gateway->pid = getpid();
	gateway->started_ns = clock_ns();
	gateway->now_ns = gateway->started_ns;
	gateway->started_wall_ms = process_wall_ms();
	process_open(&gateway->process);
	watches_init(&gateway->watches);
	writers_init(&gateway->writers);
	clients_open(&gateway->clients);
	durable_open(&gateway->durable);
	status = open_parts(gateway, error);
	if (status != REPRISE_OK) {
		reprise_gateway_close(gateway);
		return status;
	}
	forget_borrowed(gateway);
	*ret_gateway = gateway;
	return REPRISE_OK;
}

reprise_status
reprise_gateway_address(struct reprise_gateway *gateway, uint32_t index, char *text, size_t room)
{
	UNCANCELLABLE;
	if (gateway == NULL || text == NULL)
		return REPRISE_E_INVALID;
	if (is_forked(gateway))
		return REPRISE_E_FORKED;
	if (index >= gateway->addresses_count)
		return REPRISE_E_NOT_FOUND;
	if (strlen(gateway->addresses[index]) >= room)
		return REPRISE_E_TOO_LARGE;
	memcpy(text, gateway->addresses[index], strlen(gateway->addresses[index]) + 1);
	return REPRISE_OK;
}

reprise_status
reprise_gateway_run(struct reprise_gateway *gateway, struct reprise_error *error)
{
	reprise_status status;
	bool was_running;

	UNCANCELLABLE;
	if (gateway == NULL)
		return error_invalid(error, "gateway");
	if (is_forked(gateway))
		return error_plain(error, REPRISE_E_FORKED);
	was_running = atomic_exchange_explicit(&gateway->is_running, true, memory_order_acquire);
	REPRISE_REQUIRE(!was_running, "another thread is in reprise_gateway_run");
	/* The server listens no more behind a stop. */
	status = gateway->is_draining ? REPRISE_OK : http_server_run(gateway->server, error);
	atomic_store_explicit(&gateway->is_running, false, memory_order_release);
	return status;
}

reprise_status
reprise_gateway_stop(struct reprise_gateway *gateway, uint32_t drain_ms)
{
	const uint64_t asked = UINT64_C(1) + drain_ms;
	uint64_t found;

	if (gateway == NULL)
		return REPRISE_E_INVALID;
	if (is_forked(gateway))
		return REPRISE_E_FORKED;
	found = atomic_load_explicit(&gateway->stop, memory_order_relaxed);
	while ((found == 0 || found > asked) &&
	       !atomic_compare_exchange_weak_explicit(&gateway->stop, &found, asked,
						      memory_order_release, memory_order_relaxed))
		continue;
	return http_server_notify(gateway->server);
}

reprise_status
reprise_gateway_reload(struct reprise_gateway *gateway)
{
	if (gateway == NULL)
		return REPRISE_E_INVALID;
	if (is_forked(gateway))
		return REPRISE_E_FORKED;
	atomic_fetch_add_explicit(&gateway->reloads, 1, memory_order_release);
	return http_server_notify(gateway->server);
}

reprise_status
reprise_gateway_stats(struct reprise_gateway *gateway, struct reprise_gateway_stats *ret_stats)
{
	struct reprise_gateway_stats stats = REPRISE_GATEWAY_STATS_INIT;

	if (gateway == NULL || ret_stats == NULL)
		return REPRISE_E_INVALID;
	if (is_forked(gateway))
		return REPRISE_E_FORKED;
#define READ(name) stats.name = atomic_load_explicit(&gateway->counters.name, memory_order_relaxed);
	GATEWAY_COUNTERS(READ)
#undef READ
	stats.connections = atomic_load_explicit(&gateway->connections, memory_order_relaxed);
	stats.accepted = atomic_load_explicit(&gateway->accepted, memory_order_relaxed);
	stats.refused += atomic_load_explicit(&gateway->refused_early, memory_order_relaxed);
	return sized_write(ret_stats, &stats, sizeof(stats), SIZE_MIN(reprise_gateway_stats))
		       ? REPRISE_OK
		       : REPRISE_E_INVALID;
}

void
reprise_gateway_close(struct reprise_gateway *gateway)
{
	UNCANCELLABLE;
	if (gateway == NULL)
		return;
	process_close(&gateway->process);
	if (is_forked(gateway)) {
		http_server_close(gateway->server);
		return;
	}
	/* Workers and subscriptions notify the server: both end before the server. */
	gateway->is_draining = true;
	work_close(&gateway->work);
	writers_close(gateway);
	http_server_close(gateway->server);
	durable_close(gateway);
	clients_close(&gateway->clients);
	access_close(gateway->access);
	route_map_release(gateway->map);
	watches_destroy(&gateway->watches);
	buffer_free(&gateway->scratch);
	free(gateway->routes_file);
	free(gateway->tls_certificate_file);
	free(gateway->tls_key_file);
	free(gateway->tenant);
	free(gateway);
}
