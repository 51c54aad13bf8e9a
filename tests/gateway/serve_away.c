/* SPDX-License-Identifier: MIT */
/*
 * V41 with PostgreSQL: `reprise serve` while the server is killed, and while the server hangs.
 * Appends are refused with 503 and Retry-After, a stream goes on from the window, and once the
 * server is back, so are the appends: each event is there once, in order.
 * Usage: postgres.sh serve_away PROGRAM [kill|hang]
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "served.h"

enum {
	WAIT_MS = 30000,
	STREAM_BYTES = 65536,
};

/* The PostgreSQL server that postgres.sh has started. */
static void
control(const char *action)
{
	const char *const script = getenv("REPRISE_POSTGRES_CONTROL");
	const pid_t child = script == NULL ? -1 : fork();
	int status = 1;

	if (child == 0) {
		execlp("sh", "sh", script, action, (char *)NULL);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
		served_fail("postgres.sh %s failed", action);
}

static struct served_reply
append(const struct served *served, const char *session, const char *json)
{
	char target[80];

	snprintf(target, sizeof(target), "/v1/sessions/%s", session);
	return served_ask(served, "POST", target, json);
}

static void
expect_200(struct served_reply reply, const char *piece)
{
	if (reply.status != 200 || strstr(reply.body, piece) == NULL)
		served_fail("no 200 with %s: %s", piece, reply.text);
}

static void
expect_503(struct served_reply reply)
{
	if (reply.status != 503 || strstr(reply.text, "\r\nRetry-After: ") == NULL ||
	    (strstr(reply.body, "\"not_recorded\"") == NULL &&
	     strstr(reply.body, "\"log_unavailable\"") == NULL))
		served_fail("no 503 of the log: %s", reply.text);
	/* The words of libpq are not for clients. */
	if (strstr(reply.body, "server") != NULL || strstr(reply.body, "connection") != NULL)
		served_fail("the words of the database: %s", reply.body);
}

/* Reads the stream until the text comes. */
static void
await(int stream, const char *text)
{
	static char got[STREAM_BYTES];
	static size_t size;

	while (strstr(got, text) == NULL) {
		struct pollfd ready = { .fd = stream, .events = POLLIN };
		ssize_t some = 0;

		if (poll(&ready, 1, WAIT_MS) == 1 && size < sizeof(got) - 1)
			some = read(stream, got + size, sizeof(got) - 1 - size);
		if (some <= 0)
			served_fail("the stream has no %s: %s", text, got);
		size += (size_t)some;
		got[size] = '\0';
	}
	if (strstr(got, "event: gap") != NULL)
		served_fail("the stream has a gap: %s", got);
}

/* A server that hangs has failed no transaction until the deadline. */
static void
await_unready(const struct served *served)
{
	const uint64_t end = served_now_ns() + WAIT_MS * UINT64_C(1000000);
	struct served_reply reply;

	do
		reply = served_ask(served, "GET", "/readyz", NULL);
	while (reply.status == 200 && served_now_ns() < end);
	expect_503(reply);
}

/* One outage. The session has the events 1 to @last before. Returns the last event's number. */
static int
outlast(const struct served *served, int stream, const char *down, const char *up, int last)
{
	char json[32], data[48], session[32];
	struct served_reply reply;

	control(down);
	for (int i = 1; i <= 3; i++) {
		snprintf(json, sizeof(json), "{\"n\":%d}", last + i);
		snprintf(data, sizeof(data), "data: %s", json);
		/* The first is appended and waits in vain; a client that does not wait goes on. */
		if (i == 1)
			expect_503(append(served, "s/events", json));
		else
			expect_200(append(served, "s/events?wait=none", json),
				   "\"recorded\":false");
		await(stream, data);
	}
	/* Appended or not, as the code says: 0 counts as no number. */
	expect_503(append(served, "s/events", "{\"n\":0}"));
	snprintf(session, sizeof(session), "new%d/events", last);
	expect_503(append(served, session, "{}"));
	await_unready(served);
	expect_200(served_ask(served, "GET", "/healthz", NULL), "\"ok\"");
	control(up);
	snprintf(json, sizeof(json), "{\"n\":%d}", last + 4);
	do
		reply = append(served, "s/events", json);
	while (reply.status == 503 && strstr(reply.body, "\"log_unavailable\"") != NULL);
	expect_200(reply, "\"recorded\":true");
	do
		reply = append(served, session, "{}");
	while (reply.status == 503);
	expect_200(reply, "\"first\":1,");
	return last + 4;
}

static void
check_all(const struct served *served, int last)
{
	const struct served_reply reply =
		served_ask(served, "GET", "/v1/sessions/s/events?limit=1000&recorded=1", NULL);
	int found = 0;

	for (const char *at = reply.body; (at = strstr(at, "{\"n\":")) != NULL; at++) {
		const long number = strtol(at + strlen("{\"n\":"), NULL, 10);

		if (number != 0 && number != ++found)
			served_fail("event %d is missing: %s", found, reply.body);
	}
	if (reply.status != 200 || found != last)
		served_fail("%d events of %d: %s", found, last, reply.text);
}

int
main(int argc, char **argv)
{
	const char *const dsn = getenv("REPRISE_POSTGRES");
	char place[600];
	const char *const options[] = { "--log", place, "--recorded-wait", "500", NULL };
	struct served served;
	int stream, last = 1;

	if (argc < 2 || dsn == NULL) {
		fprintf(stderr, "usage: postgres.sh serve_away PROGRAM [kill|hang]\n");
		return 2;
	}
	snprintf(place, sizeof(place), "postgres:%s", dsn);
	served_start(&served, argv[1], options);
	expect_200(append(&served, "s/events", "{\"n\":1}"), "\"recorded\":true");
	stream = served_connect(&served);
	served_request(stream, "GET", "/v1/sessions/s/events", NULL, NULL);
	await(stream, "data: {\"n\":1}");
	if (argc < 3 || strcmp(argv[2], "kill") == 0)
		last = outlast(&served, stream, "--kill", "--start", last);
	if (argc < 3 || strcmp(argv[2], "hang") == 0)
		last = outlast(&served, stream, "--pause", "--resume", last);
	check_all(&served, last);
	close(stream);
	served_kill(&served);
	printf("away: %d events, each once and in order\n", last);
	return 0;
}
