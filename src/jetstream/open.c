/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/numbers.h"
#include "base/thread.h"
#include "jetstream/connect.h"
#include "jetstream/flights.h"
#include "jetstream/stream.h"
#include "jetstream/views.h"
#include "thread/adapter.h"

/*
 * libnats starts its threads as the connection is made and used. They inherit what the thread that
 * does so has set for itself; so this is a thread of ours, which blocks all signals.
 */
struct opening {
	struct reprise_jetstream *writer;
	struct reprise_error error;
	reprise_status status;
};

static void *
run_open(void *argument)
{
	struct opening *const opening = argument;
	struct reprise_jetstream *const writer = opening->writer;
	struct reprise_error *const error = &opening->error;
	const uint64_t due_ns = writer_due(writer);

	opening->status = connection_open(writer, due_ns, error);
	if (opening->status == REPRISE_OK)
		opening->status = streams_set_up(writer, due_ns, error);
	if (opening->status == REPRISE_OK)
		opening->status = flights_open(writer, error);
	nats_ReleaseThreadMemory();
	return NULL;
}

static reprise_status
open_connection(struct reprise_jetstream *writer, struct reprise_error *error)
{
	struct opening opening = { .writer = writer, .error = { .size = sizeof(opening.error) } };
	pthread_t thread;
	const int refused = thread_start(&thread, "reprise-nats", run_open, &opening);

	if (refused != 0)
		return error_system(error, "thread", refused);
	pthread_join(thread, NULL);
	return opening.status == REPRISE_OK ? REPRISE_OK : error_copy(error, &opening.error);
}

static void
free_writer(struct reprise_jetstream *writer)
{
	flights_free(writer);
	reprise_thread_page_close(writer->spare);
	views_free(&writer->views);
	pthread_cond_destroy(&writer->flights.has_ready);
	pthread_cond_destroy(&writer->flights.has_room);
	pthread_cond_destroy(&writer->told);
	pthread_mutex_destroy(&writer->lock);
	free(writer);
}

/* NULL without memory. */
static struct reprise_jetstream *
make_writer(void)
{
	struct reprise_jetstream *const writer = calloc(1, sizeof(*writer));

	if (writer == NULL)
		return NULL;
	if (!condition_init(&writer->told)) {
		free(writer);
		return NULL;
	}
	if (!condition_init(&writer->flights.has_room)) {
		pthread_cond_destroy(&writer->told);
		free(writer);
		return NULL;
	}
	if (!condition_init(&writer->flights.has_ready)) {
		pthread_cond_destroy(&writer->flights.has_room);
		pthread_cond_destroy(&writer->told);
		free(writer);
		return NULL;
	}
	pthread_mutex_init(&writer->lock, NULL);
	TAILQ_INIT(&writer->flights.sent);
	TAILQ_INIT(&writer->flights.ready);
	return writer;
}

static void
close_writer(struct reprise_jetstream *writer)
{
	const uint64_t half_ns = writer->settings.deadline_ns / 2;

	/*
	 * Half of the time for acks that are under way. libnats says by a callback that it is done.
	 */
	flights_close(writer, deadline_after(clock_ns(), half_ns));
	if (connection_close(writer, deadline_after(clock_ns(), greatest(half_ns, NS_PER_S))))
		free_writer(writer);
}

reprise_status
reprise_jetstream_open(struct reprise_thread_store *store,
		       const struct reprise_jetstream_options *options,
		       struct reprise_jetstream **ret_writer, struct reprise_error *error)
{
	struct settings settings;

	if (store == NULL)
		return error_invalid(error, "store");
	if (ret_writer == NULL)
		return error_invalid(error, "ret_writer");
	UNCANCELLABLE;
	/* The store says whether it is another process's. */
	reprise_status status = reprise_thread_find_applied(
		store, "00000000000000000000000000000000", NULL, 0, NULL, error);

	if (status == REPRISE_OK)
		status = settings_choose(options, &store->limits, &settings, error);
	if (status != REPRISE_OK)
		return status;
	struct reprise_jetstream *const writer = make_writer();

	if (writer == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	writer->store = store;
	writer->settings = settings;
	if (!views_init(&writer->views))
		status = error_plain(error, REPRISE_E_SYSTEM);
	else if (!owner_note(&writer->owner))
		status = error_plain(error, REPRISE_E_NO_MEMORY);
	else
		status = open_connection(writer, error);
	if (status != REPRISE_OK) {
		close_writer(writer);
		return status;
	}
	*ret_writer = writer;
	return REPRISE_OK;
}

/*
 * In the child of a fork. Threads of the parent may have been changing what the writer points to,
 * so all of it stays, where it can be found.
 */
static void
abandon(struct reprise_jetstream *writer)
{
	static struct reprise_jetstream *_Atomic abandoned;
	struct reprise_jetstream *before = atomic_load_explicit(&abandoned, memory_order_relaxed);

	do {
		writer->next_abandoned = before;
	} while (!atomic_compare_exchange_weak_explicit(
		&abandoned, &before, writer, memory_order_release, memory_order_relaxed));
}

void
reprise_jetstream_close(struct reprise_jetstream *writer)
{
	if (writer == NULL)
		return;
	UNCANCELLABLE;
	if (owner_is_here(&writer->owner))
		close_writer(writer);
	else
		abandon(writer);
}
