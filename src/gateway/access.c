/* SPDX-License-Identifier: MIT */
/*
 * Judges requests. With tokens, the token alone decides: a page of another site cannot know a
 * token. Without tokens three checks keep pages of other sites out of a loopback address: the
 * host's name, the origin, and the content type of a POST. Such a page may send a DELETE, or a
 * POST with a type that is not simple, only after a preflight, and the preflight of a foreign
 * origin is answered without leave.
 */
#include "gateway/access.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "gateway/tokens.h"

/* The analyzer of gcc 12 loses what an element of an array points to. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

struct access {
	char *token_file; /* NULL: no tokens */
	char *tenant;
	struct tokens tokens;
	char **origins;
	size_t origins_count;
	bool is_any_origin;
	bool checks_host;
};

static bool
is_text(struct http_text text, const char *whole)
{
	return text.size == strlen(whole) && memcmp(text.data, whole, text.size) == 0;
}

/* Whether the text begins with @prefix, in lower case, and the text has either. */
static bool
begins_with(struct http_text text, const char *prefix)
{
	const size_t size = strlen(prefix);

	return text.size >= size && http_is_name((struct http_text){ text.data, size }, prefix);
}

/* 127.x.x.x, each number without leading zeros: some resolvers take 0177 for octal. */
static bool
is_loopback_ipv4(struct http_text name)
{
	unsigned int numbers[4] = { 0 }, digits = 0, dots = 0;

	for (size_t i = 0; i < name.size; i++) {
		if (name.data[i] == '.') {
			if (digits == 0 || ++dots > 3)
				return false;
			digits = 0;
			continue;
		}
		if (!http_is(name.data[i], HTTP_CLASS_DIGIT) || digits == 3 ||
		    (digits != 0 && numbers[dots] == 0))
			return false;
		numbers[dots] = numbers[dots] * 10 + (unsigned int)(name.data[i] - '0');
		digits++;
	}
	return dots == 3 && digits != 0 && numbers[0] == 127 && numbers[1] < 256 &&
	       numbers[2] < 256 && numbers[3] < 256;
}

/* localhost and every name below, which browsers never look up. */
static bool
is_localhost(struct http_text name)
{
	static const char localhost[] = ".localhost";
	const size_t size = sizeof(localhost) - 1;

	if (http_is_name(name, localhost + 1))
		return true;
	return name.size > size &&
	       http_is_name((struct http_text){ name.data + name.size - size, size }, localhost);
}

/* A host as in the field Host: a name or an address, and perhaps a port. */
static bool
is_loopback_host(struct http_text host)
{
	struct http_text port = { NULL, 0 };
	const size_t ipv6 = strlen("[::1]");

	if (begins_with(host, "[::1]")) {
		port = (struct http_text){ host.data + ipv6, host.size - ipv6 };
		host.size = ipv6;
	} else {
		const char *const colon = host.size == 0 ? NULL : memchr(host.data, ':', host.size);

		if (colon != NULL) {
			port = (struct http_text){ colon, (size_t)(host.data + host.size - colon) };
			host.size -= port.size;
		}
	}
	if (port.size != 0 &&
	    (port.data[0] != ':' ||
	     (port.size > 1 &&
	      !http_are_all((struct http_text){ port.data + 1, port.size - 1 }, HTTP_CLASS_DIGIT))))
		return false;
	return is_text(host, "[::1]") || is_localhost(host) || is_loopback_ipv4(host);
}

bool
access_is_loopback(const char *address)
{
	const struct http_text host = { address, strlen(address) };

	/* http_server_listen takes addresses alone. */
	return !begins_with(host, "l") && is_loopback_host(host);
}

/* The part of an origin behind "://"; empty if the origin is of no page on the web. */
static struct http_text
authority_of(struct http_text origin)
{
	static const char *const schemes[] = { "http://", "https://" };

	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++)
		if (begins_with(origin, schemes[i]))
			return (struct http_text){ origin.data + strlen(schemes[i]),
						   origin.size - strlen(schemes[i]) };
	return (struct http_text){ origin.data, 0 };
}

