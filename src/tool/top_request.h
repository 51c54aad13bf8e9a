/* SPDX-License-Identifier: MIT */
#ifndef TOOL_TOP_REQUEST_H
#define TOOL_TOP_REQUEST_H

/* The arguments of `reprise top`, and the two ways of showing samples. */

#include "tool/top_take.h"

struct top_request {
	struct address address;
	const char *token_file, *ca_file;
	enum top_column column; /* the order of the rows */
	bool is_once, is_json;
	uint64_t interval_ms;
};

/* False: an argument is wrong, and stderr has the reason. */
bool top_arguments(int argc, char **argv, struct top_request *ret_request);

/* Lines on standard output: a block for each sample, or one block. Answers the exit status. */
int top_plain(const struct top_request *request, struct top_source *source);

enum top_shown {
	TOP_SHOWN,
	TOP_NOT_SHOWN, /* the terminal cannot: nothing was printed */
};

/* A table on the terminal, until the user ends the program. */
enum top_shown top_screen(const struct top_request *request, struct top_source *source,
			  int *ret_exit_status);

#endif /* TOOL_TOP_REQUEST_H */
