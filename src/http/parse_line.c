/* SPDX-License-Identifier: MIT */
#include "http/parse_line.h"

#include <string.h>
#include <strings.h>

static const char *const methods[] = {
	[HTTP_METHOD_GET] = "GET",       [HTTP_METHOD_HEAD] = "HEAD",
	[HTTP_METHOD_POST] = "POST",     [HTTP_METHOD_PUT] = "PUT",
	[HTTP_METHOD_DELETE] = "DELETE", [HTTP_METHOD_OPTIONS] = "OPTIONS",
};

/* Methods of the RFCs 9110 and 5789 that no resource here has. */
static const char *const known[] = { "CONNECT", "PATCH", "TRACE" };

const char *
http_method_name(enum http_method method)
{
	return methods[method];
}

/* Methods are compared as they stand: "get" is another method. */
static bool
is_text(struct http_text text, const char *wanted)
{
	return text.size == strlen(wanted) && memcmp(text.data, wanted, text.size) == 0;
}

static enum http_refusal
parse_method(struct http_text text, enum http_method *ret_method)
{
	if (!http_are_all(text, HTTP_CLASS_TOKEN))
		return HTTP_REFUSAL_METHOD;
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		if (is_text(text, methods[i])) {
			*ret_method = (enum http_method)i;
			return HTTP_REFUSAL_NONE;
		}
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (is_text(text, known[i]))
			return HTTP_REFUSAL_METHOD_NOT_ALLOWED;
	return HTTP_REFUSAL_METHOD_UNKNOWN;
}

static enum http_refusal
parse_version(struct http_text text, unsigned int *ret_minor)
{
	if (text.size != 8 || memcmp(text.data, "HTTP/", 5) != 0 ||
	    !http_is(text.data[5], HTTP_CLASS_DIGIT) || text.data[6] != '.' ||
	    !http_is(text.data[7], HTTP_CLASS_DIGIT))
		return HTTP_REFUSAL_VERSION;
	if (text.data[5] != '1' || text.data[7] > '1')
		return HTTP_REFUSAL_VERSION_UNKNOWN;
	*ret_minor = (unsigned int)(text.data[7] - '0');
	return HTTP_REFUSAL_NONE;
}

/* Bytes of a class, and escapes of two hexadecimal digits. */
static bool
is_escaped(struct http_text text, enum http_class class)
{
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] != '%') {
			if (!http_is(text.data[i], class))
				return false;
			continue;
		}
		if (text.size - i < 3 || !http_is(text.data[i + 1], HTTP_CLASS_HEX) ||
		    !http_is(text.data[i + 2], HTTP_CLASS_HEX))
			return false;
		i += 2;
	}
	return true;
}

bool
http_are_same_hosts(struct http_text a, struct http_text b)
{
	return a.size == b.size && strncasecmp(a.data, b.data, a.size) == 0;
}

static bool
is_port(struct http_text text)
{
	unsigned int port = 0;

	if (text.size > 5 || !http_are_all(text, HTTP_CLASS_DIGIT))
		return false;
	for (size_t i = 0; i < text.size; i++)
		port = port * 10 + (unsigned int)(text.data[i] - '0');
	return port >= 1 && port <= 65535;
}

/* An IPv6 address in brackets; of its bytes the letters are judged, not their order. */
static size_t
literal_bytes(struct http_text text)
{
	size_t size = 1;

	while (size < text.size && (http_is(text.data[size], HTTP_CLASS_HEX) ||
				    text.data[size] == ':' || text.data[size] == '.'))
		size++;
	return size > 2 && size < text.size && text.data[size] == ']' ? size + 1 : 0;
}

bool
http_is_authority(struct http_text text)
{
	size_t size = 0;

	if (text.size != 0 && text.data[0] == '[')
		size = literal_bytes(text);
	else
		while (size < text.size && http_is(text.data[size], HTTP_CLASS_HOST))
			size++;
	if (size == 0)
		return false;
	if (size == text.size)
		return true;
	return text.data[size] == ':' &&
	       is_port((struct http_text){ text.data + size + 1, text.size - size - 1 });
}

/* "http://host" of a target for a proxy; the rest begins with a slash, or is empty. */
static bool
cut_authority(struct http_text *target, struct http_text *ret_host)
{
	static const char *const schemes[] = { "http://", "https://" };

	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
		const size_t bytes = strlen(schemes[i]);
		struct http_text rest;
		size_t size = 0;

		if (target->size < bytes || strncasecmp(target->data, schemes[i], bytes) != 0)
			continue;
		rest = (struct http_text){ target->data + bytes, target->size - bytes };
		while (size < rest.size && rest.data[size] != '/' && rest.data[size] != '?')
			size++;
		*ret_host = (struct http_text){ rest.data, size };
		*target = (struct http_text){ rest.data + size, rest.size - size };
		return http_is_authority(*ret_host);
	}
	return false;
}

static enum http_refusal
parse_target(struct http_text target, struct http_head *head)
{
	static const struct http_text root = { "/", 1 };
	const char *question;

	if (is_text(target, "*")) {
		head->path = target;
		return head->method == HTTP_METHOD_OPTIONS ? HTTP_REFUSAL_NONE
							   : HTTP_REFUSAL_TARGET;
	}
	if (target.size == 0)
		return HTTP_REFUSAL_TARGET;
	if (target.data[0] != '/' && !cut_authority(&target, &head->host))
		return HTTP_REFUSAL_TARGET;
	question = memchr(target.data, '?', target.size);
	head->path = target;
	if (question != NULL) {
		head->path.size = (size_t)(question - target.data);
		head->query = (struct http_text){ question + 1, target.size - head->path.size - 1 };
	}
	if (head->path.size == 0)
		head->path = root;
	if (!is_escaped(head->path, HTTP_CLASS_PATH) || !is_escaped(head->query, HTTP_CLASS_QUERY))
		return HTTP_REFUSAL_TARGET;
	return HTTP_REFUSAL_NONE;
}

enum http_refusal
http_parse_line(struct http_text line, struct http_head *head)
{
	const char *const first = memchr(line.data, ' ', line.size);
	const char *const last = memrchr(line.data, ' ', line.size);
	struct http_text method, target, version;
	enum http_refusal refusal;

	if (first == NULL || first == last)
		return HTTP_REFUSAL_REQUEST_LINE;
	method = (struct http_text){ line.data, (size_t)(first - line.data) };
	target = (struct http_text){ first + 1, (size_t)(last - first) - 1 };
	version = (struct http_text){ last + 1, line.size - (size_t)(last - line.data) - 1 };
	refusal = parse_version(version, &head->minor);
	if (refusal == HTTP_REFUSAL_NONE)
		refusal = parse_method(method, &head->method);
	return refusal == HTTP_REFUSAL_NONE ? parse_target(target, head) : refusal;
}
