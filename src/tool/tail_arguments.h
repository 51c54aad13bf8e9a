/* SPDX-License-Identifier: MIT */
#ifndef TOOL_TAIL_ARGUMENTS_H
#define TOOL_TAIL_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <reprise/cursor.h>
#include <reprise/subscription.h>

#include "tool/address.h"
#include "tool/log_place.h"

/* The arguments of `reprise tail`. Texts are borrowed from the arguments. */
struct tail_request {
	bool is_url;
	struct address address; /* of a URL; `session` is the session's id in both cases */
	struct log_place log;   /* without a URL */
	const char *tenant;
	const char *token_file, *ca_file;
	struct reprise_cursor cursor;
	bool has_cursor;
	bool is_from_newest;
	bool is_json;
	bool waits;     /* for a session that does not exist yet */
	bool is_once;   /* up to the newest event */
	bool has_kinds; /* otherwise every kind but that of control events */
	uint16_t kinds[REPRISE_KINDS_MAX];
	size_t kinds_count;
	uint64_t give_up_ms; /* without a stream; 0: never */
};

/* Parses the arguments from "tail" on. False: an argument is wrong, and stderr has the reason. */
bool tail_arguments(int argc, char **argv, struct tail_request *ret_request);

/* Whether an event of the kind is asked for. */
bool tail_wants(const struct tail_request *request, uint16_t kind);

extern const char tail_usage[];

#endif /* TOOL_TAIL_ARGUMENTS_H */
