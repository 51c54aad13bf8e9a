/* SPDX-License-Identifier: MIT */
/*
 * The HTTP client of the program. Requests with one answer share a kept connection. A stream has a
 * transfer of its own, so a request may be sent while a stream is open.
 *
 * libcurl sends a request again if a kept connection turns out dead. A second POST would append the
 * events twice. The body of a POST is therefore given by a function without a way back to the
 * beginning: libcurl then reports a failure in the place of a second request.
 */

#include "tool/client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tool/client_proxy.h"
#include "tool/client_token.h"

#if defined(__GNUC__) && !defined(__clang__) /* gcc 12 loses the body that the reply owns */
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

enum {
	CONNECT_MS = 10000,
	LOOK_MS = 100, /* between two calls of goes_on */
	FIELD_ROOM = 1200,
	RETRY_SECONDS_MAX = 3600,
	IDLE_SECONDS_MAX = 5, /* of a kept connection, so that the server has not closed first */
};

struct client {
	CURL *asking; /* requests with one answer */
	CURL *following;
	CURLM *multi; /* of the stream */
	char *ca_file;
	char *no_proxy;                 /* hosts */
	char authorization[FIELD_ROOM]; /* a field, or empty */
};

/* One request, until the answer is complete. */
struct exchange {
	struct client_reply *reply;
	CURL *curl;
	const struct client_stream *stream; /* or NULL */
	const char *body;                   /* the rest to send */
	size_t body_bytes;
	bool is_stream;   /* the answer is an event stream */
	bool is_judged;   /* is_stream is set */
	bool is_stopped;  /* by the caller */
	bool is_too_long; /* the body of the answer */
	uint64_t last_ms; /* of the last byte */
	char words[CURL_ERROR_SIZE];
};

/* --- opening --------------------------------------------------------------------------------- */

static bool
open_handles(struct client *client)
{
	client->asking = curl_easy_init();
	client->following = curl_easy_init();
	client->multi = curl_multi_init();
	return client->asking != NULL && client->following != NULL && client->multi != NULL;
}

struct client *
client_open(const struct client_options *options)
{
	char token[CLIENT_TOKEN_ROOM];

	if (!client_token_read(options->command, options->token_file, token))
		return NULL;
	struct client *const client = calloc(1, sizeof(*client));
	bool is_open = client != NULL && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK &&
		       open_handles(client);

	if (is_open)
		client->no_proxy = client_proxy_list_exempt();
	if (is_open && options->ca_file != NULL)
		client->ca_file = strdup(options->ca_file);
	is_open = is_open && client->no_proxy != NULL &&
		  (options->ca_file == NULL || client->ca_file != NULL);
	if (is_open && token[0] != '\0')
		snprintf(client->authorization, sizeof(client->authorization),
			 "Authorization: Bearer %s", token);
	explicit_bzero(token, sizeof(token));
	if (is_open)
		return client;
	fprintf(stderr, "%s: cannot start the HTTP client: no memory\n", options->command);
	client_close(client);
	return NULL;
}

void
client_close(struct client *client)
{
	if (client == NULL)
		return;
	curl_easy_cleanup(client->asking);
	curl_easy_cleanup(client->following);
	curl_multi_cleanup(client->multi);
	free(client->ca_file);
	free(client->no_proxy);
	explicit_bzero(client->authorization, sizeof(client->authorization));
	free(client);
}

void
client_reply_release(struct client_reply *reply)
{
	free(reply->body);
	reply->body = NULL;
	reply->body_bytes = 0;
}

/* --- the answer ------------------------------------------------------------------------------ */

static uint64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static bool
keep_body(struct client_reply *reply, const char *bytes, size_t bytes_count)
{
	char *const grown = realloc(reply->body, reply->body_bytes + bytes_count + 1);

	if (grown == NULL)
		return false;
	memcpy(grown + reply->body_bytes, bytes, bytes_count);
	reply->body = grown;
	reply->body_bytes += bytes_count;
	reply->body[reply->body_bytes] = '\0';
	return true;
}

/* Whether the answer is an event stream. */
static bool
is_event_stream(CURL *curl)
{
	static const char wanted[] = "text/event-stream";
	const char *type = NULL;
	long status = 0;

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
	return status == 200 && type != NULL && strncasecmp(type, wanted, sizeof(wanted) - 1) == 0;
}

