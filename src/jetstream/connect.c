/* SPDX-License-Identifier: MIT */
#include "jetstream/connect.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/numbers.h"
#include "jetstream/failure.h"
#include "jetstream/flights.h"

/*
 * libnats holds the connection's lock while it connects anew and while it writes. A call waits for
 * that lock, so both are short; and a call that knows of no connection does not ask libnats.
 */
enum {
	STEP_MS_LEAST = 100,
	STEP_MS_MOST = 2000,
	RECONNECT_WAIT_MS = 100,
	RECONNECT_JITTER_MS = 100,
	PING_MS_LEAST = 250,
	PING_MS_MOST = 10000,
	PINGS_OUT = 2,
};

static void
on_disconnected(natsConnection *connection, void *context)
{
	struct reprise_jetstream *const writer = context;

	(void)connection;
	store_release(&writer->is_connected, 0);
	flights_lose(writer);
}

static void
on_reconnected(natsConnection *connection, void *context)
{
	struct reprise_jetstream *const writer = context;

	fetch_add_relaxed(&writer->counters.reconnects, 1);
	store_relaxed(&writer->payload_max, (uint64_t)natsConnection_GetMaxPayload(connection));
	store_release(&writer->is_connected, 1);
}

/* The last callback. */
static void
on_closed(natsConnection *connection, void *context)
{
	struct reprise_jetstream *const writer = context;

	(void)connection;
	store_release(&writer->is_connected, 0);
	flights_lose(writer);
	pthread_mutex_lock(&writer->lock);
	writer->is_told_closed = true;
	pthread_cond_broadcast(&writer->told);
	pthread_mutex_unlock(&writer->lock);
}

/* libnats would print errors. A call answers its own failures. */
static void
ignore_error(natsConnection *connection, natsSubscription *subscription, natsStatus status,
	     void *context)
{
	(void)connection, (void)subscription, (void)status, (void)context;
}

static natsStatus
set_servers(natsOptions *options, const char *servers, int *ret_count)
{
	char *const copy = strdup(servers);
	const char **urls = NULL;
	natsStatus status = NATS_NO_MEMORY;
	int count = 1;

	for (const char *at = servers; *at != '\0'; at++)
		count += *at == ',';
	urls = calloc((size_t)count, sizeof(const char *));
	if (copy != NULL && urls != NULL) {
		char *rest = NULL;

		count = 0;
		for (char *url = strtok_r(copy, ", ", &rest); url != NULL;
		     url = strtok_r(NULL, ", ", &rest))
			urls[count++] = url;
		status = count == 0 ? NATS_INVALID_ARG
				    : natsOptions_SetServers(options, urls, count);
	}
	*ret_count = count;
	free(urls);
	free(copy);
	return status;
}

static natsStatus
set_proofs(natsOptions *options, const struct settings *settings)
{
	if (settings->credentials_file != NULL)
		return natsOptions_SetUserCredentialsFromFiles(options, settings->credentials_file,
							       NULL);
	if (settings->user != NULL)
		return natsOptions_SetUserInfo(options, settings->user, settings->password);
	return settings->token != NULL ? natsOptions_SetToken(options, settings->token) : NATS_OK;
}

static natsStatus
set_tls(natsOptions *options, const struct settings *settings)
{
	natsStatus status = NATS_OK;

	if (settings->tls_ca_file == NULL && settings->tls_certificate_file == NULL &&
	    strstr(settings->servers, "tls://") == NULL)
		return NATS_OK;
	status = natsOptions_SetSecure(options, true);
	if (status == NATS_OK && settings->tls_ca_file != NULL)
		status = natsOptions_LoadCATrustedCertificates(options, settings->tls_ca_file);
	if (status == NATS_OK && settings->tls_certificate_file != NULL)
		status = natsOptions_LoadCertificatesChain(options, settings->tls_certificate_file,
							   settings->tls_key_file);
	return status;
}

static natsStatus
set_times(natsOptions *options, const struct settings *settings, int servers, uint64_t due_ns)
{
	const uint64_t deadline_ms = settings->deadline_ns / 1000000;
	const int64_t step_ms =
		(int64_t)least(greatest(deadline_ms / 2, STEP_MS_LEAST), STEP_MS_MOST);
	const int64_t ping_ms =
		(int64_t)least(greatest(deadline_ms / 2, PING_MS_LEAST), PING_MS_MOST);
	const int64_t each_ms =
		(int64_t)greatest(1, (uint64_t)ms_until(due_ns) / (uint64_t)servers);
	natsStatus status = natsOptions_SetTimeout(
		options, (int64_t)least((uint64_t)step_ms, (uint64_t)each_ms));

	if (status == NATS_OK)
		status = natsOptions_SetWriteDeadline(options, step_ms);
	if (status == NATS_OK)
		status = natsOptions_SetPingInterval(options, ping_ms);
	if (status == NATS_OK)
		status = natsOptions_SetMaxPingsOut(options, PINGS_OUT);
	if (status == NATS_OK)
		status = natsOptions_SetReconnectWait(options, RECONNECT_WAIT_MS);
	if (status == NATS_OK)
		status = natsOptions_SetReconnectJitter(options, RECONNECT_JITTER_MS,
							RECONNECT_JITTER_MS);
	return status == NATS_OK ? natsOptions_SetMaxReconnect(options, -1) : status;
}

