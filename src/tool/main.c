/* SPDX-License-Identifier: MIT */

/* The program `reprise`: the table of commands, and the texts that name them. */

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <reprise/reprise.h>

#include "tool/arguments.h"
#include "tool/conversation_command.h"
#include "tool/demo.h"
#include "tool/doctor.h"
#include "tool/log_command.h"
#include "tool/log_request.h"
#include "tool/post.h"
#include "tool/post_arguments.h"
#include "tool/run.h"
#include "tool/run_arguments.h"
#include "tool/serve.h"
#include "tool/serve_arguments.h"
#include "tool/tail.h"
#include "tool/tail_arguments.h"
#include "tool/thread_command.h"
#include "tool/top.h"

/* --- commands of which a part may be left out of the build ------------------------------------ */

static int
demo(int argc, char **argv)
{
	struct demo_options options;

	if (demo_arguments(argc, argv, &options))
		return demo_run(&options);
	fputs("Run 'reprise demo --help' for the arguments.\n", stderr);
	return EXIT_USAGE;
}

/* Without the library of a command, its parser refuses every argument, and names the library. */
#ifndef TOOL_HAS_GATEWAY
int
serve_command(int argc, char **argv)
{
	struct serve_request request;

	(void)serve_arguments(argc, argv, &request);
	return EXIT_USAGE;
}

int
run_command(int argc, char **argv)
{
	struct serve_request serve;
	struct run_request request;

	(void)run_arguments(argc, argv, &serve, &request);
	return EXIT_USAGE;
}
#endif

#ifndef TOOL_HAS_CLIENT
int
post_command(int argc, char **argv)
{
	struct post_request request;

	(void)post_arguments(argc, argv, &request);
	return EXIT_USAGE;
}

int
tail_command(int argc, char **argv)
{
	struct tail_request request;

	(void)tail_arguments(argc, argv, &request);
	return EXIT_USAGE;
}
#endif

/* --- the table -------------------------------------------------------------------------------- */

static const struct command {
	const char *name, *about, *usage;
	int (*run)(int argc, char **argv); /* from the name of the command on */
} commands[] = {
	{ "demo", "runs a runtime and hosts that stay, drop, lag and come late", demo_usage, demo },
	{ "serve", "serves sessions over HTTP, and takes events by POST", serve_usage,
	  serve_command },
	{ "run", "runs a command, and serves the lines of its output as a session", run_usage,
	  run_command },
	{ "tail", "prints the events of a session, and resumes a lost stream", tail_usage,
	  tail_command },
	{ "post", "appends the lines of standard input to a session of a gateway", post_usage,
	  post_command },
	{ "top", "shows the sessions of a gateway, with their rates", top_usage, top_command },
	{ "log", "lists, prints, archives and verifies the sessions in a log", log_usage,
	  log_command },
	{ "conversation", "lists the conversations in a log, and shows the progress of one",
	  conversation_usage, conversation_command },
	{ "thread", "lists and prints thread documents, and recovers buffered deltas", thread_usage,
	  thread_command },
	{ "doctor", "checks the machine and a log, and says what would go wrong", doctor_usage,
	  doctor_command },
};

enum {
	COMMANDS_COUNT = sizeof(commands) / sizeof(*commands),
};

static void
print_usage(FILE *file)
{
	fputs("usage: reprise COMMAND [ARGUMENT ...]\n\n", file);
	for (int i = 0; i < COMMANDS_COUNT; i++)
		fprintf(file, "  %-12s  %s\n", commands[i].name, commands[i].about);
	fputs("\n"
	      "  reprise COMMAND --help   the arguments of a command\n"
	      "  reprise --help           the arguments of all commands\n"
	      "  reprise --version        the version\n",
	      file);
}

static int
run_named(int argc, char **argv)
{
	for (int i = 0; i < COMMANDS_COUNT; i++) {
		if (strcmp(argv[1], commands[i].name) != 0)
			continue;
		if (argc != 3 || strcmp(argv[2], "--help") != 0)
			return commands[i].run(argc - 1, argv + 1);
		fputs(commands[i].usage, stdout);
		return 0;
	}
	fprintf(stderr, "reprise: unknown command '%s'\n", argv[1]);
	print_usage(stderr);
	return EXIT_USAGE;
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		printf("reprise %s\n", reprise_version());
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		print_usage(stdout);
		for (int i = 0; i < COMMANDS_COUNT; i++)
			printf("\n%s", commands[i].usage);
		return 0;
	}
	if (argc < 2) {
		print_usage(stderr);
		return EXIT_USAGE;
	}
	return run_named(argc, argv);
}
