/* SPDX-License-Identifier: MIT */

/*
 * Addresses of a gateway. The text is cut into the base, which ends before "/v1/sessions", and the
 * session's id. Escapes are decoded once, and the id is escaped anew when a URL is written.
 */

#include "tool/address.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char sessions_path[] = "/v1/sessions";
static const char viewer_path[] = "#/s/";

/* A part of the text. */
struct part {
	const char *text;
	size_t bytes;
};

bool
address_is_url(const char *text)
{
	return strncasecmp(text, "http://", 7) == 0 || strncasecmp(text, "https://", 8) == 0;
}

static int
hex_digit(char byte)
{
	static const char digits[] = "0123456789abcdef";
	const int small = byte >= 'A' && byte <= 'F' ? byte - 'A' + 'a' : byte;
	const char *const found = small == '\0' ? NULL : strchr(digits, small);

	return found == NULL ? -1 : (int)(found - digits);
}

/* The byte of an escape, or -1. */
static int
escape_at(struct part part, size_t at)
{
	if (part.bytes - at < 3)
		return -1;
	const int high = hex_digit(part.text[at + 1]), low = hex_digit(part.text[at + 2]);

	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* Decodes escapes. False: an escape is broken, or the text does not fit. */
static bool
decode(struct part part, char *ret_text, size_t room)
{
	size_t size = 0;

	for (size_t i = 0; i < part.bytes; i++) {
		const bool is_escape = part.text[i] == '%';
		const int byte = is_escape ? escape_at(part, i) : (unsigned char)part.text[i];

		if (byte <= 0 || size + 1 >= room)
			return false;
		ret_text[size++] = (char)byte;
		i += is_escape ? 2 : 0;
	}
	ret_text[size] = '\0';
	return true;
}

static const char *
take_session(struct part id, struct address *address)
{
	struct reprise_cursor cursor = { 0 };

	if (id.bytes == 0)
		return "the address has no session id";
	if (!decode(id, address->session, sizeof(address->session)))
		return "the session id in the address is no text of 1 to 128 bytes with good "
		       "escapes";
	/* The check is the library's: only a good id can be written into a cursor. */
	memcpy(cursor.session_id, address->session, sizeof(cursor.session_id));
	char text[REPRISE_CURSOR_TEXT_BYTES_MAX];

	if (reprise_cursor_format(&cursor, text, sizeof(text), NULL, NULL) != REPRISE_OK)
		return "the session id in the address has control characters or is not UTF-8";
	return NULL;
}

/* A parameter of the viewer's address. */
static const char *
take_parameter(struct part part, struct address *address)
{
	char text[REPRISE_CURSOR_TEXT_BYTES_MAX + sizeof("cursor=")];

	if (!decode(part, text, sizeof(text)))
		return "a parameter of the address is too long, or has a bad escape";
	if (strncmp(text, "cursor=", 7) == 0) {
		if (strlen(text + 7) >= sizeof(address->cursor))
			return "the cursor in the address is too long";
		memcpy(address->cursor, text + 7, strlen(text + 7) + 1);
		return NULL;
	}
	address->is_from_newest = strcmp(text, "from=newest") == 0;
	if (!address->is_from_newest && strcmp(text, "from=oldest") != 0)
		return "behind #/s/ID the address may have cursor= and from=, and nothing else";
	return NULL;
}

static const char *
take_parameters(const char *text, struct address *address)
{
	const char *fault = NULL;

	while (*text != '\0' && fault == NULL) {
		const size_t bytes = strcspn(text, "&");

		if (bytes > 0)
			fault = take_parameter((struct part){ text, bytes }, address);
		text += bytes + (text[bytes] == '&');
	}
	return fault;
}

/* The part behind '#', of the viewer's addresses. */
static const char *
take_fragment(const char *fragment, struct address *address)
{
	if (fragment[0] == '\0' || strcmp(fragment, "#") == 0 || strcmp(fragment, "#/") == 0)
		return NULL;
	if (strncmp(fragment, viewer_path, sizeof(viewer_path) - 1) != 0)
		return "the part behind # is none of the viewer's addresses, such as #/s/ID";
	const char *const id = fragment + sizeof(viewer_path) - 1;
	const size_t bytes = strcspn(id, "?");
	const char *const fault = take_session((struct part){ id, bytes }, address);

	if (fault != NULL || id[bytes] == '\0')
		return fault;
	return take_parameters(id + bytes + 1, address);
}

/* The last place of "/v1/sessions" as whole segments, or NULL. */
static const char *
find_sessions(struct part path)
{
	const size_t length = sizeof(sessions_path) - 1;

	for (size_t at = path.bytes + 1; at-- > 0;) {
		const bool fits = path.bytes - at >= length &&
				  memcmp(path.text + at, sessions_path, length) == 0;

		if (fits && (path.bytes - at == length || path.text[at + length] == '/'))
			return path.text + at;
	}
	return NULL;
}

/* The path from the slash on, or an empty part. *ret_base_bytes: how much belongs to the base. */
static const char *
take_path(struct part path, struct address *address, size_t *ret_base_bytes)
{
	const char *const sessions = find_sessions(path);

	*ret_base_bytes = path.bytes;
	if (sessions == NULL)
		return NULL;
	*ret_base_bytes = (size_t)(sessions - path.text);
	struct part id = { sessions + sizeof(sessions_path) - 1, 0 };
	const size_t rest = (size_t)(path.text + path.bytes - id.text);

	if (rest <= 1) /* "/v1/sessions" or "/v1/sessions/" */
		return NULL;
	id.text++;
	const char *const slash = memchr(id.text, '/', rest - 1);

	id.bytes = slash != NULL ? (size_t)(slash - id.text) : rest - 1;
	const size_t behind = rest - 1 - id.bytes;

	if (behind > 1 && (behind != 7 || memcmp(slash, "/events", 7) != 0))
		return "behind /v1/sessions/ID only /events may follow";
	return take_session(id, address);
}

const char *
address_parse(const char *text, struct address *ret_address)
{
	*ret_address = (struct address){ 0 };
	if (!address_is_url(text))
		return "the address begins with http:// or https://";
	for (const char *at = text; *at != '\0'; at++)
		if (*at <= ' ' || *at == 0x7f)
			return "the address has a space or a control character";
	const char *const host = strstr(text, "://") + 3;
	const size_t host_bytes = strcspn(host, "/?#");
	const struct part path = { host + host_bytes, strcspn(host + host_bytes, "?#") };
	const char *const behind = path.text + path.bytes;
	size_t base_bytes;

	if (host_bytes == 0)
		return "the address has no host";
	if (memchr(host, '@', host_bytes) != NULL)
		return "the address has a user or a password: a token belongs into --token-file";
	if (*behind == '?')
		return "the address has a query: options say the same, see --help";
	const char *fault = take_path(path, ret_address, &base_bytes);

	if (fault == NULL && ret_address->session[0] != '\0' && *behind == '#')
		return "the address has a session and a part behind #";
	if (fault == NULL)
		fault = take_fragment(behind, ret_address);
	if (fault != NULL)
		return fault;
	while (base_bytes > 0 && path.text[base_bytes - 1] == '/')
		base_bytes--;
	base_bytes += (size_t)(path.text - text);
	if (base_bytes >= sizeof(ret_address->base))
		return "the address is too long";
	memcpy(ret_address->base, text, base_bytes);
	return NULL;
}

void
address_of_sessions(const struct address *address, const char *rest, char ret_url[ADDRESS_URL_ROOM])
{
	snprintf(ret_url, ADDRESS_URL_ROOM, "%s%s%s", address->base, sessions_path, rest);
}

void
address_escape(const char *text, char *ret_text, size_t room)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
	static const char digits[] = "0123456789ABCDEF";
	size_t size = 0;

	for (; *text != '\0' && size + 3 < room; text++) {
		const unsigned char byte = (unsigned char)*text;

		if (strchr(plain, byte) != NULL) {
			ret_text[size++] = (char)byte;
			continue;
		}
		ret_text[size++] = '%';
		ret_text[size++] = digits[byte >> 4];
		ret_text[size++] = digits[byte & 15];
	}
	ret_text[size] = '\0';
}

void
address_of_session(const struct address *address, const char *rest, char ret_url[ADDRESS_URL_ROOM])
{
	char id[3 * REPRISE_SESSION_ID_BYTES_MAX + 4];

	address_escape(address->session, id, sizeof(id));
	snprintf(ret_url, ADDRESS_URL_ROOM, "%s%s/%s%s", address->base, sessions_path, id, rest);
}
