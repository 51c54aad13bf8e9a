/* SPDX-License-Identifier: MIT */
/* Heads of answers to a GET and a HEAD of a durable stream: offsets, caching, entity tags. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/random.h"
#include "gateway/durable_read.h"
#include "gateway/gateway.h"

enum {
	FRESH_S = 60,       /* an answer that cannot change any more may be kept so long */
	STALE_S = 300,      /* and be used for so long while it is asked for again */
	CONTROL_BYTES = 64, /* of a value of Cache-Control */
	SESSION_BYTES = 3 * REPRISE_SESSION_ID_BYTES_MAX + 1,
};

uint64_t
durable_new_cursor(const struct durable_read *read)
{
	const char *const sent = query_value(&read->request->query, QUERY_CURSOR);
	uint64_t random = 0;

	if (!random_bytes(&random, sizeof(random)))
		random = read->request->gateway->now_ns;
	return durable_cursor((uint64_t)time(NULL), sent, random);
}

/* A tag has no quotes and no control characters, and the tags of two ids are not the same. */
static void
escape_id(const char *id, char text[SESSION_BYTES])
{
	size_t used = 0;

	for (; *id != '\0'; id++) {
		const unsigned char byte = (unsigned char)*id;
		const bool is_plain = byte > 0x20 && byte < 0x7f && byte != '"' && byte != '%' &&
				      byte != ':' && byte != ',';

		if (is_plain)
			text[used++] = *id;
		else
			used += (size_t)snprintf(text + used, 4, "%%%02X", byte);
	}
	text[used] = '\0';
}

static void
format_etag(const struct durable_read *read, char etag[DURABLE_ETAG_BYTES])
{
	const uint64_t version = read->look.version;
	char id[SESSION_BYTES], text[24] = "";

	if (version != 0)
		snprintf(text, sizeof(text), ":%" PRIx64, version);
	escape_id(read->request->session_id, id);
	snprintf(etag, DURABLE_ETAG_BYTES, "\"%s:%" PRIu64 ":%" PRIu64 "%s%s\"", id, read->begin,
		 read->end, text, read->is_closed ? ":c" : "");
}

/* The opaque part of a tag, with its quotes; an empty text without one. Moves *list behind it. */
static struct http_text
cut_tag(struct http_text *list)
{
	static const char none[] = "";
	const char *begin, *end;

	while (list->size > 0 && strchr(" \t,", list->data[0]) != NULL) {
		list->data++;
		list->size--;
	}
	if (list->size >= 2 && memcmp(list->data, "W/", 2) == 0) {
		list->data += 2;
		list->size -= 2;
	}
	begin = list->data;
	end = list->size < 2 || begin[0] != '"' ? NULL : memchr(begin + 1, '"', list->size - 1);
	if (end == NULL)
		return (struct http_text){ none, 0 };
	list->size -= (size_t)(end + 1 - begin);
	list->data = end + 1;
	return (struct http_text){ begin, (size_t)(end + 1 - begin) };
}

bool
durable_etag_matches(const char *value, const char *etag)
{
	struct http_text list = { value, strlen(value) };
	struct http_text tag;

	if (strcmp(value, "*") == 0)
		return true;
	for (tag = cut_tag(&list); tag.size > 0; tag = cut_tag(&list))
		if (tag.size == strlen(etag) && memcmp(tag.data, etag, tag.size) == 0)
			return true;
	return false;
}

bool
durable_is_known(const struct durable_read *read)
{
	char etag[DURABLE_ETAG_BYTES];

	if (read->none_match == NULL || read->start == DURABLE_START_NOW)
		return false;
	format_etag(read, etag);
	return durable_etag_matches(read->none_match, etag);
}

/* Seconds until the stream may be gone, up to FRESH_S. */
static uint64_t
lifetime_left_s(const struct durable_look *look)
{
	const struct durable_settings *const settings = &look->state->settings;
	const uint64_t now_s = (uint64_t)time(NULL);
	uint64_t left = FRESH_S, ttl;

	if (durable_ttl_left(look, &ttl) && ttl < left)
		left = ttl;
	if (settings->has_expiry) {
		const uint64_t expires_s = settings->expires_ns / NS_PER_S;
		const uint64_t expiry = expires_s > now_s ? expires_s - now_s : 0;

		left = expiry < left ? expiry : left;
	}
	return left;
}

/*
 * An answer that ends before the tail, or at the end of a closed stream, stays as it is, and a
 * cache may keep it. An answer at the tail of an open stream is asked for again each time: else a
 * client would not see what it has appended.
 */
static void
add_cache_control(const struct durable_read *read, struct durable_fields *fields)
{
	const bool is_private = access_has_tokens(read->request->gateway->access);
	const bool is_fixed = !read->is_up_to_date || read->is_closed ||
			      (read->mode == DURABLE_LONG_POLL && read->begin != read->end);
	const char *const who = is_private ? "private" : "public";
	const uint64_t left = lifetime_left_s(&read->look);
	char *const text = fields->texts[fields->texts_count++];

	if (read->start == DURABLE_START_NOW)
		snprintf(text, CONTROL_BYTES, "no-store");
	else if (!is_fixed)
		snprintf(text, CONTROL_BYTES, "%s, no-cache", who);
	else if (left < FRESH_S)
		snprintf(text, CONTROL_BYTES, "%s, max-age=%" PRIu64, who, left);
	else
		snprintf(text, CONTROL_BYTES, "%s, max-age=%d, stale-while-revalidate=%d", who,
			 FRESH_S, STALE_S);
	durable_add(fields, "Cache-Control", text);
}

static void
add_etag(const struct durable_read *read, struct durable_fields *fields,
	 char etag[DURABLE_ETAG_BYTES])
{
	if (read->start == DURABLE_START_NOW)
		return;
	format_etag(read, etag);
	durable_add(fields, "ETag", etag);
}

void
durable_head_of_read(const struct durable_read *read, struct durable_fields *fields,
		     char etag[DURABLE_ETAG_BYTES])
{
	fields->count = fields->texts_count = 0;
	durable_add(fields, "Content-Type", read->look.state->settings.type_sent);
	durable_add_offset(fields, read->end);
	durable_add_number(fields, "Stream-Cursor", durable_new_cursor(read));
	if (read->is_up_to_date)
		durable_add(fields, "Stream-Up-To-Date", "true");
	if (read->is_closed)
		durable_add(fields, "Stream-Closed", "true");
	add_etag(read, fields, etag);
	add_cache_control(read, fields);
}

void
durable_head_of_stream(const struct durable_read *read, struct durable_fields *fields,
		       char etag[DURABLE_ETAG_BYTES])
{
	const struct durable_settings *const settings = &read->look.state->settings;

	fields->count = fields->texts_count = 0;
	durable_add(fields, "Content-Type", settings->type_sent);
	durable_add_offset(fields, read->tail);
	if (read->look.is_closed)
		durable_add(fields, "Stream-Closed", "true");
	if (settings->has_ttl)
		durable_add_number(fields, "Stream-TTL", settings->ttl_s);
	if (settings->has_expiry) {
		char *const text = fields->texts[fields->texts_count++];

		durable_time_format(settings->expires_ns, text);
		durable_add(fields, "Stream-Expires-At", text);
	}
	add_etag(read, fields, etag);
}