static bool
is_listed_origin(const struct access *access, struct http_text origin)
{
	if (access->is_any_origin)
		return true;
	for (size_t i = 0; i < access->origins_count; i++)
		if (is_text(origin, access->origins[i]))
			return true;
	return false;
}

/* Whether a page of that origin may write without a token. */
static bool
may_write(const struct access *access, struct http_text origin, struct http_text host)
{
	const struct http_text authority = authority_of(origin);

	if (is_listed_origin(access, origin))
		return true;
	if (authority.size == 0)
		return false;
	if (authority.size == host.size && memcmp(authority.data, host.data, host.size) == 0)
		return true;
	return access->checks_host && is_loopback_host(authority);
}

/*
 * The types that a page may send to any site without a preflight; a missing type is one of them. A
 * request without a body has nothing that a type could disguise, and its origin is judged.
 */
static bool
has_simple_type(const struct http_head *head)
{
	static const char *const simple[] = { "text/plain", "application/x-www-form-urlencoded",
					      "multipart/form-data" };
	const struct http_field *const field = http_head_field(head, "content-type");
	struct http_text type;
	const char *semicolon;

	if (field == NULL)
		return head->is_chunked || head->length != 0;
	type = field->value;
	semicolon = type.size == 0 ? NULL : memchr(type.data, ';', type.size);
	if (semicolon != NULL)
		type.size = (size_t)(semicolon - type.data);
	type = http_trim(type);
	for (size_t i = 0; i < sizeof(simple) / sizeof(*simple); i++)
		if (http_is_name(type, simple[i]))
			return true;
	return type.size == 0;
}

static void
refuse(struct access_answer *answer, enum error_code code)
{
	answer->is_allowed = false;
	answer->refusal = code;
}

/* A browser says so of a request of another site's page, even without an origin. */
static bool
is_cross_site(const struct http_head *head)
{
	const struct http_field *const site = http_head_field(head, "sec-fetch-site");

	return site != NULL && http_is_name(site->value, "cross-site");
}

static void
judge_without_token(const struct access *access, const struct http_head *head,
		    const struct access_need *need, struct access_answer *answer)
{
	const struct http_field *const origin = http_head_field(head, "origin");

	if (access->checks_host && !is_loopback_host(head->host)) {
		refuse(answer, ERROR_FOREIGN_HOST);
		return;
	}
	answer->level = ACCESS_ADMIN;
	if (head->method != HTTP_METHOD_POST && head->method != HTTP_METHOD_DELETE &&
	    head->method != HTTP_METHOD_PUT)
		return;
	if (origin != NULL ? !may_write(access, origin->value, head->host) : is_cross_site(head))
		refuse(answer, ERROR_FOREIGN_ORIGIN);
	else if (need->level >= ACCESS_WRITE && head->method == HTTP_METHOD_POST &&
		 !need->takes_simple && has_simple_type(head))
		refuse(answer, ERROR_SIMPLE_TYPE);
}

/* The token of `Authorization: Bearer TOKEN`; empty without the field, or with another scheme. */
static struct http_text
bearer_of(const struct http_head *head)
{
	const struct http_field *const field = http_head_field(head, "authorization");
	const size_t scheme = strlen("bearer ");

	if (field == NULL || !begins_with(field->value, "bearer "))
		return (struct http_text){ NULL, 0 };
	return http_trim(
		(struct http_text){ field->value.data + scheme, field->value.size - scheme });
}