static natsStatus
set_callbacks(natsOptions *options, struct reprise_jetstream *writer)
{
	natsStatus status = natsOptions_SetDisconnectedCB(options, on_disconnected, writer);

	if (status == NATS_OK)
		status = natsOptions_SetReconnectedCB(options, on_reconnected, writer);
	if (status == NATS_OK)
		status = natsOptions_SetClosedCB(options, on_closed, writer);
	if (status == NATS_OK)
		status = natsOptions_SetErrorHandler(options, ignore_error, NULL);
	return status;
}

static natsStatus
set_rest(natsOptions *options)
{
	natsStatus status = natsOptions_SetName(options, "reprise");

	/* A publication without a connection fails, and does not wait for one. */
	if (status == NATS_OK)
		status = natsOptions_SetReconnectBufSize(options, 0);
	if (status == NATS_OK)
		status = natsOptions_SetFailRequestsOnDisconnect(options, true);
	return status;
}

/* E_INVALID: libnats does not take what the option says. */
static reprise_status
set_one(natsStatus status, const char *option, struct reprise_error *error)
{
	if (status == NATS_OK)
		return REPRISE_OK;
	return status == NATS_NO_MEMORY
		       ? error_plain(error, REPRISE_E_NO_MEMORY)
		       : error_detailed(error, REPRISE_E_INVALID, option, failure_words(status));
}

static reprise_status
set_options(natsOptions *options, struct reprise_jetstream *writer, uint64_t due_ns,
	    struct reprise_error *error)
{
	const struct settings *const settings = &writer->settings;
	int servers = 1;
	reprise_status status =
		set_one(set_servers(options, settings->servers, &servers), "servers", error);

	if (status == REPRISE_OK)
		status = set_one(set_proofs(options, settings), "credentials_file", error);
	if (status == REPRISE_OK)
		status = set_one(set_tls(options, settings),
				 settings->tls_certificate_file != NULL ? "tls_certificate_file"
									: "tls_ca_file",
				 error);
	if (status == REPRISE_OK)
		status = set_one(set_times(options, settings, servers, due_ns), "deadline_ns",
				 error);
	if (status == REPRISE_OK)
		status = set_one(set_callbacks(options, writer), "options", error);
	return status == REPRISE_OK ? set_one(set_rest(options), "options", error) : status;
}

static reprise_status
tell_connect(natsStatus status, struct reprise_error *error)
{
	if (status == NATS_NO_MEMORY)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	return error_detailed(error, status == NATS_TIMEOUT ? REPRISE_E_TIMEOUT : REPRISE_E_IO,
			      "servers", failure_words(status));
}

reprise_status
connection_open(struct reprise_jetstream *writer, uint64_t due_ns, struct reprise_error *error)
{
	natsOptions *options = NULL;
	natsStatus connected = natsOptions_Create(&options);

	if (connected != NATS_OK)
		return failure_tell(connected, error);
	const reprise_status status = set_options(options, writer, due_ns, error);

	if (status == REPRISE_OK) {
		/* Before: the first callback may come at once. */
		store_release(&writer->is_connected, 1);
		connected = natsConnection_Connect(&writer->connection, options);
	}
	natsOptions_Destroy(options);
	if (status != REPRISE_OK)
		return status;
	if (connected != NATS_OK)
		return tell_connect(connected, error);
	store_relaxed(&writer->payload_max,
		      (uint64_t)natsConnection_GetMaxPayload(writer->connection));
	return REPRISE_OK;
}

bool
connection_close(struct reprise_jetstream *writer, uint64_t due_ns)
{
	bool is_in_time = true;

	if (writer->connection == NULL)
		return true;
	natsConnection_Close(writer->connection);
	pthread_mutex_lock(&writer->lock);
	while (!writer->is_told_closed && is_in_time)
		is_in_time = writer_wait(writer, &writer->told, due_ns);
	is_in_time = writer->is_told_closed;
	pthread_mutex_unlock(&writer->lock);
	natsConnection_Destroy(writer->connection);
	writer->connection = NULL;
	return is_in_time;
}
