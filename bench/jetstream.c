/* SPDX-License-Identifier: MIT */

/*
 * jetstream: a writer of buffered thread documents. A run over a store whose writes take 5 ms,
 * buffered over direct; one flush; the rate of appends without waiting, over the NATS client's
 * library alone; and recoveries of 10,000 deltas over 1,000.
 */

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "jetstream_place.h"
#include "nats_bare.h"
#include "result.h"
#include "rows.h"
#include "thread/run.h"

enum {
	RUN_DELTAS = 100,
	WINDOW = 1024,
	RECOVER_DOCUMENTS = 10,
	RECOVER_FEW = 1000,
	RECOVER_MANY = 10000,
	ID_ROOM = 32,
};

static const char store_name[] = "jetstream.store", direct_name[] = "jetstream.direct";

static uint64_t documents; /* so far: no two runs have the same */

static void
name_document(char ret_id[ID_ROOM])
{
	snprintf(ret_id, ID_ROOM, "bench-%" PRIu64, ++documents);
}

static void
must(struct harness *harness, bool is_good, const char *what)
{
	if (is_good)
		return;
	fprintf(stderr, "bench: BROKEN accounting: %s\n", what);
	harness->is_broken = true;
}

static void
print_over(struct harness *harness, const struct result *measured, const double *ours,
	   const double *theirs)
{
	struct result result = *measured;
	double ratios[RUNS_MAX];

	if (result.runs == 0)
		return;
	for (size_t i = 0; i < result.runs; i++)
		ratios[i] =
			result.goal_is == GOAL_AT_MOST ? ours[i] / theirs[i] : theirs[i] / ours[i];
	result.unit = "ratio";
	result.values = ratios;
	result.ns = median_of(ours, result.runs);
	result.over_ns = median_of(theirs, result.runs);
	result_print(harness, &result);
}

/* --- a run ------------------------------------------------------------------------------------ */

static double
run_buffered(struct harness *harness, struct reprise_thread_store *store,
	     struct reprise_jetstream *writer)
{
	char id[ID_ROOM], text[JETSTREAM_DELTA_BYTES];

	name_document(id);
	jetstream_document_create(store, id);
	const uint64_t begin = now_ns();

	for (uint64_t i = 1; i <= RUN_DELTAS; i++)
		if (reprise_jetstream_append(writer, id, NULL,
					     jetstream_delta(i, i == RUN_DELTAS, text), NULL,
					     NULL) != REPRISE_OK)
			harness_die("an append failed");
	const uint64_t ns = now_ns() - begin;

	must(harness, jetstream_document_version(store, id) == RUN_DELTAS, "a run");
	return (double)ns;
}

static double
run_directly(struct harness *harness, struct reprise_thread_store *store)
{
	char id[ID_ROOM], text[JETSTREAM_DELTA_BYTES];

	name_document(id);
	jetstream_document_create(store, id);
	const uint64_t begin = now_ns();

	for (uint64_t i = 1; i <= RUN_DELTAS; i++)
		if (reprise_thread_append(store, id, NULL,
					  jetstream_delta(i, i == RUN_DELTAS, text), NULL,
					  NULL) != REPRISE_OK)
			harness_die("an append failed");
	const uint64_t ns = now_ns() - begin;

	must(harness, jetstream_document_version(store, id) == RUN_DELTAS, "a direct run");
	return (double)ns;
}

static void
measure_run(struct harness *harness, struct reprise_thread_store *store,
	    struct reprise_jetstream *writer)
{
	double ours[RUNS_MAX] = { 0 }, theirs[RUNS_MAX] = { 0 };
	struct result result = { .name = "jetstream-run", .goal_is = GOAL_AT_LEAST, .goal = 5 };

	(void)run_buffered(harness, store, writer);
	for (; result.runs < harness->runs && !harness_is_interrupted(); result.runs++) {
		ours[result.runs] = run_buffered(harness, store, writer);
		theirs[result.runs] = run_directly(harness, store);
	}
	result.delivered = result.runs * RUN_DELTAS;
	snprintf(result.parameters, sizeof(result.parameters), "\"deltas\":%d,\"ms of a write\":%d",
		 RUN_DELTAS, JETSTREAM_SLOW_NS / 1000000);
	result_add(&result, "times faster than", "direct appends");
	print_over(harness, &result, ours, theirs);
}

/* --- a flush ---------------------------------------------------------------------------------- */

static void
measure_flush(struct harness *harness, struct reprise_thread_store *store,
	      struct reprise_jetstream *writer)
{
	double flushes[RUNS_MAX], saves[RUNS_MAX], rest[RUNS_MAX];
	char id[ID_ROOM], text[JETSTREAM_DELTA_BYTES];
	struct result result = { .name = "jetstream-flush",
				 .unit = "ms",
				 .values = rest,
				 .goal_is = GOAL_AT_MOST,
				 .goal = 50 };

