/* SPDX-License-Identifier: MIT */
#include "thread/renew.h"

#include "base/error.h"
#include "thread/uid.h"
#include "thread/write.h"

static reprise_status
gather(struct writing *writing, struct gathered *gathered, struct reprise_error *error)
{
	struct thread_head head;
	reprise_status status = look_resume(writing, &head, error);

	if (status == REPRISE_OK)
		status = fold_gather(writing->store, &head, gathered, error);
	look_pause(writing);
	return status;
}

static reprise_status
print_ahead(const struct gathered *gathered, const struct delta *delta, struct renewal *renewal,
	    struct reprise_error *error)
{
	struct document document;
	reprise_status status = fold_read(gathered, &document, error);

	renewal->head = gathered->head;
	if (status == REPRISE_OK && !document_apply(&document, delta))
		status = error_plain(error, REPRISE_E_NO_MEMORY);
	if (status == REPRISE_OK)
		status = printed_make(&document, renewal->head.id, &renewal->text, error);
	document_free(&document);
	return status == REPRISE_OK ? printed_stamp(&renewal->text, &renewal->head.uid,
						    renewal->head.version + 1, error)
				    : status;
}

reprise_status
renew_ahead(struct writing *writing, const struct delta *delta, struct renewal *renewal,
	    struct reprise_error *error)
{
	struct gathered gathered = { 0 };

	renewal_free(renewal);
	reprise_status status = gather(writing, &gathered, error);

	if (status == REPRISE_OK)
		status = print_ahead(&gathered, delta, renewal, error);
	gathered_free(&gathered);
	return status;
}

void
renewal_free(struct renewal *renewal)
{
	printed_free(&renewal->text);
	*renewal = (struct renewal){ 0 };
}

bool
renewal_fits(const struct writing *writing, const struct renewal *renewal)
{
	return renewal->text.json.size != 0 && renewal->head.version == writing->head.version &&
	       uid_is_same(&renewal->head.uid, &writing->head.uid);
}

reprise_status
renewal_put(struct writing *writing, const struct renewal *renewal, struct reprise_error *error)
{
	return fold_put_stamped(writing->store, &writing->head, &renewal->text,
				renewal->head.version + 1, error);
}

static reprise_status
print_behind(const struct gathered *gathered, struct printed *printed)
{
	const struct thread_head *const head = &gathered->head;
	struct document document;
	reprise_status status = fold_read(gathered, &document, NULL);

	if (status == REPRISE_OK)
		status = printed_make(&document, head->id, printed, NULL);
	document_free(&document);
	return status == REPRISE_OK ? printed_stamp(printed, &head->uid, head->version, NULL)
				    : status;
}

/* The document may have had further deltas meanwhile: they stay behind the text. */
static reprise_status
put_behind(struct writing *writing, const struct thread_head *read, const struct printed *printed)
{
	struct thread_head *const head = &writing->head;

	if (!head->exists || !uid_is_same(&head->uid, &read->uid) || head->base != read->base)
		return REPRISE_E_CONFLICT;
	const uint64_t bytes_behind = head->delta_bytes - read->delta_bytes;
	const uint64_t growth_behind = head->growth_bytes - read->growth_bytes;
	const reprise_status status =
		fold_put_stamped(writing->store, head, printed, read->version, NULL);

	head->delta_bytes = bytes_behind;
	head->growth_bytes = growth_behind;
	return status == REPRISE_OK ? write_head(writing, NULL) : status;
}

void
renew_behind(struct writing *writing)
{
	const uint64_t base = writing->head.base;
	struct gathered gathered = { 0 };
	struct printed printed = { 0 };
	reprise_status status = gather(writing, &gathered, NULL);

	/* Somebody else may have done it already. */
	if (status == REPRISE_OK && gathered.head.base == base)
		status = print_behind(&gathered, &printed);
	if (status == REPRISE_OK && printed.json.size != 0)
		status = write_resume(writing, NULL);
	if (status == REPRISE_OK && printed.json.size != 0)
		(void)write_pause(writing, put_behind(writing, &gathered.head, &printed), NULL);
	printed_free(&printed);
	gathered_free(&gathered);
}
