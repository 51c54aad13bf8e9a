/* SPDX-License-Identifier: MIT */

/*
 * A recorder whose transactions hold one event each, beside a writer of batches that displaces what
 * the recorder copies: each transaction has a batch as a whole, or not at all, and no event is left
 * out. The recorder's own source (recorder/batch.c) gathers them; the commits are written down
 * here. The end that comes with the last batch is in the batch's transaction, and a subscription
 * that has seen the last event sees the end next.
 */

#include <pthread.h>

#include "recorder/recorder.h"
#include "world.h"

const struct model_case model_cases[] = {
	{ "batches", { "recorded", "lost" } },
	{ "long batch", { "recorded", "lost" } },
	{ "end recorded", { "recorded", "the end" } },
	{ "end seen", { "an end", "stored, and not visible" } },
	{ "end seen for one", { "an end", "stored, and not visible" } },
	{ NULL, { NULL } },
};

enum {
	BATCHES,
	LONG_BATCH,
	END_RECORDED, /* the last batch and the end in one */
	END_SEEN,     /* the same, by a subscription */
	END_SEEN_FOR_ONE,
};

enum {
	ENTRIES = 16,
	WRITES = 32,
	BATCHES_MOST = 4,
	ROUNDS = 2,
};

static const unsigned int sizes[][BATCHES_MOST] = {
	[BATCHES] = { 2, 1, 2, 2 }, [LONG_BATCH] = { 3, 3 },       [END_RECORDED] = { 1, 2 },
	[END_SEEN] = { 1, 2 },      [END_SEEN_FOR_ONE] = { 1, 1 },
};

static struct reprise_recorder recorder;
static struct recording recording;
static struct reprise_log_new_entry entries[ENTRIES];
static struct log_write writes[WRITES];
static struct batch_mark marks[WRITES];
static uint64_t places[1];
static unsigned char bytes[1024];
static uint64_t recorded;
static struct reprise_subscription *subscription;
static struct books books;

/* --- what batch.c asks of the rest ------------------------------------------------------------ */

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

static bool
is_with_end(void)
{
	return model_case >= END_RECORDED;
}

/* --- the writer, and the writing thread ------------------------------------------------------- */

static void *
append(void *argument)
{
	for (int i = 0; i < BATCHES_MOST && sizes[model_case][i] != 0; i++) {
		const bool is_last = i + 1 == BATCHES_MOST || sizes[model_case][i + 1] == 0;

		if (is_last && is_with_end())
			world_append_end(0, sizes[model_case][i]);
		else
			world_append_batch(0, sizes[model_case][i]);
	}
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

/* How many are appended. */
static uint64_t
all(void)
{
	return batch_of(UINT64_MAX).last;
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
		MODEL_CHECK(marks[i].through == writes[i].last);
		if (writes[i].type == LOG_END) {
			MODEL_CHECK(writes[i].end_status == 5);
			MODEL_CHECK(recorded == all());
			recording.has_ended = true;
			model_note("the end");
			continue;
		}
		MODEL_CHECK(writes[i].first == recorded + 1);
		if (writes[i].type == LOG_RECORD)
			check_events(&writes[i]);
		else
			check_gap(&writes[i], &marks[i]);
		recorded = writes[i].last;
	}
	MODEL_CHECK(recording.taken == recorded);
	/* In that transaction, or none. */
	MODEL_CHECK(!is_with_end() || recording.has_ended == (recorded == all()));
	batch->writes_count = batch->entries_count = batch->bytes_used = 0;
}

/* The subscription: once it has the last event, it finds the end at the next look. */
static void *
look(void *argument)
{
	struct ring *const ring = &world_session(0)->ring;

	for (int i = 0; i < 5; i++) {
		const bool has_all = books.seen == all();
		const reprise_outcome outcome = world_take(subscription, &books);

		MODEL_CHECK(!has_all || outcome == REPRISE_NEXT_ENDED);
		MODEL_CHECK(outcome != REPRISE_NEXT_ENDED || books.seen == all());
		MODEL_CHECK(outcome != REPRISE_NEXT_EMPTY || is_end(books.seen));
		if (load_relaxed(&ring->ended) != 0 && load_relaxed(&ring->newest) < all())
			model_note("stored, and not visible");
	}
	return argument;
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
	subscription = world_subscribe(0, 0);
	books = (struct books){ 0 };
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
	MODEL_CHECK(pthread_create(&threads[1], NULL, model_case >= END_SEEN ? look : record,
				   NULL) == 0);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	if (model_case >= END_SEEN) {
		world_balance(subscription, &books, all());
		MODEL_CHECK(books.is_ended);
		world_close();
		return 0;
	}
	for (int i = 0; i < 16 && recorded < load_relaxed(&world_session(0)->ring.newest); i++)
		record_once();
	MODEL_CHECK(recorded == load_relaxed(&world_session(0)->ring.newest));
	world_close();
	return 0;
}
