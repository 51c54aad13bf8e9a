/* SPDX-License-Identifier: MIT */
#ifndef RECORDER_NEWS_H
#define RECORDER_NEWS_H

/*
 * How a recorder that only reads hears of other runtimes' commits at once, where the log announces
 * them (await_news of the port). A thread with a connection of its own waits for news, and has the
 * reading thread serve the subscriptions of those sessions. News are a hint: the reading thread
 * reads the log in any case, and looks at its version from time to time.
 */

#include <pthread.h>
#include <stdbool.h>

#include "log/adapter.h"

struct reprise_recorder;

struct recorder_news {
	struct reprise_log *log; /* the thread's own; NULL: there is no thread */
	int stop;                /* an eventfd, readable once the thread is to end; -1: none */
	pthread_t thread;
	struct log_news heard; /* the thread's */
};

/*
 * Opens the connection, without the thread, if the recorder only reads and @log announces commits.
 */
reprise_status news_open(struct reprise_recorder *recorder, struct reprise_log *log,
			 struct reprise_error *error);
/* Gives back what news_open has opened; also in the child of a fork. */
void news_close(struct reprise_recorder *recorder);

/* Starts the thread, if there is a connection for it; answers 0 or an errno. */
int news_start(struct reprise_recorder *recorder);
/* Ends the thread, if there is one, in the middle of whatever it waits for. */
void news_stop(struct reprise_recorder *recorder);

#endif /* RECORDER_NEWS_H */
