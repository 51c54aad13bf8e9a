/* SPDX-License-Identifier: MIT */
#ifndef TOOL_ARGUMENTS_H
#define TOOL_ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>

/* The options of `reprise demo`. */
struct demo_options {
	uint64_t rate;     /* events a second and session */
	uint64_t seconds;  /* of appending; 0: until interrupted */
	bool is_scale;     /* many hosts on few threads */
	uint64_t sessions; /* of a scale run */
	uint64_t hosts;    /* per session of a scale run */
	bool is_worker;    /* a conversation's worker, instead of sessions and hosts */
	bool kills;        /* the worker, again and again */
	bool is_nats;      /* thread documents that are buffered, instead of sessions and hosts */
	bool is_cluster;   /* of three servers */
	bool is_serve;     /* sessions over HTTP */
	const char *log;   /* borrowed: a file, or NULL */
	char **files;      /* borrowed; one session each, or in rotation */
	int files_count;   /* 0: the output of a command */
};

enum {
	EXIT_USAGE = 2,
};

/* Parses the arguments from "demo" on. False: an argument is wrong, and stderr has the reason. */
bool demo_arguments(int argc, char **argv, struct demo_options *ret_options);

extern const char demo_usage[];

#endif /* TOOL_ARGUMENTS_H */
