/* SPDX-License-Identifier: MIT */
/* H21: the tick of a server; and H15: the descriptors that a server opens. */
#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "host.h"

SUITE(http_tick);

#define END       " HTTP/1.1\r\nHost: h\r\n\r\n"
#define NS_PER_MS UINT64_C(1000000)

static bool
has_ticks(struct host *host, int ticks)
{
	return host->ticks >= ticks;
}

Test(http_tick, H21_a_tick_comes_once_a_period)
{
	const uint64_t began = clock_ns();
	struct host *const host = host_start(&(struct http_options){ .tick_ms = 20 });
	const int fd = client_open(host);
	uint64_t seen;

	for (int ticks = 1; ticks <= 10; ticks++) {
		wait_until(has_ticks, host, ticks);
		seen = (uint64_t)host->ticks;
		cr_assert(le(u64, seen, (clock_ns() - began) / (20 * NS_PER_MS)));
		/* Requests go on in between. */
		client_send(fd, "GET /1" END);
		expect_has(client_read(fd, "\r\n\r\n1"), "200");
	}
	close(fd);
	host_stop(host);
	expect_no_leaks();
}

Test(http_tick, H21_a_loop_that_was_late_makes_one_call)
{
	const uint64_t began = clock_ns();
	struct host *const host = host_start(&(struct http_options){ .tick_ms = 10 });
	int ticks;

	wait_until(has_ticks, host, 1);
	host->tick_sleep_ms = 300;
	wait_until(has_ticks, host, host->ticks + 2);
	host->tick_sleep_ms = 0;
	wait_until(has_ticks, host, host->ticks + 5);
	ticks = host->ticks;
	/* A call of 300 ms hides at least 29 multiples. */
	cr_assert(le(u64, (uint64_t)ticks + 29, (clock_ns() - began) / (10 * NS_PER_MS)));
	host_stop(host);
}

Test(http_tick, H21_a_tick_goes_on_during_a_drain)
{
	struct host *const host = host_start(&(struct http_options){ .tick_ms = 5 });
	const int held = client_open(host);

	client_send(held, "GET /hold" END);
	wait_until(has_requests, host, 1);
	host_drain(host, 10000);
	wait_until(has_shutdowns, host, 1);
	wait_until(has_ticks, host, host->ticks + 3);
	host_release(host);
	expect_has(client_read(held, NULL), "held");
	close(held);
	host_join(host);
	expect_no_leaks();
}

static int
count_timers(void)
{
	DIR *const folder = opendir("/proc/self/fd");
	const struct dirent *entry;
	int count = 0;

	cr_assert(folder != NULL);
	while ((entry = readdir(folder)) != NULL) {
		char path[300], target[64] = "";

		snprintf(path, sizeof(path), "/proc/self/fd/%s", entry->d_name);
		if (readlink(path, target, sizeof(target) - 1) > 0)
			count += strcmp(target, "anon_inode:[timerfd]") == 0;
	}
	closedir(folder);
	return count;
}

Test(http_tick, H21_a_server_without_a_tick_has_no_timer)
{
	const struct http_handler without = { .on_request = ignore_request };
	const struct http_handler with = { .on_request = ignore_request, .on_tick = ignore_tick };
	const struct http_options ticking = { .tick_ms = 1 };
	struct http_server *server;

	cr_assert(eq(int, http_server_open(NULL, &with, &server, NULL), REPRISE_OK));
	cr_assert(eq(int, count_timers(), 0));
	http_server_close(server);
	cr_assert(eq(int, http_server_open(&ticking, &without, &server, NULL), REPRISE_OK));
	cr_assert(eq(int, count_timers(), 0));
	http_server_close(server);
	cr_assert(eq(int, http_server_open(&ticking, &with, &server, NULL), REPRISE_OK));
	cr_assert(eq(int, count_timers(), 1));
	http_server_close(server);
	cr_assert(eq(int, count_timers(), 0));
}

Test(http_tick, H15_a_server_without_its_descriptors_is_not_opened)
{
	const struct http_handler handler = { .on_request = ignore_request,
					      .on_tick = ignore_tick };
	const struct http_options options = { .tick_ms = 1 };
	struct reprise_error error = REPRISE_ERROR_INIT;
	struct http_server *server;
	struct rlimit before, few;
	reprise_status status = REPRISE_E_SYSTEM;
	const int first = dup(0);
	int refused = 0;

	close(first);
	getrlimit(RLIMIT_NOFILE, &before);
	few = before;
	for (few.rlim_cur = (rlim_t)first; status == REPRISE_E_SYSTEM; few.rlim_cur++) {
		setrlimit(RLIMIT_NOFILE, &few);
		status = http_server_open(&options, &handler, &server, &error);
		setrlimit(RLIMIT_NOFILE, &before);
		cr_assert(eq(int, count_timers(), status == REPRISE_OK));
		refused += status == REPRISE_E_SYSTEM;
	}
	cr_assert(eq(int, status, REPRISE_OK));
	/* The eventfd, the timerfd, and libevent's own. */
	cr_assert(ge(int, refused, 3));
	http_server_close(server);
}
