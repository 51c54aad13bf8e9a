/* SPDX-License-Identifier: MIT */
#ifndef TOOL_SERVE_ARGUMENTS_H
#define TOOL_SERVE_ARGUMENTS_H

#include <stdbool.h>

#include <reprise/gateway.h>
#include <reprise/store.h>

#include "tool/log_place.h"

enum {
	SERVE_ADDRESSES_MAX = 8, /* with the sockets of a service manager */
	SERVE_ORIGINS_MAX = 64,
	SERVE_PORT = 8470,
};

/* The options of `reprise serve`. All texts are borrowed from the arguments. */
struct serve_request {
	const char *name;                       /* the prefix of errors: "reprise serve" */
	struct reprise_gateway_options gateway; /* without a recorder and descriptors */
	struct reprise_session_options session; /* the bounds of every window */
	struct log_place log;
	bool has_log;
	uint64_t linger_ns; /* of the recorder; 0: the default */
	uint32_t drain_ms;
	bool may_move; /* to a free port, if another program has the usual one */
	const char *addresses[SERVE_ADDRESSES_MAX];
	const char *origins[SERVE_ORIGINS_MAX];
};

/*
 * Parses the arguments from "serve" on. @ret_request refers to its own arrays, and must not be
 * copied. False: an argument is wrong, and stderr has the reason.
 */
bool serve_arguments(int argc, char **argv, struct serve_request *ret_request);

extern const char serve_usage[];

#endif /* TOOL_SERVE_ARGUMENTS_H */
