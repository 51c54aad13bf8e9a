/* SPDX-License-Identifier: MIT */
#ifndef TOOL_RUN_SIGNALS_H
#define TOOL_RUN_SIGNALS_H

/*
 * The signals of `reprise run`. Each signal that is sent to the program goes on to the command, as
 * if the command alone were there. A signal of the terminal has reached the command already, since
 * both are in one process group. (rule V84)
 */

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct run_child;

struct run_signals {
	int fd;                                     /* of signalfd; -1: closed */
	sigset_t before;                            /* the mask that the command inherits */
	struct sigaction pipe_before, child_before; /* the dispositions that the command inherits */
	bool was_told_to_end;                       /* by another process, while the command ran */
	uint32_t stops; /* signals that end a program, since the command's end */
};

/* Holds the signals back in this thread, and in threads that begin later. False: errno says why. */
bool run_signals_open(struct run_signals *signals);
void run_signals_close(struct run_signals *signals);

/* In the child: mask and dispositions as they were. */
void run_signals_restore(const struct run_signals *signals);

/* Takes the pending signals, and looks at the command if the command's state has changed. */
void run_signals_take(struct run_signals *signals, struct run_child *child);

/* Ends this process by a signal, without a second core file. Returns if the process goes on. */
void run_signals_die_by(int number);

#endif /* TOOL_RUN_SIGNALS_H */
