/* SPDX-License-Identifier: MIT */
#include <reprise/thread.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/sized.h"
#include "base/sizes.h"
#include "thread/fold.h"
#include "thread/uid.h"
#include "thread/write.h"

/* The arguments of a flush, read. */
struct flush {
	struct reprise_thread_flush given;
	struct thread_uid uid;
	struct printed printed; /* the document */
	struct delta *deltas;
	const char **ids;               /* sorted */
	struct thread_applied *applied; /* what is remembered of them */
};

static void
flush_free(struct flush *flush)
{
	for (size_t i = 0; flush->deltas != NULL && i < flush->given.deltas_count; i++)
		delta_free(&flush->deltas[i]);
	free(flush->deltas);
	free(flush->ids);
	free(flush->applied);
	printed_free(&flush->printed);
}

static reprise_status
read_delta(struct flush *flush, size_t at, struct reprise_error *error)
{
	struct delta *const delta = &flush->deltas[at];
	char what[REPRISE_ERROR_WHAT_BYTES];

	snprintf(what, sizeof(what), "deltas[%zu]", at);
	reprise_status status = delta_read(flush->given.deltas[at], what, delta, error);

	if (status == REPRISE_OK && !delta->has_id)
		status = json_refuse(error, what, "delta_id", "is missing");
	if (status == REPRISE_OK)
		status = delta_seal(delta, what, error);
	delta_drop_tree(delta);
	flush->ids[at] = delta->id;
	return status;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static reprise_status
refuse_repeated(const char *delta_id, struct reprise_error *error)
{
	return error_detailed(error, REPRISE_E_EXISTS, "deltas", delta_id);
}

static reprise_status
read_deltas(struct flush *flush, struct reprise_error *error)
{
	const size_t count = flush->given.deltas_count;
	reprise_status status = REPRISE_OK;

	flush->deltas = calloc(count, sizeof(*flush->deltas));
	flush->ids = calloc(count, sizeof(const char *));
	flush->applied = calloc(count, sizeof(*flush->applied));
	if (flush->deltas == NULL || flush->ids == NULL || flush->applied == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	for (size_t i = 0; i < count && status == REPRISE_OK; i++)
		status = read_delta(flush, i, error);
	if (status != REPRISE_OK)
		return status;
	qsort(flush->ids, count, sizeof(const char *), compare);
	for (size_t i = 1; i < count; i++)
		if (strcmp(flush->ids[i - 1], flush->ids[i]) == 0)
			return refuse_repeated(flush->ids[i], error);
	return REPRISE_OK;
}

static reprise_status
check_document(const struct flush *flush, const struct document *document,
	       struct reprise_error *error)
{
	const char *uid = NULL;
	reprise_status status = document_check_id(document, "document", flush->given.id, error);

	if (status == REPRISE_OK)
		status = document_uid(document, "document", &uid, error);
	if (status == REPRISE_OK && uid != NULL && strcmp(uid, flush->given.uid) != 0)
		status = json_refuse(error, "document", "uid",
				     "differs from the argument of the call");
	return status;
}

static reprise_status
read_document(struct flush *flush, struct reprise_error *error)
{
	struct document document;
	reprise_status status = document_read(flush->given.document, "document", &document, error);

	if (status == REPRISE_OK)
		status = check_document(flush, &document, error);
	if (status == REPRISE_OK)
		status = printed_make(&document, flush->given.id, &flush->printed, error);
	document_free(&document);
	return status;
}

static reprise_status
check(struct flush *flush, struct reprise_error *error)
{
	if (flush->given.uid == NULL || !uid_parse(flush->given.uid, &flush->uid))
		return error_invalid(error, "flush: uid");
	if (flush->given.deltas == NULL)
		return error_invalid(error, "flush: deltas");
	if (flush->given.deltas_count == 0 || flush->given.deltas_count > REPRISE_THREAD_DELTAS_MAX)
		return error_invalid(error, "flush: deltas_count");
	return REPRISE_OK;
}

/*
 * None of the deltas was applied before, which the version says already if the caller has looked.
 */
static reprise_status
expect_new(struct writing *writing, const struct flush *flush, struct reprise_error *error)
{
	const size_t count = flush->given.deltas_count;
	const reprise_status status = find_applied(writing->store, &writing->head.uid, flush->ids,
						   count, flush->applied, error);

	for (size_t i = 0; i < count && status == REPRISE_OK; i++)
		if (flush->applied[i].exists)
			return refuse_repeated(flush->ids[i], error);
	return status;
}

static reprise_status
put(struct writing *writing, struct flush *flush, struct reprise_error *error)
{
	struct thread_head *const head = &writing->head;
	bool is_held = false;
	reprise_status status = expect_new(writing, flush, error);

	if (status == REPRISE_OK)
		status = prune_deltas(writing, flush->given.deltas_count, &is_held, error);
	if (status == REPRISE_OK)
		status = prune_applied(writing, flush->given.deltas_count, error);
	for (size_t i = 0; i < flush->given.deltas_count && status == REPRISE_OK; i++)
		status = write_delta(writing, &flush->deltas[i], ++head->version, error);
	if (status != REPRISE_OK)
		return status;
	status = fold_put(writing->store, head, &flush->printed, head->version, error);
	return status == REPRISE_OK ? write_head(writing, error) : status;
}

static reprise_status
save_flush(struct writing *writing, struct flush *flush, struct reprise_error *error)
{
	if (!writing->head.exists)
		return error_plain(error, REPRISE_E_NOT_FOUND);
	if (!uid_is_same(&writing->head.uid, &flush->uid))
		return error_detailed(error, REPRISE_E_NOT_FOUND, "flush: uid",
				      "the document with this id has another uid");
	const reprise_status status = write_expect(writing, &flush->given.expected_version, error);

	return status == REPRISE_OK ? put(writing, flush, error) : status;
}

reprise_status
reprise_thread_save_flush(struct reprise_thread_store *store,
			  const struct reprise_thread_flush *given, uint64_t *ret_version,
			  struct reprise_error *error)
{
	struct flush flush = { 0 };
	struct writing writing;

	if (given == NULL)
		return error_invalid(error, "flush");
	if (!sized_read(&flush.given, sizeof(flush.given), SIZE_MIN(reprise_thread_flush), given))
		return error_size(error, "flush: size", given, sizeof(flush.given));
	reprise_status status = handle_check(store, flush.given.id, error);

	if (status == REPRISE_OK)
		status = check(&flush, error);
	if (status != REPRISE_OK)
		return status;
	status = read_document(&flush, error);
	if (status == REPRISE_OK)
		status = read_deltas(&flush, error);
	if (status == REPRISE_OK)
		status = write_begin(&writing, store, flush.given.id, error);
	if (status == REPRISE_OK) {
		status = save_flush(&writing, &flush, error);
		status = write_end(&writing, status, error);
		if (status == REPRISE_OK && ret_version != NULL)
			*ret_version = writing.head.version;
	}
	flush_free(&flush);
	return status;
}
