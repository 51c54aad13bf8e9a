/* SPDX-License-Identifier: MIT */
#include "gateway/shape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	STAGING_BYTES = 4096, /* of each subscription of the gateway */
};

static int
compare_kinds(const void *a, const void *b)
{
	const uint16_t left = *(const uint16_t *)a, right = *(const uint16_t *)b;

	return (left > right) - (left < right);
}

static bool
parse_kinds(struct stream_shape *shape, const char *text)
{
	char number[8];
	uint64_t kind;
	size_t length;
	uint32_t kept = 0;

	for (;; text++) {
		length = strcspn(text, ",");
		if (length >= sizeof(number) || shape->kinds_count == REPRISE_KINDS_MAX)
			return false;
		memcpy(number, text, length);
		number[length] = '\0';
		if (!query_number(number, UINT16_MAX, &kind))
			return false;
		shape->kinds[shape->kinds_count++] = (uint16_t)kind;
		text += length;
		if (*text == '\0')
			break;
	}
	qsort(shape->kinds, shape->kinds_count, sizeof(shape->kinds[0]), compare_kinds);
	for (uint32_t i = 0; i < shape->kinds_count; i++)
		if (i == 0 || shape->kinds[i] != shape->kinds[kept - 1])
			shape->kinds[kept++] = shape->kinds[i];
	shape->kinds_count = kept;
	return true;
}

const char *
stream_shape_parse_choice(struct stream_shape *shape, const char *session_id,
			  const struct query *query)
{
	const char *const kinds = query_value(query, QUERY_KINDS);

	snprintf(shape->session_id, sizeof(shape->session_id), "%s", session_id);
	if (kinds != NULL && !parse_kinds(shape, kinds))
		return "kinds is a list of at most 64 numbers from 0 to 65535";
	if (!query_flag(query, QUERY_RECORDED, &shape->is_recorded_only))
		return "recorded is 0 or 1";
	return NULL;
}

const char *
stream_shape_parse(struct stream_shape *shape, const char *session_id, const struct query *query)
{
	const char *const frame = query_value(query, QUERY_FRAME);
	const char *const names = query_value(query, QUERY_NAMES);

	if (frame != NULL && strcmp(frame, "native") != 0 && strcmp(frame, "bare") != 0)
		return "frame is native or bare";
	if (names != NULL && strcmp(names, "kinds") != 0)
		return "names is kinds";
	shape->is_bare = frame != NULL && strcmp(frame, "bare") == 0;
	shape->has_kind_names = names != NULL;
	return stream_shape_parse_choice(shape, session_id, query);
}

void
stream_shape_options(const struct stream_shape *shape, struct reprise_subscription_options *options)
{
	*options = (struct reprise_subscription_options)REPRISE_SUBSCRIPTION_OPTIONS_INIT;
	options->staging_bytes = STAGING_BYTES;
	options->kinds = shape->kinds_count == 0 ? NULL : shape->kinds;
	options->kinds_count = shape->kinds_count;
	options->is_recorded_only = shape->is_recorded_only;
	options->is_continuous = 1;
}

static int
compare_name(const void *kind, const void *name)
{
	const uint16_t left = *(const uint16_t *)kind;
	const uint16_t right = ((const struct event_name *)name)->kind;

	return (left > right) - (left < right);
}

const char *
stream_shape_name(const struct stream_shape *shape, uint16_t kind)
{
	const struct event_names *const names = shape->names;
	const struct event_name *const found =
		names == NULL ? NULL
			      : bsearch(&kind, names->table, names->count, sizeof(*names->table),
					compare_name);

	return found == NULL ? NULL : found->name;
}

bool
stream_shape_is_same(const struct stream_shape *a, const struct stream_shape *b)
{
	return strcmp(a->session_id, b->session_id) == 0 && a->kinds_count == b->kinds_count &&
	       memcmp(a->kinds, b->kinds, a->kinds_count * sizeof(a->kinds[0])) == 0 &&
	       a->is_bare == b->is_bare && a->is_recorded_only == b->is_recorded_only &&
	       a->has_kind_names == b->has_kind_names && a->names == b->names;
}
