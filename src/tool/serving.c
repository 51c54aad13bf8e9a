/* SPDX-License-Identifier: MIT */

/*
 * A store, a log with a recorder, and a gateway, as `reprise serve` and `reprise run` have them.
 * The parts are opened in the order store, log, recorder, gateway, and closed in the opposite
 * order. Before the log is opened, a gateway without a log judges the options, so that a wrong
 * option leaves no file behind. (rules V30 to V35)
 */

#include "tool/serving.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/arguments.h"
#include "tool/log_text.h"

enum {
	PORT_DIGITS_MAX = 5,
	PORT_MAX = 65535,
	SESSIONS_MAX_DEFAULT = 100000, /* as of the gateway */
};

/* --- failures -------------------------------------------------------------------------------- */

static int
exit_status_of(reprise_status status)
{
	return status == REPRISE_OK ? 0 : status == REPRISE_E_INVALID ? EXIT_USAGE : EXIT_FAILURE;
}

static int
say_log_failure(const struct serving *serving, reprise_status status,
		const struct reprise_error *error)
{
	static const char program[] = "reprise ";

	log_place_note(&serving->request.log);
	log_say_failure(serving->request.name + sizeof(program) - 1, NULL, status, error);
	return exit_status_of(status);
}

/* The library names no address, so all of them are printed. */
int
serving_say_failure(const struct serving *serving, reprise_status status,
		    const struct reprise_error *error)
{
	const struct reprise_gateway_options *const options = &serving->request.gateway;

	fprintf(stderr, "%s: ", serving->request.name);
	if (status == REPRISE_E_SYSTEM) {
		fputs("cannot listen on", stderr);
		for (size_t i = 0; i < options->listen_count; i++) {
			fputs(i > 0 ? ", " : " ", stderr);
			log_text_escaped(stderr, options->listen[i], strlen(options->listen[i]),
					 SIZE_MAX);
		}
		fprintf(stderr, ": %s: %s\n", error->what, strerror(error->os_error));
		return EXIT_FAILURE;
	}
	fprintf(stderr, "%s (%s)", reprise_status_text(status), reprise_status_name(status));
	if (error->what[0] != '\0')
		fprintf(stderr, "; %s", error->what);
	if (error->detail[0] != '\0') {
		fputs(": ", stderr);
		log_text_escaped(stderr, error->detail, strlen(error->detail), SIZE_MAX);
	}
	fputc('\n', stderr);
	return exit_status_of(status);
}

/* --- opening --------------------------------------------------------------------------------- */

static int
open_store(struct serving *serving)
{
	const struct serve_request *const request = &serving->request;
	const uint64_t sessions_max = request->gateway.sessions_max == 0
					      ? SESSIONS_MAX_DEFAULT
					      : request->gateway.sessions_max;
	/* With a log idle windows are evicted: the log has their events. */
	const struct reprise_store_options options = {
		.size = sizeof(options),
		.session = &request->session,
		.sessions_max = request->has_log ? sessions_max : 0,
	};
	struct reprise_error error = REPRISE_ERROR_INIT;
	const reprise_status status = reprise_store_open(&options, &serving->store, &error);

	return status == REPRISE_OK ? 0 : serving_say_failure(serving, status, &error);
}

/* The same host with a free port. An address without a good port stays, and is refused. */
static void
free_port_of(const char *address, char ret_text[SERVING_ADDRESS_ROOM])
{
	const char *const colon = strrchr(address, ':');
	const size_t digits = colon != NULL ? strspn(colon + 1, "0123456789") : 0;
	const bool has_port = digits > 0 && digits <= PORT_DIGITS_MAX &&
			      colon[1 + digits] == '\0' && strtol(colon + 1, NULL, 10) <= PORT_MAX;

	if (has_port && (size_t)(colon - address) < SERVING_ADDRESS_ROOM - sizeof(":0"))
		snprintf(ret_text, SERVING_ADDRESS_ROOM, "%.*s:0", (int)(colon - address), address);
	else
		snprintf(ret_text, SERVING_ADDRESS_ROOM, "%s", address);
}

