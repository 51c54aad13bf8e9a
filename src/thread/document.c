/* SPDX-License-Identifier: MIT */
#include "thread/document.h"

#include <string.h>

#include "base/error.h"
#include "thread/delta.h"

struct reprise_bytes
document_or_none(struct reprise_bytes text)
{
	static const struct reprise_bytes none = { "{}", 2 };

	return text.size != 0 ? text : none;
}

reprise_status
document_read(struct reprise_bytes text, const char *what, struct document *document,
	      struct reprise_error *error)
{
	*document = (struct document){ 0 };
	reprise_status status = json_read(text, what, &document->tree, error);

	if (status == REPRISE_OK)
		status = json_take_array(document->tree, what, "messages", true,
					 &document->messages, error);
	if (status == REPRISE_OK)
		status = json_take_array(document->tree, what, "patches", false, &document->patches,
					 error);
	if (status == REPRISE_OK && json_object_get(document->tree, "state") == NULL &&
	    json_object_set_new(document->tree, "state", json_object()) != 0)
		status = error_plain(error, REPRISE_E_NO_MEMORY);
	return status;
}

void
document_free(struct document *document)
{
	json_decref(document->tree);
	json_decref(document->ids);
	*document = (struct document){ 0 };
}

reprise_status
document_check_id(const struct document *document, const char *what, const char *id,
		  struct reprise_error *error)
{
	const json_t *const member = json_object_get(document->tree, "id");

	if (member == NULL)
		return REPRISE_OK;
	if (!json_is_text(member))
		return json_refuse(error, what, "id", "must be a string");
	if (json_string_length(member) != strlen(id) ||
	    memcmp(json_string_value(member), id, strlen(id)) != 0)
		return json_refuse(error, what, "id", "differs from the argument of the call");
	return REPRISE_OK;
}

reprise_status
document_uid(const struct document *document, const char *what, const char **ret_uid,
	     struct reprise_error *error)
{
	const json_t *const member = json_object_get(document->tree, "uid");

	*ret_uid = NULL;
	if (member == NULL)
		return REPRISE_OK;
	if (!json_is_text(member))
		return json_refuse(error, what, "uid", "must be a string");
	if (strlen(json_string_value(member)) != json_string_length(member))
		return json_refuse(error, what, "uid", "must be without U+0000");
	*ret_uid = json_string_value(member);
	return REPRISE_OK;
}

bool
document_stamp(struct document *document, const char *id, const char *uid, uint64_t version)
{
	return json_put_text(document->tree, "id", id) &&
	       json_put_text(document->tree, "uid", uid) &&
	       json_object_set_new(document->tree, "version", json_integer((json_int_t)version)) ==
		       0;
}

/*
 * Sets *ret_is_new if no message before had the id of this one, or if it has none.
 * False: no memory.
 */
static bool
note_id(json_t *ids, const json_t *message, bool *ret_is_new)
{
	const json_t *const id = json_optional(message, "id");

	*ret_is_new = true;
	if (id == NULL)
		return true;
	const char *const text = json_string_value(id);
	const size_t size = json_string_length(id);

	if (json_object_getn(ids, text, size) != NULL) {
		*ret_is_new = false;
		return true;
	}
	return json_object_setn_new_nocheck(ids, text, size, json_true()) == 0;
}

static bool
gather_ids(struct document *document)
{
	bool is_new;

	document->ids = json_object();
	if (document->ids == NULL)
		return false;
	for (size_t i = 0; i < json_array_size(document->messages); i++)
		if (!note_id(document->ids, json_array_get(document->messages, i), &is_new))
			return false;
	return true;
}

bool
document_apply(struct document *document, const struct delta *delta)
{
	if (document->ids == NULL && !gather_ids(document))
		return false;
	if (delta->snapshot != NULL) {
		if (json_object_set(document->tree, "state", delta->snapshot) != 0)
			return false;
		json_array_clear(document->patches);
	}
	if (json_array_extend(document->patches, delta->patches) != 0)
		return false;
	for (size_t i = 0; i < json_array_size(delta->messages); i++) {
		json_t *const message = json_array_get(delta->messages, i);
		bool is_new;

		if (!note_id(document->ids, message, &is_new) ||
		    (is_new && json_array_append(document->messages, message) != 0))
			return false;
	}
	return true;
}
