/* SPDX-License-Identifier: MIT */
/* V28: the calls of reprise/gateway.h after a fork, and in threads that are cancelled. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cancelled.h"
#include "client.h"
#include "log_sqlite/scratch.h"

TestSuite(calls, .fini = scratch_remove, .timeout = 60);

static bool
is_refused_in_a_child(struct reprise_store *store)
{
	struct reprise_gateway *gateway = NULL;
	struct reprise_error error = REPRISE_ERROR_INIT;

	return reprise_gateway_open(store, NULL, &gateway, &error) == REPRISE_E_FORKED &&
	       error.status == REPRISE_E_FORKED && gateway == NULL;
}

Test(calls, V28_a_store_of_the_parent_is_not_served_by_a_child)
{
	struct place *const place = place_without_log();
	const pid_t child = fork();
	int status = -1;

	if (child == 0)
		_exit(is_refused_in_a_child(place->store) ? 0 : 1);
	cr_assert(eq(int, waitpid(child, &status, 0), child));
	cr_assert(eq(int, status, 0));
	place_close(place);
}

/* The child closes its descriptors alone: the parent's streams and appends go on. */
Test(calls, V28_a_child_that_closes_the_gateway_leaves_the_parent_alone)
{
	struct place *const place = place_with_log();
	struct client *const stream = stream_open(place, "/v1/sessions/s/events?wait=1", NULL);
	struct block block = stream_expect(stream, "hello");
	int status = -1;

	for (int i = 0; i < 3; i++) {
		const pid_t child = fork();

		if (child == 0) {
			reprise_gateway_close(place->gateway);
			_exit(0);
		}
		cr_assert(eq(int, waitpid(child, &status, 0), child));
		cr_assert(eq(int, status, 0));
		(void)post(place, "s", "1");
		do
			cr_assert(stream_next(stream, 10000, &block));
		while (block.data == NULL || strcmp(block.data, "1") != 0);
	}
	client_close(stream);
	place_close(place);
}

struct cancelled {
	struct reprise_store *store;
	struct reprise_gateway *gateway;
	char address[80];
	reprise_status status;
};

static void
open_it(void *argument)
{
	struct cancelled *const it = argument;

	it->status = reprise_gateway_open(it->store, NULL, &it->gateway, NULL);
}

static void
tell_address(void *argument)
{
	struct cancelled *const it = argument;

	it->status = reprise_gateway_address(it->gateway, 0, it->address, sizeof(it->address));
}

static void
stop_it(void *argument)
{
	struct cancelled *const it = argument;

	it->status = reprise_gateway_stop(it->gateway, 0);
}

static void
reload_it(void *argument)
{
	struct cancelled *const it = argument;

	it->status = reprise_gateway_reload(it->gateway);
}

static void
run_it(void *argument)
{
	struct cancelled *const it = argument;

	it->status = reprise_gateway_run(it->gateway, NULL);
}

static void
read_stats(void *argument)
{
	struct reprise_gateway_stats stats = REPRISE_GATEWAY_STATS_INIT;
	struct cancelled *const it = argument;

	it->status = reprise_gateway_stats(it->gateway, &stats);
}

static void
close_it(void *argument)
{
	struct cancelled *const it = argument;

	reprise_gateway_close(it->gateway);
}

Test(calls, V28_no_call_ends_a_cancelled_thread)
{
	static const struct {
		void (*call)(void *argument);
		const char *name;
	} calls[] = {
		{ open_it, "reprise_gateway_open" },
		{ tell_address, "reprise_gateway_address" },
		{ reload_it, "reprise_gateway_reload" },
		{ stop_it, "reprise_gateway_stop" },
		{ run_it, "reprise_gateway_run" },
		{ read_stats, "reprise_gateway_stats" },
		{ close_it, "reprise_gateway_close" },
	};
	struct place *const place = place_without_log();
	struct cancelled it = { .store = place->store };

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		expect_uncancelled(calls[i].call, &it, calls[i].name);
		cr_assert(eq(int, it.status, REPRISE_OK), "%s", calls[i].name);
	}
	place_close(place);
}
