/* SPDX-License-Identifier: MIT */
#include "thread/printed.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "thread/uid.h"

enum {
	UID_MEMBER_BYTES = sizeof(",\"uid\":\"\"") + REPRISE_THREAD_UID_BYTES,
	VERSION_MEMBER_BYTES = sizeof(",\"version\":18446744073709551615"),
};

/*
 * The members whose names are between two others, in the order of their bytes; NULL: from the
 * first, to the last.
 */
static json_t *
part_of(json_t *tree, const char *after, const char *before)
{
	json_t *const part = json_object();
	const char *name;
	json_t *member;

	if (part == NULL)
		return NULL;
	json_object_foreach(tree, name, member) {
		if ((after != NULL && strcmp(name, after) <= 0) ||
		    (before != NULL && strcmp(name, before) >= 0))
			continue;
		if (json_object_set(part, name, member) != 0) {
			json_decref(part);
			return NULL;
		}
	}
	return part;
}

/*
 * Prints a part without its braces, behind a comma; the first part has a brace in the place
 * of the comma.
 */
static reprise_status
print_part(struct printed *printed, json_t *part, char begin, struct reprise_error *error)
{
	struct buffer *const json = &printed->json;
	const size_t at = json->size;

	if (part == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	const reprise_status status = json_write(part, "document", json, error);

	json_decref(part);
	if (status != REPRISE_OK)
		return status;
	if (json->size - at == strlen("{}")) {
		json->size = at;
		return REPRISE_OK;
	}
	json->data[at] = begin;
	json->size--;
	return REPRISE_OK;
}

reprise_status
printed_make(const struct document *document, const char *id, struct printed *printed,
	     struct reprise_error *error)
{
	*printed = (struct printed){ 0 };
	if (!json_put_text(document->tree, "id", id))
		return error_plain(error, REPRISE_E_NO_MEMORY);
	/* With the id in it, the first part is never empty. */
	reprise_status status =
		print_part(printed, part_of(document->tree, NULL, "uid"), '{', error);

	printed->uid_at = printed->json.size;
	if (status == REPRISE_OK)
		status = print_part(printed, part_of(document->tree, "uid", "version"), ',', error);
	printed->version_at = printed->json.size;
	if (status == REPRISE_OK)
		status = print_part(printed, part_of(document->tree, "version", NULL), ',', error);
	if (status == REPRISE_OK && printed->json.size > REPRISE_THREAD_JSON_BYTES_MAX)
		return error_detailed(error, REPRISE_E_TOO_LARGE, "document", NULL);
	if (status == REPRISE_OK &&
	    (!buffer_add(&printed->json, "}", 1) ||
	     !buffer_reserve(&printed->json, UID_MEMBER_BYTES + VERSION_MEMBER_BYTES)))
		return error_plain(error, REPRISE_E_NO_MEMORY);
	return status;
}

void
printed_free(struct printed *printed)
{
	buffer_free(&printed->json);
}

/* There is room. */
static void
insert(struct buffer *json, size_t at, const char *member)
{
	const size_t size = strlen(member);

	memmove(json->data + at + size, json->data + at, json->size - at);
	memcpy(json->data + at, member, size);
	json->size += size;
}

reprise_status
printed_stamp(struct printed *printed, const struct thread_uid *uid, uint64_t version,
	      struct reprise_error *error)
{
	char text[REPRISE_THREAD_UID_BYTES];
	char uid_member[UID_MEMBER_BYTES], version_member[VERSION_MEMBER_BYTES];

	uid_format(uid, text);
	snprintf(uid_member, sizeof(uid_member), ",\"uid\":\"%s\"", text);
	snprintf(version_member, sizeof(version_member), ",\"version\":%" PRIu64, version);
	insert(&printed->json, printed->version_at, version_member);
	insert(&printed->json, printed->uid_at, uid_member);
	return printed->json.size <= REPRISE_THREAD_JSON_BYTES_MAX
		       ? REPRISE_OK
		       : error_detailed(error, REPRISE_E_TOO_LARGE, "document", NULL);
}
