/* SPDX-License-Identifier: MIT */

/*
 * A recorder beside a ring. Where appends are refused rather than displace what is not recorded,
 * all that it copies is whole and nothing is missing. A host that sees recorded events alone is
 * woken when events are recorded. And a page that was asked for is seen whole and wakes its
 * sleeper, with any other requests, cancellations and records meanwhile: that is the recorder's own
 * source (recorder/heal.c) over a log that is a number under a lock. Two hosts that ask for the
 * same page may get one that was loaded once. A host without a window that is interrupted while the
 * page brings its window wakes, wherever it sleeps by then, and the thread that interrupts it sees
 * that window as it was created.
 */

#include <pthread.h>

#include "recorder/page.h"
#include "recorder/recorder.h"
#include "store/idle.h"
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
	{ "healed for two", { "slept", "healed", "parked", "copied" } },
	{ "moved", { "moved", "slept" } },
	{ "moved deferred", { "moved", "slept" } },
	{ "moved with a group", { "moved", "moved by a wait", "moved later" } },
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
	HEALED_FOR_TWO, /* late; a page that both ask for is loaded once */
	MOVED,          /* interrupted while it gets its window */
	MOVED_DEFERRED,
	MOVED_GROUPED, /* by a wait, which has nothing to say, while the group waits, too */
};

enum {
	KEPT = 2, /* events, by the window */
	TRIES = 6,
};

static struct reprise_subscription *subscriptions[2];
static struct books books[2];
static struct reprise_session *session;
static atomic_u64 told; /* how far the log has come; before it is said */

static unsigned int
hosts(void)
{
	return model_case == ONLY_FOR_TWO || model_case == HEALED_FOR_TWO ? 2
	       : model_case == REFUSED                                    ? 0
									  : 1;
}

/* --- what is refused, and what is copied ------------------------------------------------------ */

static uint64_t copied;
static unsigned char copy[1024];
static uint64_t copy_places[8];

