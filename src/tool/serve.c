/* SPDX-License-Identifier: MIT */

/*
 * `reprise serve`, from the arguments to the exit status. serving.c opens and closes the parts.
 * (rules V30 to V35)
 */

#include "tool/serve.h"

#include <stdio.h>
#include <stdlib.h>

#include <reprise/gateway.h>

#include "tool/arguments.h"
#include "tool/log_output.h"
#include "tool/serve_arguments.h"
#include "tool/serve_manager.h"
#include "tool/serve_signals.h"
#include "tool/serving.h"

/* Prints the address of each socket, as the beginning of a URL. */
static int
print_addresses(struct serving *serving)
{
	const char *const scheme =
		serving->request.gateway.tls_certificate_file != NULL ? "https" : "http";
	char text[SERVING_ADDRESS_ROOM];

	for (uint32_t i = 0;
	     reprise_gateway_address(serving->gateway, i, text, sizeof(text)) == REPRISE_OK; i++)
		printf("%s://%s\n", scheme, text);
	return log_output_end(0);
}

static int
run(struct serving *serving, const struct serve_manager *manager)
{
	struct reprise_error error = REPRISE_ERROR_INIT;

	serve_signals_catch(serving->gateway, serving->request.drain_ms, manager);
	int exit_status = print_addresses(serving);

	if (exit_status == 0) {
		serve_manager_tell_ready(manager);
		const reprise_status status = reprise_gateway_run(serving->gateway, &error);

		if (status != REPRISE_OK)
			exit_status = serving_say_failure(serving, status, &error);
	}
	serve_signals_release();
	return exit_status;
}

/* The exit status of the closing. */
static int
close_all(struct serving *serving)
{
	const bool is_closed = serving_close(serving);
	const struct serving_records *const records = &serving->records;

	if (!records->is_whole)
		serve_log_unrecorded(&serving->lines, records->status, &records->stats);
	return is_closed && records->is_whole ? 0 : EXIT_FAILURE;
}

int
serve_command(int argc, char **argv)
{
	struct serving serving = { 0 };
	struct serve_manager manager;

	if (!serve_arguments(argc, argv, &serving.request) || !serve_manager_take(&manager)) {
		fputs("Run 'reprise serve --help' for the arguments.\n", stderr);
		return EXIT_USAGE;
	}
	serving.sockets = manager.sockets;
	serving.sockets_count = manager.sockets_count;
	log_output_begin();
	int status = serving_open(&serving);

	if (status == 0)
		status = run(&serving, &manager);
	const int closed = close_all(&serving);

	return status != 0 ? status : closed;
}
