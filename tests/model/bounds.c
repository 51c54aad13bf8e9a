/* SPDX-License-Identifier: MIT */

/*
 * The words that bound a window, against each other: what one look answers fits together, a floor
 * is never above the newest, a search and a probe answer what was true, and a writer that hands
 * over leaves nothing that the next one could tear.
 */

#include <pthread.h>

#include "world.h"

const struct model_case model_cases[] = {
	{ "sole", { "looked", "emptied" } },
	{ "trim", { "looked", "floor seen", "a gap" } },
	{ "trim by two", { "looked", "floor seen" } },
	{ "age", { "looked", "floor seen", "a gap" } },
	{ "age in part", { "looked", "floor seen", "a gap" } },
	{ "age of none", { "looked", "a gap" } },
	{ "void", { "void seen" } },
	{ "end", { "end seen" } },
	{ "search", { "found", "overtaken" } },
	{ "newest", { "newest known" } },
	{ "handover", { "an event", "a gap" } },
	{ "handover running", { "an event", "a gap" } },
	{ "handover reserved", { "an event", "a gap" } },
	{ NULL, { NULL } },
};

enum {
	SOLE,
	TRIM,
	TRIM_BY_TWO,
	AGE,
	AGE_IN_PART,
	AGE_OF_NONE,
	VOID,
	END,
	SEARCH,
	NEWEST,
	HANDOVER,
	HANDOVER_RUNNING,
	HANDOVER_RESERVED,
};

enum {
	AGE_LIMIT = 50, /* events are older; in part, up to position 1 */
};

static const struct world_shape shapes[] = {
	[SOLE] = { .events_max = 4, .bytes_max = 64, .payload_words = 1 },
	[TRIM] = { .events_max = 4, .bytes_max = 256, .payload_words = 1 },
	[TRIM_BY_TWO] = { .events_max = 4, .bytes_max = 256, .payload_words = 1 },
	[AGE] = { .events_max = 4, .bytes_max = 256, .payload_words = 1 },
	[AGE_IN_PART] = { .events_max = 4, .bytes_max = 256, .payload_words = 1 },
	[AGE_OF_NONE] = { .events_max = 2, .bytes_max = 128, .payload_words = 1 },
	[VOID] = { .events_max = 4, .bytes_max = 256, .payload_words = 1 },
	[END] = { .events_max = 4, .bytes_max = 256, .payload_words = 1 },
	[SEARCH] = { .events_max = 3, .bytes_max = 256, .payload_words = 1 },
	[NEWEST] = { .events_max = 2, .bytes_max = 128, .payload_words = 1 },
	[HANDOVER] = { .events_max = 8, .bytes_max = 128, .payload_words = 1, .more_words = 1 },
	[HANDOVER_RESERVED] = { .events_max = 8,
				.bytes_max = 128,
				.payload_words = 1,
				.more_words = 1 },
	[HANDOVER_RUNNING] = { .events_max = 4, .bytes_max = 256, .payload_words = 1 },
};

static struct reprise_subscription *subscription;
static struct books books;
static struct ring *ring;
static pthread_mutex_t writing;
static uint64_t turns; /* of the writers, under that lock */
static atomic_u64 told;

static void
check_look(void)
{
	const struct look look = ring_look(ring);

	MODEL_CHECK(look.newest + 1 >= look.oldest);
	MODEL_CHECK(look.newest >= look.floor_age && look.newest >= look.floor_request);
	MODEL_CHECK(look.newest + 1 >= look.kept);
	MODEL_CHECK(look.newest + 1 - look.kept <= ring->events_max);
	MODEL_CHECK(look.floor_age <= 1 || model_case == AGE);
	MODEL_CHECK(look.floor_age == 0 || model_case != AGE_OF_NONE);
	MODEL_CHECK(look.ended == 0 || look.newest == 3);
	model_note("looked");
	if (look.kept > look.newest)
		model_note("emptied");
	if (look.floor_request > 0 || look.floor_age > 0)
		model_note("floor seen");
	if (look.ended != 0)
		model_note("end seen");
}

static void *
write_more(void *argument)
{
	switch (model_case) {
	case VOID:
		store_relaxed(&told, 1);
		ring_void(ring);
		break;
	case END:
		world_append(0);
		MODEL_CHECK(reprise_writer_end(session_writer(world_session(0)), 0) == REPRISE_OK);
		break;
	case SEARCH:
	case NEWEST:
		for (int i = 0; i < 4; i++)
			world_append(0);
		break;
	default:
		world_append(0);
		world_append(0);
	}
	return argument;
}

