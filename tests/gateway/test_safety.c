/* SPDX-License-Identifier: MIT */
/* V22 to V28 over sockets: who may ask, what each answer has, and the calls of a gateway. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
#include "log_sqlite/scratch.h"

TestSuite(safety, .fini = scratch_remove, .timeout = 60);

#define JSON  "Content-Type: application/json\r\n"
#define GUEST "guest-token-00001"
#define ADMIN "admin-token-00001"

static struct place *
place_with(const struct reprise_gateway_options *options)
{
	return place_open(&(struct place_setup){ .gateway = options });
}

static void
write_file(const char *path, const char *text)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	cr_assert(fd >= 0);
	cr_assert(eq(int, (int)write(fd, text, strlen(text)), (int)strlen(text)));
	close(fd);
}

Test(safety, V22_a_foreign_host_is_refused_on_every_path)
{
	static const char *const paths[] = { "/healthz",
					     "/readyz",
					     "/metrics",
					     "/v1/sessions",
					     "/v1/sessions/a/events",
					     "/nowhere",
					     "/",
					     "/viewer/viewer.css",
					     "/v1/sessions/a" };
	struct place *const place = place_without_log();
	struct client *client;
	struct reply reply;
	char request[256];

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: evil.example\r\n\r\n",
			 paths[i]);
		client = client_open(place);
		client_send(client, request);
		reply = client_receive(client);
		expect_error(&reply, 403, "foreign_host");
		client_close(client);
	}
	place_close(place);
}

Test(safety, V22_a_foreign_page_can_neither_write_nor_delete)
{
	struct place *const place = place_without_log();
	struct reply reply = post(place, "a", "1");

	reply = ask(place, "POST", "/v1/sessions/a/events", "Content-Type: text/plain\r\n", "1");
	expect_error(&reply, 403, "simple_type");
	reply = ask(place, "POST", "/v1/sessions/a/end", NULL, "{\"status\":1}");
	expect_error(&reply, 403, "simple_type");
	reply = ask(place, "POST", "/v1/sessions/a/events", JSON "Origin: https://evil.example\r\n",
		    "1");
	expect_error(&reply, 403, "foreign_origin");
	reply = ask(place, "DELETE", "/v1/sessions/a", "Origin: https://evil.example\r\n", NULL);
	expect_error(&reply, 403, "foreign_origin");
	reply = ask(place, "GET", "/v1/sessions/a/cursor", NULL, NULL);
	cr_assert(eq(u64, json_number(reply.body, "position"), 1));
	place_close(place);
}

Test(safety, V21_a_token_is_asked_for_and_permits_its_sessions)
{
	struct reprise_gateway_options options = REPRISE_GATEWAY_OPTIONS_INIT;
	const char *const file = scratch_path("tokens");
	struct place *place;
	struct reply reply;

	write_file(file, GUEST " default a-* read\n" ADMIN " default * admin\n");
	options.token_file = file;
	place = place_with(&options);
	reply = ask(place, "GET", "/v1/sessions", NULL, NULL);
	expect_error(&reply, 401, "token_missing");
	cr_assert(eq(str, (char *)reply_field(&reply, "WWW-Authenticate"), "Bearer"));
	reply = ask(place, "GET", "/v1/sessions", "Authorization: Bearer no-such-token-000\r\n",
		    NULL);
	expect_error(&reply, 401, "token_unknown");
	reply = ask(place, "POST", "/v1/sessions/a-1/events",
		    JSON "Authorization: Bearer " ADMIN "\r\n", "1");
	cr_assert(eq(int, reply.status, 200));
	reply = ask(place, "POST", "/v1/sessions/b-1/events",
		    JSON "Authorization: Bearer " ADMIN "\r\n", "1");
	cr_assert(eq(int, reply.status, 200));
	reply = ask(place, "POST", "/v1/sessions/a-1/events",
		    JSON "Authorization: Bearer " GUEST "\r\n", "1");
	expect_error(&reply, 403, "not_permitted");
	reply = ask(place, "GET", "/v1/sessions/b-1/cursor", "Authorization: Bearer " GUEST "\r\n",
		    NULL);
	expect_error(&reply, 403, "not_permitted");
	reply = ask(place, "GET", "/v1/sessions", "Authorization: Bearer " GUEST "\r\n", NULL);
	cr_assert(eq(int, reply.status, 200));
	cr_assert(ne(ptr, strstr(reply.body, "\"a-1\""), NULL));
	cr_assert(eq(ptr, strstr(reply.body, "\"b-1\""), NULL));
	reply = ask(place, "GET", "/healthz", NULL, NULL);
	cr_assert(eq(int, reply.status, 200));
	reply = ask(place, "GET", "/metrics", "Authorization: Bearer " GUEST "\r\n", NULL);
	expect_error(&reply, 403, "not_permitted");
	cr_assert(not(place_has_line(place, "token-0")));
	place_close(place);
}

Test(safety, V21_a_reload_takes_good_tokens_and_keeps_the_old_ones_otherwise)
{
	struct reprise_gateway_options options = REPRISE_GATEWAY_OPTIONS_INIT;
	const char *const file = scratch_path("tokens");
	struct place *place;

	write_file(file, GUEST " default * read\n");
	options.token_file = file;
	place = place_with(&options);
	write_file(file, "short default * read\n");
	cr_assert(eq(int, reprise_gateway_reload(place->gateway), REPRISE_OK));
	cr_assert(place_comes_line(place, "tokens_not_reloaded"));
	cr_assert(eq(int,
		     ask(place, "GET", "/v1/sessions", "Authorization: Bearer " GUEST "\r\n", NULL)
			     .status,
		     200));
	write_file(file, ADMIN " default * admin\n");
	cr_assert(eq(int, reprise_gateway_reload(place->gateway), REPRISE_OK));
	cr_assert(place_comes_line(place, "tokens_reloaded"));
	cr_assert(eq(int,
		     ask(place, "GET", "/v1/sessions", "Authorization: Bearer " GUEST "\r\n", NULL)
			     .status,
		     401));
	cr_assert(eq(int,
		     ask(place, "GET", "/v1/sessions", "Authorization: Bearer " ADMIN "\r\n", NULL)
			     .status,
		     200));
	place_close(place);
}

Test(safety, V25_every_answer_has_the_fields_of_safety)
{
	struct place *const place = place_without_log();
	struct reply reply = post(place, "a", "1");

	cr_assert(eq(str, (char *)reply_field(&reply, "X-Content-Type-Options"), "nosniff"));
	cr_assert(eq(str, (char *)reply_field(&reply, "Cache-Control"), "no-store"));
	reply = ask(place, "GET", "/nowhere", NULL, NULL);
	expect_error(&reply, 404, "no_route");
	cr_assert(eq(str, (char *)reply_field(&reply, "X-Content-Type-Options"), "nosniff"));
	cr_assert(eq(str, (char *)reply_field(&reply, "Cache-Control"), "no-store"));
	reply = ask(place, "PUT", "/v1/sessions/a/events", JSON, "1");
	expect_error(&reply, 405, "method_not_allowed");
	cr_assert(eq(str, (char *)reply_field(&reply, "Allow"), "GET, HEAD, POST, OPTIONS"));
	reply = ask(place, "GET", "/v1/sessions?color=red", NULL, NULL);
	expect_error(&reply, 400, "bad_query");
	place_close(place);
}

Test(safety, V26_a_preflight_of_a_listed_origin_alone_is_answered_with_leave)
{
	static const char *const origins[] = { "https://app.example" };
	struct reprise_gateway_options options = REPRISE_GATEWAY_OPTIONS_INIT;
	struct place *place;
	struct reply reply;

	options.origins = origins;
	options.origins_count = 1;
	place = place_with(&options);
	reply = ask(place, "OPTIONS", "/v1/sessions/a/events",
		    "Origin: https://app.example\r\nAccess-Control-Request-Method: POST\r\n", NULL);
	cr_assert(eq(int, reply.status, 204));
	cr_assert(eq(str, (char *)reply_field(&reply, "Access-Control-Allow-Origin"),
		     "https://app.example"));
	cr_assert(eq(str, (char *)reply_field(&reply, "Access-Control-Allow-Methods"),
		     "GET, HEAD, POST, OPTIONS"));
	cr_assert(ne(ptr,
		     strstr(reply_field(&reply, "Access-Control-Allow-Headers"), "Last-Event-ID"),
		     NULL));
	cr_assert(eq(str, (char *)reply_field(&reply, "Vary"), "Origin"));
	reply = ask(place, "OPTIONS", "/v1/sessions/a/events",
		    "Origin: https://evil.example\r\nAccess-Control-Request-Method: POST\r\n",
		    NULL);
	cr_assert(eq(int, reply.status, 204));
	cr_assert(eq(ptr, (void *)reply_field(&reply, "Access-Control-Allow-Origin"), NULL));
	cr_assert(eq(ptr, (void *)reply_field(&reply, "Access-Control-Allow-Methods"), NULL));
	reply = ask(place, "GET", "/nowhere", "Origin: https://app.example\r\n", NULL);
	cr_assert(eq(int, reply.status, 404));
	cr_assert(eq(str, (char *)reply_field(&reply, "Access-Control-Allow-Origin"),
		     "https://app.example"));
	place_close(place);
}

Test(safety, V27_health_readiness_and_metrics_are_told)
{
	struct place *const place = place_with_log();
	struct reply reply = post(place, "a", "1");

	cr_assert(eq(int, reply.status, 200), "%s", reply.body);
	reply = ask(place, "GET", "/healthz", NULL, NULL);
	cr_assert(eq(int, reply.status, 200));
	cr_assert(eq(str, (char *)json_text(reply.body, "status"), "ok"));
	reply = ask(place, "GET", "/readyz", NULL, NULL);
	cr_assert(eq(int, reply.status, 200));
	reply = ask(place, "GET", "/metrics", NULL, NULL);
	cr_assert(eq(int, reply.status, 200));
	cr_assert(ne(ptr, strstr(reply.body, "\nreprise_gateway_events_appended_total 1\n"), NULL));
	cr_assert(
		ne(ptr, strstr(reply.body, "\nreprise_recorder_events_recorded_total 1\n"), NULL));
	cr_assert(ne(ptr, strstr(reply.body, "\n# TYPE reprise_http_connections gauge\n"), NULL));
	place_close(place);
}

Test(safety, V27_a_line_of_the_log_has_a_request_and_no_payload)
{
	struct place *const place = place_without_log();

	(void)post(place, "a%22b", "\"secret\"");
	cr_assert(place_comes_line(place,
				   "\"event\":\"request\",\"method\":\"POST\",\"path\":\"/v1/"
				   "sessions/a%22b/events\",\"status\":200,\"duration_ms\":"));
	cr_assert(not(place_has_line(place, "secret")));
	(void)ask(place, "GET", "/v1/sessions?after=private", NULL, NULL);
	cr_assert(place_comes_line(place, "\"path\":\"/v1/sessions\",\"status\":200"));
	cr_assert(not(place_has_line(place, "private")));
	place_close(place);
}

Test(safety, V27_a_gateway_that_only_reads_takes_no_write)
{
	struct reprise_gateway_options options = REPRISE_GATEWAY_OPTIONS_INIT;
	struct place *place;
	struct reply reply;

	options.reads_only = 1;
	place = place_with(&options);
	reply = ask(place, "POST", "/v1/sessions/a/events", JSON, "1");
	expect_error(&reply, 405, "method_not_allowed");
	cr_assert(eq(str, (char *)reply_field(&reply, "Allow"), "GET, HEAD, OPTIONS"));
	reply = ask(place, "DELETE", "/v1/sessions/a", NULL, NULL);
	expect_error(&reply, 405, "method_not_allowed");
	place_close(place);
}

Test(safety, V28_a_gateway_is_its_processs_alone)
{
	struct place *const place = place_without_log();
	struct reprise_gateway_stats stats = REPRISE_GATEWAY_STATS_INIT;
	char text[80];
	int status = -1;
	const pid_t child = fork();

	if (child == 0) {
		const bool is_right =
			reprise_gateway_stats(place->gateway, &stats) == REPRISE_E_FORKED &&
			reprise_gateway_stop(place->gateway, 0) == REPRISE_E_FORKED &&
			reprise_gateway_reload(place->gateway) == REPRISE_E_FORKED &&
			reprise_gateway_run(place->gateway, NULL) == REPRISE_E_FORKED &&
			reprise_gateway_address(place->gateway, 0, text, sizeof(text)) ==
				REPRISE_E_FORKED;

		reprise_gateway_close(place->gateway);
		_exit(is_right ? 0 : 1);
	}
	cr_assert(eq(int, waitpid(child, &status, 0), child));
	cr_assert(eq(int, status, 0));
	cr_assert(eq(int, ask(place, "GET", "/healthz", NULL, NULL).status, 200));
	place_close(place);
}

Test(safety, V28_bad_arguments_are_refused)
{
	struct place *const place = place_without_log();
	struct reprise_gateway_stats stats = { .size = 1 };
	struct reprise_gateway *gateway = NULL;
	struct reprise_error error = REPRISE_ERROR_INIT;
	char text[80];

	cr_assert(eq(int, reprise_gateway_open(NULL, NULL, &gateway, &error), REPRISE_E_INVALID));
	cr_assert(
		eq(int, reprise_gateway_open(place->store, NULL, NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_gateway_run(NULL, &error), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_gateway_stop(NULL, 0), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_gateway_reload(NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_gateway_stats(place->gateway, &stats), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_gateway_stats(place->gateway, NULL), REPRISE_E_INVALID));
	cr_assert(eq(int, reprise_gateway_address(place->gateway, 1, text, sizeof(text)),
		     REPRISE_E_NOT_FOUND));
	cr_assert(
		eq(int, reprise_gateway_address(place->gateway, 0, text, 3), REPRISE_E_TOO_LARGE));
	cr_assert(eq(int, reprise_gateway_address(place->gateway, 0, NULL, 0), REPRISE_E_INVALID));
	reprise_gateway_close(NULL);
	place_close(place);
}

Test(safety, V28_an_opening_that_fails_opens_nothing)
{
	struct place *const place = place_without_log();
	struct reprise_gateway_options options = REPRISE_GATEWAY_OPTIONS_INIT;
	struct reprise_gateway *gateway = NULL;
	struct reprise_error error = REPRISE_ERROR_INIT;
	const char *const taken[] = { "127.0.0.1:0", place->address };
	const char *const wrong[] = { "127.0.0.1:99999" };
	int pipes[2];

	options.listen = taken;
	options.listen_count = 2;
	cr_assert(eq(int, reprise_gateway_open(place->store, &options, &gateway, &error),
		     REPRISE_E_SYSTEM));
	options.listen = wrong;
	options.listen_count = 1;
	cr_assert(eq(int, reprise_gateway_open(place->store, &options, &gateway, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "listen"));
	cr_assert(eq(int, pipe(pipes), 0));
	options.listen_count = 0;
	options.listen_fds = pipes;
	options.listen_fds_count = 1;
	cr_assert(eq(int, reprise_gateway_open(place->store, &options, &gateway, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "listen_fds"));
	cr_assert(eq(int, close(pipes[0]), 0));
	close(pipes[1]);
	options.listen_fds_count = 0;
	options.token_file = "/nowhere/tokens";
	cr_assert(eq(int, reprise_gateway_open(place->store, &options, &gateway, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "token_file"));
	options.token_file = NULL;
	options.tls_certificate_file = "/nowhere/a.pem";
	options.tls_key_file = "/nowhere/a.key";
	cr_assert(eq(int, reprise_gateway_open(place->store, &options, &gateway, &error),
		     REPRISE_E_INVALID));
	cr_assert(eq(str, error.what, "tls_certificate_file"));
	cr_assert(eq(ptr, (void *)gateway, NULL));
	place_close(place);
}

Test(safety, V28_a_stop_before_the_run_ends_the_run_at_once)
{
	struct place *const place = place_without_log();
	struct reprise_gateway *gateway = NULL;

	cr_assert(eq(int, reprise_gateway_open(place->store, NULL, &gateway, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_gateway_stop(gateway, 1000), REPRISE_OK));
	cr_assert(eq(int, reprise_gateway_run(gateway, NULL), REPRISE_OK));
	cr_assert(eq(int, reprise_gateway_run(gateway, NULL), REPRISE_OK));
	reprise_gateway_close(gateway);
	place_close(place);
}

Test(safety, V28_an_address_is_told_behind_a_stop_too)
{
	struct place *const place = place_without_log();
	char text[80];

	place_stop(place, 0);
	cr_assert(eq(int, reprise_gateway_address(place->gateway, 0, text, sizeof(text)),
		     REPRISE_OK));
	cr_assert(eq(str, text, place->address));
	place_close(place);
}
