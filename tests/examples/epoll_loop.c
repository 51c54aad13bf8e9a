/* SPDX-License-Identifier: MIT */

/* A host in an epoll loop: its subscription is one descriptor among others. */

#include <stdbool.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "runtime.h"

struct books {
	unsigned long delivered, lost;
};

/* Takes what there is; false when nothing will follow. */
static bool
take_all(struct reprise_subscription *host, struct books *books)
{
	struct reprise_event event;
	struct reprise_gap gap;

	for (;;) {
		switch (reprise_next(host, &event, &gap, NULL)) {
		case REPRISE_NEXT_EVENT:
			books->delivered++;
			break;
		case REPRISE_NEXT_GAP:
			books->lost += gap.lost;
			break;
		case REPRISE_NEXT_EMPTY: /* the descriptor is unreadable now, until there is more */
			return true;
		case REPRISE_NEXT_ENDED:
			return false;
		}
	}
}

int
main(void)
{
	struct runtime runtime;
	struct books books = { 0 };
	struct epoll_event asked = { .events = EPOLLIN }, ready;
	const int loop = epoll_create1(EPOLL_CLOEXEC);
	int fd;

	runtime_open(&runtime);
	MUST(reprise_subscription_fd(runtime.host, &fd, NULL));
	asked.data.ptr = runtime.host;
	if (loop < 0 || epoll_ctl(loop, EPOLL_CTL_ADD, fd, &asked) != 0)
		must_failed("epoll");
	runtime_start(&runtime);
	do {
		if (epoll_wait(loop, &ready, 1, -1) < 0)
			must_failed("epoll_wait");
	} while (take_all(ready.data.ptr, &books));

	epoll_ctl(loop, EPOLL_CTL_DEL, fd, NULL); /* before the library closes it */
	reprise_subscription_close(runtime.host);
	close(loop);
	return runtime_close(&runtime, books.delivered, books.lost);
}
