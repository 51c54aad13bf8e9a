/* SPDX-License-Identifier: MIT */
#include "thread/fold.h"

#include <string.h>

#include "base/error.h"
#include "thread/delta.h"
#include "thread/handle.h"
#include "thread/row.h"
#include "thread/uid.h"

struct gathering {
	struct gathered *gathered;
	uint64_t version; /* so far */
	bool is_found;
	reprise_status status;
	struct reprise_error *error;
};

static void
copy_text(const struct thread_text *text, void *context)
{
	struct gathering *const gathering = context;
	struct gathered *const gathered = gathering->gathered;
	const char *const fault = text_fault(&gathered->head, text);

	gathering->is_found = true;
	if (fault != NULL)
		gathering->status = corrupt(gathering->error, fault);
	else if (!buffer_add(&gathered->text, text->json.data, text->json.size))
		gathering->status = error_plain(gathering->error, REPRISE_E_NO_MEMORY);
}

static bool
copy_delta(const struct thread_delta *row, void *context)
{
	struct gathering *const gathering = context;
	struct gathered *const gathered = gathering->gathered;
	const char *const fault = delta_fault(&gathered->head.uid, row);

	if (fault != NULL)
		gathering->status = corrupt(gathering->error, fault);
	else if (row->version != gathering->version + 1)
		gathering->status = corrupt(gathering->error, "a delta is missing");
	else if (!buffer_add(&gathered->deltas, row->json.data, row->json.size) ||
		 !buffer_add(&gathered->sizes, &row->json.size, sizeof(row->json.size)))
		gathering->status = error_plain(gathering->error, REPRISE_E_NO_MEMORY);
	gathering->version = row->version;
	return gathering->status == REPRISE_OK;
}

static reprise_status
gather_text(struct gathering *gathering, struct reprise_thread_store *store)
{
	const reprise_status status = store->adapter->text_of(
		store, &gathering->gathered->head.uid, copy_text, gathering, gathering->error);

	if (status != REPRISE_OK)
		return status;
	return gathering->is_found ? gathering->status
				   : corrupt(gathering->error, "a text is missing");
}

static reprise_status
gather_deltas(struct gathering *gathering, struct reprise_thread_store *store)
{
	const struct thread_head *const head = &gathering->gathered->head;

	if (head->base == head->version)
		return REPRISE_OK;
	const reprise_status status = store->adapter->deltas_after(
		store, &head->uid, head->base, head->version - head->base, copy_delta, gathering,
		gathering->error);

	if (status != REPRISE_OK || gathering->status != REPRISE_OK)
		return status != REPRISE_OK ? status : gathering->status;
	return gathering->version == head->version
		       ? REPRISE_OK
		       : corrupt(gathering->error, "a delta is missing");
}

reprise_status
fold_gather(struct reprise_thread_store *store, const struct thread_head *head,
	    struct gathered *gathered, struct reprise_error *error)
{
	struct gathering gathering = { .gathered = gathered,
				       .version = head->base,
				       .error = error };

	gathered->head = *head;
	const reprise_status status = gather_text(&gathering, store);

	return status == REPRISE_OK ? gather_deltas(&gathering, store) : status;
}

void
gathered_free(struct gathered *gathered)
{
	buffer_free(&gathered->text);
	buffer_free(&gathered->deltas);
	buffer_free(&gathered->sizes);
}

/* A stored text was good when it was put: a fault in it now is damage. */
static reprise_status
stored(reprise_status status, struct reprise_error *error, const char *what)
{
	return status == REPRISE_E_INVALID || status == REPRISE_E_TOO_LARGE ? corrupt(error, what)
									    : status;
}

static reprise_status
apply_stored(struct document *document, struct reprise_bytes json, struct reprise_error *error)
{
	struct delta delta = { 0 };
	reprise_status status = stored(delta_read(json, "delta", &delta, error), error,
				       "a stored delta is not a delta");

	if (status == REPRISE_OK && !document_apply(document, &delta))
		status = error_plain(error, REPRISE_E_NO_MEMORY);
	delta_free(&delta);
	return status;
}

reprise_status
fold_read(const struct gathered *gathered, struct document *document, struct reprise_error *error)
{
	const struct thread_head *const head = &gathered->head;
	char uid[REPRISE_THREAD_UID_BYTES];
	reprise_status status =
		stored(document_read(buffer_bytes(&gathered->text), "document", document, error),
		       error, "a stored text is not a document");
	size_t at = 0;

	for (size_t i = 0; i < gathered->sizes.size && status == REPRISE_OK; i += sizeof(size_t)) {
		struct reprise_bytes json = { gathered->deltas.data + at, 0 };

		memcpy(&json.size, gathered->sizes.data + i, sizeof(json.size));
		status = apply_stored(document, json, error);
		at += json.size;
	}
	uid_format(&head->uid, uid);
	if (status == REPRISE_OK && !document_stamp(document, head->id, uid, head->version))
		status = error_plain(error, REPRISE_E_NO_MEMORY);
	return status;
}

reprise_status
fold_text(struct gathered *gathered, struct reprise_error *error)
{
	struct document document;

	if (gathered->sizes.size == 0)
		return REPRISE_OK;
	reprise_status status = fold_read(gathered, &document, error);

	gathered->text.size = 0;
	if (status == REPRISE_OK)
		status = stored(json_write(document.tree, "document", &gathered->text, error),
				error, "a document is too large");
	document_free(&document);
	return status;
}

reprise_status
fold_put_stamped(struct reprise_thread_store *store, struct thread_head *head,
		 const struct printed *printed, uint64_t version, struct reprise_error *error)
{
	struct thread_text text = { .version = version, .json = buffer_bytes(&printed->json) };

	text.checksum = text_checksum(&head->uid, &text);
	head->base = version;
	head->text_bytes = text.json.size;
	head->delta_bytes = head->growth_bytes = 0;
	return store->adapter->put_text(store, &head->uid, &text, error);
}

reprise_status
fold_put(struct reprise_thread_store *store, struct thread_head *head, struct printed *printed,
	 uint64_t version, struct reprise_error *error)
{
	const reprise_status status = printed_stamp(printed, &head->uid, version, error);

	return status == REPRISE_OK ? fold_put_stamped(store, head, printed, version, error)
				    : status;
}
