/* SPDX-License-Identifier: MIT */
#include "jetstream/complete.h"

#include <string.h>

#include "base/cancel.h"
#include "base/error.h"
#include "jetstream/decide.h"
#include "jetstream/fetch.h"

static reprise_status
find_in_store(struct reprise_jetstream *writer, struct flight *flight, const char *uid)
{
	struct reprise_jetstream_appended *const appended = &flight->appended;
	const char *const id = appended->delta_id;
	struct reprise_thread_applied applied = { 0 };
	const reprise_status status =
		reprise_thread_find_applied(writer->store, uid, &id, 1, &applied, &flight->error);

	if (status != REPRISE_OK)
		return status;
	if (applied.version == 0)
		return error_detailed(
			&flight->error, REPRISE_E_IO, "server",
			"the server remembers the delta's id, and has lost the delta");
	if (memcmp(applied.digest, appended->digest, sizeof(applied.digest)) != 0)
		return error_detailed(&flight->error, REPRISE_E_EXISTS, "delta", id);
	appended->version = applied.version;
	appended->sequence = 0;
	appended->is_flushed = 1;
	return REPRISE_OK;
}

/*
 * The server has acknowledged an earlier publication of the flight's id: compares the two, and
 * fills `appended` in. A failure is in flight->error.
 */
static reprise_status
compare_payloads(struct reprise_jetstream *writer, struct flight *flight)
{
	const struct reprise_bytes ours = payload_of(flight->message);
	const char *uid = NULL;
	struct reprise_bytes first_uid;
	struct fetched first;
	reprise_status status = fetch_one(writer, flight->appended.sequence, writer_due(writer),
					  &first, &flight->error);

	if (status != REPRISE_OK)
		return status;
	(void)natsMsgHeader_Get(flight->message, HEADER_UID, &uid);
	flight->appended.is_repeated = 1;
	/*
	 * The sequence may be another document's by now: the server may have lost its newest
	 * messages.
	 */
	if (first.memory == NULL || !fetched_header(&first, HEADER_UID, &first_uid) ||
	    !bytes_are(first_uid, uid)) {
		fetched_free(&first);
		return find_in_store(writer, flight, uid);
	}
	const struct reprise_bytes theirs = first.payload;
	const uint64_t version = fetched_number(&first, HEADER_VERSION);

	if (theirs.size != ours.size || memcmp(theirs.data, ours.data, ours.size) != 0)
		status = error_detailed(&flight->error, REPRISE_E_EXISTS, "delta",
					flight->appended.delta_id);
	else if (version != 0)
		flight->appended.version = version;
	fetched_free(&first);
	return status;
}

static void
compare(struct reprise_jetstream *writer, struct flight *flight)
{
	const bool is_aborted = flight->status != REPRISE_OK;
	const bool has_failed = !is_aborted && compare_payloads(writer, flight) != REPRISE_OK;

	pthread_mutex_lock(&writer->lock);
	if (has_failed)
		decide_late_failure(writer, flight);
	flight->view->comparing--;
	pthread_cond_broadcast(&flight->view->changed);
	pthread_mutex_unlock(&writer->lock);
}

/* With the lock, which is given back meanwhile: ends one flight. */
static void
complete(struct reprise_jetstream *writer, struct flight *flight)
{
	pthread_mutex_unlock(&writer->lock);
	if (flight->is_duplicate)
		compare(writer, flight);
	const bool is_done = flight->status == REPRISE_OK;

	if (is_done)
		fetch_add_relaxed(flight->appended.is_repeated != 0 ? &writer->counters.repeated
								    : &writer->counters.published,
				  1);
	if (flight->completion != NULL)
		flight->completion(flight->context, flight->status,
				   is_done ? &flight->appended : NULL,
				   is_done ? NULL : &flight->error);
	pthread_mutex_lock(&writer->lock);
	if (!is_done)
		flight->view->failed--;
	flight->is_over = true;
	if (!flight->is_sending)
		decide_free(writer, flight);
}

void *
complete_run(void *argument)
{
	struct reprise_jetstream *const writer = argument;
	struct flights *const flights = &writer->flights;
	struct flight *flight;

	(void)cancel_disable();
	pthread_mutex_lock(&writer->lock);
	for (;;) {
		while ((flight = TAILQ_FIRST(&flights->ready)) != NULL) {
			TAILQ_REMOVE(&flights->ready, flight, in_list);
			complete(writer, flight);
		}
		if (flights->is_closing && flights->count == 0)
			break;
		flights->is_asleep = true;
		pthread_cond_wait(&flights->has_ready, &writer->lock);
		flights->is_asleep = false;
	}
	pthread_mutex_unlock(&writer->lock);
	nats_ReleaseThreadMemory();
	return NULL;
}
