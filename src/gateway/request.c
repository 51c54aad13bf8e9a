/* SPDX-License-Identifier: MIT */
/*
 * Requests and answers. Every response has the same fields of safety; an answer to a client that is
 * gone is dropped here, so that the answering parts need not ask.
 */
#include "gateway/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "gateway/gateway.h"
#include "gateway/json.h"
#include "gateway/lines.h"
#include "gateway/route.h"
#include "gateway/route_map.h"

enum {
	FIELDS_MAX = REQUEST_FIELDS_MAX + ALIAS_FIELDS_MAX + 12,
	PLAIN_ERROR_BYTES = 256,
};

struct fields {
	struct http_field_out array[FIELDS_MAX];
	size_t count;
};

static void
add_field(struct fields *fields, const char *name, const char *value)
{
	fields->array[fields->count++] = (struct http_field_out){ name, value };
}

/* A page of another site gets the answer if its origin is allowed, and embeds no answer. */
static void
add_origin(struct fields *fields, const struct request *request)
{
	add_field(fields, "Cross-Origin-Resource-Policy",
		  request->has_origin ? "cross-origin" : "same-origin");
	if (!request->has_origin)
		return;
	add_field(fields, "Access-Control-Allow-Origin", request->origin);
	add_field(fields, "Access-Control-Expose-Headers",
		  request->alias == NULL ? ALIAS_EXPOSED : request->alias->exposed);
	add_field(fields, "Vary", "Origin");
}

/* The fields of a route map, on every answer that succeeds. */
static void
add_alias(struct fields *fields, const struct request *request, int status)
{
	const struct route_alias *const alias = request->alias;

	if (alias == NULL || status >= 300)
		return;
	if (request->location != NULL)
		add_field(fields, "Location", request->location);
	for (size_t i = 0; i < alias->fields_count; i++)
		add_field(fields, alias->fields[i].name, alias->fields[i].value);
}

void
request_hold(struct request *request)
{
	request->references++;
}

void
request_release(struct request *request)
{
	if (--request->references > 0)
		return;
	if (request->route != NULL && request->route->calls->release != NULL)
		request->route->calls->release(request);
	route_map_release(request->map);
	free(request->location);
	free(request);
}

static bool
has_field(const struct fields *fields, const char *name)
{
	for (size_t i = 0; i < fields->count; i++)
		if (strcmp(fields->array[i].name, name) == 0)
			return true;
	return false;
}

static void
respond(struct request *request, int status, struct fields *fields, struct http_text body)
{
	if (request->exchange == NULL)
		return;
	request->status = status;
	if (status >= 400)
		count(&request->gateway->counters.refused, 1);
	add_field(fields, "X-Content-Type-Options", "nosniff");
	if (!has_field(fields, "Cache-Control"))
		add_field(fields, "Cache-Control", "no-store");
	add_origin(fields, request);
	add_alias(fields, request, status);
	if (http_respond(request->exchange, status, fields->array, fields->count, body) ==
	    REPRISE_E_INVALID)
		http_abort(request->exchange);
}

void
request_answer(struct request *request, int status, const char *type, struct http_text body)
{
	struct fields fields = { .count = 0 };

	if (type != NULL)
		add_field(&fields, "Content-Type", type);
	respond(request, status, &fields, body);
}

void
request_allow(struct request *request, int status, const char *allow, bool is_preflight)
{
	struct fields fields = { .count = 0 };

	add_field(&fields, "Allow", allow);
	if (is_preflight)
		add_field(&fields, "Access-Control-Allow-Headers",
			  request->alias == NULL ? ALIAS_REQUESTED : request->alias->requested);
	/* Without an allowed origin a browser gives no leave, whatever the fields. */
	if (is_preflight && request->has_origin) {
		add_field(&fields, "Access-Control-Allow-Methods", allow);
		add_field(&fields, "Access-Control-Max-Age", "600");
	}
	respond(request, status, &fields, (struct http_text){ "", 0 });
}

static void
add_error(struct buffer *body, enum error_code code, const char *detail)
{
	buffer_text(body, "{\"error\":{\"code\":\"");
	buffer_text(body, error_code_text(code));
	buffer_text(body, "\",\"status\":");
	buffer_number(body, (uint64_t)error_http_status(code));
	buffer_text(body, ",\"message\":");
	buffer_string(body, error_sentence(code), strlen(error_sentence(code)));
	buffer_text(body, ",\"detail\":");
	if (detail == NULL || detail[0] == '\0')
		buffer_text(body, "null");
	else
		buffer_string(body, detail, strlen(detail));
	buffer_text(body, "}}\n");
}