/* Opens and closes a gateway with the same options on free ports, over an empty store. */
static int
judge(const struct serving *serving)
{
	struct reprise_gateway_options options = serving->request.gateway;
	char texts[SERVE_ADDRESSES_MAX][SERVING_ADDRESS_ROOM];
	const char *listen[SERVE_ADDRESSES_MAX];
	struct reprise_error error = REPRISE_ERROR_INIT;
	struct reprise_gateway *gateway = NULL;

	if (options.listen_count + serving->sockets_count > SERVE_ADDRESSES_MAX) {
		fprintf(stderr, "%s: at most %d addresses, with those of LISTEN_FDS\n",
			serving->request.name, SERVE_ADDRESSES_MAX);
		return EXIT_USAGE;
	}
	for (size_t i = 0; i < options.listen_count; i++) {
		free_port_of(options.listen[i], texts[i]);
		listen[i] = texts[i];
	}
	options.listen = listen;
	const reprise_status status =
		reprise_gateway_open(serving->store, &options, &gateway, &error);

	reprise_gateway_close(gateway);
	return status == REPRISE_OK ? 0 : serving_say_failure(serving, status, &error);
}

static int
open_log(struct serving *serving)
{
	const struct serve_request *const request = &serving->request;
	const struct reprise_recorder_options options = { .size = sizeof(options),
							  .tenant = request->gateway.tenant,
							  .linger_ns = request->linger_ns,
							  .reads_only =
								  request->gateway.reads_only };
	struct reprise_error error = REPRISE_ERROR_INIT;

	if (!request->has_log)
		return 0;
	reprise_status status = log_place_open(
		&request->log, options.reads_only != 0 ? LOG_ACCESS_READ : LOG_ACCESS_CREATE,
		&serving->log, &error);

	if (status == REPRISE_OK)
		status = reprise_recorder_open(serving->store, serving->log, &options,
					       &serving->recorder, &error);
	return status == REPRISE_OK ? 0 : say_log_failure(serving, status, &error);
}

/* A connection more, on a worker of the gateway. */
static reprise_status
open_one_more(void *context, struct reprise_log **ret_log, struct reprise_error *error)
{
	const struct serve_request *const request = context;

	return log_place_connect(&request->log,
				 request->gateway.reads_only != 0 ? LOG_ACCESS_READ
								  : LOG_ACCESS_WRITE,
				 ret_log, error);
}

static int
open_gateway(struct serving *serving)
{
	struct reprise_gateway_options *const options = &serving->request.gateway;
	struct reprise_error error = REPRISE_ERROR_INIT;

	options->listen_fds = serving->sockets;
	options->listen_fds_count = serving->sockets_count;
	if (serving->recorder != NULL) {
		options->recorder = serving->recorder;
		options->open_log = open_one_more;
		options->open_log_context = &serving->request;
	}
	options->write_line = serve_log_write;
	options->write_line_context = &serving->lines;
	reprise_status status =
		reprise_gateway_open(serving->store, options, &serving->gateway, &error);

	if (serving->takes_free_port && status == REPRISE_E_SYSTEM &&
	    error.os_error == EADDRINUSE) {
		snprintf(serving->address, sizeof(serving->address), "127.0.0.1:0");
		status = reprise_gateway_open(serving->store, options, &serving->gateway, &error);
	}
	return status == REPRISE_OK ? 0 : serving_say_failure(serving, status, &error);
}

/* Without an address, the usual one. */
static void
complete_address(struct serving *serving)
{
	struct serve_request *const request = &serving->request;

	serving->takes_free_port = false;
	if (request->gateway.listen_count + serving->sockets_count > 0)
		return;
	snprintf(serving->address, sizeof(serving->address), "127.0.0.1:%d", SERVE_PORT);
	request->addresses[request->gateway.listen_count++] = serving->address;
	serving->takes_free_port = request->may_move;
}

int
serving_open(struct serving *serving)
{
	complete_address(serving);
	serve_memory_open(&serving->memory);
	int status = open_store(serving);

	if (status == 0)
		status = judge(serving);
	if (status == 0)
		status = open_log(serving);
	if (status == 0)
		status = open_gateway(serving);
	return status;
}

/* --- closing --------------------------------------------------------------------------------- */

static void
close_recorder(struct serving *serving)
{
	struct serving_records *const records = &serving->records;

	*records = (struct serving_records){ .status = REPRISE_OK,
					     .stats = REPRISE_RECORDER_STATS_INIT };
	if (serving->recorder != NULL)
		records->status =
			reprise_recorder_close_with_stats(serving->recorder, &records->stats);
	records->is_whole = records->status == REPRISE_OK && records->stats.lost == 0;
}

bool
serving_close(struct serving *serving)
{
	reprise_gateway_close(serving->gateway);
	close_recorder(serving);
	const reprise_status status = reprise_store_close(serving->store);

	if (status != REPRISE_OK)
		fprintf(stderr, "%s: cannot close the store: %s (%s)\n", serving->request.name,
			reprise_status_text(status), reprise_status_name(status));
	else
		reprise_log_close(serving->log);
	serve_memory_close(&serving->memory);
	return status == REPRISE_OK;
}
