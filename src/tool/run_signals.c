/* SPDX-License-Identifier: MIT */
/*
 * Signals come as records of a signalfd, so that no handler is needed and dispositions stay as they
 * were inherited. Faults, SIGPIPE and the signals that stop a process for its use of the terminal
 * are not held back.
 */
#include "tool/run_signals.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "tool/run_child.h"

enum {
	RECORDS = 16, /* taken at once */
};

static const int not_held[] = { SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGTRAP, SIGSYS,  SIGABRT,
				SIGPIPE, SIGTTIN, SIGTTOU, SIGPROF, SIGXCPU, SIGXFSZ, SIGVTALRM };

bool
run_signals_open(struct run_signals *signals)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	const struct sigaction usual = { .sa_handler = SIG_DFL };
	sigset_t held;

	*signals = (struct run_signals){ .fd = -1 };
	sigfillset(&held);
	for (size_t i = 0; i < sizeof(not_held) / sizeof(not_held[0]); i++)
		sigdelset(&held, not_held[i]);
	sigaction(SIGPIPE, &ignore, &signals->pipe_before);
	/* Ignored, the end of the command would leave no exit status. */
	sigaction(SIGCHLD, &usual, &signals->child_before);
	pthread_sigmask(SIG_BLOCK, &held, &signals->before);
	signals->fd = signalfd(-1, &held, SFD_CLOEXEC | SFD_NONBLOCK);
	return signals->fd >= 0;
}

void
run_signals_close(struct run_signals *signals)
{
	if (signals->fd >= 0)
		close(signals->fd);
	signals->fd = -1;
}

void
run_signals_restore(const struct run_signals *signals)
{
	sigaction(SIGPIPE, &signals->pipe_before, NULL);
	sigaction(SIGCHLD, &signals->child_before, NULL);
	pthread_sigmask(SIG_SETMASK, &signals->before, NULL);
}

/* Whether the kernel has sent the signal to the command, too, as to the whole group. */
static bool
is_of_terminal(const struct signalfd_siginfo *record)
{
	if (record->ssi_code != SI_KERNEL)
		return false;
	switch (record->ssi_signo) {
	case SIGHUP:
		/* Of a terminal that is gone the leader of the session alone is told. */
		return getsid(0) != getpid();
	case SIGINT:
	case SIGQUIT:
	case SIGTSTP:
	case SIGCONT:
	case SIGWINCH:
		return true;
	default:
		return false; /* such as SIGALRM of a timer that outlived an exec */
	}
}

static bool
is_ignored(int number)
{
	struct sigaction now;

	return sigaction(number, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

static bool
is_end(int number)
{
	return (number == SIGTERM || number == SIGINT || number == SIGHUP || number == SIGQUIT) &&
	       !is_ignored(number);
}

static void
forward(const struct signalfd_siginfo *record, const struct run_child *child)
{
	const int number = (int)record->ssi_signo;
	const union sigval value = { .sival_int = record->ssi_int };

	if (record->ssi_code == SI_QUEUE)
		(void)sigqueue(child->pid, number, value);
	else
		(void)kill(child->pid, number);
}

/* A command that has signalled its whole group has the signal already. */
static bool
is_own(const struct signalfd_siginfo *record, const struct run_child *child)
{
	return record->ssi_code != SI_KERNEL &&
	       (record->ssi_pid == (uint32_t)child->pid || record->ssi_pid == (uint32_t)getpid());
}

static void
take_record(struct run_signals *signals, struct run_child *child,
	    const struct signalfd_siginfo *record)
{
	const int number = (int)record->ssi_signo;

	if (number == SIGCHLD) {
		run_child_look(child);
		return;
	}
	if (child->is_over) {
		signals->stops += is_end(number) ? 1 : 0;
		return;
	}
	if (is_own(record, child))
		return;
	if (number == SIGWINCH && child->is_terminal) {
		run_child_resize(child);
		return;
	}
	if (is_of_terminal(record))
		return;
	if (is_end(number) && number != SIGINT)
		signals->was_told_to_end = true;
	forward(record, child);
}

void
run_signals_take(struct run_signals *signals, struct run_child *child)
{
	struct signalfd_siginfo records[RECORDS];
	ssize_t got;

	do {
		got = read(signals->fd, records, sizeof(records));
		for (ssize_t i = 0; i < got / (ssize_t)sizeof(records[0]); i++)
			take_record(signals, child, &records[i]);
	} while (got == (ssize_t)sizeof(records));
}

void
run_signals_die_by(int number)
{
	const struct sigaction usual = { .sa_handler = SIG_DFL };
	const struct rlimit none = { 0 };
	sigset_t one;

	setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0); /* a program that takes core files asks no limit */
	sigaction(number, &usual, NULL);
	sigemptyset(&one);
	sigaddset(&one, number);
	pthread_sigmask(SIG_UNBLOCK, &one, NULL);
	raise(number);
}
