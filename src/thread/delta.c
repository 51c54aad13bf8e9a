/* SPDX-License-Identifier: MIT */
#include "thread/delta.h"

#include <endian.h>
#include <string.h>

#include "base/error.h"
#include "base/siphash.h"
#include "base/utf8.h"
#include "thread/uid.h"

static const char *const reasons[] = { "UserMessage", "AssistantTurnCommitted",
				       "ToolResultsCommitted", "RunFinished" };
enum {
	REASONS = sizeof(reasons) / sizeof(reasons[0]),
	RUN_FINISHED = 3,
};

bool
delta_id_is_good(const char *id, size_t size)
{
	return size >= 1 && size <= REPRISE_THREAD_DELTA_ID_BYTES_MAX &&
	       utf8_text_prefix(id, size) == size;
}

static reprise_status
read_identity(struct delta *delta, const char *what, struct reprise_error *error)
{
	const json_t *const id = json_optional(delta->tree, "delta_id");
	const json_t *const created = json_optional(delta->tree, "created_at");

	if (id != NULL && !json_is_text(id))
		return json_refuse(error, what, "delta_id", "must be a string");
	if (created != NULL && (!json_is_integer(created) || json_integer_value(created) < 0))
		return json_refuse(error, what, "created_at",
				   "must be an integer: milliseconds since 1970");
	if ((id != NULL) != (created != NULL))
		return json_refuse(
			error, what, id != NULL ? "created_at" : "delta_id",
			"is missing: a delta has both delta_id and created_at, or neither");
	if (id == NULL)
		return REPRISE_OK;
	const size_t size = json_string_length(id);

	if (!delta_id_is_good(json_string_value(id), size))
		return json_refuse(error, what, "delta_id",
				   "must be 1 to 128 bytes without control characters");
	memcpy(delta->id, json_string_value(id), size);
	delta->id[size] = '\0';
	delta->has_id = true;
	delta->created_ms = (uint64_t)json_integer_value(created);
	return REPRISE_OK;
}

static reprise_status
read_reason(struct delta *delta, const char *what, struct reprise_error *error)
{
	const json_t *const reason = json_object_get(delta->tree, "reason");

	if (!json_is_text(reason))
		return json_refuse(error, what, "reason", "must be a string");
	for (size_t i = 0; i < REASONS; i++)
		if (strlen(reasons[i]) == json_string_length(reason) &&
		    strcmp(reasons[i], json_string_value(reason)) == 0) {
			delta->is_run_finished = i == RUN_FINISHED;
			return REPRISE_OK;
		}
	return json_refuse(error, what, "reason",
			   "must be UserMessage, AssistantTurnCommitted, ToolResultsCommitted or "
			   "RunFinished");
}

static reprise_status
read_members(struct delta *delta, const char *what, struct reprise_error *error)
{
	const json_t *const parent = json_optional(delta->tree, "parent_run_id");
	const json_t *const actions = json_optional(delta->tree, "actions");
	reprise_status status = read_identity(delta, what, error);

	if (status == REPRISE_OK && !json_is_text(json_object_get(delta->tree, "run_id")))
		status = json_refuse(error, what, "run_id", "must be a string");
	if (status == REPRISE_OK && parent != NULL && !json_is_text(parent))
		status = json_refuse(error, what, "parent_run_id", "must be a string");
	if (status == REPRISE_OK)
		status = read_reason(delta, what, error);
	if (status == REPRISE_OK)
		status = json_take_array(delta->tree, what, "messages", true, &delta->messages,
					 error);
	if (status == REPRISE_OK)
		status = json_take_array(delta->tree, what, "patches", false, &delta->patches,
					 error);
	if (status == REPRISE_OK && actions != NULL && !json_is_array(actions))
		status = json_refuse(error, what, "actions", "must be an array");
	return status;
}

reprise_status
delta_read(struct reprise_bytes text, const char *what, struct delta *delta,
	   struct reprise_error *error)
{
	*delta = (struct delta){ 0 };
	const reprise_status status = json_read(text, what, &delta->tree, error);

	if (status != REPRISE_OK)
		return status;
	delta->snapshot = json_optional(delta->tree, "snapshot");
	return read_members(delta, what, error);
}

/* The size in canonical form without the members that a document takes. */
static reprise_status
size_of_rest(const struct delta *delta, size_t *ret_size, struct reprise_error *error)
{
	json_t *const rest = json_copy(delta->tree);
	struct buffer json = { 0 };

	if (rest == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	(void)json_object_del(rest, "messages");
	(void)json_object_del(rest, "patches");
	if (delta->snapshot != NULL)
		(void)json_object_del(rest, "snapshot");
	const reprise_status status = json_write(rest, "delta", &json, error);

	*ret_size = json.size;
	buffer_free(&json);
	json_decref(rest);
	return status;
}

reprise_status
delta_growth(const struct delta *delta, uint64_t *ret_bytes, struct reprise_error *error)
{
	size_t rest = 0;
	const reprise_status status = size_of_rest(delta, &rest, error);

	if (status != REPRISE_OK)
		return status;
	*ret_bytes = delta->json.size - rest - strlen(",\"messages\":[]") -
		     strlen(",\"patches\":[]") -
		     (delta->snapshot != NULL ? strlen(",\"snapshot\":") : 0);
	/* A comma behind what the document has. */
	if (json_array_size(delta->messages) != 0)
		(*ret_bytes)++;
	if (json_array_size(delta->patches) != 0)
		(*ret_bytes)++;
	return REPRISE_OK;
}

void
delta_drop_tree(struct delta *delta)
{
	json_decref(delta->tree);
	delta->tree = delta->messages = delta->patches = delta->snapshot = NULL;
}

void
delta_free(struct delta *delta)
{
	delta_drop_tree(delta);
	buffer_free(&delta->json);
}

reprise_status
delta_name(struct delta *delta, uint64_t now_ms, struct reprise_error *error)
{
	struct thread_uid random;
	char text[REPRISE_THREAD_UID_BYTES];
	const reprise_status status = uid_draw(&random, error);

	if (status != REPRISE_OK)
		return status;
	uid_format(&random, text);
	if (!json_put_text(delta->tree, "delta_id", text) ||
	    json_object_set_new(delta->tree, "created_at", json_integer((json_int_t)now_ms)) != 0)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	memcpy(delta->id, text, sizeof(text));
	delta->created_ms = now_ms;
	delta->has_id = true;
	return REPRISE_OK;
}

/* The keys are no secret: the digest tells objects apart that were given one id by accident. */
static void
digest(const struct buffer *json, unsigned char *ret_digest)
{
	static const struct siphash_key keys[] = {
		{ { UINT64_C(0x7265707269736531), UINT64_C(0x74687265616431) } },
		{ { UINT64_C(0x7265707269736532), UINT64_C(0x74687265616432) } },
	};

	for (size_t i = 0; i < 2; i++) {
		const uint64_t half = htole64(siphash(&keys[i], json->data, json->size));

		memcpy(ret_digest + i * sizeof(half), &half, sizeof(half));
	}
}

reprise_status
delta_seal(struct delta *delta, const char *what, struct reprise_error *error)
{
	delta->json.size = 0;
	const reprise_status status = json_write(delta->tree, what, &delta->json, error);

	if (status == REPRISE_OK)
		digest(&delta->json, delta->digest);
	return status;
}
