/* SPDX-License-Identifier: MIT */
#include "log/handle.h"

#include <string.h>

#include "base/error.h"
#include "base/utf8.h"
#include "log/lease.h"
#include "log/process.h"
#include "log/row.h"

bool
log_init(struct reprise_log *log, const struct log_adapter *adapter, enum log_level level)
{
	log->adapter = adapter;
	log->level = level;
	atomic_init(&log->is_interrupted, 0);
	pthread_mutex_init(&log->lock, NULL);
	if (process_add(log))
		return true;
	pthread_mutex_destroy(&log->lock);
	return false;
}

void
log_done(struct reprise_log *log)
{
	process_remove(log);
	pthread_mutex_destroy(&log->lock);
}

void
log_interrupt(struct reprise_log *log)
{
	/* Nothing is published by it. */
	store_relaxed(&log->is_interrupted, 1);
}

void
reprise_log_close(struct reprise_log *log)
{
	int cancel_state;

	if (log == NULL)
		return;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	if (process_has_opened(log))
		log->adapter->close(log);
	else
		log->adapter->discard(log, log->is_busy);
	pthread_setcancelstate(cancel_state, NULL);
}

void
log_lock(struct reprise_log *log)
{
	int cancel_state;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	pthread_mutex_lock(&log->lock);
	log->cancel_state = cancel_state;
	log->is_busy = true;
}

void
log_unlock(struct reprise_log *log)
{
	const int cancel_state = log->cancel_state;

	log->is_busy = false;
	pthread_mutex_unlock(&log->lock);
	pthread_setcancelstate(cancel_state, NULL);
}

/* Of less than @room bytes. */
static bool
is_name(const char *text, size_t room)
{
	if (text == NULL)
		return false;
	const size_t bytes = strnlen(text, room);

	return bytes >= 1 && bytes < room && utf8_text_prefix(text, bytes) == bytes;
}

bool
name_is_good(const char *name)
{
	return is_name(name, LOG_NAME_BYTES);
}

bool
blob_name_is_good(const char *name)
{
	return is_name(name, LOG_BLOB_NAME_BYTES);
}

reprise_status
handle_check(const struct reprise_log *log, const struct reprise_log_key *key,
	     struct reprise_error *error)
{
	if (log == NULL)
		return error_invalid(error, "log");
	if (key == NULL)
		return error_invalid(error, "key");
	if (!name_is_good(key->tenant))
		return error_invalid(error, "key: tenant");
	if (!name_is_good(key->thread))
		return error_invalid(error, "key: thread");
	if (!process_has_opened(log))
		return error_plain(error, REPRISE_E_FORKED);
	return REPRISE_OK;
}

reprise_status
look_begin(struct reprise_log *log, const struct reprise_log_key *key, struct log_head *ret_head,
	   struct reprise_error *error)
{
	log_lock(log);
	const reprise_status status =
		log->adapter->look(log, key->tenant, key->thread, ret_head, error);

	if (status != REPRISE_OK)
		return status;
	ret_head->key_checksum = log_key_checksum(key->tenant, key->thread);
	const char *const fault = head_fault(ret_head);

	if (fault != NULL)
		return corrupt(error, fault);
	if (ret_head->kind == 0)
		*ret_head = (struct log_head){ 0 };
	return REPRISE_OK;
}

void
look_end(struct reprise_log *log)
{
	log->adapter->leave(log);
	log_unlock(log);
}

struct reprise_life
head_life(const struct log_head *head)
{
	struct reprise_life life = head->life;

	if (life.number != 0)
		life.end = head->head;
	return life;
}

void
stats_fill(struct reprise_log_stats *stats, const struct log_head *head)
{
	*stats = (struct reprise_log_stats){
		.size = sizeof(*stats),
		.kind = (reprise_log_kind)head->kind,
		.has_ended = head->has_ended ? 1 : 0,
		.end_status = head->end_status,
		.head = head->head,
		.watermark = head->watermark,
		.end_ordinal = head->end_ordinal,
		.revision_max = head->revision_max,
		.lives = head->life.number,
		.life = head_life(head),
		.lease_left_ns = lease_left(head),
	};
}

reprise_status
corrupt(struct reprise_error *error, const char *what)
{
	return error_detailed(error, REPRISE_E_CORRUPT, what, NULL);
}
