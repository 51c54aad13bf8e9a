/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <reprise/reprise.h>

#include "tool/arguments.h"
#include "tool/conversation_command.h"
#include "tool/demo.h"
#include "tool/log_command.h"
#include "tool/log_request.h"
#include "tool/serve.h"
#include "tool/serve_arguments.h"
#include "tool/thread_command.h"

static const char usage[] =
	"usage: reprise COMMAND [ARGUMENT ...]\n"
	"\n"
	"  demo          runs a runtime and hosts that stay, drop, lag and come late\n"
	"  serve         serves sessions over HTTP, and takes events by POST\n"
	"  log           lists, prints, archives and verifies the sessions in a log\n"
	"  conversation  lists the conversations in a log, and shows the progress of one\n"
	"  thread        lists and prints thread documents, and recovers buffered deltas\n"
	"\n"
	"  reprise COMMAND --help   the arguments of a command\n"
	"  reprise --help           the arguments of all commands\n"
	"  reprise --version        the version\n";

/* Prints the help of one command. False: the arguments do not ask for help. */
static bool
print_help(int argc, char **argv)
{
	static const struct {
		const char *command, *usage;
	} helps[] = { { "demo", demo_usage },
		      { "serve", serve_usage },
		      { "log", log_usage },
		      { "conversation", conversation_usage },
		      { "thread", thread_usage } };

	if (argc != 3 || strcmp(argv[2], "--help") != 0)
		return false;
	for (size_t i = 0; i < sizeof(helps) / sizeof(helps[0]); i++) {
		if (strcmp(argv[1], helps[i].command) != 0)
			continue;
		fputs(helps[i].usage, stdout);
		return true;
	}
	return false;
}

static int
serve(int argc, char **argv)
{
#ifdef TOOL_HAS_GATEWAY
	return serve_command(argc, argv);
#else
	struct serve_request request;

	(void)serve_arguments(argc, argv, &request); /* refuses every argument */
	return EXIT_USAGE;
#endif
}

int
main(int argc, char **argv)
{
	struct demo_options options;

	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		printf("reprise %s\n", reprise_version());
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		printf("%s\n%s\n%s\n%s\n%s\n%s", usage, demo_usage, serve_usage, log_usage,
		       conversation_usage, thread_usage);
		return 0;
	}
	if (print_help(argc, argv))
		return 0;
	if (argc >= 2 && strcmp(argv[1], "serve") == 0)
		return serve(argc - 1, argv + 1);
	if (argc >= 2 && strcmp(argv[1], "log") == 0)
		return log_command(argc - 1, argv + 1);
	if (argc >= 2 && strcmp(argv[1], "conversation") == 0)
		return conversation_command(argc - 1, argv + 1);
	if (argc >= 2 && strcmp(argv[1], "thread") == 0)
		return thread_command(argc - 1, argv + 1);
	if (argc < 2 || strcmp(argv[1], "demo") != 0) {
		if (argc >= 2)
			fprintf(stderr, "reprise: unknown command '%s'\n", argv[1]);
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	if (demo_arguments(argc - 1, argv + 1, &options))
		return demo_run(&options);
	fputs("Run 'reprise demo --help' for the arguments.\n", stderr);
	return EXIT_USAGE;
}
