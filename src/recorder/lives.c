/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "recorder/recorder.h"
#include "recorder/request.h"
#include "store/writer.h"

/* The analyzer of gcc 12 loses what an element of an array points to. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif

/*
 * Lives of windows begin, or go on when a writer joins a window: as many as are opened together,
 * in one transaction.
 */

/* From here on nothing closes the life of @session, and the writing thread looks at it. */
static void
give_writer(struct reprise_recorder *recorder, struct reprise_session *session)
{
	struct recording *const recording = session->recording;

	pthread_mutex_lock(&recorder->lock);
	const bool was_attached = recording->is_attached;

	recording->has_writer = true;
	recording->is_attached = true;
	/* @session may be the heir of the window that was looked at last. */
	if (!was_attached)
		recording->session = session;
	pthread_mutex_unlock(&recorder->lock);
	if (was_attached)
		return;
	port_keep(session);
	pthread_mutex_lock(&recorder->lock);
	recorder_come(recorder, recording);
	pthread_mutex_unlock(&recorder->lock);
}

/* Fills in the request to the writing thread, if there is memory. */
static void
prepare(struct reprise_recorder *recorder, struct opening *opening, struct asked *asked)
{
	struct recording *recording;

	asked->error = opening->error;
	if (opening->joined != NULL) {
		/*
		 * Before it is asked: a life that is reopened after its opener gave up
		 * is closed then.
		 */
		give_writer(recorder, opening->joined);
		asked->type = LOG_REOPEN;
		asked->recording = opening->joined->recording;
		asked->arena_bytes = opening->rebuilds ? opening->arena_bytes : 0;
		return;
	}
	recording = calloc(1, sizeof(*recording));
	if (recording == NULL) {
		opening->status = error_plain(opening->error, REPRISE_E_NO_MEMORY);
		return;
	}
	recording->incarnation = opening->birth.incarnation;
	memcpy(recording->id, opening->id, opening->id_bytes + 1);
	recording->hash = recorder_hash(opening->id);
	asked->type = LOG_LIFE;
	asked->recording = recording;
	asked->arena_bytes = opening->arena_bytes;
}

static void
finish(struct reprise_recorder *recorder, struct opening *opening, const struct asked *asked)
{
	opening->status = asked->status;
	if (opening->joined != NULL) {
		if (opening->status == REPRISE_E_CONFLICT)
			port_fence(opening->joined, PORT_HAS_ALL);
		return;
	}
	if (opening->status != REPRISE_OK)
		return;
	pthread_mutex_lock(&recorder->lock);
	recorder_remember(recorder, asked->recording, asked->head);
	pthread_mutex_unlock(&recorder->lock);
	opening->birth.position_before = asked->head;
	opening->birth.recording = asked->recording;
}

static void
refuse_all(struct opening *openings, size_t count, reprise_status status)
{
	for (size_t i = 0; i < count; i++)
		if (openings[i].is_asked)
			openings[i].status =
				status == REPRISE_E_INVALID
					? error_detailed(openings[i].error, status, "store",
							 "its recorder only reads")
					: error_plain(openings[i].error, status);
}

void
recorder_open_lives(struct store_port *port, struct opening *openings, size_t count)
{
	struct reprise_recorder *const recorder = recorder_of(port);
	struct asked one = { 0 };

	if (recorder->options.reads_only != 0) {
		refuse_all(openings, count, REPRISE_E_INVALID);
		return;
	}
	struct asked *const asked = count == 1 ? &one : calloc(count, sizeof(*asked));

	if (asked == NULL) {
		refuse_all(openings, count, REPRISE_E_NO_MEMORY);
		return;
	}
	for (size_t i = 0; i < count; i++)
		if (openings[i].is_asked)
			prepare(recorder, &openings[i], &asked[i]);
	requests_await(recorder, asked, count);
	for (size_t i = 0; i < count; i++)
		if (asked[i].recording != NULL)
			finish(recorder, &openings[i], &asked[i]);
	if (asked != &one)
		free(asked);
}
