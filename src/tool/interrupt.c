/* SPDX-License-Identifier: MIT */
#include "tool/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

enum {
	OUTPUT_SECONDS = 1,
};

static atomic_int interrupted_by; /* the signal; 0: none */
static atomic_bool has_dropped_output;
static int nothing = -1; /* /dev/null */

static void
note_signal(int number)
{
	atomic_store(&interrupted_by, number);
}

static void
note_and_time(int number)
{
	note_signal(number);
	alarm(OUTPUT_SECONDS);
}

/* A write that waits answers EINTR, and the writes behind it go nowhere. */
static void
drop_output(int number)
{
	struct pollfd output = { .fd = STDOUT_FILENO, .events = POLLOUT };
	const int before = errno;

	(void)number;
	if (poll(&output, 1, 0) == 0 && dup2(nothing, STDOUT_FILENO) >= 0)
		atomic_store(&has_dropped_output, true);
	else
		alarm(OUTPUT_SECONDS);
	errno = before;
}

static void
mask_signals(int how)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	pthread_sigmask(how, &signals, NULL);
}

static void
catch_with(void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler };

	action.sa_flags = (int)(SA_RESETHAND | SA_RESTART);
	mask_signals(SIG_BLOCK);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

void
interrupt_catch(void)
{
	catch_with(note_signal);
}

void
interrupt_catch_output(void)
{
	const struct sigaction action = { .sa_handler = drop_output };

	nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (nothing < 0) {
		catch_with(note_signal);
		return;
	}
	sigaction(SIGALRM, &action, NULL); /* without SA_RESTART */
	catch_with(note_and_time);
}

bool
interrupt_has_dropped_output(void)
{
	return atomic_load(&has_dropped_output);
}

void
interrupt_admit(void)
{
	mask_signals(SIG_UNBLOCK);
}

void
interrupt_release(void)
{
	const struct sigaction action = { .sa_handler = SIG_DFL };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	mask_signals(SIG_UNBLOCK);
}

bool
interrupt_happened(void)
{
	return atomic_load(&interrupted_by) != 0;
}

int
interrupt_number(void)
{
	return atomic_load(&interrupted_by);
}
