/* SPDX-License-Identifier: MIT */

/*
 * thread: applying 1,000 deltas to a document of 1 MB, over reading and writing that document
 * once with jansson alone; appending a delta to a document in a SQLite file, over bare INSERTs of
 * the same rows.
 */

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <reprise/thread_sqlite.h>

#include "result.h"
#include "rows.h"
#include "thread/run.h"
#include "thread_bare.h"

enum {
	DOCUMENT_BYTES = 1000 * 1000,
	DELTAS = 1000,
	DELTA_ROOM = 512,
	APPLIES = 5,      /* of each side in a run */
	LONG_BYTES = 200, /* of the text of a message */
	SHORT_BYTES = 20,
	ID_ROOM = 32,
};

/* Of a message, as long as its place asks for. */
static const char words[] =
	"The writer appends a delta and waits for nobody, and each host that comes late is told "
	"what "
	"it has missed. A document adds up from its deltas; a retry of the same delta changes "
	"nothing, "
	"however often it comes. What a store has acknowledged is there when the process is not.";

static uint64_t
wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Ratios are ours over theirs for a goal at most, and theirs over ours for a goal at least. */
static void
print_ratio(struct harness *harness, const struct result *measured, const double *ours,
	    const double *theirs)
{
	struct result result = *measured;
	double ratios[RUNS_MAX];

	for (size_t i = 0; i < result.runs; i++)
		ratios[i] =
			result.goal_is == GOAL_AT_LEAST ? theirs[i] / ours[i] : ours[i] / theirs[i];
	result.unit = "ratio";
	result.values = ratios;
	result.ns = median_of(ours, result.runs);
	result.over_ns = median_of(theirs, result.runs);
	result_print(harness, &result);
}

/* --- applying --------------------------------------------------------------------------------- */

struct applying {
	struct reprise_bytes document;
	struct reprise_bytes deltas[DELTAS];
	struct reprise_thread_page *page;
	char *text, *delta_texts;
};

static void
make_applying(struct applying *applying)
{
	size_t used = 0, messages = 0;

	applying->text = harness_allocate(DOCUMENT_BYTES + 2 * (size_t)DELTA_ROOM, 1);
	applying->delta_texts = harness_allocate(DELTAS, DELTA_ROOM);
	used += (size_t)sprintf(applying->text, "{\"id\":\"bench\",\"messages\":[");
	while (used < DOCUMENT_BYTES) {
		used += (size_t)sprintf(
			applying->text + used,
			"%s{\"id\":\"m%zu\",\"role\":\"assistant\",\"text\":\"%0*zu\"}",
			messages == 0 ? "" : ",", messages, 200, messages);
		messages++;
	}
	used += (size_t)sprintf(applying->text + used,
				"],\"patches\":[],\"state\":{},\"version\":0}");
	applying->document = (struct reprise_bytes){ applying->text, used };
	for (size_t i = 0; i < DELTAS; i++) {
		char *const text = applying->delta_texts + i * DELTA_ROOM;
		const int bytes = snprintf(
			text, DELTA_ROOM,
			"{\"created_at\":1700000000000,\"delta_id\":\"d%zu\",\"messages\":[{\"id\":"
			"\"n%zu\",\"text\":\"%.*s\"}],\"reason\":\"UserMessage\",\"run_id\":"
			"\"r\"}",
			i, i, SHORT_BYTES, words);

		applying->deltas[i] = (struct reprise_bytes){ text, (size_t)bytes };
	}
	if (reprise_thread_page_open(&applying->page) != REPRISE_OK)
		harness_die("no memory");
}

static double
apply_ours(struct harness *harness, const struct applying *applying)
{
	struct reprise_bytes document = { 0 };
	const uint64_t begin = now_ns();

	if (thread_apply_deltas(applying->document, applying->deltas, DELTAS, applying->page,
				&document, NULL) != REPRISE_OK)
		harness_die("the deltas cannot be applied");
	const uint64_t ns = now_ns() - begin;

	if (document.size <= applying->document.size)
		harness->is_broken = true;
	return (double)ns;
}

static double
apply_theirs(struct harness *harness, const struct applying *applying)
{
	const uint64_t begin = now_ns();
	json_t *const tree = json_loadb(applying->document.data, applying->document.size, 0, NULL);
	char *const text = json_dumps(tree, JSON_COMPACT | JSON_SORT_KEYS);

	/* The page keeps its bytes; this side frees its own outside of the measured time. */
	json_decref(tree);
	const uint64_t ns = now_ns() - begin;

	if (text == NULL || strlen(text) != applying->document.size)
		harness->is_broken = true;
	free(text);
	return (double)ns;
}

static void
measure_applying(struct harness *harness)
{
	struct applying applying = { 0 };
	double ours[RUNS_MAX], theirs[RUNS_MAX];
	struct result result = { .name = "thread-apply", .goal_is = GOAL_AT_MOST, .goal = 1.5 };

	make_applying(&applying);
	(void)apply_ours(harness, &applying);
	(void)apply_theirs(harness, &applying);
	for (; result.runs < harness->runs && !harness_is_interrupted(); result.runs++) {
		double our_ns[APPLIES], their_ns[APPLIES];

		for (int i = 0; i < APPLIES; i++) {
			our_ns[i] = apply_ours(harness, &applying);
			their_ns[i] = apply_theirs(harness, &applying);
		}
		ours[result.runs] = median_of(our_ns, APPLIES);
		theirs[result.runs] = median_of(their_ns, APPLIES);
	}
	snprintf(result.parameters, sizeof(result.parameters), "\"bytes\":%zu,\"deltas\":%d",
		 applying.document.size, DELTAS);
	result_add(&result, "over", "reading and writing once with jansson");
	if (result.runs > 0)
		print_ratio(harness, &result, ours, theirs);
	reprise_thread_page_close(applying.page);
	free(applying.text);
	free(applying.delta_texts);
}

