/* SPDX-License-Identifier: MIT */
#include "tool/serve_signals.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include <reprise/gateway.h>

static const int numbers[] = { SIGTERM, SIGINT, SIGHUP };

/* One thread alone takes the signals, so plain words are enough. */
static struct reprise_gateway *served;
static const struct serve_manager *told;
static uint32_t drain_in_force_ms;

static void
stop(void)
{
	const uint32_t drain_ms = drain_in_force_ms;

	drain_in_force_ms = 0;
	if (reprise_gateway_stop(served, drain_ms) == REPRISE_OK && told != NULL)
		serve_manager_tell_stop(told);
}

static void
reload(void)
{
	if (reprise_gateway_reload(served) == REPRISE_OK && told != NULL)
		serve_manager_tell_reload(told);
}

static void
take_signal(int number)
{
	const int saved = errno;

	if (served != NULL && number == SIGHUP)
		reload();
	else if (served != NULL)
		stop();
	errno = saved;
}

static void
mask_signals(int how)
{
	sigset_t signals;

	sigemptyset(&signals);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaddset(&signals, numbers[i]);
	pthread_sigmask(how, &signals, NULL);
}

void
serve_signals_catch(struct reprise_gateway *gateway, uint32_t drain_ms,
		    const struct serve_manager *manager)
{
	struct sigaction action = { .sa_handler = take_signal };

	mask_signals(SIG_BLOCK);
	served = gateway;
	told = manager;
	drain_in_force_ms = drain_ms;
	action.sa_flags = SA_RESTART;
	/* No handler interrupts another one. */
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaddset(&action.sa_mask, numbers[i]);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaction(numbers[i], &action, NULL);
	mask_signals(SIG_UNBLOCK);
}

void
serve_signals_release(void)
{
	mask_signals(SIG_BLOCK);
	served = NULL;
	mask_signals(SIG_UNBLOCK);
}

void
serve_signals_block(void)
{
	mask_signals(SIG_BLOCK);
}
