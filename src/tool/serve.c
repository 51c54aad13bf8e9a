/* SPDX-License-Identifier: MIT */

/*
 * `reprise serve`: a store, a log with a recorder, and a gateway, from the arguments to the exit
 * status. The parts are opened in the order store, log, recorder, gateway, and closed in the
 * opposite order. Before the log is opened, a gateway without a log judges the options, so that a
 * wrong option leaves no file behind. (rules V30 to V35)
 */

#include "tool/serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <reprise/gateway.h>

#include "tool/arguments.h"
#include "tool/log_output.h"
#include "tool/log_text.h"
#include "tool/serve_arguments.h"
#include "tool/serve_log.h"
#include "tool/serve_manager.h"
#include "tool/serve_memory.h"
#include "tool/serve_signals.h"

enum {
	ADDRESS_ROOM = 96,
	PORT_DIGITS_MAX = 5,
	PORT_MAX = 65535,
	SESSIONS_MAX_DEFAULT = 100000, /* as of the gateway */
};

struct serving {
	struct serve_request request;
	struct serve_manager manager;
	struct serve_log lines;
	struct serve_memory memory;
	struct reprise_store *store;
	struct reprise_log *log;
	struct reprise_recorder *recorder;
	struct reprise_gateway *gateway;
};

/* --- failures -------------------------------------------------------------------------------- */

static int
exit_status_of(reprise_status status)
{
	return status == REPRISE_OK ? 0 : status == REPRISE_E_INVALID ? EXIT_USAGE : EXIT_FAILURE;
}

static int
say_log_failure(const struct log_place *place, reprise_status status,
		const struct reprise_error *error)
{
	log_place_note(place);
	log_say_failure("serve", NULL, status, error);
	return exit_status_of(status);
}

/* The library names no address, so all of them are printed. */
static int
say_failure(const struct serving *serving, reprise_status status, const struct reprise_error *error)
{
	const struct reprise_gateway_options *const options = &serving->request.gateway;

	fputs("reprise serve: ", stderr);
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

	return status == REPRISE_OK ? 0 : say_failure(serving, status, &error);
}

/* The same host with a free port. An address without a good port stays, and is refused. */
static void
free_port_of(const char *address, char ret_text[ADDRESS_ROOM])
{
	const char *const colon = strrchr(address, ':');
	const size_t digits = colon != NULL ? strspn(colon + 1, "0123456789") : 0;
	const bool has_port = digits > 0 && digits <= PORT_DIGITS_MAX &&
			      colon[1 + digits] == '\0' && strtol(colon + 1, NULL, 10) <= PORT_MAX;

	if (has_port && (size_t)(colon - address) < ADDRESS_ROOM - sizeof(":0"))
		snprintf(ret_text, ADDRESS_ROOM, "%.*s:0", (int)(colon - address), address);
	else
		snprintf(ret_text, ADDRESS_ROOM, "%s", address);
}

/* Opens and closes a gateway with the same options on free ports, over an empty store. */
static int
judge(const struct serving *serving)
{
	struct reprise_gateway_options options = serving->request.gateway;
	char texts[SERVE_ADDRESSES_MAX][ADDRESS_ROOM];
	const char *listen[SERVE_ADDRESSES_MAX];
	struct reprise_error error = REPRISE_ERROR_INIT;
	struct reprise_gateway *gateway = NULL;

	if (options.listen_count + serving->manager.sockets_count > SERVE_ADDRESSES_MAX) {
		fprintf(stderr, "reprise serve: at most %d addresses, with those of LISTEN_FDS\n",
			SERVE_ADDRESSES_MAX);
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
	return status == REPRISE_OK ? 0 : say_failure(serving, status, &error);
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
	return status == REPRISE_OK ? 0 : say_log_failure(&request->log, status, &error);
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

	options->listen_fds = serving->manager.sockets;
	options->listen_fds_count = serving->manager.sockets_count;
	if (serving->recorder != NULL) {
		options->recorder = serving->recorder;
		options->open_log = open_one_more;
		options->open_log_context = &serving->request;
	}
	options->write_line = serve_log_write;
	options->write_line_context = &serving->lines;
	const reprise_status status =
		reprise_gateway_open(serving->store, options, &serving->gateway, &error);

	return status == REPRISE_OK ? 0 : say_failure(serving, status, &error);
}

static int
open_all(struct serving *serving)
{
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

/* False: events are not in the log. */
static bool
close_recorder(struct serving *serving)
{
	struct reprise_recorder_stats stats = REPRISE_RECORDER_STATS_INIT;

	if (serving->recorder == NULL)
		return true;
	const reprise_status status = reprise_recorder_close_with_stats(serving->recorder, &stats);

	if (status == REPRISE_OK && stats.lost == 0)
		return true;
	serve_log_unrecorded(&serving->lines, status, &stats);
	return false;
}

static int
close_all(struct serving *serving)
{
	reprise_gateway_close(serving->gateway);
	const bool is_recorded = close_recorder(serving);
	const reprise_status status = reprise_store_close(serving->store);

	if (status != REPRISE_OK)
		fprintf(stderr, "reprise serve: cannot close the store: %s (%s)\n",
			reprise_status_text(status), reprise_status_name(status));
	else
		reprise_log_close(serving->log);
	return is_recorded && status == REPRISE_OK ? 0 : EXIT_FAILURE;
}

/* --- serving --------------------------------------------------------------------------------- */

/* Prints the address of each socket, as the beginning of a URL. */
static int
print_addresses(struct serving *serving)
{
	const char *const scheme =
		serving->request.gateway.tls_certificate_file != NULL ? "https" : "http";
	char text[ADDRESS_ROOM];

	for (uint32_t i = 0;
	     reprise_gateway_address(serving->gateway, i, text, sizeof(text)) == REPRISE_OK; i++)
		printf("%s://%s\n", scheme, text);
	return log_output_end(0);
}

static int
run(struct serving *serving)
{
	struct reprise_error error = REPRISE_ERROR_INIT;

	serve_signals_catch(serving->gateway, serving->request.drain_ms, &serving->manager);
	int exit_status = print_addresses(serving);

	if (exit_status == 0) {
		serve_manager_tell_ready(&serving->manager);
		const reprise_status status = reprise_gateway_run(serving->gateway, &error);

		if (status != REPRISE_OK)
			exit_status = say_failure(serving, status, &error);
	}
	serve_signals_release();
	return exit_status;
}

int
serve_command(int argc, char **argv)
{
	static char address[ADDRESS_ROOM];
	struct serving serving = { 0 };

	if (!serve_arguments(argc, argv, &serving.request) ||
	    !serve_manager_take(&serving.manager)) {
		fputs("Run 'reprise serve --help' for the arguments.\n", stderr);
		return EXIT_USAGE;
	}
	if (serving.request.gateway.listen_count + serving.manager.sockets_count == 0) {
		snprintf(address, sizeof(address), "127.0.0.1:%d", SERVE_PORT);
		serving.request.addresses[serving.request.gateway.listen_count++] = address;
	}
	log_output_begin();
	serve_memory_open(&serving.memory);
	int status = open_all(&serving);

	if (status == 0)
		status = run(&serving);
	const int closed = close_all(&serving);

	serve_memory_close(&serving.memory);
	return status != 0 ? status : closed;
}
