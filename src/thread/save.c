/* SPDX-License-Identifier: MIT */
#include <reprise/thread.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "thread/create.h"
#include "thread/fold.h"
#include "thread/uid.h"
#include "thread/write.h"

/* The arguments of a save. */
struct save {
	const char *id;
	const uint64_t *expected_version;
	struct printed printed; /* the document */
	bool has_uid;
	char uid[REPRISE_THREAD_UID_BYTES +
		 1]; /* the document's; one byte more than a good one has */
	const struct reprise_thread_settled *settled;
	size_t settled_count;
};

static reprise_status
check_settled(const struct save *save, struct reprise_error *error)
{
	char what[REPRISE_ERROR_WHAT_BYTES];

	if (save->settled_count > REPRISE_THREAD_DELTAS_MAX)
		return error_invalid(error, "settled_count");
	if (save->settled == NULL && save->settled_count != 0)
		return error_invalid(error, "settled");
	for (size_t i = 0; i < save->settled_count; i++) {
		const char *const id = save->settled[i].delta_id;

		if (id != NULL && delta_id_is_good(id, strnlen(id, THREAD_DELTA_ID_ROOM)))
			continue;
		snprintf(what, sizeof(what), "settled[%zu]: delta_id", i);
		return error_invalid(error, what);
	}
	return REPRISE_OK;
}

/* The ids of the settled deltas, sorted and each once, and what is remembered of them. */
struct settling {
	const char **ids;
	struct thread_applied *applied;
	size_t count;
};

static void
settling_free(struct settling *settling)
{
	free(settling->ids);
	free(settling->applied);
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool
settling_gather(struct settling *settling, const struct save *save)
{
	const size_t count = save->settled_count;
	size_t kept = 0;

	settling->ids = calloc(count, sizeof(const char *));
	settling->applied = calloc(count, sizeof(*settling->applied));
	if (settling->ids == NULL || settling->applied == NULL)
		return false;
	for (size_t i = 0; i < count; i++)
		settling->ids[i] = save->settled[i].delta_id;
	qsort(settling->ids, count, sizeof(const char *), compare);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || strcmp(settling->ids[kept - 1], settling->ids[i]) != 0)
			settling->ids[kept++] = settling->ids[i];
	settling->count = kept;
	return true;
}

/* Remembers one, with the next version, unless it is remembered. */
static reprise_status
settle_one(struct writing *writing, struct settling *settling,
	   const struct reprise_thread_settled *settled, struct reprise_error *error)
{
	const char **const found = bsearch(&settled->delta_id, settling->ids, settling->count,
					   sizeof(const char *), compare);
	struct thread_applied *const applied = &settling->applied[found - settling->ids];

	if (!applied->exists) {
		applied->exists = true;
		memcpy(applied->digest, settled->digest, sizeof(applied->digest));
		return write_applied(writing, settled->delta_id, settled->digest,
				     ++writing->head.version, error);
	}
	if (memcmp(applied->digest, settled->digest, sizeof(applied->digest)) == 0)
		return REPRISE_OK;
	return error_detailed(error, REPRISE_E_EXISTS, "settled", settled->delta_id);
}

static reprise_status
settle(struct writing *writing, const struct save *save, struct reprise_error *error)
{
	struct settling settling = { 0 };
	reprise_status status = REPRISE_OK;

	if (save->settled_count == 0)
		return REPRISE_OK;
	if (!settling_gather(&settling, save))
		status = error_plain(error, REPRISE_E_NO_MEMORY);
	else
		status = find_applied(writing->store, &writing->head.uid, settling.ids,
				      settling.count, settling.applied, error);
	for (size_t i = 0; i < save->settled_count && status == REPRISE_OK; i++)
		status = settle_one(writing, &settling, &save->settled[i], error);
	settling_free(&settling);
	return status;
}

static reprise_status
replace(struct writing *writing, struct save *save, struct reprise_error *error)
{
	struct thread_head *const head = &writing->head;
	const uint64_t before = head->version;
	char uid[REPRISE_THREAD_UID_BYTES];

	uid_format(&head->uid, uid);
	if (save->has_uid && strcmp(save->uid, uid) != 0)
		return error_conflict_detailed(error, before, before,
					       "the document with this id has another uid");
	reprise_status status = write_expect(writing, save->expected_version, error);

	if (status == REPRISE_OK)
		status = settle(writing, save, error);
	if (status != REPRISE_OK)
		return status;
	head->version++;
	status = fold_put(writing->store, head, &save->printed, head->version, error);
	if (status == REPRISE_OK && head->complete_after != before)
		status = writing->store->adapter->drop_deltas(writing->store, &head->uid, before,
							      error);
	head->complete_after = head->version;
	if (status == REPRISE_OK)
		status = prune_applied(writing, save->settled_count, error);
	return status == REPRISE_OK ? write_head(writing, error) : status;
}

static reprise_status
save_any(struct writing *writing, struct save *save, struct reprise_error *error)
{
	struct thread_uid uid;

	if (writing->head.exists)
		return replace(writing, save, error);
	if (save->has_uid || save->expected_version != NULL || save->settled_count != 0)
		return error_plain(error, REPRISE_E_NOT_FOUND);
	const reprise_status status = uid_draw(&uid, error);

	return status == REPRISE_OK ? create_document(writing, &uid, &save->printed, error)
				    : status;
}

static reprise_status
check_document(struct save *save, const struct document *document, struct reprise_error *error)
{
	const char *uid = NULL;
	reprise_status status = document_check_id(document, "document", save->id, error);

	if (status == REPRISE_OK)
		status = document_uid(document, "document", &uid, error);
	if (status == REPRISE_OK && uid != NULL) {
		save->has_uid = true;
		snprintf(save->uid, sizeof(save->uid), "%s", uid);
	}
	return status;
}

static reprise_status
read_save(struct save *save, struct reprise_bytes text, struct reprise_error *error)
{
	struct document document;
	reprise_status status = document_read(document_or_none(text), "document", &document, error);

	if (status == REPRISE_OK)
		status = check_document(save, &document, error);
	if (status == REPRISE_OK)
		status = printed_make(&document, save->id, &save->printed, error);
	document_free(&document);
	return status;
}

reprise_status
reprise_thread_save(struct reprise_thread_store *store, const char *id,
		    const uint64_t *expected_version, struct reprise_bytes document,
		    const struct reprise_thread_settled *settled, size_t settled_count,
		    uint64_t *ret_version, struct reprise_error *error)
{
	struct save save = { .id = id,
			     .expected_version = expected_version,
			     .settled = settled,
			     .settled_count = settled_count };
	struct writing writing;
	reprise_status status = handle_check(store, id, error);

	if (status == REPRISE_OK)
		status = check_settled(&save, error);
	if (status != REPRISE_OK)
		return status;
	status = read_save(&save, document, error);
	if (status == REPRISE_OK)
		status = write_begin(&writing, store, id, error);
	if (status == REPRISE_OK) {
		status = save_any(&writing, &save, error);
		status = write_end(&writing, status, error);
		if (status == REPRISE_OK && ret_version != NULL)
			*ret_version = writing.head.version;
	}
	printed_free(&save.printed);
	return status;
}