static void
judge_token(const struct access *access, const struct http_head *head,
	    const struct access_need *need, struct access_answer *answer)
{
	const struct http_text bearer = bearer_of(head);
	const struct access_token *token;

	if (need->level == ACCESS_NONE)
		return;
	if (bearer.size == 0) {
		refuse(answer, ERROR_TOKEN_MISSING);
		return;
	}
	token = tokens_find(&access->tokens, bearer);
	if (token == NULL) {
		refuse(answer, ERROR_TOKEN_UNKNOWN);
		return;
	}
	answer->token = token;
	answer->level = token->level;
	if (token->level < need->level ||
	    (need->session_id != NULL && !token_has_session(token, need->session_id)))
		refuse(answer, ERROR_NOT_PERMITTED);
}

void
access_judge(const struct access *access, const struct http_head *head,
	     const struct access_need *need, struct access_answer *ret_answer)
{
	const struct http_field *const origin = http_head_field(head, "origin");

	*ret_answer = (struct access_answer){ .is_allowed = true };
	if (origin != NULL && origin->value.size < sizeof(ret_answer->origin) &&
	    is_listed_origin(access, origin->value)) {
		ret_answer->has_origin = true;
		memcpy(ret_answer->origin, origin->value.data, origin->value.size);
	}
	if (access_has_tokens(access))
		judge_token(access, head, need, ret_answer);
	else
		judge_without_token(access, head, need, ret_answer);
}

struct access_scope
access_scope(const struct access_token *token)
{
	struct access_scope scope = { .is_prefix = true };

	if (token == NULL)
		return scope;
	scope.is_prefix = token->is_prefix;
	memcpy(scope.pattern, token->pattern, sizeof(scope.pattern));
	return scope;
}

bool
access_scope_has(const struct access_scope *scope, const char *session_id)
{
	if (scope->is_prefix)
		return strncmp(session_id, scope->pattern, strlen(scope->pattern)) == 0;
	return strcmp(session_id, scope->pattern) == 0;
}

bool
access_has_tokens(const struct access *access)
{
	return access->token_file != NULL;
}

static bool
copy_text(const char *text, char **ret_copy)
{
	*ret_copy = text == NULL ? NULL : strdup(text);
	return text == NULL || *ret_copy != NULL;
}

static bool
copy_origins(struct access *access, const char *const *origins, size_t count)
{
	access->origins = calloc(count + 1, sizeof(*access->origins));
	if (access->origins == NULL)
		return false;
	for (; access->origins_count < count; access->origins_count++) {
		const char *const origin = origins[access->origins_count];

		access->is_any_origin = access->is_any_origin || strcmp(origin, "*") == 0;
		if (!copy_text(origin, &access->origins[access->origins_count]))
			return false;
	}
	return true;
}

reprise_status
access_open(const char *token_file, const char *tenant, const char *const *origins,
	    size_t origins_count, bool is_insecure, struct access **ret_access,
	    struct reprise_error *error)
{
	struct access *const access = calloc(1, sizeof(*access));
	reprise_status status = REPRISE_OK;

	if (access == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	access->checks_host = !is_insecure;
	if (!copy_text(token_file, &access->token_file) || !copy_text(tenant, &access->tenant) ||
	    !copy_origins(access, origins, origins_count))
		status = error_plain(error, REPRISE_E_NO_MEMORY);
	if (status == REPRISE_OK && token_file != NULL)
		status = tokens_read(token_file, tenant, &access->tokens, error);
	if (status == REPRISE_OK)
		*ret_access = access;
	else
		access_close(access);
	return status;
}

reprise_status
access_reload(struct access *access, struct reprise_error *error)
{
	struct tokens tokens;
	reprise_status status;

	if (!access_has_tokens(access))
		return REPRISE_OK;
	status = tokens_read(access->token_file, access->tenant, &tokens, error);
	if (status != REPRISE_OK)
		return status;
	tokens_free(&access->tokens);
	access->tokens = tokens;
	return REPRISE_OK;
}

void
access_close(struct access *access)
{
	if (access == NULL)
		return;
	for (size_t i = 0; i < access->origins_count; i++)
		free(access->origins[i]);
	free(access->origins);
	tokens_free(&access->tokens);
	free(access->token_file);
	free(access->tenant);
	free(access);
}