static void *
append_or_be_refused(void *argument)
{
	for (int i = 0; i < TRIES; i++) {
		const uint64_t position = load_relaxed(&session->ring.newest) + 1;
		const uint64_t word = position << 8;
		const reprise_status status =
			reprise_append(session_writer(session), position, 7, 0,
				       (struct reprise_bytes){ &word, 8 }, NULL);

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

/* --- who sees what is recorded alone ---------------------------------------------------------- */

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

/* --- who heals -------------------------------------------------------------------------------- */

static struct reprise_recorder recorder;
static pthread_mutex_t log_lock;
static pthread_cond_t is_asked;
static uint64_t log_newest;
static bool has_parked;                   /* under the lock */
static bool has_cancelled, has_overtaken; /* of "healed again", which has one host */

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

/* No host of these cases waits at the log's end, so the reading thread never watches a session. */
reprise_status
reprise_log_stats(struct reprise_log *log, const struct reprise_log_key *key,
		  struct reprise_log_stats *ret_stats, struct reprise_error *error)
{
	(void)log, (void)key, (void)ret_stats, (void)error;
	MODEL_CHECK(false);
	return REPRISE_E_NOT_FOUND;
}

void
recorder_note_failure(struct reprise_recorder *mine, reprise_status status,
		      const struct reprise_error *error)
{
	(void)mine, (void)status, (void)error;
	MODEL_CHECK(false);
}

void
page_say_nothing(struct backfill *backfill)
{
	(void)backfill;
	MODEL_CHECK(false);
}

static bool
is_moving_case(void)
{
	return model_case >= MOVED;
}

static bool
is_late(void)
{
	return model_case == HEALED_LATE || model_case == HEALED_FOR_TWO;
}

static atomic_u64 created; /* the window that the host gets */

/* The window: created by the reading thread, as far as others know. */
static bool
load_window(struct backfill *backfill)
{
	static struct block block;
	static _Alignas(64) unsigned char memory[4096];
	struct backfill_page *const page = backfill_page_begin(backfill);

	block.memory = memory;
	store_relaxed(&created, 1);
	page->tail = TAIL_BOUND;
	page->is_taken = true; /* the case gives it back, also if nobody has taken it */
	page->session = world_session(1);
	page->block = &block;
	return true;
}

/* The linker's names (--wrap): NOLINTBEGIN(bugprone-reserved-identifier,cert-*) */
bool __real_hand_interrupt(struct reprise_session *of, struct reprise_subscription *subscription);
bool __wrap_hand_interrupt(struct reprise_session *of, struct reprise_subscription *subscription);

/* reprise_subscription_interrupt is about to look at the session @of. */
bool
__wrap_hand_interrupt(struct reprise_session *of, struct reprise_subscription *subscription)
{
	if (of == world_session(1)) {
		model_note("moved");
		MODEL_CHECK(load_relaxed(&created) == 1);
	}
	return __real_hand_interrupt(of, subscription);
}

bool __real_reprise_private_backfill_page_copy(struct backfill *backfill,
					       const struct backfill *from);
bool __wrap_reprise_private_backfill_page_copy(struct backfill *backfill,
					       const struct backfill *from);

bool
__wrap_reprise_private_backfill_page_copy(struct backfill *backfill, const struct backfill *from)
{
	model_note("copied");
	return __real_reprise_private_backfill_page_copy(backfill, from);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-*) */

static void *
interrupt(void *argument)
{
	MODEL_CHECK(reprise_subscription_interrupt(subscriptions[0]) == REPRISE_OK);
	return argument;
}

/* An event a page. */
bool
page_load(struct reprise_recorder *mine, struct backfill *backfill,
	  const struct backfill_question *question)
{
	const uint64_t position = question->after + 1;
	const uint64_t word = position << 8;
	struct backfill_page *page;

	(void)mine;
	if (is_moving_case())
		return load_window(backfill);
	page = backfill_page_begin(backfill);
	pthread_mutex_lock(&log_lock);
	const bool is_there = position <= log_newest;

	page->head = log_newest;
	pthread_mutex_unlock(&log_lock);
	if (!is_there) {
		model_note("parked");
		pthread_mutex_lock(&log_lock);
		has_parked = true;
		pthread_cond_signal(&is_asked);
		pthread_mutex_unlock(&log_lock);
		return false;
	}
	MODEL_CHECK(backfill_records_put(backfill->store, &page->records,
					 &(struct backfill_event){ .position = position,
								   .revision = position,
								   .shape = shape_of(8, 7, 0),
								   .payload = &word }) == PUT_DONE);
	if (load_relaxed(&told) < position)
		store_relaxed(&told, position);
	return true;
}

static void *
record_late(void *argument)
{
	pthread_mutex_lock(&log_lock);
	/* The page that is served just then says that nothing has come. */
	while (model_case == HEALED_FOR_TWO && !has_parked)
		pthread_cond_wait(&is_asked, &log_lock);
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
	/* A page was taken: all stores before it was ready are seen. */
	if (backfill->subscription->page != NULL)
		MODEL_CHECK(load_relaxed(&told) >= backfill->question.after);
	heal_ask(mine, backfill);
}

static void
cancel(struct store_port *mine, struct backfill *backfill)
{
	heal_cancel(mine, backfill);
	if (model_case == HEALED_AGAIN)
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
	pthread_cond_init(&is_asked, NULL);
	has_parked = false;
	log_newest = is_late() ? 1 : 4;
	has_cancelled = false;
	has_overtaken = model_case != HEALED_AGAIN;
	recorder = (struct reprise_recorder){ .port = port };
	recorder.options.heal_wait_ns = UINT64_MAX;
	pthread_mutex_init(&recorder.healing.lock, NULL);
	pthread_cond_init(&recorder.healing.has_work, NULL);
	TAILQ_INIT(&recorder.healing.queue);
	TAILQ_INIT(&recorder.healing.parked);
	TAILQ_INIT(&recorder.healing.waiting);
	session->store->port = &recorder.port;
	pool_open(&session->store->pool, &session->store->memory, false);
	for (unsigned int i = 0; i < hosts(); i++) {
		subscriptions[i]->block = is_moving_case() ? NULL : &block;
		subscriptions[i]->at.session_id[0] = session->id[0];
		subscriptions[i]->backfill = backfill_open(subscriptions[i]);
		MODEL_CHECK(subscriptions[i]->backfill != NULL);
	}
}

static void
close_healing(pthread_t thread)
{
	for (unsigned int i = 0; i < hosts(); i++)
		backfill_close(subscriptions[i]->backfill);
	pthread_mutex_lock(&recorder.healing.lock);
	recorder.healing.is_stopping = true;
	pthread_cond_broadcast(&recorder.healing.has_work);
	pthread_mutex_unlock(&recorder.healing.lock);
	pthread_join(thread, NULL);
	pool_close(&session->store->pool);
}

/* --- hosts ------------------------------------------------------------------------------------ */

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

/* Nothing is ever appended: but for the interrupt it would sleep for ever. */
static void *
follow_window(void *argument)
{
	struct reprise_subscription *const mine = subscriptions[0];

	subscription_be_counted(mine, session);
	backfill_begin(mine);
	MODEL_CHECK(reprise_wait(mine, UINT64_MAX) == REPRISE_E_INTERRUPTED);
	if (load_relaxed(&mine->sleeps) > 0)
		model_note("slept");
	return argument;
}

/* After the wait there is an event, in the window: wherever the hand was, the group hears of it. */
static void *
follow_by_group(void *argument)
{
	struct reprise_subscription *const mine = subscriptions[0], *ready;
	struct reprise_group *group;

	MODEL_CHECK(reprise_group_open(session->store, NULL, &group, NULL) == REPRISE_OK);
	subscription_be_counted(mine, session);
	backfill_begin(mine);
	MODEL_CHECK(reprise_group_add(group, mine, NULL, NULL) == REPRISE_OK);
	MODEL_CHECK(reprise_wait(mine, UINT64_MAX) == REPRISE_E_INTERRUPTED);
	model_note(mine->session == session ? "moved later" : "moved by a wait");
	world_append(1);
	for (int i = 0; i < 8 && books[0].seen == 0; i++) {
		MODEL_CHECK(reprise_group_wait(group, UINT64_MAX) == REPRISE_OK);
		MODEL_CHECK(reprise_group_next(group, &ready, NULL) == REPRISE_OK);
		(void)world_take(ready, &books[0]);
	}
	MODEL_CHECK(books[0].seen == 1);
	reprise_group_close(group);
	return argument;
}

static void *(*host_of_case(void))(void *)
{
	return model_case == MOVED_GROUPED ? follow_by_group
	       : is_moving_case()          ? follow_window
					   : follow;
}

static bool
is_deferred(void)
{
	return model_case == ONLY_DEFERRED || model_case == ONLY_AT_LAST ||
	       model_case == HEALED_DEFERRED || model_case == MOVED_DEFERRED;
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
	/* As a sleeper leaves it whose time ran out: the next sleeper is for the relay. */
	if (model_case == HEALED_BY_THE_RELAY)
		MODEL_CHECK(bell_arm_direct(&session->bell, false, &epoch));
	/* Somebody else is with the relay already. */
	if (model_case == ONLY_AT_LAST)
		(void)hand_raise(world_subscribe(1, 0), true);
	if (is_deferred())
		model_allow(0, 4, 0);
	if (is_healing_case())
		open_healing();
	if (is_moving_case()) {
		/* The host holds the place where it waits, and the page will hold the window. */
		atomic_init(&created, 0);
		session->handles = 2;
		world_session(1)->handles = 1;
		(void)session_pin(session);
		(void)session_pin(world_session(1));
	}
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
		MODEL_CHECK(pthread_create(&threads[count++], NULL, host_of_case(),
					   (void *)&numbers[i]) == 0);
	if (is_moving_case())
		MODEL_CHECK(pthread_create(&threads[count++], NULL, interrupt, NULL) == 0);
	if (hosts() > 0 && !is_healing_case())
		MODEL_CHECK(pthread_create(&threads[count++], NULL, append_and_record, NULL) == 0);
	if (is_late())
		MODEL_CHECK(pthread_create(&threads[count++], NULL, record_late, NULL) == 0);
	for (int i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	if (is_healing_case())
		close_healing(healing);
	if (is_moving_case()) {
		if (subscriptions[0]->session == session)
			session_let_go(session);
		session_unpin(world_session(1));
	}
	world_close();
	return 0;
}
