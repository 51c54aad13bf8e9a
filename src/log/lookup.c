/* SPDX-License-Identifier: MIT */
#include "log/lookup.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/numbers.h"
#include "log/handle.h"
#include "log/row.h"

enum {
	LIVES_AT_A_TIME = 64,
};

static reprise_status
take_life(const struct log_head *head, const struct log_life *found, struct reprise_life *ret_life,
	  struct reprise_error *error)
{
	const char *const fault =
		found->life.number == 0 ? NULL : life_fault(head->key_checksum, found);

	if (fault != NULL)
		return corrupt(error, fault);
	*ret_life = found->life;
	return REPRISE_OK;
}

reprise_status
lookup_life_at(struct reprise_log *log, const struct log_head *head, uint64_t ordinal,
	       struct reprise_life *ret_life, struct reprise_error *error)
{
	struct log_life found = { 0 };
	const reprise_status status = log->adapter->life_at(log, head->id, ordinal, &found, error);

	if (status != REPRISE_OK)
		return status;
	if (found.life.number != 0 && found.life.first > ordinal)
		return corrupt(error, "a life begins after its events");
	return take_life(head, &found, ret_life, error);
}

reprise_status
lookup_life_of(struct reprise_log *log, const struct log_head *head,
	       const struct reprise_incarnation *incarnation, struct reprise_life *ret_life,
	       struct reprise_error *error)
{
	struct log_life found = { 0 };
	const reprise_status status =
		log->adapter->life_of(log, head->id, incarnation, &found, error);

	if (status != REPRISE_OK)
		return status;
	return take_life(head, &found, ret_life, error);
}

reprise_status
lookup_lives_after(struct reprise_log *log, const struct log_head *head, uint64_t number,
		   struct reprise_life *ret_lives, size_t lives_max, size_t *ret_count,
		   struct reprise_error *error)
{
	struct log_life found[LIVES_AT_A_TIME];
	size_t total = 0;

	while (total < lives_max) {
		const size_t asked = least(lives_max - total, LIVES_AT_A_TIME);
		size_t count = 0;
		reprise_status status = log->adapter->lives_after(log, head->id, number, found,
								  asked, &count, error);

		for (size_t i = 0; i < count && status == REPRISE_OK; i++) {
			if (found[i].life.number <= number)
				return corrupt(error, "a life has an impossible number");
			number = found[i].life.number;
			status = take_life(head, &found[i], &ret_lives[total++], error);
		}
		if (status != REPRISE_OK)
			return status;
		if (count < asked)
			break;
	}
	*ret_count = total;
	return REPRISE_OK;
}

static reprise_status
check_marks(const struct log_head *head, enum log_mark_type type, const struct log_mark *marks,
	    size_t count, struct reprise_error *error)
{
	for (size_t i = 0; i < count; i++) {
		const char *const fault = mark_fault(head->key_checksum, type, &marks[i]);

		if (fault != NULL)
			return corrupt(error, fault);
	}
	return REPRISE_OK;
}

reprise_status
lookup_rises_above(struct reprise_log *log, const struct log_head *head, uint64_t revision,
		   struct log_mark *ret_rises, size_t rises_max, size_t *ret_count,
		   struct reprise_error *error)
{
	const reprise_status status = log->adapter->rises_above(log, head->id, revision, ret_rises,
								rises_max, ret_count, error);

	if (status != REPRISE_OK)
		return status;
	return check_marks(head, LOG_MARK_RISE, ret_rises, *ret_count, error);
}

reprise_status
lookup_commits_from(struct reprise_log *log, const struct log_head *head, uint64_t revision,
		    struct log_mark *ret_commits, size_t commits_max, size_t *ret_count,
		    struct reprise_error *error)
{
	const reprise_status status = log->adapter->commits_from(
		log, head->id, revision, ret_commits, commits_max, ret_count, error);

	if (status != REPRISE_OK)
		return status;
	return check_marks(head, LOG_MARK_COMMIT, ret_commits, *ret_count, error);
}

/* A blob on its way from the adapter to @visit. */
struct checking {
	uint32_t key_checksum;
	log_blob_visit visit;
	void *context;
	bool is_there;
	const char *fault;
};

static void
check_blob(const struct log_blob *blob, void *context)
{
	struct checking *const checking = context;

	checking->is_there = true;
	checking->fault = blob_fault(checking->key_checksum, blob);
	if (checking->fault == NULL)
		checking->visit(blob, checking->context);
}

reprise_status
lookup_blob(struct reprise_log *log, const struct log_head *head, const char *name,
	    log_blob_visit visit, void *context, bool *ret_is_there, struct reprise_error *error)
{
	struct checking checking = { .key_checksum = head->key_checksum,
				     .visit = visit,
				     .context = context };
	const reprise_status status =
		log->adapter->blob_of(log, head->id, name, check_blob, &checking, error);

	if (status != REPRISE_OK)
		return status;
	if (checking.fault != NULL)
		return error_detailed(error, REPRISE_E_CORRUPT, checking.fault, name);
	*ret_is_there = checking.is_there;
	return REPRISE_OK;
}

reprise_status
lookup_blob_names(struct reprise_log *log, const struct log_head *head, const char *after,
		  struct log_blob_name *ret_names, size_t *ret_count, struct reprise_error *error)
{
	const reprise_status status =
		log->adapter->blob_names_after(log, head->id, after, ret_names, ret_count, error);

	if (status != REPRISE_OK)
		return status;
	for (size_t i = 0; i < *ret_count; i++) {
		const char *const name = ret_names[i].text;

		if (!blob_name_is_good(name) || strcmp(name, after) <= 0)
			return corrupt(error, "a blob has an invalid name");
		after = name;
	}
	return REPRISE_OK;
}

reprise_status
lookup_blobs_counted(struct reprise_log *log, const struct log_head *head,
		     struct reprise_error *error)
{
	struct log_blob_name names[LOG_BLOB_NAMES_MAX], after = { "" };
	size_t count = LOG_BLOB_NAMES_MAX;
	uint64_t blobs = 0;
	char what[REPRISE_ERROR_WHAT_BYTES];

	while (count == LOG_BLOB_NAMES_MAX) {
		const reprise_status status =
			lookup_blob_names(log, head, after.text, names, &count, error);

		if (status != REPRISE_OK)
			return status;
		if (count != 0)
			after = names[count - 1];
		blobs += count;
	}
	if (blobs == head->blobs)
		return REPRISE_OK;
	snprintf(what, sizeof(what), "blobs: %" PRIu64 " by the head, %" PRIu64 " in the table",
		 head->blobs, blobs);
	return corrupt(error, what);
}