/* --- appending -------------------------------------------------------------------------------- */

/* Deltas with ids, written before the clock runs. */
struct appending {
	uint64_t count;
	char *ids, *texts;
	struct reprise_bytes *deltas;
};

static void
make_appending(struct appending *appending, uint64_t count)
{
	const uint64_t created_ms = wall_ms();

	appending->count = count;
	appending->ids = harness_allocate(count, ID_ROOM);
	appending->texts = harness_allocate(count, DELTA_ROOM);
	appending->deltas = harness_allocate(count, sizeof(*appending->deltas));
	for (uint64_t i = 0; i < count; i++) {
		char *const text = appending->texts + i * DELTA_ROOM;

		snprintf(appending->ids + i * ID_ROOM, ID_ROOM, "d%016llx",
			 (unsigned long long)(i * UINT64_C(0x9e3779b97f4a7c15)));
		const int bytes = snprintf(
			text, DELTA_ROOM,
			"{\"created_at\":%llu,\"delta_id\":\"%s\",\"messages\":[{\"id\":\"m%llu\","
			"\"text\":\"%.*s\"}],\"patches\":[],\"reason\":\"UserMessage\",\"run_"
			"id\":"
			"\"r\"}",
			(unsigned long long)created_ms, appending->ids + i * ID_ROOM,
			(unsigned long long)i, LONG_BYTES, words);

		appending->deltas[i] = (struct reprise_bytes){ text, (size_t)bytes };
	}
}

static void
free_appending(struct appending *appending)
{
	free(appending->ids);
	free(appending->texts);
	free(appending->deltas);
}

static double
append_ours(struct harness *harness, const struct appending *appending, bool is_synced)
{
	static const char name[] = "thread.ours";
	const struct reprise_thread_sqlite_options options = {
		.size = sizeof(options), .durability = is_synced ? REPRISE_SYNCED : REPRISE_WRITTEN
	};
	struct reprise_thread_appended appended = { .size = sizeof(appended) };
	struct reprise_thread_store *store = NULL;

	if (reprise_thread_sqlite_open(scratch_path(name), &options, &store, NULL) != REPRISE_OK ||
	    reprise_thread_create(store, "bench", (struct reprise_bytes){ 0 }, NULL, NULL) !=
		    REPRISE_OK)
		harness_die("the store does not open");
	const uint64_t begin = now_ns();

	for (uint64_t i = 0; i < appending->count; i++)
		if (reprise_thread_append(store, "bench", NULL, appending->deltas[i], &appended,
					  NULL) != REPRISE_OK)
			harness_die("an append failed");
	const uint64_t ns = now_ns() - begin;

	if (appended.version != appending->count)
		harness->is_broken = true;
	reprise_thread_store_close(store);
	scratch_remove(name);
	return (double)ns / (double)appending->count;
}

static double
append_theirs(const struct appending *appending, bool is_synced)
{
	static const char name[] = "thread.bare";
	struct thread_bare *const bare = thread_bare_open(name, is_synced);
	const uint64_t begin = now_ns();

	for (uint64_t i = 0; i < appending->count; i++)
		thread_bare_put(bare, i + 1, appending->ids + i * ID_ROOM, appending->deltas[i]);
	const uint64_t ns = now_ns() - begin;

	thread_bare_close(bare);
	scratch_remove(name);
	return (double)ns / (double)appending->count;
}

static void
measure_appending(struct harness *harness, bool is_synced, uint64_t count)
{
	struct appending appending;
	double ours[RUNS_MAX], theirs[RUNS_MAX];
	struct result result = { .name = "thread-append", .goal_is = GOAL_AT_LEAST, .goal = 0.7 };

	make_appending(&appending, count);
	(void)append_ours(harness, &appending, is_synced);
	(void)append_theirs(&appending, is_synced);
	for (; result.runs < harness->runs && !harness_is_interrupted(); result.runs++) {
		ours[result.runs] = append_ours(harness, &appending, is_synced);
		theirs[result.runs] = append_theirs(&appending, is_synced);
	}
	result.delivered = count * result.runs;
	snprintf(result.parameters, sizeof(result.parameters),
		 "\"store\":\"sqlite\",\"deltas\":%llu,\"durability\":\"%s\",\"on\":\"%s\"",
		 (unsigned long long)count, is_synced ? "synced" : "written", scratch_system());
	result_add(&result, "speed over", "bare inserts");
	if (result.runs > 0)
		print_ratio(harness, &result, ours, theirs);
	free_appending(&appending);
}

void
measure_thread(struct harness *harness)
{
	measure_applying(harness);
	measure_appending(harness, true, harness->is_quick ? 500 : 2000);
	measure_appending(harness, false, harness->is_quick ? 2000 : 10000);
}
