/* SPDX-License-Identifier: MIT */
#include "thread/create.h"

#include <string.h>

#include "base/cancel.h"
#include "base/error.h"
#include "thread/fold.h"
#include "thread/uid.h"
#include "thread/write.h"

reprise_status
create_document(struct writing *writing, const struct thread_uid *uid, struct printed *printed,
		struct reprise_error *error)
{
	writing->head = (struct thread_head){ .exists = true, .uid = *uid };
	memcpy(writing->head.id, writing->id, strlen(writing->id) + 1);
	reprise_status status = fold_put(writing->store, &writing->head, printed, 0, error);

	if (status == REPRISE_OK)
		status = prune_applied(writing, 0, error);
	return status == REPRISE_OK ? write_head(writing, error) : status;
}

static reprise_status
check_new(const struct document *document, const char *id, struct reprise_error *error)
{
	const char *uid = NULL;
	reprise_status status = document_check_id(document, "document", id, error);

	if (status == REPRISE_OK)
		status = document_uid(document, "document", &uid, error);
	if (status == REPRISE_OK && uid != NULL)
		status = json_refuse(error, "document", "uid",
				     "must not be given: the store chooses the uid");
	return status;
}

static reprise_status
print_new(struct reprise_bytes text, const char *id, struct printed *printed,
	  struct reprise_error *error)
{
	struct document document;
	reprise_status status = document_read(document_or_none(text), "document", &document, error);

	if (status == REPRISE_OK)
		status = check_new(&document, id, error);
	if (status == REPRISE_OK)
		status = printed_make(&document, id, printed, error);
	document_free(&document);
	return status;
}

reprise_status
reprise_thread_create(struct reprise_thread_store *store, const char *id,
		      struct reprise_bytes document_text, char *ret_uid,
		      struct reprise_error *error)
{
	struct printed printed = { 0 };
	struct thread_uid uid;
	struct writing writing;
	UNCANCELLABLE;
	reprise_status status = handle_check(store, id, error);

	if (status != REPRISE_OK)
		return status;
	status = print_new(document_text, id, &printed, error);
	if (status == REPRISE_OK)
		status = uid_draw(&uid, error);
	if (status == REPRISE_OK)
		status = write_begin(&writing, store, id, error);
	if (status == REPRISE_OK) {
		status = writing.head.exists ? error_plain(error, REPRISE_E_EXISTS)
					     : create_document(&writing, &uid, &printed, error);
		status = write_end(&writing, status, error);
	}
	if (status == REPRISE_OK && ret_uid != NULL)
		uid_format(&uid, ret_uid);
	printed_free(&printed);
	return status;
}
