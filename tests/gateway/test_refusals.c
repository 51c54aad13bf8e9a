/* SPDX-License-Identifier: MIT */
/*
 * V40 to V49: the errors that a client gets before a stream begins, each provoked over a socket.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <reprise/session.h>

#include "client.h"
#include "log_sqlite/scratch.h"

TestSuite(refusals, .fini = scratch_remove, .timeout = 60);

#define JSON "Content-Type: application/json\r\n"

/* Until the gateway's own log has the piece: for 10 s. */
static bool
comes_line(struct place *place, const char *piece)
{
	for (int i = 0; i < 10000; i++) {
		if (place_has_line(place, piece))
			return true;
		usleep(1000);
	}
	return false;
}

/* A log that cannot be opened, in the words of a database. */
static reprise_status
fail_to_open(void *place, struct reprise_log **ret_log, struct reprise_error *error)
{
	(void)place;
	*ret_log = NULL;
	*error = (struct reprise_error)REPRISE_ERROR_INIT;
	error->status = REPRISE_E_IO;
	snprintf(error->what, sizeof(error->what), "PQconnectdb");
	snprintf(error->detail, sizeof(error->detail), "password of user \"x\" at 10.0.0.7");
	return REPRISE_E_IO;
}

Test(refusals, V40_the_words_of_the_log_are_for_the_gateways_own_log_alone)
{
	static const struct {
		const char *method, *target, *body;
	} requests[] = {
		{ "POST", "/v1/sessions/s/events", "1" },
		{ "POST", "/v1/sessions/s/end", "" },
		{ "DELETE", "/v1/sessions/s", NULL },
		{ "GET", "/v1/sessions/s/cursor", NULL },
		{ "GET", "/v1/sessions/s/events", NULL },
		{ "GET", "/v1/sessions", NULL },
		{ "GET", "/v1/sessions/s/events?limit=1", NULL },
	};
	const struct reprise_gateway_options options = { .size = sizeof(options),
							 .open_log = fail_to_open };
	const struct place_setup setup = { .has_log = true, .gateway = &options };
	struct place *const place = place_open(&setup);

	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
		const struct reply reply =
			ask(place, requests[i].method, requests[i].target, JSON, requests[i].body);

		expect_error(&reply, 503, "log_unavailable");
		cr_assert(strstr(reply.body, "\"detail\":null") != NULL, "%s: %s",
			  requests[i].target, reply.body);
		cr_assert(reply_field(&reply, "Retry-After") != NULL);
	}
	cr_assert(comes_line(place, "\"event\":\"request_failed\",\"status\":\"REPRISE_E_IO\","
				    "\"what\":\"PQconnectdb\",\"detail\":\"password"));
	place_close(place);
}
