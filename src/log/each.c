/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "log/handle.h"

/* Threads in the order of their bytes, a page of them, and where the next one begins. */
struct threads {
	char names[LOG_THREADS_MAX][LOG_NAME_BYTES];
	char after[LOG_NAME_BYTES];
	size_t count;
};

static reprise_status
next_threads(struct reprise_log *log, const char *tenant, struct threads *threads,
	     struct reprise_error *error)
{
	pthread_mutex_lock(&log->lock);
	const reprise_status status = log->adapter->threads_after(
		log, tenant, threads->after, threads->names, &threads->count, error);

	pthread_mutex_unlock(&log->lock);
	if (status == REPRISE_OK && threads->count != 0)
		memcpy(threads->after, threads->names[threads->count - 1], LOG_NAME_BYTES);
	return status;
}

/* The lock is free while the visitor is asked. */
static bool
visit_all(const char *tenant, const struct threads *threads, reprise_log_visit visit, void *context)
{
	for (size_t i = 0; i < threads->count; i++)
		if (!visit(&(struct reprise_log_key){ tenant, threads->names[i] }, context))
			return false;
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
	struct threads *const threads = calloc(1, sizeof(*threads));

	if (threads == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	do {
		status = next_threads(log, tenant, threads, error);
	} while (status == REPRISE_OK && visit_all(tenant, threads, visit, context) &&
		 threads->count == LOG_THREADS_MAX);
	free(threads);
	return status;
}
