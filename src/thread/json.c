/* SPDX-License-Identifier: MIT */
#include "thread/json.h"

#include <stdio.h>
#include <string.h>

#include <reprise/thread.h>

#include "base/error.h"
#include "thread/verbatim.h"

enum {
	PARSE_FLAGS = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
	PADDING_MIN = 64,
};

/* Where byte @at of the text is, as an editor counts. */
static reprise_status
refuse_at(struct reprise_bytes text, size_t at, const char *what, const char *words,
	  struct reprise_error *error)
{
	const char *const bytes = text.data;
	char detail[REPRISE_ERROR_DETAIL_BYTES];
	size_t line = 1, begin = 0;
	/* A quotation of jansson's may have a wrapped number in it. */
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
 * jansson keeps the token that it reads in a buffer. If the buffer cannot grow, jansson drops a
 * byte of the token and goes on. So it is given
 *
 *    ["padding", text]
 *
 * where the buffer grows in the first string, for every token that comes; and the length of that
 * string is looked at. The buffer grows when it has 16, 32, 64 .. bytes: the string ends between
 * two of them, since its end must not be dropped.
 */
static bool
put_padded(struct reprise_bytes text, size_t longest, struct buffer *to, size_t *ret_padding)
{
	size_t room = PADDING_MIN;

	while (2 * room - 1 < longest)
		room *= 2;
	*ret_padding = room + room / 2;
	if (!buffer_reserve(to, *ret_padding + text.size + sizeof("[\"\",]")))
		return false;
	(void)buffer_add(to, "[\"", 2);
	memset(to->data + to->size, 'x', *ret_padding);
	to->size += *ret_padding;
	return buffer_add(to, "\",", 2) && buffer_add(to, text.data, text.size) &&
	       buffer_add(to, "]", 1);
}

/* NULL: no memory, or no JSON. */
static json_t *
parse_padded(struct reprise_bytes text, size_t longest)
{
	struct buffer padded = { 0 };
	size_t padding = 0;
	json_t *tree = NULL;

	if (put_padded(text, longest, &padded, &padding)) {
		json_t *const pair = json_loadb(padded.data, padded.size, PARSE_FLAGS, NULL);

		/* A text that ends the array itself is none, or two. */
		if (json_array_size(pair) == 2 &&
		    json_string_length(json_array_get(pair, 0)) == padding)
			tree = json_incref(json_array_get(pair, 1));
		json_decref(pair);
	}
	buffer_free(&padded);
	return tree;
}

/* Tells why a text was not parsed. */
static reprise_status
tell_fault(struct reprise_bytes text, struct reprise_bytes wrapped, const char *what,
	   struct reprise_error *error)
{
	json_error_t fault = { 0 };
	json_t *const tree = json_loadb(wrapped.data, wrapped.size, PARSE_FLAGS, &fault);

	/* It is JSON: memory was missing. */
	if (tree != NULL || json_error_code(&fault) == json_error_unknown ||
	    json_error_code(&fault) == json_error_out_of_memory) {
		json_decref(tree);
		return error_plain(error, REPRISE_E_NO_MEMORY);
	}
	const size_t at = fault.position > 0 ? (size_t)fault.position : 0;

	return refuse_at(text, wrapped.data == text.data ? at : verbatim_origin(text, at), what,
			 fault.text, error);
}

static reprise_status
read_tree(struct reprise_bytes text, struct reprise_bytes wrapped, size_t longest, const char *what,
	  json_t **ret_tree, struct reprise_error *error)
{
	json_t *const tree = parse_padded(wrapped, longest);

	if (tree == NULL)
		return tell_fault(text, wrapped, what, error);
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
	struct verbatim_sizes sizes;
	reprise_status status;

	if (text.data == NULL)
		return error_detailed(error, REPRISE_E_INVALID, what, "no bytes");
	if (text.size > REPRISE_THREAD_JSON_BYTES_MAX)
		return error_detailed(error, REPRISE_E_TOO_LARGE, what, NULL);
	if (!verbatim_wrap(text, &wrapped, &sizes))
		status = error_plain(error, REPRISE_E_NO_MEMORY);
	else if (sizes.depth > REPRISE_THREAD_DEPTH_MAX)
		status = error_detailed(error, REPRISE_E_INVALID, what,
					"arrays and objects are nested too deep");
	else
		status = read_tree(text, wrapped.size != 0 ? buffer_bytes(&wrapped) : text,
				   sizes.token, what, ret_tree, error);
	buffer_free(&wrapped);
	return status;
}

/* jansson goes on after an object's key could not be added. */
struct printing {
	struct buffer *to;
	bool has_failed;
};

static int
add_printed(const char *text, size_t size, void *context)
{
	struct printing *const printing = context;

	if (printing->has_failed || !buffer_add(printing->to, text, size))
		printing->has_failed = true;
	return printing->has_failed ? -1 : 0;
}

reprise_status
json_write(const json_t *tree, const char *what, struct buffer *to, struct reprise_error *error)
{
	const size_t first = to->size;
	struct printing printing = { .to = to };
	const int dumped = json_dump_callback(tree, add_printed, &printing,
					      JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);

	if (dumped != 0 || printing.has_failed) {
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
