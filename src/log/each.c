/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include <reprise/log_upkeep.h>

#include "base/cancel.h"
#include "base/error.h"
#include "log/handle.h"
#include "log/process.h"
#include "log/row.h"

/* Threads in the order of their bytes, a page of them, and where the next one begins. */
struct threads {
	struct log_thread found[LOG_THREADS_MAX];
	char after[LOG_NAME_BYTES];
	bool has_bad_name;
	size_t count;
};

static reprise_status
next_threads(struct reprise_log *log, const char *tenant, struct threads *threads,
	     struct reprise_error *error)
{
	log_lock(log);
	const reprise_status status = log->adapter->threads_after(
		log, tenant, threads->after, threads->found, &threads->count, error);

	log_unlock(log);
	if (status == REPRISE_OK && threads->count != 0)
		memcpy(threads->after, threads->found[threads->count - 1].name, LOG_NAME_BYTES);
	return status;
}

/*
 * A key that nothing was written to is of kind 0, and its head is whole; a damaged head may say
 * so as well.
 */
static bool
is_unused(const struct reprise_log_key *key, struct log_head *head)
{
	head->key_checksum = log_key_checksum(key->tenant, key->thread);
	return head->kind == 0 && head_fault(head) == NULL;
}

/* The lock is free while the visitor is asked. */
static bool
visit_all(const char *tenant, struct threads *threads, reprise_log_visit visit, void *context)
{
	for (size_t i = 0; i < threads->count; i++) {
		const struct reprise_log_key key = { tenant, threads->found[i].name };

		if (!name_is_good(key.thread))
			threads->has_bad_name = true;
		else if (!is_unused(&key, &threads->found[i].head) && !visit(&key, context))
			return false;
	}
	return true;
}

reprise_status
reprise_log_each(struct reprise_log *log, const char *tenant, reprise_log_visit visit,
		 void *context, struct reprise_error *error)
{
	reprise_status status;

	if (log == NULL)
		return error_invalid(error, "log");
	if (!name_is_good(tenant))
		return error_invalid(error, "tenant");
	if (visit == NULL)
		return error_invalid(error, "visit");
	if (!process_has_opened(log))
		return error_plain(error, REPRISE_E_FORKED);
	/* The visitor, too, is called with cancellation disabled. */
	UNCANCELLABLE;
	struct threads *const threads = calloc(1, sizeof(*threads));

	if (threads == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	do {
		status = next_threads(log, tenant, threads, error);
	} while (status == REPRISE_OK && visit_all(tenant, threads, visit, context) &&
		 threads->count == LOG_THREADS_MAX);
	if (status == REPRISE_OK && threads->has_bad_name)
		status = corrupt(error, "a thread has an invalid name");
	free(threads);
	return status;
}

reprise_status
reprise_log_tenants(struct reprise_log *log, reprise_log_visit_tenant visit, void *context,
		    struct reprise_error *error)
{
	char tenant[LOG_NAME_BYTES] = "";
	bool goes_on = true, has_bad_name = false;

	if (log == NULL)
		return error_invalid(error, "log");
	if (visit == NULL)
		return error_invalid(error, "visit");
	if (!process_has_opened(log))
		return error_plain(error, REPRISE_E_FORKED);
	UNCANCELLABLE;
	while (goes_on) {
		char after[LOG_NAME_BYTES];
		bool is_there = false;

		memcpy(after, tenant, sizeof(after));
		log_lock(log);
		const reprise_status status =
			log->adapter->tenant_after(log, after, tenant, &is_there, error);

		log_unlock(log);
		if (status != REPRISE_OK)
			return status;
		const bool is_good = is_there && name_is_good(tenant);

		has_bad_name = has_bad_name || (is_there && !is_good);
		/* A damaged name that does not come after the last one would be found for ever. */
		goes_on = is_there && strcmp(tenant, after) > 0 &&
			  (!is_good || visit(tenant, context));
	}
	return has_bad_name ? corrupt(error, "a tenant's name") : REPRISE_OK;
}
