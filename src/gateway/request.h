/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_REQUEST_H
#define GATEWAY_REQUEST_H

/*
 * A request of a client: what the head said, and the part of the gateway that answers. A request
 * lives as long as its exchange, and as long as a job of the request is under way.
 */

#include <stdbool.h>

#include <reprise/cursor.h>

#include "gateway/access.h"
#include "gateway/errors.h"
#include "gateway/query.h"
#include "gateway/work.h"
#include "http/http.h"

struct buffer;
struct request;
struct route_alias;
struct route_map;

enum {
	REQUEST_FIELDS_MAX = 16
};

/* The answering part. Each is called on the loop; all but `begin` may be NULL. */
struct route_calls {
	/* The head is valid during the call. The access was judged before. */
	void (*begin)(struct request *request, const struct http_head *head);
	void (*body)(struct request *request, struct http_text piece);
	void (*body_end)(struct request *request);
	void (*drain)(struct request *request);
	void (*shutdown)(struct request *request);
	/* The client is gone, or the answer is whole: request->exchange is NULL from now on. */
	void (*close)(struct request *request);
	/* Frees request->state; the last call. */
	void (*release)(struct request *request);
};

struct request {
	struct reprise_gateway *gateway;
	struct http_exchange *exchange; /* NULL: gone; every answer is dropped */
	const struct route *route;
	const struct route_alias *alias; /* NULL: the path is the gateway's own */
	struct route_map *map;           /* of the alias; the request holds the map */
	char *location;                  /* a value of Location, NULL: none */
	char session_id[REPRISE_SESSION_ID_BYTES_MAX + 1]; /* "" on routes without one */
	struct query query;
	enum access_level level;          /* what the caller may do */
	const struct access_token *token; /* valid during `begin` alone; NULL: none needed */
	bool has_origin;                  /* an origin of another site that is allowed */
	char origin[256];
	bool is_stream; /* the response */
	uint64_t began_ns;
	int status;          /* of the response, 0 before */
	struct job job;      /* one at a time */
	uint32_t references; /* the exchange, and a job under way */
	void *state;         /* of the route */
};

/* Keeps the request while a job is under way. Frees it with the last reference. */
void request_hold(struct request *request);
void request_release(struct request *request);

/*
 * Answers with fields of the caller, and those of every response; no-store only without a field
 * Cache-Control of the caller. At most REQUEST_FIELDS_MAX fields.
 */
void request_respond(struct request *request, int status, const struct http_field_out *fields,
		     size_t fields_count, struct http_text body);
/* The same for a stream. False: the client is gone. */
bool request_respond_stream(struct request *request, int status,
			    const struct http_field_out *fields, size_t fields_count);
/* An error of the table with fields. */
void request_refuse_fields(struct request *request, enum error_code code, const char *detail,
			   const struct http_field_out *fields, size_t fields_count);
/*
 * Answers with JSON, or with another type. The fields of every response (nosniff, no-store, CORS)
 * are added. @body is copied.
 */
void request_answer(struct request *request, int status, const char *type, struct http_text body);
/* Answers 200 with what @body has, and frees it; refuses if @body failed for want of memory. */
void request_answer_buffer(struct request *request, const char *type, struct buffer *body);
/* Answers with an error of the table: {"error":{"code":..,"status":..,"message":..,"detail":..}}.
 * @detail may be NULL. */
void request_refuse(struct request *request, enum error_code code, const char *detail);
/* 405, with the methods that the path takes. */
void request_refuse_method(struct request *request, const char *allow);
/* Answers OPTIONS; a preflight of a page whose origin is allowed gets the fields of CORS. */
void request_allow(struct request *request, int status, const char *allow, bool is_preflight);
/*
 * Answers with @code for a call of the library that failed. The error's words are the detail; with
 * 500 and above the words are a line of the gateway's own log instead.
 */
void request_refuse_failed(struct request *request, enum error_code code, reprise_status status,
			   const struct reprise_error *error);
/* The same, with the code that fits the status. */
void request_refuse_status(struct request *request, reprise_status status,
			   const struct reprise_error *error);
/* Begins a stream with the fields of every response; false: the client is gone. */
bool request_stream(struct request *request, int status, const char *type);

#endif /* GATEWAY_REQUEST_H */
