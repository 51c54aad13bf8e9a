/* SPDX-License-Identifier: MIT */

/* A host in a libuv loop: uv_poll on the subscription's descriptor. */

#include <uv.h>

#include "runtime.h"

struct host {
	uv_poll_t poll;
	struct reprise_subscription *subscription;
	unsigned long delivered, lost;
};

static void
closed(uv_handle_t *poll)
{
	struct host *const host = poll->data;

	/* Not before: libuv has let go of the descriptor now. */
	reprise_subscription_close(host->subscription);
}

static void
readable(uv_poll_t *poll, int status, int events)
{
	struct host *const host = poll->data;
	struct reprise_event event;
	struct reprise_gap gap;

	(void)status, (void)events;
	/*
	 * So many at a time: what is left keeps the descriptor readable, and others get their turn.
	 */
	for (int i = 0; i < 256; i++) {
		switch (reprise_next(host->subscription, &event, &gap, NULL)) {
		case REPRISE_NEXT_EVENT:
			host->delivered++;
			break;
		case REPRISE_NEXT_GAP:
			host->lost += gap.lost;
			break;
		case REPRISE_NEXT_EMPTY:
			return;
		case REPRISE_NEXT_ENDED:
			uv_poll_stop(poll);
			uv_close((uv_handle_t *)poll, closed);
			return;
		}
	}
}

int
main(void)
{
	struct runtime runtime;
	struct host host = { 0 };
	uv_loop_t loop;
	int fd;

	runtime_open(&runtime);
	host.subscription = runtime.host;
	MUST(reprise_subscription_fd(host.subscription, &fd, NULL));
	host.poll.data = &host;
	if (uv_loop_init(&loop) != 0 || uv_poll_init(&loop, &host.poll, fd) != 0 ||
	    uv_poll_start(&host.poll, UV_READABLE, readable) != 0)
		must_failed("libuv");
	runtime_start(&runtime);
	uv_run(&loop, UV_RUN_DEFAULT); /* until the handle is closed */
	uv_loop_close(&loop);
	return runtime_close(&runtime, host.delivered, host.lost);
}