/* Without memory the error is told all the same, without a detail. No sentence needs an escape. */
static struct http_text
format_plain_error(char text[PLAIN_ERROR_BYTES], enum error_code code)
{
	const int size =
		snprintf(text, PLAIN_ERROR_BYTES,
			 "{\"error\":{\"code\":\"%s\",\"status\":%d,\"message\":\"%s\","
			 "\"detail\":null}}\n",
			 error_code_text(code), error_http_status(code), error_sentence(code));

	return (struct http_text){ text, (size_t)size };
}

static void
refuse_with(struct request *request, enum error_code code, const char *detail,
	    struct fields *fields)
{
	const int status = error_http_status(code);
	struct buffer body = { 0 };
	char plain[PLAIN_ERROR_BYTES];

	if (request->exchange != NULL)
		request->gateway->meters.refused[code]++;
	add_error(&body, code, detail);
	add_field(fields, "Content-Type", "application/json");
	if (status == 401)
		add_field(fields, "WWW-Authenticate", "Bearer");
	if (status == 429 || status == 503)
		add_field(fields, "Retry-After", "1");
	respond(request, status, fields,
		body.failed ? format_plain_error(plain, code)
			    : (struct http_text){ body.data, body.size });
	buffer_free(&body);
}

static void
refuse(struct request *request, enum error_code code, const char *detail, const char *allow)
{
	struct fields fields = { .count = 0 };

	if (allow != NULL)
		add_field(&fields, "Allow", allow);
	refuse_with(request, code, detail, &fields);
}

/* The fields of the caller, with room for those of every response. */
static void
take_fields(struct fields *fields, const struct http_field_out *array, size_t count_of_array)
{
	REPRISE_ASSERT(count_of_array <= REQUEST_FIELDS_MAX);
	memcpy(fields->array, array, count_of_array * sizeof(*array));
	fields->count = count_of_array;
}

void
request_respond(struct request *request, int status, const struct http_field_out *fields,
		size_t fields_count, struct http_text body)
{
	struct fields all;

	take_fields(&all, fields, fields_count);
	respond(request, status, &all, body);
}

void
request_refuse_fields(struct request *request, enum error_code code, const char *detail,
		      const struct http_field_out *fields, size_t fields_count)
{
	struct fields all;

	take_fields(&all, fields, fields_count);
	refuse_with(request, code, detail, &all);
}

void
request_refuse(struct request *request, enum error_code code, const char *detail)
{
	refuse(request, code, detail, NULL);
}

void
request_answer_buffer(struct request *request, const char *type, struct buffer *body)
{
	if (body->failed)
		request_refuse(request, ERROR_NO_MEMORY, NULL);
	else
		request_answer(request, 200, type, (struct http_text){ body->data, body->size });
	buffer_free(body);
}

void
request_refuse_method(struct request *request, const char *allow)
{
	refuse(request, ERROR_METHOD, NULL, allow);
}

/*
 * Errors of status 500 and above are no fault of the client: a detail there is the log's, with
 * paths and addresses of the gateway's machine, and is told in the gateway's own log alone.
 */
void
request_refuse_failed(struct request *request, enum error_code code, reprise_status status,
		      const struct reprise_error *error)
{
	const bool has_words = error != NULL && error->status == status;
	const char *detail = NULL;

	if (error_http_status(code) >= 500) {
		if (has_words)
			line_event(request->gateway, "request_failed", error);
	} else if (has_words) {
		detail = error->detail[0] != '\0' ? error->detail : error->what;
	}
	refuse(request, code, detail, NULL);
}

void
request_refuse_status(struct request *request, reprise_status status,
		      const struct reprise_error *error)
{
	request_refuse_failed(request, error_of_status(status), status, error);
}

bool
request_respond_stream(struct request *request, int status, const struct http_field_out *fields,
		       size_t fields_count)
{
	struct fields all;

	if (request->exchange == NULL)
		return false;
	take_fields(&all, fields, fields_count);
	request->status = status;
	request->is_stream = true;
	add_field(&all, "X-Content-Type-Options", "nosniff");
	if (!has_field(&all, "Cache-Control"))
		add_field(&all, "Cache-Control", "no-store");
	add_origin(&all, request);
	add_alias(&all, request, status);
	return http_stream(request->exchange, status, all.array, all.count) == REPRISE_OK;
}

bool
request_stream(struct request *request, int status, const char *type)
{
	const struct http_field_out fields[] = {
		{ "Content-Type", type },
		{ "Cache-Control", "no-cache, no-transform" },
		{ "X-Accel-Buffering", "no" },
	};

	return request_respond_stream(request, status, fields, sizeof(fields) / sizeof(*fields));
}
