/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "client.h"
#include "log_sqlite/scratch.h"

#define TOKEN  "admin-token-0000000"
#define BEARER "Authorization: Bearer " TOKEN "\r\n"
#define EVENTS "/v1/sessions/a/events"

Test(counted, V27_requests_and_refusals_are_counted)
{
	struct place *const place = place_without_log();
	const struct reprise_gateway_stats before = place_stats(place);
	struct reprise_gateway_stats stats;
	struct reply reply;

	cr_assert(before.requests == 0 && before.refused == 0 && before.appended == 0);
	(void)post(place, "a", "1");
	reply = ask(place, "GET", EVENTS "?from=1", NULL, NULL);
	expect_error(&reply, 400, "bad_query");
	reply = ask(place, "GET", "/nowhere", NULL, NULL);
	expect_error(&reply, 404, "no_route");
	reply = ask(place, "PUT", EVENTS, NULL, NULL);
	cr_assert(eq(int, reply.status, 405));
	stats = place_stats(place);
	cr_assert(eq(u64, stats.requests, 4));
	cr_assert(eq(u64, stats.refused, 3));
	cr_assert(eq(u64, stats.appended, 1));
	cr_assert(eq(u64, stats.appends_recorded, 0));
	cr_assert(eq(u64, stats.accepted, 4));
	cr_assert(eq(u64, stats.streams, 0));
	cr_assert(eq(u64, stats.jobs, 0));
	place_close(place);
}

/* With a token a page of another site is no danger, and a type is judged for what it is. */
Test(counted, V11_a_form_is_no_event_and_a_plain_text_is_its_bytes)
{
	static const char *const forms[] = { "application/x-www-form-urlencoded",
					     "multipart/form-data; boundary=b",
					     "Application/X-WWW-Form-Urlencoded; charset=utf-8" };
	struct reprise_gateway_options options = REPRISE_GATEWAY_OPTIONS_INIT;
	const char *const file = scratch_path("tokens");
	const int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	const struct place_setup setup = { .gateway = &options };
	struct place *place;
	struct reply reply;
	char fields[256];

	cr_assert(fd >= 0 && dprintf(fd, TOKEN " default * admin\n") > 0);
	close(fd);
	options.token_file = file;
	place = place_open(&setup);
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		snprintf(fields, sizeof(fields), BEARER "Content-Type: %s\r\n", forms[i]);
		reply = ask(place, "POST", EVENTS, fields, "a=1");
		expect_error(&reply, 415, "unsupported_type");
	}
	reply = ask(place, "POST", EVENTS, BEARER "Content-Type: text/plain\r\n", "{ not JSON");
	cr_assert(eq(int, reply.status, 200), "%s", reply.body);
	reply = ask(place, "POST", EVENTS, BEARER, "no type");
	cr_assert(eq(int, reply.status, 200), "%s", reply.body);
	cr_assert(eq(u64, json_number(reply.body, "first"), 2));
	place_close(place);
	scratch_remove();
}
