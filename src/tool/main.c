/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include <reprise/reprise.h>

#include "tool/arguments.h"
#include "tool/conversation_command.h"
#include "tool/demo.h"
#include "tool/log_command.h"
#include "tool/log_request.h"
#include "tool/thread_command.h"

int
main(int argc, char **argv)
{
	struct demo_options options;

	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		printf("reprise %s\n", reprise_version());
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		printf("%s\n%s\n%s\n%s", usage, log_usage, conversation_usage, thread_usage);
		return 0;
	}
	if (argc >= 2 && strcmp(argv[1], "log") == 0)
		return log_command(argc - 1, argv + 1);
	if (argc >= 2 && strcmp(argv[1], "conversation") == 0)
		return conversation_command(argc - 1, argv + 1);
	if (argc >= 2 && strcmp(argv[1], "thread") == 0)
		return thread_command(argc - 1, argv + 1);
	if (argc >= 2 && strcmp(argv[1], "demo") == 0 &&
	    demo_arguments(argc - 1, argv + 1, &options))
		return demo_run(&options);
	fputs(usage, stderr);
	return EXIT_USAGE;
}
