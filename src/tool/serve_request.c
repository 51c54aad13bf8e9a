/* SPDX-License-Identifier: MIT */

/*
 * The options of `reprise serve` and `reprise run` together: options that need one another, and
 * the place of the log. The library judges the rest, before a log is opened (serving.c).
 */

#include <stdio.h>
#include <string.h>

#include "tool/log_text.h"
#include "tool/serve_options.h"

enum {
	DRAIN_SECONDS = 5,
};

bool
serve_refuse(const struct serve_given *given, const char *fault)
{
	fprintf(stderr, "%s: %s\n", given->name, fault);
	return false;
}

static bool
take_place(const struct serve_given *given, struct serve_request *asked)
{
	if (!log_place_read(given->log, &asked->log))
		return serve_refuse(given, "--log takes sqlite:FILE or postgres:CONNINFO");
	if (asked->log.file != NULL && asked->log.file[0] == '\0')
		return serve_refuse(given, "--log sqlite: needs a FILE");
	if (asked->log.file != NULL && given->schema != NULL)
		return serve_refuse(given, "--schema needs a log in PostgreSQL");
	asked->log.schema = given->schema;
	asked->has_log = true;

	const char *const fault = log_place_fault(&asked->log);

	if (fault == NULL)
		return true;
	fprintf(stderr, "%s --log %s\n", given->name, fault);
	return false;
}

/* The options that need one another. */
static bool
may_combine(const struct serve_request *asked, const struct serve_given *given)
{
	const bool has_log = given->log != NULL;
	const char *const tenant = asked->gateway.tenant;
	const char *fault = NULL;

	if (!has_log && given->schema != NULL)
		fault = "--schema needs --log";
	else if (!has_log && asked->gateway.reads_only != 0)
		fault = "--reads-only needs --log";
	else if (!has_log && given->is_given[OPTION_LINGER])
		fault = "--linger needs --log";
	else if (!has_log && given->numbers[OPTION_RECORDED_WAIT] != 0)
		fault = "--recorded-wait needs --log";
	else if ((asked->gateway.tls_certificate_file == NULL) !=
		 (asked->gateway.tls_key_file == NULL))
		fault = "--tls-cert and --tls-key need each other";
	else if (tenant != NULL &&
		 (tenant[0] == '\0' || strlen(tenant) > REPRISE_SESSION_ID_BYTES_MAX ||
		  !log_text_is_utf8(tenant, strlen(tenant))))
		fault = "--tenant takes 1 to 128 bytes of UTF-8";
	return fault == NULL || serve_refuse(given, fault);
}

static void
take_numbers(const struct serve_given *given, struct serve_request *asked)
{
	const uint64_t *const numbers = given->numbers;
	struct reprise_gateway_options *const gateway = &asked->gateway;

	asked->session.events_max = numbers[OPTION_EVENTS_MAX];
	asked->session.bytes_max = numbers[OPTION_BYTES_MAX];
	/* 0 is the recorder's own default, and the client of an append waits for the commit. */
	asked->linger_ns = numbers[OPTION_LINGER] == 0 ? 1 : numbers[OPTION_LINGER] * 1000000;
	asked->drain_ms =
		(given->is_given[OPTION_DRAIN] ? (uint32_t)numbers[OPTION_DRAIN] : DRAIN_SECONDS) *
		1000;
	gateway->sessions_max = numbers[OPTION_SESSIONS_MAX];
	gateway->body_bytes_max = numbers[OPTION_BODY_BYTES_MAX];
	gateway->connections_max = (uint32_t)numbers[OPTION_CONNECTIONS_MAX];
	gateway->connections_per_peer_max = (uint32_t)numbers[OPTION_CONNECTIONS_PER_PEER_MAX];
	gateway->requests_per_second_max = (uint32_t)numbers[OPTION_REQUESTS_PER_SECOND];
	gateway->recorded_wait_ms = (uint32_t)numbers[OPTION_RECORDED_WAIT];
	gateway->heartbeat_ms = (uint32_t)numbers[OPTION_HEARTBEAT];
	gateway->durable_poll_ms = (uint32_t)numbers[OPTION_LONG_POLL];
	gateway->workers = (uint32_t)numbers[OPTION_WORKERS];
}

bool
serve_request_complete(struct serve_request *request, const struct serve_given *given)
{
	if (!may_combine(request, given))
		return false;
	if (given->log != NULL && !take_place(given, request))
		return false;
	take_numbers(given, request);
	/* An append waits for the log rather than displace an event without a record. */
	if (request->has_log)
		request->session.when_full = REPRISE_WHEN_FULL_REFUSE;
	request->gateway.listen = request->addresses;
	request->gateway.origins = request->origins;
#ifndef TOOL_HAS_GATEWAY
	return serve_refuse(given, "this program was built without libevent");
#else
	return true;
#endif
}
