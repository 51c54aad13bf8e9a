/* SPDX-License-Identifier: MIT */
/*
 * Workers. A worker opens a connection to the log with its first job and keeps the connection; a
 * connection that failed to open is tried again with the next job. The lock is held for a few
 * instructions at a time, so the loop never waits for a call of a worker.
 */
#include "gateway/work.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/thread.h"
#include "gateway/gateway.h"

static void
queue_add(struct job_queue *queue, struct job *job)
{
	job->next = NULL;
	if (queue->last == NULL)
		queue->first = job;
	else
		queue->last->next = job;
	queue->last = job;
}

static struct job *
queue_take(struct job_queue *queue)
{
	struct job *const job = queue->first;

	if (job != NULL)
		queue->first = job->next;
	if (queue->first == NULL)
		queue->last = NULL;
	return job;
}

/*
 * A log that is not found, or is busy, is no session that is not found or busy: what may mean a
 * session is E_IO.
 */
static reprise_status
judge_opening(reprise_status status)
{
	const bool is_plain = status == REPRISE_OK || status == REPRISE_E_NO_MEMORY ||
			      status == REPRISE_E_TIMEOUT || status == REPRISE_E_CORRUPT ||
			      status == REPRISE_E_VERSION || status == REPRISE_E_SYSTEM;

	return is_plain ? status : REPRISE_E_IO;
}

static void
run_job(struct work *work, struct job *job, struct reprise_log **log)
{
	const struct reprise_gateway_options *const options = &work->gateway->options;

	job->status = REPRISE_OK;
	job->error = (struct reprise_error)REPRISE_ERROR_INIT;
	if (*log == NULL && options->open_log != NULL)
		job->status = judge_opening(
			options->open_log(options->open_log_context, log, &job->error));
	if (job->status != REPRISE_OK) {
		job->error.status = job->status;
		*log = NULL;
	}
	if (job->run != NULL)
		job->run(job, *log);
	if (job->status == REPRISE_E_IO || job->status == REPRISE_E_CORRUPT) {
		reprise_log_close(*log); /* the next job tries a new connection */
		*log = NULL;
	}
}

static void *
work_thread(void *argument)
{
	struct work *const work = argument;
	struct reprise_log *log = NULL;
	struct job *job;

	pthread_mutex_lock(&work->lock);
	for (;;) {
		job = queue_take(&work->waiting);
		if (job == NULL && work->is_closing)
			break;
		if (job == NULL) {
			pthread_cond_wait(&work->changed, &work->lock);
			continue;
		}
		pthread_mutex_unlock(&work->lock);
		run_job(work, job, &log);
		pthread_mutex_lock(&work->lock);
		queue_add(&work->done, job);
		(void)http_server_notify(work->gateway->server);
	}
	pthread_mutex_unlock(&work->lock);
	reprise_log_close(log);
	return NULL;
}

reprise_status
work_open(struct work *work, struct reprise_gateway *gateway, uint32_t threads,
	  struct reprise_error *error)
{
	int failure;

	*work = (struct work){ .gateway = gateway };
	work->threads = calloc(threads, sizeof(*work->threads));
	if (work->threads == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	pthread_mutex_init(&work->lock, NULL);
	pthread_cond_init(&work->changed, NULL);
	while (work->threads_count < threads) {
		failure = thread_start(&work->threads[work->threads_count], "reprise-work",
				       work_thread, work);
		if (failure != 0) {
			work_close(work);
			return error_system(error, "pthread_create", failure);
		}
		work->threads_count++;
	}
	return REPRISE_OK;
}

void
work_close(struct work *work)
{
	if (work->threads == NULL)
		return;
	pthread_mutex_lock(&work->lock);
	work->is_closing = true;
	pthread_cond_broadcast(&work->changed);
	pthread_mutex_unlock(&work->lock);
	for (uint32_t i = 0; i < work->threads_count; i++)
		pthread_join(work->threads[i], NULL);
	work_finish(work);
	pthread_cond_destroy(&work->changed);
	pthread_mutex_destroy(&work->lock);
	free(work->threads);
	work->threads = NULL;
}

/* No worker is left: a job in the queue would never be done, and its owner never be answered. */
static void
refuse_job(struct job *job)
{
	job->error = (struct reprise_error)REPRISE_ERROR_INIT;
	job->status = error_plain(&job->error, REPRISE_E_INTERRUPTED);
	job->done(job);
}

void
work_submit(struct work *work, struct job *job)
{
	if (work_is_closing(work)) {
		refuse_job(job);
		return;
	}
	count(&work->gateway->counters.jobs, 1);
	pthread_mutex_lock(&work->lock);
	queue_add(&work->waiting, job);
	pthread_cond_signal(&work->changed);
	pthread_mutex_unlock(&work->lock);
}

void
work_finish(struct work *work)
{
	struct job *job;

	for (;;) {
		pthread_mutex_lock(&work->lock);
		job = queue_take(&work->done);
		pthread_mutex_unlock(&work->lock);
		if (job == NULL)
			return;
		count(&work->gateway->counters.jobs, -1);
		job->done(job);
	}
}
