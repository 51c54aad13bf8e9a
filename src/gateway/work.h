/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_WORK_H
#define GATEWAY_WORK_H

/*
 * Calls that wait for the log are made on workers. A job is embedded in its owner: the loop submits
 * the job, a worker runs the job with a connection to the log, and the loop hears that the job is
 * done. The owner lives until then: a job is never taken back.
 */

#include <pthread.h>
#include <stdbool.h>

#include <reprise/gateway.h>

struct job {
	/*
	 * On a worker. @log is the worker's own connection; NULL without a log, or if @status says
	 * why the log could not be opened. May be NULL: then nothing is run.
	 */
	void (*run)(struct job *job, struct reprise_log *log);
	/* On the loop, exactly once behind each submit. */
	void (*done)(struct job *job);
	reprise_status status; /* of the log's opening before `run`; `run` may set it */
	struct reprise_error error;
	struct job *next;
};

struct job_queue {
	struct job *first, *last;
};

struct work {
	struct reprise_gateway *gateway;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct job_queue waiting; /* under the lock */
	struct job_queue done;    /* under the lock */
	bool is_closing;          /* under the lock */
	uint32_t threads_count;
	pthread_t *threads;
};

/* Starts the workers; without a log there are workers, too, for calls that lock. */
reprise_status work_open(struct work *work, struct reprise_gateway *gateway, uint32_t threads,
			 struct reprise_error *error);
/* Ends the workers behind the jobs that run; `done` of every job that was submitted is called. */
void work_close(struct work *work);
/* On the loop: whether work_close has begun, so that no further job would be run. */
static inline bool
work_is_closing(const struct work *work)
{
	return work->is_closing; /* written by the loop's thread, or behind the loop's end */
}
/*
 * On the loop. Behind the beginning of work_close `run` is left out, and `done` is called within
 * the call, with the status E_INTERRUPTED.
 */
void work_submit(struct work *work, struct job *job);
/* On the loop, from on_notify: calls `done` of the jobs that are done. */
void work_finish(struct work *work);

#endif /* GATEWAY_WORK_H */
