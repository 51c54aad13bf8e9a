/* SPDX-License-Identifier: MIT */
#include "tool/tail.h"

#include <stdio.h>

#include "tool/arguments.h"
#include "tool/interrupt.h"
#include "tool/log_output.h"
#include "tool/tail_arguments.h"
#include "tool/tail_http.h"
#include "tool/tail_log.h"

int
tail_command(int argc, char **argv)
{
	struct tail_request request;

	if (!tail_arguments(argc, argv, &request)) {
		fputs("Run 'reprise tail --help' for the arguments.\n", stderr);
		return EXIT_USAGE;
	}
	log_output_begin();
	interrupt_catch_output();
	interrupt_admit();
	return request.is_url ? tail_http(&request) : tail_log(&request);
}
