/* SPDX-License-Identifier: MIT */

/*
 * A recorder beside a ring. Where appends are refused rather than displace what is not recorded, all that it copies
 * is whole and nothing is missing. Who sees what is recorded alone is woken by that. And a page that was
 * asked for is seen whole and wakes who sleeps, whatever else is asked, cancelled and recorded meanwhile: that is the
 * recorder's own source (recorder/heal.c) over a log that is a number under a lock.
 */

#include <pthread.h>

#include "recorder/page.h"
#include "recorder/recorder.h"
#include "store/port.h"
#include "world.h"

const struct model_case model_cases[] = {
	{ "refused", { "refused", "recorded" } },
	{ "recorded only", { "slept" } },
	{ "recorded only fenced", { "slept" } },
	{ "recorded only for two", { "slept" } },
	{ "recorded only deferred", { "slept" } },
	{ "recorded only at last", { "slept" } },
	{ "healed", { "slept", "healed" } },
	{ "healed fenced", { "slept", "healed" } },
	{ "healed by the relay", { "slept", "healed" } },
	{ "healed deferred", { "slept", "healed" } },
	{ "healed late", { "slept", "healed", "parked" } },
	{ "healed again", { "healed", "cancelled" } },
	{ NULL, { NULL } },
};

enum {
	REFUSED,
	ONLY,
	ONLY_FENCED,
	ONLY_FOR_TWO,
	ONLY_DEFERRED,
	ONLY_AT_LAST, /* deferred, and nothing is appended that the relay would see */
	HEALED,
	HEALED_FENCED,
	HEALED_BY_THE_RELAY,
	HEALED_DEFERRED,
	HEALED_LATE,
	HEALED_AGAIN,
};

enum {
	KEPT = 2, /* events, by the window */
	TRIES = 6,
};

static struct reprise_subscription *subscriptions[2];
static struct books books[2];
static struct reprise_session *session;
static atomic_u64 told; /* how far the log has come; before it is said */

/* --- what is refused, and what is copied -------------------------------------------------------- */

static uint64_t copied;
static unsigned char copy[1024];
static uint64_t copy_places[8];

static void *
append_or_be_refused(void *argument)
{
	for (int i = 0; i < TRIES; i++) {
		const uint64_t position = load_relaxed(&session->ring.newest) + 1;
		const uint64_t word = position << 8;
		const reprise_status status = reprise_append(
			session, position, 7, 0, (struct reprise_bytes){ &word, 8 }, NULL);

		MODEL_CHECK(status == REPRISE_OK || status == REPRISE_E_FULL);
		if (status == REPRISE_E_FULL)
			model_note("refused");
		else if (position > KEPT)
			MODEL_CHECK(load_relaxed(&told) >= position - KEPT);
	}
	return argument;
}

/* Copies what there is, and says that it is recorded. */
static void
record_once(void)
{
	struct stretch stretch = {
		.places = copy_places, .places_max = 8, .bytes = copy, .bytes_want = sizeof(copy)
	};
	const uint64_t before = copied;

	(void)port_take(session, copied, &stretch);
	for (; stretch.count > 0; stretch_pass(&stretch)) {
		const struct record *const record = stretch_record(&stretch);
		const uint64_t *const word = (const void *)record_payload(record);

		MODEL_CHECK(stretch.first == copied + 1);
		MODEL_CHECK(*word == stretch.first << 8);
		copied = stretch.first;
	}
	if (copied == before)
		return;
	store_relaxed(&told, copied);
	port_recorded(session, copied);
	model_note("recorded");
}

static void *
record(void *argument)
{
	for (int i = 0; i < 3; i++)
		record_once();
	return argument;
}

/* --- who sees what is recorded alone ------------------------------------------------------------ */

static void *
append_and_record(void *argument)
{
	if (model_case != ONLY_AT_LAST) {
		port_recorded(session, 1);
		world_append(0);
	}
	port_recorded(session, 2);
	return argument;
}

/* --- who heals ---------------------------------------------------------------------------------- */

static struct reprise_recorder recorder;
static pthread_mutex_t log_lock;
static uint64_t log_newest;
static bool has_cancelled, has_overtaken;

uint64_t
recorder_hash(const char *id)
{
	return (uint64_t)id[0];
}

/* Without a time-out: a wake-up that was lost stays lost. */
bool
recorder_sleep(pthread_cond_t *condition, pthread_mutex_t *lock, uint64_t deadline_ns)
{
	(void)deadline_ns;
	pthread_cond_wait(condition, lock);
	return true;
}

