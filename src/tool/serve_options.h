/* SPDX-License-Identifier: MIT */
#ifndef TOOL_SERVE_OPTIONS_H
#define TOOL_SERVE_OPTIONS_H

/* The shared arguments of `reprise serve` and `reprise run`. */

#include <stdbool.h>
#include <stdint.h>

#include "tool/serve_arguments.h"

enum serve_command {
	SERVE_COMMAND_ANY, /* an option of both */
	SERVE_COMMAND_SERVE,
	SERVE_COMMAND_RUN,
};

enum serve_option {
	OPTION_LISTEN,
	OPTION_LOG,
	OPTION_SCHEMA,
	OPTION_TENANT,
	OPTION_READS_ONLY,
	OPTION_TOKEN_FILE,
	OPTION_INSECURE,
	OPTION_TLS_CERT,
	OPTION_TLS_KEY,
	OPTION_ORIGIN,
	OPTION_ROUTES,
	OPTION_NO_VIEWER,
	OPTION_QUIET,
	OPTION_SESSION,
	OPTION_KIND_FIELD,
	OPTION_PIPE,
	OPTION_EVENTS_MAX, /* the first with a number */
	OPTION_BYTES_MAX,
	OPTION_SESSIONS_MAX,
	OPTION_BODY_BYTES_MAX,
	OPTION_CONNECTIONS_MAX,
	OPTION_CONNECTIONS_PER_PEER_MAX,
	OPTION_REQUESTS_PER_SECOND,
	OPTION_RECORDED_WAIT,
	OPTION_HEARTBEAT,
	OPTION_LONG_POLL,
	OPTION_WORKERS,
	OPTION_LINGER, /* of the recorder: before a commit */
	OPTION_STAY,   /* --linger of `reprise run`: how long the session stays served */
	OPTION_DRAIN,
	OPTIONS_COUNT,
};

/* The options that getopt has found. A number is 0 where the option was not given. */
struct serve_given {
	const char *name; /* the prefix of errors: "reprise run" */
	uint64_t numbers[OPTIONS_COUNT];
	const char *log, *schema, *session_id, *kind_field;
	bool is_given[OPTIONS_COUNT];
};

/* Says the fault on stderr. Answers false. */
bool serve_refuse(const struct serve_given *given, const char *fault);

/* Takes the options; optind is then at the first word behind. False: stderr has the reason. */
bool serve_options_take(enum serve_command command, int argc, char **argv,
			struct serve_request *asked, struct serve_given *ret_given);

/* Judges the options together, and completes the request. False: stderr has the reason. */
bool serve_request_complete(struct serve_request *request, const struct serve_given *given);

#endif /* TOOL_SERVE_OPTIONS_H */
