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

/* What `reprise log`, `reprise conversation` or `reprise thread` was asked for. */
struct log_request {
	enum log_verb verb;
	const char *verb_name;
	struct log_place place;
	const char *tenant;
	bool is_json;
	bool follows;     /* tail */
	bool has_after;   /* deltas: --after was given */
	bool has_drop;    /* dead: --drop was given */
	uint64_t after;   /* cat: ordinals above it; deltas: versions; dead: sequences */
	uint64_t limit;   /* cat: entries at most; deltas: deltas */
	uint64_t last;    /* tail: so many ordinals */
	uint64_t before;  /* archive: ordinals up to it */
	bool has_through; /* fork: --through was given */
	bool takes_open;  /* drop, erase: --open */
	bool takes_all;   /* prune, erase: --all */
	bool is_quick;    /* erase: --no-vacuum */
	uint64_t
		max_entries; /* prune: ordinals of a thread; 0: no limit. Age, bytes and deadline are nats' */
	uint64_t through;        /* fork: ordinals up to it */
	uint64_t drop;           /* dead: the sequence of a letter */
	uint64_t horizon_ms;     /* recover, dead: the store's; 0: the default */
	struct thread_nats nats; /* recover, dead */
	char **threads;          /* borrowed */
	int threads_count;
};

/* The arguments from "log", "conversation" or "thread" on. False if they are no good; then it has said why, on stderr. */
bool log_request_parse(int argc, char **argv, struct log_request *ret_request);

extern const char log_usage[];

#endif /* TOOL_LOG_REQUEST_H */