void
page_read_ahead(struct reprise_recorder *mine)
{
	(void)mine;
}

void
page_say_nothing(struct backfill *backfill)
{
	(void)backfill;
	MODEL_CHECK(false);
}

/* An event a page. */
bool
page_load(struct reprise_recorder *mine, struct backfill *backfill,
	  const struct backfill_question *question)
{
	const uint64_t position = question->after + 1;
	const uint64_t word = position << 8;
	struct backfill_page *const page = backfill_page_begin(backfill);
	bool has_memory;

	(void)mine;
	pthread_mutex_lock(&log_lock);
	const bool is_there = position <= log_newest;

	page->head = log_newest;
	pthread_mutex_unlock(&log_lock);
	if (!is_there) {
		model_note("parked");
		return false;
	}
	MODEL_CHECK(backfill_records_put(backfill->store, &page->records,
					 &(struct backfill_event){ .position = position,
								   .revision = position,
								   .shape = shape_of(8, 7, 0),
								   .payload = &word },
					 &has_memory));
	store_relaxed(&told, position);
	return true;
}

static void *
record_late(void *argument)
{
	pthread_mutex_lock(&log_lock);
	log_newest = load_relaxed(&session->ring.newest);
	pthread_mutex_unlock(&log_lock);
	heal_again(&recorder, recorder_hash(session->id));
	return argument;
}

/* The host is overtaken once more. */
static void
overtake(void)
{
	has_overtaken = true;
	for (int i = 0; i < KEPT; i++)
		world_append(0);
	(void)record_late(NULL);
}

static void
ask(struct store_port *mine, struct backfill *backfill)
{
	/* A page was taken: what was done before it was ready is seen. */
	if (subscriptions[0]->page != NULL)
		MODEL_CHECK(load_relaxed(&told) >= backfill->question.after);
	heal_ask(mine, backfill);
}

static void
cancel(struct store_port *mine, struct backfill *backfill)
{
	heal_cancel(mine, backfill);
	has_cancelled = true;
	pthread_mutex_lock(&recorder.healing.lock);
	if (backfill->is_cancelled)
		model_note("cancelled");
	pthread_mutex_unlock(&recorder.healing.lock);
}

static const struct store_port port = {
	.ask = ask,
	.cancel = cancel,
	.orphan = heal_orphan,
};

static void
open_healing(void)
{
	static struct block block;

	pthread_mutex_init(&log_lock, NULL);
	log_newest = model_case == HEALED_LATE ? 1 : 4;
	has_cancelled = false;
	has_overtaken = model_case != HEALED_AGAIN;
	recorder = (struct reprise_recorder){ .port = port };
	recorder.options.heal_wait_ns = UINT64_MAX;
	pthread_mutex_init(&recorder.healing.lock, NULL);
	pthread_cond_init(&recorder.healing.has_work, NULL);
	TAILQ_INIT(&recorder.healing.queue);
	TAILQ_INIT(&recorder.healing.parked);
	session->store->port = &recorder.port;
	pool_open(&session->store->pool, &session->store->memory, false);
	subscriptions[0]->block = &block;
	subscriptions[0]->at.session_id[0] = session->id[0];
	subscriptions[0]->backfill = backfill_open(subscriptions[0]);
	MODEL_CHECK(subscriptions[0]->backfill != NULL);
}

static void
close_healing(pthread_t thread)
{
	backfill_close(subscriptions[0]->backfill);
	pthread_mutex_lock(&recorder.healing.lock);
	recorder.healing.is_stopping = true;
	pthread_cond_broadcast(&recorder.healing.has_work);
	pthread_mutex_unlock(&recorder.healing.lock);
	pthread_join(thread, NULL);
	pool_close(&session->store->pool);
}

/* --- hosts -------------------------------------------------------------------------------------- */

static bool
is_healing_case(void)
{
	return model_case >= HEALED;
}

static uint64_t
events(void)
{
	return model_case == HEALED_AGAIN ? 4 + KEPT : is_healing_case() ? 4 : 2;
}

