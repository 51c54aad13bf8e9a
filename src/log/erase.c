/* SPDX-License-Identifier: MIT */
/*
 * Erasing keys for good, so that nothing of them can be read in the log's files (contract L55).
 * A key is dropped first; then its head goes, and with it the key's name. Last, the adapter
 * cleans its files.
 */
#include <stdlib.h>
#include <string.h>

#include <reprise/log_upkeep.h>

#include "base/cancel.h"
#include "base/error.h"
#include "log/archive.h"
#include "log/drop.h"
#include "log/handle.h"
#include "log/process.h"
#include "log/row.h"

enum {
	FLAGS_KNOWN = REPRISE_LOG_ERASE_OPEN | REPRISE_LOG_ERASE_NO_VACUUM,
};

struct erasing {
	struct reprise_log *log;
	bool takes_open;
	uint64_t keys;
	struct log_thread threads[LOG_THREADS_MAX]; /* a page of the tenant's */
};

/*
 * Rows of a key whose head is damaged: nobody can write to it. *ret_count is 0 if there are none.
 */
static reprise_status
remove_damaged(struct reprise_log *log, const struct reprise_log_key *key, uint64_t *ret_count,
	       struct reprise_error *error)
{
	struct log_moved removed = { 0 };
	struct log_head head = { 0 };

	log_lock(log);
	reprise_status status = log->adapter->begin(log, LOG_WRITTEN, key->tenant, &key->thread, 1,
						    LOG_PATIENT, &head, error);

	if (status == REPRISE_OK) {
		status = log->adapter->remove_rows(log, head.id, LOG_NUMBER_MAX,
						   REPRISE_LOG_MOVE_MAX, &removed, error);
		if (status == REPRISE_OK && removed.count != 0)
			status = log->adapter->commit(log, error);
		else
			log->adapter->rollback(log);
	}
	log_unlock(log);
	*ret_count = status == REPRISE_OK ? removed.count : 0;
	return status;
}

/* Whether the key is as it was hidden: then its head may go. */
static bool
is_still_hidden(const struct log_head *head, uint64_t hidden)
{
	return head->kind == 0 || (head->head == hidden && head->watermark == hidden &&
				   head->life.state != REPRISE_LIFE_OPEN);
}

/*
 * The head and what is left. @hidden: the head that the key must have; NULL: the head is damaged.
 */
static reprise_status
forget(struct reprise_log *log, const struct reprise_log_key *key, const uint64_t *hidden,
       struct reprise_error *error)
{
	struct log_head head = { 0 };

	log_lock(log);
	reprise_status status = log->adapter->begin(log, log->level, key->tenant, &key->thread, 1,
						    LOG_PATIENT, &head, error);

	if (status == REPRISE_OK) {
		status = hidden == NULL || is_still_hidden(&head, *hidden)
				 ? log->adapter->forget(log, head.id, error)
				 : error_detailed(error, REPRISE_E_BUSY, "key",
						  "it was written to while it was erased");
		if (status == REPRISE_OK)
			status = log->adapter->commit(log, error);
		else
			log->adapter->rollback(log);
	}
	log_unlock(log);
	return status;
}

static reprise_status
erase_key(struct erasing *erasing, const struct reprise_log_key *key, struct reprise_error *error)
{
	struct reprise_log *const log = erasing->log;
	uint64_t hidden = 0, count = 1;
	reprise_status status = drop_hide(log, key, erasing->takes_open, &hidden, error);
	const bool is_damaged = status == REPRISE_E_CORRUPT;
	const bool was_written = status != REPRISE_E_NOT_FOUND;

	/* A head of a key that nothing was written to has the key's name all the same. */
	if (is_damaged || !was_written)
		status = REPRISE_OK;
	while (status == REPRISE_OK && count != 0)
		status = is_damaged ? remove_damaged(log, key, &count, error)
				    : log_remove_archived(log, key, hidden, &count, error);
	if (status == REPRISE_OK)
		status = forget(log, key, is_damaged ? NULL : &hidden, error);
	erasing->keys += status == REPRISE_OK && was_written;
	return status;
}

