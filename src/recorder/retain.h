/* SPDX-License-Identifier: MIT */
#ifndef RECORDER_RETAIN_H
#define RECORDER_RETAIN_H

/*
 * Retention by the recorder (contract L58): a thread with a connection of its own prunes the log of
 * the tenant each interval. Recording and reading have other connections, and wait for at most one
 * transaction of the pruning.
 */

#include <pthread.h>

#include <reprise/log_upkeep.h>
#include <reprise/recorder.h>

#include "log/adapter.h"

struct reprise_recorder;

struct recorder_retention {
	struct reprise_log *log; /* the thread's own; NULL: there is no thread */
	struct reprise_log_retention limits;
	pthread_t thread;
	pthread_cond_t has_end; /* with the recorder's lock */
	atomic_u32 is_stopped;  /* stored under the recorder's lock */
};

/*
 * Judges the options of retention, and sets the default of the interval. REPRISE_E_INVALID with the
 * name of the option.
 */
reprise_status retain_resolve(struct reprise_recorder_options *options,
			      struct reprise_error *error);

/* Opens the connection, if the options ask for retention. */
reprise_status retain_open(struct reprise_recorder *recorder, struct reprise_log *log,
			   struct reprise_error *error);
/* Closes the connection; also in the child of a fork. */
void retain_close(struct reprise_recorder *recorder);

/* Starts the thread, if there is a connection for it; answers 0 or an errno. */
int retain_start(struct reprise_recorder *recorder);
/* Ends the thread, if there is one: after at most one transaction. */
void retain_stop(struct reprise_recorder *recorder);

#endif /* RECORDER_RETAIN_H */
