/* SPDX-License-Identifier: MIT */
#ifndef CONTRACT_CONTRACT_H
#define CONTRACT_CONTRACT_H

/* The common part of the tests of the contract (C01 to C13). */

#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <reprise/log_blob.h>
#include <reprise/log_upkeep.h>
#include <reprise/session.h>

#include "adapter.h"
#include "log/write.h"
#include "support.h"

/* The key that most tests use: ("t", "k"); and another thread of the same tenant. */
extern const struct reprise_log_key k;
struct reprise_log_key key_of(const char *tenant, const char *thread);

/* Closes it, and fails the test if memory has leaked. */
void close_log(struct reprise_log *log);

struct reprise_log_new_entry entry_of(const char *text);
struct reprise_log_new_entry event_of(uint64_t revision, uint16_t flags);

/* Appends @count entries, each with its own ordinal as payload, and answers the head. */
reprise_ordinal append_count(struct reprise_log *log, const struct reprise_log_key *key,
			     size_t count);

/* As append_count, until @key has @head. */
void append_until_head(struct reprise_log *log, reprise_ordinal head);

reprise_ordinal head_of(struct reprise_log *log, const struct reprise_log_key *key);
struct reprise_log_stats stats_of(struct reprise_log *log, const struct reprise_log_key *key);

/* Loads once; every event must have its own ordinal as payload. Answers the entries' number. */
size_t load_own(struct reprise_log *log, const struct reprise_log_key *key, reprise_ordinal after,
		uint64_t limit, struct reprise_log_page *page);

/* Everything after @after is first .. head, page by page, each with its own ordinal. */
void expect_all(struct reprise_log *log, const struct reprise_log_key *key, reprise_ordinal after,
		reprise_ordinal first, reprise_ordinal head);

reprise_status load_status(struct reprise_log *log, const struct reprise_log_key *key,
			   reprise_ordinal after);

/* The two questions of revisions, of ("t", "k"). */
reprise_ordinal position_for(struct reprise_log *log, uint64_t revision);
bool has_commit(struct reprise_log *log, reprise_ordinal after, uint64_t revision);

/* Incarnations 1, 2, 3. */
struct reprise_incarnation life_name(unsigned char number);

/* Writes of the recorder's, of ("t", "k"), one in a call. */
reprise_status write_one(struct reprise_log *log, struct log_write *write);
reprise_status open_life(struct reprise_log *log, unsigned char incarnation);
reprise_status close_life(struct reprise_log *log, unsigned char incarnation);
reprise_status reopen_life(struct reprise_log *log, unsigned char incarnation);
reprise_status void_life(struct reprise_log *log, unsigned char incarnation);
reprise_status end_session(struct reprise_log *log, unsigned char incarnation, reprise_ordinal last,
			   int32_t status);
/* Positions first .. last, each with its own as payload. */
reprise_status record(struct reprise_log *log, unsigned char incarnation, reprise_ordinal first,
		      reprise_ordinal last);
reprise_status record_gap(struct reprise_log *log, unsigned char incarnation, reprise_ordinal first,
			  reprise_ordinal last);

/* Prunes every key of "t", of either kind, by the limits of @retention. */
struct reprise_log_pruned prune_by(struct reprise_log *log, struct reprise_log_retention retention);

/*
 * Gives the stored data of ("t", "k") right checksums, but for the rows: the checksums then no
 * longer reveal the damage.
 */
void seal(struct reprise_log *log);

/* Expects the faults of verify, with @what first at @at; no fault: "". */
void expect_fault(struct reprise_log *log, const char *what, reprise_ordinal at);

#endif /* CONTRACT_CONTRACT_H */
