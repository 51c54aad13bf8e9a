/* SPDX-License-Identifier: MIT */
#include "thread/run.h"

#include <stdio.h>
#include <string.h>

#include "base/cancel.h"
#include "base/error.h"
#include "thread/delta.h"
#include "thread/document.h"
#include "thread/page.h"

static reprise_status
read_and_seal(struct reprise_bytes text, const char *what, uint64_t now_ms, struct delta *delta,
	      bool *ret_has_own_id, struct reprise_error *error)
{
	reprise_status status = delta_read(text, what, delta, error);

	*ret_has_own_id = delta->has_id;
	if (status == REPRISE_OK && !delta->has_id)
		status = now_ms != 0 ? delta_name(delta, now_ms, error)
				     : json_refuse(error, what, "delta_id", "is missing");
	return status == REPRISE_OK ? delta_seal(delta, what, error) : status;
}

reprise_status
thread_read_delta(struct reprise_bytes text, const char *what, uint64_t now_ms,
		  struct reprise_thread_page *page, struct thread_delta_facts *ret_facts,
		  struct reprise_error *error)
{
	struct delta delta = { 0 };
	bool has_own_id = false;
	UNCANCELLABLE;
	reprise_status status = read_and_seal(text, what, now_ms, &delta, &has_own_id, error);

	page_empty(page);
	if (status == REPRISE_OK && !buffer_add(&page->bytes, delta.json.data, delta.json.size))
		status = error_plain(error, REPRISE_E_NO_MEMORY);
	if (status == REPRISE_OK) {
		*ret_facts = (struct thread_delta_facts){
			.created_ms = delta.created_ms,
			.is_run_finished = delta.is_run_finished,
			.has_own_id = has_own_id,
			.json = buffer_bytes(&page->bytes),
		};
		memcpy(ret_facts->id, delta.id, sizeof(ret_facts->id));
		memcpy(ret_facts->digest, delta.digest, sizeof(ret_facts->digest));
	}
	delta_free(&delta);
	return status;
}

static reprise_status
apply_one(struct document *document, struct reprise_bytes text, size_t at,
	  struct reprise_error *error)
{
	struct delta delta = { 0 };
	char what[REPRISE_ERROR_WHAT_BYTES];

	snprintf(what, sizeof(what), "deltas[%zu]", at);
	reprise_status status = delta_read(text, what, &delta, error);

	if (status == REPRISE_OK && !document_apply(document, &delta))
		status = error_plain(error, REPRISE_E_NO_MEMORY);
	delta_free(&delta);
	return status;
}

/* The version that the document says, counted up. A document without one is of version 0. */
static reprise_status
count_up(struct document *document, size_t more, struct reprise_error *error)
{
	const json_t *const version = json_object_get(document->tree, "version");

	if (version != NULL && (!json_is_integer(version) || json_integer_value(version) < 0))
		return json_refuse(error, "document", "version", "must be an integer");
	if (json_object_set_new(document->tree, "version",
				json_integer(json_integer_value(version) + (json_int_t)more)) != 0)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	return REPRISE_OK;
}

reprise_status
thread_apply_deltas(struct reprise_bytes text, const struct reprise_bytes *deltas,
		    size_t deltas_count, struct reprise_thread_page *page,
		    struct reprise_bytes *ret_document, struct reprise_error *error)
{
	struct document document;
	reprise_status status = document_read(text, "document", &document, error);

	page_empty(page);
	for (size_t i = 0; i < deltas_count && status == REPRISE_OK; i++)
		status = apply_one(&document, deltas[i], i, error);
	if (status == REPRISE_OK)
		status = count_up(&document, deltas_count, error);
	if (status == REPRISE_OK)
		status = json_write(document.tree, "document", &page->bytes, error);
	if (status == REPRISE_OK)
		*ret_document = buffer_bytes(&page->bytes);
	document_free(&document);
	return status;
}