static void *
follow(void *argument)
{
	const unsigned int me = *(const unsigned int *)argument;
	struct reprise_subscription *const mine = subscriptions[me];

	subscription_be_counted(mine, session);
	for (int i = 0; i < 24 && books[me].seen < events(); i++) {
		const reprise_outcome outcome = world_take(mine, &books[me]);

		MODEL_CHECK(outcome != REPRISE_NEXT_GAP);
		MODEL_CHECK(is_healing_case() ||
			    books[me].seen <= load_relaxed(&session->recorded));
		if (outcome == REPRISE_NEXT_EVENT && mine->stage == STAGE_HEALING) {
			model_note("healed");
			MODEL_CHECK(load_relaxed(&told) >= books[me].seen);
		}
		if (outcome == REPRISE_NEXT_EVENT && has_cancelled && !has_overtaken)
			overtake();
		if (outcome == REPRISE_NEXT_EVENT || i % 2 == 0)
			continue;
		MODEL_CHECK(reprise_wait(mine, UINT64_MAX) == REPRISE_OK);
		if (load_relaxed(&mine->sleeps) > 0)
			model_note("slept");
	}
	MODEL_CHECK(books[me].seen == events());
	return argument;
}

static bool
is_deferred(void)
{
	return model_case == ONLY_DEFERRED || model_case == ONLY_AT_LAST ||
	       model_case == HEALED_DEFERRED;
}

static unsigned int
hosts(void)
{
	return model_case == ONLY_FOR_TWO ? 2 : model_case == REFUSED ? 0 : 1;
}

static unsigned int
events_before(void)
{
	return is_healing_case()            ? 4
	       : model_case == REFUSED      ? 0
	       : model_case == ONLY_AT_LAST ? 2
					    : 1;
}

static void
prepare(void)
{
	const bool is_fenced = model_case == ONLY_FENCED || model_case == HEALED_FENCED;
	const struct world_shape shape = {
		.wake = is_deferred() ? WORLD_DEFERRED
			: is_fenced   ? WORLD_FENCED
				      : WORLD_BARRIER,
		.events_max = KEPT,
		.bytes_max = 256,
		.payload_words = 1,
		.has_relay = model_case != REFUSED,
	};
	uint32_t epoch;

	world_open(&shape);
	session = world_session(0);
	atomic_init(&told, 0);
	copied = 0;
	for (unsigned int i = 0; i < hosts(); i++) {
		subscriptions[i] = world_subscribe(i, 0);
		subscriptions[i]->is_recorded_only = !is_healing_case();
		books[i] = (struct books){ 0 };
	}
	for (unsigned int i = 0; i < events_before(); i++)
		world_append(0);
	if (model_case == REFUSED) {
		store_relaxed(&session->refuses, 1);
		session->ring.run_end = 0;
	}
	/* As a sleeper leaves it whose time ran out: whoever comes next is for the relay. */
	if (model_case == HEALED_BY_THE_RELAY)
		MODEL_CHECK(bell_arm_direct(&session->bell, false, &epoch));
	/* Somebody else is with the relay already. */
	if (model_case == ONLY_AT_LAST)
		(void)hand_raise(world_subscribe(1, 0), true);
	if (is_deferred())
		model_allow(0, 4, 0);
	if (is_healing_case())
		open_healing();
}

static void
run_refused(void)
{
	pthread_t threads[2];

	MODEL_CHECK(pthread_create(&threads[0], NULL, append_or_be_refused, NULL) == 0);
	MODEL_CHECK(pthread_create(&threads[1], NULL, record, NULL) == 0);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < KEPT; i++)
		record_once(); /* up to the arena's end, and the rest */
	MODEL_CHECK(copied == load_relaxed(&session->ring.newest));
}

int
main(void)
{
	static const unsigned int numbers[] = { 0, 1 };
	pthread_t threads[3], healing = 0;
	int count = 0;

	prepare();
	if (model_case == REFUSED)
		run_refused();
	if (is_healing_case())
		MODEL_CHECK(pthread_create(&healing, NULL, heal_run, &recorder) == 0);
	for (unsigned int i = 0; i < hosts(); i++)
		MODEL_CHECK(pthread_create(&threads[count++], NULL, follow, (void *)&numbers[i]) ==
			    0);
	if (hosts() > 0 && !is_healing_case())
		MODEL_CHECK(pthread_create(&threads[count++], NULL, append_and_record, NULL) == 0);
	if (model_case == HEALED_LATE)
		MODEL_CHECK(pthread_create(&threads[count++], NULL, record_late, NULL) == 0);
	for (int i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	if (is_healing_case())
		close_healing(healing);
	world_close();
	return 0;
}
