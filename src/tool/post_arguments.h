/* SPDX-License-Identifier: MIT */
#ifndef TOOL_POST_ARGUMENTS_H
#define TOOL_POST_ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "tool/address.h"

/* The arguments of `reprise post`. Texts are borrowed from the arguments. */
struct post_request {
	struct address address; /* with a session */
	const char *token_file, *ca_file;
	const char *kind_field; /* or NULL */
	const char *wait;       /* "recorded", "none", or NULL: the gateway's default */
	uint16_t kind;          /* without a kind of the line */
	uint64_t revision;
	bool is_json;   /* each line is JSON, which the gateway checks */
	bool is_commit; /* the last event has the flag COMMIT */
	bool has_end;   /* the session ends with the last event */
	int32_t end_status;
	uint64_t give_up_ms; /* of the attempts for one request */
};

/* Parses the arguments from "post" on. False: an argument is wrong, and stderr has the reason. */
bool post_arguments(int argc, char **argv, struct post_request *ret_request);

extern const char post_usage[];

#endif /* TOOL_POST_ARGUMENTS_H */
