/* SPDX-License-Identifier: MIT */
#include <reprise/log_blob.h>

#include "base/error.h"
#include "log/handle.h"
#include "log/lookup.h"
#include "log/page.h"
#include "log/row.h"

/* The arguments that putting and getting have in common. */
static reprise_status
check(const struct reprise_log *log, const struct reprise_log_key *key, const char *name,
      struct reprise_error *error)
{
	const reprise_status status = handle_check(log, key, error);

	if (status != REPRISE_OK)
		return status;
	return blob_name_is_good(name) ? REPRISE_OK : error_invalid(error, "name");
}

/*
 * The blob takes the place of the one of that name. Where there is none, the head counts one more.
 */
static reprise_status
replace(struct reprise_log *log, struct log_head *head, struct log_blob *blob,
	struct reprise_error *error)
{
	uint64_t dropped = 0;
	reprise_status status = log->adapter->drop_blob(log, head->id, blob->name, &dropped, error);

	if (status == REPRISE_OK) {
		blob->checksum = log_blob_checksum(head->key_checksum, blob);
		status = log->adapter->put_blob(log, head->id, blob, error);
	}
	if (status != REPRISE_OK)
		return status;
	if (dropped == 0)
		head->blobs++;
	head->checksum = log_head_checksum(head->key_checksum, head);
	return log->adapter->put_head(log, head, error);
}

static reprise_status
put(struct reprise_log *log, const struct reprise_log_key *key,
    const reprise_ordinal *expected_head, struct log_blob *blob, struct reprise_error *error)
{
	struct log_head head = { 0 };
	reprise_status status = log->adapter->begin(log, log->level, key->tenant, &key->thread, 1,
						    LOG_PATIENT, &head, error);

	if (status != REPRISE_OK)
		return status;
	head.key_checksum = log_key_checksum(key->tenant, key->thread);
	const char *const fault = head_fault(&head);

	if (fault != NULL)
		status = corrupt(error, fault);
	else if (head.kind == 0)
		status =
			error_detailed(error, REPRISE_E_NOT_FOUND, "key", "the key has no entries");
	else if (head.kind == REPRISE_LOG_RING)
		status = error_conflict_detailed(error, head.head, head.head,
						 "the key belongs to a recorder");
	else if (expected_head != NULL && *expected_head != head.head)
		status = error_conflict(error, *expected_head, head.head);
	else
		status = replace(log, &head, blob, error);
	if (status == REPRISE_OK)
		return log->adapter->commit(log, error);
	log->adapter->rollback(log);
	return status;
}

reprise_status
reprise_log_blob_put(struct reprise_log *log, const struct reprise_log_key *key,
		     const reprise_ordinal *expected_head, const char *name,
		     struct reprise_bytes bytes, struct reprise_error *error)
{
	struct log_blob blob = { .name = name, .bytes = bytes };
	reprise_status status = check(log, key, name, error);

	if (status != REPRISE_OK)
		return status;
	if (bytes.data == NULL && bytes.size != 0)
		return error_invalid(error, "bytes");
	if (bytes.size > REPRISE_LOG_PAYLOAD_BYTES_MAX)
		return error_plain(error, REPRISE_E_TOO_LARGE);
	log_lock(log);
	status = put(log, key, expected_head, &blob, error);
	log_unlock(log);
	return status;
}

struct keeping {
	struct reprise_log_page *page;
	struct reprise_bytes bytes;
	bool has_no_memory;
};

static void
keep(const struct log_blob *blob, void *context)
{
	struct keeping *const keeping = context;

	if (blob->bytes.size == 0)
		return;
	keeping->bytes.data = page_keep(keeping->page, blob->bytes);
	keeping->bytes.size = blob->bytes.size;
	keeping->has_no_memory = keeping->bytes.data == NULL;
}

static reprise_status
find(struct reprise_log *log, const struct log_head *head, const char *name,
     struct keeping *keeping, struct reprise_error *error)
{
	bool is_there = false;

	if (head->kind == 0)
		return error_plain(error, REPRISE_E_NOT_FOUND);
	reprise_status status = lookup_blob(log, head, name, keep, keeping, &is_there, error);

	if (status == REPRISE_OK && keeping->has_no_memory)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	if (status != REPRISE_OK || is_there)
		return status;
	/* The blob of that name may be the one that is missing. */
	status = lookup_blobs_counted(log, head, error);
	if (status != REPRISE_OK)
		return status;
	return error_detailed(error, REPRISE_E_NOT_FOUND, "name",
			      "the key has no blob of that name");
}

reprise_status
reprise_log_blob_get(struct reprise_log *log, const struct reprise_log_key *key, const char *name,
		     struct reprise_log_page *page, struct reprise_bytes *ret_bytes,
		     struct reprise_error *error)
{
	struct keeping keeping = { .page = page };
	struct log_head head = { 0 };
	reprise_status status = check(log, key, name, error);

	if (status != REPRISE_OK)
		return status;
	if (page == NULL)
		return error_invalid(error, "page");
	if (ret_bytes == NULL)
		return error_invalid(error, "ret_bytes");
	page_empty(page);
	status = look_begin(log, key, &head, error);
	if (status == REPRISE_OK)
		status = find(log, &head, name, &keeping, error);
	look_end(log);
	if (status == REPRISE_OK)
		*ret_bytes = keeping.bytes;
	return status;
}
