/* SPDX-License-Identifier: MIT */
#include "recorder/recorder.h"

/*
 * A window to which nothing was appended is rebuilt when a writer joins it: a heir goes on in its
 * place, with the same recording (store/rebuild.c). The writing thread looks at a recording's
 * window without a lock, so that thread alone goes over from one window to the other: between two
 * rounds, before the next pass begins.
 *
 * Until then the old window has nothing to record, and the recording is neither parked nor closed
 * nor said to be void: that would be told before the heir's events. No heir comes while a batch
 * holds such a write, for the writing thread itself answers the request of the writer that joins,
 * between two batches.
 */

void
recorder_succeed(struct store_port *port, struct reprise_session *heir)
{
	struct reprise_recorder *const recorder = recorder_of(port);
	struct recording *const recording = heir->recording;

	pthread_mutex_lock(&recorder->lock);
	if (recording->is_attached) {
		recording->has_heir = true;
		recorder->has_heirs = true;
		recorder_unpark(recorder, recording);
		/* It does not linger: it would not see how much has come. */
		recorder_hurry(recorder);
	}
	pthread_mutex_unlock(&recorder->lock);
}

/* Under the lock, which it gives up meanwhile. */
static void
go_over(struct reprise_recorder *recorder, struct recording *recording)
{
	struct reprise_session *const before = recording->session;

	recording->has_heir = false;
	pthread_mutex_unlock(&recorder->lock);
	struct reprise_session *const heir = port_heir(before);

	pthread_mutex_lock(&recorder->lock);
	recording->session = heir;
	pthread_mutex_unlock(&recorder->lock);
	port_unpin(before);
	pthread_mutex_lock(&recorder->lock);
}

void
recorder_follow_heirs(struct reprise_recorder *recorder)
{
	struct recording *recording;

	while (recorder->has_heirs) {
		recorder->has_heirs = false;
		TAILQ_CONCAT(&recorder->attached, &recorder->coming, link);
		TAILQ_FOREACH(recording, &recorder->attached, link)
			if (recording->has_heir)
				go_over(recorder, recording);
	}
}
