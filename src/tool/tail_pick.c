/* SPDX-License-Identifier: MIT */
#include "tool/tail_pick.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/arguments.h"
#include "tool/json_text.h"
#include "tool/log_text.h"

enum {
	ANSWER_MS = 30000,
	WORDS_BYTES_MAX = 300, /* of another body than an error of a gateway */
};

static void
print_words(const char *words, size_t bytes_max)
{
	log_text_escaped(stderr, words, strlen(words), bytes_max);
}

/* The members of an error of a gateway: {"error":{"code":...,"message":...,"detail":...}} */
static bool
print_error(const struct client_reply *reply)
{
	struct json_text *const body =
		reply->body != NULL ? json_text_parse(reply->body, reply->body_bytes) : NULL;
	const struct json_text *const error = json_text_member(body, "error");
	const char *const code = json_text_string(error, "code", NULL);
	const char *const words = json_text_string(error, "message", NULL);
	const char *const detail = json_text_string(error, "detail", NULL);

	if (words != NULL) {
		print_words(words, SIZE_MAX);
		if (detail != NULL) {
			fputs(": ", stderr);
			print_words(detail, SIZE_MAX);
		}
		fputs(" (", stderr);
		print_words(code != NULL ? code : "without a code", SIZE_MAX);
		fprintf(stderr, ", HTTP status %ld)", reply->status);
	}
	json_text_release(body);
	return words != NULL;
}

void
tail_say_refusal(const char *doing, const struct client_reply *reply)
{
	fprintf(stderr, "%s: ", doing);
	if (reply->status == 0) {
		fputs("no answer: ", stderr);
		print_words(reply->fault, SIZE_MAX);
	} else if (!print_error(reply)) {
		fprintf(stderr, "the answer has the HTTP status %ld", reply->status);
		if (reply->body != NULL && reply->body_bytes > 0) {
			fputs(": ", stderr);
			print_words(reply->body, WORDS_BYTES_MAX);
		}
	}
	if (reply->status == 401)
		fputs("; a token comes from --token-file or REPRISE_TOKEN", stderr);
	fputc('\n', stderr);
}

static void
print_session(const struct json_text *entry)
{
	const char *const id = json_text_string(entry, "id", NULL);
	int64_t newest, status;

	fputs("  ", stderr);
	print_words(id != NULL ? id : "", SIZE_MAX);
	if (json_text_number(entry, "newest", &newest))
		fprintf(stderr, "  newest position %" PRId64, newest);
	if (json_text_is_true(entry, "ended") && json_text_number(entry, "status", &status))
		fprintf(stderr, ", ended with status %" PRId64, status);
	fputc('\n', stderr);
}

/* One session is taken. Otherwise the list is printed. */
static int
choose(const struct json_text *body, struct tail_request *request)
{
	const struct json_text *const sessions = json_text_member(body, "sessions");
	const size_t count = json_text_count(sessions);
	size_t bytes = 0;
	const char *const id = json_text_string(json_text_at(sessions, 0), "id", &bytes);

	if (sessions == NULL) {
		fputs("reprise tail: the answer is no list of sessions: is this a gateway?\n",
		      stderr);
		return EXIT_FAILURE;
	}
	if (count == 1 && id != NULL && bytes < sizeof(request->address.session)) {
		memcpy(request->address.session, id, bytes + 1);
		return 0;
	}
	if (count == 0) {
		fputs("reprise tail: the gateway has no session; --session ID --wait waits for "
		      "one\n",
		      stderr);
		return EXIT_USAGE;
	}
	fputs("reprise tail: the gateway has several sessions; --session chooses one:\n", stderr);
	for (size_t i = 0; i < count; i++)
		print_session(json_text_at(sessions, i));
	if (json_text_string(body, "after", NULL) != NULL)
		fputs("  ...\n", stderr);
	return EXIT_USAGE;
}

int
tail_pick(struct client *client, struct tail_request *request)
{
	char url[ADDRESS_URL_ROOM];
	struct client_reply reply;
	int status = EXIT_FAILURE;

	address_of_sessions(&request->address, "?limit=100", url);
	if (client_get(client, url, ANSWER_MS, &reply) && reply.status == 200) {
		struct json_text *const body =
			reply.body != NULL ? json_text_parse(reply.body, reply.body_bytes) : NULL;

		status = choose(body, request);
		json_text_release(body);
	} else {
		tail_say_refusal("reprise tail: cannot list the sessions", &reply);
	}
	client_reply_release(&reply);
	return status;
}