	for (; result.runs < harness->runs && !harness_is_interrupted(); result.runs++) {
		struct reprise_jetstream_flushed flushed = { .size = sizeof(flushed) };

		name_document(id);
		jetstream_document_create(store, id);
		for (uint64_t i = 1; i <= RUN_DELTAS; i++)
			if (reprise_jetstream_append(writer, id, NULL,
						     jetstream_delta(i, false, text), NULL,
						     NULL) != REPRISE_OK)
				harness_die("an append failed");
		const uint64_t begin = now_ns();

		if (reprise_jetstream_flush(writer, id, &flushed, NULL) != REPRISE_OK)
			harness_die("a flush failed");
		flushes[result.runs] = (double)(now_ns() - begin);
		saves[result.runs] = (double)jetstream_store_last_write_ns();
		rest[result.runs] = (flushes[result.runs] - saves[result.runs]) / 1e6;
		must(harness, flushed.applied == RUN_DELTAS, "a flush");
		result.delivered += flushed.applied;
		result.lost += RUN_DELTAS - flushed.applied;
	}
	if (result.runs == 0)
		return;
	result.ns = median_of(flushes, result.runs);
	result.over_ns = median_of(saves, result.runs);
	snprintf(result.parameters, sizeof(result.parameters), "\"deltas\":%d", RUN_DELTAS);
	result_add(&result, "beyond", "the inner save");
	result_print(harness, &result);
}

/* --- appends without waiting ------------------------------------------------------------------ */

struct completed {
	_Atomic uint64_t good, bad;
};

static void
count(void *context, reprise_status status, const struct reprise_jetstream_appended *appended,
      const struct reprise_error *error)
{
	struct completed *const completed = context;

	(void)appended;
	(void)error;
	atomic_fetch_add(status == REPRISE_OK ? &completed->good : &completed->bad, 1);
}

/* Until the last ack: how long it took. */
static uint64_t
append_async(struct reprise_jetstream *writer, const char *id, uint64_t deltas)
{
	struct completed completed = { 0 };
	char text[JETSTREAM_DELTA_BYTES];
	const uint64_t begin = now_ns();

	for (uint64_t i = 1; i <= deltas; i++)
		if (reprise_jetstream_append_async(writer, id, jetstream_delta(i, false, text),
						   count, &completed, NULL) != REPRISE_OK)
			harness_die("an append failed");
	while (atomic_load(&completed.good) + atomic_load(&completed.bad) < deltas)
		nanosleep(&(struct timespec){ .tv_nsec = 20000 }, NULL);
	const uint64_t ns = now_ns() - begin;

	if (atomic_load(&completed.bad) != 0)
		harness_die("an append failed");
	return ns;
}

static double
async_ours(struct harness *harness, struct reprise_thread_store *store,
	   struct reprise_jetstream *writer, uint64_t deltas, struct result *result)
{
	struct reprise_jetstream_flushed flushed = { .size = sizeof(flushed) };
	char id[ID_ROOM];

	name_document(id);
	jetstream_document_create(store, id);
	const uint64_t ns = append_async(writer, id, deltas);

	if (reprise_jetstream_flush(writer, id, &flushed, NULL) != REPRISE_OK)
		harness_die("a flush failed");
	must(harness, flushed.applied == deltas, "appends without waiting");
	result->delivered += flushed.applied;
	result->lost += deltas - flushed.applied;
	return (double)ns / (double)deltas;
}

/* Texts that are ready; or, with a page, read and written in canonical form first, as ours are. */
static double
async_theirs(struct harness *harness, struct nats_bare *bare, uint64_t deltas,
	     struct reprise_thread_page *page)
{
	static uint64_t ordinal;
	struct thread_delta_facts facts;
	char text[JETSTREAM_DELTA_BYTES];
	const uint64_t begin = now_ns();

	for (uint64_t i = 1; i <= deltas; i++) {
		if (page == NULL)
			facts.json = jetstream_named_delta(i, text);
		else if (thread_read_delta(jetstream_delta(i, false, text), "delta", i, page,
					   &facts, NULL) != REPRISE_OK)
			harness_die("a delta cannot be read");
		nats_bare_publish(bare, ++ordinal, facts.json);
	}
	nats_bare_complete(bare);
	const uint64_t ns = now_ns() - begin;

	must(harness, nats_bare_empty(bare) == deltas, "the bare client");
	return (double)ns / (double)deltas;
}

static void
print_async(struct harness *harness, const struct result *measured, uint64_t deltas,
	    const char *over, const double *ours, const double *theirs)
{
	struct result result = *measured;

	snprintf(result.parameters, sizeof(result.parameters),
		 "\"deltas\":%" PRIu64 ",\"window\":%d", deltas, WINDOW);
	result_add(&result, "speed over", over);
	print_over(harness, &result, ours, theirs);
}