static size_t
take_bytes(char *bytes, size_t one, size_t bytes_count, void *context)
{
	struct exchange *const exchange = context;

	(void)one; /* always 1 */
	exchange->last_ms = now_ms();
	if (exchange->stream != NULL && !exchange->is_judged) {
		exchange->is_judged = true;
		exchange->is_stream = is_event_stream(exchange->curl);
	}
	if (exchange->is_stream && exchange->stream != NULL) {
		exchange->is_stopped =
			!exchange->stream->take(exchange->stream->context, bytes, bytes_count);
		return exchange->is_stopped ? 0 : bytes_count;
	}
	exchange->is_too_long = exchange->reply->body_bytes + bytes_count > CLIENT_BODY_BYTES_MAX;
	if (exchange->is_too_long || !keep_body(exchange->reply, bytes, bytes_count))
		return 0;
	return bytes_count;
}

/* The body of a POST. No function seeks, so libcurl cannot send the body again. */
static size_t
give_bytes(char *room, size_t one, size_t room_bytes, void *context)
{
	struct exchange *const exchange = context;
	const size_t bytes = exchange->body_bytes < room_bytes ? exchange->body_bytes : room_bytes;

	(void)one; /* always 1 */
	memcpy(room, exchange->body, bytes);
	exchange->body += bytes;
	exchange->body_bytes -= bytes;
	return bytes;
}

static int
refuse_seek(void *context, curl_off_t offset, int origin)
{
	(void)context;
	(void)offset;
	(void)origin;
	return CURL_SEEKFUNC_FAIL;
}

/* Before these failures no byte of the request has left. */
static bool
is_before_sending(CURLcode code)
{
	return code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST ||
	       code == CURLE_COULDNT_RESOLVE_PROXY || code == CURLE_SSL_CONNECT_ERROR ||
	       code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
	       code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL;
}

/* False: no answer came. */
static bool
settle(struct exchange *exchange, CURLcode code)
{
	struct client_reply *const reply = exchange->reply;
	const char *words = exchange->words[0] != '\0' ? exchange->words : curl_easy_strerror(code);
	curl_off_t seconds = 0;
	long status = 0;

	curl_easy_getinfo(exchange->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(exchange->curl, CURLINFO_RETRY_AFTER, &seconds);
	if (seconds > RETRY_SECONDS_MAX)
		seconds = RETRY_SECONDS_MAX;
	reply->retry_after_ms = (uint32_t)seconds * 1000;
	reply->may_be_sent = !is_before_sending(code);
	if (code == CURLE_SEND_FAIL_REWIND)
		words = "the connection was lost before the answer";
	if (exchange->is_too_long)
		words = "the answer is longer than 64 MiB";
	if (code != CURLE_OK && !exchange->is_stopped)
		snprintf(reply->fault, sizeof(reply->fault), "%s", words);
	/* Half an answer is no answer, but a stream may be cut. */
	if (code == CURLE_OK || exchange->is_stream)
		reply->status = status;
	return reply->status != 0;
}

/* --- requests -------------------------------------------------------------------------------- */

static struct curl_slist *
list_fields(const struct client *client, const char *const *fields, size_t fields_count,
	    bool *ret_is_whole)
{
	/* No question before a long body: a lost answer to the question would be one more case. */
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");
	bool is_whole = list != NULL;

	for (size_t i = 0; i <= fields_count && is_whole; i++) {
		const char *const field = i < fields_count ? fields[i] : client->authorization;

		if (field[0] == '\0')
			continue;
		struct curl_slist *const longer = curl_slist_append(list, field);

		is_whole = longer != NULL;
		if (is_whole)
			list = longer;
	}
	*ret_is_whole = is_whole;
	return list;
}

static void
set_up(const struct client *client, CURL *curl, const char *url, struct curl_slist *fields,
       struct exchange *exchange)
{
	curl_easy_reset(curl); /* keeps the connection */
	exchange->curl = curl;
	exchange->last_ms = now_ms();
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, fields);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, exchange->words);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, exchange);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_NOPROXY, client->no_proxy);
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	/* A session may have the id "..". */
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "reprise");
	if (client->ca_file != NULL)
		curl_easy_setopt(curl, CURLOPT_CAINFO, client->ca_file);
}