/*
 * The first of two makes room and does not use it; or uses it in part. The other goes
 * on from there.
 */
static void *
write_in_turn(void *argument)
{
	pthread_mutex_lock(&writing);
	const uint64_t turn = turns++;

	if (model_case == HANDOVER_RESERVED) {
		if (turn == 0)
			world_reserve(0);
		else
			world_publish(0);
	} else if (turn > 0) {
		world_append(0);
	} else if (model_case == HANDOVER) {
		world_reserve(0);
		MODEL_CHECK(reprise_abort(session_writer(world_session(0))) == REPRISE_OK);
	} else {
		world_append(0);
		world_append(0);
	}
	pthread_mutex_unlock(&writing);
	return argument;
}

static void *
trim(void *argument)
{
	if (model_case == AGE || model_case == AGE_IN_PART)
		ring_trim_stamp(ring, AGE_LIMIT, false);
	else if (model_case == AGE_OF_NONE)
		ring_trim_stamp(ring, 1, false);
	else if (argument == NULL)
		ring_trim_to(ring, 1);
	else
		ring_trim_to(ring, 100); /* clamped */
	return argument;
}

static void
search(void)
{
	const uint64_t begin = load_relaxed(&ring->newest);

	for (uint64_t revision = 1; revision <= 4; revision++) {
		const uint64_t answer = ring_before_revision(ring, revision);

		/* Revisions are positions: after that one, or the newest if there is none after. */
		MODEL_CHECK(answer == 0 || answer == revision ||
			    (answer < revision && answer >= begin));
		model_note(answer == 0 ? "overtaken" : "found");
	}
}

static void *
look(void *argument)
{
	uint64_t position, revision;

	switch (model_case) {
	case VOID:
		if (ring_is_void(ring)) {
			MODEL_CHECK(load_relaxed(&told) == 1);
			model_note("void seen");
		}
		break;
	case SEARCH:
		search();
		break;
	case NEWEST:
		if (ring_newest(ring, &position, &revision)) {
			MODEL_CHECK(position == revision);
			model_note("newest known");
		}
		break;
	case HANDOVER:
	case HANDOVER_RUNNING:
	case HANDOVER_RESERVED:
		(void)world_take(subscription, &books);
		(void)world_take(subscription, &books);
		break;
	case SOLE:
	case END:
		check_look();
		break;
	default:
		check_look();
		(void)world_take(subscription, &books);
	}
	return argument;
}

static void
prepare(void)
{
	const int before = model_case == HANDOVER_RUNNING ? 4
			   : model_case == SOLE           ? 1
			   : model_case == SEARCH         ? 3
							  : 2;

	world_append(0);
	if (model_case == AGE_IN_PART)
		world_stamp(AGE_LIMIT);
	for (int i = 1; i < before; i++)
		world_append(0);
}

static bool
has_two_writers(void)
{
	return model_case >= HANDOVER;
}

static bool
has_trimmer(void)
{
	return model_case >= TRIM && model_case <= AGE_OF_NONE;
}

int
main(void)
{
	static int clamped;
	pthread_t threads[4];
	int count = 0;

	world_open(&shapes[model_case]);
	subscription = world_subscribe(0, 0);
	books = (struct books){ 0 };
	ring = &world_session(0)->ring;
	atomic_init(&told, 0);
	turns = 0;
	pthread_mutex_init(&writing, NULL);
	prepare();
	MODEL_CHECK(pthread_create(&threads[count++], NULL,
				   has_two_writers() ? write_in_turn : write_more, NULL) == 0);
	if (has_two_writers())
		MODEL_CHECK(pthread_create(&threads[count++], NULL, write_in_turn, NULL) == 0);
	if (has_trimmer())
		MODEL_CHECK(pthread_create(&threads[count++], NULL, trim, &clamped) == 0);
	if (model_case == TRIM_BY_TWO)
		MODEL_CHECK(pthread_create(&threads[count++], NULL, trim, NULL) == 0);
	MODEL_CHECK(pthread_create(&threads[count++], NULL, look, NULL) == 0);
	for (int i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	MODEL_CHECK(model_case != AGE_OF_NONE || ring_floor(ring) == 0);
	/* One of two asked for all there was, which were two at least. */
	MODEL_CHECK(model_case != TRIM_BY_TWO || ring_floor(ring) >= 2);
	if (model_case != VOID && model_case != END)
		world_balance(subscription, &books, load_relaxed(&ring->newest));
	world_close();
	return 0;
}
