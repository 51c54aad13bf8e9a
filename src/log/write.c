/* SPDX-License-Identifier: MIT */
#include "log/write.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "log/handle.h"
#include "log/row.h"
#include "log/target.h"

/* The keys of one call, in the order of their threads' bytes. */
struct batch {
	const char **threads;
	struct log_head *heads;
	struct target *targets;
	size_t count;
};

static int
compare_threads(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
batch_close(struct batch *batch)
{
	free(batch->threads);
	free(batch->heads);
	free(batch->targets);
}

static bool
batch_open(struct batch *batch, const struct log_write *writes, size_t writes_count)
{
	size_t count = 0;

	batch->threads = calloc(writes_count, sizeof(*batch->threads));
	batch->heads = calloc(writes_count, sizeof(*batch->heads));
	batch->targets = calloc(writes_count, sizeof(*batch->targets));
	if (batch->threads == NULL || batch->heads == NULL || batch->targets == NULL)
		return false;
	for (size_t i = 0; i < writes_count; i++)
		batch->threads[i] = writes[i].thread;
	qsort(batch->threads, writes_count, sizeof(*batch->threads), compare_threads);
	for (size_t i = 0; i < writes_count; i++)
		if (count == 0 || strcmp(batch->threads[count - 1], batch->threads[i]) != 0)
			batch->threads[count++] = batch->threads[i];
	batch->count = count;
	return true;
}

static void
batch_begun(struct batch *batch, struct reprise_log *log, const char *tenant)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	for (size_t i = 0; i < batch->count; i++)
		batch->targets[i] = (struct target){
			.log = log,
			.key = { tenant, batch->threads[i] },
			.key_checksum = row_key_checksum(tenant, batch->threads[i]),
			.head = &batch->heads[i],
			.now_ns = timespec_ns(&now),
		};
}

static struct target *
batch_target(const struct batch *batch, const char *thread)
{
	const char **const found = bsearch(&thread, batch->threads, batch->count,
					   sizeof(*batch->threads), compare_threads);

	return &batch->targets[found - batch->threads];
}

static reprise_status
do_typed(struct target *target, struct log_write *write, struct reprise_error *error)
{
	switch (write->type) {
	case LOG_APPEND:
		return target_append(target, write, error);
	case LOG_RECORD:
		return target_record(target, write, error);
	case LOG_GAP:
		return target_gap(target, write, error);
	case LOG_LIFE:
		return target_life(target, write, error);
	case LOG_REOPEN:
		return target_reopen(target, write, error);
	case LOG_CLOSE:
		return target_close(target, write, error);
	case LOG_VOID:
		return target_void(target, write, error);
	case LOG_END:
		return target_end(target, write, error);
	case LOG_ARCHIVE:
		return target_archive(target, write, error);
	}
	return refuse(write, REPRISE_E_INVALID);
}

static reprise_status
do_write(struct target *target, struct log_write *write, struct reprise_error *error)
{
	write->status = REPRISE_OK;
	write->archived = 0;
	write->expected = write->actual = 0;
	if (target->is_refused) {
		write->status = REPRISE_E_ABORTED;
	} else {
		const reprise_status status = do_typed(target, write, error);

		if (status != REPRISE_OK)
			return status;
		target->is_refused = write->status != REPRISE_OK;
	}
	write->head = target->head->head;
	write->life = head_life(target->head);
	return REPRISE_OK;
}

static reprise_status
do_all(struct batch *batch, struct reprise_log *log, struct log_write *writes, size_t writes_count,
       bool *ret_is_touched, struct reprise_error *error)
{
	for (size_t i = 0; i < writes_count; i++) {
		const reprise_status status =
			do_write(batch_target(batch, writes[i].thread), &writes[i], error);

		if (status != REPRISE_OK)
			return status;
	}
	for (size_t i = 0; i < batch->count; i++) {
		if (!batch->targets[i].is_touched)
			continue;
		const reprise_status status = log->adapter->put_head(log, &batch->heads[i], error);

		if (status != REPRISE_OK)
			return status;
		*ret_is_touched = true;
	}
	return REPRISE_OK;
}

static reprise_status
transact(struct batch *batch, struct reprise_log *log, enum log_level level, const char *tenant,
	 struct log_write *writes, size_t writes_count, struct reprise_error *error)
{
	bool is_touched = false;
	reprise_status status = log->adapter->begin(log, level, tenant, batch->threads,
						    batch->count, batch->heads, error);

	if (status != REPRISE_OK)
		return status;
	batch_begun(batch, log, tenant);
	for (size_t i = 0; i < batch->count; i++)
		if (batch->heads[i].kind > REPRISE_LOG_RING ||
		    batch->heads[i].watermark > batch->heads[i].head)
			status = corrupt(error, "what is kept of the key");
	if (status == REPRISE_OK)
		status = do_all(batch, log, writes, writes_count, &is_touched, error);
	if (status == REPRISE_OK && is_touched)
		return log->adapter->commit(log, error);
	log->adapter->rollback(log);
	return status;
}

reprise_status
log_write(struct reprise_log *log, enum log_level level, const char *tenant,
	  struct log_write *writes, size_t writes_count, struct reprise_error *error)
{
	struct batch batch = { 0 };
	reprise_status status = REPRISE_E_NO_MEMORY;

	if (!name_is_good(tenant))
		return error_invalid(error, "tenant");
	for (size_t i = 0; i < writes_count; i++)
		if (!name_is_good(writes[i].thread))
			return error_invalid(error, "writes: thread");
	if (writes_count == 0)
		return REPRISE_OK;
	if (batch_open(&batch, writes, writes_count)) {
		pthread_mutex_lock(&log->lock);
		status = transact(&batch, log, level, tenant, writes, writes_count, error);
		pthread_mutex_unlock(&log->lock);
	} else {
		(void)error_plain(error, status);
	}
	batch_close(&batch);
	for (size_t i = 0; status != REPRISE_OK && i < writes_count; i++)
		writes[i].status = status;
	return status;
}

reprise_status
refuse(struct log_write *write, reprise_status status)
{
	write->status = status;
	return REPRISE_OK;
}

reprise_status
refuse_conflict(struct log_write *write, uint64_t expected, uint64_t actual)
{
	write->expected = expected;
	write->actual = actual;
	return refuse(write, REPRISE_E_CONFLICT);
}