/* A request with one answer. */
static bool
ask(struct client *client, struct exchange *exchange, const struct client_post *post, bool has_body)
{
	CURL *const curl = client->asking;
	bool is_whole;
	struct curl_slist *const fields =
		list_fields(client, post->fields, post->fields_count, &is_whole);

	*exchange->reply = (struct client_reply){ 0 };
	set_up(client, curl, post->url, fields, exchange);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)post->timeout_ms);
	curl_easy_setopt(curl, CURLOPT_MAXAGE_CONN, (long)IDLE_SECONDS_MAX);
	if (has_body) {
		curl_easy_setopt(curl, CURLOPT_POST, 1L);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->body_bytes);
		curl_easy_setopt(curl, CURLOPT_READFUNCTION, give_bytes);
		curl_easy_setopt(curl, CURLOPT_READDATA, exchange);
		curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, refuse_seek);
	}
	const CURLcode code = is_whole ? curl_easy_perform(curl) : CURLE_OUT_OF_MEMORY;
	const bool is_answered = settle(exchange, code);

	if (!is_whole)
		exchange->reply->may_be_sent = false;
	curl_easy_reset(curl); /* nothing borrowed stays */
	curl_slist_free_all(fields);
	return is_answered;
}

bool
client_get(struct client *client, const char *url, uint32_t timeout_ms,
	   struct client_reply *ret_reply)
{
	const struct client_post get = { .url = url, .timeout_ms = timeout_ms };
	struct exchange exchange = { .reply = ret_reply };

	return ask(client, &exchange, &get, false);
}

bool
client_post(struct client *client, const struct client_post *post, struct client_reply *ret_reply)
{
	struct exchange exchange = { .reply = ret_reply,
				     .body = post->body,
				     .body_bytes = post->body_bytes };

	return ask(client, &exchange, post, true);
}

/* --- streams --------------------------------------------------------------------------------- */

/* The result of the transfer, or CURLE_AGAIN while it runs. */
static CURLcode
result_of(CURLM *multi)
{
	const CURLMsg *note;
	int left;

	while ((note = curl_multi_info_read(multi, &left)) != NULL)
		if (note->msg == CURLMSG_DONE)
			return note->data.result;
	return CURLE_AGAIN;
}

static CURLcode
follow(struct client *client, struct exchange *exchange)
{
	const struct client_stream *const stream = exchange->stream;
	CURLcode code = CURLE_AGAIN;
	int running = 1;

	while (code == CURLE_AGAIN) {
		if (curl_multi_perform(client->multi, &running) != CURLM_OK)
			return CURLE_OUT_OF_MEMORY;
		code = result_of(client->multi);
		if (code != CURLE_AGAIN)
			break;
		exchange->is_stopped =
			!stream->goes_on(stream->context, now_ms() - exchange->last_ms);
		if (exchange->is_stopped)
			return CURLE_ABORTED_BY_CALLBACK;
		curl_multi_poll(client->multi, NULL, 0, LOOK_MS, NULL);
	}
	return code;
}

bool
client_stream(struct client *client, const struct client_stream *stream,
	      struct client_reply *ret_reply)
{
	struct exchange exchange = { .reply = ret_reply, .stream = stream };
	char last_event_id[FIELD_ROOM];
	const char *const field = last_event_id;
	bool is_whole;

	*ret_reply = (struct client_reply){ 0 };
	snprintf(last_event_id, sizeof(last_event_id), "Last-Event-ID: %s",
		 stream->last_event_id != NULL ? stream->last_event_id : "");
	struct curl_slist *const fields =
		list_fields(client, &field, stream->last_event_id != NULL, &is_whole);

	set_up(client, client->following, stream->url, fields, &exchange);
	if (is_whole)
		is_whole = curl_multi_add_handle(client->multi, client->following) == CURLM_OK;
	const CURLcode code = is_whole ? follow(client, &exchange) : CURLE_OUT_OF_MEMORY;
	const bool is_answered = settle(&exchange, code);

	curl_multi_remove_handle(client->multi, client->following);
	curl_easy_reset(client->following); /* nothing borrowed stays */
	curl_slist_free_all(fields);
	return is_answered;
}
