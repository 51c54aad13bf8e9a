/* SPDX-License-Identifier: MIT */
/*
 * The command's process, as run_child.h describes it. run_terminal.c makes the output.
 */
#include "tool/run_child.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tool/log_text.h"
#include "tool/run_signals.h"
#include "tool/run_terminal.h"

enum {
	EXIT_NOT_EXECUTABLE = 126, /* as of a shell */
	EXIT_NOT_FOUND = 127,
	EXIT_NOT_BEGUN = 125,
	TERMINAL_CAPACITY = 128 << 10, /* above the buffers of a pseudo terminal */
	PATH_ROOM = 4096,
};

/* --- finding the command --------------------------------------------------------------------- */

static int
say_fault(const char *command, int fault)
{
	fputs("reprise run: ", stderr);
	log_text_escaped(stderr, command, strlen(command), SIZE_MAX);
	fprintf(stderr, ": %s\n", fault == ENOENT ? "no such command" : strerror(fault));
	return fault == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}

/* 0, or the errno of an exec. */
static int
try_file(const char *path)
{
	struct stat status;

	if (stat(path, &status) != 0)
		return errno == ENOTDIR ? ENOENT : errno;
	if (S_ISDIR(status.st_mode))
		return EACCES;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

/* As execvp looks: a file that cannot be executed is passed over, and remembered. */
static int
search_path(const char *command)
{
	const char *path = getenv("PATH");
	int fault = ENOENT;
	char file[PATH_ROOM];

	if (path == NULL)
		path = "/bin:/usr/bin";
	for (;;) {
		const size_t folder_bytes = strcspn(path, ":");
		const int length = snprintf(file, sizeof(file), "%.*s%s%s", (int)folder_bytes, path,
					    folder_bytes > 0 ? "/" : "", command);
		const int tried =
			length > 0 && length < (int)sizeof(file) ? try_file(file) : ENAMETOOLONG;

		if (tried == 0)
			return 0;
		if (tried == EACCES)
			fault = EACCES;
		if (path[folder_bytes] == '\0')
			return fault;
		path += folder_bytes + 1;
	}
}

int
run_child_find(const char *command)
{
	const int fault = strchr(command, '/') != NULL ? try_file(command) : search_path(command);

	return fault == 0 ? 0 : say_fault(command, fault);
}

/* --- the fork -------------------------------------------------------------------------------- */

/*
 * Notes the descriptors beyond standard error that an exec would keep. This program closes its
 * copies, so that a lock or a pipe that the command gives up is given up.
 */
static void
note_inherited(struct run_child *child)
{
	DIR *const folder = opendir("/proc/self/fd");
	const struct dirent *entry;

	while (folder != NULL && child->inherited_count < RUN_INHERITED_MAX &&
	       (entry = readdir(folder)) != NULL) {
		const int fd = (int)strtol(entry->d_name, NULL, 10);
		const int flags = fd > STDERR_FILENO ? fcntl(fd, F_GETFD) : -1;

		if (flags >= 0 && (flags & FD_CLOEXEC) == 0)
			child->inherited[child->inherited_count++] = fd;
	}
	if (folder != NULL)
		closedir(folder);
}

static void
close_inherited(struct run_child *child)
{
	const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (size_t i = 0; i < child->inherited_count; i++)
		close(child->inherited[i]);
	child->inherited_count = 0;
	/* The input is the command's alone. */
	if (nothing >= 0)
		dup3(nothing, STDIN_FILENO, O_CLOEXEC);
	if (nothing > STDERR_FILENO)
		close(nothing);
}

/* The child: waits for the word, and becomes the command. Without a word the program is gone. */
static _Noreturn void
become(const struct run_child *child, int output, int word, int fault, char **command,
       const struct run_signals *signals)
{
	char byte;
	ssize_t got;
	int failure;

	run_signals_restore(signals);
	close(child->word);
	close(child->fault);
	do
		got = read(word, &byte, 1);
	while (got < 0 && errno == EINTR);
	if (got != 1 || dup2(output, STDOUT_FILENO) < 0)
		_exit(EXIT_NOT_BEGUN);
	execvp(command[0], command);
	failure = errno;
	_exit(write(fault, &failure, sizeof(failure)) < 0 ? EXIT_NOT_BEGUN : EXIT_NOT_FOUND);
}

static void
close_both(const int pipe[2])
{
	close(pipe[0]);
	close(pipe[1]);
}

static bool
fork_with(struct run_child *child, int output, char **command, const struct run_signals *signals)
{
	int word[2], fault[2];

	if (pipe2(word, O_CLOEXEC) != 0)
		return false;
	if (pipe2(fault, O_CLOEXEC) != 0) {
		close_both(word);
		return false;
	}
	child->word = word[1];
	child->fault = fault[0];
	child->pid = fork();
	if (child->pid == 0)
		become(child, output, word[0], fault[1], command, signals);
	close(word[0]);
	close(fault[1]);
	if (child->pid > 0)
		return true;
	child->pid = 0;
	close(word[1]);
	close(fault[0]);
	return false;
}

bool
run_child_fork(struct run_child *child, bool takes_pipe, char **command,
	       const struct run_signals *signals)
{
	int end = -1;

	*child = (struct run_child){ .output = -1 };
	note_inherited(child);
	child->is_terminal = !takes_pipe && isatty(STDOUT_FILENO) == 1;
	if (!(child->is_terminal ? run_terminal_open(&child->output, &end)
				 : run_terminal_open_pipe(&child->output, &end)))
		return false;
	const bool is_forked = fork_with(child, end, command, signals);
	const int failure = errno;

	close(end);
	if (is_forked)
		close_inherited(child);
	else
		run_child_close_output(child);
	errno = failure;
	return is_forked;
}

/* --- the life of the command ----------------------------------------------------------------- */

int
run_child_begin(struct run_child *child, const char *command)
{
	const char word = 1;
	int failure = 0;
	ssize_t got;

	/* A child that a signal has ended by now takes no word. */
	if (write(child->word, &word, 1) != 1)
		failure = 0;
	close(child->word);
	do
		got = read(child->fault, &failure, sizeof(failure));
	while (got < 0 && errno == EINTR);
	close(child->fault);
	return got == (ssize_t)sizeof(failure) ? say_fault(command, failure) : 0;
}

static void
note_end(struct run_child *child, const siginfo_t *news)
{
	child->is_over = true;
	child->is_killed = news->si_code != CLD_EXITED;
	child->status = news->si_status;
}

void
run_child_abandon(struct run_child *child)
{
	siginfo_t news = { .si_pid = 0 };

	close(child->word);
	close(child->fault);
	if (!child->is_over && waitid(P_PID, (id_t)child->pid, &news, WEXITED) == 0)
		note_end(child, &news);
	child->is_over = true;
	run_child_close_output(child);
}

/*
 * A shell looks at this program alone: the program stops when the command was stopped by the key,
 * and goes on with the command. In a group without a shell the system ignores the signal.
 */
static void
stop_along(const struct run_child *child)
{
	sigset_t one;

	sigemptyset(&one);
	sigaddset(&one, SIGTSTP);
	pthread_sigmask(SIG_UNBLOCK, &one, NULL);
	raise(SIGTSTP);
	pthread_sigmask(SIG_BLOCK, &one, NULL);
	(void)kill(child->pid, SIGCONT);
}

void
run_child_look(struct run_child *child)
{
	siginfo_t news = { .si_pid = 0 };

	if (child->is_over ||
	    waitid(P_PID, (id_t)child->pid, &news, WEXITED | WSTOPPED | WNOHANG) != 0 ||
	    news.si_pid == 0)
		return;
	if (news.si_code == CLD_STOPPED) {
		if (news.si_status == SIGTSTP)
			stop_along(child);
		return;
	}
	note_end(child, &news);
}

void
run_child_resize(const struct run_child *child)
{
	if (!run_terminal_copy_size(child->output))
		return;
	/* The signal of the terminal came before the size, so the group is told again. */
	(void)kill(0, SIGWINCH);
	if (getpgid(child->pid) != getpgrp())
		(void)kill(child->pid, SIGWINCH);
}

size_t
run_child_capacity(const struct run_child *child)
{
	const int capacity = child->is_terminal ? -1 : fcntl(child->output, F_GETPIPE_SZ);

	return capacity > 0 ? (size_t)capacity : TERMINAL_CAPACITY;
}

void
run_child_close_output(struct run_child *child)
{
	if (child->output >= 0)
		close(child->output);
	child->output = -1;
}
