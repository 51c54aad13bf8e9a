/* SPDX-License-Identifier: MIT */
#ifndef LOG_HANDLE_H
#define LOG_HANDLE_H

/* The common part of a log's calls: their arguments, and a look at one key. */

#include "log/adapter.h"

/* A tenant or a thread: 1 to 128 bytes of valid UTF-8 without control characters. */
bool name_is_good(const char *name);

/* A blob's name: 1 to 64 bytes of the same. */
bool blob_name_is_good(const char *name);

/* For the room conversation, too. */
#define handle_check reprise_private_log_handle_check

/*
 * E_INVALID, naming the argument, unless the handle and the key are good. E_FORKED if the handle
 * is another process's.
 */
REPRISE_API reprise_status handle_check(const struct reprise_log *log,
					const struct reprise_log_key *key,
					struct reprise_error *error);

/*
 * Takes the handle's lock for one call, and gives it back. In between the thread is not cancelled.
 */
void log_lock(struct reprise_log *log);
void log_unlock(struct reprise_log *log);

/*
 * Takes the handle's lock and looks at a key. An id of 0, as of a key whose first write was
 * refused: nothing was ever written. look_end gives the lock back, and follows in any case.
 */
reprise_status look_begin(struct reprise_log *log, const struct reprise_log_key *key,
			  struct log_head *ret_head, struct reprise_error *error);
void look_end(struct reprise_log *log);

/* The last life, as others know it: its end is the head. */
struct reprise_life head_life(const struct log_head *head);

void stats_fill(struct reprise_log_stats *stats, const struct log_head *head);

/* E_CORRUPT, and what is wrong. */
reprise_status corrupt(struct reprise_error *error, const char *what);

#endif /* LOG_HANDLE_H */
