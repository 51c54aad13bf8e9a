/* SPDX-License-Identifier: MIT */
#include "thread/json.h"

#include <stdio.h>
#include <string.h>

#include <reprise/thread.h>

#include "base/error.h"
#include "thread/verbatim.h"

/* Where byte @at of the text is, as an editor counts. */
static reprise_status
refuse_at(struct reprise_bytes text, size_t at, const char *what, const char *words,
	  struct reprise_error *error)
{
	const char *const bytes = text.data;
	char detail[REPRISE_ERROR_DETAIL_BYTES];
	size_t line = 1, begin = 0;
	/* What jansson quotes may have a wrapped number in it. */
	const char *const quote = strstr(words, " near ");

	for (size_t i = 0; i < at && i < text.size; i++)
		if (bytes[i] == '\n') {
			line++;
			begin = i + 1;
		}
	snprintf(detail, sizeof(detail), "line %zu, column %zu: %.*s", line, at - begin + 1,
		 quote != NULL ? (int)(quote - words) : (int)strlen(words), words);
	return error_detailed(error, REPRISE_E_INVALID, what, detail);
}

/*
 * jansson tells some allocations that were refused as a token that is invalid. So a text that fails is read once more,
 * and what the second time says counts.
 */
static json_t *
read_twice(const char *text, size_t size, json_error_t *ret_fault)
{
	const size_t flags = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL;
	json_t *tree = json_loadb(text, size, flags, ret_fault);

	return tree != NULL ? tree : json_loadb(text, size, flags, ret_fault);
}

static reprise_status
read_tree(struct reprise_bytes text, struct reprise_bytes wrapped, const char *what,
	  json_t **ret_tree, struct reprise_error *error)
{
	json_error_t fault = { 0 };
	json_t *const tree = read_twice(wrapped.data, wrapped.size, &fault);

	if (tree == NULL && (json_error_code(&fault) == json_error_unknown ||
			     json_error_code(&fault) == json_error_out_of_memory))
		return error_plain(error, REPRISE_E_NO_MEMORY);
	if (tree == NULL) {
		const size_t at = fault.position > 0 ? (size_t)fault.position : 0;

		return refuse_at(text, wrapped.data == text.data ? at : verbatim_origin(text, at),
				 what, fault.text, error);
	}
	if (!json_is_object(tree)) {
		json_decref(tree);
		return error_detailed(error, REPRISE_E_INVALID, what, "must be an object");
	}
	*ret_tree = tree;
	return REPRISE_OK;
}

reprise_status
json_read(struct reprise_bytes text, const char *what, json_t **ret_tree,
	  struct reprise_error *error)
{
	struct buffer wrapped = { 0 };
	size_t depth = 0;
	reprise_status status;

	if (text.data == NULL)
		return error_detailed(error, REPRISE_E_INVALID, what, "no bytes");
	if (text.size > REPRISE_THREAD_JSON_BYTES_MAX)
		return error_detailed(error, REPRISE_E_TOO_LARGE, what, NULL);
	if (!verbatim_wrap(text, &wrapped, &depth))
		status = error_plain(error, REPRISE_E_NO_MEMORY);
	else if (depth > REPRISE_THREAD_DEPTH_MAX)
		status = error_detailed(error, REPRISE_E_INVALID, what,
					"too many arrays and objects inside each other");
	else
		status = read_tree(text, wrapped.size != 0 ? buffer_bytes(&wrapped) : text, what,
				   ret_tree, error);
	buffer_free(&wrapped);
	return status;
}

static int
add_printed(const char *text, size_t size, void *context)
{
	return buffer_add(context, text, size) ? 0 : -1;
}

reprise_status
json_write(const json_t *tree, const char *what, struct buffer *to, struct reprise_error *error)
{
	const size_t first = to->size;

	if (json_dump_callback(tree, add_printed, to,
			       JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY) != 0) {
		to->size = first;
		return error_plain(error, REPRISE_E_NO_MEMORY);
	}
	verbatim_unwrap(to, first);
	if (to->size - first <= REPRISE_THREAD_JSON_BYTES_MAX)
		return REPRISE_OK;
	to->size = first;
	return error_detailed(error, REPRISE_E_TOO_LARGE, what, NULL);
}

bool
json_is_text(const json_t *value)
{
	return json_is_string(value) &&
	       !verbatim_is_number(json_string_value(value), json_string_length(value));
}

json_t *
json_optional(const json_t *object, const char *name)
{
	json_t *const member = json_object_get(object, name);

	return json_is_null(member) ? NULL : member;
}

reprise_status
json_refuse(struct reprise_error *error, const char *what, const char *member, const char *rule)
{
	char detail[REPRISE_ERROR_DETAIL_BYTES];

	snprintf(detail, sizeof(detail), "%s: %s", member, rule);
	return error_detailed(error, REPRISE_E_INVALID, what, detail);
}

static reprise_status
check_messages(const json_t *array, const char *what, struct reprise_error *error)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		const json_t *const message = json_array_get(array, i);
		const json_t *const id = json_optional(message, "id");
		char member[64];

		snprintf(member, sizeof(member), "messages[%zu]%s", i,
			 json_is_object(message) ? ".id" : "");
		if (!json_is_object(message))
			return json_refuse(error, what, member, "must be an object");
		if (id != NULL && !json_is_text(id))
			return json_refuse(error, what, member, "must be a string");
	}
	return REPRISE_OK;
}

reprise_status
json_take_array(json_t *object, const char *what, const char *name, bool are_messages,
		json_t **ret_array, struct reprise_error *error)
{
	json_t *array = json_object_get(object, name);

	if (array == NULL) {
		array = json_array();
		if (json_object_set_new(object, name, array) != 0)
			return error_plain(error, REPRISE_E_NO_MEMORY);
	}
	if (!json_is_array(array))
		return json_refuse(error, what, name, "must be an array");
	*ret_array = array;
	return are_messages ? check_messages(array, what, error) : REPRISE_OK;
}

bool
json_put_text(json_t *object, const char *name, const char *text)
{
	return json_object_set_new(object, name, json_string(text)) == 0;
}
