/* SPDX-License-Identifier: MIT */
#ifndef TOOL_RUN_CHILD_H
#define TOOL_RUN_CHILD_H

/*
 * The command of `reprise run`. The child is forked before the program has a thread or a file of
 * the log, waits for a word, and executes the command then. (rules V83, V84)
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct run_signals;

enum {
	RUN_INHERITED_MAX = 64,
};

struct run_child {
	pid_t pid;        /* 0: none */
	int output;       /* the end that the program reads; -1: closed */
	int word, fault;  /* pipes: the word to begin, and the errno of a failed exec; -1: closed */
	bool is_terminal; /* the output is a pseudo terminal */
	bool is_over;
	bool is_killed;                   /* by the signal `status` */
	int status;                       /* of the end */
	int inherited[RUN_INHERITED_MAX]; /* descriptors that the command alone is meant to have */
	size_t inherited_count;
};

/* 0, or the exit status with which a shell would refuse the command; stderr has the reason. */
int run_child_find(const char *command);

/* Forks. False: errno says why. The child does not return. */
bool run_child_fork(struct run_child *child, bool takes_pipe, char **command,
		    const struct run_signals *signals);

/* 0, or the exit status of a failed exec; stderr has the reason. */
int run_child_begin(struct run_child *child, const char *command);

/* Ends a child that has not begun. If a signal has ended the child before, the child is killed. */
void run_child_abandon(struct run_child *child);

/* Takes the end of the command; stops this process if the command was stopped from the terminal. */
void run_child_look(struct run_child *child);

/* Gives the pseudo terminal the size of the terminal, and tells the process group. */
void run_child_resize(const struct run_child *child);

/* The most bytes that the output can hold unread. */
size_t run_child_capacity(const struct run_child *child);

void run_child_close_output(struct run_child *child);

#endif /* TOOL_RUN_CHILD_H */
