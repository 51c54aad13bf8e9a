/* SPDX-License-Identifier: MIT */
#include <reprise/thread.h>

#include <string.h>

#include "base/error.h"
#include "base/numbers.h"
#include "base/sized.h"
#include "thread/fold.h"
#include "thread/write.h"

enum {
	FOLD_BYTES_MIN = 64 << 10, /* so that a small document is not written anew by each append */
};

/* Whether the store knows the delta: sets the version of the first time. E_EXISTS: it knows another one by that id. */
static reprise_status
look_up(struct writing *writing, const struct delta *delta, uint64_t *ret_version,
	struct reprise_error *error)
{
	const char *const id = delta->id;
	struct thread_applied applied = { 0 };
	const reprise_status status =
		find_applied(writing->store, &writing->head.uid, &id, 1, &applied, error);

	if (status != REPRISE_OK || !applied.exists)
		return status;
	if (memcmp(applied.digest, delta->digest, sizeof(applied.digest)) != 0)
		return error_detailed(error, REPRISE_E_EXISTS, "delta", delta->id);
	*ret_version = applied.version;
	return REPRISE_OK;
}

static reprise_status
check_age(const struct writing *writing, const struct delta *delta, struct reprise_error *error)
{
	const uint64_t limit_ms = writing->store->limits.retry_limit_ms;

	if (writing->now_ms > limit_ms && delta->created_ms < writing->now_ms - limit_ms)
		return error_detailed(error, REPRISE_E_EXPIRED, "delta", "created_at");
	if (delta->created_ms > writing->now_ms + limit_ms)
		return json_refuse(error, "delta", "created_at", "lies too far ahead");
	return REPRISE_OK;
}

/* Puts the text anew, with this delta, too. */
static reprise_status
fold(struct writing *writing, const struct delta *delta, struct reprise_error *error)
{
	const uint64_t version = writing->head.version + 1;
	struct document document;
	reprise_status status = fold_read(writing->store, &writing->head, &document, error);

	if (status == REPRISE_OK &&
	    (!document_apply(&document, delta) ||
	     json_object_set_new(document.tree, "version", json_integer((json_int_t)version)) != 0))
		status = error_plain(error, REPRISE_E_NO_MEMORY);
	if (status == REPRISE_OK)
		status = fold_put(writing->store, &writing->head, &document, version, error);
	document_free(&document);
	return status;
}

static reprise_status
apply(struct writing *writing, const struct delta *delta, struct reprise_error *error)
{
	struct thread_head *const head = &writing->head;
	const uint64_t delta_bytes = head->delta_bytes + delta->json.size;
	bool is_held = false;
	reprise_status status = prune_deltas(writing, 1, &is_held, error);

	if (status == REPRISE_OK)
		status = prune_applied(writing, 1, error);
	/* The document is no larger than its text and the deltas behind it together. */
	if (status == REPRISE_OK &&
	    (is_held || delta_bytes >= greatest(FOLD_BYTES_MIN, head->text_bytes) ||
	     head->text_bytes + delta_bytes > REPRISE_THREAD_JSON_BYTES_MAX))
		status = fold(writing, delta, error);
	else
		head->delta_bytes = delta_bytes;
	if (status != REPRISE_OK)
		return status;
	head->version++;
	status = write_delta(writing, delta, head->version, error);
	return status == REPRISE_OK ? write_head(writing, error) : status;
}

/* In the transaction. *ret_version is of the first time, or 0. */
static reprise_status
append(struct writing *writing, const uint64_t *expected_version, struct delta *delta,
       uint64_t *ret_version, struct reprise_error *error)
{
	reprise_status status = REPRISE_OK;

	if (!writing->head.exists)
		return error_plain(error, REPRISE_E_NOT_FOUND);
	if (delta->has_id)
		status = look_up(writing, delta, ret_version, error);
	/* A repeated one writes the head as it is, so that what the first time wrote is as durable as this handle asks. */
	if (status == REPRISE_OK && *ret_version != 0)
		return write_head(writing, error);
	if (status == REPRISE_OK)
		status = write_expect(writing, expected_version, error);
	if (status == REPRISE_OK && !delta->has_id) {
		status = delta_name(delta, writing->now_ms, error);
		if (status == REPRISE_OK)
			status = delta_seal(delta, "delta", error);
	}
	if (status == REPRISE_OK)
		status = check_age(writing, delta, error);
	return status == REPRISE_OK ? apply(writing, delta, error) : status;
}

static void
tell(const struct writing *writing, const struct delta *delta, uint64_t version,
     struct reprise_thread_appended *ret_appended)
{
	struct reprise_thread_appended appended = {
		.version = version != 0 ? version : writing->head.version,
		.is_repeated = version != 0,
	};

	memcpy(appended.delta_id, delta->id, sizeof(appended.delta_id));
	memcpy(appended.digest, delta->digest, sizeof(appended.digest));
	(void)sized_write(ret_appended, &appended, sizeof(appended), sizeof(appended));
}

reprise_status
reprise_thread_append(struct reprise_thread_store *store, const char *id,
		      const uint64_t *expected_version, struct reprise_bytes delta_text,
		      struct reprise_thread_appended *ret_appended, struct reprise_error *error)
{
	struct delta delta = { 0 };
	struct writing writing;
	uint64_t version = 0;
	reprise_status status = handle_check(store, id, error);

	if (status != REPRISE_OK)
		return status;
	if (ret_appended != NULL && !sized_has_room(ret_appended, sizeof(*ret_appended)))
		return error_size(error, "ret_appended: size", ret_appended, sizeof(*ret_appended));
	status = delta_read(delta_text, "delta", &delta, error);
	if (status == REPRISE_OK && delta.has_id)
		status = delta_seal(&delta, "delta", error);
	if (status == REPRISE_OK)
		status = write_begin(&writing, store, id, error);
	if (status == REPRISE_OK) {
		status = append(&writing, expected_version, &delta, &version, error);
		status = write_end(&writing, status, error);
		if (status == REPRISE_OK && ret_appended != NULL)
			tell(&writing, &delta, version, ret_appended);
	}
	delta_free(&delta);
	return status;
}
