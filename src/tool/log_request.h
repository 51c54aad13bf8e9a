/* SPDX-License-Identifier: MIT */
#ifndef TOOL_LOG_REQUEST_H
#define TOOL_LOG_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "tool/log_place.h"
#include "tool/thread_nats.h"

enum log_verb {
	LOG_VERB_LS,
	LOG_VERB_CAT,
	LOG_VERB_TAIL,
	LOG_VERB_ARCHIVE,
	LOG_VERB_VERIFY,
	LOG_VERB_FORK,
	LOG_VERB_DROP,
	LOG_VERB_PRUNE,
	LOG_VERB_ERASE,
	LOG_VERB_TENANTS,
	LOG_VERB_CONVERSATION_LS,
	LOG_VERB_CONVERSATION_SHOW,
	LOG_VERB_THREAD_LS,
	LOG_VERB_THREAD_CAT,
	LOG_VERB_THREAD_DELTAS,
	LOG_VERB_THREAD_RECOVER,
	LOG_VERB_THREAD_DEAD,
};

/* The arguments of `reprise log`, `reprise conversation` or `reprise thread`. */
struct log_request {
	enum log_verb verb;
	char name[32]; /* such as "log cat" */
	struct log_place place;
	const char *tenant;
	bool is_json;
	bool follows;     /* tail */
	bool has_after;   /* deltas: --after was given */
	bool has_drop;    /* dead: --drop was given */
	uint64_t after;   /* cat: ordinals above; deltas: versions; dead: numbers of letters */
	uint64_t limit;   /* the greatest number; cat: of entries; deltas: of deltas */
	uint64_t last;    /* tail: the number of ordinals */
	uint64_t before;  /* archive: up to this ordinal */
	bool has_through; /* fork: --through was given */
	bool takes_open;  /* drop, erase: --open */
	bool takes_all;   /* prune, erase: --all */
	bool is_quick;    /* erase: --no-vacuum */
	/*
	 * prune: the number of ordinals of a thread; 0: no limit. Age, bytes and
	 * deadline are below.
	 */
	uint64_t max_entries;
	uint64_t tenant_entries; /* prune: ordinals of all threads; 0: no limit */
	uint64_t tenant_bytes;   /* prune: payload bytes of all threads; 0: no limit */
	uint64_t through;        /* fork: up to this ordinal */
	uint64_t drop;           /* dead: the number of a letter */
	uint64_t horizon_ms;     /* recover, dead: the horizon of the store; 0: the default */
	struct thread_nats nats; /* recover, dead */
	char **threads;          /* borrowed */
	int threads_count;
};

/*
 * Parses the arguments from "log", "conversation" or "thread" on. False: an argument is wrong, and
 * stderr has the reason.
 */
bool log_request_parse(int argc, char **argv, struct log_request *ret_request);

extern const char log_usage[];

#endif /* TOOL_LOG_REQUEST_H */
