/* SPDX-License-Identifier: MIT */
#include "tool/top.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "tool/arguments.h"
#include "tool/interrupt.h"
#include "tool/log_output.h"
#include "tool/top_cell.h"
#include "tool/top_request.h"

#ifdef TOOL_HAS_CLIENT

static bool
goes_on(void *context)
{
	(void)context;
	return !interrupt_happened();
}

static int
show(const struct top_request *request, struct top_source *source)
{
	int exit_status;

#ifdef TOOL_HAS_NCURSES
	const bool is_live = !request->is_once && !request->is_json && isatty(STDOUT_FILENO) &&
			     isatty(STDIN_FILENO);

	top_cell_begin(!is_live);
	if (is_live && top_screen(request, source, &exit_status) == TOP_SHOWN)
		return exit_status;
#else
	top_cell_begin(true);
#endif
	log_output_begin();
	interrupt_admit();
	exit_status = top_plain(request, source);
	return log_output_end(exit_status);
}

int
top_command(int argc, char **argv)
{
	struct top_request request;

	if (!top_arguments(argc, argv, &request)) {
		fputs("Run 'reprise top --help' for the arguments.\n", stderr);
		return EXIT_USAGE;
	}
	const struct client_options options = { .command = "reprise top",
						.token_file = request.token_file,
						.ca_file = request.ca_file };
	struct top_source source = { .client = client_open(&options),
				     .address = request.address,
				     .goes_on = goes_on };

	if (source.client == NULL)
		return EXIT_USAGE;
	interrupt_catch_output();
	const int status = show(&request, &source);
	const int ended_by = interrupt_number();

	client_close(source.client);
	return ended_by != 0 ? 128 + ended_by : status;
}

#else

int
top_command(int argc, char **argv)
{
	struct top_request request;

	(void)top_arguments(argc, argv, &request); /* refuses every argument */
	return EXIT_USAGE;
}

#endif
