/* SPDX-License-Identifier: MIT */
#ifndef TOOL_CLIENT_H
#define TOOL_CLIENT_H

/*
 * The HTTP client of the program, over libcurl: requests with one answer, and event streams. A
 * token comes from a file or from the environment, never from an argument. No redirect is followed,
 * since a redirect could send the token to another server. (rule V88)
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CLIENT_BODY_BYTES_MAX = 64 << 20, /* of an answer */
	CLIENT_FAULT_ROOM = 256,
};

struct client; /* opaque; one thread at a time */

/* All texts are borrowed for the call of client_open. */
struct client_options {
	const char *command;    /* begins each error, such as "reprise tail" */
	const char *token_file; /* or NULL: REPRISE_TOKEN of the environment, or no token */
	const char *ca_file;    /* PEM; or NULL: the certificates of the system */
};

/* The answer to a request, or the reason why no answer came. */
struct client_reply {
	long status;                   /* of HTTP; 0: no answer */
	char *body;                    /* owned, with a NUL behind; NULL: no body */
	size_t body_bytes;             /* without the NUL */
	uint32_t retry_after_ms;       /* of the field Retry-After; 0: the field is absent */
	bool may_be_sent;              /* without an answer: the server may have got the request */
	char fault[CLIENT_FAULT_ROOM]; /* why no answer came, or why a stream stopped; or empty */
};

/* NULL: stderr has the reason, such as a token file with read permission for other users. */
struct client *client_open(const struct client_options *options);

/*
 * GET. False: no answer came within @timeout_ms, and @ret_reply has the fault. @ret_reply is set in
 * both cases, and needs client_reply_release.
 */
bool client_get(struct client *client, const char *url, uint32_t timeout_ms,
		struct client_reply *ret_reply);

struct client_post {
	const char *url;
	const char *const *fields; /* such as "Reprise-Kind: 7"; @fields_count of them */
	size_t fields_count;
	const char *body;
	size_t body_bytes;
	uint32_t timeout_ms;
};

/* POST, as client_get. No request is sent twice, also if a kept connection turns out dead. */
bool client_post(struct client *client, const struct client_post *post,
		 struct client_reply *ret_reply);

/* A stream. Each call returns false to stop the stream. */
struct client_stream {
	const char *url;
	const char *last_event_id; /* or NULL */
	bool (*take)(void *context, const char *bytes, size_t bytes_count);
	/* Comes at least every 100 ms, with the time since the last byte. */
	bool (*goes_on)(void *context, uint64_t silent_ms);
	void *context;
};

/*
 * GET of an event stream. Returns when the stream has stopped. True: an answer came. Only an answer
 * 200 of the type text/event-stream is given to `take`; the body of another answer is in
 * @ret_reply. `fault` says why a stream was cut.
 */
bool client_stream(struct client *client, const struct client_stream *stream,
		   struct client_reply *ret_reply);

/* Frees the members of the reply. An empty reply is allowed. */
void client_reply_release(struct client_reply *reply);

/* NULL is allowed. */
void client_close(struct client *client);

#endif /* TOOL_CLIENT_H */
