/* SPDX-License-Identifier: MIT */
#include "thread/fold.h"

#include "base/error.h"
#include "thread/delta.h"
#include "thread/handle.h"
#include "thread/row.h"
#include "thread/uid.h"

struct folding {
	const struct thread_head *head;
	struct document *document; /* NULL: the text alone is copied */
	struct buffer *text;
	uint64_t version; /* so far */
	bool is_found;
	reprise_status status;
	struct reprise_error *error;
};

/* A stored text was good when it was put: a fault in it now is damage. */
static reprise_status
stored(reprise_status status, struct reprise_error *error, const char *what)
{
	return status == REPRISE_E_INVALID || status == REPRISE_E_TOO_LARGE ? corrupt(error, what)
									    : status;
}

static void
take_text(const struct thread_text *text, void *context)
{
	struct folding *const folding = context;
	const char *const fault = text_fault(folding->head, text);

	folding->is_found = true;
	if (fault != NULL)
		folding->status = corrupt(folding->error, fault);
	else if (folding->document != NULL)
		folding->status = stored(
			document_read(text->json, "document", folding->document, folding->error),
			folding->error, "a text is no document");
	else if (!buffer_add(folding->text, text->json.data, text->json.size))
		folding->status = error_plain(folding->error, REPRISE_E_NO_MEMORY);
}

static bool
take_delta(const struct thread_delta *row, void *context)
{
	struct folding *const folding = context;
	const char *const fault = delta_fault(&folding->head->uid, row);
	struct delta delta = { 0 };

	if (fault != NULL)
		folding->status = corrupt(folding->error, fault);
	else if (row->version != folding->version + 1)
		folding->status = corrupt(folding->error, "a delta is missing");
	else
		folding->status = stored(delta_read(row->json, "delta", &delta, folding->error),
					 folding->error, "a kept delta is none");
	if (folding->status == REPRISE_OK && !document_apply(folding->document, &delta))
		folding->status = error_plain(folding->error, REPRISE_E_NO_MEMORY);
	delta_free(&delta);
	folding->version = row->version;
	return folding->status == REPRISE_OK;
}

static reprise_status
find_text(struct folding *folding, struct reprise_thread_store *store)
{
	const reprise_status status = store->adapter->text_of(store, &folding->head->uid, take_text,
							      folding, folding->error);

	if (status != REPRISE_OK)
		return status;
	return folding->is_found ? folding->status : corrupt(folding->error, "a text is missing");
}

static reprise_status
apply_deltas(struct folding *folding, struct reprise_thread_store *store)
{
	const struct thread_head *const head = folding->head;

	if (head->base == head->version)
		return REPRISE_OK;
	const reprise_status status = store->adapter->deltas_after(
		store, &head->uid, head->base, head->version - head->base, take_delta, folding,
		folding->error);

	if (status != REPRISE_OK || folding->status != REPRISE_OK)
		return status != REPRISE_OK ? status : folding->status;
	return folding->version == head->version ? REPRISE_OK
						 : corrupt(folding->error, "a delta is missing");
}

reprise_status
fold_read(struct reprise_thread_store *store, const struct thread_head *head,
	  struct document *document, struct reprise_error *error)
{
	struct folding folding = {
		.head = head, .document = document, .version = head->base, .error = error
	};
	char uid[REPRISE_THREAD_UID_BYTES];

	*document = (struct document){ 0 };
	reprise_status status = find_text(&folding, store);

	if (status == REPRISE_OK)
		status = apply_deltas(&folding, store);
	uid_format(&head->uid, uid);
	if (status == REPRISE_OK && !document_stamp(document, head->id, uid, head->version))
		status = error_plain(error, REPRISE_E_NO_MEMORY);
	return status;
}

reprise_status
fold_text(struct reprise_thread_store *store, const struct thread_head *head, struct buffer *to,
	  struct reprise_error *error)
{
	struct folding folding = { .head = head, .text = to, .error = error };
	struct document document;

	if (head->base == head->version)
		return find_text(&folding, store);
	reprise_status status = fold_read(store, head, &document, error);

	if (status == REPRISE_OK)
		status = stored(json_write(document.tree, "document", to, error), error,
				"a document is too large");
	document_free(&document);
	return status;
}

reprise_status
fold_put(struct reprise_thread_store *store, struct thread_head *head,
	 const struct document *document, uint64_t version, struct reprise_error *error)
{
	struct buffer json = { 0 };
	reprise_status status = json_write(document->tree, "document", &json, error);

	if (status == REPRISE_OK) {
		struct thread_text text = { .version = version, .json = buffer_bytes(&json) };

		text.checksum = text_checksum(&head->uid, &text);
		status = store->adapter->put_text(store, &head->uid, &text, error);
		head->base = version;
		head->text_bytes = json.size;
		head->delta_bytes = 0;
	}
	buffer_free(&json);
	return status;
}
