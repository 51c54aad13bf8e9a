/* SPDX-License-Identifier: MIT */

/*
 * A recorder whose transactions hold one event each, beside a writer of batches that displaces what
 * the recorder copies: each transaction has a batch as a whole, or not at all, and no event is left
 * out. What gathers them is the recorder's own source (recorder/batch.c); what is committed is
 * written down here.
 */

#include <pthread.h>

#include "recorder/recorder.h"
#include "world.h"

const struct model_case model_cases[] = {
	{ "batches", { "recorded", "lost" } },
	{ "long batch", { "recorded", "lost" } },
	{ NULL, { NULL } },
};

enum {
	BATCHES,
	LONG_BATCH,
};

enum {
	ENTRIES = 16,
	WRITES = 32,
	BATCHES_MOST = 4,
	ROUNDS = 2,
};

static const unsigned int sizes[][BATCHES_MOST] = {
	[BATCHES] = { 2, 1, 2, 2 },
	[LONG_BATCH] = { 3, 3 },
};

static struct reprise_recorder recorder;
static struct recording recording;
static struct reprise_log_new_entry entries[ENTRIES];
static struct log_write writes[WRITES];
static struct batch_mark marks[WRITES];
static uint64_t places[1];
static unsigned char bytes[1024];
static uint64_t recorded;

/*
 * --- what batch.c asks of the rest ---------------------------------------------------------------
 */

struct wall
wall_measure(struct reprise_recorder *mine)
{
	(void)mine;
	return (struct wall){ .is_known = true };
}

uint64_t
wall_time(const struct wall *wall, uint64_t stamp_ns)
{
	(void)wall;
	return stamp_ns;
}

/*
 * --- the writer, and the writing thread ----------------------------------------------------------
 */

static void *
append(void *argument)
{
	for (int i = 0; i < BATCHES_MOST && sizes[model_case][i] != 0; i++)
		world_append_batch(0, sizes[model_case][i]);
	return argument;
}

/* The batch that @position is in: the position before its first, and its last. */
struct span {
	uint64_t before, last;
};

static struct span
batch_of(uint64_t position)
{
	struct span span = { 0, 0 };

	for (int i = 0; i < BATCHES_MOST && span.last < position; i++) {
		span.before = span.last;
		span.last += sizes[model_case][i];
	}
	return span;
}

static bool
is_end(uint64_t position)
{
	return batch_of(position).last == position;
}

/* Of each batch that is lost, something was displaced. */
static void
check_gap(const struct log_write *write, const struct batch_mark *mark)
{
	MODEL_CHECK(write->type == LOG_GAP);
	MODEL_CHECK(mark->lost == write->last - write->first + 1);
	MODEL_CHECK(batch_of(write->last).before + 1 <
		    load_relaxed(&world_session(0)->ring.oldest));
	model_note("lost");
}

static void
check_events(const struct log_write *write)
{
	MODEL_CHECK(is_end(write->first - 1) && is_end(write->last));
	MODEL_CHECK(write->entries_count == write->last - write->first + 1);
	for (uint64_t i = 0; i < write->entries_count; i++) {
		const struct reprise_log_new_entry *const entry = &write->entries[i];
		const uint64_t *const word = (const void *)entry->payload.data;

		MODEL_CHECK(entry->revision == write->first + i && entry->flags == 0);
		MODEL_CHECK(*word == (write->first + i) << 8);
	}
	model_note("recorded");
}

/* One transaction. */
static void
record_once(void)
{
	struct batch *const batch = &recorder.batch;

	(void)batch_gather(batch, &recorder, &recording);
	for (uint64_t i = 0; i < batch->writes_count; i++) {
		MODEL_CHECK(writes[i].first == recorded + 1);
		MODEL_CHECK(marks[i].through == writes[i].last);
		if (writes[i].type == LOG_RECORD)
			check_events(&writes[i]);
		else
			check_gap(&writes[i], &marks[i]);
		recorded = writes[i].last;
	}
	MODEL_CHECK(recording.taken == recorded);
	batch->writes_count = batch->entries_count = batch->bytes_used = 0;
}

static void *
record(void *argument)
{
	for (int i = 0; i < ROUNDS; i++)
		record_once();
	return argument;
}

int
main(void)
{
	const struct world_shape shape = {
		.wake = WORLD_BARRIER,
		.events_max = 8,
		.bytes_max = model_case == LONG_BATCH ? 256 : 128,
		.payload_words = 1,
	};
	pthread_t threads[2];

	world_open(&shape);
	recorded = 0;
	recorder = (struct reprise_recorder){ .level = LOG_WRITTEN };
	pthread_mutex_init(&recorder.lock, NULL);
	recorder.batch = (struct batch){
		.bytes = bytes,
		.bytes_limit = 1,
		.entries = entries,
		.entries_max = 1,
		.writes = writes,
		.marks = marks,
		.writes_max = WRITES,
		.places = places,
		.places_max = 1,
	};
	recording = (struct recording){ .session = world_session(0), .has_writer = true };
	MODEL_CHECK(pthread_create(&threads[0], NULL, append, NULL) == 0);
	MODEL_CHECK(pthread_create(&threads[1], NULL, record, NULL) == 0);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 16 && recorded < load_relaxed(&world_session(0)->ring.newest); i++)
		record_once();
	MODEL_CHECK(recorded == load_relaxed(&world_session(0)->ring.newest));
	world_close();
	return 0;
}