static void
measure_async(struct harness *harness, struct reprise_thread_store *store,
	      struct reprise_jetstream *writer)
{
	const uint64_t deltas = harness->is_quick ? 5000 : 20000;
	struct nats_bare *const bare =
		nats_bare_open(jetstream_place_url(), WINDOW, JETSTREAM_STREAM_BYTES);
	struct reprise_thread_page *page = NULL;
	double ours[RUNS_MAX] = { 0 }, theirs[RUNS_MAX] = { 0 }, read[RUNS_MAX] = { 0 };
	struct result result = { .name = "jetstream-append_async",
				 .goal_is = GOAL_AT_LEAST,
				 .goal = 0.7 };

	if (reprise_thread_page_open(&page) != REPRISE_OK)
		harness_die("no memory");
	(void)async_ours(harness, store, writer, deltas, &result);
	(void)async_theirs(harness, bare, deltas, NULL);
	result.delivered = result.lost = 0;
	for (; result.runs < harness->runs && !harness_is_interrupted(); result.runs++) {
		ours[result.runs] = async_ours(harness, store, writer, deltas, &result);
		theirs[result.runs] = async_theirs(harness, bare, deltas, NULL);
		read[result.runs] = async_theirs(harness, bare, deltas, page);
	}
	print_async(harness, &result, deltas, "js_PublishMsgAsync alone", ours, theirs);
	result.goal_is = GOAL_NONE;
	print_async(harness, &result, deltas, "js_PublishMsgAsync of deltas that are read first",
		    ours, read);
	reprise_thread_page_close(page);
	nats_bare_close(bare);
}

/* --- recoveries ------------------------------------------------------------------------------- */

static double
recover(struct harness *harness, struct reprise_thread_store *store, uint64_t deltas,
	struct result *result)
{
	struct reprise_jetstream_recovered recovered = { .size = sizeof(recovered) };
	struct reprise_jetstream *writer = jetstream_writer_open(store, WINDOW);
	char id[ID_ROOM];

	for (int i = 0; i < RECOVER_DOCUMENTS; i++) {
		name_document(id);
		jetstream_document_create(store, id);
		(void)append_async(writer, id, deltas / RECOVER_DOCUMENTS);
	}
	/* Another writer recovers, as after a crash. */
	reprise_jetstream_close(writer);
	writer = jetstream_writer_open(store, WINDOW);
	const uint64_t begin = now_ns();

	if (reprise_jetstream_recover(writer, &recovered, NULL) != REPRISE_OK)
		harness_die("a recovery failed");
	const uint64_t ns = now_ns() - begin;

	must(harness, recovered.applied == deltas, "a recovery");
	result->delivered += recovered.applied;
	result->lost += deltas - recovered.applied;
	reprise_jetstream_close(writer);
	return (double)ns;
}

static void
measure_recover(struct harness *harness, struct reprise_thread_store *store)
{
	double many[RUNS_MAX] = { 0 }, few[RUNS_MAX] = { 0 }, rates[RUNS_MAX];
	struct result result = { .name = "jetstream-recover", .goal_is = GOAL_AT_MOST, .goal = 12 };
	struct result other = { 0 };

	(void)recover(harness, store, RECOVER_FEW, &other);
	for (; result.runs < harness->runs && !harness_is_interrupted(); result.runs++) {
		many[result.runs] = recover(harness, store, RECOVER_MANY, &result);
		few[result.runs] = recover(harness, store, RECOVER_FEW, &other);
		rates[result.runs] = RECOVER_MANY * 1e9 / many[result.runs];
	}
	snprintf(result.parameters, sizeof(result.parameters),
		 "\"deltas\":%d,\"over deltas\":%d,\"documents\":%d", RECOVER_MANY, RECOVER_FEW,
		 RECOVER_DOCUMENTS);
	print_over(harness, &result, many, few);
	if (result.runs == 0)
		return;
	result.unit = "deltas/s";
	result.values = rates;
	result.ns = median_of(many, result.runs);
	result.goal_is = GOAL_NONE;
	result_print(harness, &result);
}

void
measure_jetstream(struct harness *harness)
{
	if (!jetstream_place_start(harness, "jetstream"))
		return;
	struct reprise_thread_store *const slow = jetstream_store_open(direct_name, true);
	struct reprise_thread_store *const store = jetstream_store_open(store_name, false);
	struct reprise_jetstream *writer = jetstream_writer_open(slow, 0);

	measure_run(harness, slow, writer);
	measure_flush(harness, slow, writer);
	reprise_jetstream_close(writer);
	writer = jetstream_writer_open(store, WINDOW);
	measure_async(harness, store, writer);
	reprise_jetstream_close(writer);
	measure_recover(harness, store);
	jetstream_store_close(store, store_name);
	jetstream_store_close(slow, direct_name);
	jetstream_place_end(harness);
}
