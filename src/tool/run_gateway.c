/* SPDX-License-Identifier: MIT */
#include "tool/run_gateway.h"

#include <errno.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <reprise/gateway.h>

/* The signals are held back in the thread that calls run_gateway_begin, and so in this one. */
static void *
serve(void *argument)
{
	struct run_gateway *const run = argument;
	struct reprise_error error = REPRISE_ERROR_INIT;

	run->status = reprise_gateway_run(run->gateway, &error);
	if (run->status != REPRISE_OK)
		fprintf(stderr, "reprise run: the session is not served any more: %s (%s)\n",
			reprise_status_text(run->status), reprise_status_name(run->status));
	(void)eventfd_write(run->done, 1);
	return NULL;
}

bool
run_gateway_begin(struct run_gateway *run, struct reprise_gateway *gateway)
{
	*run = (struct run_gateway){ .gateway = gateway, .done = eventfd(0, EFD_CLOEXEC) };
	if (run->done < 0)
		return false;
	errno = pthread_create(&run->thread, NULL, serve, run);
	run->has_thread = errno == 0;
	return run->has_thread;
}

void
run_gateway_stop(const struct run_gateway *run, uint32_t drain_ms)
{
	const reprise_status status =
		run->has_thread ? reprise_gateway_stop(run->gateway, drain_ms) : REPRISE_OK;

	if (status != REPRISE_OK)
		fprintf(stderr, "reprise run: the gateway cannot be stopped: %s (%s)\n",
			reprise_status_text(status), reprise_status_name(status));
}

void
run_gateway_join(struct run_gateway *run)
{
	if (run->has_thread)
		pthread_join(run->thread, NULL);
	run->has_thread = false;
	if (run->done >= 0)
		close(run->done);
	run->done = -1;
}

bool
run_gateway_had_clients(const struct run_gateway *run)
{
	struct reprise_gateway_stats stats = REPRISE_GATEWAY_STATS_INIT;

	return reprise_gateway_stats(run->gateway, &stats) == REPRISE_OK && stats.requests > 0;
}
