/* SPDX-License-Identifier: MIT */
#include "tool/interrupt.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

static atomic_bool is_interrupted;

static void
note_signal(int number)
{
	(void)number;
	atomic_store(&is_interrupted, true);
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

void
interrupt_catch(void)
{
	struct sigaction action = { .sa_handler = note_signal };

	action.sa_flags = (int)(SA_RESETHAND | SA_RESTART);
	mask_signals(SIG_BLOCK);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
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
	return atomic_load(&is_interrupted);
}