/* Every key of the tenant. A key that is busy is passed over, and told at the end. */
static reprise_status
erase_tenant(struct erasing *erasing, const char *tenant, struct reprise_error *error)
{
	struct reprise_log *const log = erasing->log;
	char after[LOG_NAME_BYTES] = "";
	size_t count = LOG_THREADS_MAX;
	reprise_status busy = REPRISE_OK;

	while (count == LOG_THREADS_MAX) {
		log_lock(log);
		reprise_status status = log->adapter->threads_after(
			log, tenant, after, erasing->threads, &count, error);

		log_unlock(log);
		for (size_t i = 0; i < count && status == REPRISE_OK; i++) {
			const struct reprise_log_key key = { tenant, erasing->threads[i].name };
			struct reprise_error why = { .size = sizeof(why) };

			status = erase_key(erasing, &key, &why);
			memcpy(after, key.thread, sizeof(after));
			if (status != REPRISE_OK)
				(void)error_detailed(error, status, why.what, key.thread);
			busy = status == REPRISE_E_BUSY ? status : busy;
			status = status == REPRISE_E_BUSY ? REPRISE_OK : status;
		}
		if (status != REPRISE_OK)
			return status;
	}
	return busy;
}

static reprise_status
erase(struct erasing *erasing, const struct reprise_log_key *key, bool vacuums,
      struct reprise_error *error)
{
	struct reprise_log *const log = erasing->log;
	struct reprise_error cleaning = { .size = sizeof(cleaning) };
	reprise_status status = REPRISE_OK;

	log_lock(log);
	if (log->adapter->set_secure != NULL)
		status = log->adapter->set_secure(log, true, error);
	log_unlock(log);
	if (status == REPRISE_OK)
		status = key->thread != NULL ? erase_key(erasing, key, error)
					     : erase_tenant(erasing, key->tenant, error);
	log_lock(log);
	if (log->adapter->set_secure != NULL)
		(void)log->adapter->set_secure(log, false, NULL);
	reprise_status cleaned = REPRISE_OK;

	/* Also if a key is busy: the others are erased. */
	if (log->adapter->clean != NULL && (status == REPRISE_OK || status == REPRISE_E_BUSY))
		cleaned = log->adapter->clean(log, vacuums, &cleaning);
	log_unlock(log);
	if (status == REPRISE_OK && cleaned != REPRISE_OK)
		return error_copy(error, &cleaning);
	return status;
}

reprise_status
reprise_log_erase(struct reprise_log *log, const struct reprise_log_key *key, uint32_t flags,
		  uint64_t *ret_count, struct reprise_error *error)
{
	if (log == NULL)
		return error_invalid(error, "log");
	if (key == NULL)
		return error_invalid(error, "key");
	if (!name_is_good(key->tenant))
		return error_invalid(error, "key: tenant");
	if (key->thread != NULL && !name_is_good(key->thread))
		return error_invalid(error, "key: thread");
	if ((flags & ~(uint32_t)FLAGS_KNOWN) != 0)
		return error_invalid(error, "flags");
	if (!process_has_opened(log))
		return error_plain(error, REPRISE_E_FORKED);
	UNCANCELLABLE;
	struct erasing *const erasing = calloc(1, sizeof(*erasing));

	if (erasing == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	erasing->log = log;
	erasing->takes_open = (flags & REPRISE_LOG_ERASE_OPEN) != 0;
	const reprise_status status =
		erase(erasing, key, (flags & REPRISE_LOG_ERASE_NO_VACUUM) == 0, error);

	if (status == REPRISE_OK && ret_count != NULL)
		*ret_count = erasing->keys;
	free(erasing);
	return status;
}
