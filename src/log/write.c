/* SPDX-License-Identifier: MIT */
#include "log/write.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "log/handle.h"
#include "log/lease.h"
#include "log/row.h"
#include "log/target.h"

/* The keys of one call, in the order of their threads' bytes. */
struct batch {
	const char *tenant;
	uint64_t patience_ns;
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
batch_begun(struct batch *batch, struct reprise_log *log)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	for (size_t i = 0; i < batch->count; i++)
		batch->targets[i] = (struct target){
			.log = log,
			.key = { batch->tenant, batch->threads[i] },
			.head = &batch->heads[i],
			.now_ns = timespec_ns(&now),
		};
	for (size_t i = 0; i < batch->count; i++) {
		struct log_head *const head = &batch->heads[i];

		head->key_checksum = log_key_checksum(batch->tenant, batch->threads[i]);
		if (!head->is_held)
			batch->targets[i].fault = head_fault(head);
	}
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
	case LOG_RENEW:
		return target_renew(target, write, error);
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
	write->lease_left_ns = 0;
	write->fault = target->fault;
	if (target->fault != NULL || target->head->is_held) {
		write->status = target->fault != NULL ? REPRISE_E_CORRUPT : REPRISE_E_TIMEOUT;
		write->head = 0;
		write->life = (struct reprise_life){ 0 };
		return REPRISE_OK;
	}
	if (target->is_refused) {
		write->status = REPRISE_E_ABORTED;
	} else {
		const reprise_status status = do_typed(target, write, error);

		if (status != REPRISE_OK)
			return status;
		target->is_refused = write->status != REPRISE_OK;
		if (!target->is_refused && target->is_touched)
			lease_follow(target, write);
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
		struct log_head *const head = &batch->heads[i];

		if (!batch->targets[i].is_touched)
			continue;
		head->checksum = log_head_checksum(head->key_checksum, head);
		const reprise_status status = log->adapter->put_head(log, head, error);

		if (status != REPRISE_OK)
			return status;
		*ret_is_touched = true;
	}
	return REPRISE_OK;
}

static reprise_status
transact(struct batch *batch, struct reprise_log *log, enum log_level level,
	 struct log_write *writes, size_t writes_count, struct reprise_error *error)
{
	bool is_touched = false;
	reprise_status status =
		log->adapter->begin(log, level, batch->tenant, batch->threads, batch->count,
				    batch->patience_ns, batch->heads, error);

	if (status != REPRISE_OK)
		return status;
	batch_begun(batch, log);
	status = do_all(batch, log, writes, writes_count, &is_touched, error);
	if (status == REPRISE_OK && is_touched)
		return log->adapter->commit(log, error);
	log->adapter->rollback(log);
	return status;
}

reprise_status
log_write(struct reprise_log *log, enum log_level level, uint64_t patience_ns, const char *tenant,
	  struct log_write *writes, size_t writes_count, struct reprise_error *error)
{
	struct batch batch = { .tenant = tenant, .patience_ns = patience_ns };
	reprise_status status = REPRISE_E_NO_MEMORY;
	bool is_uncertain = false;

	if (!name_is_good(tenant))
		return error_invalid(error, "tenant");
	for (size_t i = 0; i < writes_count; i++)
		if (!name_is_good(writes[i].thread))
			return error_invalid(error, "writes: thread");
	if (writes_count == 0)
		return REPRISE_OK;
	if (batch_open(&batch, writes, writes_count)) {
		log_lock(log);
		log->is_uncertain = false;
		status = transact(&batch, log, level, writes, writes_count, error);
		is_uncertain = log->is_uncertain;
		log_unlock(log);
	} else {
		(void)error_plain(error, status);
	}
	batch_close(&batch);
	for (size_t i = 0; i < writes_count; i++) {
		writes[i].is_uncertain = is_uncertain;
		if (status != REPRISE_OK)
			writes[i].status = status;
	}
	return status;
}

static const char *
conflict_text(enum log_write_type type)
{
	switch (type) {
	case LOG_APPEND:
		return "the key has another head than expected, or belongs to a recorder";
	case LOG_LIFE:
		return "the key belongs to no recorder, or had a life of this incarnation";
	case LOG_END:
		return "the log has another life or another end of the session";
	case LOG_RECORD:
	case LOG_GAP:
	case LOG_REOPEN:
	case LOG_RENEW:
	case LOG_CLOSE:
	case LOG_VOID:
	case LOG_ARCHIVE:
		break;
	}
	return "the log has another life of the session";
}

const char *
log_refusal_text(const struct log_write *write)
{
	switch ((int)write->status) {
	case REPRISE_OK:
		return "";
	case REPRISE_E_CONFLICT:
		return conflict_text(write->type);
	case REPRISE_E_BUSY:
		return "another runtime has a lease on the session";
	case REPRISE_E_TIMEOUT:
		return "another connection has locked the session in the log";
	case REPRISE_E_CORRUPT:
		return "the log has other events at these positions";
	case REPRISE_E_NOT_FOUND:
		return "the log has no such life";
	case REPRISE_E_INVALID:
		return write->type == LOG_ARCHIVE ? "the key has blobs: only the owner of the "
						    "blobs can archive the key"
						  : "an entry is invalid for the log";
	default:
		return reprise_status_text(write->status);
	}
}

reprise_status
log_check_writable(struct reprise_log *log, const char *tenant, struct reprise_error *error)
{
	static const char *const thread = "reprise: whether the log can be written";
	struct log_head head = { 0 };

	log_lock(log);
	const reprise_status status =
		log->adapter->begin(log, log->level, tenant, &thread, 1, LOG_PATIENT, &head, error);

	if (status == REPRISE_OK)
		log->adapter->rollback(log);
	log_unlock(log);
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
