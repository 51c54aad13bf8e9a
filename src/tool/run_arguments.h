/* SPDX-License-Identifier: MIT */
#ifndef TOOL_RUN_ARGUMENTS_H
#define TOOL_RUN_ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "tool/serve_arguments.h"

enum {
	RUN_SESSION_ROOM = 129, /* a session id with its NUL */
};

/* The options of `reprise run` beside those of the gateway. Texts are borrowed. */
struct run_request {
	char session_id[RUN_SESSION_ROOM]; /* as given, or made of the command's name */
	const char *kind_field;            /* NULL: every line has the kind 0 */
	char **command;                    /* with a NULL behind */
	bool takes_pipe;                   /* the command's output is a pipe in any case */
	bool has_stay;
	uint64_t stay_ms; /* how long the session stays served; without has_stay: see run.c */
	uint64_t wait_ns; /* how long a line waits for the log */
	bool is_quiet;    /* the address is not told */
	uint64_t lines_events_max, lines_bytes_max; /* the bounds of the session's window */
};

/*
 * Parses the arguments from "run" on. False: an argument is wrong, and stderr has the reason.
 * @ret_serve refers to its own arrays, and must not be copied.
 */
bool run_arguments(int argc, char **argv, struct serve_request *ret_serve,
		   struct run_request *ret_request);

extern const char run_usage[];

#endif /* TOOL_RUN_ARGUMENTS_H */
