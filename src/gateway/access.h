/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_ACCESS_H
#define GATEWAY_ACCESS_H

/*
 * Permissions: bearer tokens of a file; without tokens, the rules of loopback that keep pages
 * of other sites out (a page can send any request to 127.0.0.1 that needs no preflight, and can
 * point a name of its own at 127.0.0.1).
 */

#include <stdbool.h>

#include <reprise/base.h>

#include "gateway/errors.h"
#include "http/parse.h"

enum access_level {
	ACCESS_NONE,  /* healthz, readyz and the viewer */
	ACCESS_READ,  /* GET */
	ACCESS_WRITE, /* and POST of events, and of the end */
	ACCESS_ADMIN, /* and DELETE, invalidate, metrics */
};

struct access;
struct access_token; /* a line of the file */

/* The permission that a route needs. */
struct access_need {
	enum access_level level;
	const char *session_id; /* NULL: of no single session */
	bool takes_simple; /* a type that a page may send unasked is taken, without an origin */
};

struct access_answer {
	bool is_allowed;
	enum error_code refusal; /* unless allowed */
	enum access_level level;
	const struct access_token *token; /* until the next reload; NULL: none needed */
	bool has_origin;                  /* the origin is allowed: echo it */
	char origin[256];
};

/* Reads the file. The words of *error name the line. @token_file may be NULL. */
reprise_status access_open(const char *token_file, const char *tenant, const char *const *origins,
			   size_t origins_count, bool is_insecure, struct access **ret_access,
			   struct reprise_error *error);
/* Reads the file again; on failure everything stays as it was. */
reprise_status access_reload(struct access *access, struct reprise_error *error);
void access_close(struct access *access);
bool access_has_tokens(const struct access *access);

/* Judges a request, in constant time as far as the token goes. */
void access_judge(const struct access *access, const struct http_head *head,
		  const struct access_need *need, struct access_answer *ret_answer);
/* The sessions that a token may use; for lists that outlive a reload. */
struct access_scope {
	bool is_prefix; /* any rest may follow the pattern */
	char pattern[REPRISE_SESSION_ID_BYTES_MAX + 1];
};

/* @token NULL: every session. */
struct access_scope access_scope(const struct access_token *token);
bool access_scope_has(const struct access_scope *scope, const char *session_id);
/* Whether an address, as http_server_listen takes it, is of loopback alone. */
bool access_is_loopback(const char *address);

#endif /* GATEWAY_ACCESS_H */
