/* SPDX-License-Identifier: MIT */
#ifndef LOG_PROCESS_H
#define LOG_PROCESS_H

/*
 * A handle belongs to the process that opened it. All open handles are in one list. A handler of
 * pthread_atfork walks the list in the child and has each adapter give up what a child shares with
 * its parent: locks of open files, and connections.
 */

#include <stdbool.h>

#include <reprise/base.h>

struct reprise_log;

/* Adds @log to the list. False: memory for the fork's handler could not be had. */
bool process_add(struct reprise_log *log);
/* Removes @log, unless it is an ancestor's. */
void process_remove(struct reprise_log *log);

/* Whether this process has opened @log. One system call. */
bool process_has_opened(const struct reprise_log *log);

/* Exported, since adapters call them. */
#define process_block_forks reprise_private_log_process_block_forks
#define process_allow_forks reprise_private_log_process_allow_forks

/*
 * No fork of this process happens between these two, so that a child finds every descriptor in its
 * handle. Short: fork() waits.
 */
REPRISE_API void process_block_forks(void);
REPRISE_API void process_allow_forks(void);

#endif /* LOG_PROCESS_H */
