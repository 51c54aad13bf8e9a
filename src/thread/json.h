/* SPDX-License-Identifier: MIT */
#ifndef THREAD_JSON_H
#define THREAD_JSON_H

/* JSON texts, and the trees that they stand for. */

#include <jansson.h>

#include "thread/buffer.h"

/*
 * The object that @text is. E_INVALID names @what, and says where the text is no JSON; E_TOO_LARGE,
 * E_NO_MEMORY. The tree is owned: json_decref.
 */
reprise_status json_read(struct reprise_bytes text, const char *what, json_t **ret_tree,
			 struct reprise_error *error);

/*
 * Adds the tree in canonical form to @to. E_NO_MEMORY: @to is as before; E_TOO_LARGE,
 * naming @what: likewise.
 */
reprise_status json_write(const json_t *tree, const char *what, struct buffer *to,
			  struct reprise_error *error);

/* A string of the host's, not a number that is kept as one (verbatim.h). */
bool json_is_text(const json_t *value);

/* The member of that name; NULL if there is none, or if it is null. */
json_t *json_optional(const json_t *object, const char *name);

/* E_INVALID: @what, with "@member: @rule" in words. */
reprise_status json_refuse(struct reprise_error *error, const char *what, const char *member,
			   const char *rule);

/*
 * The optional member @name as an array, which is owned by @object; one that is not there is put
 * there empty. Each element is an object whose optional member id is a text, if they @are_messages.
 */
reprise_status json_take_array(json_t *object, const char *what, const char *name,
			       bool are_messages, json_t **ret_array, struct reprise_error *error);

/* Puts a text into an object, in the place of another member of that name. False: no memory. */
bool json_put_text(json_t *object, const char *name, const char *text);

#endif /* THREAD_JSON_H */
