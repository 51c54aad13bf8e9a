/* SPDX-License-Identifier: MIT */
#include "jetstream/prepare.h"

#include <string.h>

#include "base/error.h"
#include "jetstream/head.h"

enum {
	SPARE_BYTES_MAX = 64 << 10,
};

static struct reprise_thread_page *
exchange_spare(struct reprise_jetstream *writer, struct reprise_thread_page *page)
{
	pthread_mutex_lock(&writer->lock);
	struct reprise_thread_page *const before = writer->spare;

	writer->spare = page;
	pthread_mutex_unlock(&writer->lock);
	return before;
}

reprise_status
prepare_id(struct reprise_jetstream *writer, const char *id, struct reprise_error *error)
{
	struct head head;

	if (id != NULL && writer_id_is_good(id, strnlen(id, THREAD_ID_ROOM)))
		return REPRISE_OK;
	/* The store says what is wrong with it. */
	const reprise_status status = head_read(writer->store, id, 0, &head, error);

	return status == REPRISE_OK ? error_invalid(error, "id") : status;
}

reprise_status
prepare(struct reprise_jetstream *writer, const char *id, struct reprise_bytes delta,
	struct prepared *prepared, struct reprise_error *error)
{
	*prepared = (struct prepared){ 0 };
	reprise_status status = writer_check(writer, error);

	if (status == REPRISE_OK)
		status = prepare_id(writer, id, error);
	if (status != REPRISE_OK)
		return status;
	prepared->writer = writer;
	prepared->page = exchange_spare(writer, NULL);
	if (prepared->page == NULL && reprise_thread_page_open(&prepared->page) != REPRISE_OK)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	return thread_read_delta(delta, "delta", wall_ms(), prepared->page, &prepared->facts,
				 error);
}

void
prepared_free(struct prepared *prepared)
{
	struct reprise_thread_page *page = prepared->page;

	/* One with room for a large delta is not kept. */
	if (page != NULL && prepared->facts.json.size <= SPARE_BYTES_MAX)
		page = exchange_spare(prepared->writer, page);
	reprise_thread_page_close(page);
}

void
prepare_appended(const struct thread_delta_facts *facts,
		 struct reprise_jetstream_appended *ret_appended)
{
	memcpy(ret_appended->delta_id, facts->id, sizeof(ret_appended->delta_id));
	memcpy(ret_appended->digest, facts->digest, sizeof(ret_appended->digest));
}

static reprise_status
compare(const struct thread_delta_facts *facts, const unsigned char *digest,
	struct reprise_error *error)
{
	return memcmp(facts->digest, digest, sizeof(facts->digest)) == 0
		       ? REPRISE_OK
		       : error_detailed(error, REPRISE_E_EXISTS, "delta", facts->id);
}

static reprise_status
find_buffered(struct reprise_jetstream *writer, struct view *view,
	      const struct thread_delta_facts *facts, uint64_t due_ns,
	      struct buffered **ret_buffered, struct reprise_error *error)
{
	const struct siphash_key *const key = &writer->views.key;
	reprise_status status = REPRISE_OK;

	*ret_buffered = table_find(&view->buffered, key, facts->id);
	/* An asynchronous append: its ack has told the host the sequence, and not the view. */
	if (*ret_buffered != NULL && (*ret_buffered)->sequence == 0) {
		view_forget(view);
		status = view_know(writer, view, due_ns, error);
		*ret_buffered = table_find(&view->buffered, key, facts->id);
	}
	return status;
}

reprise_status
prepare_find(struct reprise_jetstream *writer, struct view *view,
	     const struct thread_delta_facts *facts, uint64_t due_ns, bool *ret_is_found,
	     struct reprise_jetstream_appended *ret_appended, struct reprise_error *error)
{
	const char *const id = facts->id;
	struct reprise_thread_applied applied = { 0 };
	struct buffered *buffered = NULL;
	reprise_status status = find_buffered(writer, view, facts, due_ns, &buffered, error);

	*ret_is_found = buffered != NULL;
	if (status == REPRISE_OK && buffered != NULL) {
		ret_appended->version = buffered->version;
		ret_appended->sequence = buffered->sequence;
		ret_appended->is_repeated = 1;
		return compare(facts, buffered->digest, error);
	}
	if (status != REPRISE_OK || !facts->has_own_id)
		return status;
	status = reprise_thread_find_applied(writer->store, view->uid, &id, 1, &applied, error);
	if (status != REPRISE_OK || applied.version == 0)
		return status;
	*ret_is_found = true;
	ret_appended->version = applied.version;
	ret_appended->sequence = 0;
	ret_appended->is_repeated = 1;
	ret_appended->is_flushed = 1;
	return compare(facts, applied.digest, error);
}

reprise_status
prepare_age(const struct reprise_jetstream *writer, const struct thread_delta_facts *facts,
	    struct reprise_error *error)
{
	const uint64_t limit_ms = writer->store->limits.retry_limit_ms, now_ms = wall_ms();

	if (now_ms > limit_ms && facts->created_ms < now_ms - limit_ms)
		return error_detailed(error, REPRISE_E_EXPIRED, "delta", "created_at");
	if (facts->created_ms > now_ms + limit_ms)
		return error_detailed(error, REPRISE_E_INVALID, "delta",
				      "created_at: is too far in the future");
	return REPRISE_OK;
}
