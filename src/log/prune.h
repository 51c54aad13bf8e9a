/* SPDX-License-Identifier: MIT */
#ifndef LOG_PRUNE_H
#define LOG_PRUNE_H

/*
 * Retention inside (contract L54). prune.c has the call and visits the keys; prune_key.c prunes one
 * key to limits of its own; prune_sum.c finds the keys that lose entries to the limits over the
 * sum of all keys.
 */

#include <reprise/log_upkeep.h>

#include "log/adapter.h"

/* No limit of a key: 0 is the limit at which every entry goes. */
#define PRUNE_NO_LIMIT UINT64_MAX

/* The entries that a key keeps. */
struct prune_limits {
	uint64_t entries_max;   /* the newest ordinals; PRUNE_NO_LIMIT: all */
	uint64_t bytes_max;     /* payload bytes; PRUNE_NO_LIMIT: all */
	uint64_t through_least; /* ordinals up to here go in any case */
	uint64_t through_most;  /* ordinals above are left alone */
	bool takes_newest;      /* bytes_max also removes the newest entry */
};

/* A key after its pruning. */
struct prune_left {
	bool is_kept;       /* left to the owner */
	bool was_pruned;    /* ordinals were archived */
	bool is_weighed;    /* the fields below are set */
	uint64_t head;      /* the newest ordinal */
	uint64_t through;   /* the last archived ordinal */
	uint64_t bytes;     /* of the payloads that are left; 0 unless a limit of bytes is asked */
	uint64_t newest_ns; /* the time of the newest entry, if one is left */
};

/* A key with entries, for the limits over the sum. */
struct prune_summand {
	char thread[REPRISE_SESSION_ID_BYTES_MAX + 1];
	struct prune_left left;
};

struct prune_sum {
	struct prune_summand *keys; /* owned */
	size_t count, room;
	uint64_t entries, bytes;
};

struct pruning {
	struct reprise_log *log;
	const char *tenant;
	struct reprise_log_retention retention;
	uint64_t oldest_ns;           /* entries of before are too old; 0: none is */
	uint64_t due_ns;              /* of CLOCK_MONOTONIC; UINT64_MAX: never */
	const atomic_u32 *is_stopped; /* 1: no other transaction begins; NULL: nobody stops it */
	struct reprise_log_pruned pruned;
	struct prune_sum sum;
	reprise_status status; /* which ended the visit */
	bool is_damaged;       /* a key was left as it is; its words are the first's */
	struct reprise_error first;
};

/* Exported, as the names of adapter.h are, for the recorder. */
#define log_retention_read reprise_private_log_retention_read
#define log_prune          reprise_private_log_prune

/*
 * Copies a retention of a program. REPRISE_E_INVALID, and the field's name, for a bad one.
 */
REPRISE_API reprise_status log_retention_read(const struct reprise_log_retention *given,
					      struct reprise_log_retention *ret_retention,
					      struct reprise_error *error);

/*
 * reprise_log_prune with a retention of log_retention_read. Once *is_stopped is 1, no other
 * transaction begins, and the answer is not complete. *ret_pruned is set in any case; its size is 0
 * if the keys could not be listed to the end.
 */
REPRISE_API reprise_status log_prune(struct reprise_log *log, const char *tenant,
				     const struct reprise_log_retention *retention,
				     const atomic_u32 *is_stopped,
				     struct reprise_log_pruned *ret_pruned,
				     struct reprise_error *error);

/* Whether no other transaction is to begin. */
bool prune_is_due(const struct pruning *pruning);

/* Notes the failure of a key; answers whether the other keys are pruned all the same. */
bool prune_note(struct pruning *pruning, const char *thread, reprise_status status,
		const struct reprise_error *error);

/* Archives and deletes the entries of the key beyond @limits, or beyond the retention's age. */
reprise_status prune_key(struct pruning *pruning, const struct reprise_log_key *key,
			 const struct prune_limits *limits, struct prune_left *ret_left,
			 struct reprise_error *error);

/* Whether the retention has a limit over the sum. */
bool prune_has_sum(const struct reprise_log_retention *retention);

/* Adds a pruned key to the sum; false without memory. */
bool prune_sum_add(struct prune_sum *sum, const char *thread, const struct prune_left *left);

/* Prunes keys until the sum is within the limits. */
void prune_sum_within(struct pruning *pruning);

void prune_sum_free(struct prune_sum *sum);

#endif /* LOG_PRUNE_H */
